//! Offences: each is found and costs its author, and nobody else.

use crate::world::{all_but, settings, World};
use bauta_rounds::{state, Call, Error, Rejection};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::check_in::CheckIn;
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::encoding::SeatIndex;
use bauta_secagg::parties::{SeatHolder, Seats};
use bauta_secagg::proof::{Schnorr, Transcript};
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Masked;
use bauta_secagg::unmask::{Asked, Partial, PartialEntry};
use k256::Scalar;
use sha2::{Digest, Sha256};

/// A deal whose shares for `victims` cannot be opened, properly proven and signed.
pub fn bad_deal(world: &mut World, i: usize, victims: &[u32]) -> Signed<Deal> {
    let epoch = world.epoch();
    let records = state::seats(&world.storage, world.task, epoch.number).unwrap();
    let true_seats = bauta_rounds::derive::seats(&records).unwrap();
    let other = SecretScalar::random(&mut world.rng).public();
    let holders = true_seats
        .iter()
        .map(|(k, holder)| SeatHolder {
            address: holder.address.clone(),
            e: if victims.contains(&k.get()) { other } else { holder.e },
        })
        .collect();
    let seats = Seats::new(holders).unwrap();
    let ectx = world.ectx();
    let client = &world.clients[i];
    let name = client.name();
    // The dealer draws its polynomial, then its ephemeral secret; drawing again from the same state gives the latter.
    let mut again = world.rng.clone();
    let t = epoch.threshold as usize;
    let signed = Dealer::new(&client.keys, ectx, &name).deal(&seats, t, &mut world.rng).unwrap();
    for _ in 1..t {
        SecretScalar::random(&mut again);
    }
    let r = SecretScalar::random(&mut again);
    let mut body = signed.body;
    assert_eq!(r.public(), body.ephemeral);
    body.seats_root = true_seats.root();
    let mut transcript = Transcript::new("deal", ectx.as_bytes());
    let writer = transcript.writer();
    writer.address(&name).bytes(body.seats_root.as_bytes());
    writer.count(body.commitments.len());
    body.commitments.iter().for_each(|point| {
        writer.point(point);
    });
    writer.count(body.ciphertexts.len());
    body.ciphertexts.iter().for_each(|sealed| {
        writer.bytes(sealed);
    });
    writer.point(&body.ephemeral);
    body.proof = Schnorr::prove(&r, &transcript, &mut world.rng);
    world.sign(i, &ectx, body)
}

/// A masked update with other bytes at the beginning of a chunk, signed.
pub fn tampered(world: &mut World, i: usize, masked: &Masked, byte: u8) -> Masked {
    let mut chunks = masked.chunks.clone();
    for byte_of_chunk in &mut chunks[0] {
        *byte_of_chunk ^= byte;
    }
    let mut body = masked.header.body.clone();
    body.chunks = chunks.iter().map(|chunk| Sha256::digest(chunk).into()).collect();
    let ctx = world.ctx();
    Masked { header: world.sign(i, &ctx, body), chunks }
}

/// A partial whose first value is wrong, signed.
pub fn wrong_partial(world: &mut World, i: usize) -> Signed<Partial> {
    let mut body = world.answer(i).body;
    body.entries[0].value = SecretScalar::random(&mut world.rng).public();
    let ctx = world.ctx();
    world.sign(i, &ctx, body)
}

pub fn report(world: &World, accused: usize, round: u64, evidence: pb::msg_report::Evidence) -> Call {
    let msg = pb::MsgReport {
        sender: String::new(),
        accused: String::new(),
        task_id: world.task,
        epoch: world.the_task().epoch,
        round,
        evidence: Some(evidence),
    };
    Call::Report { msg: Box::new(msg), accused: world.clients[accused].address.clone() }
}

pub fn signed_body<B: Body>(signed: &Signed<B>) -> pb::SignedBody {
    pb::SignedBody { body: signed.body_bytes(), signature: signed.signature.to_vec() }
}

fn two_headers(first: &Masked, second: &Masked) -> pb::msg_report::Evidence {
    let evidence = |masked: &Masked| pb::HeaderEvidence {
        signed: Some(signed_body(&masked.header)),
        model_hash: Vec::new(),
        roster_root: Vec::new(),
    };
    pb::msg_report::Evidence::TwoHeaders(pb::TwoHeaders {
        first: Some(evidence(first)),
        second: Some(evidence(second)),
    })
}

fn kind(rejection: &Rejection) -> Option<OffenceKind> {
    rejection.offence.as_ref().map(|offence| offence.kind)
}

/// Only `i` was convicted, of `kinds`.
#[track_caller]
fn assert_only(world: &World, i: usize, kinds: &[OffenceKind]) {
    assert_eq!(world.verdicts_of(i), kinds);
    assert_eq!(world.verdicts.len(), kinds.len(), "{:?}", world.verdicts);
}

fn finish_round(world: &mut World, group: &[usize], seats: &[usize]) {
    let round = world.the_task().round;
    world.check_in(group);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(group);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(seats);
    world.until_settled(round);
    world.assert_exact(round, group);
}

#[test]
fn a_dealer_whose_share_does_not_open_is_convicted_and_the_rounds_go_on_without_it() {
    let n = 5;
    let mut world = World::new(n, 10);
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    let victims = [world.member(1).seat, world.member(2).seat];
    let deal = bad_deal(&mut world, 0, &victims);
    let call = world.deal_msg(&deal);
    world.send_as(0, call).unwrap();
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(pb::EpochPhase::Complain);
    for i in [1, 2] {
        let bad = world.open_shares(i);
        assert_eq!(bad.len(), 1);
        let complaint = world.complain_msg(i, &bad[0]);
        world.send_as(i, complaint.clone()).unwrap();
        assert_eq!(world.send_as(i, complaint).unwrap_err().error, Error::Duplicate("the complaint"));
    }
    assert_only(&world, 0, &[OffenceKind::BadShare]);
    world.until_epoch(pb::EpochPhase::Rounds);
    assert_eq!(world.member(0).slot, 0);
    let others = all_but(n, &[0]);
    for &i in &others {
        world.open_shares(i);
    }
    finish_round(&mut world, &others, &others);
    assert_only(&world, 0, &[OffenceKind::BadShare]);
}

#[test]
fn a_false_complaint_convicts_the_seat_once_and_leaves_the_dealer_alone() {
    let n = 5;
    let mut world = World::new(n, 11);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let number = world.the_task().epoch;
    for dealer in [1, 2] {
        let record =
            state::find_deal(&world.storage, world.task, number, &world.clients[dealer].address).unwrap().unwrap();
        let complaint = world.complain_msg(0, &Deal::decode(&record.body).unwrap());
        let error = world.send_as(0, complaint).unwrap_err().error;
        assert!(matches!(error, Error::FalseComplaint | Error::NotAwaited(_)), "{error}");
    }
    assert_only(&world, 0, &[OffenceKind::FalseComplaint]);
    let others = all_but(n, &[0]);
    // A convicted provider keeps the duties of its seat.
    finish_round(&mut world, &others, &everyone[..4]);
    assert_only(&world, 0, &[OffenceKind::FalseComplaint]);
}

#[test]
fn a_complaint_in_the_middle_of_a_round_excuses_the_seats_and_harms_nobody_honest() {
    let n = 5;
    let mut world = World::new(n, 12);
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    let victims: Vec<u32> = (1..=n as u32).collect();
    let deal = bad_deal(&mut world, 0, &victims);
    let call = world.deal_msg(&deal);
    world.send_as(0, call).unwrap();
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(pb::EpochPhase::Rounds);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    for i in 1..n {
        let bad = world.open_shares(i);
        let complaint = world.complain_msg(i, &bad[0]);
        world.send_as(i, complaint).unwrap();
    }
    let round = world.until_settled(1);
    assert_eq!(round.abort_reason(), pb::AbortReason::TooFewPartials);
    // The dealer's own seat was silent as well, in the same round: one penalty, the largest.
    assert_only(&world, 0, &[OffenceKind::BadShare]);
    let others = all_but(n, &[0]);
    finish_round(&mut world, &others, &others);
    assert_only(&world, 0, &[OffenceKind::BadShare]);
}

#[test]
fn a_deal_with_copied_ephemeral_points_is_refused() {
    let n = 4;
    let mut world = World::new(n, 13);
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    let victim = world.deal(0);
    let call = world.deal_msg(&victim);
    world.send_as(0, call).unwrap();
    let mut copied = world.deal(1).body;
    copied.ephemeral = victim.body.ephemeral;
    copied.proof = victim.body.proof;
    let ectx = world.ectx();
    let copied = world.sign(1, &ectx, copied);
    let call = world.deal_msg(&copied);
    assert_eq!(world.send_as(1, call).unwrap_err().error, Error::KeyReused("ephemeral point R"));
    assert!(world.verdicts.is_empty());
}

#[test]
fn a_signed_deal_with_an_invalid_proof_is_an_offence_and_one_for_other_seats_is_not() {
    let n = 4;
    let mut world = World::new(n, 14);
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    let ectx = world.ectx();
    let mut eclipsed = world.deal(0).body;
    eclipsed.seats_root = bauta_secagg::context::Root::from_bytes([9; 32]);
    let eclipsed = world.sign(0, &ectx, eclipsed);
    let call = world.deal_msg(&eclipsed);
    let rejection = world.send_as(0, call).unwrap_err();
    assert!(matches!(rejection.error, Error::Refused(_)) && rejection.offence.is_none());
    let mut invalid = world.deal(0).body;
    invalid.proof.response += Scalar::ONE;
    let invalid = world.sign(0, &ectx, invalid);
    let call = world.deal_msg(&invalid);
    assert_eq!(kind(&world.send_as(0, call).unwrap_err()), Some(OffenceKind::InvalidProof));
    assert_only(&world, 0, &[OffenceKind::InvalidProof]);
    // It is not awaited any more, and is charged for nothing further.
    let good = world.deal(0);
    let call = world.deal_msg(&good);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::Barred(_)));
}

#[test]
fn a_signed_check_in_with_an_invalid_proof_is_an_offence_and_bars_from_this_round_and_the_next() {
    let n = 5;
    let mut world = World::new(n, 15);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let Call::CheckIn(msg) = world.check_in_msg(0, 1) else { unreachable!() };
    let mut body = CheckIn::decode(&msg.body).unwrap();
    body.proof.response += Scalar::ONE;
    let rctx = world.rctx_of(1);
    let signed = world.sign(0, &rctx, body);
    let bad = Call::CheckIn(pb::MsgCheckIn {
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
        ..msg.clone()
    });
    assert_eq!(kind(&world.send_as(0, bad).unwrap_err()), Some(OffenceKind::InvalidProof));
    assert!(matches!(world.send_as(0, Call::CheckIn(msg)).unwrap_err().error, Error::Barred(_)));
    let others = all_but(n, &[0]);
    finish_round(&mut world, &others, &others);
    let call = world.check_in_msg(0, 2);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::Barred(_)));
    assert_only(&world, 0, &[OffenceKind::InvalidProof]);
}

#[test]
fn a_second_header_on_chain_convicts_its_author_and_removes_it_from_the_round() {
    let n = 5;
    let mut world = World::new(n, 16);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(0, 1);
    let first = world.masked(0, &update);
    world.submit_masked(0, &first);
    // A resend of the same header is no equivocation, whatever fee it carries.
    let resend = world.header_msg(&first);
    assert_eq!(world.send_as(0, resend).unwrap_err().error, Error::Duplicate("the header"));
    let second = tampered(&mut world, 0, &first, 1);
    let call = world.header_msg(&second);
    assert_eq!(kind(&world.send_as(0, call.clone()).unwrap_err()), Some(OffenceKind::TwoHeaders));
    assert_only(&world, 0, &[OffenceKind::TwoHeaders]);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::NotAwaited(_)));
    let others = all_but(n, &[0]);
    world.submit(&others);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    world.assert_exact(1, &others);
    assert_only(&world, 0, &[OffenceKind::TwoHeaders]);
}

#[test]
fn two_headers_that_a_peer_reports_convict_although_the_chain_saw_one() {
    let n = 5;
    let mut world = World::new(n, 17);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&all_but(n, &[0]));
    let update = world.update(0, 1);
    let first = world.masked(0, &update);
    let second = tampered(&mut world, 0, &first, 1);
    world.submit_masked(0, &first);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    // Its vector stays: survivors were final before the offence was known.
    world.assert_exact(1, &everyone);
    let evidence = two_headers(&first, &second);
    let call = report(&world, 0, 1, evidence.clone());
    world.send_as(1, call.clone()).unwrap();
    assert_only(&world, 0, &[OffenceKind::TwoHeaders]);
    assert_eq!(world.verdicts[0].reporter, world.clients[1].address);
    assert_eq!(world.send_as(2, call).unwrap_err().error, Error::AlreadySettled(1));
    // The same header twice, or another provider's, convicts nobody.
    for evidence in [two_headers(&first, &first), evidence] {
        let call = report(&world, 3, 1, evidence);
        assert!(matches!(world.send_as(1, call).unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    }
    assert_only(&world, 0, &[OffenceKind::TwoHeaders]);
    let call = world.check_in_msg(0, 2);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::Barred(_)));
}

#[test]
fn content_that_is_not_canonical_under_a_signed_header_is_an_offence_and_removes_its_author() {
    let n = 5;
    let mut settings = settings(n as u32, 40);
    let encoding = settings.encoding.as_mut().unwrap();
    (encoding.bits, encoding.chunk_elems) = (33, 15);
    let mut world = World::with(n, 18, settings);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    // 15 * 33 bits leave one bit of padding, which must be zero.
    let bad = tampered(&mut world, 0, &masked, 0x80);
    let header = world.header_msg(&bad);
    world.send_as(0, header).unwrap();
    // What does not match its place is refused without penalty.
    let chunk = world.chunk_msg(&masked, 0);
    assert!(matches!(world.send_as(0, chunk).unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    let chunk = world.chunk_msg(&bad, 0);
    assert_eq!(kind(&world.send_as(0, chunk).unwrap_err()), Some(OffenceKind::NonCanonical));
    let others = all_but(n, &[0]);
    world.submit(&others);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    world.assert_exact(1, &others);
    assert_only(&world, 0, &[OffenceKind::NonCanonical]);
}

#[test]
fn a_wrong_partial_in_a_block_full_of_good_ones_convicts_its_author_alone() {
    let n = 6;
    let mut world = World::new(n, 19);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let survivors = all_but(n, &[5]);
    world.submit(&survivors);
    world.until_round(pb::RoundPhase::Unmask);
    // It comes first, so that the good ones must not be refused because of it.
    let wrong = wrong_partial(&mut world, 0);
    let call = world.unmask_msg(&wrong);
    world.send_as(0, call).unwrap();
    world.unmask(&all_but(n, &[0]));
    world.until_settled(1);
    world.assert_exact(1, &survivors);
    assert_eq!(world.verdicts_of(0), [OffenceKind::InvalidProof]);
    assert_eq!(world.verdicts_of(5), [OffenceKind::NoSubmission]);
    assert_eq!(world.verdicts.len(), 2);
}

#[test]
fn a_partial_without_its_proofs_is_an_offence_at_the_end_of_its_block() {
    let n = 5;
    let mut world = World::new(n, 20);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    let mut body = world.answer(0).body;
    body.proofs.clear();
    let ctx = world.ctx();
    let signed = world.sign(0, &ctx, body);
    let call = world.unmask_msg(&signed);
    world.send_as(0, call).unwrap();
    world.block();
    assert_only(&world, 0, &[OffenceKind::InvalidProof]);
    let good = world.answer(0);
    let call = world.unmask_msg(&good);
    assert_eq!(world.send_as(0, call).unwrap_err().error, Error::Duplicate("the partial"));
    world.unmask(&[1, 2, 3]);
    world.until_settled(1);
    world.assert_exact(1, &everyone);
    assert_only(&world, 0, &[OffenceKind::InvalidProof]);
}

#[test]
fn a_signed_partial_that_lists_what_nobody_requested_is_judged_once_the_round_has_settled() {
    let n = 5;
    let mut world = World::new(n, 21);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    let good = world.answer(0);
    // The edge of a survivor: with its self mask this would open its update.
    let mut body = good.body.clone();
    let provider = body.entries[1].asked.provider();
    let base = SecretScalar::random(&mut world.rng).public();
    body.entries.push(PartialEntry { asked: Asked::Edge { provider, base }, value: base });
    let ctx = world.ctx();
    let bad = world.sign(0, &ctx, body);
    let evidence = |signed| pb::msg_report::Evidence::UnrequestedPartial(signed_body(signed));
    let call = report(&world, 0, 1, evidence(&bad));
    assert_eq!(world.send_as(1, call.clone()).unwrap_err().error, Error::NotSettled(1));
    // On chain it is refused without penalty.
    let posted = world.unmask_msg(&bad);
    assert!(matches!(world.send_as(0, posted).unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    world.unmask(&everyone);
    world.until_settled(1);
    let honest = report(&world, 0, 1, evidence(&good));
    assert!(matches!(world.send_as(1, honest).unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    world.send_as(1, call).unwrap();
    assert_only(&world, 0, &[OffenceKind::UnrequestedPartial]);
}

#[test]
fn invalid_proofs_are_heard_from_outside_and_valid_ones_convict_nobody() {
    let n = 5;
    let mut world = World::new(n, 22);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let Call::CheckIn(msg) = world.check_in_msg(0, 1) else { unreachable!() };
    let mut body = CheckIn::decode(&msg.body).unwrap();
    body.proof.response += Scalar::ONE;
    let rctx = world.rctx_of(1);
    let bad = world.sign(0, &rctx, body.clone());
    let forged = world.sign(1, &rctx, body);
    let evidence = |signed: pb::SignedBody, message: pb::ProtocolMessage| {
        pb::msg_report::Evidence::InvalidProof(pb::InvalidProof { message: message.into(), signed: Some(signed) })
    };
    let good = pb::SignedBody { body: msg.body, signature: msg.signature };
    for (what, signed) in [("valid", good), ("framed", signed_body(&forged))] {
        let call = report(&world, 0, 1, evidence(signed, pb::ProtocolMessage::CheckIn));
        let error = world.send_as(1, call).unwrap_err().error;
        assert!(matches!(error, Error::EvidenceDoesNotHold(_)), "{what}: {error}");
    }
    let call = report(&world, 0, 1, evidence(signed_body(&bad), pb::ProtocolMessage::CheckIn));
    world.send_as(1, call).unwrap();
    assert_only(&world, 0, &[OffenceKind::InvalidProof]);
    let others = all_but(n, &[0]);
    world.check_in(&others);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&others);
    world.until_round(pb::RoundPhase::Unmask);
    let wrong = wrong_partial(&mut world, 1);
    let call = report(&world, 1, 1, evidence(signed_body(&wrong), pb::ProtocolMessage::Unmask));
    world.send_as(2, call).unwrap();
    let right = world.answer(2);
    let call = report(&world, 2, 1, evidence(signed_body(&right), pb::ProtocolMessage::Unmask));
    assert!(matches!(world.send_as(1, call).unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    assert_eq!(world.verdicts_of(1), [OffenceKind::InvalidProof]);
    world.unmask(&[2, 3, 4]);
    world.until_settled(1);
    world.assert_exact(1, &others);
    let number = world.the_task().epoch;
    let record = state::find_deal(&world.storage, world.task, number, &world.clients[2].address).unwrap().unwrap();
    let deal = pb::SignedBody { body: record.body, signature: record.signature };
    let call = report(&world, 2, 0, evidence(deal, pb::ProtocolMessage::Deal));
    assert!(matches!(world.send_as(3, call).unwrap_err().error, Error::EvidenceDoesNotHold(_)));
}

#[test]
fn silence_in_a_phase_that_fails_costs_the_silent_seats_and_silence_in_one_that_succeeds_costs_nothing() {
    let n = 5;
    let mut world = World::new(n, 23);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    finish_round(&mut world, &everyone, &[0, 1, 2]);
    assert!(world.verdicts.is_empty());
    let mut settings = settings(n as u32, 40);
    settings.rounds = 3;
    let mut world = World::with(n, 24, settings);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&[0, 1]);
    let round = world.until_settled(1);
    assert_eq!(round.abort_reason(), pb::AbortReason::TooFewPartials);
    assert!(round.released);
    for i in [2, 3, 4] {
        assert_eq!(world.verdicts_of(i), [OffenceKind::SilentSeat]);
    }
    assert_eq!(world.verdicts.len(), 3);
}

#[test]
fn a_round_that_more_drop_out_of_than_it_bears_aborts_and_costs_the_silent_one_penalty_each() {
    let n = 9;
    let mut settings = settings(n as u32, 40);
    settings.rounds = 2;
    let mut world = World::with(n, 25, settings);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    // Four survivors: enough for a group of five with a minimum of four, too few seats of nine.
    let survivors = all_but(n, &[4, 5, 6, 7, 8]);
    world.submit(&survivors);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&survivors);
    let round = world.until_settled(1);
    assert_eq!(round.abort_reason(), pb::AbortReason::TooFewPartials);
    for i in 4..9 {
        // Silent in both roles, in one round: the larger of the two.
        assert_eq!(world.verdicts_of(i), [OffenceKind::SilentSeat]);
    }
    assert_eq!(world.verdicts.len(), 5);
    // The next round goes on, here without those that are barred from it.
    assert_eq!(world.round().number, 2);
    world.check_in(&survivors);
    let late = world.check_in_msg(4, 2);
    assert!(matches!(world.send_as(4, late).unwrap_err().error, Error::Barred(_)));
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&survivors);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..5]);
    world.until_settled(2);
    world.assert_exact(2, &survivors);
}

#[test]
fn an_aggregate_out_of_range_voids_the_round_and_slashes_nobody() {
    let n = 5;
    let mut world = World::new(n, 26);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let garbage = tampered(&mut world, 0, &masked, 0x55);
    world.submit_masked(0, &garbage);
    world.submit(&all_but(n, &[0]));
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    let round = world.until_settled(1);
    assert_eq!(round.abort_reason(), pb::AbortReason::OutOfRange);
    assert!(round.released);
    assert!(world.verdicts.is_empty());
    assert_eq!(world.the_task().model_hash, round.model_hash);
    // The seats did their part and are paid; updates are not.
    assert_eq!(everyone.iter().map(|&i| world.balance(i)).sum::<i128>(), 3 * 20);
    finish_round(&mut world, &everyone, &everyone[..3]);
}

#[test]
fn a_header_for_another_group_weight_or_context_is_refused_without_penalty() {
    let n = 5;
    let mut world = World::new(n, 27);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let ctx = world.ctx();
    for change in 0..4 {
        let mut body = masked.header.body.clone();
        match change {
            0 => body.group_root = bauta_secagg::context::Root::from_bytes([1; 32]),
            1 => body.weight += 1,
            2 => body.ctx = bauta_secagg::context::Ctx::from_bytes([1; 32]),
            _ => body.bytes += 1,
        }
        let header = world.sign(0, &ctx, body);
        let call = world.header_msg(&Masked { header, chunks: Vec::new() });
        let rejection = world.send_as(0, call).unwrap_err();
        assert!(rejection.offence.is_none() && matches!(rejection.error, Error::Refused(_)), "{}", rejection.error);
    }
    world.submit(&everyone);
    assert!(world.verdicts.is_empty());
}

#[test]
fn a_seat_index_that_is_not_the_senders_is_refused() {
    let n = 5;
    let mut world = World::new(n, 28);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    // A dealer knows f(k) and could make another seat's partial, but not sign it.
    let other = world.answer(1);
    let mut body = other.body.clone();
    let ctx = world.ctx();
    let call = world.unmask_msg(&other);
    assert!(world.send_as(0, call).unwrap_err().offence.is_none());
    body.seat = SeatIndex::new(world.member(1).seat).unwrap();
    let forged = world.sign(0, &ctx, body);
    let call = world.unmask_msg(&forged);
    assert!(world.send_as(1, call).unwrap_err().offence.is_none());
    assert!(world.verdicts.is_empty());
}
