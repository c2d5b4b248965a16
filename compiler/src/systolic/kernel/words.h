/* The words of vendors, and what stands for them elsewhere. */

#define GLOBAL __global
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("nounroll")
#define TASK __attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
