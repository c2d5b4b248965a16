// Where the pixels, taps and weights of depthwise convolutions lie in scratch memory (`deep_loops.h`).
#pragma once

#include "deep_loops.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <utility>
#include <vector>

namespace deep {

// A depthwise convolution without its tensors.
struct Window {
    int64_t kernel, stride, pad, dilation, outputs;
    int64_t deep, point;  // its weights among the inputs of the node; no 1x1 convolution: -1
    bool normalised;      // a norm reads the result, and nothing else

    int64_t reach() const { return dilation * (kernel - 1); }
    int64_t size_of(int64_t size) const { return (size + 2 * pad - reach() - 1) / stride + 1; }
};

// How many steps cover a length.
inline int64_t steps_in(int64_t value, int64_t step) { return (value + step - 1) / step; }

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
        before = std::max<int64_t>(0, steps_in(window.reach() - window.pad, window.stride));
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
inline std::vector<Lattice> lattices(const Window& window, const Margin& margin, int64_t wide) {
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

}  // namespace deep
