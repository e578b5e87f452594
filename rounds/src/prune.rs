//! Closed epochs leave their summaries and verdicts; everything else they stored is removed, a bounded piece at a time.

use crate::env::Storage;
use crate::error::Error;
use crate::keys::{self, prefix};
use crate::state;

/// Records removed at the end of a block at most.
pub const RECORDS_A_BLOCK: usize = 512;

/// Removes records of closed epochs.
pub(crate) fn prune(storage: &mut dyn Storage) {
    let start = prefix::PRUNE.as_bytes();
    let mut left = RECORDS_A_BLOCK;
    for (key, _) in storage.range(start, &keys::after(start), RECORDS_A_BLOCK) {
        let [task, epoch] = keys::numbers_in(&key[start.len()..])[..] else { continue };
        // An epoch that cannot be read has nothing that could be found to remove.
        if prune_epoch(storage, task, epoch, &mut left).unwrap_or(true) {
            storage.remove(&key);
        }
        if left == 0 {
            return;
        }
    }
}

/// Removes records of an epoch; whether nothing is left.
fn prune_epoch(storage: &mut dyn Storage, task: u64, number: u64, left: &mut usize) -> Result<bool, Error> {
    let epoch = state::epoch(storage, task, number)?;
    for records in [
        prefix::MEMBER,
        prefix::SEAT,
        prefix::DEAL,
        prefix::SHARE_KEYS,
        prefix::COMPLAINT,
        prefix::JOINT_KEYS,
        prefix::EVALUATION,
        prefix::CONTRIBUTION,
        prefix::WRAPS,
    ] {
        remove_under(storage, &keys::numbers(records, &[task, number]), left);
    }
    if epoch.first_round > 0 {
        for records in [
            prefix::CHECK_IN,
            prefix::HEADER,
            prefix::CHUNKS,
            prefix::PARTIAL,
            prefix::BLAME,
            prefix::BLAME_VALUES,
            prefix::BLAME_PARTIAL,
            prefix::FINALISE,
            prefix::MODEL,
        ] {
            let from = keys::numbers(records, &[task, epoch.first_round]);
            // Check-ins for a round that never opened end with the epoch, too; a later epoch's rounds are above.
            let to = keys::after(&keys::numbers(records, &[task, epoch.last_round]));
            remove_between(storage, &from, &to, left);
        }
    }
    Ok(*left > 0)
}

fn remove_under(storage: &mut dyn Storage, start: &[u8], left: &mut usize) {
    remove_between(storage, start, &keys::after(start), left);
}

fn remove_between(storage: &mut dyn Storage, start: &[u8], end: &[u8], left: &mut usize) {
    for (key, _) in storage.range(start, end, *left) {
        storage.remove(&key);
        *left -= 1;
    }
}
