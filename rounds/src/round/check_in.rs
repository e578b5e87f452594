//! Check-in: a provider commits to submit, with its public weight and its point for this round.

use super::combine::cannot_go_on;
use super::{enter, settle, standing};
use crate::end_block::Turn;
use crate::env::{Env, Providers, Storage};
use crate::error::{Error, Rejection};
use crate::keys::{self, prefix};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, is_barred, is_barred_for_good, Offence};
use crate::output::{Event, Output};
use crate::terms::Terms;
use crate::{cost, derive, epoch as epochs, state};
use bauta_schema::training::v1::{
    AbortReason, CheckIn as CheckInRecord, Epoch, Member, MsgCheckIn, OffenceKind, Round, RoundGroup, RoundPhase, Task,
};
use bauta_secagg::check_in::{self, CheckIn, CheckInState};
use bauta_secagg::context::Rctx;
use bauta_secagg::signature::Signed;
use bauta_secagg::switched_off;
use prost::Message;

pub(crate) struct Checked {
    standing: super::Standing,
    member: Member,
    rctx: Rctx,
    is_early: bool,
    signed: Signed<CheckIn>,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        let pays = if self.is_early { Pays::Free } else { Pays::Round };
        Awaited { operations: cost::SIGNATURE + cost::PROOF, pays }
    }
}

/// Whether a check-in is awaited: for the round that is checking in, or for the next one while the running one is past check-in. What
/// comes early binds `rctx` and no model; whether it stands is decided when its round opens.
pub(crate) fn check(
    storage: &dyn Storage,
    providers: &dyn Providers,
    sender: &[u8],
    msg: &MsgCheckIn,
) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, "check_in")?;
    let is_early = msg.round == standing.round.number + 1
        && matches!(standing.round.phase(), RoundPhase::Submit | RoundPhase::Unmask | RoundPhase::Finalise);
    if !is_early {
        standing.expect(msg.round, RoundPhase::CheckIn, "check_in")?;
    } else if state::settings(storage, msg.task_id)?.model_provider.is_some() {
        return Err(Error::NotAwaited("a check-in comes early only where the model is the chain's".into()));
    }
    let member = state::member(storage, msg.task_id, standing.epoch.number, sender)?;
    if member.slot == 0 {
        return Err(Error::Barred("it is not among the qualified dealers of this epoch".into()));
    }
    if is_barred(&member, msg.round) || is_barred_for_good(&member) {
        return Err(Error::Barred("an offence bars it from this round".into()));
    }
    if providers.is_jailed(sender) {
        return Err(Error::Barred("it is jailed; send `unjail` to the registry once its time is over".into()));
    }
    if state::find_check_in(storage, msg.task_id, msg.round, sender)?.is_some() {
        return Err(Error::Duplicate("the check-in"));
    }
    let signed = Signed::<CheckIn>::from_parts(&msg.body, &msg.signature)?;
    if signed.body.address.as_bytes() != sender {
        return Err(Error::Refused("the body names another address than the sender's".into()));
    }
    let rctx = Rctx::new(&epochs::ectx_of(&standing.epoch)?, msg.round);
    signed.verify(&rctx, &derive::signing_key(&member)?).map_err(|_| Error::BadSignature)?;
    Terms::read(&state::settings(storage, msg.task_id)?)?
        .encoding
        .check_weight(signed.body.weight)
        .or_else(|error| if switched_off!(WeightRange) { Ok(()) } else { Err(Error::Refused(error.to_string())) })?;
    Ok(Checked { standing, member, rctx, is_early, signed })
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    providers: &dyn Providers,
    sender: &[u8],
    msg: &MsgCheckIn,
) -> Result<Vec<Output>, Rejection> {
    let Checked { standing, member, rctx, is_early, signed } = check(storage, providers, sender, msg)?;
    let super::Standing { task, epoch, mut round } = standing;
    let terms = Terms::read(&state::settings(storage, task.id)?)?;
    verify(&rctx, &terms, &member, &signed)?.map_err(|rejection| {
        derive::reject(rejection, || Offence {
            kind: OffenceKind::InvalidProof,
            provider: sender.to_vec(),
            task: task.id,
            epoch: epoch.number,
            round: round.number,
            evidence: evidence(&[b"check_in", &msg.body, &msg.signature]),
            reporter: None,
            harmed: Vec::new(),
            what: "a signed check-in whose proof does not hold".into(),
        })
    })?;
    let check_in = CheckInRecord {
        address: sender.to_vec(),
        slot: member.slot,
        weight: signed.body.weight,
        point: signed.body.point.to_bytes().to_vec(),
        height: env.height,
        removed: false,
        group: if switched_off!(FixedGroups) {
            1 + u32::from((u64::from(member.slot) + msg.round) % 8 < 3)
        } else {
            member.group
        },
    };
    state::put_check_in(storage, task.id, msg.round, &check_in);
    if !is_early {
        round.check_ins += 1;
    }
    round.bytes += msg.encoded_len() as u64;
    state::put_round(storage, &round);
    let event = Event::of_task("checked_in", task.id)
        .number("round", msg.round)
        .address("provider", sender)
        .number("weight", check_in.weight);
    Ok(vec![event.into()])
}

/// Verifies signature and proof. The outer error is the machine's own.
pub(crate) fn verify(
    rctx: &Rctx,
    terms: &Terms,
    member: &Member,
    signed: &Signed<CheckIn>,
) -> Result<Result<(), bauta_secagg::rejection::Rejection>, Error> {
    let address = derive::address(&member.address)?;
    let (x, v) = (derive::point(&member.masking_key)?, derive::signing_key(member)?);
    let state = CheckInState { address: &address, x: &x, v: &v, max_weight: terms.encoding.max_weight };
    Ok(check_in::verify(rctx, &state, signed))
}

/// Closes check-in when its window is over, or everyone who may has checked in. Those whom an offence removed meanwhile are out.
pub(super) fn advance(
    turn: &mut Turn<'_>,
    task: &mut Task,
    terms: &Terms,
    epoch: Epoch,
    mut round: Round,
) -> Result<(), Error> {
    let window = round.window.unwrap_or_default();
    let check_ins = state::check_ins(turn.storage, task.id, round.number)?;
    let members = state::members(turn.storage, task.id, epoch.number)?;
    let nobody_is_awaited = check_ins.len() >= round.expected as usize
        && members.iter().all(|member| {
            check_ins.iter().any(|check_in| check_in.address == member.address)
                || !derive::is_qualified(member, round.number)
                || is_barred_for_good(member)
                || turn.providers.is_jailed(&member.address)
        });
    if !turn.now.closes(&window, nobody_is_awaited) {
        return Ok(());
    }
    let (removed, stand): (Vec<_>, Vec<_>) = check_ins.into_iter().partition(|check_in| check_in.removed);
    for check_in in removed {
        turn.storage.remove(&keys::address(prefix::CHECK_IN, &[task.id, round.number], &check_in.address));
    }
    round.check_ins = stand.len() as u32;
    round.groups = form_groups(&epoch, &members, &stand, terms.cohort.min_group)?;
    if let Some(reason) = cannot_go_on(terms, &round.groups, AbortReason::TooFewCheckIns) {
        return settle::abort(turn, task, terms, epoch, round, reason);
    }
    round.group = owing(&round.groups);
    enter(turn, &mut round, RoundPhase::Submit, Some(terms.windows.submit));
    Ok(())
}

/// Those of each of the epoch's groups who checked in. A group of too few is void, and its members are excused.
fn form_groups(
    epoch: &Epoch,
    members: &[Member],
    check_ins: &[CheckInRecord],
    min_group: u32,
) -> Result<Vec<RoundGroup>, Error> {
    let mut groups = Vec::new();
    for number in 1..=epoch.groups {
        let own: Vec<_> = check_ins.iter().filter(|check_in| check_in.group == number).cloned().collect();
        let slots = own.iter().map(|check_in| check_in.slot).collect();
        let mut group = RoundGroup { number, members: slots, ..Default::default() };
        if own.len() < min_group as usize {
            group.set_void(AbortReason::TooFewCheckIns);
        } else {
            group.root = derive::group(members, &own)?.root().as_bytes().to_vec();
        }
        groups.push(group);
    }
    Ok(groups)
}

/// The slots of those in groups that go on, ascending.
fn owing(groups: &[RoundGroup]) -> Vec<u32> {
    let mut slots: Vec<u32> =
        groups.iter().filter(|group| derive::goes_on(group)).flat_map(|group| group.members.clone()).collect();
    slots.sort_unstable();
    slots
}
