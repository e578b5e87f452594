//! What the engine does: calls from the grammar, and when it crashes.

use abci_app::conformance::grammar::{CLEAN_START, RECOVERY};
use abci_app::conformance::{Call, Rule};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;

/// Sequences of calls that a rule allows. What never ends ends after a few times.
fn calls(rule: &'static Rule) -> BoxedStrategy<Vec<Call>> {
    let concat = |parts: Vec<Vec<Call>>| parts.concat();
    match rule {
        Rule::One(call) => Just(vec![*call]).boxed(),
        Rule::Named(_, rule) => calls(rule),
        Rule::Sequence(parts) => parts.iter().map(calls).collect::<Vec<_>>().prop_map(concat).boxed(),
        Rule::Either(parts) => Union::new(parts.iter().map(calls)).boxed(),
        Rule::Perhaps(part) => prop_oneof![Just(Vec::new()), calls(part)].boxed(),
        Rule::AnyTimes(part) => vec(calls(part), 0..=3).prop_map(concat).boxed(),
        Rule::AtLeastOnce(part) => vec(calls(part), 1..=3).prop_map(concat).boxed(),
        Rule::Forever(part) => vec(calls(part), 2..=6).prop_map(concat).boxed(),
    }
}

/// One engine, from its start until it crashes.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it would call.
    pub calls: Vec<Call>,
    ends: prop::sample::Index,
}

impl Run {
    /// So much of its calls as it makes before it crashes.
    pub fn cut<'c>(&self, calls: &'c [Call]) -> &'c [Call] {
        &calls[..self.ends.index(calls.len() + 1)]
    }
}

fn run(rule: &'static Rule) -> impl Strategy<Value = Run> {
    (calls(rule), any::<prop::sample::Index>()).prop_map(|(calls, ends)| Run { calls, ends })
}

/// One engine after the other on one node.
pub fn runs() -> impl Strategy<Value = Vec<Run>> {
    (run(&CLEAN_START), vec(run(&RECOVERY), 0..=3)).prop_map(|(first, later)| {
        let mut runs = vec![first];
        runs.extend(later);
        runs
    })
}

/// One node's life.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its engines; after the last one more comes.
    pub runs: Vec<Run>,
    /// A commit is on the disk for good every so many blocks.
    pub durable_every: u64,
    /// Decides what the calls carry, and what is asked in between.
    pub seed: u64,
}

impl Arbitrary for Schedule {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        (runs(), 1..=3u64, any::<u64>())
            .prop_map(|(runs, durable_every, seed)| Self { runs, durable_every, seed })
            .boxed()
    }
}
