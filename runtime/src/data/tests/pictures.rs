//! Folders of pictures.

use super::*;
use image::{GrayImage, ImageFormat, RgbImage, RgbaImage};

fn png(picture: &image::DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("memory can be written");
    bytes.into_inner()
}

/// A picture 2 wide and 3 high, with these bytes.
fn grey(bytes: [u8; 6]) -> Vec<u8> {
    png(&GrayImage::from_raw(2, 3, bytes.into()).expect("six bytes").into(), ImageFormat::Png)
}

fn colour(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 25) as u8 * 10, (y % 12) as u8 * 20, 200]));
    png(&picture.into(), ImageFormat::Png)
}

#[test]
fn classes_are_folders_in_the_order_of_their_names() {
    let folder = folder();
    write(&folder, "train/zebra/1.png", grey([0, 51, 102, 153, 204, 255]));
    write(&folder, "train/ape/2.PNG", grey([1; 6]));
    write(&folder, "train/ape/1.png", grey([2; 6]));
    write(&folder, "train/ape/notes.txt", "not a picture");
    write(&folder, "train/ape/.hidden.png", "not a picture");
    write(&folder, "val/zebra/9.png", grey([3; 6]));
    let dataset = open(&unchanged(folder.path()), &pictures(1, 3, 2), Some(2)).expect("well formed");
    assert_eq!(dataset.classes(), ["ape", "zebra"]);
    let train = all(&dataset, Split::Train);
    assert_eq!(integers(&train.inputs[1]), [0, 0, 1]);
    assert_eq!(floats(&train.inputs[0]).1[12..], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    assert_eq!(integers(&all(&dataset, Split::Test).inputs[1]), [1], "`val` is the test part where there is no `test`");
    says(open(&settings(folder.path()), &pictures(1, 3, 2), Some(1)), &["record 2 has the label 1", "zebra/1.png", "0 to 0"]);
}

#[test]
fn planes_come_one_behind_the_other() {
    let folder = folder();
    write(&folder, "a/1.png", colour(3, 2));
    write(&folder, "a/2.png", png(&RgbaImage::from_pixel(3, 2, image::Rgba([1, 2, 3, 0])).into(), ImageFormat::Png));
    write(&folder, "b/3.bmp", png(&GrayImage::from_pixel(3, 2, image::Luma([40])).into(), ImageFormat::Bmp));
    let settings = settings::Data { test_portion: 0.0, ..unchanged(folder.path()) };
    let dataset = open(&settings, &pictures(3, 2, 3), None).expect("well formed");
    let batch = all(&dataset, Split::Train);
    let bytes: Vec<u8> = floats(&batch.inputs[0]).1.iter().map(|value| (value * 255.0).round() as u8).collect();
    assert_eq!(bytes[..18], [0, 10, 20, 0, 10, 20, 0, 0, 0, 20, 20, 20, 200, 200, 200, 200, 200, 200]);
    assert_eq!(bytes[18..36], [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3], "transparency is dropped");
    assert_eq!(bytes[36..], [40; 18], "a grey picture among coloured ones");
}

#[test]
fn pictures_beyond_the_memory_limit_are_decoded_when_used() {
    let folder = folder();
    for number in 0..9 {
        write(&folder, &format!("train/a/{number}.png"), colour(512, 256 + u32::from(number == 8) * 256));
    }
    write(&folder, "test/a/1.png", colour(512, 256));
    let wish = |memory, resize| settings::Data { memory, resize, ..settings(folder.path()) };
    says(
        open(&wish(64, false), &pictures(3, 256, 512), None),
        &["8.png` is 512 high and 512 wide", "0.png` is 256 high and 512 wide", "data.resize = true"],
    );
    let (small, large) = (pictures(3, 256, 512), wish(64, true));
    let kept = open(&large, &small, None).expect("8 MiB of pictures");
    let decoded = open(&wish(1, true), &small, None).expect("decoded when used");
    assert_eq!(kept.preprocessing(), decoded.preprocessing());
    assert_eq!(all(&kept, Split::Train), all(&decoded, Split::Train));
    std::fs::write(folder.path().join("train/a/3.png"), "gone bad").expect("the folder can be written");
    let error = decoded.batch(Split::Train, &[2, 3], None).expect_err("the file has changed");
    assert!(error.to_string().contains("train/a/3.png"), "{error}");
}

#[test]
fn broken_pictures_are_named() {
    let whole = colour(64, 64);
    let huge = {
        // A header of 2^31 - 1 squared pixels, with its checksum.
        let mut bytes = whole.clone();
        bytes[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        bytes
    };
    let cases: [(&[u8], &[&str]); 4] = [
        (&whole[..whole.len() / 2], &["train/a/2.png", "cannot be decoded"]),
        (b"not a picture", &["train/a/2.png", "cannot be decoded"]),
        (&huge, &["train/a/2.png", "cannot be decoded"]),
        (b"", &["train/a/2.png"]),
    ];
    for (bytes, parts) in cases {
        let folder = folder();
        write(&folder, "train/a/1.png", &whole);
        write(&folder, "train/a/2.png", bytes);
        says(open(&settings(folder.path()), &pictures(3, 64, 64), None), parts);
    }
}

#[test]
fn folders_that_do_not_fit_together() {
    let folder = folder();
    write(&folder, "train/a/1.png", grey([0; 6]));
    write(&folder, "test/b/1.png", grey([0; 6]));
    says(open(&settings(folder.path()), &pictures(1, 3, 2), None), &["test/b` has no counterpart"]);
    std::fs::create_dir(folder.path().join("train/b")).expect("the folder can be written");
    says(open(&settings(folder.path()), &pictures(1, 3, 2), None), &["train/b` has no pictures"]);
}

#[test]
fn there_is_a_limit_on_files() {
    let folder = folder();
    for number in 0..5 {
        write(&folder, &format!("{number}.png"), "");
    }
    let mut left = 4;
    let error = bytes::entries(folder.path(), &mut left).expect_err("five are more than four");
    assert!(matches!(error, DataError::TooManyFiles { .. }), "{error}");
}
