//! The built-in digits, IDX and CIFAR.

use super::*;

/// Two grey pictures of 2 x 3, and three for testing.
fn mnist(folder: &TempDir) {
    write(folder, "train-images-idx3-ubyte", idx(&[2, 2, 3], &[0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]));
    write(folder, "train-labels-idx1-ubyte", idx(&[2], &[3, 1]));
    write(folder, "t10k-images-idx3-ubyte.gz", gzip(&idx(&[3, 2, 3], &[7; 18])));
    write(folder, "t10k-labels-idx1-ubyte.gz", gzip(&idx(&[3], &[0, 1, 2])));
}

/// `count` records of CIFAR: record `i` has the label bytes `i % 10` and pixels `i`, `i + 1`, `i + 2` by channel.
fn cifar(labels: usize, count: u8) -> Vec<u8> {
    (0..count)
        .flat_map(|i| {
            let own = std::iter::repeat_n(i % 10, labels - 1).chain([i % 10 + 10 * (labels as u8 - 1)]);
            own.chain((0..3u8).flat_map(move |channel| [i + channel; 1024]))
        })
        .collect()
}

#[test]
fn digits_are_the_known_ones() {
    let settings = settings::Data { mean: vec![0.0], std: vec![1.0], test_portion: 0.0, ..settings::Data::default() };
    let dataset = open(&settings, &pictures(1, 8, 8), Some(10)).expect("built in");
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Test), dataset.kind()), (1797, 0, SourceKind::Digits));
    let batch = all(&dataset, Split::Train);
    let labels = integers(&batch.inputs[1]);
    let counts: Vec<usize> = (0..10).map(|class| labels.iter().filter(|label| **label == class).count()).collect();
    // As UCI's page counts the test part by class.
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    let (shape, values) = floats(&batch.inputs[0]);
    assert_eq!(shape, [1797, 1, 8, 8]);
    // The first record of the file, a zero: its first two rows.
    let first: Vec<f32> = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0].map(|value| value as f32 / 16.0).into();
    assert_eq!(values[..16], first);
}

#[test]
fn the_digits_test_part_is_stratified_and_fixed() {
    let open = |split_seed| {
        let settings = settings::Data { split_seed, ..settings::Data::default() };
        open(&settings, &pictures(3, 8, 8), Some(10)).expect("built in")
    };
    let (one, other) = (open(0), open(1));
    assert_eq!(one.len(Split::Train) + one.len(Split::Test), 1797);
    let test = all(&one, Split::Test);
    assert_eq!(test, all(&other, Split::Test), "the test part does not depend on the split's seed");
    let labels = integers(&test.inputs[1]);
    for (class, count) in [178, 182, 177, 183, 181, 182, 181, 179, 174, 180].into_iter().enumerate() {
        let own = labels.iter().filter(|label| **label == class as i64).count();
        assert_eq!(own, (f64::from(count) * 0.2).round() as usize);
    }
    let (_, values) = floats(&test.inputs[0]);
    assert_eq!(values[..64], values[64..128], "grey is repeated over three channels");
}

#[test]
fn sizes_that_do_not_fit_say_which_would() {
    let found = "input `image` is f32[N, 3, 32, 32], the data's pictures are 1 x 8 x 8";
    says(open(&settings::Data::default(), &pictures(3, 32, 32), None), &[found, "--set size=8", "data.resize=true"]);
    says(open(&settings::Data::default(), &pictures(2, 8, 8), None), &["the data has 1 channels, the input takes 2"]);
}

#[test]
fn pictures_can_be_flat_or_rows() {
    for record in [&[64][..], &[8, 8]] {
        let inputs = [input("x", DType::F32, record, false), input("y", DType::I64, &[], true)];
        let dataset = open(&settings::Data::default(), &inputs, None).expect("64 values");
        assert_eq!(floats(&all(&dataset, Split::Test).inputs[0]).1.len(), dataset.len(Split::Test) as usize * 64);
    }
    let inputs = [input("x", DType::F32, &[65], false)];
    says(open(&settings::Data::default(), &inputs, None), &["`x` is f32[N, 65]", "1 x 8 x 8"]);
}

#[test]
fn pictures_are_resized_where_the_settings_say_so() {
    let settings = settings::Data { resize: true, mean: vec![0.0], std: vec![1.0], ..settings::Data::default() };
    let dataset = open(&settings, &pictures(1, 4, 4), None).expect("resized");
    let full = open(&settings::Data { resize: false, ..settings }, &pictures(1, 8, 8), None).expect("built in");
    let (small, large) = (all(&dataset, Split::Train), all(&full, Split::Train));
    let mean = |batch: &HostBatch| floats(&batch.inputs[0]).1.iter().sum::<f32>() / floats(&batch.inputs[0]).1.len() as f32;
    assert!((mean(&small) - mean(&large)).abs() < 0.01, "{} {}", mean(&small), mean(&large));
    assert!(dataset.preprocessing().inputs[0].resized);
}

#[test]
fn what_pictures_cannot_give_is_named() {
    let mask = [input("image", DType::F32, &[1, 8, 8], false), input("mask", DType::I64, &[8, 8], true)];
    says(
        open(&settings::Data::default(), &mask, None),
        &["`mask` is i64[N, 8, 8]", "pictures (f32[N, 1, 8, 8]) and labels (i64[N])", ".safetensors"],
    );
    let half = [input("image", DType::F16, &[1, 8, 8], false)];
    says(open(&settings::Data::default(), &half, None), &["`image` is f16[N, 1, 8, 8]"]);
    let fixed = [InputSpec { shape: vec![Some(4), Some(2)], ..half[0].clone() }];
    says(open(&settings::Data::default(), &fixed, None), &["`image` is f16[4, 2]", "first dimension `N`"]);
}

#[test]
fn idx_plain_and_packed() {
    let folder = folder();
    mnist(&folder);
    let dataset = open(&unchanged(folder.path()), &pictures(1, 2, 3), Some(4)).expect("well formed");
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Test), dataset.kind()), (2, 3, SourceKind::Idx));
    let batch = dataset.batch(Split::Train, &[1, 0], None).expect("both exist");
    let (shape, values) = floats(&batch.inputs[0]);
    assert_eq!(shape, [2, 1, 2, 3]);
    assert_eq!(values[6..], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    assert_eq!(integers(&batch.inputs[1]), [1, 3]);
    assert_eq!(integers(&all(&dataset, Split::Test).inputs[1]), [0, 1, 2]);

    let single = open(&unchanged(&folder.path().join("t10k-images-idx3-ubyte.gz")), &pictures(1, 2, 3), None);
    let single = single.expect("the labels lie beside it");
    assert_eq!(single.len(Split::Train) + single.len(Split::Test), 3);
}

#[test]
fn idx_errors_name_file_and_byte() {
    type Case<'a> = (&'a str, Vec<u8>, &'a [&'a str]);
    let images = idx(&[2, 2, 3], &[0; 12]);
    let cases: [Case; 9] = [
        ("train-images-idx3-ubyte", images[..20].to_vec(), &["train-images-idx3-ubyte` ends at byte 20", "8 bytes are missing"]),
        ("train-images-idx3-ubyte", images[..7].to_vec(), &["ends at byte 7", "dimensions", "1 bytes are missing"]),
        ("train-images-idx3-ubyte", [&images[..], &[0]].concat(), &["byte 28", "goes on"]),
        ("train-images-idx3-ubyte", idx(&[2, 6], &[0; 12]), &["byte 0", "3 dimensions", "[0, 0, 8, 2]"]),
        ("train-images-idx3-ubyte", Vec::new(), &["ends at byte 0", "magic"]),
        ("train-images-idx3-ubyte", idx(&[u32::MAX; 3], &[]), &["byte 16", "cannot be"]),
        ("train-images-idx3-ubyte", gzip(&images)[..20].to_vec(), &["packed bytes are broken"]),
        (
            "train-labels-idx1-ubyte",
            idx(&[3], &[0; 3]),
            &["train-images-idx3-ubyte` has 2 records", "train-labels-idx1-ubyte` has 3"],
        ),
        ("train-labels-idx1-ubyte", idx(&[2], &[3, 4]), &["record 1 has the label 4", "byte 9", "0 to 3", "--set classes="]),
    ];
    for (name, bytes, parts) in cases {
        let folder = folder();
        mnist(&folder);
        write(&folder, name, bytes);
        says(open(&settings(folder.path()), &pictures(1, 2, 3), Some(4)), parts);
    }
    let folder = folder();
    mnist(&folder);
    std::fs::remove_file(folder.path().join("train-labels-idx1-ubyte")).expect("it exists");
    says(open(&settings(folder.path()), &pictures(1, 2, 3), None), &["has no file `train-labels-idx1-ubyte`"]);
    write(&folder, "letters-train-labels-idx1-ubyte", idx(&[2], &[0, 0]));
    write(&folder, "digits-train-labels-idx1-ubyte", idx(&[2], &[0, 0]));
    says(
        open(&settings(folder.path()), &pictures(1, 2, 3), None),
        &["more than one", "digits-train-labels-idx1-ubyte, letters-"],
    );
}

#[test]
fn a_gzip_bomb_meets_the_memory_limit() {
    let folder = folder();
    mnist(&folder);
    // 64 MiB of zeros in 64 KiB, honestly declared; and the same behind a header that declares twelve bytes.
    let zeros = vec![0u8; 1 << 26];
    let limited = settings::Data { memory: 1, ..settings(folder.path()) };
    write(&folder, "train-images-idx3-ubyte", gzip(&idx(&[1 << 16, 32, 32], &zeros)));
    says(open(&limited, &pictures(1, 32, 32), None), &["67108864 bytes of memory", "limit is 1048576", "data.memory"]);
    write(&folder, "train-images-idx3-ubyte", gzip(&idx(&[2, 2, 3], &zeros)));
    says(open(&limited, &pictures(1, 2, 3), None), &["byte 28", "goes on"]);
    write(&folder, "train-images-idx3-ubyte", idx(&[1 << 16, 32, 32], &[]));
    says(open(&settings(folder.path()), &pictures(1, 32, 32), None), &["ends at byte 16", "67108864 bytes are missing"]);
}

#[test]
fn cifar_10_and_100() {
    let folder = folder();
    write(&folder, "data_batch_1.bin", cifar(1, 12));
    write(&folder, "data_batch_2.bin", cifar(1, 2));
    write(&folder, "test_batch.bin", cifar(1, 3));
    let dataset = open(&unchanged(folder.path()), &pictures(3, 32, 32), Some(10)).expect("well formed");
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Test), dataset.kind()), (14, 3, SourceKind::Cifar10));
    let batch = all(&dataset, Split::Train);
    assert_eq!(integers(&batch.inputs[1]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 0, 1]);
    let (_, values) = floats(&batch.inputs[0]);
    let record = &values[11 * 3072..12 * 3072];
    assert_eq!([record[0], record[1024], record[3071]], [11.0 / 255.0, 12.0 / 255.0, 13.0 / 255.0]);

    let folder = self::folder();
    write(&folder, "train.bin", cifar(2, 12));
    let mut inputs = pictures(3, 32, 32);
    inputs.push(input("coarse", DType::I64, &[], true));
    let settings = settings::Data { test_portion: 0.0, ..unchanged(folder.path()) };
    let dataset = open(&settings, &inputs, Some(100)).expect("well formed");
    let batch = all(&dataset, Split::Train);
    assert_eq!(dataset.kind(), SourceKind::Cifar100);
    assert_eq!(integers(&batch.inputs[1])[9..], [19, 10, 11], "the fine label");
    assert_eq!(integers(&batch.inputs[2])[9..], [9, 0, 1], "the coarse label");
}

#[test]
fn cifar_errors_name_file_and_byte() {
    let folder = folder();
    write(&folder, "data_batch_1.bin", cifar(1, 2));
    write(&folder, "data_batch_2.bin", &cifar(1, 2)[..5000]);
    let open_it = |folder: &TempDir, classes| open(&settings(folder.path()), &pictures(3, 32, 32), classes);
    says(
        open_it(&folder, None),
        &["data_batch_2.bin` ends at byte 5000", "record 1, which begins at byte 3073", "1146 bytes are missing"],
    );
    write(&folder, "data_batch_2.bin", "");
    says(open_it(&folder, None), &["data_batch_2.bin` ends at byte 0"]);
    // The first batches alone are a small data set; a hole is a mistake.
    std::fs::remove_file(folder.path().join("data_batch_2.bin")).expect("it exists");
    assert_eq!(open_it(&folder, None).expect("one batch is enough").len(Split::Train), 2);
    write(&folder, "data_batch_3.bin", cifar(1, 2));
    says(open_it(&folder, None), &["has no file `data_batch_2.bin`"]);
    std::fs::remove_file(folder.path().join("data_batch_3.bin")).expect("it exists");
    write(&folder, "data_batch_2.bin", cifar(1, 10));
    says(open_it(&folder, Some(9)), &["record 11 has the label 9", "data_batch_2.bin`, byte 27657", "0 to 8"]);
    says(open(&settings(folder.path()), &pictures(1, 32, 32), None), &["pictures are 3 x 32 x 32", "the input takes 1"]);
    std::fs::remove_file(folder.path().join("data_batch_1.bin")).expect("it exists");
    std::fs::rename(folder.path().join("data_batch_2.bin"), folder.path().join("test_batch.bin")).expect("it exists");
    says(open_it(&folder, None), &["has no file `data_batch_1.bin`"]);
    write(&folder, "data_batch_1.bin", "");
    says(open_it(&folder, None), &["no training records"]);
}

#[test]
fn paths_that_hold_nothing() {
    let folder = folder();
    says(open(&settings(&folder.path().join("nowhere")), &[], None), &["no file or folder", "nowhere", "`digits`"]);
    says(
        open(&settings(folder.path()), &[], None),
        &["no data in a known layout", "MNIST", "CIFAR-100", "train.npz", "train/CLASS"],
    );
    write(&folder, "notes.txt", "none");
    says(open(&settings(&folder.path().join("notes.txt")), &[], None), &["notes.txt` holds no data"]);
}

#[cfg(unix)]
#[test]
fn links_and_devices() {
    use std::os::unix::fs::symlink;
    let link = |folder: &TempDir, to: &str, name: &str| symlink(to, folder.path().join(name)).expect("links can be made");
    let folder = folder();
    mnist(&folder);
    link(&folder, ".", "loop");
    open(&settings(folder.path()), &pictures(1, 2, 3), None).expect("a folder that holds itself is no problem");
    let circle = self::folder();
    link(&circle, "b", "a");
    link(&circle, "a", "b");
    says(open(&settings(&circle.path().join("a")), &[], None), &["cannot read", "symbolic link"]);
    let devices = self::folder();
    link(&devices, "/dev/zero", "data_batch_1.bin");
    says(open(&settings(devices.path()), &pictures(3, 32, 32), None), &["data_batch_1.bin` is not a regular file"]);
    link(&devices, "/nowhere", "data_batch_0.bin");
    says(open(&settings(devices.path()), &pictures(3, 32, 32), None), &["cannot read", "data_batch_0.bin", "No such file"]);
}
