//! Arrays, with files made by other implementations of their formats.

use super::*;
use npyz::WriterBuilder;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;

fn table() -> Vec<InputSpec> {
    vec![input("x", DType::F32, &[2], false), input("y", DType::I64, &[], true)]
}

/// A `.npy` by the crate `npyz`.
fn by_npyz<T: npyz::AutoSerialize>(values: &[T], shape: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes);
    let mut writer = options.begin_nd().expect("memory can be written");
    values.iter().for_each(|value| writer.push(value).expect("memory can be written"));
    writer.finish().expect("memory can be written");
    bytes
}

/// An `.npz` by the crates `npyz` and `zip`.
fn npz(arrays: &[(&str, &[f32], &[u64])], labels: &[(&str, &[i64])]) -> Vec<u8> {
    let mut cursor = std::io::Cursor::new(Vec::new());
    let mut archive = npyz::npz::NpzWriter::new(&mut cursor);
    for (name, values, shape) in arrays {
        let builder = archive.array(name, Default::default()).expect("memory can be written");
        let mut writer = builder.default_dtype().shape(shape).begin_nd().expect("memory can be written");
        values.iter().for_each(|value| writer.push(value).expect("memory can be written"));
        writer.finish().expect("memory can be written");
    }
    for (name, values) in labels {
        let builder = archive.array(name, Default::default()).expect("memory can be written");
        let mut writer = builder.default_dtype().shape(&[values.len() as u64]).begin_nd().expect("memory can be written");
        values.iter().for_each(|value| writer.push(value).expect("memory can be written"));
        writer.finish().expect("memory can be written");
    }
    archive.zip_writer().finish().expect("memory can be written");
    drop(archive);
    cursor.into_inner()
}

/// A `.safetensors` by the crate of that name.
fn safetensors(arrays: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let views: Vec<(&str, TensorView)> = arrays
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.to_vec(), bytes).expect("sizes agree")))
        .collect();
    let about = HashMap::from([("format".to_owned(), "np".to_owned())]);
    safetensors::serialize(views, Some(about)).expect("memory can be written")
}

const X: [f32; 6] = [0.5, -1.0, 2.0, 3.25, -4.0, 5.0];
const Y: [i64; 3] = [2, 0, 1];

/// A path below a folder, and the files in it.
type Layout = (&'static str, Vec<(&'static str, Vec<u8>)>);

/// Three records for training, of which the first two are for testing.
fn layouts() -> Vec<Layout> {
    let y_bytes = |values: &[i64]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let train = [("x", Dtype::F32, &[3usize, 2][..], le(&X)), ("y", Dtype::I64, &[3][..], y_bytes(&Y))];
    let test = [("x", Dtype::F32, &[2usize, 2][..], le(&X[..4])), ("y", Dtype::I64, &[2][..], y_bytes(&Y[..2]))];
    let prefixed = [
        ("train.x", Dtype::F32, &[3usize, 2][..], le(&X)),
        ("test.x", Dtype::F32, &[2, 2][..], le(&X[..4])),
        ("train.y", Dtype::I64, &[3][..], y_bytes(&Y)),
        ("test.y", Dtype::I64, &[2][..], y_bytes(&Y[..2])),
    ];
    vec![
        (
            "",
            vec![
                ("train/x.npy", by_npyz(&X, &[3, 2])),
                ("train/y.npy", by_npyz(&Y, &[3])),
                ("test/x.npy", by_npyz(&X[..4], &[2, 2])),
                ("test/y.npy", by_npyz(&Y[..2], &[2])),
                ("train/unused.npy", npy("|O", "(2,)", b"a pickle that nobody asks for")),
            ],
        ),
        (
            "",
            vec![
                ("train.npz", npz(&[("x", &X, &[3, 2])], &[("y", &Y)])),
                ("test.npz", npz(&[("x", &X[..4], &[2, 2])], &[("y", &Y[..2])])),
            ],
        ),
        ("", vec![("train.safetensors", safetensors(&train)), ("test.safetensors", safetensors(&test))]),
        ("", vec![("all.safetensors", safetensors(&prefixed))]),
        ("all.safetensors", vec![("all.safetensors", safetensors(&prefixed))]),
        (
            "all.npz",
            vec![(
                "all.npz",
                npz(&[("train.x", &X, &[3, 2]), ("test.x", &X[..4], &[2, 2])], &[("train.y", &Y), ("test.y", &Y[..2])]),
            )],
        ),
    ]
}

#[test]
fn every_layout_gives_the_same_records() {
    for (path, files) in layouts() {
        let folder = folder();
        files.iter().for_each(|(name, bytes)| write(&folder, name, bytes));
        let name = files[0].0;
        let dataset =
            open(&settings(&folder.path().join(path)), &table(), Some(3)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (train, test) = (all(&dataset, Split::Train), all(&dataset, Split::Test));
        assert_eq!(floats(&train.inputs[0]), (&[3, 2][..], &X[..]), "{name}");
        assert_eq!(integers(&train.inputs[1]), Y, "{name}");
        assert_eq!(floats(&test.inputs[0]).1, &X[..4], "{name}");
        assert_eq!(integers(&test.inputs[1]), &Y[..2], "{name}");
        assert_eq!(dataset.kind(), SourceKind::Arrays);
    }
}

#[test]
fn a_source_without_a_test_part_gives_a_share_of_it() {
    let folder = folder();
    write(&folder, "x.npy", by_npyz(&(0..40).map(|value| value as f32).collect::<Vec<_>>(), &[20, 2]));
    write(&folder, "y.npy", by_npyz(&[0i64, 1].repeat(10), &[20]));
    let settings = settings::Data { test_portion: 0.3, ..settings(folder.path()) };
    let dataset = open(&settings, &table(), Some(2)).expect("well formed");
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Test)), (14, 6));
    let test = all(&dataset, Split::Test);
    assert_eq!(integers(&test.inputs[1]).iter().sum::<i64>(), 3, "half of each class");
    for (record, label) in floats(&test.inputs[0]).1.chunks(2).zip(integers(&test.inputs[1])) {
        assert_eq!(record[0] as i64 / 2 % 2, *label, "records keep their labels");
    }
}

#[test]
fn elements_become_the_inputs() {
    let open_x = |bytes: Vec<u8>, dtype| {
        let folder = folder();
        write(&folder, "x.npy", bytes);
        let settings = settings::Data { test_portion: 0.0, ..settings(&folder.path().join("x.npy")) };
        open(&settings, &[input("x", dtype, &[], false)], None)
    };
    let values = |bytes, dtype| all(&open_x(bytes, dtype).expect("well formed"), Split::Train).inputs.remove(0);
    let shape = vec![2];
    let f32s = |values: [f32; 2]| HostTensor::F32 { shape: vec![2], values: values.into() };
    assert_eq!(values(by_npyz(&[0.5f64, -3.0], &[2]), DType::F32), f32s([0.5, -3.0]));
    assert_eq!(values(by_npyz(&[7u8, 255], &[2]), DType::F32), f32s([7.0, 255.0]));
    assert_eq!(values(by_npyz(&[-7i64, 1 << 24], &[2]), DType::F32), f32s([-7.0, 16_777_216.0]));
    assert_eq!(values(npy(">f4", "(2,)", &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]), DType::F32), f32s([1.0, -2.0]));
    assert_eq!(values(by_npyz(&[-7i16, 300], &[2]), DType::I64), HostTensor::I64 { shape: shape.clone(), values: vec![-7, 300] });
    assert_eq!(
        values(by_npyz(&[u32::MAX, 0], &[2]), DType::I64),
        HostTensor::I64 { shape: shape.clone(), values: vec![u32::MAX.into(), 0] }
    );
    assert_eq!(values(by_npyz(&[7u64, 8], &[2]), DType::I32), HostTensor::I32 { shape: shape.clone(), values: vec![7, 8] });
    assert_eq!(values(by_npyz(&[true, false], &[2]), DType::Bool), HostTensor::Bool { shape, values: vec![1, 0] });

    says(open_x(by_npyz(&[0.5f32, 1.0], &[2]), DType::I64), &["`x` is i64[N]", "x.npy` has elements of type f32"]);
    says(open_x(by_npyz(&[1u64, u64::MAX], &[2]), DType::I64), &["record 1", "18446744073709551615", "byte 136", "no exact i64"]);
    says(open_x(by_npyz(&[0i64, (1 << 24) + 2], &[2]), DType::F32), &["record 1", "16777218", "no exact f32"]);
    says(open_x(by_npyz(&[0i64, 2], &[2]), DType::Bool), &["record 1", "value 2", "no exact bool"]);
    says(open_x(by_npyz(&[0.5f64, 1e300], &[2]), DType::F32), &["record 1", "value inf", "byte 136", "finite"]);
    says(open_x(npy("|O", "(2,)", &[0; 16]), DType::F32), &["pickle", "never read"]);
    says(open_x(npy("<U3", "(2,)", &[0; 24]), DType::F32), &["elements of type `<U3`"]);
}

#[test]
fn errors_name_array_record_and_byte() {
    let table = table();
    let case = |x: Vec<u8>, y: Vec<u8>, parts: &[&str]| {
        let folder = folder();
        write(&folder, "train/x.npy", x);
        write(&folder, "train/y.npy", y);
        says(open(&settings(folder.path()), &table, Some(3)), parts);
    };
    let good = || by_npyz(&Y, &[3]);
    let header = by_npyz(&X, &[3, 2]).len() - 24;
    let nan = by_npyz(&[0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0], &[3, 2]);
    let place = format!("x.npy`, byte {}", header + 12);
    case(nan, good(), &["record 1 has the value NaN", &place, "not a finite number"]);
    case(by_npyz(&X, &[2, 3]), good(), &["`x` is f32[N, 2]", "x.npy` is f32[2, 3]", "--set size="]);
    case(by_npyz(&X[..4], &[2, 2]), good(), &["x.npy` has 2 records", "y.npy` has 3"]);
    case(by_npyz(&X, &[3, 2]), by_npyz(&[0i64, 3, 0], &[3]), &["record 1 has the label 3", "byte 136", "y.npy", "0 to 2"]);
    case(by_npyz(&X, &[3, 2]), by_npyz(&[0i64, -1, 0], &[3]), &["record 1 has the label -1"]);
    let whole = by_npyz(&X, &[3, 2]);
    case(whole[..whole.len() - 5].to_vec(), good(), &["x.npy` ends at byte", "array of 6 elements", "5 bytes are missing"]);
    case([&whole[..], &[0]].concat(), good(), &["x.npy`, byte 152", "goes on behind the array"]);
    case(npy("<f4", "(3, 18446744073709551615)", &[]), good(), &["beyond 64 bits"]);
    case(npy("<f4", "(1099511627776, 2)", &[]), good(), &["bytes are missing"]);
    case(npy("<f4", "(3, 18446744073709551616)", &[]), good(), &["expected a dimension"]);
    case(npy("<f4", "(((((", &[]), good(), &["byte", "expected a dimension"]);
    case(b"PK\x03\x04 and more".to_vec(), good(), &["NUMPY"]);
    case(b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), good(), &["the header has 4294967295 bytes"]);
    let fortran = String::from_utf8_lossy(&npy("<f4", "(3, 2)", &[])[10..]).replace("False", "True ");
    let mut columns = b"\x93NUMPY\x01\x00".to_vec();
    columns.extend((fortran.len() as u16).to_le_bytes());
    columns.extend(fortran.bytes().chain(le(&X)));
    case(columns, good(), &["ascontiguousarray"]);

    let folder = folder();
    write(&folder, "train.npz", npz(&[("z", &X, &[3, 2])], &[("y", &Y)]));
    says(open(&settings(folder.path()), &table, None), &["`x` is f32[N, 2]", "train.npz` has no array", "it has `z`, `y`"]);
    write(&folder, "train.npz", npz(&[("x", &[f32::INFINITY; 6], &[3, 2])], &[("y", &Y)]));
    says(open(&settings(folder.path()), &table, None), &["train.npz:x.npy`, byte 128", "value inf"]);
    let folder = self::folder();
    write(&folder, "a.npz", npz(&[("x", &X, &[3, 2])], &[("y", &Y)]));
    write(&folder, "b.npz", npz(&[("x", &X, &[3, 2])], &[("y", &Y)]));
    says(open(&settings(folder.path()), &table, None), &["more than one candidate", "a.npz, b.npz"]);
}

#[test]
fn broken_zips_and_safetensors_are_named() {
    let table = table();
    let open_as = |name: &str, bytes: &[u8]| {
        let folder = folder();
        write(&folder, name, bytes);
        open(&settings(folder.path()), &table, None)
    };
    let archive = npz(&[("x", &X, &[3, 2])], &[("y", &Y)]);
    says(open_as("train.npz", &archive[..archive.len() - 30]), &["does not end as a zip file does"]);
    let mut flipped = archive.clone();
    let body = flipped.windows(4).position(|bytes| bytes == b"PK\x03\x04").expect("a member") + 60;
    flipped[body] ^= 0x55;
    says(open_as("train.npz", &flipped), &["train.npz:x.npy`", "byte"]);

    let file = safetensors(&[("x", Dtype::F32, &[3, 2], le(&X)), ("y", Dtype::I64, &[3], vec![0; 24])]);
    says(open_as("train.safetensors", &file[..file.len() - 7]), &["train.safetensors` ends at byte", "7 bytes are missing"]);
    says(open_as("train.safetensors", &file[..20]), &["ends at byte 20", "the header"]);
    says(open_as("train.safetensors", &[0xff; 16]), &["byte 0", "the header would have 18446744073709551615 bytes"]);
    let with = |header: &str| [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 64]].concat();
    says(
        open_as("train.safetensors", &with(r#"{"x": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 23]}}"#)),
        &["needs 24 bytes", "0 to 23"],
    );
    says(
        open_as("train.safetensors", &with(r#"{"x": {"dtype": "F32", "shape": [3, 2], "data_offsets": [24, 0]}}"#)),
        &["24 to 0"],
    );
    says(
        open_as("train.safetensors", &with(r#"{"x": {"dtype": "C64", "shape": [3, 2], "data_offsets": [0, 48]}}"#)),
        &["type C64"],
    );
    says(open_as("train.safetensors", &with(&"[".repeat(100_000))), &["byte 8", "no JSON object"]);
    let far = format!(r#"{{"x": {{"dtype": "U8", "shape": [0, 2], "data_offsets": [{0}, {0}]}}}}"#, u64::MAX);
    says(open_as("train.safetensors", &with(&far)), &["beyond 64 bits"]);
}

#[test]
fn arrays_of_bytes_are_pictures_where_the_input_is_one() {
    let bytes: Vec<u8> = (0..24).map(|value| value * 10).collect();
    let open_as = |shape: &[u64], record: &[i64], target| {
        let folder = folder();
        write(&folder, "x.npy", by_npyz(&bytes, shape));
        let settings = settings::Data {
            test_portion: 0.0,
            mean: if target { vec![] } else { vec![0.0] },
            std: vec![],
            ..settings(folder.path())
        };
        open(&settings, &[input("x", DType::F32, record, target)], None)
    };
    let scaled = |dataset: Dataset| floats(&all(&dataset, Split::Train).inputs[0]).1[1];
    let grey = open_as(&[4, 2, 3], &[3, 2, 3], false).expect("grey, repeated");
    assert_eq!(grey.preprocessing().inputs[0].repeat, 3);
    let std = grey.preprocessing().inputs[0].std[0];
    assert_eq!(scaled(grey), (10.0 / 255.0 / std) as f32);
    assert_eq!(scaled(open_as(&[2, 2, 2, 3], &[2, 2, 3], true).expect("a target")), 10.0, "targets stay as they are");
    let last = open_as(&[2, 2, 3, 2], &[2, 2, 3], false);
    says(last, &["x.npy` is u8[2, 2, 3, 2]", "transpose(0, 3, 1, 2)"]);
}
