//! Runs networks on an OpenCL device: one program of kernels, built once for a configuration of the array, and any number of
//! networks as data.
//!
//! [`Device::open`] finds a device, [`Program::build`] builds the kernels' text for it, [`Network::load`] takes a schedule and its
//! weights to it, [`Network::run`] runs a record. The OpenCL library is loaded when it is first asked for, so that this crate builds
//! and starts where there is none, and says what to install.
//!
//! Promise: nothing is built after [`Program::build`], whichever networks run in whichever order ([`builds`] counts).

mod device;
mod network;
mod program;
mod raw;

pub use device::{Device, devices};
pub use nasc_compiler::systolic::kernel::Form;
pub use network::{Network, Run, Time};
pub use program::{Program, builds};

use nasc_compiler::systolic::schedule::{Configuration, ScheduleError};
use thiserror::Error;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// Nothing to run on.
    #[error(
        "no OpenCL device was found ({what}); install a driver, or to run on the processor, PoCL \
         (Debian and Ubuntu: `apt install pocl-opencl-icd`; Fedora: `dnf install pocl`; conda: `conda install -c conda-forge pocl`)"
    )]
    NoDevice {
        /// What the OpenCL library said.
        what: String,
    },
    /// A number too high.
    #[error("there is no OpenCL device {number}; there are {}: {}", known.len(), known.join("; "))]
    UnknownDevice {
        /// The number.
        number: usize,
        /// The names of those that are there.
        known: Vec<String>,
    },
    /// The device's compiler does not take the kernels.
    #[error("the OpenCL compiler of {device} refused the kernels:\n{log}")]
    Build {
        /// The device.
        device: String,
        /// What its compiler said.
        log: String,
    },
    /// A call failed.
    #[error("OpenCL could not {what}: {error}")]
    Call {
        /// What it was to do.
        what: String,
        /// The name of its error.
        error: String,
    },
    /// The network was laid out for another array.
    #[error("the network is laid out for {network:?}, and the program is built for {program:?}; compile it for this target")]
    Configuration {
        /// The network's.
        network: Configuration,
        /// The program's.
        program: Configuration,
    },
    /// The schedule, a tensor or an input breaks a rule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}
