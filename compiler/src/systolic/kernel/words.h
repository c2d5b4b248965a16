/* The words of vendors, and what stands for them elsewhere. FORM is 0 fused, 1 Intel's channels, 2 queues in memory. */

#define GLOBAL __global
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("nounroll")

#if FORM == 1
#pragma OPENCL EXTENSION cl_intel_channels : enable
/* A kernel is one work-item, started by the host; or one of many that run by themselves from the device's start on. */
#define TASK __attribute__((max_global_work_dim(0))) __attribute__((uses_global_work_offset(0))) __kernel void
#define ALWAYS(count) __attribute__((max_global_work_dim(0))) __attribute__((autorun)) __attribute__((num_compute_units(count))) __kernel void
#define UNIT get_compute_id(0)
#define GROUP 0
#define GROUPS 1
#define CHANNEL(type, name, count, places) channel type name[count] __attribute__((depth(places)));
#define SEND(name, end, number, value) write_channel_intel(name[end], value)
#define RECEIVE(name, end, number) read_channel_intel(name[end])
#else
#define TASK __attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
#define GROUP ((int)get_group_id(0))
#define GROUPS ((int)get_num_groups(0))
#endif

#if FORM == 2
/* A channel is a piece of memory that its reader finds full: `number` is which of the things sent through it is meant. */
#define ALWAYS(count) TASK
#define UNIT GROUP
#define CHANNEL(type, name, count, places)
#define SEND(name, end, number, value) name[(number) * ENDS_##name + (end)] = (value)
#define RECEIVE(name, end, number) name[(number) * ENDS_##name + (end)]
#endif
