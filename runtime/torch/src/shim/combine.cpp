// The sum of a mixed operation, with the batch-norms that feed it: one node of autograd with its derivative written by hand.
//
//   out = sum_k scale_k * (gamma_k * (x_k - mean_k) / sqrt(var_k + epsilon) + beta_k)  +  sum_j scale_j * x_j
//
// By itself libtorch would make and keep the result of every batch-norm, a weighted copy of it, and partial sums; and read and
// write all of them again on the way back. Here a batch-norm is a factor and an offset a channel, known once the moments of
// x_k are. So the forward pass reads each x_k twice and writes one tensor; the backward pass reads each twice and writes the
// gradients that are asked for. Kept for it: x_k of the norms, which the convolution before made; x_j only where the gradient
// of its scale is asked for.

#include "branches.h"
#include "rows.h"
#include "shared.h"
#include "shim.h"

#include <cmath>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

extern "C" {

// One operand of the sum. Null pointers mean absence.
struct NascTerm {
    TensorPointer x;
    TensorPointer scale;  // a scalar
    TensorPointer gamma;
    TensorPointer beta;
    TensorPointer mean;  // kept statistics: present where the term is normalised
    TensorPointer var;
    double momentum;
    double epsilon;
    bool alone;  // nothing else reads x
};
}

namespace {

// Where a term's tensors are among the inputs of the node; -1 where it has none.
struct Place {
    int64_t x = -1, scale = -1, gamma = -1, beta = -1;
    bool norm = false;
};

struct Layout {
    std::vector<Place> places;
    std::vector<at::Tensor> means, vars;  // kept statistics, of norms
    std::vector<double> momenta, epsilons;
    bool of_batch = false;
    std::vector<Maker> makers;  // of the x of each term
    std::vector<c10::intrusive_ptr<SharedState>> shared;
};

// Kept by the node: where gradients may be left.
struct Makers : torch::CustomClassHolder {
    std::vector<Maker> all;
    std::vector<c10::intrusive_ptr<SharedState>> shared;
};

// Rows and columns of a tensor [N, C] or [N, C, H, W] with channels innermost.
struct Extent {
    int64_t rows, columns;
};

Extent extent(const at::Tensor& x) { return {x.numel() / std::max<int64_t>(x.size(1), 1), x.size(1)}; }

rows::Matrix matrix(const at::Tensor& x) { return {x.const_data_ptr<float>(), x.size(1)}; }

at::Tensor channels_innermost(const at::Tensor& x) {
    return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

at::Tensor empty_like_rows(const at::Tensor& x) {
    return at::empty(x.sizes(), x.options(), x.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

// Kept numbers of the forward pass, as one double tensor: for each norm, mean then 1 / deviation of each channel.
struct Combine : public torch::autograd::Function<Combine> {
    static at::Tensor forward(AutogradContext* ctx, at::TensorList inputs, Layout layout) {
        const auto& first = inputs[layout.places[0].x];
        const auto [count, columns] = extent(first);
        const auto terms = static_cast<int64_t>(layout.places.size());
        std::vector<rows::Matrix> xs;
        std::vector<float> factors(terms * columns), offset(columns, 0.0f);
        auto statistics = at::empty({terms, 2, columns}, at::kDouble);
        for (int64_t k = 0; k < terms; ++k) {
            const auto& place = layout.places[k];
            xs.push_back(matrix(inputs[place.x]));
            const float scale = place.scale < 0 ? 1.0f : inputs[place.scale].item<float>();
            float* factor = factors.data() + k * columns;
            if (!place.norm) {
                std::fill(factor, factor + columns, scale);
                continue;
            }
            double* mean = statistics[k][0].data_ptr<double>();
            double* inverse = mean + columns;
            if (layout.of_batch) {
                const auto& shared = layout.shared[k];
                const auto* known = layout.makers[k].moments();
                if (known == nullptr && shared.defined() && !shared->moments.empty()) known = &shared->moments;
                if (known != nullptr) {
                    std::copy(known->begin(), known->end(), mean);
                } else {
                    rows::moments(xs.back(), count, columns, mean, inverse);
                    if (shared.defined()) shared->moments.assign(mean, mean + 2 * columns);
                }
                keep(layout, k, mean, inverse, count, columns);
            } else {
                const float* kept_mean = layout.means[k].const_data_ptr<float>();
                const float* kept_var = layout.vars[k].const_data_ptr<float>();
                std::copy(kept_mean, kept_mean + columns, mean);
                std::copy(kept_var, kept_var + columns, inverse);
            }
            const float* gamma = place.gamma < 0 ? nullptr : inputs[place.gamma].const_data_ptr<float>();
            const float* beta = place.beta < 0 ? nullptr : inputs[place.beta].const_data_ptr<float>();
            for (int64_t c = 0; c < columns; ++c) {
                inverse[c] = 1.0 / std::sqrt(inverse[c] + layout.epsilons[k]);
                const double slope = scale * (gamma == nullptr ? 1.0 : gamma[c]) * inverse[c];
                factor[c] = static_cast<float>(slope);
                offset[c] += static_cast<float>(scale * (beta == nullptr ? 0.0 : beta[c]) - slope * mean[c]);
            }
        }
        auto out = empty_like_rows(first);
        rows::affine_sum(xs, factors.data(), offset.data(), count, columns, out.mutable_data_ptr<float>());

        variable_list saved;
        for (const auto& place : layout.places) {
            const bool weighted = place.scale >= 0 && inputs[place.scale].requires_grad();
            saved.push_back(place.norm || weighted ? inputs[place.x] : at::Tensor());
            saved.push_back(place.scale < 0 ? at::Tensor() : inputs[place.scale]);
            saved.push_back(place.gamma < 0 ? at::Tensor() : inputs[place.gamma]);
            saved.push_back(place.beta < 0 ? at::Tensor() : inputs[place.beta]);
        }
        saved.push_back(statistics);
        ctx->save_for_backward(saved);
        ctx->saved_data["inputs"] = static_cast<int64_t>(inputs.size());
        ctx->saved_data["of_batch"] = layout.of_batch;
        auto makers = c10::make_intrusive<Makers>();
        makers->all = layout.makers;
        makers->shared = layout.shared;
        ctx->saved_data["makers"] = c10::IValue::make_capsule(makers);
        std::vector<int64_t> places;
        for (const auto& place : layout.places) {
            places.insert(places.end(), {place.x, place.scale, place.gamma, place.beta, place.norm});
        }
        ctx->saved_data["places"] = places;
        return out;
    }

    // Moves the kept statistics of term k towards the batch's, whose variance is made unbiased for that, as PyTorch does.
    static void keep(const Layout& layout, int64_t k, const double* mean, const double* variance, int64_t count,
                     int64_t columns) {
        float* kept_mean = layout.means[k].mutable_data_ptr<float>();
        float* kept_var = layout.vars[k].mutable_data_ptr<float>();
        const double momentum = layout.momenta[k];
        const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
        for (int64_t c = 0; c < columns; ++c) {
            kept_mean[c] = static_cast<float>((1.0 - momentum) * kept_mean[c] + momentum * mean[c]);
            kept_var[c] = static_cast<float>((1.0 - momentum) * kept_var[c] + momentum * variance[c] * unbiased);
        }
    }

    static variable_list backward(AutogradContext* ctx, variable_list gradients) {
        TORCH_CHECK(!at::GradMode::is_enabled(), "a mixed operation has no second derivative");
        const auto saved = ctx->get_saved_variables();
        const auto numbers = ctx->saved_data["places"].toIntVector();
        const bool of_batch = ctx->saved_data["of_batch"].toBool();
        const auto makers = c10::static_intrusive_pointer_cast<Makers>(ctx->saved_data["makers"].toCapsule());
        const auto g = channels_innermost(gradients[0]);
        const auto [count, columns] = extent(g);
        const auto terms = static_cast<int64_t>(numbers.size() / 5);
        const double* statistics = saved.back().const_data_ptr<double>();
        const auto needed = [&](int64_t input) { return input >= 0 && ctx->needs_input_grad(input); };

        // Sums over rows, of the terms that need them.
        std::vector<rows::Matrix> xs;
        std::vector<float> centres;
        std::vector<int64_t> sum_of(terms, -1);
        bool any = false;
        for (int64_t k = 0; k < terms; ++k) {
            const int64_t* place = numbers.data() + 5 * k;
            const bool norm = place[4] != 0;
            const bool uses = needed(place[1]) || (norm && (needed(place[0]) || needed(place[2]) || needed(place[3])));
            if (!uses) continue;
            any = true;
            sum_of[k] = static_cast<int64_t>(xs.size());
            xs.push_back(matrix(saved[4 * k]));
            const double* mean = statistics + 2 * k * columns;
            for (int64_t c = 0; c < columns; ++c) centres.push_back(norm ? static_cast<float>(mean[c]) : 0.0f);
        }
        std::vector<double> sums(xs.size() * columns), total(columns, 0.0);
        if (any) rows::weighted_sums(matrix(g), xs, centres.data(), count, columns, sums.data(), total.data());

        variable_list results(ctx->saved_data["inputs"].toInt() + 1);
        std::vector<float> coefficients(3 * terms * columns);
        std::vector<rows::Spread> spreads;
        for (int64_t k = 0; k < terms; ++k) {
            const int64_t* place = numbers.data() + 5 * k;
            const bool norm = place[4] != 0;
            const double* mean = statistics + 2 * k * columns;
            const double* inverse = mean + columns;
            const double* dots = sum_of[k] < 0 ? nullptr : sums.data() + sum_of[k] * columns;
            const auto& gamma = saved[4 * k + 2];
            const auto& beta = saved[4 * k + 3];
            const float* gammas = gamma.defined() ? gamma.const_data_ptr<float>() : nullptr;
            const float* betas = beta.defined() ? beta.const_data_ptr<float>() : nullptr;
            const double scale = saved[4 * k + 1].defined() ? saved[4 * k + 1].item<float>() : 1.0;
            if (needed(place[1])) {
                double sum = 0;
                for (int64_t c = 0; c < columns; ++c) {
                    const double own = norm ? dots[c] * inverse[c] * (gammas ? gammas[c] : 1.0f) : dots[c];
                    sum += own + (betas ? betas[c] * total[c] : 0.0);
                }
                results[place[1]] = at::scalar_tensor(sum, saved[4 * k + 1].options());
            }
            if (needed(place[2])) {
                results[place[2]] = at::empty_like(gamma);
                float* out = results[place[2]].mutable_data_ptr<float>();
                for (int64_t c = 0; c < columns; ++c) out[c] = static_cast<float>(scale * dots[c] * inverse[c]);
            }
            if (needed(place[3])) {
                results[place[3]] = at::empty_like(beta);
                float* out = results[place[3]].mutable_data_ptr<float>();
                for (int64_t c = 0; c < columns; ++c) out[c] = static_cast<float>(scale * total[c]);
            }
            if (!needed(place[0])) continue;
            const auto& shared = makers->shared[k];
            if (!norm && !saved[4 * k + 1].defined() && !shared.defined()) {
                results[place[0]] = g;
                continue;
            }
            float* of_g = coefficients.data() + 3 * k * columns;
            float* of_x = of_g + columns;
            float* offset = of_x + columns;
            for (int64_t c = 0; c < columns; ++c) {
                const double slope = norm ? scale * (gammas ? gammas[c] : 1.0f) * inverse[c] : scale;
                of_g[c] = static_cast<float>(slope);
                if (!norm || !of_batch) continue;
                const double along = slope * dots[c] * inverse[c] * inverse[c] / count;
                of_x[c] = static_cast<float>(-along);
                offset[c] = static_cast<float>(along * mean[c] - slope * total[c] / count);
            }
            if (const auto& maker = makers->all[k]) {
                maker.leave(std::vector<float>(of_g, of_g + 3 * columns));
                results[place[0]] = g;
                continue;
            }
            if (shared.defined()) {
                // No gradient from here: the tensor's own node adds up what was left with it.
                shared->left.push_back({g, std::vector<float>(of_g, of_g + 3 * columns)});
                continue;
            }
            results[place[0]] = empty_like_rows(g);
            float* out = results[place[0]].mutable_data_ptr<float>();
            const bool reads = norm && of_batch;
            spreads.push_back({of_g, of_x, offset, reads ? matrix(saved[4 * k]) : rows::Matrix{nullptr, 0}, out});
        }
        rows::spread(matrix(g), spreads, count, columns);
        return results;
    }
};

// Whether the loops above are for these operands: 32-bit numbers on the CPU, channels innermost or to be put there, one shape.
bool suits(const NascTerm* terms, size_t count) {
    for (size_t k = 0; k < count; ++k) {
        const auto& x = *terms[k].x;
        const bool shaped = (x.dim() == 2 || x.dim() == 4) && x.numel() > 0 && x.sizes() == terms[0].x->sizes();
        if (!shaped || !x.is_cpu() || x.scalar_type() != at::kFloat) return false;
        for (const auto* part : {terms[k].scale, terms[k].gamma, terms[k].beta, terms[k].mean, terms[k].var}) {
            if (part != nullptr && (part->scalar_type() != at::kFloat || !part->is_cpu() || !part->is_contiguous())) return false;
        }
    }
    return true;
}

at::Tensor plainly(const NascTerm& term, bool of_batch) {
    if (term.mean == nullptr) return term.scale == nullptr ? *term.x : *term.x * *term.scale;
    const auto times = [&](TensorPointer weight) {
        if (weight == nullptr) return at::Tensor();
        return term.scale == nullptr ? *weight : *weight * *term.scale;
    };
    auto gamma = times(term.gamma);
    if (!gamma.defined() && term.scale != nullptr) gamma = term.scale->expand_as(*term.mean).contiguous();
    return at::batch_norm(*term.x, gamma, times(term.beta), *term.mean, *term.var, of_batch, term.momentum, term.epsilon, true);
}

}  // namespace

extern "C" {

// The sum of at least one term. With `of_batch`, norms take the batch's statistics and move the kept ones; else the kept ones.
char* nasc_combine(TensorPointer out, const NascTerm* terms, size_t count, bool of_batch) {
    return guarded([&] {
        TORCH_CHECK(count > 0, "a sum of nothing");
        if (!suits(terms, count)) {
            auto sum = plainly(terms[0], of_batch);
            for (size_t k = 1; k < count; ++k) sum = sum + plainly(terms[k], of_batch);
            *out = sum;
            return;
        }
        variable_list inputs;
        Layout layout;
        layout.of_batch = of_batch;
        const auto add = [&](const TensorPointer tensor) -> int64_t {
            if (tensor == nullptr) return -1;
            inputs.push_back(*tensor);
            return static_cast<int64_t>(inputs.size()) - 1;
        };
        for (size_t k = 0; k < count; ++k) {
            Place place;
            inputs.push_back(channels_innermost(*terms[k].x));
            place.x = static_cast<int64_t>(inputs.size()) - 1;
            place.scale = add(terms[k].scale);
            place.gamma = add(terms[k].gamma);
            place.beta = add(terms[k].beta);
            place.norm = terms[k].mean != nullptr;
            layout.places.push_back(place);
            layout.makers.push_back(place.norm && terms[k].alone ? Maker::of(inputs[place.x]) : Maker());
            layout.shared.push_back(Shared::of(inputs[place.x]));
            layout.means.push_back(place.norm ? *terms[k].mean : at::Tensor());
            layout.vars.push_back(place.norm ? *terms[k].var : at::Tensor());
            layout.momenta.push_back(terms[k].momentum);
            layout.epsilons.push_back(terms[k].epsilon);
        }
        *out = Combine::apply(at::TensorList(inputs), layout);
    });
}

}  // extern "C"
