// Loops over one picture of a depthwise convolution and of the 1x1 convolution behind it.
//
// A picture in scratch memory has its channels innermost, their number rounded up to WIDE, and zeros around it wherever a
// window reaches out. So no loop asks about borders, and none has a rest of channels. The file with the loops is compiled for
// several instruction sets; `loops` picks when the program starts. It uses nothing of the standard library: an inline function
// compiled for a newer processor could otherwise be linked into all of the program.
#pragma once

#include <cstdint>

namespace deep {

// Channels in scratch memory are a multiple of it.
constexpr int64_t WIDE = 16;

constexpr int64_t widened(int64_t channels) { return (channels + WIDE - 1) / WIDE * WIDE; }

// Pixels in memory: floats from one row to the next and from one pixel to the next.
struct Grid {
    int64_t row, pixel;
};

// Where a tap finds its pixel, from the pixel of the first tap's window, and its weights, both in floats.
struct Tap {
    int64_t offset, weight;
};

struct Loops {
    // out = relu(x * factor + offset) of each channel; no factor means 1, with offset 0. `x` is dense.
    void (*load)(const float* x, int64_t height, int64_t width, int64_t channels, const float* factor, const float* offset,
                 bool relu, float* out, Grid at);

    // out[pixel] = sum over taps of weights * in[pixel + tap], on top of what is there with `add`.
    void (*correlate)(const float* in, Grid from, const Tap* taps, int64_t count, const float* weights, float* out, Grid to,
                      int64_t rows, int64_t columns, int64_t channels, bool add);

    // sums[ky][kx] += sum over pixels of g[pixel] * in[pixel + ky * tap.row + kx * tap.pixel].
    void (*tap_sums)(const float* g, Grid of_g, const float* in, Grid from, Grid tap, int64_t kernel, int64_t rows,
                     int64_t columns, int64_t channels, float* sums);

    // out[pixel][c] = sum_i in[pixel][i] * weights[i][c] for c < channels; rows of `weights` are widened.
    void (*multiply)(const float* in, int64_t in_stride, int64_t inner, const float* weights, float* out, int64_t out_stride,
                     int64_t channels, int64_t pixels);

    // sums[o][c] += sum over pixels of g[pixel][o] * in[pixel][c] for widened c.
    void (*outer)(const float* g, int64_t outputs, const float* in, int64_t channels, int64_t pixels, float* sums);

    // out = gradient, where with `relu` y is positive and 0 elsewhere. `gradient` is dense but widened, `out` is dense.
    void (*store)(const float* gradient, const float* y, Grid of_y, bool relu, int64_t height, int64_t width, int64_t channels,
                  float* out);
};

const Loops& loops();

}  // namespace deep
