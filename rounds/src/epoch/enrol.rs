//! Enrolment: a registered and bonded provider posts four fresh keys, each with a proof of possession.

use super::{end, seats, standing, Standing, EPOCHS_WITHOUT_SEAT};
use crate::end_block::Turn;
use crate::env::{EnrolQuery, Providers, Storage};
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::output::{Event, Output};
use crate::terms::Terms;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{Epoch, EpochEnd, EpochPhase, Member, MsgEnrol, Task};
use bauta_secagg::enrol::{self, Enrol};
use bauta_secagg::signature::Signed;

pub(crate) struct Checked {
    standing: Standing,
    member: Member,
    keys: [(&'static str, [u8; 32]); 4],
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        Awaited { operations: cost::ENROL, pays: Pays::Free }
    }
}

/// Whether a provider may enrol with these keys. The proofs are verified here as well: before enrolment no key is bound to the provider,
/// so an invalid one convicts nobody and is refused before anything is charged.
pub(crate) fn check(
    storage: &dyn Storage,
    providers: &dyn Providers,
    sender: &[u8],
    msg: &MsgEnrol,
) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, msg.epoch)?;
    standing.expect(EpochPhase::Enrol, "enrol")?;
    let terms = Terms::read(&state::settings(storage, msg.task_id)?)?;
    if state::find_member(storage, msg.task_id, msg.epoch, sender)?.is_some() {
        return Err(Error::Duplicate("the enrolment"));
    }
    if standing.epoch.enrolled >= terms.cohort.max_providers {
        return Err(Error::Full(standing.epoch.enrolled));
    }
    if standing.task.owner == sender {
        return Err(Error::NotEligible("the owner of a task cannot be one of its providers".into()));
    }
    let signed = Signed::<Enrol>::from_parts(&msg.body, &msg.signature)?;
    let body = &signed.body;
    if body.address.as_bytes() != sender {
        return Err(Error::Refused("the body names another address than the sender's".into()));
    }
    let keys = [
        ("masking key X", derive::x_coordinate(&body.keys.x)),
        ("cohort key Z", derive::x_coordinate(&body.keys.z)),
        ("seat key E", derive::x_coordinate(&body.keys.e)),
        ("signing key V", body.keys.v.to_bytes()),
    ];
    for (place, (name, x)) in keys.iter().enumerate() {
        if state::is_key_used(storage, x) || keys[..place].iter().any(|(_, other)| other == x) {
            return Err(Error::KeyReused(name));
        }
    }
    let query = EnrolQuery {
        address: sender,
        owner: &standing.task.owner,
        issuer: &terms.cohort.issuer,
        min_bond: terms.min_bond,
    };
    let bond = providers.may_enrol(&query).map_err(Error::NotEligible)?;
    enrol::verify(&standing.ectx, &derive::address(sender)?, &signed).map_err(derive::refusal)?;
    let member = Member {
        address: sender.to_vec(),
        masking_key: body.keys.x.to_bytes().to_vec(),
        cohort_key: body.keys.z.to_bytes().to_vec(),
        seat_key: body.keys.e.to_bytes().to_vec(),
        signing_key: body.keys.v.to_bytes().to_vec(),
        bond: bond.to_string(),
        ..Default::default()
    };
    Ok(Checked { standing, member, keys })
}

pub(crate) fn handle(
    storage: &mut dyn Storage,
    providers: &dyn Providers,
    sender: &[u8],
    msg: &MsgEnrol,
) -> Result<Vec<Output>, Rejection> {
    let Checked { standing: Standing { task, mut epoch, .. }, member, keys } = check(storage, providers, sender, msg)?;
    for (_, x) in keys {
        state::use_key(storage, &x, task.id, epoch.number);
    }
    state::put_member(storage, task.id, epoch.number, &member);
    epoch.enrolled += 1;
    state::put_epoch(storage, &epoch);
    Ok(vec![
        Output::LockBond { provider: sender.to_vec(), task: task.id, epoch: epoch.number },
        Event::of_task("enrolled", task.id).number("epoch", epoch.number).address("provider", sender).into(),
    ])
}

/// Closes enrolment when its window is over, or the task is full: seats are given, or drawn.
pub(super) fn advance(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, epoch: &mut Epoch) -> Result<(), Error> {
    let window = epoch.window.unwrap_or_default();
    if !turn.now.closes(&window, epoch.enrolled >= terms.cohort.max_providers) {
        return Ok(());
    }
    if epoch.enrolled < terms.cohort.min_providers {
        return end(turn, task, terms, epoch.clone(), EpochEnd::TooFewProviders);
    }
    seats::begin(turn, task, terms, epoch)
}

/// No seat for the next epochs.
pub(crate) fn withhold_seat(storage: &mut dyn Storage, task: u64, epoch: u64, address: &[u8]) -> Result<(), Error> {
    let mut conduct = state::conduct(storage, task, address)?;
    conduct.no_seat_until = epoch + EPOCHS_WITHOUT_SEAT;
    state::put_conduct(storage, task, address, &conduct);
    Ok(())
}
