//! Accountability without sight: nobody sees a provider's sums in a round, but it is bound to them before the round, and a juror who is
//! given the opening finds out whether it did what it said.
//!
//! 1. Before the round the provider commits ([`commitment`]) to its quantised sums, to the seed of its submission, and to the root of a
//!    Merkle-sum tree over its rows ([`tree`]).
//! 2. A juror that is drawn gets the [`Opening`] and computes the submission again ([`verify`]): integers only, so its bytes are equal or
//!    the provider deviated.
//! 3. Rows that are drawn after the commitment are opened with their paths ([`tree::verify`]): each must be the row that its
//!    leaf says, and lead to the sums that were used.

pub mod tree;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::evaluate::Keys;
use crate::plan::Plan;
use crate::sampling::Seed;
use crate::scheme::Scheme;
use crate::submission::{submission, Limbs, Statistics, SubmissionError};

/// Why an audit failed, or could not be held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The opening is not what was committed to.
    #[error("the opening is not what the provider committed to")]
    Commitment,
    /// The provider sent something else than its opening gives.
    #[error("the opening gives another submission than the one that was sent")]
    Submission,
    /// The sums themselves break the task's bounds.
    #[error(transparent)]
    Sums(#[from] SubmissionError),
    /// Bytes of another length.
    #[error("an opening has {expected} bytes, not {found}")]
    Length {
        /// By the plan.
        expected: usize,
        /// Given.
        found: usize,
    },
}

/// What a provider shows a juror, and nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The sums.
    pub statistics: Statistics,
    /// Of the submission.
    pub seed: Seed,
    /// Of the tree over the rows.
    pub root: [u8; 32],
}

impl Opening {
    /// `seed | root | matrix | targets`, integers as be64, as many as the plan has.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let integers = self.statistics.matrix.iter().chain(&self.statistics.targets);
        let mut bytes = Zeroizing::new(Vec::new());
        bytes.reserve_exact(64 + 8 * (self.statistics.matrix.len() + self.statistics.targets.len()));
        bytes.extend_from_slice(self.seed.expose());
        bytes.extend_from_slice(&self.root);
        integers.for_each(|value| bytes.extend_from_slice(&value.to_be_bytes()));
        bytes
    }

    /// Reads an opening for a plan.
    ///
    /// # Errors
    /// Another length. Bounds are checked when it is audited.
    pub fn from_bytes(plan: &Plan, bytes: &[u8]) -> Result<Self, AuditError> {
        let shape = plan.shape();
        let matrix = shape.width * shape.width;
        let expected = 64 + 8 * (matrix + shape.vectors * shape.width);
        if bytes.len() != expected {
            return Err(AuditError::Length { expected, found: bytes.len() });
        }
        let mut words = bytes[64..].chunks_exact(8).map(|chunk| {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            i64::from_be_bytes(word)
        });
        let matrix = words.by_ref().take(matrix).collect();
        let statistics = Statistics { matrix, targets: words.collect() };
        let part = |start: usize| {
            let mut part = [0; 32];
            part.copy_from_slice(&bytes[start..start + 32]);
            part
        };
        Ok(Self { statistics, seed: Seed::from_bytes(part(0)), root: part(32) })
    }
}

/// `SHA-256(lp("bauta/1/sealed/commitment") | fingerprint | context | be32(length) | provider | opening)`. The seed in the opening has 256
/// bits that nobody knows, so nothing about the sums follows from it.
#[must_use]
pub fn commitment(plan: &Plan, context: &[u8; 32], provider: &[u8], opening: &Opening) -> [u8; 32] {
    const TAG: &[u8] = b"bauta/1/sealed/commitment";
    let mut hash = Sha256::new();
    hash.update([0, TAG.len() as u8]);
    hash.update(TAG);
    hash.update(plan.parameters().fingerprint());
    hash.update(context);
    // An address; one of 4 GiB would hash like no other all the same.
    hash.update(u32::try_from(provider.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(provider);
    hash.update(&*opening.to_bytes());
    hash.finalize().into()
}

/// What a provider committed to and sent.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Its address.
    pub provider: &'a [u8],
    /// Made before the round.
    pub commitment: &'a [u8; 32],
    /// Its submission without masks.
    pub submission: &'a Limbs,
}

/// A juror's work: whether the opening is what was committed to, keeps the task's bounds, and gives the submission to the last byte.
///
/// # Errors
/// What does not hold.
pub fn verify<S: Scheme>(
    scheme: &S,
    plan: &Plan,
    keys: &Keys<S>,
    model: &S::Ciphertext,
    context: &[u8; 32],
    opening: &Opening,
    claim: Claim<'_>,
) -> Result<(), AuditError> {
    if commitment(plan, context, claim.provider, opening) != *claim.commitment {
        return Err(AuditError::Commitment);
    }
    let again = submission(scheme, plan, keys, model, &opening.statistics, &opening.seed, context)?;
    if again != *claim.submission {
        return Err(AuditError::Submission);
    }
    Ok(())
}
