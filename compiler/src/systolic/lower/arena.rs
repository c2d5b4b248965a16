//! Where buffers lie: one piece of memory for all, in which those that are never needed together share a place.
//!
//! A buffer is needed from the step that writes it first to the step that reads it last, both included: a layer never writes where
//! it reads. Placing such intervals in the least memory is NP-hard, and greedy is near the bound: buffers are placed one by one, each
//! at the lowest place where it meets no placed one that is needed at the same time. That is done in three orders (largest first;
//! largest size times duration first; as they come) and the best is kept.
//! Source of the first order: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", MLSys 2020 workshop.

/// What is to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    /// Its size in floats.
    pub size: u64,
    /// The step that writes it first.
    pub begin: usize,
    /// The step that reads it last.
    pub end: usize,
}

impl Interval {
    fn meets(&self, other: &Interval) -> bool {
        self.begin <= other.end && other.begin <= self.end
    }
}

/// Where each begins, and the size of the whole.
pub(super) fn place(intervals: &[Interval]) -> (Vec<u64>, u64) {
    let weight = |number: &usize| {
        let own = &intervals[*number];
        u128::from(own.size) * (own.end - own.begin + 1) as u128
    };
    let as_they_come: Vec<usize> = (0..intervals.len()).collect();
    let mut by_size = as_they_come.clone();
    by_size.sort_by_key(|number| std::cmp::Reverse(intervals[*number].size));
    let mut by_weight = as_they_come.clone();
    by_weight.sort_by_key(|number| std::cmp::Reverse(weight(number)));
    let tried = [by_size, by_weight, as_they_come].map(|order| in_order(intervals, &order));
    tried.into_iter().min_by_key(|(_, size)| *size).expect("three orders were tried")
}

fn in_order(intervals: &[Interval], order: &[usize]) -> (Vec<u64>, u64) {
    let mut places = vec![0; intervals.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(order.len());
    let mut whole = 0;
    for &number in order {
        let own = &intervals[number];
        // Those in the way, by place.
        let mut others: Vec<(u64, u64)> = placed
            .iter()
            .filter(|other| intervals[**other].meets(own))
            .map(|other| (places[*other], places[*other] + intervals[*other].size))
            .collect();
        others.sort_unstable();
        let mut at = 0;
        for (begin, end) in others {
            if at + own.size <= begin {
                break;
            }
            at = at.max(end);
        }
        places[number] = at;
        whole = whole.max(at + own.size);
        placed.push(number);
    }
    (places, whole)
}

/// The least memory that any placement takes: the most that is needed at one step.
#[cfg(test)]
pub(super) fn bound(intervals: &[Interval]) -> u64 {
    let steps = intervals.iter().map(|own| own.begin);
    steps
        .map(|step| intervals.iter().filter(|own| own.begin <= step && step <= own.end).map(|own| own.size).sum())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intervals() -> impl Strategy<Value = Vec<Interval>> {
        let one =
            (1u64..50, 0usize..40, 0usize..10).prop_map(|(size, begin, length)| Interval { size, begin, end: begin + length });
        proptest::collection::vec(one, 1..40)
    }

    proptest! {
        #[test]
        fn what_is_needed_together_is_apart(intervals in intervals()) {
            let (places, whole) = place(&intervals);
            for (number, own) in intervals.iter().enumerate() {
                prop_assert!(places[number] + own.size <= whole);
                for (other, second) in intervals.iter().enumerate().skip(number + 1) {
                    let apart = places[number] + own.size <= places[other] || places[other] + second.size <= places[number];
                    prop_assert!(apart || !own.meets(second), "{own:?} and {second:?} overlap");
                }
            }
            prop_assert!(whole >= bound(&intervals));
        }
    }

    /// A chain of layers alternates between two places, whatever the sizes are.
    #[test]
    fn a_chain_takes_its_two_largest_neighbours() {
        let sizes = [8, 64, 64, 32, 32, 16, 16, 4];
        let chain: Vec<Interval> =
            sizes.iter().enumerate().map(|(number, size)| Interval { size: *size, begin: number, end: number + 1 }).collect();
        assert_eq!(place(&chain).1, 128);
    }
}
