//! `A Enc(w)` on the encrypted model, in the packing that the plan chose, and the public keys that this needs.

use crate::packing::{Layout, Slots};
use crate::plan::Plan;
use crate::scheme::{RotationKey, Scheme, SchemeError, Seeded, Turn};
use crate::submission::Statistics;

/// A task's public keys, expanded once and kept for all of its rounds.
pub struct Keys<S: Scheme> {
    public: S::Ciphertext,
    turns: Vec<(Turn, S::Prepared)>,
}

impl<S: Scheme> Keys<S> {
    /// Expands the public key, and the rotation keys that the plan needs ([`turns`]).
    ///
    /// # Errors
    /// A key that is missing, or malformed.
    pub fn new(scheme: &S, plan: &Plan, public: &Seeded, rotations: &[RotationKey]) -> Result<Self, SchemeError> {
        let prepared = |turn: Turn| {
            let key = rotations.iter().find(|key| key.turn == turn).ok_or(SchemeError::NoKey(turn))?;
            Ok((turn, scheme.prepare(key)?))
        };
        let turns = turns(plan).into_iter().map(prepared).collect::<Result<_, SchemeError>>()?;
        Ok(Self { public: scheme.expand(public)?, turns })
    }

    pub(crate) fn public(&self) -> &S::Ciphertext {
        &self.public
    }

    fn turn(&self, scheme: &S, ciphertext: &S::Ciphertext, turn: Turn) -> Result<S::Ciphertext, SchemeError> {
        if turn == Turn::Columns(0) {
            return Ok(ciphertext.clone());
        }
        let (_, key) = self.turns.iter().find(|(kept, _)| *kept == turn).ok_or(SchemeError::NoKey(turn))?;
        scheme.turn(ciphertext, key)
    }
}

/// The rotations that a plan needs keys for; none with coefficient packing.
#[must_use]
pub fn turns(plan: &Plan) -> Vec<Turn> {
    match plan.layout() {
        Layout::Coefficients(_) => Vec::new(),
        Layout::Slots(layout) => layout.turns().into_iter().map(Turn::Columns).chain([Turn::Rows]).collect(),
    }
}

/// `A Enc(w)`; the statistics have the plan's shape.
pub(crate) fn evaluate<S: Scheme>(
    scheme: &S,
    plan: &Plan,
    keys: &Keys<S>,
    model: &S::Ciphertext,
    statistics: &Statistics,
) -> Result<S::Ciphertext, SchemeError> {
    match plan.layout() {
        Layout::Coefficients(layout) => scheme.multiply(model, &plan.layout().plain(layout.matrix(&statistics.matrix))),
        Layout::Slots(layout) => diagonals(scheme, plan, layout, keys, model, &statistics.matrix),
    }
}

fn diagonals<S: Scheme>(
    scheme: &S,
    plan: &Plan,
    layout: &Slots,
    keys: &Keys<S>,
    model: &S::Ciphertext,
    matrix: &[i64],
) -> Result<S::Ciphertext, SchemeError> {
    let turned = layout
        .baby_steps()
        .map(|baby| Ok((baby, keys.turn(scheme, model, Turn::Columns(baby))?)))
        .collect::<Result<Vec<_>, SchemeError>>()?;
    let mut sum: Option<S::Ciphertext> = None;
    for giant in layout.giant_steps() {
        let mut inner: Option<S::Ciphertext> = None;
        for (baby, model) in &turned {
            let diagonal = plan.layout().plain(layout.diagonal(matrix, giant, *baby));
            accumulate(scheme, &mut inner, scheme.multiply(model, &diagonal)?);
        }
        if let Some(inner) = inner {
            accumulate(scheme, &mut sum, keys.turn(scheme, &inner, Turn::Columns(giant))?);
        }
    }
    // There is one giant step and one baby step at least.
    let mut sum = sum.unwrap_or_else(|| model.clone());
    for turn in layout.folds().map(Turn::Columns).chain([Turn::Rows]) {
        let turned = keys.turn(scheme, &sum, turn)?;
        scheme.add(&mut sum, &turned);
    }
    Ok(sum)
}

fn accumulate<S: Scheme>(scheme: &S, sum: &mut Option<S::Ciphertext>, part: S::Ciphertext) {
    match sum {
        Some(sum) => scheme.add(sum, &part),
        None => *sum = Some(part),
    }
}
