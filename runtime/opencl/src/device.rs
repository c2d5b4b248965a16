//! Which OpenCL devices there are, and opening one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use opencl3::command_queue::{CL_QUEUE_PROFILING_ENABLE, CommandQueue};
use opencl3::context::Context;
use opencl3::device::CL_DEVICE_TYPE_ALL;
use opencl3::platform::get_platforms;

use crate::Error;
use crate::raw::call;

/// Held while devices are looked for and kernels are built: PoCL 3.1 crashes when two threads do so at once.
static DRIVER: Mutex<()> = Mutex::new(());

/// The turn of this thread.
pub(crate) fn driver() -> MutexGuard<'static, ()> {
    DRIVER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device that is open.
pub struct Device {
    pub(crate) name: String,
    pub(crate) context: Context,
    pub(crate) queue: CommandQueue,
}

/// The names of all devices, in the order of their numbers; none where there is no OpenCL.
///
/// # Errors
/// [`Error::NoDevice`] where the library is missing or knows no platform.
pub fn devices() -> Result<Vec<String>, Error> {
    let _turn = driver();
    Ok(list()?.iter().map(name).collect())
}

fn list() -> Result<Vec<opencl3::device::Device>, Error> {
    let none = |what: String| Error::NoDevice { what };
    let platforms = get_platforms().map_err(|error| none(error.to_string()))?;
    let mut found = Vec::new();
    for platform in platforms {
        // A platform without devices answers with an error.
        if let Ok(ids) = platform.get_devices(CL_DEVICE_TYPE_ALL) {
            found.extend(ids.into_iter().map(opencl3::device::Device::new));
        }
    }
    if found.is_empty() { Err(none("no platform has a device".to_owned())) } else { Ok(found) }
}

fn name(device: &opencl3::device::Device) -> String {
    device.name().map_or_else(|_| "a device without a name".to_owned(), |name| name.trim().to_owned())
}

impl Device {
    /// Opens the device of that number in [`devices`].
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub fn open(number: usize) -> Result<Device, Error> {
        let _turn = driver();
        let all = list()?;
        let device = all.get(number).ok_or_else(|| Error::UnknownDevice { number, known: all.iter().map(name).collect() })?;
        let context = call("open the device", Context::from_device(device))?;
        let queue = call("make a queue", CommandQueue::create_default_with_properties(&context, CL_QUEUE_PROFILING_ENABLE, 0))?;
        Ok(Device { name: name(device), context, queue })
    }

    /// What the device calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }
}
