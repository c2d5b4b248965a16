#include "deep_loops.h"

// `build.rs` compiles this file once for each instruction set, with the name of the table.
#ifndef NASC_LOOPS
#define NASC_LOOPS loops_plain
#endif

namespace deep {
namespace {

// Floats in a vector register.
#if defined(__AVX512F__)
constexpr int64_t LANES = 16;
#elif defined(__AVX__)
constexpr int64_t LANES = 8;
#else
constexpr int64_t LANES = 4;
#endif

typedef float Lanes __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

inline const Lanes& at(const float* place) { return *reinterpret_cast<const Lanes*>(place); }
inline Lanes& at(float* place) { return *reinterpret_cast<Lanes*>(place); }

// Pixels that are computed together, so that a weight is loaded once for all of them and no sum waits for the one before.
constexpr int BLOCK = 8;

void load(const float* x, int64_t height, int64_t width, int64_t channels, const float* factor, const float* offset, bool relu,
          float* out, Grid grid) {
    // Least possible value of the result, so that one loop does with and without ReLU.
    const float least = relu ? 0.0f : -__builtin_inff();
    for (int64_t r = 0; r < height; ++r) {
        for (int64_t i = 0; i < width; ++i) {
            const float* from = x + (r * width + i) * channels;
            float* to = out + r * grid.row + i * grid.pixel;
            int64_t c = 0;
            for (; c + LANES <= channels; c += LANES) {
                Lanes value = at(from + c);
                if (factor != nullptr) value = value * at(factor + c) + at(offset + c);
                // Written so that what is not a number stays it.
                at(to + c) = value < least ? Lanes{} + least : value;
            }
            for (; c < channels; ++c) {
                const float value = factor == nullptr ? from[c] : from[c] * factor[c] + offset[c];
                to[c] = value < least ? least : value;
            }
        }
    }
}

template <int PIXELS>
inline void correlate_block(const float* in, int64_t step, const Tap* taps, int64_t count, const float* weights, float* out,
                            int64_t out_step, bool add) {
    Lanes sum[PIXELS];
    for (int p = 0; p < PIXELS; ++p) sum[p] = add ? at(out + p * out_step) : Lanes{};
    for (int64_t t = 0; t < count; ++t) {
        const Lanes weight = at(weights + taps[t].weight);
        const float* place = in + taps[t].offset;
        for (int p = 0; p < PIXELS; ++p) sum[p] += weight * at(place + p * step);
    }
    for (int p = 0; p < PIXELS; ++p) at(out + p * out_step) = sum[p];
}

void correlate(const float* in, Grid from, const Tap* taps, int64_t count, const float* weights, float* out, Grid to,
               int64_t rows, int64_t columns, int64_t channels, bool add) {
    for (int64_t c = 0; c < channels; c += LANES) {
        for (int64_t r = 0; r < rows; ++r) {
            const float* source = in + r * from.row + c;
            float* target = out + r * to.row + c;
            int64_t i = 0;
            for (; i + BLOCK <= columns; i += BLOCK) {
                correlate_block<BLOCK>(source + i * from.pixel, from.pixel, taps, count, weights + c, target + i * to.pixel,
                                       to.pixel, add);
            }
            for (; i < columns; ++i) {
                correlate_block<1>(source + i * from.pixel, from.pixel, taps, count, weights + c, target + i * to.pixel,
                                   to.pixel, add);
            }
        }
    }
}

// The sums of ROWS x COLUMNS taps of one block of channels.
template <int ROWS, int COLUMNS>
inline void tap_sums_block(const float* g, Grid of_g, const float* in, Grid from, Grid tap, int64_t rows, int64_t columns,
                           float* sums, int64_t sums_row, int64_t sums_step) {
    Lanes sum[ROWS][COLUMNS] = {};
    for (int64_t r = 0; r < rows; ++r) {
        const float* gradient = g + r * of_g.row;
        const float* place = in + r * from.row;
        for (int64_t i = 0; i < columns; ++i, gradient += of_g.pixel, place += from.pixel) {
            const Lanes factor = at(gradient);
            for (int ky = 0; ky < ROWS; ++ky) {
                for (int kx = 0; kx < COLUMNS; ++kx) sum[ky][kx] += factor * at(place + ky * tap.row + kx * tap.pixel);
            }
        }
    }
    for (int ky = 0; ky < ROWS; ++ky) {
        for (int kx = 0; kx < COLUMNS; ++kx) at(sums + ky * sums_row + kx * sums_step) += sum[ky][kx];
    }
}

void tap_sums(const float* g, Grid of_g, const float* in, Grid from, Grid tap, int64_t kernel, int64_t rows, int64_t columns,
              int64_t channels, float* sums) {
    const int64_t sums_row = kernel * channels;
    for (int64_t c = 0; c < channels; c += LANES) {
        if (kernel == 3) {
            tap_sums_block<3, 3>(g + c, of_g, in + c, from, tap, rows, columns, sums + c, sums_row, channels);
            continue;
        }
#if defined(__AVX512F__)
        if (kernel == 5) {
            tap_sums_block<5, 5>(g + c, of_g, in + c, from, tap, rows, columns, sums + c, sums_row, channels);
            continue;
        }
#endif
        for (int64_t ky = 0; ky < kernel; ++ky) {
            int64_t kx = 0;
            const float* row = in + ky * tap.row + c;
            float* own = sums + ky * sums_row + c;
            for (; kx + 5 <= kernel; kx += 5) {
                tap_sums_block<1, 5>(g + c, of_g, row + kx * tap.pixel, from, tap, rows, columns, own + kx * channels, sums_row,
                                     channels);
            }
            for (; kx < kernel; ++kx) {
                tap_sums_block<1, 1>(g + c, of_g, row + kx * tap.pixel, from, tap, rows, columns, own + kx * channels, sums_row,
                                     channels);
            }
        }
    }
}

// PIXELS results of VECTORS registers each.
template <int PIXELS, int VECTORS>
inline void multiply_block(const float* in, int64_t in_stride, int64_t inner, const float* weights, int64_t weights_stride,
                           float* out, int64_t out_stride) {
    Lanes sum[PIXELS][VECTORS] = {};
    for (int64_t i = 0; i < inner; ++i) {
        Lanes weight[VECTORS];
        for (int v = 0; v < VECTORS; ++v) weight[v] = at(weights + i * weights_stride + v * LANES);
        for (int p = 0; p < PIXELS; ++p) {
            const float value = in[p * in_stride + i];
            for (int v = 0; v < VECTORS; ++v) sum[p][v] += value * weight[v];
        }
    }
    for (int p = 0; p < PIXELS; ++p) {
        for (int v = 0; v < VECTORS; ++v) at(out + p * out_stride + v * LANES) = sum[p][v];
    }
}

template <int VECTORS>
inline void multiply_columns(const float* in, int64_t in_stride, int64_t inner, const float* weights, int64_t weights_stride,
                             float* out, int64_t out_stride, int64_t pixels) {
    constexpr int PIXELS = VECTORS == 4 ? 4 : VECTORS == 2 && LANES < 16 ? 4 : 8;
    int64_t p = 0;
    for (; p + PIXELS <= pixels; p += PIXELS) {
        multiply_block<PIXELS, VECTORS>(in + p * in_stride, in_stride, inner, weights, weights_stride, out + p * out_stride,
                                        out_stride);
    }
    for (; p < pixels; ++p) {
        multiply_block<1, VECTORS>(in + p * in_stride, in_stride, inner, weights, weights_stride, out + p * out_stride,
                                   out_stride);
    }
}

void multiply(const float* in, int64_t in_stride, int64_t inner, const float* weights, float* out, int64_t out_stride,
              int64_t channels, int64_t pixels) {
    const int64_t stride = widened(channels);
    int64_t c = 0;
#if defined(__AVX512F__)
    for (; c + 4 * LANES <= channels; c += 4 * LANES) {
        multiply_columns<4>(in, in_stride, inner, weights + c, stride, out + c, out_stride, pixels);
    }
#endif
    for (; c + 2 * LANES <= channels; c += 2 * LANES) {
        multiply_columns<2>(in, in_stride, inner, weights + c, stride, out + c, out_stride, pixels);
    }
    for (; c + LANES <= channels; c += LANES) {
        multiply_columns<1>(in, in_stride, inner, weights + c, stride, out + c, out_stride, pixels);
    }
    if (c == channels) return;
    for (int64_t p = 0; p < pixels; ++p) {
        float rest[LANES];
        multiply_block<1, 1>(in + p * in_stride, in_stride, inner, weights + c, stride, rest, LANES);
        for (int64_t i = 0; c + i < channels; ++i) out[p * out_stride + c + i] = rest[i];
    }
}

template <int OUTPUTS, int VECTORS>
inline void outer_block(const float* g, int64_t outputs, const float* in, int64_t channels, int64_t pixels, float* sums) {
    Lanes sum[OUTPUTS][VECTORS] = {};
    for (int64_t p = 0; p < pixels; ++p) {
        Lanes value[VECTORS];
        for (int v = 0; v < VECTORS; ++v) value[v] = at(in + p * channels + v * LANES);
        for (int o = 0; o < OUTPUTS; ++o) {
            const float factor = g[p * outputs + o];
            for (int v = 0; v < VECTORS; ++v) sum[o][v] += factor * value[v];
        }
    }
    for (int o = 0; o < OUTPUTS; ++o) {
        for (int v = 0; v < VECTORS; ++v) at(sums + o * channels + v * LANES) += sum[o][v];
    }
}

template <int VECTORS>
inline void outer_columns(const float* g, int64_t outputs, const float* in, int64_t channels, int64_t pixels, float* sums) {
    constexpr int OUTPUTS = VECTORS * 4 > 8 && LANES < 16 ? 4 : 8;
    int64_t o = 0;
    for (; o + OUTPUTS <= outputs; o += OUTPUTS) {
        outer_block<OUTPUTS, VECTORS>(g + o, outputs, in, channels, pixels, sums + o * channels);
    }
    for (; o < outputs; ++o) outer_block<1, VECTORS>(g + o, outputs, in, channels, pixels, sums + o * channels);
}

void outer(const float* g, int64_t outputs, const float* in, int64_t channels, int64_t pixels, float* sums) {
    int64_t c = 0;
#if defined(__AVX512F__)
    for (; c + 2 * LANES <= channels; c += 2 * LANES) outer_columns<2>(g, outputs, in + c, channels, pixels, sums + c);
#endif
    for (; c < channels; c += LANES) outer_columns<1>(g, outputs, in + c, channels, pixels, sums + c);
}

void store(const float* gradient, const float* y, Grid of_y, bool relu, int64_t height, int64_t width, int64_t channels,
           float* out) {
    const int64_t stride = widened(channels);
    for (int64_t r = 0; r < height; ++r) {
        for (int64_t i = 0; i < width; ++i) {
            const float* from = gradient + (r * width + i) * stride;
            const float* value = y + r * of_y.row + i * of_y.pixel;
            float* to = out + (r * width + i) * channels;
            int64_t c = 0;
            if (relu) {
                for (; c + LANES <= channels; c += LANES) at(to + c) = at(value + c) > 0.0f ? at(from + c) : Lanes{};
                for (; c < channels; ++c) to[c] = value[c] > 0.0f ? from[c] : 0.0f;
            } else {
                for (; c + LANES <= channels; c += LANES) at(to + c) = at(from + c);
                for (; c < channels; ++c) to[c] = from[c];
            }
        }
    }
}

}  // namespace

extern const Loops NASC_LOOPS;
const Loops NASC_LOOPS = {load, correlate, tap_sums, multiply, outer, store};

}  // namespace deep
