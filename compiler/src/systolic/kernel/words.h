/* What every build shares: the lanes of a vector, and the words of vendors. */

#define GLOBAL __global
#define INLINE static inline __attribute__((always_inline))
#define TASK __attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("nounroll")

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
