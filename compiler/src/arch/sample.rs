//! Uniform sampling.
//!
//! To draw each *architecture* with the same probability, an answer must be drawn as often as there are architectures that give
//! it: answering decisions evenly would favour the runs that end early. The counts below every answer are read off the diagram of
//! all runs once; a draw then walks the diagram with one table look-up a decision that is met. Where costs are bounded, an answer to
//! one decision depends on those to all others, and the run of a uniform number is taken.
//!
//! Promise: the same generator state gives the same architecture, on every machine and in every version of the crates below.

use super::Architecture;
use crate::runs::{Point, Ranks, Runs, RunsError};
use crate::supernet::Supernet;
use num_bigint::BigUint;
use num_traits::{One, ToPrimitive, Zero};
use rand::Rng;

/// Draws architectures of one space, each with the same probability.
#[derive(Clone, Debug)]
pub struct Sampler {
    decisions: usize,
    total: BigUint,
    pub(super) points: Vec<Draw>,
    pub(super) roots: Vec<u32>,
    /// Under bounds on costs, an architecture is drawn by its number.
    numbered: Option<Ranks>,
}

/// How the answer to a decision is drawn.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    pub(super) decision: u32,
    pub(super) table: Table,
    /// Answers that some architecture gives, each with its place in `then`.
    pub(super) answers: Vec<(u32, u32)>,
    /// What follows a group of answers.
    pub(super) then: Vec<Vec<u32>>,
}

/// Where the answers of a [`Draw`] end on a line whose pieces are as long as the answers are frequent.
#[derive(Clone, Debug)]
pub(super) enum Table {
    /// All are equally frequent.
    Even,
    /// Ends, ascending.
    Short(Vec<u64>),
    /// The same beyond 64 bits.
    Long(Vec<BigUint>),
}

impl Sampler {
    /// Counts what follows every answer.
    pub fn new(supernet: &Supernet) -> Result<Sampler, RunsError> {
        let ranks = Ranks::new(Runs::new(supernet)?)?;
        if ranks.total().is_zero() {
            return Err(RunsError::Empty);
        }
        let (decisions, total) = (supernet.decisions.len(), ranks.total().clone());
        if ranks.is_bounded() {
            return Ok(Sampler { decisions, total, points: Vec::new(), roots: Vec::new(), numbered: Some(ranks) });
        }
        let runs = ranks.runs();
        let points = runs.points().iter().map(|point| draw(point, &ranks)).collect();
        Ok(Sampler { decisions, total, points, roots: runs.roots().to_vec(), numbered: None })
    }

    /// Draws one.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Architecture {
        if let Some(ranks) = &self.numbered {
            let number = below_long(&self.total, rng);
            let answers = ranks.run(&number).expect("every number below the total is that of a run");
            return Architecture { answers };
        }
        let mut answers = vec![None; self.decisions];
        let mut pending = Vec::new();
        for &root in &self.roots {
            self.answer(root, rng, &mut answers, &mut pending);
        }
        while let Some(point) = pending.pop() {
            self.answer(point, rng, &mut answers, &mut pending);
        }
        Architecture { answers }
    }

    /// How many architectures there are.
    pub fn total(&self) -> &BigUint {
        &self.total
    }

    fn answer<R: Rng + ?Sized>(&self, point: u32, rng: &mut R, answers: &mut [Option<u32>], pending: &mut Vec<u32>) {
        let draw = &self.points[point as usize];
        let place = match &draw.table {
            Table::Even => below(draw.answers.len() as u64, rng) as usize,
            Table::Short(ends) => {
                let at = below(*ends.last().expect("a draw has an answer"), rng);
                ends.partition_point(|end| *end <= at)
            }
            Table::Long(ends) => {
                let at = below_long(ends.last().expect("a draw has an answer"), rng);
                ends.partition_point(|end| *end <= at)
            }
        };
        let (answer, group) = draw.answers[place];
        answers[draw.decision as usize] = Some(answer);
        pending.extend_from_slice(&draw.then[group as usize]);
    }
}

/// Draws one architecture of a space, each with the same probability. For many, keep a [`Sampler`].
pub fn sample<R: Rng + ?Sized>(supernet: &Supernet, rng: &mut R) -> Result<Architecture, RunsError> {
    Ok(Sampler::new(supernet)?.sample(rng))
}

/// The table of a point. A point without runs is never drawn and gets none.
fn draw(point: &Point, ranks: &Ranks) -> Draw {
    let mut draw = Draw { decision: 0, table: Table::Even, answers: Vec::new(), then: Vec::new() };
    let Point::Decision { decision, groups } = point else { return draw };
    draw.decision = *decision;
    let mut counts = Vec::new();
    for group in groups {
        let each: BigUint = ranks.each(group);
        if each.is_zero() {
            continue;
        }
        draw.answers.extend(group.answers.iter().map(|answer| (*answer, draw.then.len() as u32)));
        counts.resize(draw.answers.len(), each);
        draw.then.push(group.then.clone());
    }
    if counts.windows(2).all(|pair| pair[0] == pair[1]) {
        return draw;
    }
    // Frequencies without their common divisor nearly always fit in a word. Where they are too long to find it quickly, they stay.
    const LONGEST: u64 = 1024;
    let divisor = if counts.iter().all(|count| count.bits() <= LONGEST) {
        counts.iter().fold(BigUint::zero(), |divisor, count| gcd(divisor, count.clone()))
    } else {
        BigUint::one()
    };
    let ends: Vec<BigUint> = counts
        .iter()
        .scan(BigUint::zero(), |end, count| {
            *end += count / &divisor;
            Some(end.clone())
        })
        .collect();
    draw.table = match ends.iter().map(ToPrimitive::to_u64).collect::<Option<Vec<u64>>>() {
        Some(ends) => Table::Short(ends),
        None => Table::Long(ends),
    };
    draw
}

/// Euclid's.
fn gcd(mut a: BigUint, mut b: BigUint) -> BigUint {
    while !b.is_zero() {
        (a, b) = (b.clone(), a % b);
    }
    a
}

/// A uniform number below `bound`, which is not 0. Multiplies in place of dividing and redraws the few words that would make
/// some numbers more frequent (Lemire, "Fast random integer generation in an interval", 2019).
fn below<R: Rng + ?Sized>(bound: u64, rng: &mut R) -> u64 {
    let mut product = u128::from(rng.next_u64()) * u128::from(bound);
    if (product as u64) < bound {
        let surplus = bound.wrapping_neg() % bound;
        while (product as u64) < surplus {
            product = u128::from(rng.next_u64()) * u128::from(bound);
        }
    }
    (product >> 64) as u64
}

/// The same beyond 64 bits: draws as many bits as `bound` has until they are below it.
fn below_long<R: Rng + ?Sized>(bound: &BigUint, rng: &mut R) -> BigUint {
    let bits = bound.bits();
    loop {
        let digits: Vec<u32> = (0..bits.div_ceil(32))
            .map(|digit| {
                let unused = (32 * (digit + 1)).saturating_sub(bits);
                (rng.next_u64() >> (32 + unused)) as u32
            })
            .collect();
        let value = BigUint::new(digits);
        if value < *bound {
            return value;
        }
    }
}
