//! What operations see of weights, for those who want to look at it: superposition is checked against its definition by this.

use super::{Choice, EngineError, Network, Wanted};
use nasc_compiler::plan::StepKind;
use std::sync::Arc;
use tch::Tensor;

/// A weight as an operation sees it.
#[derive(Debug)]
pub struct Seen {
    /// The number of the operation's step in the plan.
    pub step: usize,
    /// What the operation calls the weight.
    pub slot: Arc<str>,
    /// Cut and mixed as the choices say; gradients reach weights and mixture weights.
    pub tensor: Tensor,
}

impl Network {
    /// The weights that a forward pass under these choices would see, of the steps that it would run, in their order.
    ///
    /// # Errors
    /// As [`Network::forward`] about choices.
    pub fn seen(&self, choices: &[Choice], wanted: Wanted) -> Result<Vec<Seen>, EngineError> {
        self.check_choices(choices)?;
        let program = self.program(choices, wanted)?;
        let scales = choices.iter().map(Choice::scalars).collect::<Result<Vec<_>, _>>()?;
        let selection: Vec<Option<usize>> = choices.iter().map(Choice::answer).collect();
        let needed = self.plan.needed(&self.targets(wanted), &selection);
        let mut seen = Vec::new();
        for (number, step) in self.plan.steps.iter().enumerate().filter(|(number, _)| needed[*number]) {
            let StepKind::Op { weights, .. } = &step.kind else { continue };
            for (slot, own) in weights {
                let settled = program.settled.get(&number);
                let cut = settled.and_then(|settled| settled.weights.iter().find(|(name, ..)| name == slot));
                let tensor = match cut {
                    Some((_, id, cut)) => {
                        let failed = |why| EngineError::Step { op: "slice".into(), origin: step.origin.clone(), why };
                        cut.of(&self.weights[*id], choices, &scales).map_err(failed)?
                    }
                    None => self.weights[own.id].shallow_clone(),
                };
                seen.push(Seen { step: number, slot: slot.clone(), tensor });
            }
        }
        Ok(seen)
    }
}
