//! Batches made ahead of time on threads of their own.
//!
//! Thread `k` of `n` makes batches `k`, `k + n`, `k + 2n` … and puts them into a short queue of its own; the reader takes from the
//! queues in turn. So the order never depends on who is faster, and a slow reader holds the threads back: at most four batches
//! a thread's worth wait. Dropping the loader empties the queues' other ends: every thread stops after the batch at hand and
//! is waited for.

use super::{AugmentKey, DataError, Dataset, HostBatch, Split};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// What a loader loads: an epoch, or the rest of one.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which part.
    pub split: Split,
    /// Its records, in order. May repeat.
    pub indices: Arc<[u32]>,
    /// Records of a batch.
    pub batch: u64,
    /// What random changes depend on; none are made without.
    pub augment: Option<AugmentKey>,
    /// The number of the first batch to make; those before are not read.
    pub first_step: u64,
    /// Whether a last batch that is smaller is left out.
    pub drop_last: bool,
    /// How many threads; at least one is used, and no more than there are batches.
    pub threads: u64,
}

impl Request {
    /// How many batches the whole epoch has.
    pub fn steps(&self) -> u64 {
        let records = self.indices.len() as u64;
        match (self.batch, self.drop_last) {
            (0, _) => 0,
            (batch, true) => records / batch,
            (batch, false) => records.div_ceil(batch),
        }
    }

    fn make(&self, dataset: &Dataset, step: u64) -> Result<HostBatch, DataError> {
        let first = step * self.batch;
        let last = first.saturating_add(self.batch).min(self.indices.len() as u64);
        let augment = self.augment.map(|key| (key, first));
        dataset.batch(self.split, &self.indices[first as usize..last as usize], augment)
    }
}

/// More threads than this only fight over memory.
const MOST_THREADS: u64 = 64;

type Queue = Receiver<Result<HostBatch, DataError>>;

/// Makes the batches of an epoch ahead of time.
#[derive(Debug)]
pub struct Loader {
    queues: Vec<Queue>,
    threads: Vec<JoinHandle<()>>,
    /// Batches given out so far.
    given: u64,
    /// Batches to give out in all.
    wanted: u64,
    failed: Option<DataError>,
}

impl Loader {
    /// All batches of an epoch, the last one as small as it is.
    pub fn new(
        dataset: Arc<Dataset>,
        split: Split,
        indices: Vec<u32>,
        batch: u64,
        augment: Option<AugmentKey>,
        threads: u64,
    ) -> Loader {
        let request = Request { split, indices: indices.into(), batch, augment, first_step: 0, drop_last: false, threads };
        Loader::start(dataset, request)
    }

    /// The batches of a request. What cannot be done is the first thing that [`Loader::next`] says.
    pub fn start(dataset: Arc<Dataset>, request: Request) -> Loader {
        let wanted = request.steps().saturating_sub(request.first_step);
        let mut loader = Loader { queues: Vec::new(), threads: Vec::new(), given: 0, wanted, failed: None };
        if request.batch == 0 {
            loader.failed = Some(DataError::Loader { why: "a batch of no records was asked for".into() });
            return loader;
        }
        let threads = request.threads.clamp(1, MOST_THREADS).min(wanted);
        // One batch in the making, and one waiting; a single thread keeps two waiting, to even out slow ones.
        let waiting = if threads == 1 { 2 } else { 1 };
        for thread in 0..threads {
            let (sender, queue) = sync_channel(waiting);
            let (dataset, request) = (dataset.clone(), request.clone());
            let steps = (request.first_step + thread..request.first_step + wanted).step_by(threads as usize);
            let work = move || work(&dataset, &request, steps, &sender);
            match Builder::new().name(format!("data-{thread}")).spawn(work) {
                Ok(handle) => {
                    loader.threads.push(handle);
                    loader.queues.push(queue);
                }
                Err(error) => {
                    loader.failed = Some(DataError::Loader { why: format!("it could not be started ({error})") });
                    break;
                }
            }
        }
        loader
    }

    /// The next batch, waiting for it if it is not ready; `None` behind the last one and behind an error.
    // Not an `Iterator`: its adaptors would hide that a loader ends at the first error.
    #[expect(clippy::should_implement_trait, reason = "see above")]
    pub fn next(&mut self) -> Option<Result<HostBatch, DataError>> {
        if let Some(error) = self.failed.take() {
            self.wanted = self.given;
            return Some(Err(error));
        }
        if self.given >= self.wanted {
            return None;
        }
        let queue = &self.queues[(self.given % self.queues.len() as u64) as usize];
        let batch = queue.recv().unwrap_or_else(|_| Err(DataError::Loader { why: "it ended before its last batch".into() }));
        self.given += 1;
        if batch.is_err() {
            self.wanted = self.given;
        }
        Some(batch)
    }
}

fn work(
    dataset: &Dataset,
    request: &Request,
    steps: impl Iterator<Item = u64>,
    sender: &SyncSender<Result<HostBatch, DataError>>,
) {
    for step in steps {
        let batch = catch_unwind(AssertUnwindSafe(|| request.make(dataset, step)))
            .unwrap_or_else(|panic| Err(DataError::Loader { why: panic_message(panic.as_ref()) }));
        let last = batch.is_err();
        // The other end is gone once the loader is dropped.
        if sender.send(batch).is_err() || last {
            return;
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("it broke down: {}", text.unwrap_or("no message"))
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // Its panics were caught and sent.
            let _joined = thread.join();
        }
    }
}
