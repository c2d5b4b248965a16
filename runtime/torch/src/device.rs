//! Devices by the names that settings use.

use crate::shim;
use tch::{Cuda, Device};

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Not a name of a device.
    #[error("`{0}` is no device; `cpu`, `cuda` and `cuda:1` are")]
    Unknown(String),
    /// libtorch has no CUDA half here.
    #[error(
        "`{name}` needs libtorch's CUDA half: build with LIBTORCH naming a libtorch with CUDA, or put the folder of its libraries into LD_LIBRARY_PATH ({why})"
    )]
    NoCudaLibrary {
        /// The device.
        name: String,
        /// What the loader said.
        why: String,
    },
    /// CUDA does not see it.
    #[error("`{name}`: CUDA sees {count} devices here")]
    NoSuchDevice {
        /// The device.
        name: String,
        /// How many there are.
        count: i64,
    },
}

/// The device of that name: `cpu`, `cuda` (the first), `cuda:1`. Loads libtorch's CUDA half where it is needed.
pub fn find(name: &str) -> Result<Device, DeviceError> {
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let number = match name.strip_prefix("cuda") {
        Some("") => Some(0),
        Some(rest) => rest.strip_prefix(':').and_then(|number| number.parse::<u32>().ok()),
        None => None,
    };
    let number = number.ok_or_else(|| DeviceError::Unknown(name.to_string()))?;
    shim::load_cuda().map_err(|why| DeviceError::NoCudaLibrary { name: name.to_string(), why: why.to_string() })?;
    let count = if Cuda::is_available() { Cuda::device_count() } else { 0 };
    if i64::from(number) < count {
        Ok(Device::Cuda(number as usize))
    } else {
        Err(DeviceError::NoSuchDevice { name: name.to_string(), count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_device_are_refused() {
        assert_eq!(find("cpu").expect("every machine has one"), Device::Cpu);
        for name in ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", "cuda:99999999999"] {
            assert!(matches!(find(name), Err(DeviceError::Unknown(_))), "{name}");
        }
    }
}
