//! The kernels, built once for a configuration.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nasc_compiler::systolic::kernel::{Form, source};
use nasc_compiler::systolic::schedule::Configuration;

use crate::device::driver;
use crate::raw::call;
use crate::{Device, Error};

static BUILDS: AtomicUsize = AtomicUsize::new(0);

/// How many programs this process has had built: calls of `clBuildProgram`.
pub fn builds() -> usize {
    BUILDS.load(Ordering::Relaxed)
}

/// Kernels on a device. Networks hold on to it.
#[derive(Clone)]
pub struct Program {
    pub(crate) inner: Rc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) device: Device,
    pub(crate) configuration: Configuration,
    pub(crate) form: Form,
    pub(crate) program: opencl3::program::Program,
}

impl Program {
    /// Builds the fused kernels. PoCL and most drivers keep what they built, so that the second time is fast.
    ///
    /// # Errors
    /// The configuration is none that an array can have, or the device's compiler refuses.
    pub fn build(device: Device, configuration: &Configuration) -> Result<Program, Error> {
        Program::build_form(device, configuration, Form::Fused)
    }

    /// Builds the kernels of one form.
    ///
    /// # Errors
    /// As [`Program::build`].
    pub fn build_form(device: Device, configuration: &Configuration, form: Form) -> Result<Program, Error> {
        configuration.check()?;
        let text = source(configuration, form);
        let mut program = call("take the kernels' text", opencl3::program::Program::create_from_source(&device.context, &text))?;
        let _turn = driver();
        BUILDS.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = program.build(device.context.devices(), "-cl-std=CL1.2") {
            let log = program.get_build_log(device.context.default_device()).unwrap_or_default();
            let log = if log.trim().is_empty() { error.to_string() } else { log.trim().to_owned() };
            return Err(Error::Build { device: device.name.clone(), log });
        }
        Ok(Program { inner: Rc::new(Inner { device, configuration: *configuration, form, program }) })
    }

    /// What it was built for.
    pub fn configuration(&self) -> &Configuration {
        &self.inner.configuration
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        self.inner.device.name()
    }
}
