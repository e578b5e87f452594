//! Makes a plan that fails smaller.

use crate::plan::Plan;
use crate::run::{run, Failure};

/// Tries at most.
const TRIES: usize = 200;

/// Leaves out of a failing plan what is not needed for it to fail, whatever it fails with then.
#[must_use]
pub fn shrink(failure: Failure) -> Failure {
    shrink_by(failure, |plan| run(plan).err())
}

/// The same, with any way to fail.
#[must_use]
pub fn shrink_by(mut failure: Failure, fails: impl Fn(&Plan) -> Option<Failure>) -> Failure {
    let mut tries = 0;
    'smaller: loop {
        for plan in failure.plan.simpler() {
            tries += 1;
            if tries > TRIES {
                return failure;
            }
            if let Some(smaller) = fails(&plan) {
                failure = smaller;
                continue 'smaller;
            }
        }
        return failure;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Over;

    #[test]
    fn only_what_a_failure_needs_is_left() {
        let fails = |plan: &Plan| {
            let does = plan.providers >= 9 && plan.full_lanes > 0;
            does.then(|| Failure { plan: plan.clone(), height: 1, what: "it fails".into(), over: Over::Memory })
        };
        let mut plan = Plan::of(7, 100);
        (plan.providers, plan.full_lanes, plan.hostile, plan.rounds) = (20, 40, 6, 12);
        let failure = fails(&plan).expect("it fails");
        let smallest = shrink_by(failure, fails).plan;
        assert_eq!((smallest.providers, smallest.full_lanes, smallest.hostile, smallest.rounds), (9, 40, 0, 1));
    }
}
