//! A batch of records on the device.

use super::model::ModelError;
use nasc_compiler::plan::Plan;
use nasc_runtime::data::{HostBatch, HostTensor};
use std::sync::Arc;
use tch::{Device, TchError, Tensor};

/// A batch of records on the device.
#[derive(Debug)]
pub struct Batch {
    /// Names of the space's inputs.
    names: Arc<[Arc<str>]>,
    /// One a name; the first dimension of each is the records'.
    tensors: Vec<Tensor>,
    /// How many records.
    pub records: u64,
}

impl Batch {
    /// A host's batch, moved to a device.
    pub fn new(names: Arc<[Arc<str>]>, host: &HostBatch, device: Device) -> Result<Batch, TchError> {
        let tensors: Result<Vec<Tensor>, TchError> = host.inputs.iter().map(|tensor| on_device(tensor, device)).collect();
        Ok(Batch { names, tensors: tensors?, records: host.records })
    }

    /// What a plan reads, in its order: a derived network may read fewer inputs than the supernet.
    pub fn inputs(&self, plan: &Plan) -> Result<Vec<Tensor>, ModelError> {
        let find = |name: &Arc<str>| self.names.iter().position(|own| own == name);
        let tensors = plan.inputs.iter().map(|input| match find(&input.name) {
            Some(number) => Ok(self.tensors[number].shallow_clone()),
            None => Err(ModelError::NoInput { name: input.name.to_string() }),
        });
        tensors.collect()
    }
}

fn on_device(tensor: &HostTensor, device: Device) -> Result<Tensor, TchError> {
    let (host, shape) = match tensor {
        HostTensor::F32 { shape, values } => (Tensor::f_from_slice(values)?, shape),
        HostTensor::I64 { shape, values } => (Tensor::f_from_slice(values)?, shape),
        HostTensor::I32 { shape, values } => (Tensor::f_from_slice(values)?, shape),
        HostTensor::Bool { shape, values } => (Tensor::f_from_slice(values)?, shape),
    };
    host.f_reshape(shape.as_slice())?.f_to_device(device)
}
