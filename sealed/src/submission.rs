//! What a provider sends, and what comes back of a group's sum: two polynomials modulo the kept primes.

mod limbs;

pub use limbs::{Limbs, LimbsError};

use fhe_math::zq::Modulus;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::evaluate::{evaluate, Keys};
use crate::parameters::Parameters;
use crate::plan::Plan;
use crate::sampling::{Seed, Stream};
use crate::scheme::{Scheme, SchemeError, Seeded};

/// A provider's quantised sums over its minibatch: `A` and `b` of `A w_v - b_v`. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Statistics {
    /// `A`, `width x width`, row by row.
    pub matrix: Vec<i64>,
    /// `b_v`, vector by vector, `width` each.
    pub targets: Vec<i64>,
}

impl std::fmt::Debug for Statistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Statistics({} and {} integers)", self.matrix.len(), self.targets.len())
    }
}

/// Why a submission could not be made, or a sum not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// Sums or weights of another shape.
    #[error("{what} has {found} values; the task needs {expected}")]
    Length {
        /// Which.
        what: &'static str,
        /// Given.
        found: usize,
        /// By the task's shape.
        expected: usize,
    },
    /// A value above the bound that exactness was computed with.
    #[error("value {place} of {what} is {value}; the task allows at most {bound} in absolute value, or the group's sum could wrap: clip the features or take fewer rows")]
    Bound {
        /// Which.
        what: &'static str,
        /// From 0.
        place: usize,
        /// The value.
        value: i64,
        /// The task's.
        bound: u64,
    },
    /// The scheme refused.
    #[error(transparent)]
    Scheme(#[from] SchemeError),
    /// Limbs that are not canonical.
    #[error(transparent)]
    Limbs(#[from] LimbsError),
}

/// Whether `values` are as many as the task needs, and none above its bound.
pub(crate) fn within(what: &'static str, values: &[i64], expected: usize, bound: u64) -> Result<(), SubmissionError> {
    if values.len() != expected {
        return Err(SubmissionError::Length { what, found: values.len(), expected });
    }
    match values.iter().enumerate().find(|(_, value)| value.unsigned_abs() > bound) {
        Some((place, &value)) => Err(SubmissionError::Bound { what, place, value, bound }),
        None => Ok(()),
    }
}

impl Statistics {
    /// Whether they have the task's shape and keep its bounds.
    ///
    /// # Errors
    /// The first value that does not.
    pub fn check(&self, plan: &Plan) -> Result<(), SubmissionError> {
        let shape = plan.shape();
        within("the matrix", &self.matrix, shape.width * shape.width, shape.matrix_bound)?;
        within("the targets", &self.targets, shape.vectors * shape.width, shape.target_bound)
    }
}

/// The model of a round, encrypted: `vectors` times `width` weights, vector by vector. The second polynomial's seed and the errors follow from
/// `seed`, the round's `context` and the weights, so that one seed never encrypts two models alike.
///
/// # Errors
/// Weights of another number, or above the task's bound.
pub fn seal<S: Scheme>(
    scheme: &S,
    plan: &Plan,
    secret: &S::Secret,
    weights: &[i64],
    seed: &Seed,
    context: &[u8; 32],
) -> Result<Seeded, SubmissionError> {
    let shape = plan.shape();
    within("the model", weights, shape.vectors * shape.width, shape.model_bound)?;
    let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(weights.iter().flat_map(|weight| weight.to_be_bytes()).collect());
    let seed = seed.derive("model", &[context, &plan.parameters().fingerprint(), &bytes]);
    Ok(scheme.encrypt(secret, &plan.layout().model(weights), &seed)?)
}

/// A provider's submission before it is masked: `A Enc(w) - b` with everything that hides it, a function of its arguments alone.
///
/// In this order: product and difference with unused places filled with uniform values, an encryption of zero, the switch of the modulus,
/// and only then the flood, which the switch would scale away. `context` is the round's (`ctx` of the protocol); it binds the seed's
/// streams to the model that is computed on.
///
/// # Errors
/// Statistics that break the task's shape or bounds; missing rotation keys.
pub fn submission<S: Scheme>(
    scheme: &S,
    plan: &Plan,
    keys: &Keys<S>,
    model: &S::Ciphertext,
    statistics: &Statistics,
    seed: &Seed,
    context: &[u8; 32],
) -> Result<Limbs, SubmissionError> {
    statistics.check(plan)?;
    let seed = seed.derive("submission", &[context, &plan.parameters().fingerprint()]);
    let mut result = evaluate(scheme, plan, keys, model, statistics)?;

    let subtrahend = Zeroizing::new(filled(plan, &statistics.targets, &mut Stream::new(&seed, "unused places")));
    scheme.subtract(&mut result, &plan.layout().plain(subtrahend.to_vec()))?;
    scheme.add_zero(&mut result, keys.public(), &seed)?;
    let mut limbs = scheme.switch_down(&result)?;
    flood(plan, &mut limbs, &mut Stream::new(&seed, "flood"))?;
    Ok(limbs)
}

/// The targets in their places, and uniform values everywhere else.
fn filled(plan: &Plan, targets: &[i64], stream: &mut Stream) -> Vec<i64> {
    let parameters = plan.parameters();
    let (modulus, largest) = (parameters.plaintext_modulus(), parameters.largest().cast_signed());
    // Below the modulus, so within 60 bits.
    let mut values: Vec<i64> =
        (0..parameters.degree()).map(|_| stream.below(modulus).cast_signed() - largest).collect();
    for (place, &target) in plan.layout().places().into_iter().zip(targets) {
        values[place] = target;
    }
    values
}

/// Adds a uniform integer of `[-2^f, 2^f]` to each coefficient of the first polynomial.
fn flood(plan: &Plan, limbs: &mut Limbs, stream: &mut Stream) -> Result<(), SchemeError> {
    let bits = plan.flooding().bits();
    let degree = plan.parameters().degree();
    let flood: Zeroizing<Vec<i128>> = Zeroizing::new((0..degree).map(|_| stream.flood(bits)).collect());
    for (limb, &prime) in limbs.first_mut().chunks_exact_mut(degree).zip(plan.parameters().kept()) {
        let modulus = Modulus::new(prime).map_err(|error| SchemeError::Library(error.to_string()))?;
        let half = modulus.reduce_u128(1 << bits);
        for (value, &flood) in limb.iter_mut().zip(flood.iter()) {
            // Not below -2^bits, and bits are at most 124.
            let offset = modulus.reduce_u128((flood + (1i128 << bits)).cast_unsigned());
            *value = modulus.add(*value, modulus.sub(offset, half));
        }
    }
    Ok(())
}

/// What the model provider reads from a group's unmasked sum: `sum A w_v - sum b_v`, vector by vector, exact while every member kept the
/// task's bounds.
///
/// # Errors
/// Limbs of another shape.
pub fn open<S: Scheme>(scheme: &S, plan: &Plan, secret: &S::Secret, sum: &Limbs) -> Result<Vec<i64>, SubmissionError> {
    sum.check(plan.parameters())?;
    let plain = scheme.decrypt(secret, sum, &plan.layout().plain(Vec::new()))?;
    let (crate::packing::Plain::Coefficients(values) | crate::packing::Plain::Slots(values)) = plain;
    Ok(plan.layout().places().into_iter().map(|place| values[place]).collect())
}

/// The sum of submissions modulo each prime: what the chain does.
///
/// # Errors
/// Limbs of another shape; no submission at all.
pub fn sum<'a>(parameters: &Parameters, submissions: impl IntoIterator<Item = &'a Limbs>) -> Result<Limbs, LimbsError> {
    let mut sum = Limbs::zero(parameters);
    submissions.into_iter().try_for_each(|limbs| sum.add(parameters, limbs))?;
    Ok(sum)
}
