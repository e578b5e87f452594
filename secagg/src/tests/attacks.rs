//! Attacks, each by its name: what protocol.md's rules are the answer to.

use std::collections::BTreeSet;

use crate::check_in::{self, CheckInState, CheckedIn};
use crate::complain::{judge, Complaint, ComplaintState, Verdict};
use crate::context::{Ctx, Ectx, ModelHash, Root, SettingsHash};
use crate::curve::Point;
use crate::deal::{Deal, ShareKeys};
use crate::encoding::{Address, Slot};
use crate::evidence::{two_headers, unrequested, EvidenceError, HeaderEvidence};
use crate::parties::{Group, Survivors};
use crate::prg::{MaskKey, Use};
use crate::rejection::{BadSignature, Refusal, Rejection};
use crate::ring::{NonCanonical, Sign};
use crate::seat::{AnswerRecord, Conflict, NotAnswered};
use crate::signature::{Body, Signed};
use crate::submit::{verify_chunk, ChunkFault, MaskError, Masked};
use crate::tests::world::{deal_with, index, layout, plain_sum, run, slot, Round, World};
use crate::unmask::{self, Asked, Partial, RequestError, Requests, SeatKeys, UnmaskState};
use k256::Scalar;

/// A round of four of which slot 3 dropped out.
pub(crate) fn released(world: &mut World, round: u64) -> (Group, Survivors, Requests) {
    let (group, _) = world.group(round, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let survivors = Survivors::new(&group, &BTreeSet::from([slot(0), slot(1), slot(3)]), 3).unwrap();
    let requests = Requests::new(&world.rctx(round), &[(&group, &survivors)]).unwrap();
    (group, survivors, requests)
}

pub(crate) fn verify(
    world: &World,
    k: usize,
    round: u64,
    requests: &Requests,
    signed: &Signed<Partial>,
) -> Result<(), Rejection> {
    let (ctx, keys, public) = (world.ctx(round), world.seat_keys(k), world.keys[k].public());
    let (address, seat) = (&world.addresses[k], index(k));
    unmask::verify(&UnmaskState { ctx: &ctx, requests, address, seat, v: &public.v, keys: &keys }, signed)
}

fn complaint_against(world: &mut World, dealer: usize, seat: usize) -> Result<Verdict, Rejection> {
    let mut rng = world.rng.clone();
    let signed = world.seat(seat).complain(&world.deals[dealer].body, &mut rng);
    judge_complaint(world, dealer, seat, &signed)
}

pub(crate) fn judge_complaint(
    world: &World,
    dealer: usize,
    seat: usize,
    signed: &Signed<Complaint>,
) -> Result<Verdict, Rejection> {
    let public = world.keys[seat].public();
    let state = ComplaintState {
        complainer: &world.addresses[seat],
        v: &public.v,
        seat: index(seat),
        e: &public.e,
        deal: &world.deals[dealer].body,
        share_key: &world.share_keys[dealer].get(index(seat)).unwrap(),
    };
    judge(&world.ectx, &state, signed)
}

#[test]
fn copied_deal_a_victims_ephemeral_in_ones_own_deal_is_refused_as_an_invalid_proof() {
    let mut world = World::new(4, 1);
    let victim = world.deals[0].body.clone();
    for with_proof in [false, true] {
        let mut body = world.deals[1].body.clone();
        body.ephemeral = victim.ephemeral;
        body.ciphertexts = victim.ciphertexts.clone();
        if with_proof {
            body.proof = victim.proof;
        }
        let signed = world.keys[1].v.sign(&world.ectx, body, &mut world.rng);
        assert!(matches!(world.verify_deal(1, &signed), Err(Rejection::InvalidProof(_))));
    }
}

#[test]
fn a_share_that_contradicts_the_commitments_convicts_the_dealer() {
    let mut world = World::new(4, 2);
    let foreign = world.deals[3].body.ciphertexts[2];
    deal_with(&mut world, 0, |deal| deal.ciphertexts[2] = foreign);
    world.verify_deal(0, &world.deals[0]).unwrap();
    assert!(world.seat(2).open(&world.deals[0].body).is_err());
    assert_eq!(complaint_against(&mut world, 0, 2), Ok(Verdict::DealerGuilty));
}

#[test]
fn a_complaint_about_a_good_share_convicts_the_complainer() {
    let mut world = World::new(4, 3);
    assert_eq!(complaint_against(&mut world, 0, 2), Ok(Verdict::ComplainerGuilty));
}

#[test]
fn a_complaint_with_another_shared_point_is_an_invalid_proof_and_not_a_verdict() {
    let mut world = World::new(4, 4);
    let mut rng = world.rng.clone();
    let mut body = world.seat(2).complain(&world.deals[0].body, &mut rng).body;
    body.shared = Point::GENERATOR;
    let signed = world.keys[2].v.sign(&world.ectx, body, &mut world.rng);
    assert!(judge_complaint(&world, 0, 2, &signed).unwrap_err().is_offence());
}

#[test]
fn a_complaint_of_another_seat_or_about_another_dealer_does_not_carry_over() {
    let mut world = World::new(4, 5);
    let mut rng = world.rng.clone();
    let body = world.seat(2).complain(&world.deals[0].body, &mut rng).body;
    // Its dealer is changed: the proof is over the other deal's ephemeral.
    let mut about_other = body.clone();
    (about_other.dealer, about_other.deal_hash) = (world.addresses[1].clone(), world.deals[1].body.hash());
    let signed = world.keys[2].v.sign(&world.ectx, about_other, &mut world.rng);
    assert!(judge_complaint(&world, 1, 2, &signed).unwrap_err().is_offence());
    // Another seat posts it as its own.
    let mut of_other = body;
    (of_other.complainer, of_other.seat) = (world.addresses[3].clone(), index(3));
    let signed = world.keys[3].v.sign(&world.ectx, of_other, &mut world.rng);
    assert!(judge_complaint(&world, 0, 3, &signed).unwrap_err().is_offence());
}

#[test]
fn identity_share_a_deal_whose_polynomial_has_a_root_at_a_seat_is_refused() {
    let mut world = World::new(3, 6);
    // t = 2: f(k) = x + c k with c = -x/2 is zero at seat 2.
    let x = *world.keys[0].x.scalar();
    let c = -(x * Scalar::from(2u32).invert().unwrap());
    let commitment = crate::secret::SecretScalar::new(c).unwrap().public();
    let signed = deal_with(&mut world, 0, |deal| deal.commitments[1] = commitment);
    assert_eq!(world.verify_deal(0, &signed), Err(Refusal::IdentityShare { seat: 2 }.into()));
}

#[test]
fn forged_seat_partial_by_its_dealer_is_no_evidence_against_the_seat() {
    let mut world = World::new(4, 8);
    let (_, _, requests) = released(&mut world, 1);
    // Whoever knows the shares can make a valid proof; without V it signs with its own key.
    let honest = world.answer(2, 1, &requests);
    let ctx = world.ctx(1);
    let mut body = honest.body.clone();
    body.entries[0].asked = Asked::SelfMask { provider: slot(2) };
    let forged = world.keys[0].v.sign(&ctx, body, &mut world.rng);
    assert_eq!(verify(&world, 2, 1, &requests, &forged), Err(BadSignature.into()));
    let v = world.keys[2].public().v;
    assert_eq!(unrequested(&ctx, &v, &forged, &[&requests]), Err(BadSignature.into()));
}

#[test]
fn unrequested_an_inner_signed_partial_outside_every_list_convicts_and_one_on_a_list_does_not() {
    let mut world = World::new(4, 9);
    let (_, _, requests) = released(&mut world, 1);
    let (ctx, v) = (world.ctx(1), world.keys[2].public().v);
    let honest = world.answer(2, 1, &requests);
    assert_eq!(unrequested(&ctx, &v, &honest, &[&requests]), Err(EvidenceError::AllRequested));
    // Both kinds for slot 1: its update would lie open.
    let mut body = honest.body.clone();
    let base = world.keys[1].x.times(&Point::GENERATOR);
    body.entries[4].asked = Asked::Edge { provider: slot(0), base };
    let signed = world.keys[2].v.sign(&ctx, body.clone(), &mut world.rng);
    assert_eq!(unrequested(&ctx, &v, &signed, &[&requests]), Ok(4));
    assert!(matches!(verify(&world, 2, 1, &requests, &signed), Err(Rejection::Refused(Refusal::Entries { index: 4 }))));
    // Another root alone is refused without penalty and is no evidence.
    let mut body = honest.body;
    body.request_root = Root::from_bytes([1; 32]);
    let signed = world.keys[2].v.sign(&ctx, body, &mut world.rng);
    assert_eq!(verify(&world, 2, 1, &requests, &signed), Err(Refusal::RequestRoot.into()));
    assert_eq!(unrequested(&ctx, &v, &signed, &[&requests]), Err(EvidenceError::AllRequested));
}

#[test]
fn inconsistent_survivor_labels_a_seat_never_answers_both_kinds_for_one_provider() {
    let mut world = World::new(4, 11);
    let (group, _, requests) = released(&mut world, 1);
    let other = Survivors::new(&group, &BTreeSet::from([slot(0), slot(1), slot(2)]), 3).unwrap();
    let other = Requests::new(&world.rctx(1), &[(&group, &other)]).unwrap();
    let mut record = AnswerRecord::new(&world.rctx(1));
    record.admit(&requests).unwrap();
    // Across a restart, too: the record is what is on disk.
    let mut record = AnswerRecord::decode(&record.encode()).unwrap();
    assert_eq!(record.admit(&other), Err(Conflict::BothKinds(3)));
    assert!(record.admit(&requests).is_ok());
    // An admission of one list is none of another.
    let admitted = record.admit(&requests).unwrap();
    let (ctx, mut rng) = (world.ctx(1), world.rng.clone());
    let answer = world.seat(0).answer(&ctx, &other, &admitted, &world.shares[0], &mut rng);
    assert_eq!(answer.unwrap_err(), NotAnswered::NotAdmitted);
}

#[test]
fn inconsistent_survivor_labels_a_list_with_both_kinds_for_one_provider_cannot_be_made() {
    let mut world = World::new(4, 12);
    let (group, survivors, requests) = released(&mut world, 1);
    let twice = Requests::new(&world.rctx(1), &[(&group, &survivors), (&group, &survivors)]);
    assert_eq!(twice.unwrap_err(), RequestError::BothKinds(1));
    let mut bytes = requests.encode();
    // The last edge becomes one of slot 1, which survives.
    let at = bytes.len() - 33 - 1;
    bytes[at] = 1;
    assert!(Requests::decode(&world.rctx(1), &bytes).is_err());
}

#[test]
fn cross_round_relabelling_nothing_of_one_round_is_accepted_in_another() {
    let mut world = World::new(4, 13);
    let (_, _, first) = released(&mut world, 1);
    let (_, _, second) = released(&mut world, 2);
    assert_ne!(first.root(), second.root());
    let partial = world.answer(2, 1, &first);
    assert_eq!(verify(&world, 2, 2, &second, &partial), Err(BadSignature.into()));
    // Signed again for round 2, the proof convicts nobody before the state is compared.
    let body = Partial { request_root: second.root(), ..partial.body };
    let resigned = world.keys[2].v.sign(&world.ctx(2), body, &mut world.rng);
    assert!(matches!(verify(&world, 2, 2, &second, &resigned), Err(Rejection::Refused(_))));
    let mut record = AnswerRecord::new(&world.rctx(1));
    assert_eq!(record.admit(&second), Err(Conflict::Round));
}

#[test]
fn copied_proofs_from_another_slot_round_task_or_chain_do_not_hold() {
    let mut world = World::new(3, 14);
    let (keys, me) = (world.keys[0].clone(), world.addresses[0].clone());
    let public = keys.public();
    let rctx = world.rctx(1);
    let settings = SettingsHash::from_bytes([5; 32]);
    let elsewhere = [
        world.rctx(2),
        crate::context::Rctx::new(&Ectx::new("bauta-test", 8, 1, &settings).unwrap(), 1),
        crate::context::Rctx::new(&Ectx::new("bauta-test", 7, 2, &settings).unwrap(), 1),
        crate::context::Rctx::new(&Ectx::new("other-chain", 7, 1, &settings).unwrap(), 1),
    ];
    let state = CheckInState { address: &me, x: &public.x, v: &public.v, max_weight: 9 };
    for other in elsewhere {
        let (signed, _) = CheckedIn::new(&keys, &other, &me, 1, &mut world.rng);
        assert_eq!(check_in::verify(&rctx, &state, &signed), Err(BadSignature.into()));
        let resigned = keys.v.sign(&rctx, signed.body, &mut world.rng);
        assert!(check_in::verify(&rctx, &state, &resigned).unwrap_err().is_offence());
    }
    // Another slot's check-in under one's own signature: its P is of another key, its proof of another prover.
    let (other, _) = world.check_in(1, 1, 1);
    let mut body = other.body;
    body.address = me.clone();
    let resigned = keys.v.sign(&rctx, body, &mut world.rng);
    assert!(check_in::verify(&rctx, &state, &resigned).unwrap_err().is_offence());
    // Somebody enrols another's keys with the proofs copied: they are bound to the address.
    let enrol = keys.enrol(&world.ectx, &me, &mut world.rng);
    let mut body = enrol.body;
    body.address = world.addresses[1].clone();
    body.keys.v = world.keys[1].public().v;
    let signed = world.keys[1].v.sign(&world.ectx, body, &mut world.rng);
    let result = crate::enrol::verify(&world.ectx, &world.addresses[1], &signed);
    assert!(result.unwrap_err().is_offence());
}

#[test]
fn model_inconsistency_masks_of_clients_shown_different_models_do_not_cancel() {
    let mut world = World::new(3, 15);
    let (group, states) = world.group(1, &[(0, 1), (1, 1), (2, 1)]);
    let layout = layout(64, 40, 40);
    let mut sum = layout.zero(0).unwrap();
    for (i, state) in states {
        let model = ModelHash::from_bytes([if i == 0 { 99 } else { 1 }; 32]);
        let ctx = Ctx::new(&world.rctx(1), &model, &world.roster.root());
        let masked = state.mask(&ctx, &group, &layout, &[5; 40], &mut world.rng).unwrap();
        sum.add_packed(&masked.chunks[0], Sign::Plus).unwrap();
        let self_mask = world.keys[i]
            .x
            .times(&crate::curve::hash_to_curve(crate::curve::HashKind::SelfMask, world.rctx(1).as_bytes()));
        MaskKey::new(Use::Vector, &ctx, &self_mask).apply(&mut sum, Sign::Minus);
    }
    // All self masks are gone; the pairwise masks with client 0 stay.
    assert!(sum.decode().iter().all(|value| *value != 15));
}

#[test]
fn aggregates_below_min_group_cannot_be_asked_for() {
    let mut world = World::new(4, 16);
    let (group, _) = world.group(1, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let submitted: BTreeSet<Slot> = BTreeSet::from([slot(0), slot(1)]);
    let few = Survivors::new(&group, &submitted, 3).unwrap_err();
    assert_eq!((few.survivors, few.min_group), (2, 3));
}

#[test]
fn late_submission_of_a_dropped_provider_is_outside_the_sum_and_its_self_mask_is_never_asked_for() {
    let mut world = World::new(4, 17);
    let (_, survivors, requests) = released(&mut world, 1);
    assert_eq!(survivors.dropped(), [slot(2)]);
    let asked_of_dropped: Vec<_> = requests.entries().iter().filter(|asked| asked.provider() == slot(2)).collect();
    assert_eq!(asked_of_dropped.len(), 3);
    assert!(asked_of_dropped.iter().all(|asked| matches!(asked, Asked::Edge { .. })));
}

#[test]
fn weight_inflation_a_header_with_another_weight_than_the_check_in_is_refused() {
    let mut world = World::new(3, 18);
    let (ctx, layout) = (world.ctx(1), layout(32, 4, 4));
    let (group, _) = world.group(1, &[(0, 1), (1, 1), (2, 1)]);
    let rctx = world.rctx(1);
    let heavy = CheckedIn::resume(&world.keys[0], &rctx, &world.addresses[0], 50);
    let masked = heavy.mask(&ctx, &group, &layout, &[1; 4], &mut world.rng).unwrap();
    let state = crate::submit::HeaderState {
        ctx: &ctx,
        address: &world.addresses[0],
        v: &world.keys[0].public().v,
        slot: slot(0),
        group_root: group.root(),
        weight: 1,
        layout: &layout,
    };
    let refused = Refusal::WeightChanged { expected: 1, got: 50 };
    assert_eq!(crate::submit::verify_header(&state, &masked.header), Err(refused.into()));
}

#[test]
fn an_update_that_would_wrap_around_in_the_ring_is_not_masked() {
    let mut world = World::new(3, 19);
    let (ctx, layout) = (world.ctx(1), layout(16, 3, 3));
    let (group, mut states) = world.group(1, &[(0, 4), (1, 1), (2, 1)]);
    let result = states.remove(&0).unwrap().mask(&ctx, &group, &layout, &[0, 8_192, 0], &mut world.rng);
    assert_eq!(result, Err(MaskError::Overflow { index: 1 }));
}

fn masked(world: &mut World, round: u64, update: i64) -> (HeaderEvidence, Masked) {
    let (group, mut states) = world.group(round, &[(0, 1), (1, 1), (2, 1)]);
    let (ctx, layout) = (world.ctx(round), layout(20, 5, 2));
    let masked = states.remove(&0).unwrap().mask(&ctx, &group, &layout, &[update; 5], &mut world.rng).unwrap();
    let evidence = HeaderEvidence {
        header: masked.header.clone(),
        model_hash: ModelHash::from_bytes([round as u8; 32]),
        roster_root: world.roster.root(),
    };
    (evidence, masked)
}

#[test]
fn two_headers_of_one_round_convict_under_one_model_or_two_and_of_two_rounds_do_not() {
    let mut world = World::new(3, 20);
    let (rctx, v) = (world.rctx(1), world.keys[0].public().v);
    let (first, _) = masked(&mut world, 1, 1);
    let (second, _) = masked(&mut world, 1, 2);
    assert_eq!(two_headers(&rctx, &v, &first, &second), Ok(()));
    // Shown another model, it signs another ctx: still a second header of the round.
    let model_hash = ModelHash::from_bytes([77; 32]);
    let ctx = Ctx::new(&rctx, &model_hash, &world.roster.root());
    let mut body = second.header.body.clone();
    body.ctx = ctx;
    let header = world.keys[0].v.sign(&ctx, body, &mut world.rng);
    let third = HeaderEvidence { header, model_hash, roster_root: world.roster.root() };
    assert_eq!(two_headers(&rctx, &v, &first, &third), Ok(()));
    let (other_round, _) = masked(&mut world, 2, 2);
    assert_eq!(two_headers(&rctx, &v, &first, &other_round), Err(EvidenceError::OtherRound));
    // Somebody else's key, and a forged signature.
    let other = world.keys[1].public().v;
    assert_eq!(two_headers(&rctx, &other, &first, &second), Err(BadSignature.into()));
}

#[test]
fn fee_bumped_resend_the_same_body_signed_again_is_no_equivocation() {
    let mut world = World::new(3, 21);
    let (rctx, v, ctx) = (world.rctx(1), world.keys[0].public().v, world.ctx(1));
    let (first, _) = masked(&mut world, 1, 1);
    let header = world.keys[0].v.sign(&ctx, first.header.body.clone(), &mut world.rng);
    assert_ne!(header.signature, first.header.signature);
    let again = HeaderEvidence { header, ..first.clone() };
    assert_eq!(two_headers(&rctx, &v, &first, &again), Err(EvidenceError::SameBody));
}

#[test]
fn chunk_griefing_a_chunk_out_of_place_is_refused_and_only_signed_padding_convicts() {
    let mut world = World::new(3, 22);
    let (evidence, masked) = masked(&mut world, 1, 1);
    let (mut header, layout) = (evidence.header.body, layout(20, 5, 2));
    assert_eq!(verify_chunk(&header, &layout, 0, &masked.chunks[0]), Ok(()));
    for (index, bytes) in [(1, &masked.chunks[0]), (0, &vec![0; 5]), (3, &masked.chunks[2]), (u32::MAX, &vec![])] {
        assert_eq!(verify_chunk(&header, &layout, index, bytes), Err(ChunkFault::Refused { index }));
    }
    // One element of 20 bits leaves four bits of padding in the last chunk.
    let mut padded = masked.chunks[2].clone();
    *padded.last_mut().unwrap() |= 0x80;
    assert_eq!(verify_chunk(&header, &layout, 2, &padded), Err(ChunkFault::Refused { index: 2 }));
    header.chunks[2] = crate::encoding::sha256(&[&padded]);
    let fault = ChunkFault::NonCanonical(NonCanonical::Padding { chunk: 2 });
    assert_eq!(verify_chunk(&header, &layout, 2, &padded), Err(fault));
    header.chunks[1] = crate::encoding::sha256(&[b"short"]);
    let fault = ChunkFault::NonCanonical(NonCanonical::Length { chunk: 1, expected: 5, got: 4 });
    header.chunks[1] = crate::encoding::sha256(&[b"four"]);
    assert_eq!(verify_chunk(&header, &layout, 1, b"four"), Err(fault));
}

#[test]
fn a_batch_with_invalid_messages_names_exactly_those() {
    let mut world = World::new(7, 23);
    let (group, _) = world.group(1, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let survivors = Survivors::new(&group, &BTreeSet::from([slot(0), slot(1)]), 2).unwrap();
    let requests = Requests::new(&world.rctx(1), &[(&group, &survivors)]).unwrap();
    let ctx = world.ctx(1);
    let mut messages: Vec<_> = (0..5).map(|k| world.answer(k, 1, &requests)).collect();
    for (k, change) in [(1usize, 0usize), (3, 1)] {
        let mut body = messages[k].body.clone();
        match change {
            // A multiple of the value, as a seat would post that answers with another share.
            0 => body.entries[0].value = Point::from_projective(&body.entries[0].value.projective().double()).unwrap(),
            _ => body.proofs[2].response += Scalar::ONE,
        }
        messages[k] = world.keys[k].v.sign(&ctx, body, &mut world.rng);
    }
    let publics: Vec<_> = world.keys.iter().map(crate::enrol::ProviderKeys::public).collect();
    let keys: Vec<SeatKeys> = (0..5).map(|k| world.seat_keys(k)).collect();
    let check = |k: usize| {
        let (address, seat) = (&world.addresses[k], index(k));
        let state = UnmaskState { ctx: &ctx, requests: &requests, address, seat, v: &publics[k].v, keys: &keys[k] };
        unmask::check(&state, &messages[k]).unwrap()
    };
    let checked: Vec<_> = (0..5).map(check).collect();
    assert_eq!(unmask::verify_batch(&checked), Err(vec![1, 3]));
    assert_eq!(unmask::verify_batch(&checked[4..]), Ok(()));
    assert_eq!(unmask::verify_batch(&[]), Ok(()));
}

#[test]
fn two_wrong_messages_whose_errors_cancel_in_a_plain_sum_do_not_pass_a_batch() {
    let mut world = World::new(5, 24);
    let (_, _, requests) = released(&mut world, 1);
    let ctx = world.ctx(1);
    let mut messages: Vec<_> = (0..2).map(|k| world.answer(k, 1, &requests)).collect();
    for (k, sign) in [(0usize, Scalar::ONE), (1, -Scalar::ONE)] {
        let mut body = messages[k].body.clone();
        body.proofs[0].response += sign;
        messages[k] = world.keys[k].v.sign(&ctx, body, &mut world.rng);
    }
    let publics: Vec<_> = world.keys.iter().map(crate::enrol::ProviderKeys::public).collect();
    let keys: Vec<SeatKeys> = (0..2).map(|k| world.seat_keys(k)).collect();
    let check = |k: usize| {
        let (address, seat) = (&world.addresses[k], index(k));
        let state = UnmaskState { ctx: &ctx, requests: &requests, address, seat, v: &publics[k].v, keys: &keys[k] };
        unmask::check(&state, &messages[k]).unwrap()
    };
    assert_eq!(unmask::verify_batch(&[check(0), check(1)]), Err(vec![0, 1]));
}

#[test]
fn every_field_of_every_proof_counts() {
    let mut world = World::new(4, 25);
    let (_, _, requests) = released(&mut world, 1);
    let (ctx, rctx, ectx) = (world.ctx(1), world.rctx(1), world.ectx);
    let keys = world.keys[2].clone();
    let me = world.addresses[2].clone();
    // Partials: every value, and every field of every block's proof.
    let honest = world.answer(2, 1, &requests).body;
    let mut altered = Vec::new();
    for at in 0..honest.entries.len() {
        let mut body = honest.clone();
        body.entries[at].value = Point::GENERATOR;
        altered.push(body);
    }
    for at in 0..honest.proofs.len() {
        for field in 0..3 {
            let mut body = honest.clone();
            alter(&mut body.proofs[at], field);
            altered.push(body);
        }
    }
    let mut body = honest.clone();
    body.proofs.swap(0, 1);
    altered.push(body);
    for body in altered {
        let signed = keys.v.sign(&ctx, body, &mut world.rng);
        assert!(verify(&world, 2, 1, &requests, &signed).unwrap_err().is_offence());
    }
    // Check-ins and complaints.
    let public = keys.public();
    let state = CheckInState { address: &me, x: &public.x, v: &public.v, max_weight: 9 };
    let (check_in, _) = world.check_in(2, 1, 1);
    let mut rng = world.rng.clone();
    let complaint = world.seat(2).complain(&world.deals[0].body, &mut rng);
    for field in 0..3 {
        let mut body = check_in.body.clone();
        alter(&mut body.proof, field);
        let signed = keys.v.sign(&rctx, body, &mut rng);
        assert!(check_in::verify(&rctx, &state, &signed).unwrap_err().is_offence());
        let mut body = complaint.body.clone();
        alter(&mut body.proof, field);
        let signed = keys.v.sign(&ectx, body, &mut rng);
        assert!(judge_complaint(&world, 0, 2, &signed).unwrap_err().is_offence());
    }
}

fn alter(proof: &mut crate::proof::Dleq, field: usize) {
    match field {
        0 => proof.commitment = Point::GENERATOR,
        1 => proof.base_commitment = Point::GENERATOR,
        _ => proof.response += Scalar::ONE,
    }
}

#[test]
fn small_or_predictable_mask_seeds_keys_differ_in_every_context_use_and_pair() {
    let ctx = |byte: u8| Ctx::from_bytes([byte; 32]);
    let point = |k: u32| Point::from_projective(&(Point::GENERATOR.projective() * Scalar::from(k))).unwrap();
    let mut streams = BTreeSet::new();
    for use_ in [Use::Vector, Use::Blind, Use::Cohort] {
        for c in 0..4 {
            for k in 1..5 {
                streams.insert(MaskKey::new(use_, &ctx(c), &point(k)).bytes(0, 32));
            }
        }
    }
    assert_eq!(streams.len(), 3 * 4 * 4);
}

#[test]
fn an_address_of_another_length_cannot_shift_the_fields_behind_it() {
    // (address, x) and (address | first bytes of x, rest) have different encodings thanks to the length prefix.
    let long = Address::new(vec![1; 21]).unwrap();
    let mut world = World::new(2, 26);
    let (signed, _) = world.check_in(0, 1, 1);
    let mut body = signed.body.encode();
    body[1] += 1;
    assert!(crate::check_in::CheckIn::decode(&body).is_err());
    assert_eq!(long.as_bytes().len(), 21);
}

#[test]
fn shares_of_different_seats_sets_open_the_same_sum() {
    let mut world = World::new(6, 27);
    let members: Vec<_> = (0..6).map(|i| (i, 1 + i as u64, vec![i as i64 * 100 - 250; 7])).collect();
    let drops = BTreeSet::from([4]);
    for (number, seats) in [(1, [0, 1, 2, 3]), (2, [5, 4, 3, 2]), (3, [4, 0, 5, 1])] {
        let round =
            Round { number, layout: layout(24, 7, 3), members: &members, drops: &drops, seats: &seats, min_group: 4 };
        assert_eq!(run(&mut world, &round), plain_sum(&round));
    }
}

#[test]
fn deals_are_proven_over_the_whole_deal() {
    let mut world = World::new(4, 28);
    let other = world.deals[1].body.clone();
    let changes: [&dyn Fn(&mut Deal); 5] = [
        &|deal| deal.commitments[2] = other.commitments[2],
        &|deal| deal.ciphertexts[0][0] ^= 1,
        &|deal| deal.ciphertexts.swap(0, 1),
        &|deal| deal.proof.commitment = Point::GENERATOR,
        &|deal| deal.proof.response += Scalar::ONE,
    ];
    for change in changes {
        let mut body = world.deals[0].body.clone();
        change(&mut body);
        let signed = world.keys[0].v.sign(&world.ectx, body, &mut world.rng);
        assert!(world.verify_deal(0, &signed).unwrap_err().is_offence());
    }
    assert_eq!(ShareKeys::decode(&world.share_keys[0].encode()).unwrap(), world.share_keys[0]);
}
