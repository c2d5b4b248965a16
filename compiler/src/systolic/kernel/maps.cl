/* Layers without weights, the same in every form: pooling, up-sampling, local response normalisation. Each has the arguments of a
 * convolution; its work-groups share the output's rows. */

TASK pool(GLOBAL float *restrict arena, GLOBAL const float *restrict weights, GLOBAL const int *restrict descriptors, const int at)
{
  GLOBAL const int *L = descriptors + at;
  const int height = L[TO_HEIGHT], tasks = L[TO_BLOCKS] * height, mean = L[REDUCE];
  const int group = GROUP, groups = GROUPS;
  for (int task = SHARE(tasks, group, groups); task < SHARE(tasks, group + 1, groups); task++) {
    const int block = task / height, y = task % height, row = y * L[STRIDE_ROWS] - L[PAD_ROWS];
    const int top = max(row, 0), bottom = min(row + L[KERNEL_ROWS], L[FROM_HEIGHT]);
    GLOBAL const float *from = arena + L[FROM] + block * L[FROM_BLOCK];
    GLOBAL float *out = arena + L[TO] + block * L[TO_BLOCK] + y * L[TO_ROW];
    for (int x = 0; x < L[TO_WIDTH]; x++) {
      const int column = x * L[STRIDE_COLUMNS] - L[PAD_COLUMNS];
      const int left = max(column, 0), right = min(column + L[KERNEL_COLUMNS], L[FROM_WIDTH]);
      for (int lane = 0; lane < VEC; lane += LANES) {
        lanes_t value = (lanes_t)(mean ? 0.0f : -INFINITY);
        for (int r = top; r < bottom; r++)
          for (int c = left; c < right; c++) {
            const lanes_t element = LOAD(from + r * L[FROM_ROW] + c * VEC + lane);
            value = mean ? value + element : fmax(value, element);
          }
        if (mean) value = value / (float)((bottom - top) * (right - left));
        STORE(value, out + x * VEC + lane);
      }
    }
    border(L, arena, block * VEC, block * VEC + VEC, y, y + 1);
  }
}

TASK enlarge(GLOBAL float *restrict arena, GLOBAL const float *restrict weights, GLOBAL const int *restrict descriptors, const int at)
{
  GLOBAL const int *L = descriptors + at;
  const int height = L[TO_HEIGHT], tasks = L[TO_BLOCKS] * height;
  const int group = GROUP, groups = GROUPS;
  for (int task = SHARE(tasks, group, groups); task < SHARE(tasks, group + 1, groups); task++) {
    const int block = task / height, y = task % height;
    GLOBAL const float *from = arena + L[FROM] + block * L[FROM_BLOCK] + y / L[KERNEL_ROWS] * L[FROM_ROW];
    GLOBAL float *out = arena + L[TO] + block * L[TO_BLOCK] + y * L[TO_ROW];
    for (int x = 0; x < L[TO_WIDTH]; x++)
      for (int lane = 0; lane < VEC; lane += LANES) STORE(LOAD(from + x / L[KERNEL_COLUMNS] * VEC + lane), out + x * VEC + lane);
    border(L, arena, block * VEC, block * VEC + VEC, y, y + 1);
  }
}

TASK normalise(GLOBAL float *restrict arena, GLOBAL const float *restrict weights, GLOBAL const int *restrict descriptors, const int at)
{
  GLOBAL const int *L = descriptors + at;
  const int height = L[TO_HEIGHT], tasks = L[TO_BLOCKS] * height, reach = L[SIZE] / 2;
  const float alpha = as_float(L[ALPHA]), power = as_float(L[BETA]), plus = as_float(L[PLUS]);
  const int group = GROUP, groups = GROUPS;
  for (int task = SHARE(tasks, group, groups); task < SHARE(tasks, group + 1, groups); task++) {
    const int block = task / height, y = task % height;
    GLOBAL const float *from = arena + L[FROM] + y * L[FROM_ROW];
    GLOBAL float *out = arena + L[TO] + block * L[TO_BLOCK] + y * L[TO_ROW];
    for (int x = 0; x < L[TO_WIDTH]; x++) {
      float base[VEC];
      for (int lane = 0; lane < VEC; lane++) {
        const int first = max(block * VEC + lane - reach, 0), last = min(block * VEC + lane + reach, L[FROM_BLOCKS] * VEC - 1);
        float squares = 0.0f;
        for (int plane = first; plane <= last; plane++) {
          const float element = from[plane / VEC * L[FROM_BLOCK] + x * VEC + plane % VEC];
          squares = fma(element, element, squares);
        }
        base[lane] = fma(alpha, squares, plus);
      }
      for (int lane = 0; lane < VEC; lane += LANES) {
        const lanes_t element = LOAD(from + block * L[FROM_BLOCK] + x * VEC + lane);
        STORE(element * powr(LOAD(base + lane), (lanes_t)(power)), out + x * VEC + lane);
      }
    }
    border(L, arena, block * VEC, block * VEC + VEC, y, y + 1);
  }
}
