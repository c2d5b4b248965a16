//! Normalisation and random changes, against examples worked by hand.

use super::augment::{Moves, place};
use super::*;
use proptest::prelude::*;

/// A picture of 3 x 4: 0 to 11, moved.
fn moved(moves: Moves) -> Vec<f32> {
    let picture: Vec<u8> = (0..12).collect();
    let mut out = vec![-1.0; 12];
    place(&picture, [3, 4], &moves, 99, |plane| plane, |_, byte| f32::from(byte), &mut out);
    out
}

#[test]
fn crop_flip_and_cutout_by_hand() {
    let still = Moves::default();
    assert_eq!(moved(still), (0..12).map(|value| value as f32).collect::<Vec<_>>());
    let p = 99.0;
    assert_eq!(moved(Moves { row: 1, column: 2, ..still }), [6.0, 7.0, p, p, 10.0, 11.0, p, p, p, p, p, p]);
    assert_eq!(moved(Moves { row: -1, column: -1, ..still }), [p, p, p, p, p, 0.0, 1.0, 2.0, p, 4.0, 5.0, 6.0]);
    assert_eq!(moved(Moves { flip: true, ..still }), [3.0, 2.0, 1.0, 0.0, 7.0, 6.0, 5.0, 4.0, 11.0, 10.0, 9.0, 8.0]);
    assert_eq!(
        moved(Moves { row: 1, column: 2, flip: true, ..still }),
        [p, p, 7.0, 6.0, p, p, 11.0, 10.0, p, p, p, p],
        "first the crop, then the flip"
    );
    assert_eq!(moved(Moves { cut: Some([1, 3, 2, 4]), ..still }), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0, 8.0, 9.0, 0.0, 0.0]);
    assert_eq!(moved(Moves { column: 9, ..still }), [p; 12]);
    assert_eq!(moved(Moves { column: -9, ..still }), [p; 12]);
}

/// Crop, flip and cutout one pixel at a time.
fn by_pixel(picture: &[u8], moves: &Moves, [height, width]: [usize; 2]) -> Vec<f32> {
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let column = if moves.flip { width - 1 - x } else { x } as isize + moves.column;
            let row = y as isize + moves.row;
            let inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
            let cut =
                moves.cut.is_some_and(|[top, bottom, left, right]| (top..bottom).contains(&y) && (left..right).contains(&x));
            out.push(match (cut, inside) {
                (true, _) => 0.0,
                (false, true) => f32::from(picture[row as usize * width + column as usize]),
                (false, false) => 99.0,
            });
        }
    }
    out
}

proptest! {
    #[test]
    fn moves_agree_with_pixel_by_pixel(
        height in 2usize..9, width in 2usize..9, crop in 0u64..9, flip: bool, cutout in 0u64..9, seed: u64, position in 0u64..99,
    ) {
        let augment = Augment { crop, flip, cutout };
        let moves = augment.draw(AugmentKey { seed, epoch: 3 }, position, height, width);
        prop_assert!(moves.row.unsigned_abs() as u64 <= crop && moves.column.unsigned_abs() as u64 <= crop);
        let picture: Vec<u8> = (1..=(height * width) as u8).collect();
        let mut out = vec![0.0; picture.len()];
        place(&picture, [height, width], &moves, 99, |plane| plane, |_, byte| f32::from(byte), &mut out);
        prop_assert_eq!(out, by_pixel(&picture, &moves, [height, width]));
    }
}

#[test]
fn draws_cover_what_they_should() {
    let augment = Augment { crop: 1, flip: true, cutout: 2 };
    let draws: Vec<Moves> = (0..2000).map(|at| augment.draw(AugmentKey { seed: 5, epoch: 0 }, at, 4, 4)).collect();
    for row in -1..=1 {
        for column in -1..=1 {
            // 222 expected.
            let count = draws.iter().filter(|moves| (moves.row, moves.column) == (row, column)).count();
            assert!((150..300).contains(&count), "{row} {column}: {count}");
        }
    }
    let flips = draws.iter().filter(|moves| moves.flip).count();
    assert!((900..1100).contains(&flips), "{flips}");
    // A square of 2 around a centre in 0..4: rows 0..1, 0..2, 1..3, 2..4.
    let tops: std::collections::BTreeSet<[usize; 2]> =
        draws.iter().filter_map(|moves| moves.cut).map(|[top, bottom, ..]| [top, bottom]).collect();
    assert_eq!(tops, [[0, 1], [0, 2], [1, 3], [2, 4]].into());
}

#[test]
fn switching_one_change_on_leaves_the_others() {
    let key = AugmentKey { seed: 1, epoch: 2 };
    let all = Augment { crop: 2, flip: true, cutout: 2 }.draw(key, 7, 8, 8);
    let without = Augment { crop: 2, flip: true, cutout: 0 }.draw(key, 7, 8, 8);
    assert_eq!(Moves { cut: None, ..all }, without);
}

#[test]
fn normalisation_against_a_direct_computation() {
    let dataset = open(&settings::Data::default(), &pictures(1, 8, 8), None).expect("built in");
    let plain = open(&settings::Data { mean: vec![0.0], std: vec![1.0], ..settings::Data::default() }, &pictures(1, 8, 8), None);
    let plain = all(&plain.expect("built in"), Split::Train);
    let values: Vec<f64> = floats(&plain.inputs[0]).1.iter().map(|value| f64::from(*value)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
    let measured = &dataset.preprocessing().inputs[0];
    assert!((measured.mean[0] - mean).abs() < 1e-12 && (measured.std[0] - deviation).abs() < 1e-12);
    let normal = all(&dataset, Split::Train);
    for (own, value) in floats(&normal.inputs[0]).1.iter().zip(&values) {
        assert!((f64::from(*own) - (value - mean) / deviation).abs() < 1e-6);
    }
}

#[test]
fn a_recorded_preprocessing_is_used_and_round_trips() {
    let inputs = pictures(3, 8, 8);
    let settings = settings::Data { mean: vec![0.1, 0.2, 0.3], std: vec![0.5], ..settings::Data::default() };
    let dataset = open(&settings, &inputs, None).expect("built in");
    let text = serde_json::to_string(dataset.preprocessing()).expect("plain data");
    let recorded: Preprocessing = serde_json::from_str(&text).expect("own output");
    assert_eq!(&recorded, dataset.preprocessing());
    let again = open_recorded(&settings::Data::default(), &inputs, None, Some(&recorded)).expect("it fits");
    assert_eq!(all(&again, Split::Test), all(&dataset, Split::Test));
    assert_ne!(all(&again, Split::Test), all(&open(&settings::Data::default(), &inputs, None).expect("built in"), Split::Test));

    let refused = |change: fn(&mut Preprocessing), parts: &[&str]| {
        let mut recorded = recorded.clone();
        change(&mut recorded);
        says(open_recorded(&settings::Data::default(), &pictures(3, 8, 8), None, Some(&recorded)), parts);
    };
    refused(|recorded| recorded.version = 9, &["recorded preprocessing", "version 9"]);
    refused(|recorded| recorded.inputs[0].input = "other".into(), &["nothing of the pictures for `image`"]);
    refused(|recorded| recorded.inputs[0].mean = vec![0.0], &["1 channels", "have 3"]);
    refused(|recorded| recorded.inputs[0].std[1] = 0.0, &["cannot be used"]);
}

#[test]
fn padding_is_black_and_cutout_the_mean() {
    let settings = settings::Data { crop: 7, cutout: 3, mean: vec![0.5], std: vec![0.25], ..settings::Data::default() };
    let dataset = open(&settings, &pictures(1, 8, 8), None).expect("built in");
    let key = AugmentKey { seed: 3, epoch: 0 };
    let batch = dataset.batch(Split::Train, &[0; 50], Some((key, 0))).expect("it exists");
    for (position, picture) in floats(&batch.inputs[0]).1.chunks(64).enumerate() {
        let moves = Augment { crop: 7, flip: false, cutout: 3 }.draw(key, position as u64, 8, 8);
        let [top, bottom, left, right] = moves.cut.expect("cutout is on");
        for (at, value) in picture.iter().enumerate() {
            let (y, x) = (at / 8, at % 8);
            let outside = |at: usize, by: isize| !(0..8).contains(&(at as isize + by));
            if (top..bottom).contains(&y) && (left..right).contains(&x) {
                assert_eq!(*value, 0.0);
            } else if outside(y, moves.row) || outside(x, moves.column) {
                assert_eq!(*value, -2.0);
            }
        }
    }
    let still = dataset.batch(Split::Train, &[0], None).expect("it exists");
    assert_ne!(floats(&still.inputs[0]).1, &floats(&batch.inputs[0]).1[..64], "without a key nothing moves");
}

#[test]
fn settings_that_cannot_be_used() {
    let inputs = pictures(1, 8, 8);
    let case = |change: &dyn Fn(&mut settings::Data), parts: &[&str]| {
        let mut settings = settings::Data::default();
        change(&mut settings);
        says(open(&settings, &inputs, None), parts);
    };
    case(&|settings| settings.mixup = 0.2, &["`data.mixup`", "mixup is not supported for integer labels yet"]);
    case(&|settings| settings.crop = 8, &["`data.crop` is 8", "smaller side, 8"]);
    case(&|settings| settings.cutout = u64::MAX, &["`data.cutout`"]);
    case(&|settings| settings.std = vec![0.0], &["`data.std` has the value 0"]);
    case(&|settings| settings.mean = vec![f64::NAN], &["`data.mean` has the value NaN"]);
    case(&|settings| settings.mean = vec![0.5, 0.5], &["`data.mean` has 2 values", "1 channels"]);
    case(&|settings| settings.train_portion = 1.5, &["`data.train_portion` is 1.5"]);
    case(&|settings| settings.test_portion = f64::NAN, &["`data.test_portion` is NaN"]);
    case(&|settings| settings.test_portion = 1.0, &["no training records"]);
    let labels = [input("label", DType::I64, &[], true)];
    let flip = settings::Data { flip: true, ..settings::Data::default() };
    says(open(&flip, &labels, None), &["`data.flip` is set, but no input takes pictures"]);
    let folder = folder();
    write(&folder, "image.npy", npy("<f4", "(2, 1, 2, 2)", &le(&[0.0; 8])));
    write(&folder, "mask.npy", npy("|u1", "(2, 2, 2)", &[0; 8]));
    let dense = [input("image", DType::F32, &[1, 2, 2], false), input("mask", DType::I64, &[2, 2], true)];
    let flip = settings::Data { flip: true, ..settings(folder.path()) };
    says(open(&flip, &dense, None), &["`data.flip`", "not the target `mask` is i64[N, 2, 2]"]);
}

#[test]
fn records_that_do_not_exist() {
    let dataset = open(&settings::Data::default(), &pictures(1, 8, 8), None).expect("built in");
    let error = dataset.batch(Split::Test, &[0, 100_000], None).expect_err("there are fewer");
    assert!(error.to_string().contains("record 100000 was asked for"), "{error}");
}
