//! Files of any bytes: an error or a data set, and nothing else.

use super::*;
use proptest::prelude::*;

/// A well-formed file of each kind, with the name that says how it is read.
fn files() -> Vec<(&'static str, Vec<u8>, Vec<InputSpec>)> {
    let x = vec![input("x", DType::F32, &[2], false)];
    let header = r#"{"x": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}}"#;
    let safetensors = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 24]].concat();
    let mut cursor = std::io::Cursor::new(Vec::new());
    {
        use npyz::WriterBuilder;
        let mut archive = npyz::npz::NpzWriter::new(&mut cursor);
        let builder = archive.array("x", Default::default()).expect("memory can be written");
        let mut writer = builder.default_dtype().shape(&[3, 2]).begin_nd().expect("memory can be written");
        (0..6).for_each(|value| writer.push(&(value as f32)).expect("memory can be written"));
        writer.finish().expect("memory can be written");
    }
    let mut picture = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(4, 4).write_to(&mut picture, image::ImageFormat::Png).expect("memory can be written");
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(4, 4).write_to(&mut jpeg, image::ImageFormat::Jpeg).expect("memory can be written");
    vec![
        ("x.npy", npy("<f4", "(3, 2)", &le(&[1.0; 6])), x.clone()),
        ("train.npz", cursor.into_inner(), x.clone()),
        ("train.safetensors", safetensors, x),
        ("train-images-idx3-ubyte", idx(&[2, 3, 2], &[9; 12]), pictures(1, 3, 2)),
        ("train-images-idx3-ubyte", gzip(&idx(&[2, 3, 2], &[9; 12])), pictures(1, 3, 2)),
        ("data_batch_1.bin", vec![1; 3073 * 2], pictures(3, 32, 32)),
        ("train/a/1.png", picture.into_inner(), pictures(1, 4, 4)),
        ("train/a/1.jpg", jpeg.into_inner(), pictures(3, 4, 4)),
    ]
}

fn open_bytes(name: &str, bytes: &[u8], inputs: &[InputSpec]) {
    let folder = folder();
    write(&folder, name, bytes);
    if name.contains("idx3") {
        write(&folder, "train-labels-idx1-ubyte", idx(&[2], &[0, 1]));
    }
    let settings = settings::Data { memory: 16, ..settings(folder.path()) };
    match open(&settings, inputs, Some(10)) {
        Ok(dataset) => drop(all(&dataset, Split::Train)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn changed_bytes_never_break_anything(
        which in 0usize..8, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (name, mut bytes, inputs) = files().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        open_bytes(name, &bytes, &inputs);
    }

    #[test]
    fn random_bytes_never_break_anything(which in 0usize..8, bytes in prop::collection::vec(any::<u8>(), 0..300), kept in 0usize..12) {
        let (name, whole, inputs) = files().swap_remove(which);
        let bytes = [&whole[..kept.min(whole.len())], &bytes].concat();
        open_bytes(name, &bytes, &inputs);
    }
}

#[test]
fn every_shorter_file_is_an_error_that_says_where() {
    for (name, bytes, inputs) in files().into_iter().take(3) {
        for length in 0..bytes.len() {
            let folder = folder();
            write(&folder, name, &bytes[..length]);
            let text = error(open(&settings(folder.path()), &inputs, None));
            assert!(text.contains("byte"), "{name} cut at {length}: {text}");
        }
    }
}
