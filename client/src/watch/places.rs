//! Epochs and rounds as the chain has them, read once a step.

use std::collections::btree_map::{BTreeMap, Entry};

use bauta_rounds::{derive, CODESPACE};
use bauta_schema::training::v1 as pb;
use bauta_secagg::context::Ectx;
use bauta_secagg::curve::VerifyKey;

use super::sighting::{Contexts, Kind, Sighting};
use super::WatchError;
use crate::chain::{Chain, ChainError};

/// Codes of the training module: no such task, no such record.
const NOT_THERE: [u32; 2] = [3, 52];

/// What signatures in an epoch or round are verified against.
pub(super) struct Signed {
    pub epoch: u64,
    pub contexts: Contexts,
    /// V by address.
    pub keys: BTreeMap<Vec<u8>, VerifyKey>,
    /// Whether evidence is heard no more.
    pub is_over: bool,
}

/// What a report depends on.
pub(super) struct View {
    round: Option<pb::QueryRoundResponse>,
    pub is_settled: bool,
    /// Whether evidence is heard no more.
    pub is_over: bool,
}

impl View {
    /// The header that the chain has of an address.
    pub fn header_of(&self, address: &[u8]) -> Option<&pb::Header> {
        self.round.iter().flat_map(|round| &round.headers).find(|header| header.address == address)
    }
}

/// Records that were read in this step.
#[derive(Default)]
pub(super) struct Places {
    epochs: BTreeMap<(u64, u64), Option<pb::QueryEpochResponse>>,
    rounds: BTreeMap<(u64, u64), Option<pb::QueryRoundResponse>>,
}

impl Places {
    /// Forgets what an earlier step read.
    pub fn begin(&mut self) {
        self.epochs.clear();
        self.rounds.clear();
    }

    /// The place of a body; `None` while the chain does not know it.
    pub async fn of(&mut self, chain: &Chain, seen: &Sighting) -> Result<Option<Signed>, WatchError> {
        let round = match seen.kind.is_of_round() {
            false => None,
            true => match self.round(chain, seen.task, seen.place).await?.and_then(|response| response.round.clone()) {
                Some(round) => Some(round),
                None => return Ok(None),
            },
        };
        let number = round.as_ref().map_or(seen.place, |round| round.epoch);
        let Some(response) = self.epoch(chain, seen.task, number).await? else { return Ok(None) };
        let Some(epoch) = &response.epoch else { return Ok(None) };
        let Ok(ectx) = <[u8; 32]>::try_from(epoch.ectx.as_slice()) else { return Ok(None) };
        let committee = match seen.kind {
            Kind::Evaluation if !seen.is_for_groups(epoch) => number.saturating_sub(1),
            _ => number,
        };
        let round = match round {
            None => None,
            Some(round) => match (derive::rctx(&round), derive::ctx(&round)) {
                (Ok(rctx), Ok(ctx)) => Some((rctx, ctx)),
                _ => return Ok(None),
            },
        };
        let contexts = Contexts { ectx: Ectx::from_bytes(ectx), round };
        // Who answers for the draw of an epoch's seats holds a seat of the one before, and has that one's keys.
        let Some(response) = self.epoch(chain, seen.task, committee).await? else { return Ok(None) };
        let Some(epoch) = &response.epoch else { return Ok(None) };
        let key = |member: &pb::Member| Some((member.address.clone(), derive::signing_key(member).ok()?));
        Ok(Some(Signed {
            epoch: epoch.number,
            contexts,
            keys: response.members.iter().filter_map(key).collect(),
            is_over: epoch.phase() == pb::EpochPhase::Closed,
        }))
    }

    /// What a report about an epoch, or about a round of it if that is not 0, depends on.
    pub async fn view(&mut self, chain: &Chain, task: u64, epoch: u64, round: u64) -> Result<View, WatchError> {
        let phase =
            self.epoch(chain, task, epoch).await?.and_then(|response| response.epoch.as_ref()).map(pb::Epoch::phase);
        let round = match round {
            0 => None,
            number => self.round(chain, task, number).await?.cloned(),
        };
        let settled = round.as_ref().and_then(|response| response.round.as_ref());
        Ok(View {
            is_settled: settled.is_some_and(|round| round.settled_height > 0),
            // An epoch that the chain does not know any more is over, too.
            is_over: phase.is_none_or(|phase| phase == pb::EpochPhase::Closed),
            round,
        })
    }

    async fn epoch(
        &mut self,
        chain: &Chain,
        task: u64,
        number: u64,
    ) -> Result<Option<&pb::QueryEpochResponse>, WatchError> {
        if number == 0 {
            return Ok(None);
        }
        let found = match self.epochs.entry((task, number)) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => unread.insert(known(chain.epoch(task, number).await)?),
        };
        Ok(found.as_ref())
    }

    async fn round(
        &mut self,
        chain: &Chain,
        task: u64,
        number: u64,
    ) -> Result<Option<&pb::QueryRoundResponse>, WatchError> {
        if number == 0 {
            return Ok(None);
        }
        let found = match self.rounds.entry((task, number)) {
            Entry::Occupied(read) => read.into_mut(),
            Entry::Vacant(unread) => unread.insert(known(chain.round(task, number).await)?.flatten()),
        };
        Ok(found.as_ref())
    }
}

/// Whether a body is of the round after a task's last one.
pub(super) async fn is_next(chain: &Chain, seen: &Sighting) -> Result<bool, WatchError> {
    let task = known(chain.task(seen.task).await)?;
    Ok(task.is_some_and(|(task, _)| task.round.checked_add(1) == Some(seen.place)))
}

/// What was read; `None` when the chain says that there is no such thing.
fn known<T>(read: Result<T, ChainError>) -> Result<Option<T>, WatchError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(ChainError::Refused(refused)) if NOT_THERE.iter().any(|&code| refused.is(CODESPACE, code)) => Ok(None),
        Err(ChainError::Refused(refused)) if refused.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
