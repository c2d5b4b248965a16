//! What fixtures say instead of numbers: weights that follow from their names, and parameters.

use indexmap::IndexMap;
use nasc_compiler::supernet::Attr;
use serde_json::Value;
use tch::{Kind, Tensor};

/// Numbers from 0 to below 1: the name's FNV-1a hash is the seed of a splitmix64 sequence, as in `tests/reference/weights.py`.
fn draws(name: &str, count: usize) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (1..=count as u64).map(move |place| {
        let mut state = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
        (state >> 40) as f64 / f64::from(1 << 24)
    })
}

/// The weight or state of that name in the supernet's shape.
pub(crate) fn from_name(name: &str, shape: &[i64]) -> Tensor {
    let count: i64 = shape.iter().product();
    let (low, high) = match name.rsplit('.').next() {
        Some("gamma" | "var") => (0.5, 1.5),
        Some("w") => {
            let most = (6.0 / (count / shape[0]) as f64).sqrt();
            (-most, most)
        }
        Some(_) | None => (-0.35, 0.35),
    };
    let values: Vec<f64> = draws(name, count as usize).map(|draw| low + (high - low) * draw).collect();
    Tensor::from_slice(&values).to_kind(Kind::Float).reshape(shape)
}

/// The parameters of a space that a fixture names.
pub(crate) fn params_of(params: &IndexMap<String, Value>) -> IndexMap<String, Attr> {
    let attr = |value: &Value| match value {
        Value::Bool(value) => Attr::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Attr::Int(int),
            None => Attr::Float(number.as_f64().expect("a number of a fixture is an int or a float")),
        },
        other => panic!("a parameter of a fixture: {other}"),
    };
    params.iter().map(|(name, value)| (name.clone(), attr(value))).collect()
}
