// Where the gradient of a tensor with several readers comes together.
//
// In a cell every node is read by a mix on each edge that leaves it, and so is every pool of it. By itself autograd would have
// each reader write a gradient and add them up one by one. Here a sum that reads the tensor leaves its gradient g, which it has
// anyway, and three factors a channel; when all have, one pass over the g's writes the total. Moments are worked out once.

#include "shared.h"

#include "rows.h"

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

c10::intrusive_ptr<SharedState> state_of(const AutogradContext& ctx) {
    return c10::static_intrusive_pointer_cast<SharedState>(ctx.saved_data.at("state").toCapsule());
}

}  // namespace

at::Tensor Shared::forward(AutogradContext* ctx, const at::Tensor& x, c10::intrusive_ptr<SharedState> state, bool normalised) {
    // Norms that read x keep it, too.
    ctx->save_for_backward({normalised ? x : at::Tensor()});
    ctx->set_materialize_grads(false);
    ctx->saved_data["state"] = c10::IValue::make_capsule(std::move(state));
    return x;
}

variable_list Shared::backward(AutogradContext* ctx, variable_list gradients) {
    const auto left = std::move(state_of(*ctx)->left);
    state_of(*ctx)->left.clear();
    const auto& given = gradients[0];
    if (left.empty()) return {given, at::Tensor(), at::Tensor()};
    const auto x = ctx->get_saved_variables()[0];
    const int64_t columns = left[0].g.size(1), rows = left[0].g.numel() / columns;
    const auto format = left[0].g.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    std::vector<rows::Matrix> xs;
    std::vector<float> factors, of_x(columns, 0.0f), offset(columns, 0.0f);
    for (const auto& [g, spread] : left) {
        xs.push_back({g.const_data_ptr<float>(), columns});
        factors.insert(factors.end(), spread.begin(), spread.begin() + columns);
        for (int64_t c = 0; c < columns; ++c) of_x[c] += spread[columns + c], offset[c] += spread[2 * columns + c];
    }
    if (x.defined()) {
        xs.push_back({x.const_data_ptr<float>(), columns});
        factors.insert(factors.end(), of_x.begin(), of_x.end());
    }
    at::Tensor dense;
    if (given.defined()) {
        dense = given.contiguous(format);
        xs.push_back({dense.const_data_ptr<float>(), columns});
        factors.insert(factors.end(), columns, 1.0f);
    }
    auto total = at::empty(left[0].g.sizes(), left[0].g.options(), format);
    rows::affine_sum(xs, factors.data(), offset.data(), rows, columns, total.mutable_data_ptr<float>());
    return {total, at::Tensor(), at::Tensor()};
}

c10::intrusive_ptr<SharedState> Shared::of(const at::Tensor& x) {
    const auto node = std::dynamic_pointer_cast<torch::autograd::CppNode<Shared>>(x.grad_fn());
    return node == nullptr ? c10::intrusive_ptr<SharedState>() : state_of(node->ctx_);
}

extern "C" {

// The same tensor, that sums may leave gradients with. `normalised`: at least one of them normalises it.
char* nasc_shared(TensorPointer out, TensorPointer tensor, bool normalised) {
    return guarded([&] {
        const bool recorded = at::GradMode::is_enabled() && tensor->requires_grad();
        *out = recorded ? Shared::apply(*tensor, c10::make_intrusive<SharedState>(), normalised) : *tensor;
    });
}

}  // extern "C"
