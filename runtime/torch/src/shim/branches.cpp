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

#include "deep_loops.h"
#include "rows.h"
#include "shim.h"

#include <ATen/Parallel.h>
#include <cmath>
#include <torch/csrc/autograd/custom_function.h>

using deep::Grid;
using deep::Tap;
using deep::widened;
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
};

// A branch. The 1x1 convolution may be null.
struct NascBranch {
    TensorPointer deep;   // [C, 1, kernel, kernel]
    TensorPointer point;  // [out, C, 1, 1]
    int64_t stride;
    int64_t pad;
    int64_t dilation;
};
}

namespace deep {

#if defined(NASC_LOOPS_X86)
extern const Loops loops_avx512, loops_avx2;
#endif
extern const Loops loops_plain;

const Loops& loops() {
#if defined(NASC_LOOPS_X86)
    if (__builtin_cpu_supports("avx512f")) return loops_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return loops_avx2;
#endif
    return loops_plain;
}

}  // namespace deep

namespace {

constexpr int64_t MOST_PARTS = 16;

// A branch without its tensors.
struct Window {
    int64_t kernel, stride, pad, dilation, outputs;
    int64_t deep, point;  // its weights among the inputs of the node; no 1x1 convolution: -1

    int64_t reach() const { return dilation * (kernel - 1); }
    int64_t size_of(int64_t size) const { return (size + 2 * pad - reach() - 1) / stride + 1; }
};

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step; }

// Where pictures lie in scratch memory.
struct Picture {
    int64_t height, width, channels, wide, border, rows, columns;

    Picture(const at::Tensor& x, const std::vector<Window>& windows)
        : height(x.size(2)), width(x.size(3)), channels(x.size(1)), wide(widened(channels)), border(0) {
        for (const auto& window : windows) border = std::max(border, window.pad);
        rows = border + height, columns = border + width;
        for (const auto& window : windows) {
            const int64_t first = border - window.pad;
            rows = std::max(rows, first + (window.size_of(height) - 1) * window.stride + window.reach() + 1);
            columns = std::max(columns, first + (window.size_of(width) - 1) * window.stride + window.reach() + 1);
        }
    }

    Grid grid() const { return {columns * wide, wide}; }
    int64_t floats() const { return rows * columns * wide; }
    int64_t start() const { return (border * columns + border) * wide; }
    // Where the first window of a branch begins.
    int64_t window_start(const Window& window) const { return (border - window.pad) * (columns + 1) * wide; }
};

// Where the gradient of a depthwise result lies in scratch memory: zeros around it, so that every pixel of x can ask all taps.
struct Margin {
    int64_t before, rows, columns;

    Margin(const Picture& picture, const Window& window) {
        before = std::max<int64_t>(0, round_up(window.reach() - window.pad, window.stride));
        const auto extent = [&](int64_t size) {
            return before + std::max(window.size_of(size), (size - 1 + window.pad) / window.stride + 1);
        };
        rows = extent(picture.height), columns = extent(picture.width);
    }

    Grid grid(int64_t wide) const { return {columns * wide, wide}; }
    int64_t start(int64_t wide) const { return before * (columns + 1) * wide; }
};

// Weights as the loops read them, with widened rows of channels.
struct Packed {
    std::vector<float> deep;      // [kernel * kernel][channels]
    std::vector<float> forward;   // [channels][outputs]
    std::vector<float> backward;  // [outputs][channels]
    std::vector<Tap> taps;        // of the forward pass, from a window's first pixel

    Packed(const Window& window, const at::Tensor* inputs, const Picture& picture) {
        const int64_t taps_count = window.kernel * window.kernel, channels = picture.channels, wide = picture.wide;
        const auto dense = inputs[window.deep].contiguous();
        const float* from = dense.const_data_ptr<float>();
        deep.assign(taps_count * wide, 0.0f);
        for (int64_t c = 0; c < channels; ++c) {
            for (int64_t t = 0; t < taps_count; ++t) deep[t * wide + c] = from[c * taps_count + t];
        }
        for (int64_t t = 0; t < taps_count; ++t) {
            const int64_t ky = t / window.kernel, kx = t % window.kernel;
            taps.push_back({window.dilation * (ky * picture.columns + kx) * wide, t * wide});
        }
        if (window.point < 0) return;
        const auto matrix = inputs[window.point].reshape({window.outputs, channels}).contiguous();
        from = matrix.const_data_ptr<float>();
        const int64_t wide_outputs = widened(window.outputs);
        forward.assign(channels * wide_outputs, 0.0f);
        backward.assign(window.outputs * wide, 0.0f);
        for (int64_t o = 0; o < window.outputs; ++o) {
            for (int64_t c = 0; c < channels; ++c) {
                forward[c * wide_outputs + o] = backward[o * wide + c] = from[o * channels + c];
            }
        }
    }
};

// Pixels of x that the same taps reach: every stride-th, from (row, column).
struct Lattice {
    int64_t row, column, start;  // `start`: where in the gradient's scratch the first one's taps count from
    std::vector<Tap> taps;
};

// All lattices of a branch. A pixel i of x is under tap k of window o where o * stride + k * dilation - pad = i.
std::vector<Lattice> lattices(const Window& window, const Margin& margin, int64_t wide) {
    const auto taps_of = [&](int64_t first) {
        std::vector<std::pair<int64_t, int64_t>> found;  // tap, window
        for (int64_t k = 0; k < window.kernel; ++k) {
            const int64_t ahead = first + window.pad - k * window.dilation;
            if (((ahead % window.stride) + window.stride) % window.stride != 0) continue;
            found.emplace_back(k, ahead / window.stride);
        }
        return found;
    };
    std::vector<Lattice> all;
    for (int64_t row = 0; row < window.stride; ++row) {
        for (int64_t column = 0; column < window.stride; ++column) {
            Lattice lattice{row, column, margin.start(wide), {}};
            for (const auto& [ky, oy] : taps_of(row)) {
                for (const auto& [kx, ox] : taps_of(column)) {
                    lattice.taps.push_back({(oy * margin.columns + ox) * wide, (ky * window.kernel + kx) * wide});
                }
            }
            if (!lattice.taps.empty()) all.push_back(lattice);
        }
    }
    return all;
}

struct Before {
    at::Tensor mean, var;  // kept
    int64_t gamma = -1, beta = -1;  // among the inputs of the node
    double momentum = 0, epsilon = 0;
    bool norm = false, relu = false, of_batch = false;
};

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

// Inputs: x, then all weights.
struct Branches : public torch::autograd::Function<Branches> {
    static variable_list forward(AutogradContext* ctx, at::TensorList inputs, Before before, std::vector<Window> windows) {
        const auto& x = inputs[0];
        const Picture picture(x, windows);
        const int64_t pictures = x.size(0), channels = picture.channels;
        const int64_t pixels = pictures * picture.height * picture.width;
        // mean, 1 / deviation; then what they and gamma and beta come down to
        auto statistics = before.norm ? at::empty({2, channels}, at::kDouble) : at::Tensor();
        auto affine = before.norm ? at::empty({2, channels}, at::kFloat) : at::Tensor();
        if (before.norm) {
            double* mean = statistics.data_ptr<double>();
            double* inverse = mean + channels;
            if (before.of_batch) {
                rows::moments({x.const_data_ptr<float>(), channels}, pixels, channels, mean, inverse);
            } else {
                std::copy_n(before.mean.const_data_ptr<float>(), channels, mean);
                std::copy_n(before.var.const_data_ptr<float>(), channels, inverse);
            }
            finish_norm(before, inputs, pixels, mean, inverse, affine.data_ptr<float>());
        }
        variable_list outs;
        std::vector<Packed> packed;
        for (size_t k = 0; k < windows.size(); ++k) {
            const auto& window = windows[k];
            packed.emplace_back(window, inputs.data(), picture);
            outs.push_back(empty(pictures, window.outputs, window.size_of(picture.height), window.size_of(picture.width), x));
        }
        const auto& loops = deep::loops();
        const float* data = x.const_data_ptr<float>();
        const float* factor = before.norm ? affine.const_data_ptr<float>() : nullptr;
        std::vector<float*> targets;
        int64_t largest = 0;
        for (size_t k = 0; k < windows.size(); ++k) {
            targets.push_back(outs[k].mutable_data_ptr<float>());
            largest = std::max(largest, outs[k].size(2) * outs[k].size(3) * picture.wide);
        }
        for_pictures(pictures, [&] {
            return [&, y = std::vector<float>(picture.floats()), between = std::vector<float>(largest)](int64_t, int64_t n) mutable {
                loops.load(data + n * picture.height * picture.width * channels, picture.height, picture.width, channels, factor,
                           factor == nullptr ? nullptr : factor + channels, before.relu, y.data() + picture.start(),
                           picture.grid());
                for (size_t k = 0; k < windows.size(); ++k) {
                    const auto& window = windows[k];
                    const int64_t height = outs[k].size(2), width = outs[k].size(3);
                    float* out = targets[k] + n * height * width * window.outputs;
                    // Without a 1x1 convolution and with nothing to cut off, the result is computed in its place.
                    const bool directly = window.point < 0 && picture.wide == channels;
                    float* deep = directly ? out : between.data();
                    slide(loops, picture, window, packed[k], y.data(), deep);
                    if (window.point >= 0) {
                        loops.multiply(deep, picture.wide, channels, packed[k].forward.data(), out, window.outputs,
                                       window.outputs, height * width);
                    } else if (!directly) {
                        loops.store(deep, nullptr, {0, 0}, false, height, width, channels, out);
                    }
                }
            };
        });

        variable_list saved(inputs.begin(), inputs.end());
        ctx->saved_data["inputs"] = static_cast<int64_t>(inputs.size());
        ctx->saved_data["gamma"] = before.gamma;
        ctx->saved_data["beta"] = before.beta;
        saved.push_back(statistics);
        saved.push_back(affine);
        ctx->save_for_backward(saved);
        ctx->set_materialize_grads(false);
        ctx->saved_data["relu"] = before.relu;
        ctx->saved_data["of_batch"] = before.of_batch;
        std::vector<int64_t> numbers;
        for (const auto& w : windows) {
            numbers.insert(numbers.end(), {w.kernel, w.stride, w.pad, w.dilation, w.outputs, w.deep, w.point});
        }
        ctx->saved_data["windows"] = numbers;
        return outs;
    }

    // All windows of a branch on the picture y, into dense and widened `out`.
    static void slide(const deep::Loops& loops, const Picture& picture, const Window& window, const Packed& packed,
                      const float* y, float* out) {
        const int64_t width = window.size_of(picture.width);
        const Grid grid = picture.grid();
        loops.correlate(y + picture.window_start(window), {grid.row * window.stride, grid.pixel * window.stride},
                        packed.taps.data(), static_cast<int64_t>(packed.taps.size()), packed.deep.data(), out,
                        {width * picture.wide, picture.wide}, window.size_of(picture.height), width, picture.wide, false);
    }

    // Moves the kept statistics as PyTorch does, turns variances into 1 / deviation, and works out factor and offset.
    static void finish_norm(const Before& before, at::TensorList inputs, int64_t count, const double* mean, double* inverse,
                            float* affine) {
        const int64_t channels = before.mean.numel();
        if (before.of_batch) {
            float* kept_mean = before.mean.mutable_data_ptr<float>();
            float* kept_var = before.var.mutable_data_ptr<float>();
            const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
            for (int64_t c = 0; c < channels; ++c) {
                const double m = before.momentum;
                kept_mean[c] = static_cast<float>((1.0 - m) * kept_mean[c] + m * mean[c]);
                kept_var[c] = static_cast<float>((1.0 - m) * kept_var[c] + m * inverse[c] * unbiased);
            }
        }
        const float* gamma = before.gamma < 0 ? nullptr : inputs[before.gamma].const_data_ptr<float>();
        const float* beta = before.beta < 0 ? nullptr : inputs[before.beta].const_data_ptr<float>();
        for (int64_t c = 0; c < channels; ++c) {
            inverse[c] = 1.0 / std::sqrt(inverse[c] + before.epsilon);
            const double slope = inverse[c] * (gamma == nullptr ? 1.0 : gamma[c]);
            affine[c] = static_cast<float>(slope);
            affine[channels + c] = static_cast<float>((beta == nullptr ? 0.0 : beta[c]) - slope * mean[c]);
        }
    }

    // What the backward pass of one branch needs.
    struct Work {
        Window window;
        Packed packed;
        Margin margin;
        std::vector<Lattice> lattices;
        at::Tensor gradient;
        bool deep, point;      // whether gradients of these weights are asked for
        int64_t sums;          // where in a part's sums its own begin: those of `deep`, then those of `point`
    };

    static variable_list backward(AutogradContext* ctx, variable_list gradients) {
        TORCH_CHECK(!at::GradMode::is_enabled(), "branches of convolutions have no second derivative");
        const auto saved = ctx->get_saved_variables();
        const auto numbers = ctx->saved_data["windows"].toIntVector();
        const bool relu = ctx->saved_data["relu"].toBool(), of_batch = ctx->saved_data["of_batch"].toBool();
        const auto& x = saved[0];
        const auto& statistics = saved[saved.size() - 2];
        const auto& affine = saved.back();
        const bool norm = statistics.defined();
        const size_t count = numbers.size() / 7;
        std::vector<Window> windows;
        for (size_t k = 0; k < count; ++k) {
            const int64_t* w = numbers.data() + 7 * k;
            windows.push_back({w[0], w[1], w[2], w[3], w[4], w[5], w[6]});
        }
        const int64_t gamma = ctx->saved_data["gamma"].toInt(), beta = ctx->saved_data["beta"].toInt();
        const auto needed = [&](int64_t input) { return input >= 0 && ctx->needs_input_grad(input); };
        const bool of_x = needed(0) || needed(gamma) || needed(beta);
        const Picture picture(x, windows);
        const int64_t channels = picture.channels, wide = picture.wide, pictures = x.size(0);
        variable_list results(ctx->saved_data["inputs"].toInt() + 2);

        std::vector<Work> works;
        int64_t sums = 0, largest = 0, widest = 0;
        for (size_t k = 0; k < count; ++k) {
            if (!gradients[k].defined()) continue;
            const auto& window = windows[k];
            const Margin margin(picture, window);
            works.push_back({window, Packed(window, saved.data(), picture), margin, lattices(window, margin, wide),
                             channels_innermost(gradients[k]), needed(window.deep), needed(window.point), sums});
            gradients[k] = at::Tensor();
            if (works.back().deep) sums += window.kernel * window.kernel * wide;
            if (works.back().point) sums += window.outputs * wide;
            largest = std::max(largest, margin.rows * margin.columns * wide);
            widest = std::max(widest, window.size_of(picture.height) * window.size_of(picture.width) * wide);
        }
        if (works.empty()) return results;

        auto gradient = of_x ? empty(pictures, channels, picture.height, picture.width, x) : at::Tensor();
        float* target = of_x ? gradient.mutable_data_ptr<float>() : nullptr;
        std::vector<float> partial(parts_of(pictures) * sums, 0.0f);
        const auto& loops = deep::loops();
        const float* data = x.const_data_ptr<float>();
        const float* factor = norm ? affine.const_data_ptr<float>() : nullptr;
        const int64_t plane = picture.height * picture.width;
        for_pictures(pictures, [&] {
            return [&, y = std::vector<float>(picture.floats()), between = std::vector<float>(widest),
                    margins = std::vector<float>(), collected = std::vector<float>(of_x ? plane * wide : 0)](
                       int64_t part, int64_t n) mutable {
                loops.load(data + n * plane * channels, picture.height, picture.width, channels, factor,
                           factor == nullptr ? nullptr : factor + channels, relu, y.data() + picture.start(), picture.grid());
                std::fill(collected.begin(), collected.end(), 0.0f);
                for (const auto& work : works) {
                    branch(loops, picture, work, n, y.data(), between.data(), margins,
                           of_x ? collected.data() : nullptr, partial.data() + part * sums + work.sums);
                }
                if (of_x) {
                    loops.store(collected.data(), y.data() + picture.start(), picture.grid(), relu, picture.height,
                                picture.width, channels, target + n * plane * channels);
                }
            };
        });

        for (const auto& work : works) {
            const auto& window = work.window;
            const int64_t taps = window.kernel * window.kernel;
            const auto total = [&](int64_t at) {
                double sum = 0;
                for (int64_t part = 0; part < parts_of(pictures); ++part) sum += partial[part * sums + work.sums + at];
                return static_cast<float>(sum);
            };
            if (work.deep) {
                auto& result = results[window.deep] = at::empty({channels, 1, window.kernel, window.kernel}, x.options());
                float* out = result.mutable_data_ptr<float>();
                for (int64_t c = 0; c < channels; ++c) {
                    for (int64_t t = 0; t < taps; ++t) out[c * taps + t] = total(t * wide + c);
                }
            }
            if (work.point) {
                auto& result = results[window.point] = at::empty({window.outputs, channels, 1, 1}, x.options());
                float* out = result.mutable_data_ptr<float>();
                const int64_t first = work.deep ? taps * wide : 0;
                for (int64_t o = 0; o < window.outputs; ++o) {
                    for (int64_t c = 0; c < channels; ++c) out[o * channels + c] = total(first + o * wide + c);
                }
            }
        }
        if (of_x && norm) through_norm(saved, statistics, affine, of_batch, gradient, needed(gamma) ? gamma : -1, needed(beta) ? beta : -1, results);
        if (needed(0)) results[0] = gradient;
        return results;
    }

    // One branch of one picture. `margins` is scratch for the gradient of the depthwise result, zero outside of it.
    static void branch(const deep::Loops& loops, const Picture& picture, const Work& work, int64_t n, const float* y,
                       float* between, std::vector<float>& margins, float* collected, float* sums) {
        const auto& window = work.window;
        const int64_t height = window.size_of(picture.height), width = window.size_of(picture.width);
        const int64_t wide = picture.wide, channels = picture.channels;
        const float* g = work.gradient.const_data_ptr<float>() + n * height * width * window.outputs;
        if (work.point) {
            slide(loops, picture, window, work.packed, y, between);
            float* own = sums + (work.deep ? window.kernel * window.kernel * wide : 0);
            loops.outer(g, window.outputs, between, wide, height * width, own);
        }
        if (!work.deep && collected == nullptr) return;
        margins.assign(work.margin.rows * work.margin.columns * wide, 0.0f);
        const Grid grid = work.margin.grid(wide);
        float* inner = margins.data() + work.margin.start(wide);
        for (int64_t r = 0; r < height; ++r) {
            const float* row = g + r * width * window.outputs;
            if (window.point >= 0) {
                loops.multiply(row, window.outputs, window.outputs, work.packed.backward.data(), inner + r * grid.row, wide, wide,
                               width);
            } else {
                loops.load(row, 1, width, channels, nullptr, nullptr, false, inner + r * grid.row, grid);
            }
        }
        if (work.deep) {
            const Grid from = picture.grid();
            loops.tap_sums(inner, grid, y + picture.window_start(window), {from.row * window.stride, from.pixel * window.stride},
                           {from.row * window.dilation, from.pixel * window.dilation}, window.kernel, height, width, wide, sums);
        }
        if (collected == nullptr) return;
        for (const auto& lattice : work.lattices) {
            loops.correlate(margins.data() + lattice.start, grid, lattice.taps.data(), static_cast<int64_t>(lattice.taps.size()),
                            work.packed.deep.data(), collected + (lattice.row * picture.width + lattice.column) * wide,
                            {window.stride * picture.width * wide, window.stride * wide},
                            round_up(picture.height - lattice.row, window.stride),
                            round_up(picture.width - lattice.column, window.stride), wide, true);
        }
    }

    // Turns the gradient of the normalised x into that of x, in place, and finds those of gamma and beta.
    static void through_norm(const variable_list& saved, const at::Tensor& statistics, const at::Tensor& affine, bool of_batch,
                             at::Tensor& gradient, int64_t gamma, int64_t beta, variable_list& results) {
        const int64_t channels = gradient.size(1), count = gradient.numel() / channels;
        const double* mean = statistics.const_data_ptr<double>();
        const double* inverse = mean + channels;
        const rows::Matrix g{gradient.const_data_ptr<float>(), channels}, x{saved[0].const_data_ptr<float>(), channels};
        std::vector<float> centres(mean, mean + channels), of_x(channels, 0.0f), offset(channels, 0.0f);
        std::vector<double> dots(channels), total(channels);
        rows::weighted_sums(g, {x}, centres.data(), count, channels, dots.data(), total.data());
        if (gamma >= 0) {
            results[gamma] = at::empty_like(saved[gamma]);
            float* out = results[gamma].mutable_data_ptr<float>();
            for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<float>(dots[c] * inverse[c]);
        }
        if (beta >= 0) {
            results[beta] = at::empty_like(saved[beta]);
            float* out = results[beta].mutable_data_ptr<float>();
            for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<float>(total[c]);
        }
        const float* slope = affine.const_data_ptr<float>();
        for (int64_t c = 0; c < channels && of_batch; ++c) {
            const double along = slope[c] * dots[c] * inverse[c] * inverse[c] / count;
            of_x[c] = static_cast<float>(-along);
            offset[c] = static_cast<float>(along * mean[c] - slope[c] * total[c] / count);
        }
        float* out = gradient.mutable_data_ptr<float>();
        const rows::Matrix read = of_batch ? x : rows::Matrix{nullptr, 0};
        rows::spread(g, {{slope, of_x.data(), offset.data(), read, out}}, count, channels);
    }
};

bool is_plain(const at::Tensor* tensor) {
    return tensor == nullptr || (tensor->scalar_type() == at::kFloat && tensor->is_cpu());
}

// Whether the loops above are for these tensors: 32-bit numbers on the CPU.
bool suits(const NascBefore& before, const NascBranch* branches, size_t count) {
    if (before.x->dim() != 4 || before.x->numel() == 0 || !is_plain(before.x)) return false;
    for (const auto* part : {before.gamma, before.beta, before.mean, before.var}) {
        if (!is_plain(part) || (part != nullptr && !part->is_contiguous())) return false;
    }
    for (size_t k = 0; k < count; ++k) {
        if (!is_plain(branches[k].deep) || !is_plain(branches[k].point)) return false;
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
            const auto& [deep, point, stride, pad, dilation] = branches[k];
            TORCH_CHECK(deep->dim() == 4 && deep->size(0) == x.size(1) && deep->size(1) == 1 && deep->size(2) == deep->size(3),
                        "a depthwise convolution of ", x.size(1), " channels has no weights of ", deep->sizes());
            TORCH_CHECK(point == nullptr || (point->dim() == 4 && point->size(1) == x.size(1) && point->size(2) == 1 &&
                                             point->size(3) == 1),
                        "a 1x1 convolution of ", x.size(1), " channels has no such weights");
            TORCH_CHECK(stride >= 1 && pad >= 0 && dilation >= 1 && deep->size(2) >= 1, "a window has no such extent");
            const Window window{deep->size(2), stride, pad, dilation, point == nullptr ? x.size(1) : point->size(0), -1, -1};
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
        Before shared;
        shared.gamma = add(before->gamma);
        shared.beta = add(before->beta);
        for (size_t k = 0; k < count; ++k) {
            windows[k].deep = add(branches[k].deep);
            windows[k].point = add(branches[k].point);
        }
        shared.norm = before->mean != nullptr;
        if (shared.norm) shared.mean = *before->mean, shared.var = *before->var;
        shared.momentum = before->momentum;
        shared.epsilon = before->epsilon;
        shared.relu = before->relu;
        shared.of_batch = of_batch;
        const auto results = Branches::apply(at::TensorList(inputs), shared, windows);
        for (size_t k = 0; k < count; ++k) *outs[k] = results[k];
    });
}

}  // extern "C"
