//! Dealing: a provider shares its masking key among the seats.

use super::enrol::withhold_seat;
use super::{end, enter, standing, Standing};
use crate::end_block::Turn;
use crate::env::{Env, Storage};
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, is_barred, Offence};
use crate::output::{Event, Output};
use crate::terms::Terms;
use crate::{cost, derive, state};
use bauta_schema::training::v1::{
    Bar, Deal as DealRecord, Epoch, EpochEnd, EpochPhase, Member, MsgDeal, OffenceKind, ShareKeys, Task,
};
use bauta_secagg::deal::{self, Deal, DealState};
use bauta_secagg::rejection::{Refusal, Rejection as Refused};
use bauta_secagg::signature::Signed;
use bauta_secagg::switched_off;

pub(crate) struct Checked {
    standing: Standing,
    member: Member,
    signed: Signed<Deal>,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        Awaited {
            operations: cost::deal(self.standing.epoch.seats.into(), self.standing.epoch.threshold.into()),
            pays: Pays::Free,
        }
    }
}

pub(crate) fn check(storage: &dyn Storage, sender: &[u8], msg: &MsgDeal) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, msg.epoch)?;
    standing.expect(EpochPhase::Deal, "deal")?;
    let member = state::member(storage, msg.task_id, msg.epoch, sender)?;
    if member.dealt {
        return Err(Error::Duplicate("the deal"));
    }
    if is_barred(&member, standing.task.round + 1) {
        return Err(Error::Barred("it was convicted of an offence in this epoch".into()));
    }
    let signed = Signed::<Deal>::from_parts(&msg.body, &msg.signature)?;
    if signed.body.dealer.as_bytes() != sender {
        return Err(Error::Refused("the body names another dealer than the sender".into()));
    }
    signed.verify(&standing.ectx, &derive::signing_key(&member)?).map_err(|_| Error::BadSignature)?;
    if signed.body.seats_root.as_bytes()[..] != standing.epoch.seats_root[..] && !switched_off!(SeatsRoot) {
        return Err(Error::Refused("the deal was made for other seats: its seats_root is not the epoch's".into()));
    }
    check_shape(&standing.epoch, &member, &signed.body)?;
    if state::is_key_used(storage, &derive::x_coordinate(&signed.body.ephemeral)) {
        return Err(Error::KeyReused("ephemeral point R"));
    }
    Ok(Checked { standing, member, signed })
}

/// What can be refused of a deal without its proof is refused before anything is charged: otherwise its author could empty the task's
/// budget with deals that fail and are no offence.
fn check_shape(epoch: &Epoch, member: &Member, deal: &Deal) -> Result<(), Error> {
    for (what, expected, got) in [
        ("commitments", epoch.threshold, deal.commitments.len()),
        ("encrypted shares", epoch.seats, deal.ciphertexts.len()),
    ] {
        if got != expected as usize {
            return Err(Error::Refused(format!("a deal of this epoch has {expected} {what}, this one has {got}")));
        }
    }
    if deal.commitments.first() != Some(&derive::point(&member.masking_key)?) {
        return Err(Error::Refused("the first commitment is not the masking key X that the dealer enrolled".into()));
    }
    Ok(())
}

/// A deal with the identity among its share keys is refused without penalty. Its author loses its turn: it was charged for, and could
/// otherwise be sent without end. (Who draws its polynomial at random meets one with probability 2^-249.)
fn lose_turn(storage: &mut dyn Storage, task: &Task, epoch: u64, mut member: Member) -> Vec<Output> {
    bar_without_deal(&mut member, task.round + 1);
    state::put_member(storage, task.id, epoch, &member);
    vec![Event::of_task("deal_refused", task.id).number("epoch", epoch).address("dealer", &member.address).into()]
}

fn bar_without_deal(member: &mut Member, next: u64) {
    member.set_bar(Bar::NoDeal);
    member.barred_from = next;
    member.barred_until = 0;
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    sender: &[u8],
    msg: &MsgDeal,
) -> Result<Vec<Output>, Rejection> {
    let Checked { standing, mut member, signed } = check(storage, sender, msg)?;
    let Standing { task, mut epoch, ectx } = standing;
    let seats = derive::seats(&state::seats(storage, task.id, epoch.number)?)?;
    let dealer = derive::address(sender)?;
    let (x, v) = (derive::point(&member.masking_key)?, derive::signing_key(&member)?);
    let judged = deal::verify(
        &ectx,
        &DealState { dealer: &dealer, x: &x, v: &v, seats: &seats, threshold: epoch.threshold as usize },
        &signed,
    );
    if matches!(judged, Err(Refused::Refused(Refusal::IdentityShare { .. }))) {
        return Ok(lose_turn(storage, &task, epoch.number, member));
    }
    let share_keys = judged.map_err(|rejection| {
        derive::reject(rejection, || Offence {
            kind: OffenceKind::InvalidProof,
            provider: sender.to_vec(),
            task: task.id,
            epoch: epoch.number,
            round: 0,
            evidence: evidence(&[b"deal", &msg.body, &msg.signature]),
            reporter: None,
            harmed: Vec::new(),
            what: "a signed deal whose proof does not hold".into(),
        })
    })?;
    state::use_key(storage, &derive::x_coordinate(&signed.body.ephemeral), task.id, epoch.number);
    let record = DealRecord {
        dealer: sender.to_vec(),
        body: msg.body.clone(),
        signature: msg.signature.clone(),
        height: env.height,
    };
    state::put_deal(storage, task.id, epoch.number, &record, &ShareKeys { points: share_keys.encode() });
    member.dealt = true;
    state::put_member(storage, task.id, epoch.number, &member);
    epoch.dealt += 1;
    state::put_epoch(storage, &epoch);
    Ok(vec![Event::of_task("dealt", task.id).number("epoch", epoch.number).address("dealer", sender).into()])
}

/// Closes dealing when its window is over, or everyone has dealt. Who enrolled without dealing holds no seat for some epochs.
pub(super) fn advance(turn: &mut Turn<'_>, task: &mut Task, terms: &Terms, epoch: &mut Epoch) -> Result<(), Error> {
    let window = epoch.window.unwrap_or_default();
    let members = state::members(turn.storage, task.id, epoch.number)?;
    let next = task.round + 1;
    let awaited = members.iter().any(|member| !member.dealt && !is_barred(member, next));
    if !turn.now.closes(&window, !awaited) {
        return Ok(());
    }
    for mut member in members.into_iter().filter(|member| !member.dealt) {
        withhold_seat(turn.storage, task.id, epoch.number, &member.address)?;
        if !is_barred(&member, next) {
            bar_without_deal(&mut member, next);
            state::put_member(turn.storage, task.id, epoch.number, &member);
        }
    }
    if epoch.dealt < terms.fewest_dealers() {
        return end(turn, task, terms, epoch.clone(), EpochEnd::TooFewProviders);
    }
    enter(turn, epoch, EpochPhase::Complain, Some(terms.windows.complain));
    Ok(())
}
