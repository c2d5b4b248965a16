//! Loaders: order, threads, starting in the middle, ends good and bad.

use super::*;
use std::sync::Arc;

fn dataset() -> Arc<Dataset> {
    let settings = settings::Data { crop: 2, flip: true, cutout: 3, ..settings::Data::default() };
    Arc::new(open(&settings, &pictures(3, 8, 8), Some(10)).expect("built in"))
}

fn request(records: u32, batch: u64, threads: u64) -> Request {
    let indices = shuffled(&(0..records).collect::<Vec<_>>(), Key([1, 2, 3, 4])).into();
    Request {
        split: Split::Train,
        indices,
        batch,
        augment: Some(AugmentKey { seed: 1, epoch: 5 }),
        first_step: 0,
        drop_last: false,
        threads,
    }
}

fn batches(request: Request) -> Vec<HostBatch> {
    let mut loader = Loader::start(dataset(), request);
    let mut batches = Vec::new();
    while let Some(batch) = loader.next() {
        batches.push(batch.expect("the records exist"));
    }
    batches
}

#[test]
fn threads_do_not_change_batches() {
    let one = batches(request(1000, 64, 1));
    assert_eq!(one.len(), 16);
    assert_eq!(one.iter().map(|batch| batch.records).sum::<u64>(), 1000);
    for threads in [0, 2, 3, 4, 1000] {
        assert_eq!(batches(request(1000, 64, threads)), one, "{threads} threads");
    }
    let data = dataset();
    let request = request(1000, 64, 1);
    let direct = data.batch(Split::Train, &request.indices[64..128], request.augment.map(|key| (key, 64)));
    assert_eq!(direct.expect("the records exist"), one[1]);
    let other = batches(Request { augment: Some(AugmentKey { seed: 1, epoch: 6 }), ..request });
    assert_ne!(other[0], one[0], "another epoch, other changes");
}

#[test]
fn starting_at_a_step_gives_the_tail() {
    let whole = batches(request(300, 32, 2));
    for first_step in [0, 1, 5, 9, 10, u64::MAX] {
        let tail = batches(Request { first_step, ..request(300, 32, 3) });
        assert_eq!(tail, whole[(first_step as usize).min(whole.len())..], "from {first_step}");
    }
}

#[test]
fn the_last_batch_is_kept_or_dropped() {
    let sizes = |drop_last, batch| -> Vec<u64> {
        let request = Request { drop_last, ..request(100, batch, 2) };
        let steps = request.steps();
        let sizes: Vec<u64> = batches(request).iter().map(|batch| batch.records).collect();
        assert_eq!(sizes.len() as u64, steps);
        sizes
    };
    assert_eq!(sizes(false, 40), [40, 40, 20]);
    assert_eq!(sizes(true, 40), [40, 40]);
    assert_eq!(sizes(true, 50), [50, 50]);
    assert_eq!(sizes(false, u64::MAX), [100]);
    assert_eq!(sizes(true, 101), [0u64; 0]);
    assert!(Loader::new(dataset(), Split::Test, Vec::new(), 8, None, 2).next().is_none());
}

#[test]
fn errors_come_in_their_place_and_end_the_loader() {
    let mut indices: Vec<u32> = (0..100).collect();
    indices[45] = 1_000_000;
    let mut loader = Loader::new(dataset(), Split::Train, indices, 10, None, 3);
    for _ in 0..4 {
        loader.next().expect("not the end").expect("these exist");
    }
    let error = loader.next().expect("not the end").expect_err("the record does not exist");
    assert!(matches!(error, DataError::NoSuchRecord { record: 1_000_000, .. }), "{error}");
    assert!(loader.next().is_none());
    let mut empty = Loader::new(dataset(), Split::Train, vec![0], 0, None, 1);
    assert!(matches!(empty.next(), Some(Err(DataError::Loader { .. }))));
    assert!(empty.next().is_none());
}

#[test]
fn a_thread_that_breaks_down_is_an_error() {
    // A table that claims more records than it has cannot be opened; made by hand, it makes a thread panic.
    let mut data = open(&settings::Data::default(), &pictures(1, 8, 8), None).expect("built in");
    data.train.rows[3] = u32::MAX;
    let mut loader = Loader::new(Arc::new(data), Split::Train, (0..8).collect(), 2, None, 2);
    loader.next().expect("not the end").expect("this one is well");
    let error = loader.next().expect("not the end").expect_err("there is no such row");
    assert!(error.to_string().contains("broke down"), "{error}");
}

#[test]
fn dropping_a_loader_ends_its_threads() {
    let data = dataset();
    for taken in [0, 1, 3] {
        let mut loader = Loader::start(data.clone(), Request { indices: vec![0; 100_000].into(), ..request(1, 8, 4) });
        for _ in 0..taken {
            loader.next().expect("not the end").expect("it exists");
        }
        drop(loader);
        // Each thread owns a share of the data set for as long as it runs.
        assert_eq!(Arc::strong_count(&data), 1);
    }
}
