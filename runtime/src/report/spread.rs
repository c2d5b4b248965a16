//! Found against control: means and spreads over seeds, and what may be said of their difference.
//!
//! A mean over three seeds says little without the spread of those seeds. The report says of a difference only whether it is
//! larger than the larger of the two sample standard deviations; it is no test of significance, and does not claim to be one.

use super::markdown::value;

/// Values of the same measure, one a seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample(Vec<f64>);

impl Sample {
    pub(super) fn new(values: impl IntoIterator<Item = f64>) -> Sample {
        Sample(values.into_iter().collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// `None` of no values.
    pub(super) fn mean(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().sum::<f64>() / self.0.len() as f64)
    }

    /// The sample standard deviation (with n - 1); `None` of fewer than two values.
    pub(super) fn deviation(&self) -> Option<f64> {
        let mean = self.mean().filter(|_| self.0.len() > 1)?;
        let squares: f64 = self.0.iter().map(|value| (value - mean).powi(2)).sum();
        Some((squares / (self.0.len() - 1) as f64).sqrt())
    }

    /// `0.9012 ± 0.0034`
    pub(super) fn shown(&self) -> String {
        match (self.mean(), self.deviation()) {
            (None, _) => "none".into(),
            (Some(mean), None) => value(mean),
            (Some(mean), Some(deviation)) => format!("{} ± {}", value(mean), value(deviation)),
        }
    }
}

/// What may be said of the difference of two samples' means. `None` if one is empty or has a value that is no number.
pub(super) fn verdict(measure: &str, found: &Sample, control: &Sample) -> Option<String> {
    let (ours, theirs) = (found.mean()?, control.mean()?);
    let difference = ours - theirs;
    if !difference.is_finite() {
        return None;
    }
    let side = if difference > 0.0 {
        format!("higher by {}", value(difference))
    } else if difference < 0.0 {
        format!("lower by {}", value(-difference))
    } else {
        "the same".to_string()
    };
    let spread = match (found.deviation(), control.deviation()) {
        (Some(ours), Some(theirs)) => {
            let spread = ours.max(theirs);
            if difference.abs() > spread {
                format!("the difference exceeds the spread of the seeds ({})", value(spread))
            } else {
                format!("the difference is within the spread of the seeds ({})", value(spread))
            }
        }
        (None, None) if found.len() == 1 && control.len() == 1 => "one seed: no spread can be given".into(),
        (None, _) | (_, None) => "one of the two has one seed: no spread can be given".into(),
    };
    Some(format!("{measure} of the found networks is {side}; {spread}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_the_samples() {
        // 2, 4, 9: mean 5, squares 9 + 1 + 16 = 26, over n - 1 = 2: sqrt(13).
        let sample = Sample::new([2.0, 4.0, 9.0]);
        assert_eq!(sample.mean(), Some(5.0));
        assert_eq!(sample.deviation(), Some(13f64.sqrt()));
        assert_eq!(sample.shown(), "5.0000 ± 3.6056");
        assert_eq!(Sample::new([2.0]).shown(), "2.0000");
        assert_eq!(Sample::new([]).shown(), "none");
        assert_eq!(Sample::new([1.0, 1.0]).deviation(), Some(0.0));
    }

    #[test]
    fn a_difference_is_weighed_by_the_larger_spread() {
        let control = Sample::new([0.80, 0.82]);
        let says = |found: &[f64]| verdict("Accuracy", &Sample::new(found.iter().copied()), &control);
        // Spreads: sqrt(0.0002) = 0.0141 of the control; that of the found is smaller, then larger.
        assert_eq!(
            says(&[0.84, 0.85]).as_deref(),
            Some("Accuracy of the found networks is higher by 0.0350; the difference exceeds the spread of the seeds (0.0141).")
        );
        assert_eq!(
            says(&[0.75, 0.85]).as_deref(),
            Some("Accuracy of the found networks is lower by 0.0100; the difference is within the spread of the seeds (0.0707).")
        );
        assert_eq!(
            says(&[0.9]).as_deref(),
            Some("Accuracy of the found networks is higher by 0.0900; one of the two has one seed: no spread can be given.")
        );
        assert_eq!(says(&[]), None);
        assert_eq!(says(&[f64::NAN, 1.0]), None);
        let one = Sample::new([1.0]);
        assert_eq!(
            verdict("Loss", &one, &one).as_deref(),
            Some("Loss of the found networks is the same; one seed: no spread can be given.")
        );
    }
}
