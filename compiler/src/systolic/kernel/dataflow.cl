/* Convolutions as a dataflow: a reader of maps, a reader of weights, a chain of processing elements, a writer.
 *
 *   read_maps -> element 0 -> element 1 -> ... -> element PE - 1
 *                    |            |                    |
 *   read_weights ----+------------+--------------------+         (each gets its own vector of weights a step)
 *                    |            |                    |
 *                    +------------+--------------------+-> write_maps
 *
 * A tile is REUSE neighbouring columns of one row of the output for one K-block. Its steps go over C-blocks, rows and columns of the
 * kernel; in a step each element multiplies one vector of VEC weights with REUSE vectors of the map. Columns are neighbours of the
 * map, so that a step needs one new one; where the stride is more than 1, the writer drops those between.
 *
 * The host starts, for each convolution, read_maps, read_weights and write_maps at the same time on queues of their own, and the next
 * layer when write_maps has ended; kernels of the other layers are started alone. Elements are never started.
 * Where channels are pieces of memory, the order is read_maps, read_weights, element (PE work-groups), write_maps. */

/* REUSE columns of a map, and whether they are the tile's last. */
typedef struct {
  float columns[REUSE * VEC];
  int last;
} token_t;

/* One element's weights of a step. */
typedef struct {
  float lanes[VEC];
} weight_t;

/* One element's sums of a tile. */
typedef struct {
  float columns[REUSE];
} sums_t;

/* Ends of each channel. In memory one is enough for the tokens: every element reads the same. */
#define ENDS_tokens 1
#define ENDS_vectors PE
#define ENDS_sums PE
CHANNEL(token_t, tokens, PE, 8)
CHANNEL(weight_t, vectors, PE, 32)
CHANNEL(sums_t, sums, PE, 16)
#if FORM == 1
#define QUEUES
#else
#define QUEUES , GLOBAL token_t *restrict tokens, GLOBAL weight_t *restrict vectors, GLOBAL sums_t *restrict sums
#endif

/* Columns of the output in a tile, and tiles in a row. */
INLINE int useful(GLOBAL const int *L) { return (REUSE + L[STRIDE_COLUMNS] - 1) / L[STRIDE_COLUMNS]; }
INLINE int tiles(GLOBAL const int *L) { return (L[TO_WIDTH] + useful(L) - 1) / useful(L); }
/* C-blocks of a K-block. */
INLINE int c_count(GLOBAL const int *L, const int k_block) { return min(L[C_BLOCKS], L[FROM_BLOCKS] - c_begin(L, k_block)); }

/* The order of tiles, the same in all kernels. Either K-blocks are outside, so that one block of weights stays; or rows are, so that
 * rows of the map stay. */
INLINE int rounds(GLOBAL const int *L) { return L[K_BLOCKS] * L[TO_HEIGHT]; }
INLINE int round_k(GLOBAL const int *L, const int i) { return L[ORDER] ? i % L[K_BLOCKS] : i / L[TO_HEIGHT]; }
INLINE int round_y(GLOBAL const int *L, const int i) { return L[ORDER] ? i / L[K_BLOCKS] : i % L[TO_HEIGHT]; }

TASK read_maps(GLOBAL const float *restrict arena, GLOBAL const int *restrict descriptors, const int at QUEUES)
{
  GLOBAL const int *L = descriptors + at;
  const int row = L[FROM_ROW], block = L[FROM_BLOCK], kernel_rows = L[KERNEL_ROWS], kernel_columns = L[KERNEL_COLUMNS];
  const int down = L[DILATION_ROWS] * row, across = L[DILATION_COLUMNS];
  int number = 0;
#if BUFFERED
  /* The whole map, or the rows under one row of the output, block after block. */
  __local float kept[MAP_FLOATS];
  const int keep = L[KEEP_MAP], whole = keep == 1, span = L[MAP_SPAN];
  const int rows = (kernel_rows - 1) * down + ((tiles(L) - 1) * useful(L) * L[STRIDE_COLUMNS] + (kernel_columns - 1) * across + REUSE) * VEC;
  int now = -1;
#endif
  for (int i = 0; i < rounds(L); i++) {
    const int k_block = round_k(L, i), y = round_y(L, i), begin = c_begin(L, k_block), count = c_count(L, k_block);
    const int line = L[FROM] + y * L[STRIDE_ROWS] * row;
#if BUFFERED
    if (whole && now < 0)
      for (int j = 0; j < span; j++) kept[j] = arena[L[MAP_BEGIN] + j];
    if (keep && !whole && now != y)
      for (int c = 0; c < L[FROM_BLOCKS]; c++)
        for (int j = 0; j < rows; j++) kept[c * rows + j] = arena[line + c * block + j];
    now = y;
#endif
    for (int tile = 0; tile < tiles(L); tile++) {
      const int corner = tile * useful(L) * L[STRIDE_COLUMNS] * VEC;
      for (int c = 0; c < count; c++)
        for (int r = 0; r < kernel_rows; r++) {
          token_t token;
          UNROLL for (int j = 0; j < REUSE * VEC; j++) token.columns[j] = 0.0f;
          int next = 0;
          for (int x = 0; x < kernel_columns; x++) {
            /* Columns are shifted in one by one: REUSE for the first step, as many as the dilation says for the others. */
            for (int load = x == 0 ? REUSE : across; load > 0; load--) {
              UNROLL for (int j = 0; j < (REUSE - 1) * VEC; j++) token.columns[j] = token.columns[j + VEC];
              const int place = corner + r * down + next * VEC;
              UNROLL for (int v = 0; v < VEC; v++) {
#if BUFFERED
                const int inside = whole ? line - L[MAP_BEGIN] + (begin + c) * block + place + v : (begin + c) * rows + place + v;
                token.columns[(REUSE - 1) * VEC + v] =
                    keep ? kept[inside] : arena[line + (begin + c) * block + place + v];
#else
                token.columns[(REUSE - 1) * VEC + v] = arena[line + (begin + c) * block + place + v];
#endif
              }
              next++;
            }
            token.last = c == count - 1 && r == kernel_rows - 1 && x == kernel_columns - 1;
            SEND(tokens, 0, number, token);
            number++;
          }
        }
    }
  }
}

TASK read_weights(GLOBAL const float *restrict weights, GLOBAL const int *restrict descriptors, const int at QUEUES)
{
  GLOBAL const int *L = descriptors + at;
  const int taps = L[KERNEL_ROWS] * L[KERNEL_COLUMNS], floats = L[C_BLOCKS] * taps * VEC * PE;
  int number = 0;
#if BUFFERED
  /* One K-block's weights, or all. */
  __local float kept[WEIGHT_FLOATS];
  const int keep = L[KEEP_WEIGHTS];
  int now = -1;
#endif
  for (int i = 0; i < rounds(L); i++) {
    const int k_block = round_k(L, i), steps = c_count(L, k_block) * taps;
#if BUFFERED
    if (keep == 1 && now != k_block)
      for (int j = 0; j < floats; j++) kept[j] = weights[L[WEIGHTS] + k_block * floats + j];
    if (keep == 2 && now < 0)
      for (int j = 0; j < L[K_BLOCKS] * floats; j++) kept[j] = weights[L[WEIGHTS] + j];
    now = k_block;
#endif
    for (int tile = 0; tile < tiles(L); tile++)
      for (int step = 0; step < steps; step++) {
        UNROLL for (int p = 0; p < PE; p++) {
          weight_t vector;
          UNROLL for (int v = 0; v < VEC; v++) {
            const int place = (step * VEC + v) * PE + p;
#if BUFFERED
            vector.lanes[v] = keep ? kept[(keep == 2 ? k_block * floats : 0) + place] : weights[L[WEIGHTS] + k_block * floats + place];
#else
            vector.lanes[v] = weights[L[WEIGHTS] + k_block * floats + place];
#endif
          }
          SEND(vectors, p, number, vector);
        }
        number++;
      }
  }
}

/* REUSE inner products of VEC. */
INLINE void step(sums_t *sum, const token_t *token, const weight_t *vector)
{
  UNROLL for (int r = 0; r < REUSE; r++) {
    float product = 0.0f;
    UNROLL for (int v = 0; v < VEC; v++) product += token->columns[r * VEC + v] * vector->lanes[v];
    sum->columns[r] += product;
  }
}

INLINE void clear(sums_t *sum)
{
  UNROLL for (int r = 0; r < REUSE; r++) sum->columns[r] = 0.0f;
}

#if FORM == 1
ALWAYS(PE) element(void)
{
  const int id = UNIT;
  sums_t sum;
  clear(&sum);
  while (1) {
    const token_t token = RECEIVE(tokens, id, 0);
    const weight_t vector = RECEIVE(vectors, id, 0);
    step(&sum, &token, &vector);
    if (id < PE - 1) SEND(tokens, id + 1, 0, token);
    if (token.last) {
      SEND(sums, id, 0, sum);
      clear(&sum);
    }
  }
}
#else
ALWAYS(PE) element(GLOBAL const int *restrict descriptors, const int at QUEUES)
{
  GLOBAL const int *L = descriptors + at;
  const int id = UNIT, all = rounds(L) * tiles(L);
  sums_t sum;
  clear(&sum);
  for (int number = 0, tile = 0; tile < all; number++) {
    const token_t token = RECEIVE(tokens, 0, number);
    const weight_t vector = RECEIVE(vectors, id, number);
    step(&sum, &token, &vector);
    if (token.last) {
      SEND(sums, id, tile, sum);
      clear(&sum);
      tile++;
    }
  }
}
#endif

TASK write_maps(GLOBAL float *restrict arena, GLOBAL const float *restrict weights, GLOBAL const int *restrict descriptors, const int at QUEUES)
{
  GLOBAL const int *L = descriptors + at;
  const float slope = as_float(L[SLOPE]), ceiling = as_float(L[CEILING]);
  int number = 0;
  border(L, arena, 0, L[TO_BLOCKS] * VEC, 0, L[TO_HEIGHT]);
  for (int i = 0; i < rounds(L); i++) {
    const int k_block = round_k(L, i), y = round_y(L, i);
    for (int tile = 0; tile < tiles(L); tile++) {
      float lanes[REUSE][PE];
      UNROLL for (int p = 0; p < PE; p++) {
        const sums_t sum = RECEIVE(sums, p, number);
        UNROLL for (int r = 0; r < REUSE; r++) lanes[r][p] = sum.columns[r];
      }
      number++;
      for (int r = 0; r < REUSE; r += L[STRIDE_COLUMNS]) {
        const int x = tile * useful(L) + r / L[STRIDE_COLUMNS];
        if (x < L[TO_WIDTH])
          for (int p = 0; p < PE; p += LANES) {
            const int plane = k_block * PE + p, block = plane / VEC, lane = plane % VEC;
            if (block < L[TO_BLOCKS]) {
              lanes_t sum = LOAD(&lanes[r][p]) + LOAD(weights + L[BIAS] + plane);
              if (L[RESIDUAL] >= 0) sum += LOAD(arena + L[RESIDUAL] + block * L[RESIDUAL_BLOCK] + y * L[RESIDUAL_ROW] + x * VEC + lane);
              STORE(activate(sum, slope, ceiling), arena + L[TO] + block * L[TO_BLOCK] + y * L[TO_ROW] + x * VEC + lane);
            }
          }
      }
    }
  }
}
