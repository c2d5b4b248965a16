//! Named tensors on their way to a file and back.
//!
//! The files are safetensors: a JSON header that says where each tensor lies, then the numbers; nothing in them is executed. What
//! a file says about itself stands under the one key [`METADATA_KEY`] of its header, as JSON, so that the same tensors always
//! give the same bytes. Whoever reads a file says how large it may be, which tensors it must hold and of what shape; anything
//! else is an error that names the tensor.

use crate::network::Network;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, View};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;
use tch::{Device, Kind, TchError, Tensor};

/// The key of a file's header under which it says what it is.
pub const METADATA_KEY: &str = "nasc";

/// What a file may need beside its tensors: names, shapes, what it says about itself.
const HEADER_ALLOWANCE: u64 = 64 << 20;

/// Why tensors cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TensorsError {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// More bytes than anything that is expected of it.
    #[error("it has {bytes} bytes; at most {limit} are expected")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The largest that makes sense.
        limit: u64,
    },
    /// It is not a whole safetensors file.
    #[error("it is not a complete safetensors file ({0})")]
    Format(#[from] SafeTensorError),
    /// It does not say what it is.
    #[error("its header has no readable entry `{METADATA_KEY}`: nasc did not write it")]
    NoMetadata,
    /// A tensor that is needed is not in it.
    #[error("the tensor `{name}` is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor is in it that nothing needs.
    #[error("the tensor `{name}` belongs to no part of the network")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A tensor has another shape or other elements than what it is for.
    #[error("the tensor `{name}` is {found}; {expected} is needed")]
    Mismatch {
        /// Its name.
        name: String,
        /// What the file holds.
        found: String,
        /// What is needed.
        expected: String,
    },
    /// Elements that no network here has.
    #[error("the tensor `{name}` has elements of an unsupported type, {dtype}")]
    Elements {
        /// Its name.
        name: String,
        /// The type.
        dtype: String,
    },
    /// libtorch refused.
    #[error("{0}")]
    Torch(#[from] TchError),
}

/// Tensors by name. They share memory with the ones that were added.
#[derive(Debug, Default)]
pub struct Tensors {
    named: BTreeMap<String, Tensor>,
}

impl Tensors {
    /// Adds tensors as `group/0`, `group/1`, …
    pub fn add<'a>(&mut self, group: &str, tensors: impl IntoIterator<Item = &'a Tensor>) {
        for (number, tensor) in tensors.into_iter().enumerate() {
            self.named.insert(format!("{group}/{number}"), tensor.shallow_clone());
        }
    }

    /// Adds all of `others` as `group/NAME`.
    pub fn add_all(&mut self, group: &str, others: &Tensors) {
        for (name, tensor) in &others.named {
            self.named.insert(format!("{group}/{name}"), tensor.shallow_clone());
        }
    }

    /// What was added by [`Tensors::add_all`] under that group; `None` if nothing was.
    pub fn group(&self, group: &str) -> Option<Tensors> {
        let prefix = format!("{group}/");
        let own = self.named.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?, tensor)));
        let named: BTreeMap<String, Tensor> = own.map(|(name, tensor)| (name.to_string(), tensor.shallow_clone())).collect();
        (!named.is_empty()).then_some(Tensors { named })
    }

    /// Copies the tensors of a group into `targets`, which must be as many and of the same shapes.
    pub fn copy_to<'a>(&self, group: &str, targets: impl IntoIterator<Item = &'a Tensor>) -> Result<(), TensorsError> {
        let mut count = 0;
        for (number, target) in targets.into_iter().enumerate() {
            self.copy_one(&format!("{group}/{number}"), target)?;
            count = number + 1;
        }
        let extra = format!("{group}/{count}");
        if self.named.contains_key(&extra) { Err(TensorsError::Unknown { name: extra }) } else { Ok(()) }
    }

    /// The weights and states of a network under their names in the language.
    pub fn of_network(network: &Network) -> Tensors {
        let named = names(network).zip(network.tensors()).map(|(name, tensor)| (name, tensor.shallow_clone()));
        Tensors { named: named.collect() }
    }

    /// Copies weights and states into a network. Every one that the network has must be there, of its shape. `exactly` says
    /// that there must be no others, too; without it, a supernet's tensors serve a network derived from it.
    pub fn copy_to_network(&self, network: &Network, exactly: bool) -> Result<(), TensorsError> {
        for (name, target) in names(network).zip(network.tensors()) {
            self.copy_one(&name, target)?;
        }
        if exactly {
            let known: std::collections::HashSet<String> = names(network).collect();
            if let Some(name) = self.named.keys().find(|name| !known.contains(*name)) {
                return Err(TensorsError::Unknown { name: name.clone() });
            }
        }
        Ok(())
    }

    fn copy_one(&self, name: &str, target: &Tensor) -> Result<(), TensorsError> {
        let source = self.named.get(name).ok_or_else(|| TensorsError::Missing { name: name.to_string() })?;
        if source.size() != target.size() || source.kind() != target.kind() {
            let show = |tensor: &Tensor| format!("{:?} of {:?}", tensor.size(), tensor.kind());
            return Err(TensorsError::Mismatch { name: name.to_string(), found: show(source), expected: show(target) });
        }
        tch::no_grad(|| target.shallow_clone().f_copy_(source))?;
        Ok(())
    }

    /// The bytes of a file with these tensors that says `metadata` about itself.
    pub fn to_bytes(&self, metadata: &serde_json::Value) -> Result<Vec<u8>, TensorsError> {
        let views: Result<Vec<(&String, HostView)>, TensorsError> =
            self.named.iter().map(|(name, tensor)| Ok((name, HostView::of(name, tensor)?))).collect();
        let header = HashMap::from([(METADATA_KEY.to_string(), metadata.to_string())]);
        Ok(safetensors::tensor::serialize(views?, Some(header))?)
    }

    /// The tensors of a file and what it says about itself.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Tensors, serde_json::Value), TensorsError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let metadata = header.metadata().as_ref().and_then(|keys| keys.get(METADATA_KEY)).ok_or(TensorsError::NoMetadata)?;
        let metadata = serde_json::from_str(metadata).map_err(|_| TensorsError::NoMetadata)?;
        let mut named = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(bytes)?.iter() {
            let kind = kind(view.dtype())
                .ok_or_else(|| TensorsError::Elements { name: name.to_string(), dtype: format!("{:?}", view.dtype()) })?;
            let size: Vec<i64> = view.shape().iter().map(|&extent| extent as i64).collect();
            named.insert(name.to_string(), Tensor::f_from_data_size(view.data(), &size, kind)?);
        }
        Ok((Tensors { named }, metadata))
    }

    /// What a file says about itself. Its tensors are not read.
    pub fn read_metadata(path: &Path) -> Result<serde_json::Value, TensorsError> {
        let file = std::fs::File::open(path)?;
        let mut start = Vec::new();
        (&file).take(8).read_to_end(&mut start)?;
        // A file that ends within these eight bytes has no header, and is refused below.
        let length = start.as_slice().try_into().map_or(0, u64::from_le_bytes);
        (&file).take(length.min(HEADER_ALLOWANCE)).read_to_end(&mut start)?;
        let header: Option<Header> = start.get(8..).and_then(|header| serde_json::from_slice(header).ok());
        let text = header.and_then(|mut header| header.about.remove(METADATA_KEY)).ok_or(TensorsError::NoMetadata)?;
        serde_json::from_str(&text).map_err(|_| TensorsError::NoMetadata)
    }

    /// [`Tensors::from_bytes`] of a file whose tensors need at most `expected` bytes.
    pub fn read(path: &Path, expected: u64) -> Result<(Tensors, serde_json::Value), TensorsError> {
        let limit = expected.saturating_add(HEADER_ALLOWANCE);
        let mut file = std::fs::File::open(path)?;
        let bytes = file.metadata()?.len();
        if bytes > limit {
            return Err(TensorsError::TooLarge { bytes, limit });
        }
        let mut buffer = Vec::new();
        file.by_ref().take(limit).read_to_end(&mut buffer)?;
        Tensors::from_bytes(&buffer)
    }
}

/// The part of a file's header that says what it is.
#[derive(serde::Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    about: HashMap<String, String>,
}

/// The names of a network's weights, then of its states: the order of [`Network::tensors`].
fn names(network: &Network) -> impl Iterator<Item = String> + '_ {
    let plan = network.plan();
    plan.weights.iter().chain(&plan.states).map(|weight| weight.name.to_string())
}

/// The numbers of a tensor in the host's memory, dense, outermost dimension first.
struct HostView {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl HostView {
    fn of(name: &str, tensor: &Tensor) -> Result<HostView, TensorsError> {
        let kind = tensor.kind();
        let dtype = DTYPES.iter().find(|(own, _)| *own == kind).map(|(_, dtype)| *dtype);
        let dtype = dtype.ok_or_else(|| TensorsError::Elements { name: name.to_string(), dtype: format!("{kind:?}") })?;
        let host = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let count = host.numel();
        let mut bytes = vec![0u8; count * kind.elt_size_in_bytes()];
        host.f_copy_data_u8(&mut bytes, count)?;
        Ok(HostView { dtype, shape: host.size().iter().map(|&extent| extent as usize).collect(), bytes })
    }
}

impl View for HostView {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The element types of libtorch and of the file format that stand for each other.
const DTYPES: [(Kind, Dtype); 7] = [
    (Kind::Float, Dtype::F32),
    (Kind::Double, Dtype::F64),
    (Kind::Half, Dtype::F16),
    (Kind::BFloat16, Dtype::BF16),
    (Kind::Int64, Dtype::I64),
    (Kind::Int, Dtype::I32),
    (Kind::Bool, Dtype::BOOL),
];

fn kind(dtype: Dtype) -> Option<Kind> {
    DTYPES.iter().find(|(_, own)| *own == dtype).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tensors {
        let mut tensors = Tensors::default();
        tensors.add("a", &[Tensor::from_slice(&[1.5f32, f32::MIN_POSITIVE]).view([2, 1]), Tensor::from_slice(&[7i64])]);
        tensors
    }

    #[test]
    fn a_file_gives_back_what_was_written_and_always_the_same_bytes() {
        let bytes = sample().to_bytes(&serde_json::json!({"version": 1, "what": "x"})).expect("plain tensors");
        assert_eq!(bytes, sample().to_bytes(&serde_json::json!({"version": 1, "what": "x"})).expect("plain tensors"));
        let (read, metadata) = Tensors::from_bytes(&bytes).expect("own output");
        assert_eq!(metadata["what"], "x");
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::io::Write::write_all(&mut file, &bytes).expect("room for it");
        assert_eq!(Tensors::read_metadata(file.path()).expect("own output"), metadata);
        let targets = [Tensor::zeros([2, 1], (Kind::Float, Device::Cpu)), Tensor::zeros([1], (Kind::Int64, Device::Cpu))];
        read.copy_to("a", &targets).expect("same shapes");
        assert_eq!(Vec::<f32>::try_from(&targets[0].view([2])).expect("floats"), [1.5, f32::MIN_POSITIVE]);
        assert_eq!(targets[1].int64_value(&[0]), 7);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let float = |size: &[i64]| Tensor::zeros(size, (Kind::Float, Device::Cpu));
        let fails = |targets: &[Tensor]| sample().copy_to("a", targets).expect_err("does not fit").to_string();
        assert!(fails(&[float(&[1, 2])]).contains("`a/0` is [2, 1] of Float; [1, 2] of Float"));
        assert!(fails(&[float(&[2, 1])]).contains("`a/1` belongs to no part"));
        let integer = Tensor::zeros([1], (Kind::Int64, Device::Cpu));
        assert!(fails(&[float(&[2, 1]), integer.shallow_clone(), integer]).contains("`a/2` is missing"));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = sample().to_bytes(&serde_json::Value::Null).expect("plain tensors");
        for length in 0..bytes.len() {
            assert!(Tensors::from_bytes(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
    }
}
