/* Convolutions, fused: one work-item is the whole array, the lanes of its vectors are the processing elements.
 *
 * A tile is `rows` x `columns` pixels of the output for one K-block, whose sums stay in registers; each step takes one channel
 * of the input: a broadcast per pixel, and one vector of weights that all pixels share. Work-groups take ranges of tasks; a task is
 * `rows` rows of the output for one K-block. The last tile of a line overlaps the one before instead of reaching over the edge.
 * Functions below are inlined with numbers for `rows`, `columns` and `step`; then their loops unroll. */

#define VECTORS (PE / LANES)

/* What a tile needs to know of its layer; kept in registers. */
typedef struct {
  int c_blocks, last_lanes, kernel_rows, kernel_columns;
  int from_block, down, across, row_step;
  int to_row, to_block, residual_row, residual_block, to_blocks;
  float slope, ceiling;
} numbers;

/* Sums of one tile, then bias, residual and activation. `in` is the first pixel's first window element, `out` the first pixel. */
INLINE void tile(const int rows, const int columns, const int step, const numbers n, GLOBAL float *arena,
    GLOBAL const float *weights, const int in, const int taps, const int bias, const int k_block,
    const int out, const int other)
{
  lanes_t sum[MOST_SUMS];
  UNROLL for (int i = 0; i < rows * columns * VECTORS; i++) sum[i] = (lanes_t)(0.0f);
  GLOBAL const float *w = weights + taps;
  for (int c = 0; c < n.c_blocks; c++) {
    const int lanes = c == n.c_blocks - 1 ? n.last_lanes : VEC;
    for (int y = 0; y < n.kernel_rows; y++) {
      GLOBAL const float *from = arena + in + c * n.from_block + y * n.down;
      for (int x = 0; x < n.kernel_columns; x++, from += n.across, w += VEC * PE) {
        NO_UNROLL for (int v = 0; v < lanes; v++) {
          lanes_t weight[VECTORS];
          UNROLL for (int q = 0; q < VECTORS; q++) weight[q] = LOAD(w + v * PE + q * LANES);
          UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int i = 0; i < columns; i++) {
              const lanes_t pixel = (lanes_t)(from[r * n.row_step + i * step + v]);
              UNROLL for (int q = 0; q < VECTORS; q++)
                sum[(r * columns + i) * VECTORS + q] = fma(pixel, weight[q], sum[(r * columns + i) * VECTORS + q]);
            }
        }
      }
    }
  }
  UNROLL for (int q = 0; q < VECTORS; q++) {
    const int plane = k_block * PE + q * LANES;
    const int block = plane / VEC, lane = plane % VEC;
    if (block < n.to_blocks) {
      const lanes_t b = LOAD(weights + bias + plane);
      UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int i = 0; i < columns; i++) {
          lanes_t s = sum[(r * columns + i) * VECTORS + q] + b;
          if (other >= 0) s += LOAD(arena + other + block * n.residual_block + r * n.residual_row + i * VEC + lane);
          STORE(activate(s, n.slope, n.ceiling), arena + out + block * n.to_block + r * n.to_row + i * VEC + lane);
        }
    }
  }
}

/* Rows of tiles: `rows` rows of the output from row `y` on. */
INLINE void line(const int rows, const int columns, const int step, const numbers n, GLOBAL const int *L,
    GLOBAL float *arena, GLOBAL const float *weights, const int k_block, const int y)
{
  const int next = L[C_BLOCKS] * n.kernel_rows * n.kernel_columns * VEC * PE;
  const int begin = c_begin(L, k_block);
  numbers m = n;
  m.c_blocks = min(L[C_BLOCKS], L[FROM_BLOCKS] - begin);
  m.last_lanes = begin + m.c_blocks == L[FROM_BLOCKS] ? L[LAST_LANES] : VEC;
  for (int x = 0; x < L[TO_WIDTH]; x += columns) {
    const int at = min(x, L[TO_WIDTH] - columns);
    tile(rows, columns, step, m, arena, weights, L[FROM] + begin * n.from_block + y * n.row_step + at * step,
        L[WEIGHTS] + k_block * next, L[BIAS], k_block, L[TO] + y * n.to_row + at * VEC,
        L[RESIDUAL] < 0 ? -1 : L[RESIDUAL] + y * n.residual_row + at * VEC);
  }
}

INLINE void convolve(const int rows, const int columns, const int step, GLOBAL const int *L,
    GLOBAL float *arena, GLOBAL const float *weights)
{
  const numbers n = {
    0, 0, L[KERNEL_ROWS], L[KERNEL_COLUMNS], L[FROM_BLOCK], L[DILATION_ROWS] * L[FROM_ROW], L[DILATION_COLUMNS] * VEC,
    L[STRIDE_ROWS] * L[FROM_ROW], L[TO_ROW], L[TO_BLOCK], L[RESIDUAL_ROW], L[RESIDUAL_BLOCK], L[TO_BLOCKS],
    as_float(L[SLOPE]), as_float(L[CEILING])
  };
  const int units = (L[TO_HEIGHT] + rows - 1) / rows, k_blocks = L[K_BLOCKS], tasks = units * k_blocks;
  const int group = GROUP, groups = GROUPS;
  for (int task = SHARE(tasks, group, groups); task < SHARE(tasks, group + 1, groups); task++) {
    const int k_block = L[ORDER] ? task % k_blocks : task / units;
    const int begin = (L[ORDER] ? task / k_blocks : task % units) * rows, end = min(begin + rows, L[TO_HEIGHT]);
    if (end - begin == rows) line(rows, columns, step, n, L, arena, weights, k_block, begin);
    else for (int y = begin; y < end; y++) line(1, columns, step, n, L, arena, weights, k_block, y);
    border(L, arena, k_block * PE, k_block * PE + PE, begin, end);
  }
}

#define ARGUMENTS \
  GLOBAL float *restrict arena, GLOBAL const float *restrict weights, GLOBAL const int *restrict descriptors, const int at

/* Tiles for strides of 1 and 2, and tiles for any. */
#define CONVOLUTION(NAME, ROWS, COLUMNS) \
  TASK NAME(ARGUMENTS) \
  { \
    GLOBAL const int *L = descriptors + at; \
    if (L[STRIDE_COLUMNS] == 1) convolve(ROWS, COLUMNS, VEC, L, arena, weights); \
    else convolve(ROWS, COLUMNS, 2 * VEC, L, arena, weights); \
  }
#define CONVOLUTION_ANY(NAME, ROWS, COLUMNS) \
  TASK NAME(ARGUMENTS) \
  { \
    GLOBAL const int *L = descriptors + at; \
    convolve(ROWS, COLUMNS, L[STRIDE_COLUMNS] * VEC, L, arena, weights); \
  }

/* Layers that keep channels apart: weights of a tap are a diagonal, so lanes are channels of both sides. A task is a vector of
 * channels and a band of rows; its diagonals are taken out once. */
INLINE void apart(const int columns, const int step, GLOBAL const int *L, GLOBAL float *arena,
    const int plane, const int x, const int y, const lanes_t *diagonals, const lanes_t bias)
{
  lanes_t sum[8];
  UNROLL for (int i = 0; i < columns; i++) sum[i] = bias;
  GLOBAL const float *from = arena + L[FROM] + plane / VEC * L[FROM_BLOCK] + plane % VEC + y * L[STRIDE_ROWS] * L[FROM_ROW]
      + x * step;
  const int down = L[DILATION_ROWS] * L[FROM_ROW], across = L[DILATION_COLUMNS] * VEC, kernel_columns = L[KERNEL_COLUMNS];
  for (int r = 0, tap = 0; r < L[KERNEL_ROWS]; r++)
    for (int c = 0; c < kernel_columns; c++, tap++) {
      const lanes_t weight = diagonals[tap];
      UNROLL for (int i = 0; i < columns; i++) sum[i] = fma(LOAD(from + r * down + c * across + i * step), weight, sum[i]);
    }
  const float slope = as_float(L[SLOPE]), ceiling = as_float(L[CEILING]);
  const int residual = L[RESIDUAL];
  GLOBAL const float *other = arena + residual + plane / VEC * L[RESIDUAL_BLOCK] + plane % VEC + y * L[RESIDUAL_ROW] + x * VEC;
  GLOBAL float *out = arena + L[TO] + plane / VEC * L[TO_BLOCK] + plane % VEC + y * L[TO_ROW] + x * VEC;
  UNROLL for (int i = 0; i < columns; i++) {
    if (residual >= 0) sum[i] += LOAD(other + i * VEC);
    STORE(activate(sum[i], slope, ceiling), out + i * VEC);
  }
}

TASK depthwise(GLOBAL float *restrict arena, GLOBAL const float *restrict weights, GLOBAL const int *restrict descriptors, const int at)
{
  GLOBAL const int *L = descriptors + at;
  const int taps = L[KERNEL_ROWS] * L[KERNEL_COLUMNS], width = L[TO_WIDTH], step = L[STRIDE_COLUMNS] * VEC;
  const int bands = (L[TO_HEIGHT] + BAND - 1) / BAND, vectors = L[TO_BLOCKS] * (VEC / LANES), tasks = bands * vectors;
  const int group = GROUP, groups = GROUPS;
  lanes_t diagonals[MOST_TAPS];
  for (int task = SHARE(tasks, group, groups), kept = -1; task < SHARE(tasks, group + 1, groups); task++) {
    const int plane = task / bands * LANES, k_block = plane / PE;
    const int begin = task % bands * BAND, end = min(begin + BAND, L[TO_HEIGHT]);
    if (plane != kept) {
      /* The first weight of the diagonal: the plane's lane among the K-block's inputs, and its element. */
      const int lane = plane - k_block * PE / VEC * VEC;
      GLOBAL const float *w = weights + L[WEIGHTS] + ((k_block * L[C_BLOCKS] + lane / VEC) * taps * VEC + lane % VEC) * PE + plane % PE;
      for (int tap = 0; tap < taps; tap++) {
        float diagonal[LANES];
        UNROLL for (int i = 0; i < LANES; i++) diagonal[i] = w[tap * VEC * PE + i * (PE + 1)];
        diagonals[tap] = LOAD(diagonal);
      }
      kept = plane;
    }
    const lanes_t bias = LOAD(weights + L[BIAS] + plane);
    for (int y = begin; y < end; y++) {
      if (width < 8) for (int x = 0; x < width; x++) apart(1, step, L, arena, plane, x, y, diagonals, bias);
      else if (step == VEC) for (int x = 0; x < width; x += 8) apart(8, VEC, L, arena, plane, min(x, width - 8), y, diagonals, bias);
      else for (int x = 0; x < width; x += 8) apart(8, step, L, arena, plane, min(x, width - 8), y, diagonals, bias);
    }
    border(L, arena, plane, plane + LANES, begin, end);
  }
}
