//! The calls that OpenCL cannot prove right, each with the reason why it is: memory, arguments and launches.

#![expect(unsafe_code, reason = "OpenCL's calls take raw sizes and untyped arguments")]

use std::ptr;

use opencl3::command_queue::CommandQueue;
use opencl3::context::Context;
use opencl3::event::Event;
use opencl3::kernel::Kernel;
use opencl3::memory::{Buffer, CL_MEM_READ_WRITE, ClMem};
use opencl3::types::{CL_BLOCKING, cl_mem};

use crate::Error;

/// An argument of a kernel.
pub(crate) enum Argument<'a> {
    /// A piece of memory.
    Memory(&'a Memory),
    /// A number.
    Number(i32),
}

/// 32-bit words on the device, zeros at first.
pub(crate) struct Memory {
    buffer: Buffer<f32>,
    words: usize,
}

pub(crate) fn call<T>(what: &str, result: Result<T, opencl3::error_codes::ClError>) -> Result<T, Error> {
    result.map_err(|error| Error::Call { what: what.to_owned(), error: error.to_string() })
}

impl Memory {
    /// Memory of so many words; of one at least.
    pub(crate) fn new(context: &Context, queue: &CommandQueue, words: usize) -> Result<Memory, Error> {
        let words = words.max(1);
        let what = format!("take {} bytes of memory", words.saturating_mul(4));
        // SAFETY: no host pointer is given, so there is nothing that must live on.
        let mut buffer = call(&what, unsafe { Buffer::<f32>::create(context, CL_MEM_READ_WRITE, words, ptr::null_mut()) })?;
        // SAFETY: the fill covers the buffer and no more; the pattern is copied by the call.
        let event = call(&what, unsafe { queue.enqueue_fill_buffer(&mut buffer, &[0.0f32], 0, words * 4, &[]) })?;
        call(&what, event.wait())?;
        Ok(Memory { buffer, words })
    }

    /// Copies floats to those from `at` on and waits.
    pub(crate) fn write(&mut self, queue: &CommandQueue, at: usize, floats: &[f32]) -> Result<(), Error> {
        assert!(at.checked_add(floats.len()).is_some_and(|end| end <= self.words), "a write stays in its memory");
        if floats.is_empty() {
            return Ok(());
        }
        // SAFETY: the range was checked; the call blocks, so the host's floats outlive it.
        let event =
            call("write memory", unsafe { queue.enqueue_write_buffer(&mut self.buffer, CL_BLOCKING, at * 4, floats, &[]) })?;
        call("write memory", event.wait())
    }

    /// The floats in the words from `at` on.
    pub(crate) fn read(&self, queue: &CommandQueue, at: usize, len: usize) -> Result<Vec<f32>, Error> {
        assert!(at.checked_add(len).is_some_and(|end| end <= self.words), "a read stays in its memory");
        let mut floats = vec![0.0f32; len];
        if floats.is_empty() {
            return Ok(floats);
        }
        // SAFETY: the range was checked; the call blocks and fills all of `floats`.
        let event =
            call("read memory", unsafe { queue.enqueue_read_buffer(&self.buffer, CL_BLOCKING, at * 4, &mut floats, &[]) })?;
        call("read memory", event.wait())?;
        Ok(floats)
    }
}

/// Sets all arguments of a kernel. The memory must live as long as the kernel is started.
pub(crate) fn set_arguments(kernel: &Kernel, arguments: &[Argument<'_>]) -> Result<(), Error> {
    for (number, argument) in arguments.iter().enumerate() {
        let number = u32::try_from(number).expect("kernels have few arguments");
        let result = match argument {
            Argument::Memory(memory) => {
                let handle: cl_mem = memory.buffer.get();
                // SAFETY: the argument is a pointer to global memory in our kernels' text, and this is a handle of such.
                unsafe { kernel.set_arg(number, &handle) }
            }
            // SAFETY: the argument is an int in our kernels' text.
            Argument::Number(value) => unsafe { kernel.set_arg(number, value) },
        };
        call("set a kernel's argument", result)?;
    }
    Ok(())
}

/// Starts a kernel as so many work-groups of one work-item.
pub(crate) fn start(queue: &CommandQueue, kernel: &Kernel, groups: usize) -> Result<Event, Error> {
    let (global, local) = ([groups], [1usize]);
    // SAFETY: all arguments were set, sizes have one dimension each, and the schedule was checked, which is what keeps the kernels
    // inside their memory.
    call("start a kernel", unsafe {
        queue.enqueue_nd_range_kernel(kernel.get(), 1, ptr::null(), global.as_ptr(), local.as_ptr(), &[])
    })
}
