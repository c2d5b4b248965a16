// Loops over rows of channels: what batch-norm and weighted sums come down to when channels lie innermost in memory.
//
// A tensor [N, C, H, W] with channels innermost is a matrix of N * H * W rows and C columns. Loops are compiled for several
// instruction sets and picked when the program starts. Sums are taken in float over short blocks of rows and in double over
// blocks, over a number of chunks that depends on the matrix alone: so results do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <vector>

namespace rows {

// A matrix of rows in memory; `stride` floats lie between two rows.
struct Matrix {
    const float* data;
    int64_t stride;
};

// For every column: the mean over rows, and the mean square distance from it.
void moments(Matrix x, int64_t rows, int64_t columns, double* mean, double* variance);

// out[r, c] = offset[c] + sum_k factors[k * columns + c] * xs[k][r, c]. `out` is dense.
void affine_sum(const std::vector<Matrix>& xs, const float* factors, const float* offset, int64_t rows, int64_t columns,
                float* out);

// sums[k * columns + c] = sum_r g[r, c] * (xs[k][r, c] - centres[k * columns + c]), and total[c] = sum_r g[r, c].
void weighted_sums(Matrix g, const std::vector<Matrix>& xs, const float* centres, int64_t rows, int64_t columns, double* sums,
                   double* total);

// On this thread: adds sums over rows of (x - centre) and of its square to `sums` and `squares`.
void add_moments(Matrix x, const float* centre, int64_t rows, int64_t columns, double* sums, double* squares);

// On this thread: adds sums over rows of g * (x - centre) to `sums`, and of g to `total`.
void add_weighted_sums(Matrix g, Matrix x, const float* centre, int64_t rows, int64_t columns, double* sums, double* total);

// A result of `spread`: out[r, c] = of_g[c] * g[r, c] + of_x[c] * x[r, c] + offset[c], or of_g[c] * g[r, c] where x is null.
struct Spread {
    const float* of_g;
    const float* of_x;
    const float* offset;
    Matrix x;
    float* out;
};

// Computes all results block by block, so that g is read from memory once. Outputs are dense.
void spread(Matrix g, const std::vector<Spread>& results, int64_t rows, int64_t columns);

// The same of one result, on this thread.
void spread_rows(Matrix g, const Spread& result, int64_t rows, int64_t columns);

}  // namespace rows
