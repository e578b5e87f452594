//! What the model would be without a group, and what that says of the group.

use crate::combine::{Combination, CombineError, GroupSum};
use crate::evaluate::{Classifier, EvaluateError, TestSet};
use crate::fixed::{divide_half_even, Fixed, ONE};
use crate::model::Model;
use crate::optimiser::{Optimiser, OptimiserError, State};

/// Why no candidate could be made or evaluated.
#[derive(Debug, thiserror::Error)]
pub enum LeaveOneOutError {
    /// The combination without the group.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// The optimiser's step.
    #[error(transparent)]
    Optimiser(#[from] OptimiserError),
    /// The evaluation.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

/// Whether a rule fits when one of so many groups is left out. If not there is nothing to compare with, and the groups are scored by their
/// agreement alone.
#[must_use]
pub fn can_leave_one_out(rule: Combination, groups: usize) -> bool {
    groups > 1 && rule.check_groups(groups - 1).is_ok()
}

/// A run of all groups but one, in their order.
#[must_use]
pub fn without<'a>(groups: &[GroupSum<'a>], place: usize) -> Vec<GroupSum<'a>> {
    groups.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, group)| *group).collect()
}

/// The hits of every model that the round would have given without one group: the others combined by the task's rule, a step of its
/// optimiser from the model and state before the round, and the test set's rows. On whole vectors; where that exceeds a block, its
/// parts go run by run: [`without`], [`crate::combine::Survey`], [`Optimiser::step`], [`Classifier::hits`].
///
/// # Errors
/// A [`LeaveOneOutError`]: [`CombineError::TooFewGroups`] unless [`can_leave_one_out`].
pub fn leave_one_out(
    rule: Combination,
    groups: &[GroupSum<'_>],
    scale_bits: u32,
    optimiser: &Optimiser,
    before: (&Model, &State),
    rows: &TestSet,
) -> Result<Vec<u64>, LeaveOneOutError> {
    let classifier = Classifier::of(before.0.spec())?;
    let hits = |place: usize| {
        let update = rule.combine(&without(groups, place), scale_bits)?;
        let (mut model, mut state) = (before.0.clone(), before.1.clone());
        optimiser.step(model.values_mut(), &mut state, &update)?;
        Ok(classifier.hits(&model, rows, 0..rows.rows())?)
    };
    (0..groups.len()).map(hits).collect()
}

/// `1/2 + sensitivity (hits - without) / (2 rows)`, cut to `0..=1`, rounded once: how much the group adds to the model's accuracy. A
/// sensitivity of 1 takes a group to 0 only if it costs all accuracy; of 10, if it costs a tenth. No rows count as one.
#[must_use]
pub fn usefulness(hits: u64, without: u64, rows: u64, sensitivity: u32) -> Fixed {
    // Below 2^64 * 2^32 * 2^31 in absolute value.
    let gained = (i128::from(hits) - i128::from(without)) * i128::from(sensitivity) * i128::from(ONE / 2);
    let half = i128::from(ONE / 2);
    let moved = divide_half_even(gained, i128::from(rows.max(1))).unwrap_or(0);
    // Within 0..=2^32.
    Fixed::from_bits((half + moved).clamp(0, i128::from(ONE)) as i64)
}
