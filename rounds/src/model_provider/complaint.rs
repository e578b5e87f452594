//! A provider that cannot read the round's model opens the point of its wrap. The chain decrypts and decides: the model provider or the
//! complainer, never nobody.

use super::recipients;
use crate::env::{Blobs, Env, Storage};
use crate::error::{Error, Rejection};
use crate::message::{Awaited, Pays};
use crate::offence::{evidence, is_barred_for_good, Offence};
use crate::output::{Event, Output};
use crate::round::{standing, Standing};
use crate::{cost, derive, epoch as epochs, state};
use bauta_schema::training::v1::{Bar, Member, MsgComplainAboutWrap, OffenceKind, SealedModel};
use bauta_secagg::cohort::complaint::{judge, Verdict, WrapComplaint, WrapComplaintState};
use bauta_secagg::cohort::keys::{PlainHash, SealedModel as Sealed};
use bauta_secagg::cohort::wraps::Wraps;
use bauta_secagg::signature::Signed;

pub(crate) struct Checked {
    standing: Standing,
    member: Member,
    signed: Signed<WrapComplaint>,
    wraps: Wraps,
    /// The round's model, if it has been published.
    model: Option<SealedModel>,
}

impl Checked {
    pub fn awaited(&self) -> Awaited {
        let bytes = self.model.as_ref().map_or(0, |model| model.bytes);
        // Decrypting and hashing it.
        let operations = cost::SIGNATURE + 2 * cost::PROOF + cost::chunk_operations(2 * bytes);
        Awaited { operations, pays: Pays::WhatIsFree }
    }
}

/// Whether a complaint may be made: by a dealer of the epoch, about the wraps that the chain has, and about the model of the running round
/// if it is there.
pub(crate) fn check(storage: &dyn Storage, sender: &[u8], msg: &MsgComplainAboutWrap) -> Result<Checked, Error> {
    let standing = standing(storage, msg.task_id, "complain")?;
    if standing.epoch.number != msg.epoch {
        return Err(Error::WrongEpoch { task: msg.task_id, current: standing.epoch.number, asked: msg.epoch });
    }
    if standing.task.defaulted {
        return Err(Error::NotAwaited("the model provider has lost its bond already".into()));
    }
    let member = state::member(storage, msg.task_id, msg.epoch, sender)?;
    if member.slot == 0 {
        return Err(Error::Barred("it is not among the qualified dealers of this epoch".into()));
    }
    if member.bar() == Bar::Offence && is_barred_for_good(&member) {
        return Err(Error::NotAwaited("one that was convicted of an offence against all is heard no more".into()));
    }
    let wraps = state::find_wraps(storage, msg.task_id, msg.epoch)?
        .ok_or_else(|| Error::NotAwaited("no key has been wrapped in this epoch".into()))?;
    let wraps = Wraps::decode(&wraps.body).map_err(|error| Error::State(error.to_string()))?;
    let signed = Signed::<WrapComplaint>::from_parts(&msg.body, &msg.signature)?;
    let model = match standing.round.blob_hash.is_empty() {
        true => None,
        false => state::find_sealed_model(storage, msg.task_id, standing.round.number)?,
    };
    if signed.body.complainer.as_bytes() != sender {
        return Err(Error::Refused("the body names another complainer than the sender".into()));
    }
    let ectx = epochs::ectx_of(&standing.epoch)?;
    signed.verify(&ectx, &derive::signing_key(&member)?).map_err(|_| Error::BadSignature)?;
    let blob_hash = model.as_ref().map_or(Ok([0; 32]), |model| state::hash(&model.blob_hash))?;
    if signed.body.wraps_hash != wraps.hash() || signed.body.blob_hash != blob_hash {
        return Err(Error::Refused("the complaint is about other wraps, or another model, than the chain has".into()));
    }
    Ok(Checked { standing, member, signed, wraps, model })
}

pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    blobs: &dyn Blobs,
    sender: &[u8],
    msg: &MsgComplainAboutWrap,
) -> Result<Vec<Output>, Rejection> {
    let Checked { standing: Standing { mut task, epoch, round }, member, signed, wraps, model } =
        check(storage, sender, msg)?;
    let offence = |kind, what: &str| Offence {
        kind,
        provider: sender.to_vec(),
        task: task.id,
        epoch: epoch.number,
        round: 0,
        evidence: evidence(&[b"wrap_complaint", &msg.body, &msg.signature]),
        reporter: None,
        harmed: Vec::new(),
        what: what.into(),
    };
    let sealed = model.map(|model| sealed(blobs, &model)).transpose()?;
    let rctx = derive::rctx(&round)?;
    let recipients = recipients(&state::members(storage, task.id, epoch.number)?)?;
    let own = derive::address(sender)?;
    let place = recipients
        .iter()
        .position(|recipient| recipient.address == own)
        .ok_or_else(|| Error::State("a dealer is no recipient".into()))?;
    let state = WrapComplaintState {
        complainer: &recipients[place],
        v: &derive::signing_key(&member)?,
        place,
        owner: &derive::address(&task.owner)?,
        wraps: &wraps,
        model: sealed.as_ref().map(|(sealed, hash)| (&rctx, sealed, *hash)),
    };
    let verdict = judge(&epochs::ectx_of(&epoch)?, &state, &signed).map_err(|rejection| {
        derive::reject(rejection, || {
            offence(OffenceKind::InvalidProof, "a signed complaint about a wrap whose proof does not hold")
        })
    })?;
    match verdict {
        Verdict::ComplainerGuilty => {
            let offence = offence(OffenceKind::FalseComplaint, "a complaint about a wrap and a model that are right");
            Err(Rejection::offence(Error::FalseComplaint, offence))
        }
        Verdict::ModelProviderGuilty => {
            task.defaulted = true;
            state::put_task(storage, &task);
            let event = Event::of_task("wrap_complaint_upheld", task.id)
                .number("epoch", epoch.number)
                .number("round", round.number)
                .number("height", env.height)
                .address("provider", sender);
            Ok(vec![event.into()])
        }
    }
}

fn sealed(blobs: &dyn Blobs, model: &SealedModel) -> Result<(Sealed, [u8; 32]), Error> {
    let hash = state::hash(&model.blob_hash)?;
    let blob = blobs.get(&hash).ok_or_else(|| Error::State("the round's model is missing".into()))?;
    Ok((Sealed { blob, plain_hash: PlainHash::from_bytes(state::hash(&model.plain_hash)?) }, hash))
}
