//! Runs schedules of the systolic array on any OpenCL device.
