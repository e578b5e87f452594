//! Evidence of an invalid proof: each kind of message is judged as its handler would, against what the chain has.

use super::{fails, round_of, signed, Case};
use crate::env::Storage;
use crate::error::Error;
use crate::round::blame;
use crate::round::unmask::{seat_keys, Asked};
use crate::terms::Terms;
use crate::{derive, epoch as epochs, state};
use bauta_schema::training::v1::{Epoch, InvalidProof, ProtocolMessage, SignedBody};
use bauta_secagg::check_in::CheckIn;
use bauta_secagg::committee::{self, Contribution, ContributionState};
use bauta_secagg::complain::Complaint;
use bauta_secagg::deal::{self, Deal, DealState};
use bauta_secagg::joint::{self, Evaluation, EvaluationState, JointKeys};
use bauta_secagg::rejection::Rejection as Refused;
use bauta_secagg::signature::{Body as _, Signed};
use bauta_secagg::unmask::{self, Partial, UnmaskState};

/// Whether the proof of a signed message does not hold.
pub(super) fn judge(storage: &dyn Storage, case: &Case, proof: &InvalidProof) -> Result<(), Error> {
    let body = proof.signed.as_ref().ok_or_else(|| Error::Invalid("the signed message is missing".into()))?;
    let found = match proof.message() {
        ProtocolMessage::Deal => judge_deal(storage, case, body)?,
        ProtocolMessage::Complain => judge_complaint(storage, case, body)?,
        ProtocolMessage::CheckIn => judge_check_in(storage, case, body)?,
        ProtocolMessage::Unmask => judge_partial(storage, case, body)?,
        ProtocolMessage::Evaluate => judge_evaluation(storage, case, body)?,
        ProtocolMessage::Contribute => judge_contribution(case, body)?,
        ProtocolMessage::Unspecified => return Err(Error::Invalid("say which kind of message it is".into())),
    };
    match found {
        Err(rejection) if rejection.is_offence() => Ok(()),
        Err(rejection) => Err(fails(rejection)),
        Ok(()) => Err(fails("the proof holds")),
    }
}

/// What belongs to an epoch as a whole is reported so: one deed is one offence.
fn of_epoch(case: &Case, what: &str) -> Result<(), Error> {
    match case.round {
        None => Ok(()),
        Some(_) => Err(Error::Invalid(format!("{what} belongs to an epoch; report it with round 0"))),
    }
}

fn judge_deal(storage: &dyn Storage, case: &Case, body: &SignedBody) -> Result<Result<(), Refused>, Error> {
    let Epoch { task_id, number, .. } = case.epoch;
    of_epoch(case, "a deal")?;
    if case.epoch.seats == 0 {
        return Err(fails("this epoch has no seats yet, so that nobody can have dealt"));
    }
    let seats = derive::seats(&state::seats(storage, task_id, number)?)?;
    let state = DealState {
        dealer: &derive::address(&case.accused.address)?,
        x: &derive::point(&case.accused.masking_key)?,
        v: &derive::signing_key(&case.accused)?,
        seats: &seats,
        threshold: case.epoch.threshold as usize,
    };
    Ok(deal::verify(&epochs::ectx_of(&case.epoch)?, &state, &signed(body)?).map(|_| ()))
}

fn judge_complaint(storage: &dyn Storage, case: &Case, body: &SignedBody) -> Result<Result<(), Refused>, Error> {
    let signed: Signed<Complaint> = signed(body)?;
    let deal = state::find_deal(storage, case.epoch.task_id, case.epoch.number, signed.body.dealer.as_bytes())?
        .ok_or_else(|| fails("the dealer complained about has no deal in this epoch"))?;
    if !derive::seats_of(&case.accused).any(|own| own == signed.body.seat.get()) {
        return Err(fails("the complaint names another seat than the accused's"));
    }
    let deal = Deal::decode(&deal.body).map_err(|error| Error::State(error.to_string()))?;
    let ectx = epochs::ectx_of(&case.epoch)?;
    Ok(epochs::complain::judge(storage, &case.epoch, &ectx, &case.accused, &deal, &signed)?.map(|_| ()))
}

fn judge_check_in(storage: &dyn Storage, case: &Case, body: &SignedBody) -> Result<Result<(), Refused>, Error> {
    let round = round_of(case)?;
    let terms = Terms::read(&state::settings(storage, round.task_id)?)?;
    let signed: Signed<CheckIn> = signed(body)?;
    crate::round::check_in::verify(&derive::rctx(round)?, &terms, &case.accused, &signed)
}

fn judge_partial(storage: &dyn Storage, case: &Case, body: &SignedBody) -> Result<Result<(), Refused>, Error> {
    let round = round_of(case)?;
    let signed: Signed<Partial> = signed(body)?;
    let seat = signed.body.seat;
    if !round.released || !derive::seats_of(&case.accused).any(|own| own == seat.get()) {
        return Err(fails("no such seat of the accused was asked for anything in this round"));
    }
    let terms = Terms::read(&state::settings(storage, round.task_id)?)?;
    let mut asked = Asked::of(storage, round, terms.cohort.min_group)?;
    let blame = blame::lists::all(storage, round)?.into_iter().find(|list| list.root() == signed.body.request_root);
    asked.requests = blame.unwrap_or(asked.requests);
    let keys = seat_keys(&asked.share_keys(storage, round)?, seat.get())?;
    let state = UnmaskState {
        ctx: &derive::ctx(round)?,
        requests: &asked.requests,
        address: &derive::address(&case.accused.address)?,
        seat,
        v: &derive::signing_key(&case.accused)?,
        keys: &keys,
    };
    Ok(unmask::verify(&state, &signed))
}

/// A seat's share of the joint key's value. It belongs to the epoch whose seat it is, and was made for that epoch's groups or for the draw
/// of the next one's seats.
fn judge_evaluation(storage: &dyn Storage, case: &Case, body: &SignedBody) -> Result<Result<(), Refused>, Error> {
    of_epoch(case, "a share of the joint key's value")?;
    let signed: Signed<Evaluation> = signed(body)?;
    let (epoch, seat) = (&case.epoch, signed.body.seat);
    if !derive::seats_of(&case.accused).any(|own| own == seat.get()) {
        return Err(fails("no such seat is the accused's"));
    }
    let dealers = state::members(storage, epoch.task_id, epoch.number)?;
    let keys = state::joint_keys(storage, epoch.task_id, epoch.number)?;
    let last = dealers.iter().map(|member| member.slot).max().unwrap_or_default();
    if epoch.dealers_root.is_empty() || last == 0 || keys.slot != last {
        return Err(Error::NotAwaited("the dealers' share keys of this epoch have not been added up".into()));
    }
    let next = state::find_epoch(storage, epoch.task_id, epoch.number + 1)?;
    let next = next.filter(|next| !next.enrolment_root.is_empty());
    let mut asked = vec![(epoch, derive::partition_input(epoch)?)];
    if let Some(next) = &next {
        asked.push((next, derive::seats_input(next, epoch)?));
    }
    let found = asked.iter().find(|(_, input)| *input.hash() == signed.body.input);
    let (of, input) = found.ok_or_else(|| fails("nobody asked for the joint key's value on this"))?;
    let share_key = JointKeys::decode_one(&keys.points, seat).map_err(|error| Error::State(error.to_string()))?;
    let state = EvaluationState {
        ectx: &epochs::ectx_of(of)?,
        input,
        address: &derive::address(&case.accused.address)?,
        seat,
        v: &derive::signing_key(&case.accused)?,
        share_key: share_key.as_ref(),
    };
    Ok(joint::verify(&state, &signed))
}

fn judge_contribution(case: &Case, body: &SignedBody) -> Result<Result<(), Refused>, Error> {
    of_epoch(case, "a contribution to the seed of the seats")?;
    if case.epoch.enrolment_root.is_empty() {
        return Err(fails("in this epoch nobody was asked for a contribution"));
    }
    let state = ContributionState {
        ectx: &epochs::ectx_of(&case.epoch)?,
        input: &derive::everyones_input(&case.epoch)?,
        address: &derive::address(&case.accused.address)?,
        x: &derive::point(&case.accused.masking_key)?,
        v: &derive::signing_key(&case.accused)?,
    };
    Ok(committee::verify(&state, &signed::<Contribution>(body)?))
}
