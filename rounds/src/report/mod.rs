//! Evidence from outside of blocks. It carries the accused's own signature over canonical bytes, so nobody can be framed.
//!
//! Anyone may report: two headers for one round, a partial that lists what nobody requested, and any message whose proof does not hold
//! ([`proofs`]). Judging costs work, so the reporter pays its gas before, and puts up a deposit: it comes back when the evidence
//! holds (with the slashing contract's bounty), is forfeited when it does not, and is not touched by what is refused without judging, such
//! as an offence that was settled before.

mod proofs;

use crate::env::{Env, Storage};
use crate::error::{Error, Rejection};
use crate::message::Admission;
use crate::offence::{evidence, is_covered, record, Offence};
use crate::output::Output;
use crate::round::unmask::Asked;
use crate::round::{blame, is_settled, submit};
use crate::terms::{amount, Terms};
use crate::{cost, derive, state};
use bauta_schema::training::v1::{
    msg_report::Evidence, Epoch, EpochPhase, HeaderEvidence as HeaderEvidenceProto, Member, MsgReport, OffenceKind,
    ProtocolMessage, Round, SignedBody, TwoHeaders,
};
use bauta_secagg::context::{ModelHash, Root};
use bauta_secagg::evidence::{self as judge, HeaderEvidence};
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Header;
use bauta_secagg::unmask::Partial;

/// Operations of judging a report, whose reporter pays: at least these, and what the proof in question takes.
const OPERATIONS: u64 = 20_000;

/// What a report is about.
struct Case {
    epoch: Epoch,
    accused: Member,
    round: Option<Round>,
}

/// Whether a report names something that is there, is not settled and may be judged, with the deposit that the chain asks for; the
/// evidence itself is judged by [`handle`].
pub(crate) fn check(storage: &dyn Storage, msg: &MsgReport, accused: &[u8]) -> Result<Admission, Error> {
    let case = case(storage, msg, accused)?;
    let offence = offence(storage, &case, msg, accused, accused)?;
    if is_covered(storage, &offence)? {
        return Err(Error::AlreadySettled(offence.round));
    }
    if matches!(msg.evidence, Some(Evidence::UnrequestedPartial(_))) {
        settled(&case)?;
    }
    let deposit = deposit(storage, msg)?;
    Ok(Admission { fee: None, gas: cost::gas(0, OPERATIONS + operations(&case, msg)), deposit })
}

/// What the chain asks for, if the message names it.
fn deposit(storage: &dyn Storage, msg: &MsgReport) -> Result<u128, Error> {
    let asked = amount("params.report_deposit", &state::params(storage)?.report_deposit)?;
    let found = amount("deposit", &msg.deposit)?;
    if found == asked {
        Ok(asked)
    } else {
        Err(Error::WrongDeposit { found, asked })
    }
}

/// What verifying takes, by the size of what was signed.
fn operations(case: &Case, msg: &MsgReport) -> u64 {
    /// Bytes of an entry of a partial at least.
    const ENTRY: u64 = 38;
    let partial = |body: &SignedBody| cost::partial(body.body.len() as u64 / ENTRY);
    match &msg.evidence {
        None | Some(Evidence::TwoHeaders(_)) => 0,
        Some(Evidence::UnrequestedPartial(body)) => partial(body),
        Some(Evidence::InvalidProof(proof)) => match (proof.message(), &proof.signed) {
            (ProtocolMessage::Unmask, Some(body)) => partial(body),
            (ProtocolMessage::Deal, _) => cost::deal(case.epoch.seats.into(), case.epoch.threshold.into()),
            _ => 0,
        },
    }
}

fn case(storage: &dyn Storage, msg: &MsgReport, accused: &[u8]) -> Result<Case, Error> {
    state::task(storage, msg.task_id)?;
    let epoch = state::find_epoch(storage, msg.task_id, msg.epoch)?
        .ok_or_else(|| Error::NotFound(format!("task {} has no epoch {}", msg.task_id, msg.epoch)))?;
    if epoch.phase() == EpochPhase::Closed {
        return Err(Error::Late("evidence"));
    }
    let accused = state::member(storage, msg.task_id, msg.epoch, accused)?;
    let round = match msg.round {
        0 => None,
        number => {
            let round = state::find_round(storage, msg.task_id, number)?.filter(|round| round.epoch == msg.epoch);
            Some(round.ok_or_else(|| Error::NotFound(format!("epoch {} has no round {number}", msg.epoch)))?)
        }
    };
    Ok(Case { epoch, accused, round })
}

/// The offence that the evidence would show.
fn offence(
    storage: &dyn Storage,
    case: &Case,
    msg: &MsgReport,
    accused: &[u8],
    reporter: &[u8],
) -> Result<Offence, Error> {
    let signed = |body: &SignedBody| [body.body.clone(), body.signature.clone()];
    // The parts are those that the message's own handler would have named, so that one piece of evidence has one digest.
    let (kind, label, parts, what): (_, &[u8], Vec<_>, _) = match &msg.evidence {
        None => return Err(Error::Invalid("evidence is missing".into())),
        Some(Evidence::TwoHeaders(TwoHeaders { first, second })) => {
            let parts =
                [first, second].into_iter().flatten().filter_map(|header| header.signed.as_ref()).flat_map(signed);
            (OffenceKind::TwoHeaders, b"two_headers", parts.collect(), "two different signed headers for one round")
        }
        Some(Evidence::UnrequestedPartial(body)) => (
            OffenceKind::UnrequestedPartial,
            b"partial",
            signed(body).to_vec(),
            "a signed partial that lists what nobody requested",
        ),
        Some(Evidence::InvalidProof(proof)) => {
            let parts = proof.signed.as_ref().map(signed).unwrap_or_default().to_vec();
            (OffenceKind::InvalidProof, label(proof.message()), parts, "a signed message whose proof does not hold")
        }
    };
    let slices: Vec<&[u8]> = std::iter::once(label).chain(parts.iter().map(Vec::as_slice)).collect();
    let harmed = match &case.round {
        // As where the same is found on the chain: who was masked towards, or waits for the round.
        Some(round) if kind == OffenceKind::TwoHeaders => submit::others_of_group(storage, round, accused)?,
        Some(round) => submit::others(storage, round, accused)?,
        None => Vec::new(),
    };
    Ok(Offence {
        kind,
        provider: accused.to_vec(),
        task: msg.task_id,
        epoch: msg.epoch,
        round: msg.round,
        evidence: evidence(&slices),
        reporter: Some(reporter.to_vec()),
        harmed,
        what: what.into(),
    })
}

/// What evidence of an invalid proof begins with.
fn label(message: ProtocolMessage) -> &'static [u8] {
    match message {
        ProtocolMessage::Unspecified => b"",
        ProtocolMessage::Deal => b"deal",
        ProtocolMessage::Complain => b"complaint",
        ProtocolMessage::CheckIn => b"check_in",
        ProtocolMessage::Unmask => b"partial",
        ProtocolMessage::Evaluate => b"evaluation",
        ProtocolMessage::Contribute => b"contribution",
    }
}

/// Judges a report.
pub(crate) fn handle(
    env: &Env<'_>,
    storage: &mut dyn Storage,
    reporter: &[u8],
    accused: &[u8],
    msg: &MsgReport,
) -> Result<Vec<Output>, Rejection> {
    let case = case(storage, msg, accused)?;
    let offence = offence(storage, &case, msg, accused, reporter)?;
    if is_covered(storage, &offence)? {
        return Err(Error::AlreadySettled(offence.round).into());
    }
    match &msg.evidence {
        None => return Err(Error::Invalid("evidence is missing".into()).into()),
        Some(Evidence::TwoHeaders(headers)) => two_headers(&case, headers)?,
        Some(Evidence::UnrequestedPartial(body)) => unrequested(storage, &case, body)?,
        Some(Evidence::InvalidProof(proof)) => proofs::judge(storage, &case, proof)?,
    }
    Ok(record(env, storage, &offence)?)
}

fn fails(why: impl std::fmt::Display) -> Error {
    Error::EvidenceDoesNotHold(why.to_string())
}

fn round_of(case: &Case) -> Result<&Round, Error> {
    case.round.as_ref().ok_or_else(|| Error::Invalid("this evidence concerns a round; name it".into()))
}

/// A partial is judged once its round has settled, when every list that could have asked for it is known.
fn settled(case: &Case) -> Result<&Round, Error> {
    let round = round_of(case)?;
    if is_settled(round) {
        Ok(round)
    } else {
        Err(Error::NotSettled(round.number))
    }
}

/// What is no signed body convicts nobody.
fn signed<B: Body>(signed: &SignedBody) -> Result<Signed<B>, Error> {
    Signed::from_parts(&signed.body, &signed.signature).map_err(fails)
}

fn two_headers(case: &Case, headers: &TwoHeaders) -> Result<(), Error> {
    let round = round_of(case)?;
    let read = |header: &Option<HeaderEvidenceProto>| -> Result<HeaderEvidence, Error> {
        let header = header.as_ref().ok_or_else(|| Error::Invalid("two headers are needed".into()))?;
        let body = header.signed.as_ref().ok_or_else(|| Error::Invalid("a header is missing".into()))?;
        let or_own = |given: &[u8], own: &[u8]| -> Result<[u8; 32], Error> {
            let bytes = if given.is_empty() { own } else { given };
            bytes.try_into().map_err(|_| Error::Invalid("model_hash and roster_root have 32 bytes or none".into()))
        };
        Ok(HeaderEvidence {
            header: signed::<Header>(body)?,
            model_hash: ModelHash::from_bytes(or_own(&header.model_hash, &round.model_hash)?),
            roster_root: Root::from_bytes(or_own(&header.roster_root, &round.roster_root)?),
        })
    };
    let v = derive::signing_key(&case.accused)?;
    judge::two_headers(&derive::rctx(round)?, &v, &read(&headers.first)?, &read(&headers.second)?).map_err(fails)
}

fn unrequested(storage: &dyn Storage, case: &Case, body: &SignedBody) -> Result<(), Error> {
    let round = settled(case)?;
    let terms = Terms::read(&state::settings(storage, round.task_id)?)?;
    let asked = if round.released { Some(Asked::of(storage, round, terms.cohort.min_group)?) } else { None };
    let blame = blame::lists::all(storage, round)?;
    let lists: Vec<_> = asked.iter().map(|asked| &asked.requests).chain(&blame).collect();
    let v = derive::signing_key(&case.accused)?;
    judge::unrequested(&derive::ctx(round)?, &v, &signed::<Partial>(body)?, &lists).map(|_| ()).map_err(fails)
}
