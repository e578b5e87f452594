//! The model provider of a task whose model is encrypted. It wraps the key of an epoch's models to the dealers ([`wraps`]), publishes the
//! model of each round ([`publish`]), and is complained about where one of these does not open ([`complaint`]). What it owes stands behind
//! a bond that is put up with the budget: late within its window it costs nobody anything; beyond it, or convicted, it loses the bond to
//! the epoch's providers, and the task ends.

pub(crate) mod complaint;
pub(crate) mod publish;
pub(crate) mod wraps;

use crate::end_block::Turn;
use crate::env::Storage;
use crate::error::Error;
use crate::offence::is_barred_for_good;
use crate::output::{Event, Output};
use crate::round::{self, Standing};
use crate::terms::{amount, ModelProvider, Terms};
use crate::{derive, state};
use bauta_schema::training::v1::{Member, Task};
use bauta_secagg::cohort::wraps::Recipient;

/// What a message of the model provider needs.
pub(crate) struct Owned {
    pub standing: Standing,
    pub terms: Terms,
}

/// Reads where a task with an encrypted model stands, for a message of its owner.
///
/// # Errors
/// [`Error::NotOwner`], [`Error::NotAwaited`] where the chain has the model, and those of [`round::standing`].
pub(crate) fn owned(
    storage: &dyn Storage,
    task: u64,
    sender: &[u8],
    belongs: &'static str,
) -> Result<(Owned, ModelProvider), Error> {
    let standing = round::standing(storage, task, belongs)?;
    if standing.task.owner != sender {
        return Err(Error::NotOwner(task));
    }
    let terms = Terms::read(&state::settings(storage, task)?)?;
    let Some(provider) = terms.model_provider else {
        return Err(Error::NotAwaited("the model of an open task is the chain's, and published by nobody".into()));
    };
    if standing.task.defaulted {
        return Err(Error::NotAwaited("the model provider has lost its bond, and the task ends".into()));
    }
    Ok((Owned { standing, terms }, provider))
}

/// To whom an epoch's key is wrapped: its dealers by slot.
///
/// # Errors
/// [`Error::State`].
pub fn recipients(members: &[Member]) -> Result<Vec<Recipient>, Error> {
    let mut dealers: Vec<&Member> = members.iter().filter(|member| member.slot > 0).collect();
    dealers.sort_by_key(|member| member.slot);
    let recipient = |member: &&Member| {
        Ok(Recipient { address: derive::address(&member.address)?, z: derive::point(&member.cohort_key)? })
    };
    dealers.iter().map(recipient).collect()
}

/// Shares the bond of a model provider that defaulted among those of the epoch who did their part: dealers whom nothing bars for good. Where
/// there is nobody, nobody was harmed, and it goes back.
pub(crate) fn share_bond(turn: &mut Turn<'_>, task: &mut Task, epoch: u64, round: u64) -> Result<(), Error> {
    let bond = amount("bond", &task.bond)?;
    let members = state::members(turn.storage, task.id, epoch)?;
    let harmed: Vec<Vec<u8>> = members
        .into_iter()
        .filter(|member| member.slot > 0 && !is_barred_for_good(member))
        .map(|member| member.address)
        .collect();
    let count = harmed.len() as u128;
    let (Some(each), Some(left)) = (bond.checked_div(count), bond.checked_rem(count)) else { return Ok(()) };
    for (place, to) in harmed.into_iter().enumerate() {
        let amount = each + u128::from((place as u128) < left);
        if amount > 0 {
            turn.outputs.push(Output::Pay { to, amount, task: task.id, round });
        }
    }
    task.bond = "0".into();
    turn.outputs.push(Event::of_task("model_provider_defaulted", task.id).text("bond", bond.to_string()).into());
    Ok(())
}
