//! What an offence does inside the machine: its author is removed, barred, and named to the slashing contract.
//!
//! One round, one penalty per provider: the largest. An offence that nothing can exceed is delivered at once; a smaller one waits until
//! its round has settled, and is replaced if a larger one is found before. An offence settled before survivors are final removes its
//! author from the round; later its vector stays. Either way its author is barred from the next round.

use crate::env::{sha256, Env, Storage};
use crate::error::Error;
use crate::output::{Event, Output};
use crate::overlay::nested;
use crate::state;
use bauta_schema::training::v1::{Bar, Complaint, Member, OffenceKind, Round, RoundPhase, Task, Verdict};

/// An offence that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// What it is.
    pub kind: OffenceKind,
    /// Who committed it.
    pub provider: Vec<u8>,
    /// The task.
    pub task: u64,
    /// The epoch.
    pub epoch: u64,
    /// The round; 0 before an epoch's first round.
    pub round: u64,
    /// SHA-256 of the evidence.
    pub evidence: [u8; 32],
    /// Who reported it, if anyone did.
    pub reporter: Option<Vec<u8>>,
    /// Who was harmed.
    pub harmed: Vec<Vec<u8>>,
    /// A sentence for people.
    pub what: String,
}

/// The name of a kind: that of the slashing contract and of reports.
pub fn name(kind: OffenceKind) -> &'static str {
    match kind {
        OffenceKind::Unspecified => "unspecified",
        OffenceKind::BadShare => "bad_share",
        OffenceKind::FalseComplaint => "false_complaint",
        OffenceKind::NoSubmission => "no_submission",
        OffenceKind::SilentSeat => "silent_seat",
        OffenceKind::TwoHeaders => "two_headers",
        OffenceKind::UnrequestedPartial => "unrequested_partial",
        OffenceKind::InvalidProof => "invalid_proof",
        OffenceKind::NonCanonical => "non_canonical",
        OffenceKind::WithheldSeed => "withheld_seed",
        OffenceKind::FalseEdge => "false_edge",
        OffenceKind::OutOfBound => "out_of_bound",
        OffenceKind::SilentInBlame => "silent_in_blame",
    }
}

/// How offences compare, in hundredths of a percent of the bond by the protocol's defaults. The slashing contract decides what is taken;
/// this order only decides which of several offences of one round is delivered.
pub fn severity(kind: OffenceKind) -> u32 {
    match kind {
        OffenceKind::Unspecified => 0,
        OffenceKind::NoSubmission => 100,
        OffenceKind::SilentSeat | OffenceKind::SilentInBlame => 200,
        OffenceKind::NonCanonical => 500,
        OffenceKind::WithheldSeed => 2_000,
        OffenceKind::BadShare
        | OffenceKind::FalseComplaint
        | OffenceKind::TwoHeaders
        | OffenceKind::UnrequestedPartial
        | OffenceKind::InvalidProof
        | OffenceKind::FalseEdge
        | OffenceKind::OutOfBound => LARGEST,
    }
}

const LARGEST: u32 = 10_000;

/// Digest of evidence: SHA-256 over the parts with their lengths.
pub(crate) fn evidence(parts: &[&[u8]]) -> [u8; 32] {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    sha256(&bytes)
}

/// Records an offence and what follows from it. Called in a decided block, outside of what the message that revealed it changed.
///
/// # Errors
/// [`Error::State`].
pub fn record_offence(env: &Env<'_>, storage: &mut dyn Storage, offence: &Offence) -> Result<Vec<Output>, Error> {
    nested(storage, |storage| record(env, storage, offence))
}

pub(crate) fn record(env: &Env<'_>, storage: &mut dyn Storage, offence: &Offence) -> Result<Vec<Output>, Error> {
    if is_covered(storage, offence)? {
        return Ok(Vec::new());
    }
    let task = state::task(storage, offence.task)?;
    let current = current_round(storage, &task, offence.epoch)?;
    remove_and_bar(storage, &task, current.as_ref(), offence)?;
    let waits = severity(offence.kind) < LARGEST && current.is_some_and(|round| round.number == offence.round);
    let verdict = Verdict {
        id: identify(env, offence).to_vec(),
        kind: offence.kind.into(),
        provider: offence.provider.clone(),
        task_id: offence.task,
        epoch: offence.epoch,
        round: offence.round,
        evidence: offence.evidence.to_vec(),
        height: env.height,
        reporter: offence.reporter.clone().unwrap_or_default(),
        harmed: offence.harmed.iter().filter(|address| **address != offence.provider).cloned().collect(),
        delivered: !waits,
        what: offence.what.clone(),
    };
    state::put_verdict(storage, &verdict);
    let event = Event::of_task("offence", offence.task)
        .number("epoch", offence.epoch)
        .number("round", offence.round)
        .text("kind", name(offence.kind))
        .address("provider", &offence.provider)
        .bytes("evidence", &offence.evidence);
    let mut outputs = vec![Output::from(event)];
    if verdict.delivered {
        outputs.push(Output::Verdict(verdict));
    }
    Ok(outputs)
}

/// Whether an offence at least as large of the same provider in the same round is recorded; or the very same evidence for another round
/// of the epoch; or the same kind, for those that concern an epoch.
///
/// # Errors
/// [`Error::State`].
pub fn is_covered(storage: &dyn Storage, offence: &Offence) -> Result<bool, Error> {
    let found = state::find_verdict(storage, offence.task, offence.epoch, offence.round, &offence.provider)?;
    if found.is_some_and(|verdict| severity(verdict.kind()) >= severity(offence.kind)) {
        return Ok(true);
    }
    let of_epoch = matches!(offence.kind, OffenceKind::BadShare | OffenceKind::FalseComplaint);
    let place = [offence.task, offence.epoch];
    let verdicts = state::verdicts_of(storage, &offence.provider, &place, usize::MAX)?;
    let is_same =
        |verdict: &Verdict| verdict.kind() == offence.kind && (of_epoch || verdict.evidence == offence.evidence);
    Ok(verdicts.iter().any(is_same))
}

/// `SHA-256(lp("bauta/1/offence") | lp(chain_id) | be64(task) | be64(epoch) | be64(round) | be32(kind) | lp(provider))`.
fn identify(env: &Env<'_>, offence: &Offence) -> [u8; 32] {
    let mut bytes = Vec::new();
    let lp = |part: &[u8], bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(&(part.len() as u16).to_be_bytes());
        bytes.extend_from_slice(part);
    };
    lp(b"bauta/1/offence", &mut bytes);
    lp(env.chain_id.as_bytes(), &mut bytes);
    for number in [offence.task, offence.epoch, offence.round] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&(offence.kind as u32).to_be_bytes());
    lp(&offence.provider, &mut bytes);
    sha256(&bytes)
}

/// The round of an epoch that has not settled, if there is one.
fn current_round(storage: &dyn Storage, task: &Task, epoch: u64) -> Result<Option<Round>, Error> {
    if task.epoch != epoch || task.round == 0 {
        return Ok(None);
    }
    let round = state::round(storage, task.id, task.round)?;
    let settled = matches!(round.phase(), RoundPhase::Finished | RoundPhase::Aborted);
    Ok((round.epoch == epoch && !settled).then_some(round))
}

fn remove_and_bar(
    storage: &mut dyn Storage,
    task: &Task,
    current: Option<&Round>,
    offence: &Offence,
) -> Result<(), Error> {
    if let Some(round) = current.filter(|round| matches!(round.phase(), RoundPhase::CheckIn | RoundPhase::Submit)) {
        if let Some(mut check_in) = state::find_check_in(storage, task.id, round.number, &offence.provider)? {
            check_in.removed = true;
            state::put_check_in(storage, task.id, round.number, &check_in);
        }
    }
    if let Some(mut member) = state::find_member(storage, task.id, offence.epoch, &offence.provider)? {
        bar(&mut member, offence.kind, task.round + 1);
        state::put_member(storage, task.id, offence.epoch, &member);
    }
    Ok(())
}

/// Bars from `next` on: for the rest of the epoch after an offence that nothing can exceed, for one round after a smaller one, from
/// whose penalty the registry's jail takes over.
///
/// The running round's roster was made of the bars that held when it opened, so no bar changes what it says of a round that is open.
fn bar(member: &mut Member, kind: OffenceKind, next: u64) {
    let for_good = severity(kind) >= LARGEST;
    if is_barred_for_good(member) && !for_good {
        return;
    }
    let is_barred_now = is_barred(member, next.saturating_sub(1));
    member.barred_from = if is_barred_now || is_barred_for_good(member) { member.barred_from.min(next) } else { next };
    member.barred_until = if for_good { 0 } else { next };
    member.set_bar(Bar::Offence);
    member.set_offence(kind);
}

/// Whether a member is barred for the rest of the epoch, from whatever round.
pub fn is_barred_for_good(member: &Member) -> bool {
    member.bar() != Bar::Unspecified && member.barred_until == 0
}

/// Whether a member is barred from a round.
pub fn is_barred(member: &Member, round: u64) -> bool {
    member.bar() != Bar::Unspecified
        && round >= member.barred_from
        && (member.barred_until == 0 || round <= member.barred_until)
}

/// Delivers the verdicts of a round that waited until it had settled.
pub(crate) fn deliver(storage: &mut dyn Storage, round: &Round) -> Result<Vec<Output>, Error> {
    let mut outputs = Vec::new();
    for mut verdict in state::verdicts_of_round(storage, round.task_id, round.epoch, round.number)? {
        if !verdict.delivered {
            verdict.delivered = true;
            state::put_verdict(storage, &verdict);
            outputs.push(Output::Verdict(verdict));
        }
    }
    Ok(outputs)
}

/// Whether a seat has complained about a dealer, which excuses it from answering for that dealer.
pub(crate) fn is_excused(complaints: &[Complaint], seat: u32, dealer: &[u8]) -> bool {
    complaints.iter().any(|complaint| complaint.seat == seat && complaint.dealer == dealer)
}
