//! What the slashing contract stores, and under which keys. `admin` and `pending_admin` are [`bauta_foundation::admin`]'s,
//! `contract_info` is cw2's. A key of a map is its name with a be16 length in front, the parts of the key but the last each with a
//! be16 length in front, and the last part; numbers are be64; values are JSON.

use bauta_messages::slashing::{Penalty, SettledOffence};
use cosmwasm_std::{Addr, Decimal, Empty};
use cw_storage_plus::{Item, Map};

/// `staking`: the staking contract.
pub const STAKING: Item<Addr> = Item::new("staking");
/// `registry`: the registry.
pub const REGISTRY: Item<Addr> = Item::new("registry");
/// `penalty | kind`: the table of offences to penalties.
pub const PENALTIES: Map<&str, Penalty> = Map::new("penalty");
/// `last_sequence`: how many offences were settled; absent before the first.
pub const LAST_SEQUENCE: Item<u64> = Item::new("last_sequence");
/// `offence | sequence`: what was settled, in order.
pub const OFFENCES: Map<u64, SettledOffence> = Map::new("offence");
/// `offence_id | id`: the sequence number of an id; what makes settling idempotent.
pub const OFFENCE_IDS: Map<&[u8], u64> = Map::new("offence_id");
/// `offence_of | provider | sequence`: present for every offence of a provider.
pub const OFFENCES_OF: Map<(&Addr, u64), Empty> = Map::new("offence_of");
/// `penalised | provider | be64 task, be64 epoch, be64 round`: the largest fraction that an offence of this round has cost so far.
pub const PENALISED: Map<(&Addr, &[u8]), Decimal> = Map::new("penalised");

/// The last part of a key of [`PENALISED`].
pub fn place(task: u64, epoch: u64, round: u64) -> Vec<u8> {
    [task, epoch, round].map(u64::to_be_bytes).concat()
}
