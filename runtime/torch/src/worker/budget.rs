//! What training passes cost, computed beforehand and exactly: an interrupted run reports the same as one that was not.

use nasc_runtime::run::Budget;

/// How many records a number of batches hold that are taken one after another from passes over a part: `records` in batches of
/// `batch`, the last of a pass may be short.
pub fn records(batches: u64, records_a_pass: u64, batch: u64) -> u64 {
    let batches_a_pass = records_a_pass.div_ceil(batch.max(1)).max(1);
    let whole = (batches / batches_a_pass).saturating_mul(records_a_pass);
    // The short batch is the last of a pass, and these passes are not complete.
    whole.saturating_add((batches % batches_a_pass).saturating_mul(batch))
}

/// The cost of so many steps that pass so many records through something of so many multiply-accumulates a record.
pub fn passes(steps: u64, records: u64, macs: u64) -> Budget {
    Budget { macs: records.saturating_mul(macs), steps, records }
}

/// Two costs together.
pub fn sum(a: Budget, b: Budget) -> Budget {
    Budget {
        macs: a.macs.saturating_add(b.macs),
        steps: a.steps.saturating_add(b.steps),
        records: a.records.saturating_add(b.records),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_the_batches() {
        // A pass of 10 records in batches of 4 is 4, 4, 2.
        assert_eq!([0, 1, 2, 3, 4, 7].map(|batches| records(batches, 10, 4)), [0, 4, 8, 10, 14, 24]);
        assert_eq!(records(3, 8, 4), 12);
    }
}
