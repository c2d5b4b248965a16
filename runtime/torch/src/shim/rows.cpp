#include "rows.h"

#include <ATen/Parallel.h>
#include <algorithm>

// One function, compiled for each of these and dispatched by the loader.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EVERY_CPU __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define FOR_EVERY_CPU
#endif

namespace rows {
namespace {

// As many columns as a vector register of the widest instruction set holds.
constexpr int64_t LANES = 16;
typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));

// Rows of a block: at 64 columns one matrix' block takes half of a first-level cache.
constexpr int64_t BLOCK = 64;
// Rows of a chunk, and how many chunks there are at most.
constexpr int64_t CHUNK = 1024;
constexpr int64_t MOST_CHUNKS = 64;

inline const Lanes& at(const float* place) { return *reinterpret_cast<const Lanes*>(place); }
inline Lanes& at(float* place) { return *reinterpret_cast<Lanes*>(place); }

// Adds the block's sums of (x - centre) and of its square to `sums` and `squares`.
FOR_EVERY_CPU void block_moments(const float* x, int64_t stride, const float* centre, int64_t rows, int64_t columns,
                                 double* sums, double* squares) {
    int64_t c = 0;
    for (; c + LANES <= columns; c += LANES) {
        const Lanes middle = at(centre + c);
        Lanes sum0 = {}, sum1 = {}, square0 = {}, square1 = {};
        const float* place = x + c;
        int64_t r = 0;
        for (; r + 2 <= rows; r += 2, place += 2 * stride) {
            const Lanes d0 = at(place) - middle, d1 = at(place + stride) - middle;
            sum0 += d0, sum1 += d1;
            square0 += d0 * d0, square1 += d1 * d1;
        }
        if (r < rows) {
            const Lanes d = at(place) - middle;
            sum0 += d, square0 += d * d;
        }
        sum0 += sum1, square0 += square1;
        for (int64_t lane = 0; lane < LANES; ++lane) sums[c + lane] += sum0[lane], squares[c + lane] += square0[lane];
    }
    for (; c < columns; ++c) {
        float sum = 0, square = 0;
        for (int64_t r = 0; r < rows; ++r) {
            const float d = x[r * stride + c] - centre[c];
            sum += d, square += d * d;
        }
        sums[c] += sum, squares[c] += square;
    }
}

FOR_EVERY_CPU void block_affine_sum(const Matrix* xs, int64_t count, const float* factors, const float* offset, int64_t first,
                                    int64_t last, int64_t columns, float* out) {
    for (int64_t r = first; r < last; ++r) {
        float* target = out + r * columns;
        int64_t c = 0;
        for (; c + LANES <= columns; c += LANES) {
            Lanes sum = at(offset + c);
            for (int64_t k = 0; k < count; ++k) sum += at(factors + k * columns + c) * at(xs[k].data + r * xs[k].stride + c);
            at(target + c) = sum;
        }
        for (; c < columns; ++c) {
            float sum = offset[c];
            for (int64_t k = 0; k < count; ++k) sum += factors[k * columns + c] * xs[k].data[r * xs[k].stride + c];
            target[c] = sum;
        }
    }
}

// Adds the block's sums of g * (x - centre) to `sums`; without x, those of g.
FOR_EVERY_CPU void block_weighted_sum(const float* g, int64_t g_stride, const float* x, int64_t stride, const float* centre,
                                      int64_t rows, int64_t columns, double* sums) {
    int64_t c = 0;
    for (; c + LANES <= columns; c += LANES) {
        Lanes sum0 = {}, sum1 = {};
        const float* from = g + c;
        if (x == nullptr) {
            for (int64_t r = 0; r < rows; ++r, from += g_stride) sum0 += at(from);
        } else {
            const Lanes middle = at(centre + c);
            const float* place = x + c;
            int64_t r = 0;
            for (; r + 2 <= rows; r += 2, place += 2 * stride, from += 2 * g_stride) {
                sum0 += at(from) * (at(place) - middle);
                sum1 += at(from + g_stride) * (at(place + stride) - middle);
            }
            if (r < rows) sum0 += at(from) * (at(place) - middle);
        }
        sum0 += sum1;
        for (int64_t lane = 0; lane < LANES; ++lane) sums[c + lane] += sum0[lane];
    }
    for (; c < columns; ++c) {
        float sum = 0;
        for (int64_t r = 0; r < rows; ++r) {
            sum += g[r * g_stride + c] * (x == nullptr ? 1.0f : x[r * stride + c] - centre[c]);
        }
        sums[c] += sum;
    }
}

FOR_EVERY_CPU void block_spread(const float* g, int64_t g_stride, const Spread& result, int64_t first, int64_t last,
                                int64_t columns) {
    for (int64_t r = first; r < last; ++r) {
        const float* from = g + r * g_stride;
        float* target = result.out + r * columns;
        int64_t c = 0;
        if (result.x.data == nullptr) {
            for (; c + LANES <= columns; c += LANES) at(target + c) = at(result.of_g + c) * at(from + c);
            for (; c < columns; ++c) target[c] = result.of_g[c] * from[c];
        } else {
            const float* x = result.x.data + r * result.x.stride;
            for (; c + LANES <= columns; c += LANES) {
                at(target + c) = at(result.of_g + c) * at(from + c) + (at(result.of_x + c) * at(x + c) + at(result.offset + c));
            }
            for (; c < columns; ++c) target[c] = result.of_g[c] * from[c] + (result.of_x[c] * x[c] + result.offset[c]);
        }
    }
}

// Calls body(chunk, first row, last row) for every chunk, on all threads.
template <typename Body>
void for_chunks(int64_t rows, int64_t chunks, Body body) {
    at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
        for (int64_t chunk = begin; chunk < end; ++chunk) body(chunk, rows * chunk / chunks, rows * (chunk + 1) / chunks);
    });
}

int64_t chunks_of(int64_t rows) { return std::clamp<int64_t>(rows / CHUNK, 1, MOST_CHUNKS); }

}  // namespace

void moments(Matrix x, int64_t rows, int64_t columns, double* mean, double* variance) {
    const int64_t chunks = chunks_of(rows);
    // The first row is near enough to the mean that squares of distances from it lose nothing.
    const float* centre = x.data;
    std::vector<double> partial(chunks * 2 * columns, 0.0);
    for_chunks(rows, chunks, [&](int64_t chunk, int64_t first, int64_t last) {
        double* sums = partial.data() + chunk * 2 * columns;
        for (int64_t r = first; r < last; r += BLOCK) {
            block_moments(x.data + r * x.stride, x.stride, centre, std::min(BLOCK, last - r), columns, sums, sums + columns);
        }
    });
    for (int64_t c = 0; c < columns; ++c) {
        double sum = 0, square = 0;
        for (int64_t chunk = 0; chunk < chunks; ++chunk) {
            sum += partial[chunk * 2 * columns + c];
            square += partial[(chunk * 2 + 1) * columns + c];
        }
        const double shift = sum / rows;
        mean[c] = centre[c] + shift;
        variance[c] = std::max(square / rows - shift * shift, 0.0);
    }
}

void affine_sum(const std::vector<Matrix>& xs, const float* factors, const float* offset, int64_t rows, int64_t columns,
                float* out) {
    for_chunks(rows, chunks_of(rows), [&](int64_t, int64_t first, int64_t last) {
        block_affine_sum(xs.data(), static_cast<int64_t>(xs.size()), factors, offset, first, last, columns, out);
    });
}

void weighted_sums(Matrix g, const std::vector<Matrix>& xs, const float* centres, int64_t rows, int64_t columns, double* sums,
                   double* total) {
    const int64_t chunks = chunks_of(rows);
    const int64_t width = (static_cast<int64_t>(xs.size()) + 1) * columns;
    std::vector<double> partial(chunks * width, 0.0);
    for_chunks(rows, chunks, [&](int64_t chunk, int64_t first, int64_t last) {
        double* own = partial.data() + chunk * width;
        for (int64_t r = first; r < last; r += BLOCK) {
            const int64_t count = std::min(BLOCK, last - r);
            const float* from = g.data + r * g.stride;
            block_weighted_sum(from, g.stride, nullptr, 0, nullptr, count, columns, own);
            for (size_t k = 0; k < xs.size(); ++k) {
                block_weighted_sum(from, g.stride, xs[k].data + r * xs[k].stride, xs[k].stride, centres + k * columns, count,
                                   columns, own + (k + 1) * columns);
            }
        }
    });
    std::fill(total, total + columns, 0.0);
    std::fill(sums, sums + xs.size() * columns, 0.0);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const double* own = partial.data() + chunk * width;
        for (int64_t c = 0; c < columns; ++c) total[c] += own[c];
        for (int64_t i = columns; i < width; ++i) sums[i - columns] += own[i];
    }
}

void spread(Matrix g, const std::vector<Spread>& results, int64_t rows, int64_t columns) {
    for_chunks(rows, chunks_of(rows), [&](int64_t, int64_t first, int64_t last) {
        for (int64_t r = first; r < last; r += BLOCK) {
            for (const auto& result : results) block_spread(g.data, g.stride, result, r, std::min(r + BLOCK, last), columns);
        }
    });
}

void add_moments(Matrix x, const float* centre, int64_t rows, int64_t columns, double* sums, double* squares) {
    for (int64_t r = 0; r < rows; r += BLOCK) {
        block_moments(x.data + r * x.stride, x.stride, centre, std::min(BLOCK, rows - r), columns, sums, squares);
    }
}

void add_weighted_sums(Matrix g, Matrix x, const float* centre, int64_t rows, int64_t columns, double* sums, double* total) {
    for (int64_t r = 0; r < rows; r += BLOCK) {
        const int64_t count = std::min(BLOCK, rows - r);
        const float* from = g.data + r * g.stride;
        block_weighted_sum(from, g.stride, x.data + r * x.stride, x.stride, centre, count, columns, sums);
        block_weighted_sum(from, g.stride, nullptr, 0, nullptr, count, columns, total);
    }
}

void spread_rows(Matrix g, const Spread& result, int64_t rows, int64_t columns) {
    block_spread(g.data, g.stride, result, 0, rows, columns);
}

}  // namespace rows
