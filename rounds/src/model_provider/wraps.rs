//! The key of an epoch's models, wrapped to its dealers: once an epoch, before the first model.

use super::{owned, recipients, Owned};
use crate::env::{Env, Storage};
use crate::error::{Error, Rejection};
use crate::output::{Event, Output};
use crate::{cost, derive, epoch as epochs, state};
use bauta_schema::training::v1::{MsgWrapKeys, WrappedKeys};
use bauta_secagg::cohort::wraps::Wraps;

pub(crate) struct Checked {
    owned: Owned,
    wraps: Wraps,
}

impl Checked {
    /// Operations of verifying the proof over all wraps.
    pub fn operations(&self) -> u64 {
        cost::PROOF + self.wraps.wraps.len() as u64
    }
}

pub(crate) fn check(storage: &dyn Storage, sender: &[u8], msg: &MsgWrapKeys) -> Result<Checked, Error> {
    let (owned, _) = owned(storage, msg.task_id, sender, "wraps")?;
    let epoch = &owned.standing.epoch;
    if epoch.number != msg.epoch {
        return Err(Error::WrongEpoch { task: msg.task_id, current: epoch.number, asked: msg.epoch });
    }
    if !epoch.key_hash.is_empty() {
        return Err(Error::Duplicate("the wrapped key of the epoch"));
    }
    let wraps = Wraps::decode(&msg.body).map_err(|error| Error::Malformed(error.to_string()))?;
    if state::is_key_used(storage, &derive::x_coordinate(&wraps.ephemeral)) {
        return Err(Error::Refused(
            "the ephemeral key of the wraps has been used before; wrap again with a fresh one".into(),
        ));
    }
    Ok(Checked { owned, wraps })
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgWrapKeys,
) -> Result<Vec<Output>, Rejection> {
    let Checked { owned: Owned { standing, .. }, wraps } = check(storage, sender, msg)?;
    let mut epoch = standing.epoch;
    let members = state::members(storage, msg.task_id, epoch.number)?;
    // The model provider signs with its account alone: what does not hold is refused, and costs its fee.
    wraps
        .verify(&epochs::ectx_of(&epoch)?, &derive::address(sender)?, &recipients(&members)?)
        .map_err(|rejection| Error::Refused(rejection.to_string()))?;
    state::use_key(storage, &derive::x_coordinate(&wraps.ephemeral), msg.task_id, epoch.number);
    epoch.key_hash = wraps.key_hash.as_bytes().to_vec();
    state::put_epoch(storage, &epoch);
    let record = WrappedKeys { body: msg.body.clone(), height: env.height };
    state::put_wraps(storage, msg.task_id, epoch.number, &record);
    let event = Event::of_task("keys_wrapped", msg.task_id)
        .number("epoch", epoch.number)
        .number("wraps", wraps.wraps.len() as u64)
        .bytes("key_hash", &epoch.key_hash);
    Ok(vec![event.into()])
}
