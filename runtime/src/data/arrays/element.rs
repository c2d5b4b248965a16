//! Element types of arrays in files, and how their bytes become numbers.

use std::fmt;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Element {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Element::Bool => "bool",
            Element::I8 => "i8",
            Element::I16 => "i16",
            Element::I32 => "i32",
            Element::I64 => "i64",
            Element::U8 => "u8",
            Element::U16 => "u16",
            Element::U32 => "u32",
            Element::U64 => "u64",
            Element::F16 => "f16",
            Element::Bf16 => "bf16",
            Element::F32 => "f32",
            Element::F64 => "f64",
        };
        f.write_str(name)
    }
}

impl Element {
    /// Bytes of an element.
    pub(super) fn size(self) -> usize {
        match self {
            Element::Bool | Element::I8 | Element::U8 => 1,
            Element::I16 | Element::U16 | Element::F16 | Element::Bf16 => 2,
            Element::I32 | Element::U32 | Element::F32 => 4,
            Element::I64 | Element::U64 | Element::F64 => 8,
        }
    }

    /// Whether its numbers may have a fraction.
    pub(super) fn is_float(self) -> bool {
        match self {
            Element::F16 | Element::Bf16 | Element::F32 | Element::F64 => true,
            Element::Bool
            | Element::I8
            | Element::I16
            | Element::I32
            | Element::I64
            | Element::U8
            | Element::U16
            | Element::U32
            | Element::U64 => false,
        }
    }

    /// Appends the numbers of `bytes`. Those of 64 bits are rounded to the nearest `f32`.
    pub(super) fn floats(self, bytes: &[u8], big_endian: bool, out: &mut Vec<f32>) {
        match self {
            Element::F32 => each(bytes, big_endian, |bytes| out.push(f32::from_le_bytes(bytes))),
            Element::F64 => each(bytes, big_endian, |bytes| out.push(f64::from_le_bytes(bytes) as f32)),
            Element::F16 => each(bytes, big_endian, |bytes| out.push(from_f16(u16::from_le_bytes(bytes)))),
            Element::Bf16 => each(bytes, big_endian, |bytes| {
                out.push(f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16));
            }),
            Element::Bool
            | Element::I8
            | Element::I16
            | Element::I32
            | Element::I64
            | Element::U8
            | Element::U16
            | Element::U32
            | Element::U64 => {
                let mut whole = Vec::with_capacity(bytes.len() / self.size());
                self.integers(bytes, big_endian, &mut whole);
                out.extend(whole.into_iter().map(|value| value as f32));
            }
        }
    }

    /// Appends the numbers of `bytes`, of a type without fractions. What a signed number of 64 bits cannot hold becomes `i128`'s
    /// business: the caller sees it unchanged.
    pub(super) fn integers(self, bytes: &[u8], big_endian: bool, out: &mut Vec<i128>) {
        match self {
            Element::Bool | Element::U8 => out.extend(bytes.iter().map(|byte| i128::from(*byte))),
            Element::I8 => out.extend(bytes.iter().map(|byte| i128::from(*byte as i8))),
            Element::I16 => each(bytes, big_endian, |bytes| out.push(i16::from_le_bytes(bytes).into())),
            Element::I32 => each(bytes, big_endian, |bytes| out.push(i32::from_le_bytes(bytes).into())),
            Element::I64 => each(bytes, big_endian, |bytes| out.push(i64::from_le_bytes(bytes).into())),
            Element::U16 => each(bytes, big_endian, |bytes| out.push(u16::from_le_bytes(bytes).into())),
            Element::U32 => each(bytes, big_endian, |bytes| out.push(u32::from_le_bytes(bytes).into())),
            Element::U64 => each(bytes, big_endian, |bytes| out.push(u64::from_le_bytes(bytes).into())),
            Element::F16 | Element::Bf16 | Element::F32 | Element::F64 => {}
        }
    }
}

fn each<const SIZE: usize>(bytes: &[u8], big_endian: bool, mut take: impl FnMut([u8; SIZE])) {
    let (chunks, _) = bytes.as_chunks::<SIZE>();
    for chunk in chunks {
        let mut chunk = *chunk;
        if big_endian {
            chunk.reverse();
        }
        take(chunk);
    }
}

/// IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits.
fn from_f16(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    match bits >> 10 & 0x1f {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1.0 + fraction / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_by_hand() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(from_f16(bits), value, "{bits:#x}");
        }
        assert!(from_f16(0x7e00).is_nan());
    }

    #[test]
    fn byte_orders_and_signs() {
        let mut whole = Vec::new();
        Element::I16.integers(&[0xff, 0xfe, 0x01, 0x02], true, &mut whole);
        Element::I16.integers(&[0xfe, 0xff], false, &mut whole);
        Element::I8.integers(&[0x80], false, &mut whole);
        Element::U64.integers(&[0xff; 8], false, &mut whole);
        assert_eq!(whole, [-2, 0x102, -2, -128, i128::from(u64::MAX)]);
        let mut floats = Vec::new();
        Element::F64.floats(&0.1f64.to_be_bytes(), true, &mut floats);
        Element::Bf16.floats(&[0x80, 0xbf], false, &mut floats);
        Element::U8.floats(&[7], false, &mut floats);
        assert_eq!(floats, [0.1f32, -1.0, 7.0]);
    }
}
