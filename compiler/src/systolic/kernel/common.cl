/* What all kernels share: vectors of LANES channels, which lie in one block and belong to one K-block; the activation; borders. */

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#if LANES == 1
typedef float lanes_t;
#define LOAD(p) (*(p))
#define STORE(value, p) (*(p) = (value))
#else
typedef JOIN(float, LANES) lanes_t;
#define LOAD(p) JOIN(vload, LANES)(0, p)
#define STORE(value, p) JOIN(vstore, LANES)(value, 0, p)
#endif

/* Where a group's share of so many tasks begins. */
#define SHARE(tasks, group, groups) ((int)((long)(tasks) * (group) / (groups)))

INLINE lanes_t activate(lanes_t sum, const float slope, const float ceiling)
{
  return sum > (lanes_t)(0.0f) ? fmin(sum, (lanes_t)(ceiling)) : slope * sum;
}

/* Zeros around rows `begin` to `end` of the output's channels `plane` to `stop`: a border belongs to whoever writes the map. */
INLINE void border(GLOBAL const int *L, GLOBAL float *arena, const int plane, const int stop, const int begin, const int end)
{
  const int width = L[TO_WIDTH], left = L[LEFT], right = width + L[RIGHT];
  const int first = begin == 0 ? -L[TOP] : begin, last = end == L[TO_HEIGHT] ? end + L[BOTTOM] : end;
  for (int c = plane; c < stop && c / VEC < L[TO_BLOCKS]; c += LANES)
    for (int row = first; row < last; row++) {
      GLOBAL float *line = arena + L[TO] + c / VEC * L[TO_BLOCK] + row * L[TO_ROW] + c % VEC;
      const int whole = row < 0 || row >= L[TO_HEIGHT];
      for (int column = -left; column < 0; column++) STORE((lanes_t)(0.0f), line + column * VEC);
      if (whole) for (int column = 0; column < width; column++) STORE((lanes_t)(0.0f), line + column * VEC);
      for (int column = width; column < right; column++) STORE((lanes_t)(0.0f), line + column * VEC);
    }
}

/* The C-block at which a K-block begins. Of one without channels, whose weights are zeros, it is the last. */
INLINE int c_begin(GLOBAL const int *L, const int k_block)
{
  return min(k_block * PE / L[K_GROUP] * L[C_GROUP] / VEC, L[FROM_BLOCKS] - 1);
}
