//! Which answers runs give: what requirements leave of each decision.

use super::Runs;
use super::diagram::Point;

impl Runs {
    /// By decision, the answers that some run gives, ascending; whether it keeps bounds on costs is not looked at. `None` if there
    /// is no run at all.
    pub(crate) fn taken(&self) -> Option<Vec<Vec<u32>>> {
        // What follows a point has a smaller number.
        let mut possible: Vec<bool> = Vec::with_capacity(self.points.len());
        let all = |points: &[u32], possible: &[bool]| points.iter().all(|point| possible[*point as usize]);
        for point in &self.points {
            possible.push(match point {
                Point::Term { .. } => true,
                Point::Never => false,
                Point::Decision { groups, .. } => groups.iter().any(|group| all(&group.then, &possible)),
            });
        }
        if !all(&self.roots, &possible) {
            return None;
        }
        let mut reached = vec![false; self.points.len()];
        self.roots.iter().for_each(|root| reached[*root as usize] = true);
        let mut taken = vec![Vec::new(); self.decisions];
        for (number, point) in self.points.iter().enumerate().rev() {
            let Point::Decision { decision, groups } = point else { continue };
            if !reached[number] {
                continue;
            }
            for group in groups.iter().filter(|group| all(&group.then, &possible)) {
                taken[*decision as usize].extend(&group.answers);
                group.then.iter().for_each(|next| reached[*next as usize] = true);
            }
        }
        for answers in &mut taken {
            answers.sort_unstable();
            answers.dedup();
        }
        Some(taken)
    }
}
