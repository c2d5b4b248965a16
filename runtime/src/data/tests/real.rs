//! The real data sets, where the environment variable `NASC_DATA` names a folder with `mnist` and `cifar10` in it.

use super::*;

/// The folder of a data set, or `None` with a line that says so.
fn real(test: &str, name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("NASC_DATA").map(|folder| PathBuf::from(folder).join(name));
    if folder.is_none() {
        println!("{test}: skipped: NASC_DATA is not set");
    }
    folder
}

fn class_counts(dataset: &Dataset, split: Split) -> Vec<usize> {
    let records: Vec<u32> = (0..dataset.len(split)).collect();
    let mut counts = vec![0; 10];
    for records in records.chunks(1000) {
        let batch = dataset.batch(split, records, None).expect("the records exist");
        integers(&batch.inputs[1]).iter().for_each(|label| counts[*label as usize] += 1);
    }
    counts
}

#[test]
fn mnist() {
    let Some(folder) = real("mnist", "mnist") else { return };
    let dataset = open(&settings(&folder), &pictures(1, 28, 28), Some(10)).expect("the real files");
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Test)), (60_000, 10_000));
    // Published counts of each digit.
    assert_eq!(class_counts(&dataset, Split::Train), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(class_counts(&dataset, Split::Test), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    // The published mean and deviation of the training pictures.
    let measured = &dataset.preprocessing().inputs[0];
    assert!((measured.mean[0] - 0.1307).abs() < 5e-5 && (measured.std[0] - 0.3081).abs() < 5e-5, "{measured:?}");
}

#[test]
fn cifar10() {
    let Some(folder) = real("cifar10", "cifar10") else { return };
    let dataset = open(&settings(&folder), &pictures(3, 32, 32), Some(10)).expect("the real files");
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Test)), (4000, 1000));
    assert_eq!(class_counts(&dataset, Split::Train).iter().sum::<usize>(), 4000);
    let measured = &dataset.preprocessing().inputs[0];
    // Published for all 50,000: 0.4914 0.4822 0.4465 and 0.2470 0.2435 0.2616.
    for (own, known) in measured.mean.iter().zip([0.4914, 0.4822, 0.4465]).chain(measured.std.iter().zip([0.247, 0.2435, 0.2616]))
    {
        assert!((own - known).abs() < 0.01, "{measured:?}");
    }
    let normal = all(&dataset, Split::Train);
    let (_, values) = floats(&normal.inputs[0]);
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    assert!(mean.abs() < 1e-5, "{mean}");
}
