//! Attacks with evidence: the same deed is one offence, and a copy convicts the copier.

use crate::adversary::{report, signed_body, tampered};
use crate::world::{all_but, World};
use bauta_rounds::{state, Call, Error};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::check_in::CheckIn;
use bauta_secagg::deal::Deal;
use bauta_secagg::signature::Body;
use k256::Scalar;
use rand::Rng;

fn invalid_proof(message: pb::ProtocolMessage, signed: pb::SignedBody) -> pb::msg_report::Evidence {
    pb::msg_report::Evidence::InvalidProof(pb::InvalidProof { message: message.into(), signed: Some(signed) })
}

#[test]
fn the_same_invalid_deal_reported_for_another_round_is_no_second_offence() {
    let n = 5;
    let mut world = World::new(n, 65);
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    let mut bad = world.deal(0).body;
    bad.proof.response += Scalar::ONE;
    let ectx = world.ectx();
    let bad = world.sign(0, &ectx, bad);
    let call = world.deal_msg(&bad);
    world.send_as(0, call).unwrap_err();
    assert_eq!(world.verdicts_of(0), [OffenceKind::InvalidProof]);
    // A second signed deal that never reached the chain.
    let mut other = world.deal(1).body;
    other.proof.response += Scalar::ONE;
    let other = world.sign(1, &ectx, other);
    world.deal_all(&[1, 2, 3, 4]);
    world.until_epoch(pb::EpochPhase::Rounds);
    for round in [0, 1] {
        let call = report(&world, 0, round, invalid_proof(pb::ProtocolMessage::Deal, signed_body(&bad)));
        world.send_as(2, call).unwrap_err();
    }
    let reports: Vec<bool> = [1, 0, 1]
        .into_iter()
        .map(|round| {
            let call = report(&world, 1, round, invalid_proof(pb::ProtocolMessage::Deal, signed_body(&other)));
            world.send_as(2, call).is_ok()
        })
        .collect();
    assert_eq!(reports, [false, true, false], "a deal belongs to no round");
    assert_eq!(world.verdicts_of(0), [OffenceKind::InvalidProof]);
    assert_eq!(world.verdicts_of(1), [OffenceKind::InvalidProof]);
}

#[test]
fn the_same_invalid_complaint_reported_for_another_round_is_no_second_offence() {
    let n = 5;
    let mut world = World::new(n, 66);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let number = world.the_task().epoch;
    let record = state::find_deal(&world.storage, world.task, number, &world.clients[1].address).unwrap().unwrap();
    let Call::Complain(msg) = world.complain_msg(0, &Deal::decode(&record.body).unwrap()) else { unreachable!() };
    let mut body = bauta_secagg::complain::Complaint::decode(&msg.body).unwrap();
    body.proof.response += Scalar::ONE;
    let ectx = world.ectx();
    let signed = world.sign(0, &ectx, body);
    let bad =
        Call::Complain(pb::MsgComplain { body: signed.body_bytes(), signature: signed.signature.to_vec(), ..msg });
    let offence = world.send_as(0, bad).unwrap_err().offence.unwrap();
    assert_eq!((offence.kind, offence.round), (OffenceKind::InvalidProof, 1));
    for round in [0, 1] {
        let call = report(&world, 0, round, invalid_proof(pb::ProtocolMessage::Complain, signed_body(&signed)));
        assert!(matches!(world.send_as(2, call).unwrap_err().error, Error::AlreadySettled(_)));
    }
    assert_eq!(world.verdicts.len(), 1);
}

#[test]
fn the_same_invalid_early_check_in_reported_in_its_own_round_is_no_second_offence() {
    let n = 5;
    let mut world = World::new(n, 67);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let Call::CheckIn(msg) = world.check_in_msg(0, 2) else { unreachable!() };
    let mut body = CheckIn::decode(&msg.body).unwrap();
    body.proof.response += Scalar::ONE;
    let rctx = world.rctx_of(2);
    let signed = world.sign(0, &rctx, body);
    let bad = Call::CheckIn(pb::MsgCheckIn { body: signed.body_bytes(), signature: signed.signature.to_vec(), ..msg });
    world.send_as(0, bad).unwrap_err();
    assert_eq!(world.verdicts_of(0), [OffenceKind::InvalidProof]);
    let others = all_but(n, &[0]);
    world.submit(&others);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&others);
    world.until_settled(1);
    world.assert_exact(1, &others);
    assert_eq!(world.round().number, 2);
    let call = report(&world, 0, 2, invalid_proof(pb::ProtocolMessage::CheckIn, signed_body(&signed)));
    assert!(matches!(world.send_as(2, call).unwrap_err().error, Error::AlreadySettled(_)));
    assert_eq!(world.verdicts.len(), 1);
}

#[test]
fn evidence_about_deals_before_there_are_seats_does_not_hold() {
    let n = 4;
    let mut world = World::new(n, 68);
    world.enrol(&all_but(n, &[]));
    let garbage = pb::SignedBody { body: vec![0; 40], signature: vec![0; 64] };
    for message in [pb::ProtocolMessage::Deal, pb::ProtocolMessage::Complain] {
        let call = report(&world, 0, 0, invalid_proof(message, garbage.clone()));
        let error = world.send_as(1, call).unwrap_err().error;
        assert!(matches!(error, Error::EvidenceDoesNotHold(_) | Error::Malformed(_)), "{error}");
    }
}

#[test]
fn a_copied_proof_from_another_provider_convicts_the_copier_alone() {
    let n = 5;
    let mut world = World::new(n, 69);
    world.set_up(&all_but(n, &[]));
    let Call::CheckIn(msg) = world.check_in_msg(1, 1) else { unreachable!() };
    let victim = CheckIn::decode(&msg.body).unwrap();
    let copied = CheckIn { address: world.clients[0].name(), ..victim };
    let rctx = world.rctx_of(1);
    let signed = world.sign(0, &rctx, copied);
    let call = Call::CheckIn(pb::MsgCheckIn {
        body: signed.body_bytes(),
        signature: signed.signature.to_vec(),
        ..msg.clone()
    });
    assert!(world.send_as(0, call).unwrap_err().offence.is_some());
    world.send_as(1, Call::CheckIn(msg)).unwrap();
    assert_eq!(world.verdicts_of(0), [OffenceKind::InvalidProof]);
    assert_eq!(world.verdicts.len(), 1);
}

#[test]
fn evidence_of_one_round_convicts_nobody_in_another() {
    let n = 5;
    let mut world = World::new(n, 80);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let header = |signed| pb::HeaderEvidence { signed: Some(signed), ..Default::default() };
    let mut headers = Vec::new();
    let mut partials = Vec::new();
    for round in [1, 2] {
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        let update = world.update(0, round);
        let masked = world.masked(0, &update);
        world.submit_masked(0, &masked);
        headers.push(signed_body(&masked.header));
        if let Some(old) = headers.first().filter(|_| round == 2) {
            // A header of the round before is not one of this round: refused, no equivocation.
            let replayed = Call::SubmitHeader(pb::MsgSubmitHeader {
                sender: String::new(),
                task_id: world.task,
                round,
                body: old.body.clone(),
                signature: old.signature.clone(),
            });
            assert!(world.send_as(0, replayed).unwrap_err().offence.is_none());
        }
        world.submit(&all_but(n, &[0]));
        world.until_round(pb::RoundPhase::Unmask);
        let partial = world.answer(0);
        let call = world.unmask_msg(&partial);
        world.send_as(0, call).unwrap();
        partials.push(signed_body(&partial));
        world.unmask(&[1, 2]);
        world.until_settled(round);
        world.assert_exact(round, &everyone);
    }
    let two = pb::TwoHeaders { first: Some(header(headers[0].clone())), second: Some(header(headers[1].clone())) };
    let epoch = 1;
    for round in [1, 2] {
        for evidence in [
            pb::msg_report::Evidence::TwoHeaders(two.clone()),
            pb::msg_report::Evidence::UnrequestedPartial(partials[0].clone()),
            pb::msg_report::Evidence::UnrequestedPartial(partials[1].clone()),
            invalid_proof(pb::ProtocolMessage::Unmask, partials[0].clone()),
            invalid_proof(pb::ProtocolMessage::Unmask, partials[1].clone()),
        ] {
            let Call::Report { mut msg, accused } = report(&world, 0, round, evidence) else { unreachable!() };
            msg.epoch = epoch;
            let error = world.send_as(1, Call::Report { msg, accused }).unwrap_err().error;
            assert!(matches!(error, Error::EvidenceDoesNotHold(_)), "{error}");
        }
    }
    assert!(world.verdicts.is_empty());
}

#[test]
fn equivocation_in_a_settled_round_costs_the_largest_penalty_once_however_often_it_is_shown() {
    let n = 5;
    let mut world = World::new(n, 81);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let others = all_but(n, &[0]);
    world.submit(&others);
    let update = world.update(0, 1);
    let first = world.masked(0, &update);
    let headers: Vec<_> = [0, 1, 2].map(|byte| tampered(&mut world, 0, &first, byte).header).into();
    // It sends none of them: silence first, then the peers show what it signed.
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&others);
    world.until_settled(1);
    assert_eq!(world.verdicts_of(0), [OffenceKind::NoSubmission]);
    let header = |i: usize| Some(pb::HeaderEvidence { signed: Some(signed_body(&headers[i])), ..Default::default() });
    for (first, second) in [(0, 1), (1, 0), (0, 2), (2, 1)] {
        let two = pb::TwoHeaders { first: header(first), second: header(second) };
        let call = report(&world, 0, 1, pb::msg_report::Evidence::TwoHeaders(two));
        let _ = world.send_as(1, call);
    }
    assert_eq!(world.verdicts_of(0), [OffenceKind::NoSubmission, OffenceKind::TwoHeaders]);
    assert_eq!(world.verdicts.len(), 2);
}

#[test]
fn no_mutation_of_honest_messages_is_evidence_against_anyone_or_a_fault() {
    let n = 5;
    let mut world = World::new(n, 82);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let Call::CheckIn(check_in) = world.check_in_msg(0, 1) else { unreachable!() };
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    let partial = world.answer(0);
    let record = state::find_deal(&world.storage, world.task, 1, &world.clients[0].address).unwrap().unwrap();
    let other = state::find_deal(&world.storage, world.task, 1, &world.clients[1].address).unwrap().unwrap();
    let Call::Complain(complaint) = world.complain_msg(0, &Deal::decode(&other.body).unwrap()) else { unreachable!() };
    let bodies = [
        pb::SignedBody { body: record.body, signature: record.signature },
        pb::SignedBody { body: complaint.body, signature: complaint.signature },
        pb::SignedBody { body: check_in.body, signature: check_in.signature },
        signed_body(&partial),
        signed_body(&masked.header),
    ];
    let flip = |world: &mut World, bytes: &mut Vec<u8>| match world.rng.gen_range(0..4) {
        0 => bytes.truncate(world.rng.gen_range(0..=bytes.len())),
        1 => bytes.push(world.rng.gen()),
        2 => {}
        _ => {
            let at = world.rng.gen_range(0..bytes.len());
            bytes[at] ^= 1 << world.rng.gen_range(0..8);
        }
    };
    for step in 0..400 {
        if step == 200 {
            world.unmask(&[1, 2, 3]);
            world.until_settled(1);
        }
        let mut signed = bodies[world.rng.gen_range(0..bodies.len())].clone();
        let mut second = signed.clone();
        flip(&mut world, &mut signed.body);
        if world.rng.gen() {
            flip(&mut world, &mut signed.signature);
        }
        flip(&mut world, &mut second.signature);
        let header = |signed| Some(pb::HeaderEvidence { signed: Some(signed), ..Default::default() });
        let evidence = match world.rng.gen_range(0..8) {
            0 => pb::msg_report::Evidence::TwoHeaders(pb::TwoHeaders { first: header(signed), second: header(second) }),
            1 => pb::msg_report::Evidence::UnrequestedPartial(signed),
            kind => {
                let message = pb::ProtocolMessage::try_from(kind - 1).unwrap();
                invalid_proof(message, signed)
            }
        };
        let (accused, round) = (world.rng.gen_range(0..n), world.rng.gen_range(0..3));
        let Call::Report { mut msg, accused } = report(&world, accused, round, evidence) else { unreachable!() };
        msg.epoch = 1;
        let error = world.send_as(4, Call::Report { msg, accused }).unwrap_err().error;
        assert!(!matches!(error, Error::State(_)), "{error}");
    }
    assert!(world.verdicts.is_empty());
}
