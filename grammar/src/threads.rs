//! Many pieces of work that do not depend on each other, on as many threads as help.
//!
//! Pieces are handed out in their order, one at a time, to whichever thread is free. The results are in that order too, so nobody
//! can tell how many threads there were.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than that share memory faster than they do work.
const MOST: usize = 8;

/// `work(0)`, …, `work(count - 1)`, on threads that have at least `least` pieces each and a stack of `stack` bytes; here, if that
/// is one thread.
///
/// # Panics
/// If a piece of work does.
pub fn map<T: Send>(count: usize, least: usize, stack: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let useful = count / least.max(1);
    let threads = if useful < 2 { 1 } else { thread::available_parallelism().map_or(1, usize::from).min(useful).min(MOST) };
    if threads == 1 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                return done;
            }
            done.push((piece, work(piece)));
        }
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let start = |_| thread::Builder::new().stack_size(stack).spawn_scoped(scope, take);
        let started: Vec<_> = (0..threads).map_while(|number| start(number).ok()).collect();
        // Fewer threads than were asked for do all of the work too; if there are none it is done here.
        let here = if started.is_empty() { take() } else { Vec::new() };
        let ended = started.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.chain([here]).map(|done| done.into_iter().peekable()).collect()
    });
    let mut result = |piece: usize| done.iter_mut().find_map(|done| done.next_if(|(number, _)| *number == piece));
    (0..count).map(|piece| result(piece).expect("every piece was handed out, and its thread has ended").1).collect()
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_are_in_order_and_complete() {
        for (count, least) in [(0, 1), (1, 1), (1000, 1), (1000, 400), (1000, 5000), (7, 0)] {
            assert_eq!(
                map(count, least, 1 << 20, |piece| piece * piece),
                (0..count).map(|piece| piece * piece).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn a_panic_is_passed_on() {
        let ended = std::panic::catch_unwind(|| map(100, 1, 1 << 20, |piece| assert_ne!(piece, 50)));
        assert!(ended.is_err());
    }
}
