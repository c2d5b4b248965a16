// Depthwise convolutions that leave one tensor, with what stands before and behind them: one node of autograd.
//
//   y = relu(batch_norm(x))                 either may be missing
//   out_k = conv1x1_k(depthwise_k(y))       the 1x1 convolution may be missing
//
// The cells of search spaces are full of these: every separable or dilated convolution on every edge begins with the same
// ReLU of the same tensor. libtorch would make and keep y, every depthwise result and a gradient of y for each branch, and its
// depthwise gradients are slow with channels innermost. Here a picture is taken into the cache once, all branches are computed
// from there, and only x is kept: the backward pass makes y again, and depthwise results where the gradient of a 1x1
// convolution's weights is asked for. Gradients of x are added up in the cache.
//
// Pictures are dealt into a number of parts that depends on their number alone, so results do not depend on that of threads.

#include "branches.h"

#include "rows.h"

#include <ATen/Parallel.h>
#include <cmath>

using deep::Grid;
using deep::Lattice;
using deep::Margin;
using deep::Packed;
using deep::Picture;
using deep::steps_in;
using deep::Window;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

extern "C" {

// What all branches share. Null pointers mean absence.
struct NascBefore {
    TensorPointer x;
    TensorPointer gamma;
    TensorPointer beta;
    TensorPointer mean;  // kept statistics: present where x is normalised
    TensorPointer var;
    double momentum;
    double epsilon;
    bool relu;
    bool alone;  // nothing else reads x
};

// A branch. The 1x1 convolution may be null.
struct NascBranch {
    TensorPointer deep;   // [C, 1, kernel, kernel]
    TensorPointer point;  // [out, C, 1, 1]
    int64_t stride;
    int64_t pad;
    int64_t dilation;
    bool normalised;  // a norm of a sum or of other branches reads the result, and nothing else
};
}

namespace deep {

#if defined(NASC_LOOPS_X86)
extern const Loops loops_avx512, loops_avx2;
#endif
extern const Loops loops_plain;

// The loops for this processor. NASC_LOOPS asks for those of an older one, so that tests can try them.
const Loops& picked() {
#if defined(NASC_LOOPS_X86)
    const char* asked = std::getenv("NASC_LOOPS");
    const auto wants = [&](const char* set) { return asked == nullptr || std::strcmp(asked, set) == 0; };
    if (wants("avx512") && __builtin_cpu_supports("avx512f")) return loops_avx512;
    if (wants("avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return loops_avx2;
#endif
    return loops_plain;
}

const Loops& loops() {
    static const Loops& found = picked();
    return found;
}

}  // namespace deep

namespace {

constexpr int64_t MOST_PARTS = 16;

at::Tensor channels_innermost(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

at::Tensor empty(int64_t pictures, int64_t channels, int64_t height, int64_t width, const at::Tensor& like) {
    return at::empty({pictures, channels, height, width}, like.options(), at::MemoryFormat::ChannelsLast);
}

int64_t parts_of(int64_t pictures) { return std::min(pictures, MOST_PARTS); }

// Calls body(part, picture) for every picture, parts on all threads; body is made anew by `prepare` on each thread.
template <typename Prepare>
void for_pictures(int64_t pictures, Prepare prepare) {
    const int64_t parts = parts_of(pictures);
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
        auto body = prepare();
        for (int64_t part = begin; part < end; ++part) {
            for (int64_t n = pictures * part / parts; n < pictures * (part + 1) / parts; ++n) body(part, n);
        }
    });
}

// All windows of a branch on the picture y, into dense and widened `out`.
void slide(const Picture& picture, const Window& window, const Packed& packed, const float* y, float* out) {
    const int64_t width = window.size_of(picture.width);
    const Grid grid = picture.grid();
    deep::loops().correlate(y + picture.window_start(window), {grid.row * window.stride, grid.pixel * window.stride},
                            packed.taps.data(), static_cast<int64_t>(packed.taps.size()), packed.deep.data(), out,
                            {width * picture.wide, picture.wide}, window.size_of(picture.height), width, picture.wide, false);
}

// Moves the kept statistics as PyTorch does, turns variances into 1 / deviation, and works out factor and offset.
void finish_norm(const BranchesState& state, at::TensorList inputs, int64_t count, const double* mean, double* inverse,
                 float* affine) {
    const int64_t channels = state.mean.numel();
    if (state.of_batch) {
        float* kept_mean = state.mean.mutable_data_ptr<float>();
        float* kept_var = state.var.mutable_data_ptr<float>();
        const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1), m = state.momentum;
        for (int64_t c = 0; c < channels; ++c) {
            kept_mean[c] = static_cast<float>((1.0 - m) * kept_mean[c] + m * mean[c]);
            kept_var[c] = static_cast<float>((1.0 - m) * kept_var[c] + m * inverse[c] * unbiased);
        }
    }
    const float* gamma = state.gamma < 0 ? nullptr : inputs[state.gamma].const_data_ptr<float>();
    const float* beta = state.beta < 0 ? nullptr : inputs[state.beta].const_data_ptr<float>();
    for (int64_t c = 0; c < channels; ++c) {
        inverse[c] = 1.0 / std::sqrt(inverse[c] + state.epsilon);
        const double slope = inverse[c] * (gamma == nullptr ? 1.0 : gamma[c]);
        affine[c] = static_cast<float>(slope);
        affine[channels + c] = static_cast<float>((beta == nullptr ? 0.0 : beta[c]) - slope * mean[c]);
    }
}

// Moments of one result over the pictures of each part, about the first pixel of the part.
struct Moments {
    int64_t channels, pixels;  // of a picture
    std::vector<double> sums;  // [part][2][channels]
    std::vector<float> centres;
    std::vector<int64_t> counts;

    Moments(int64_t parts, int64_t channels, int64_t pixels)
        : channels(channels), pixels(pixels), sums(parts * 2 * channels), centres(parts * channels), counts(parts) {}

    void add(int64_t part, const float* picture) {
        float* centre = centres.data() + part * channels;
        if (counts[part] == 0) std::copy_n(picture, channels, centre);
        counts[part] += pixels;
        double* own = sums.data() + part * 2 * channels;
        rows::add_moments({picture, channels}, centre, pixels, channels, own, own + channels);
    }

    // Mean, then variance of every channel.
    std::vector<double> total() const {
        std::vector<double> result(2 * channels, 0.0);
        double count = 0;
        for (const int64_t own : counts) count += static_cast<double>(own);
        for (int64_t c = 0; c < channels; ++c) {
            double mean = 0, square = 0;
            for (size_t part = 0; part < counts.size(); ++part) {
                mean += counts[part] * centres[part * channels + c] + sums[part * 2 * channels + c];
            }
            mean /= count;
            for (size_t part = 0; part < counts.size(); ++part) {
                const double own = static_cast<double>(counts[part]), sum = sums[part * 2 * channels + c];
                const double away = centres[part * channels + c] + sum / own - mean;
                square += sums[(part * 2 + 1) * channels + c] - sum * sum / own + own * away * away;
            }
            result[c] = mean;
            result[channels + c] = std::max(square / count, 0.0);
        }
        return result;
    }
};

// What the backward pass of one branch needs.
struct Work {
    Window window;
    Packed packed;
    Margin margin;
    std::vector<Lattice> lattices;
    const float* gradient;
    std::vector<float> spread;  // see `BranchesState`
    const float* out;           // the result, where there is a spread
    bool deep, point;           // whether gradients of these weights are asked for
    int64_t sums;               // where in a part's sums its own begin: those of `deep`, then those of `point`
};

// Scratch memory of a thread in the backward pass.
struct Scratch {
    std::vector<float> y, between, margins, gradient, collected;
};

// One branch of one picture. `sums` are those of the part.
void work_back(const Picture& picture, const Work& work, int64_t n, Scratch& scratch, float* sums) {
    const auto& window = work.window;
    const auto& loops = deep::loops();
    const int64_t height = window.size_of(picture.height), width = window.size_of(picture.width), pixels = height * width;
    const int64_t wide = picture.wide, outputs = window.outputs;
    const bool of_x = !scratch.collected.empty();
    const float* g = work.gradient + n * pixels * outputs;
    if (!work.spread.empty()) {
        const float* of_g = work.spread.data();
        const rows::Matrix out{work.out == nullptr ? nullptr : work.out + n * pixels * outputs, outputs};
        rows::spread_rows({g, outputs}, {of_g, of_g + outputs, of_g + 2 * outputs, out, scratch.gradient.data()}, pixels, outputs);
        g = scratch.gradient.data();
    }
    if (work.point) {
        slide(picture, window, work.packed, scratch.y.data(), scratch.between.data());
        float* own = sums + (work.deep ? window.kernel * window.kernel * wide : 0);
        loops.outer(g, outputs, scratch.between.data(), wide, pixels, own);
    }
    if (!work.deep && !of_x) return;
    scratch.margins.assign(work.margin.rows * work.margin.columns * wide, 0.0f);
    const Grid grid = work.margin.grid(wide);
    float* inner = scratch.margins.data() + work.margin.start(wide);
    for (int64_t r = 0; r < height; ++r) {
        const float* row = g + r * width * outputs;
        if (window.point >= 0) {
            loops.multiply(row, outputs, outputs, work.packed.backward.data(), inner + r * grid.row, wide, wide, width);
        } else {
            loops.load(row, 1, width, outputs, nullptr, nullptr, false, inner + r * grid.row, grid);
        }
    }
    if (work.deep) {
        const Grid from = picture.grid();
        loops.tap_sums(inner, grid, scratch.y.data() + picture.window_start(window),
                       {from.row * window.stride, from.pixel * window.stride},
                       {from.row * window.dilation, from.pixel * window.dilation}, window.kernel, height, width, wide, sums);
    }
    if (!of_x) return;
    for (const auto& lattice : work.lattices) {
        loops.correlate(scratch.margins.data() + lattice.start, grid, lattice.taps.data(),
                        static_cast<int64_t>(lattice.taps.size()), work.packed.deep.data(),
                        scratch.collected.data() + (lattice.row * picture.width + lattice.column) * wide,
                        {window.stride * picture.width * wide, window.stride * wide},
                        steps_in(picture.height - lattice.row, window.stride),
                        steps_in(picture.width - lattice.column, window.stride), wide, true);
    }
}

// Adds up the parts' sums of one branch and writes the gradients of its weights.
void weight_gradients(const Work& work, const Picture& picture, const std::vector<float>& partial, int64_t sums,
                      variable_list& results) {
    const auto& window = work.window;
    const int64_t taps = window.kernel * window.kernel, channels = picture.channels, wide = picture.wide;
    const auto total = [&](int64_t at) {
        double sum = 0;
        for (size_t part = work.sums; part < partial.size(); part += sums) sum += partial[part + at];
        return static_cast<float>(sum);
    };
    if (work.deep) {
        auto& result = results[window.deep] = at::empty({channels, 1, window.kernel, window.kernel}, at::kFloat);
        float* out = result.mutable_data_ptr<float>();
        for (int64_t c = 0; c < channels; ++c) {
            for (int64_t t = 0; t < taps; ++t) out[c * taps + t] = total(t * wide + c);
        }
    }
    if (work.point) {
        auto& result = results[window.point] = at::empty({window.outputs, channels, 1, 1}, at::kFloat);
        float* out = result.mutable_data_ptr<float>();
        const int64_t first = work.deep ? taps * wide : 0;
        for (int64_t o = 0; o < window.outputs; ++o) {
            for (int64_t c = 0; c < channels; ++c) out[o * channels + c] = total(first + o * wide + c);
        }
    }
}

}  // namespace

variable_list Branches::forward(AutogradContext* ctx, at::TensorList inputs, c10::intrusive_ptr<BranchesState> state) {
    const auto& x = inputs[0];
    const auto& windows = state->windows;
    const Picture picture(x, windows);
    const int64_t pictures = x.size(0), channels = picture.channels, plane = picture.height * picture.width;
    // mean, 1 / deviation; then what they and gamma and beta come down to
    auto statistics = state->norm ? at::empty({2, channels}, at::kDouble) : at::Tensor();
    auto affine = state->norm ? at::empty({2, channels}, at::kFloat) : at::Tensor();
    if (state->norm) {
        double* mean = statistics.data_ptr<double>();
        double* inverse = mean + channels;
        const auto* known = state->before.moments();
        if (!state->of_batch) {
            std::copy_n(state->mean.const_data_ptr<float>(), channels, mean);
            std::copy_n(state->var.const_data_ptr<float>(), channels, inverse);
        } else if (known != nullptr) {
            std::copy_n(known->data(), 2 * channels, mean);
        } else {
            rows::moments({x.const_data_ptr<float>(), channels}, pictures * plane, channels, mean, inverse);
        }
        finish_norm(*state, inputs, pictures * plane, mean, inverse, affine.data_ptr<float>());
    }
    variable_list outs;
    std::vector<Packed> packed;
    std::vector<Moments> moments;
    std::vector<float*> targets;
    int64_t largest = 0;
    for (const auto& window : windows) {
        const int64_t height = window.size_of(picture.height), width = window.size_of(picture.width);
        packed.emplace_back(window, inputs.data(), picture);
        outs.push_back(empty(pictures, window.outputs, height, width, x));
        targets.push_back(outs.back().mutable_data_ptr<float>());
        moments.emplace_back(parts_of(pictures), window.outputs, height * width);
        largest = std::max(largest, height * width * picture.wide);
    }
    const auto& loops = deep::loops();
    const float* data = x.const_data_ptr<float>();
    const float* factor = state->norm ? affine.const_data_ptr<float>() : nullptr;
    const float* offset = state->norm ? factor + channels : nullptr;
    for_pictures(pictures, [&] {
        std::vector<float> y(picture.floats()), between(largest);
        return [&, y = std::move(y), between = std::move(between)](int64_t part, int64_t n) mutable {
            loops.load(data + n * plane * channels, picture.height, picture.width, channels, factor, offset, state->relu,
                       y.data() + picture.start(), picture.grid());
            for (size_t k = 0; k < windows.size(); ++k) {
                const auto& window = windows[k];
                const int64_t height = window.size_of(picture.height), width = window.size_of(picture.width);
                float* out = targets[k] + n * height * width * window.outputs;
                // Without a 1x1 convolution and with nothing to cut off, the result is computed in its place.
                const bool directly = window.point < 0 && picture.wide == channels;
                float* deep = directly ? out : between.data();
                slide(picture, window, packed[k], y.data(), deep);
                if (window.point >= 0) {
                    loops.multiply(deep, picture.wide, channels, packed[k].forward.data(), out, window.outputs, window.outputs,
                                   height * width);
                } else if (!directly) {
                    loops.store(deep, nullptr, {0, 0}, false, height, width, channels, out);
                }
                if (window.normalised && state->of_batch) moments[k].add(part, out);
            }
        };
    });

    variable_list saved(inputs.begin(), inputs.end());
    saved.push_back(statistics);
    saved.push_back(affine);
    for (size_t k = 0; k < windows.size(); ++k) {
        // A norm behind keeps its operand too, so this costs nothing.
        saved.push_back(windows[k].normalised ? outs[k] : at::Tensor());
        state->moments.push_back(windows[k].normalised && state->of_batch ? moments[k].total() : std::vector<double>());
    }
    state->spreads.resize(windows.size());
    state->inputs = static_cast<int64_t>(inputs.size());
    ctx->save_for_backward(saved);
    ctx->set_materialize_grads(false);
    ctx->saved_data["state"] = c10::IValue::make_capsule(state);
    return outs;
}

variable_list Branches::backward(AutogradContext* ctx, variable_list gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "branches of convolutions have no second derivative");
    const auto saved = ctx->get_saved_variables();
    const auto state = state_of(*ctx);
    const auto& windows = state->windows;
    const auto& x = saved[0];
    const auto& statistics = saved[state->inputs];
    const auto& affine = saved[state->inputs + 1];
    const auto needed = [&](int64_t input) { return input >= 0 && ctx->needs_input_grad(input); };
    const bool of_x = needed(0) || needed(state->gamma) || needed(state->beta);
    const Picture picture(x, windows);
    const int64_t channels = picture.channels, wide = picture.wide, pictures = x.size(0), parts = parts_of(pictures);
    const int64_t plane = picture.height * picture.width;
    variable_list results(state->inputs + 1);

    std::vector<Work> works;
    int64_t sums = 0, widest = 0, largest = 0;
    for (size_t k = 0; k < windows.size(); ++k) {
        if (!gradients[k].defined()) continue;
        const auto& window = windows[k];
        gradients[k] = channels_innermost(gradients[k]);
        const auto& out = saved[state->inputs + 2 + k];
        const Margin margin(picture, window);
        works.push_back({window, Packed(window, saved.data(), picture), margin, lattices(window, margin, wide),
                         gradients[k].const_data_ptr<float>(), std::move(state->spreads[k]),
                         out.defined() ? out.const_data_ptr<float>() : nullptr, needed(window.deep), needed(window.point), sums});
        state->spreads[k].clear();
        if (works.back().deep) sums += window.kernel * window.kernel * wide;
        if (works.back().point) sums += window.outputs * wide;
        const int64_t pixels = window.size_of(picture.height) * window.size_of(picture.width);
        widest = std::max(widest, pixels * wide);
        largest = std::max(largest, pixels * window.outputs);
    }
    if (works.empty()) return results;

    auto gradient = of_x ? empty(pictures, channels, picture.height, picture.width, x) : at::Tensor();
    float* target = of_x ? gradient.mutable_data_ptr<float>() : nullptr;
    std::vector<float> partial(parts * sums, 0.0f), centres(channels);
    std::vector<double> norm_sums(state->norm ? parts * 2 * channels : 0, 0.0);
    if (state->norm) std::copy_n(statistics.const_data_ptr<double>(), channels, centres.data());
    const auto& loops = deep::loops();
    const float* data = x.const_data_ptr<float>();
    const float* factor = state->norm ? affine.const_data_ptr<float>() : nullptr;
    const float* offset = state->norm ? factor + channels : nullptr;
    for_pictures(pictures, [&] {
        Scratch scratch;
        scratch.y.resize(picture.floats());
        scratch.between.resize(widest);
        scratch.gradient.resize(largest);
        scratch.collected.resize(of_x ? plane * wide : 0);
        return [&, scratch = std::move(scratch)](int64_t part, int64_t n) mutable {
            const float* own = data + n * plane * channels;
            float* out = target + n * plane * channels;
            loops.load(own, picture.height, picture.width, channels, factor, offset, state->relu,
                       scratch.y.data() + picture.start(), picture.grid());
            std::fill(scratch.collected.begin(), scratch.collected.end(), 0.0f);
            for (const auto& work : works) {
                work_back(picture, work, n, scratch, partial.data() + part * sums + work.sums);
            }
            if (!of_x) return;
            loops.store(scratch.collected.data(), scratch.y.data() + picture.start(), picture.grid(), state->relu, picture.height,
                        picture.width, channels, out);
            if (!state->norm) return;
            double* dots = norm_sums.data() + part * 2 * channels;
            rows::add_weighted_sums({out, channels}, {own, channels}, centres.data(), plane, channels, dots, dots + channels);
        };
    });

    for (const auto& work : works) weight_gradients(work, picture, partial, sums, results);
    if (of_x && state->norm) {
        through_norm(*state, saved, norm_sums, gradient, needed(state->gamma), needed(state->beta), results);
    }
    if (needed(0)) results[0] = gradient;
    return results;
}

// Turns the gradient of the normalised x into that of x, in place or by the node that made x, and finds those of gamma and beta.
void Branches::through_norm(const BranchesState& state, const variable_list& saved, const std::vector<double>& sums,
                            at::Tensor& gradient, bool of_gamma, bool of_beta, variable_list& results) {
    const int64_t channels = gradient.size(1), count = gradient.numel() / channels;
    const double* mean = saved[state.inputs].const_data_ptr<double>();
    const double* inverse = mean + channels;
    const float* slope = saved[state.inputs + 1].const_data_ptr<float>();
    std::vector<double> dots(channels, 0.0), total(channels, 0.0);
    for (size_t part = 0; part < sums.size(); part += 2 * channels) {
        for (int64_t c = 0; c < channels; ++c) dots[c] += sums[part + c], total[c] += sums[part + channels + c];
    }
    const auto write = [&](int64_t input, auto value) {
        results[input] = at::empty_like(saved[input]);
        float* out = results[input].template mutable_data_ptr<float>();
        for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<float>(value(c));
    };
    if (of_gamma) write(state.gamma, [&](int64_t c) { return dots[c] * inverse[c]; });
    if (of_beta) write(state.beta, [&](int64_t c) { return total[c]; });
    std::vector<float> spread(3 * channels, 0.0f);
    for (int64_t c = 0; c < channels; ++c) {
        spread[c] = slope[c];
        if (!state.of_batch) continue;
        const double along = slope[c] * dots[c] * inverse[c] * inverse[c] / count;
        spread[channels + c] = static_cast<float>(-along);
        spread[2 * channels + c] = static_cast<float>(along * mean[c] - slope[c] * total[c] / count);
    }
    if (state.before) {
        state.before.leave(std::move(spread));
        return;
    }
    float* out = gradient.mutable_data_ptr<float>();
    const rows::Matrix g{out, channels}, x{state.of_batch ? saved[0].const_data_ptr<float>() : nullptr, channels};
    rows::spread(g, {{spread.data(), spread.data() + channels, spread.data() + 2 * channels, x, out}}, count, channels);
}

Maker Maker::of(const at::Tensor& x) {
    const auto node = std::dynamic_pointer_cast<torch::autograd::CppNode<Branches>>(x.grad_fn());
    if (node == nullptr) return {};
    Maker maker{Branches::state_of(node->ctx_), static_cast<size_t>(x.output_nr())};
    if (!maker.state->windows[maker.number].normalised) return {};
    return maker;
}

namespace {

bool is_plain(const at::Tensor* tensor) {
    return tensor == nullptr || (tensor->scalar_type() == at::kFloat && tensor->is_cpu());
}

// Strides, paddings and reaches that the loops are made for.
constexpr int64_t WIDEST = 64;

// Whether the loops above are for these tensors: 32-bit numbers on the CPU.
bool suits(const NascBefore& before, const NascBranch* branches, size_t count) {
    if (before.x->dim() != 4 || before.x->numel() == 0 || !is_plain(before.x)) return false;
    for (const auto* part : {before.gamma, before.beta, before.mean, before.var}) {
        if (!is_plain(part) || (part != nullptr && !part->is_contiguous())) return false;
    }
    for (size_t k = 0; k < count; ++k) {
        if (!is_plain(branches[k].deep) || !is_plain(branches[k].point)) return false;
        // Scratch memory grows with these; beyond what networks have, libtorch may look how it copes.
        const auto& branch = branches[k];
        for (const int64_t size : {branch.stride, branch.pad, branch.dilation, branch.deep->size(2), branch.deep->size(3)}) {
            if (size > WIDEST) return false;
        }
        if (branch.dilation * branch.deep->size(2) > WIDEST || branch.dilation * branch.deep->size(3) > WIDEST) return false;
    }
    return true;
}

// The same by libtorch's own operations.
at::Tensor plainly(const at::Tensor& y, const NascBranch& branch) {
    const auto deep = at::conv2d(y, *branch.deep, {}, branch.stride, branch.pad, branch.dilation, y.size(1));
    return branch.point == nullptr ? deep : at::conv2d(deep, *branch.point);
}

at::Tensor plainly(const NascBefore& before, bool of_batch) {
    auto y = *before.x;
    const auto given = [](TensorPointer part) { return part == nullptr ? at::Tensor() : *part; };
    if (before.mean != nullptr) {
        y = at::batch_norm(y, given(before.gamma), given(before.beta), *before.mean, *before.var, of_batch, before.momentum,
                           before.epsilon, true);
    }
    return before.relu ? at::relu(y) : y;
}

}  // namespace

extern "C" {

// Writes the result of each branch over a tensor of `outs`. With `of_batch` the norm takes the batch's statistics and moves the
// kept ones; else it takes the kept ones.
char* nasc_branches(const TensorPointer* outs, const NascBefore* before, const NascBranch* branches, size_t count, bool of_batch) {
    return guarded([&] {
        const auto& x = *before->x;
        TORCH_CHECK(x.dim() == 4, "pictures have 4 dimensions, these have ", x.dim());
        std::vector<Window> windows;
        for (size_t k = 0; k < count; ++k) {
            const auto& [deep, point, stride, pad, dilation, normalised] = branches[k];
            TORCH_CHECK(deep->dim() == 4 && deep->size(0) == x.size(1) && deep->size(1) == 1 && deep->size(2) == deep->size(3),
                        "a depthwise convolution of ", x.size(1), " channels has no weights of ", deep->sizes());
            TORCH_CHECK(point == nullptr || (point->dim() == 4 && point->size(1) == x.size(1) && point->size(2) == 1 &&
                                             point->size(3) == 1),
                        "a 1x1 convolution of ", x.size(1), " channels has no such weights");
            TORCH_CHECK(stride >= 1 && pad >= 0 && dilation >= 1 && deep->size(2) >= 1, "a window has no such extent");
            const Window window{deep->size(2), stride, pad, dilation, point == nullptr ? x.size(1) : point->size(0), -1, -1, normalised};
            for (const int64_t size : {x.size(2), x.size(3)}) {
                TORCH_CHECK(size + 2 * pad > window.reach(), "the window is larger than the picture");
            }
            windows.push_back(window);
        }
        if (!suits(*before, branches, count)) {
            const auto y = plainly(*before, of_batch);
            for (size_t k = 0; k < count; ++k) *outs[k] = plainly(y, branches[k]);
            return;
        }
        variable_list inputs{channels_innermost(x)};
        const auto add = [&](TensorPointer part) -> int64_t {
            if (part == nullptr) return -1;
            inputs.push_back(*part);
            return static_cast<int64_t>(inputs.size()) - 1;
        };
        auto state = c10::make_intrusive<BranchesState>();
        state->gamma = add(before->gamma);
        state->beta = add(before->beta);
        for (size_t k = 0; k < count; ++k) {
            windows[k].deep = add(branches[k].deep);
            windows[k].point = add(branches[k].point);
        }
        state->windows = windows;
        state->norm = before->mean != nullptr;
        if (state->norm) {
            state->mean = *before->mean, state->var = *before->var;
            if (before->alone) state->before = Maker::of(inputs[0]);
        }
        state->momentum = before->momentum;
        state->epsilon = before->epsilon;
        state->relu = before->relu;
        state->of_batch = of_batch;
        const auto results = Branches::apply(at::TensorList(inputs), state);
        for (size_t k = 0; k < count; ++k) *outs[k] = results[k];
    });
}

}  // extern "C"
