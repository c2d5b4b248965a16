// What training needs of libtorch and the crate `tch` does not bind.
//
// Every function returns null or a message (see `guarded`). Results are written over a tensor that the caller made.

#include "shim.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <cmath>
#include <dlfcn.h>
#include <map>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Gradients laid out as their tensors are. The fused kernels walk over memory and not over indices, so a gradient in another
// memory format would be added to the wrong weights.
std::vector<at::Tensor> laid_out_like(const std::vector<at::Tensor>& tensors, std::vector<at::Tensor> gradients) {
    for (size_t i = 0; i < tensors.size(); ++i) {
        if (gradients[i].strides() != tensors[i].strides() || gradients[i].scalar_type() != tensors[i].scalar_type()) {
            gradients[i] = at::empty_like(tensors[i]).copy_(gradients[i]);
        }
    }
    return gradients;
}


// Samples of Dirichlet distributions, one a row, with the pathwise gradient that torch.distributions.Dirichlet.rsample has:
// dL/db = G * (g - sum(x * g)), where G is how a sample moves with its concentration (`_dirichlet_grad`).
struct Dirichlet : public torch::autograd::Function<Dirichlet> {
    static at::Tensor forward(AutogradContext* ctx, const at::Tensor& concentration) {
        const auto sample = at::_sample_dirichlet(concentration);
        ctx->save_for_backward({concentration, sample});
        return sample;
    }

    static variable_list backward(AutogradContext* ctx, variable_list gradients) {
        const auto saved = ctx->get_saved_variables();
        const auto& concentration = saved[0];
        const auto& sample = saved[1];
        const auto total = concentration.sum(-1, true).expand_as(concentration);
        const auto slope = at::_dirichlet_grad(sample, concentration, total.contiguous());
        const auto& g = gradients[0];
        return {slope * (g - (sample * g).sum(-1, true))};
    }
};

}  // namespace

extern "C" {

void nasc_free(char* message) { free(message); }

// Seeds the generator of the CPU, and those of every CUDA device if there is one.
char* nasc_manual_seed(uint64_t seed) {
    return guarded([&] { at::manual_seed(seed); });
}

// Opens libtorch's CUDA half, which registers itself. Null where that worked or it was there already.
char* nasc_load_cuda() {
    return guarded([&] {
        if (at::hasCUDA()) return;
        // Found by the run path of this program, which is the folder of its libtorch, or by LD_LIBRARY_PATH.
        if (dlopen("libtorch_cuda.so", RTLD_LAZY | RTLD_GLOBAL) == nullptr) throw std::runtime_error(dlerror());
    });
}

// The same values in the memory format that puts channels innermost, of a 4-d tensor.
char* nasc_channels_last(TensorPointer out, TensorPointer tensor) {
    return guarded([&] { *out = tensor->contiguous(at::MemoryFormat::ChannelsLast); });
}

// Scales gradients in place so that the norm of all of them together is at most `limit`. On the CPU, where looking costs
// nothing, a norm that is not finite is an error and changes nothing.
char* nasc_clip_grad_norm(const TensorPointer* gradients, size_t count, double limit) {
    return guarded([&] {
        at::NoGradGuard no_grad;
        if (count == 0) return;
        const auto all = tensors_of(gradients, count);
        const auto norm = at::stack(at::_foreach_norm(all)).norm();
        if (norm.is_cpu()) {
            const auto value = norm.item<double>();
            TORCH_CHECK(std::isfinite(value), "the norm of the gradients is ", value);
        }
        // As in PyTorch: the small number keeps a norm of zero from dividing by it, and a factor of 1 changes no bit.
        at::_foreach_mul_(all, (limit / (norm + 1e-6)).clamp_max(1.0));
    });
}

// One step of SGD with momentum in place. Buffers of zeros stand for "no step yet".
char* nasc_fused_sgd(const TensorPointer* tensors, const TensorPointer* gradients, const TensorPointer* buffers, size_t count,
                     double rate, double momentum, double weight_decay, bool nesterov) {
    return guarded([&] {
        at::NoGradGuard no_grad;
        if (count == 0) return;
        const auto weights = tensors_of(tensors, count);
        const auto grads = laid_out_like(weights, tensors_of(gradients, count));
        // The kernel reads no buffer where momentum is 0, and demands that none is given.
        const auto kept = momentum == 0.0 ? std::vector<at::Tensor>{} : tensors_of(buffers, count);
        at::_fused_sgd_(weights, grads, kept, weight_decay, momentum, rate, /*dampening=*/0.0, nesterov && momentum != 0.0,
                        /*maximize=*/false, /*is_first_step=*/false);
    });
}

// A step of Adam in place, the `steps[i]`-th (from 1) of tensor i. `decoupled` takes the weight decay past the gradient (AdamW).
char* nasc_fused_adam(const TensorPointer* tensors, const TensorPointer* gradients, const TensorPointer* means,
                      const TensorPointer* squares, size_t count, double rate, double beta1, double beta2,
                      const uint64_t* steps, double weight_decay, double epsilon, bool decoupled) {
    return guarded([&] {
        at::NoGradGuard no_grad;
        if (count == 0) return;
        const auto parameters = tensors_of(tensors, count);
        const auto grads = laid_out_like(parameters, tensors_of(gradients, count));
        // The kernels want a number of 32 bits for each tensor, on its device. Most tensors share one.
        std::map<uint64_t, at::Tensor> made;
        std::vector<at::Tensor> numbers;
        numbers.reserve(count);
        for (size_t i = 0; i < count; ++i) {
            auto& number = made[steps[i]];
            if (!number.defined()) {
                number = at::full({}, static_cast<double>(steps[i]), parameters[0].options().dtype(at::kFloat));
            }
            numbers.push_back(number);
        }
        const auto first = tensors_of(means, count);
        const auto second = tensors_of(squares, count);
        if (decoupled) {
            at::_fused_adamw_(parameters, grads, first, second, {}, numbers, rate, beta1, beta2, weight_decay, epsilon,
                              /*amsgrad=*/false, /*maximize=*/false);
        } else {
            at::_fused_adam_(parameters, grads, first, second, {}, numbers, rate, beta1, beta2, weight_decay, epsilon,
                             /*amsgrad=*/false, /*maximize=*/false);
        }
    });
}

// A sample of the Dirichlet distribution of each row of concentrations, differentiable.
char* nasc_dirichlet_rsample(TensorPointer out, TensorPointer concentration) {
    return guarded([&] { *out = Dirichlet::apply(*concentration); });
}

}  // extern "C"
