//! Complaints: a seat opens a share that it cannot use, and the chain decides between dealer and seat.

use super::{end, partition, standing, Standing};
use crate::end_block::Turn;
use crate::env::{Env, Storage};
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, is_barred, is_barred_for_good, record, Offence};
use crate::output::{Event, Output};
use crate::terms::Terms;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{
    Bar, Complaint as ComplaintRecord, Epoch, EpochEnd, EpochPhase, Member, MsgComplain, OffenceKind, Task,
};
use bauta_secagg::complain::{self, Complaint, ComplaintState, Verdict};
use bauta_secagg::deal::{Deal, ShareKeys};
use bauta_secagg::signature::{Body, Signed};

pub(crate) struct Checked {
    standing: Standing,
    member: Member,
    signed: Signed<Complaint>,
    deal: Deal,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        Awaited { operations: cost::SIGNATURE + 2 * cost::PROOF, pays: Pays::WhatIsFree }
    }
}

/// Whether a complaint may be made: at any time from the end of dealing to the end of the epoch, once a seat and dealer.
pub(crate) fn check(storage: &dyn Storage, sender: &[u8], msg: &MsgComplain) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, msg.epoch)?;
    if !matches!(standing.epoch.phase(), EpochPhase::Partition | EpochPhase::Rounds) {
        standing.expect(EpochPhase::Complain, "complain")?;
    }
    let member = state::member(storage, msg.task_id, msg.epoch, sender)?;
    if member.seat == 0 {
        return Err(Error::NoSeat { task: msg.task_id, epoch: msg.epoch });
    }
    // A further offence of it could be covered by its verdict, cost it nothing, and be charged to the task's budget without end.
    if member.bar() == Bar::Offence && is_barred_for_good(&member) {
        return Err(Error::NotAwaited("a seat that was convicted of an offence against all is heard no more".into()));
    }
    let signed = Signed::<Complaint>::from_parts(&msg.body, &msg.signature)?;
    let body = &signed.body;
    let seat = body.seat.get();
    if body.complainer.as_bytes() != sender || !derive::seats_of(&member).any(|own| own == seat) {
        return Err(Error::Refused("the body names another seat than the sender's".into()));
    }
    let dealer = body.dealer.as_bytes();
    if state::find_complaint(storage, msg.task_id, msg.epoch, seat, dealer)?.is_some() {
        return Err(Error::Duplicate("the complaint"));
    }
    let deal = state::find_deal(storage, msg.task_id, msg.epoch, dealer)?
        .ok_or_else(|| Error::NotFound("the dealer complained about has no deal in this epoch".into()))?;
    signed.verify(&standing.ectx, &derive::signing_key(&member)?).map_err(|_| Error::BadSignature)?;
    let deal = Deal::decode(&deal.body).map_err(|error| Error::State(error.to_string()))?;
    if signed.body.deal_hash != deal.hash() {
        return Err(Error::Refused("the complaint is about another deal than the one the chain holds".into()));
    }
    Ok(Checked { standing, member, signed, deal })
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgComplain,
) -> Result<Vec<Output>, Rejection> {
    let Checked { standing: Standing { task, epoch, ectx }, member, signed, deal } = check(storage, sender, msg)?;
    let dealer = signed.body.dealer.as_bytes().to_vec();
    let offence = |kind, provider: &[u8], harmed: &[u8], what: &str| Offence {
        kind,
        provider: provider.to_vec(),
        task: task.id,
        epoch: epoch.number,
        round: if epoch.phase() == EpochPhase::Rounds { task.round } else { 0 },
        evidence: evidence(&[b"complaint", &msg.body, &msg.signature]),
        reporter: None,
        harmed: vec![harmed.to_vec()],
        what: what.into(),
    };
    let verdict = judge(storage, &epoch, &ectx, &member, &deal, &signed);
    let verdict = verdict?.map_err(|rejection| {
        derive::reject(rejection, || {
            offence(OffenceKind::InvalidProof, sender, &dealer, "a signed complaint whose proof does not hold")
        })
    })?;
    if verdict == Verdict::ComplainerGuilty {
        let false_complaint =
            offence(OffenceKind::FalseComplaint, sender, &dealer, "a complaint about a share that is right");
        return Err(Rejection::offence(Error::FalseComplaint, false_complaint));
    }
    let complaint = ComplaintRecord { seat: signed.body.seat.get(), dealer: dealer.clone(), height: env.height };
    state::put_complaint(storage, task.id, epoch.number, &complaint);
    let mut outputs: Vec<Output> = vec![Event::of_task("complaint_upheld", task.id)
        .number("epoch", epoch.number)
        .number("seat", signed.body.seat.get().into())
        .address("dealer", &dealer)
        .into()];
    let bad_share =
        offence(OffenceKind::BadShare, &dealer, sender, "a dealt share does not open, or contradicts the commitments");
    outputs.extend(record(env, storage, &bad_share)?);
    Ok(outputs)
}

/// Decrypts the share and decides. The outer error is the machine's own.
pub(crate) fn judge(
    storage: &dyn Storage,
    epoch: &Epoch,
    ectx: &bauta_secagg::context::Ectx,
    member: &Member,
    deal: &Deal,
    signed: &Signed<Complaint>,
) -> Result<Result<Verdict, bauta_secagg::rejection::Rejection>, Error> {
    let share_keys = state::share_keys(storage, epoch.task_id, epoch.number, signed.body.dealer.as_bytes())?;
    let share_key =
        ShareKeys::decode_one(&share_keys.points, signed.body.seat).map_err(|error| Error::State(error.to_string()))?;
    let state = ComplaintState {
        complainer: &derive::address(&member.address)?,
        v: &derive::signing_key(member)?,
        seat: signed.body.seat,
        e: &derive::point(&member.seat_key)?,
        deal,
        share_key: &share_key,
    };
    Ok(complain::judge(ectx, &state, signed))
}

/// Closes the complaint window: slots are given to the dealers that qualify, and they are cut into groups.
pub(super) fn advance(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, epoch: &mut Epoch) -> Result<(), Error> {
    let window = epoch.window.unwrap_or_default();
    if !turn.now.closes(&window, false) {
        return Ok(());
    }
    if give_slots(turn.storage, task, epoch)? < terms.fewest_dealers() {
        return end(turn, task, terms, epoch.clone(), EpochEnd::TooFewProviders);
    }
    partition::begin(turn, task, terms, epoch)
}

/// Slots: the rank among the dealers that qualify, fixed for the epoch.
fn give_slots(storage: &mut dyn Storage, task: &Task, epoch: &Epoch) -> Result<u32, Error> {
    let mut slots = 0;
    for mut member in state::members(storage, task.id, epoch.number)? {
        if member.dealt && !is_barred(&member, task.round + 1) {
            slots += 1;
            member.slot = slots;
            state::put_member(storage, task.id, epoch.number, &member);
        }
    }
    Ok(slots)
}
