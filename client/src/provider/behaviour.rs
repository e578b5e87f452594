//! Where a scenario may make a provider misbehave.
//!
//! `provider run` is honest: it uses [`Honest`], whose methods are the trait's defaults. Demonstrations and tests script silence, or a
//! second header, without a second implementation of a provider.

use bauta_secagg::context::{Ctx, ModelHash, Rctx, Root};
use bauta_secagg::encoding::Address;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::parties::Group;
use bauta_secagg::ring::Layout;
use bauta_secagg::signature::Signed;
use bauta_secagg::submit::Header;

/// What a provider does beside, or instead of, what the protocol asks. The defaults are honest.
pub trait Behaviour: Send + Sync {
    /// Whether it checks in to a round.
    fn checks_in(&self, _round: u64) -> bool {
        true
    }

    /// Whether it submits in a round to which it checked in.
    fn submits(&self, _round: u64) -> bool {
        true
    }

    /// Whether its seat answers when the groups of an epoch are to be cut, or the next epoch's seats drawn.
    fn evaluates(&self, _epoch: u64) -> bool {
        true
    }

    /// Whether its seat answers in a round.
    fn answers(&self, _round: u64) -> bool {
        true
    }

    /// Changes an update before it is masked.
    fn alters(&self, _round: u64, _update: &mut [i64]) {}

    /// Whether it signs the numbers of its edges when its group's sum is out of range.
    fn signs_numbers(&self, _round: u64) -> bool {
        true
    }

    /// Told of each update before it is masked; for checks that compare with a run without masks.
    fn trained(&self, _round: &TrainedRound<'_>) {}

    /// Told of each submission when its header is sent for the first time.
    fn submitted(&self, _scene: &Scene<'_>) {}
}

/// Does what the protocol asks, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Honest;

impl Behaviour for Honest {}

/// An update that was trained and encoded.
#[derive(Clone, Copy, Debug)]
pub struct TrainedRound<'a> {
    /// The round.
    pub round: u64,
    /// The public weight.
    pub weight: u64,
    /// The encoded update, before weighting.
    pub update: &'a [i64],
    /// Mean loss of the model as it came in, over the rows trained on.
    pub loss: f64,
    /// Share of rows that the model as it came in predicts correctly.
    pub accuracy: f64,
}

/// All that went into a submission, secrets included: what is needed to make another one.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// The task.
    pub task: u64,
    /// The epoch.
    pub epoch: u64,
    /// The round.
    pub round: u64,
    /// The provider's address as text.
    pub account: &'a str,
    /// The provider's address.
    pub address: &'a Address,
    /// Its keys of this epoch.
    pub keys: &'a ProviderKeys,
    /// The context of check-ins.
    pub rctx: &'a Rctx,
    /// The context of the submission.
    pub ctx: &'a Ctx,
    /// The model in it.
    pub model_hash: &'a ModelHash,
    /// The roster in it.
    pub roster_root: &'a Root,
    /// The public weight.
    pub weight: u64,
    /// The group that was masked towards.
    pub group: &'a Group,
    /// The ring and the chunks.
    pub layout: &'a Layout,
    /// The encoded update, before weighting.
    pub update: &'a [i64],
    /// The header that is sent.
    pub header: &'a Signed<Header>,
}

impl std::fmt::Debug for Scene<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("task", &self.task).field("round", &self.round).finish_non_exhaustive()
    }
}
