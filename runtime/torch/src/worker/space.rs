//! The compiled space that a run works on, and what the worker asks of it.

use super::WorkerError;
use nasc_compiler::arch::{Architecture, ArchitectureError, ArchitectureFile};
use nasc_compiler::plan::{Plan, StepKind, plan};
use nasc_compiler::runs::Conditions;
use nasc_compiler::supernet::file::from_json;
use nasc_compiler::supernet::{ALWAYS, Context, ContextId, Supernet};
use nasc_compiler::{cost, derive, digest, passes};
use nasc_runtime::run::{RunFolder, SUPERNET};
use std::collections::BTreeMap;

/// A compiled space.
#[derive(Debug)]
pub struct Space {
    /// As compiled, passes run.
    pub supernet: Supernet,
    /// Its digest.
    pub digest: String,
    /// Its signature.
    pub signature: String,
    plan: Plan,
}

impl Space {
    /// A supernet that the passes have seen.
    pub fn new(supernet: Supernet) -> Space {
        Space { digest: digest::digest(&supernet), signature: digest::signature(&supernet), plan: plan(&supernet), supernet }
    }

    /// The space of a run.
    pub fn read(folder: &RunFolder) -> Result<Space, WorkerError> {
        let supernet = from_json(&folder.read_text(SUPERNET)?)
            .map_err(|why| WorkerError::Supernet { path: folder.root().join(SUPERNET), why: Box::new(why) })?;
        let space = Space::new(supernet);
        let recorded = &folder.run().space;
        if recorded.signature != space.signature || recorded.digest != space.digest {
            return Err(WorkerError::OtherSpace { path: folder.root().join(SUPERNET) });
        }
        Ok(space)
    }

    /// The plan of the supernet.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan of an architecture's network alone.
    pub fn derive(&self, architecture: &Architecture) -> Result<Plan, WorkerError> {
        let mut network = derive::derive(&self.supernet, architecture)?;
        passes::run_all(&mut network);
        Ok(plan(&network))
    }

    /// The architecture of an `arch.json` of the run.
    pub fn architecture(&self, folder: &RunFolder, relative: &str) -> Result<Architecture, WorkerError> {
        let text = folder.read_text(relative)?;
        let read = ArchitectureFile::parse(&text).and_then(|file| file.architecture(&self.supernet));
        read.map_err(|why| WorkerError::Architecture { path: folder.root().join(relative), why: Box::new(why) })
    }

    /// The architecture that is read off when every decision has an answer: of a decision that no run with these answers meets,
    /// the answer is dropped. Where a requirement excludes that one, it is the architecture that meets all requirements with the
    /// largest sum of the scores of its answers, which have a row a decision and an entry an alternative.
    pub fn read_off(&self, answers: &[usize], scores: &[Vec<f64>]) -> Result<Architecture, WorkerError> {
        let all: Vec<Option<u32>> = answers.iter().map(|&answer| Some(answer as u32)).collect();
        let happens = Conditions::new(&self.supernet).under(&all);
        let decisions = self.supernet.decisions.iter().zip(all);
        let met = decisions.map(|(decision, answer)| answer.filter(|_| happens.any(&decision.met))).collect();
        match Architecture::from_answers(&self.supernet, met) {
            Err(ArchitectureError::Requirement { .. } | ArchitectureError::Bound { .. }) => {
                Ok(Architecture::best(&self.supernet, scores)?)
            }
            found => found.map_err(|why| WorkerError::ReadOff { why: Box::new(why) }),
        }
    }

    /// Multiply-accumulates of one record through an architecture; through the supernet without one. At least 1: a network that
    /// multiplies nothing takes time, too, and a budget must end.
    pub fn macs(&self, architecture: Option<&Architecture>) -> u64 {
        let macs = match architecture {
            Some(architecture) => cost::macs(&self.supernet, architecture),
            None => cost::supernet_macs(&self.supernet),
        };
        u64::try_from(macs).unwrap_or(0).max(1)
    }

    /// Multiply-accumulates of one record through a path, in the mean over paths that answer every decision uniformly, each by
    /// itself, `search_only` alternatives among them; of a selection every element is run. At least 1.
    pub fn macs_of_a_path(&self) -> u64 {
        let supernet = &self.supernet;
        let mean = supernet.costs.iter().map(|cost| {
            let macs = cost.macs.entries().map(|macs| macs.at(1).unwrap_or(i64::MAX)).max().unwrap_or(0) as f64;
            macs * self.share(cost.context)
        });
        (mean.sum::<f64>().round() as u64).max(1)
    }

    /// The share of those paths in which a context holds.
    fn share(&self, context: ContextId) -> f64 {
        let mut answers: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        let mut context = context;
        while context != ALWAYS {
            let Context { parent, decision, answers: own } = &self.supernet.contexts[context.0 as usize];
            let common = answers.entry(decision.0 as usize).or_insert_with(|| own.clone());
            common.retain(|answer| own.contains(answer));
            context = *parent;
        }
        let shares = answers.iter().map(|(&number, answers)| match self.plan.decisions[number].selection {
            Some(_) => 1.0,
            None => answers.len() as f64 / self.plan.decisions[number].labels.len() as f64,
        });
        shares.product()
    }

    /// Weights of an architecture.
    pub fn params(&self, architecture: &Architecture) -> u64 {
        u64::try_from(cost::params(&self.supernet, architecture)).unwrap_or(0)
    }

    /// Bytes of all weights and states, at most eight a number.
    pub fn bytes(&self) -> u64 {
        let numbers = self.plan.weights.iter().chain(&self.plan.states).map(|weight| u64::try_from(weight.len()).unwrap_or(0));
        numbers.fold(0u64, u64::saturating_add).saturating_mul(8)
    }

    /// Names of the space's metrics, in its order.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.plan.metrics.iter().map(|(name, _)| &**name)
    }

    /// Whether the space's first metric is one of which more is better: a share of right answers.
    pub fn first_metric_rises(&self) -> bool {
        let Some((_, buffer)) = self.plan.metrics.first() else { return false };
        let step = self.plan.steps.iter().find(|step| step.writes == *buffer);
        step.is_some_and(|step| matches!(&step.kind, StepKind::Op { op, .. } if &**op == "accuracy"))
    }

    /// How many classes the labels have, if the loss or a metric says so.
    pub fn classes(&self) -> Option<u64> {
        let reads_labels = self
            .plan
            .steps
            .iter()
            .filter(|step| matches!(&step.kind, StepKind::Op { op, .. } if ["cross_entropy", "accuracy"].contains(&&**op)));
        let logits = reads_labels.filter_map(|step| step.reads.first());
        let mut classes = logits.filter_map(|buffer| {
            let writer = self.plan.steps.iter().find(|step| step.writes == *buffer)?;
            writer.ty.shape.get(1)?.constant()
        });
        classes.next().and_then(|classes| u64::try_from(classes).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasc_compiler::driver::{NoSources, Options, Source, compile};

    fn space(requirements: &str) -> Space {
        let text = format!(
            "space s() {{
               input x: f32[N, 6];
               let a = choose {{ 4, 8, 16 }};
               let b = choose {{ 4, 8, 16 }};
               {requirements}
               output y = x |> linear(a, bias = false) |> linear(b, bias = false) |> linear(1, bias = false);
             }}"
        );
        let compilation = compile(Source { name: "s.nas".into(), text }, &NoSources, &Options::default());
        assert!(!compilation.has_errors(), "{:?}", compilation.diagnostics);
        Space::new(compilation.supernets.into_iter().next().expect("the text has a space"))
    }

    fn read_off(requirements: &str) -> Vec<Option<u32>> {
        // Of the first decision the last answer leads clearly, of the second narrowly.
        let scores = [vec![-9.0, -2.0, 0.0], vec![-3.0, -0.1, 0.0]];
        space(requirements).read_off(&[2, 2], &scores).expect("an architecture is left").answers().to_vec()
    }

    #[test]
    fn what_leads_is_read_off_unless_a_requirement_excludes_it() {
        assert_eq!(read_off(""), [Some(2), Some(2)]);
        assert_eq!(read_off("require a + b < 32;"), [Some(2), Some(1)]);
        assert_eq!(read_off("require a + b < 32; require b > 8 or b < 8;"), [Some(1), Some(2)]);
        // 6a + ab + b numbers: 16 and 16 have 368, 16 and 8 have 232, 16 and 4 have 164, 8 and 16 have 192.
        assert_eq!(read_off("require params() <= 232;"), [Some(2), Some(1)]);
        assert_eq!(read_off("require params() < 232;"), [Some(1), Some(2)]);
        assert_eq!(read_off("require params() < 192;"), [Some(1), Some(1)]);
    }
}
