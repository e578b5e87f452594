//! Evidence that convicts. It carries the accused's own inner signatures over canonical bytes, so nobody can be framed.
//!
//! An invalid proof under an inner signature is [`crate::rejection::Rejection::InvalidProof`] of the message's own check;
//! non-canonical content under a signed header is [`crate::submit::ChunkFault::NonCanonical`].

use std::collections::BTreeSet;

use crate::context::{Ctx, ModelHash, Rctx, Root};
use crate::curve::{Point, VerifyKey};
use crate::rejection::BadSignature;
use crate::signature::{Body, Signed};
use crate::submit::Header;
use crate::switched_off;
use crate::unmask::{Asked, Partial, Requests};

/// A signed header with what its `ctx` was made of. A client that was shown another model or roster signed another `ctx`:
/// that counts as a header of the same round, and `rctx` with these two hashes shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderEvidence {
    /// The header.
    pub header: Signed<Header>,
    /// The model in its `ctx`.
    pub model_hash: ModelHash,
    /// The roster in its `ctx`.
    pub roster_root: Root,
}

/// Evidence that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Signature.
    #[error(transparent)]
    BadSignature(#[from] BadSignature),
    /// The header is of another round.
    #[error("the header's ctx is not of this round under the model hash and roster root given")]
    OtherRound,
    /// A resend is no equivocation.
    #[error("both headers have the same body; resending it, signed again or with a higher fee, is no offence")]
    SameBody,
    /// Every entry was asked for.
    #[error("every entry of the partial is on a request list of the round")]
    AllRequested,
}

/// Two different headers for one `(task, round)` by one `V`.
pub fn two_headers(
    rctx: &Rctx,
    v: &VerifyKey,
    first: &HeaderEvidence,
    second: &HeaderEvidence,
) -> Result<(), EvidenceError> {
    for evidence in [first, second] {
        let ctx = Ctx::new(rctx, &evidence.model_hash, &evidence.roster_root);
        if evidence.header.body.ctx != ctx {
            return Err(EvidenceError::OtherRound);
        }
        evidence.header.verify(&ctx, v)?;
    }
    if first.header.body.encode() == second.header.body.encode() {
        return Err(EvidenceError::SameBody);
    }
    Ok(())
}

/// An inner-signed partial that lists a `(kind, provider, base)` in no request list of the round. Judged once the round is
/// settled, with all its lists (blame's included). Returns the index of the first such entry.
pub fn unrequested(
    ctx: &Ctx,
    v: &VerifyKey,
    signed: &Signed<Partial>,
    lists: &[&Requests],
) -> Result<usize, EvidenceError> {
    if !switched_off!(PartialSignature) {
        signed.verify(ctx, v)?;
    }
    let key = |asked: &Asked| match asked {
        Asked::SelfMask { provider } => (*provider, None),
        Asked::Edge { provider, base } => (*provider, Some(Point::to_bytes(base))),
    };
    let requested: BTreeSet<_> = lists.iter().flat_map(|list| list.entries()).map(key).collect();
    let unrequested = signed.body.entries.iter().position(|entry| !requested.contains(&key(&entry.asked)));
    let unrequested = unrequested.filter(|_| !switched_off!(UnrequestedPartial));
    unrequested.ok_or(EvidenceError::AllRequested)
}
