//! Shares of the joint key's value and contributions to its seed, brought as evidence from outside of blocks.

use crate::adversary::{report, signed_body};
use crate::groups::grouped;
use crate::seats::{deal_and_open, evaluate, many};
use crate::world::{all_but, World};
use bauta_rounds::{Call, Error};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::context::Ectx;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::joint::Evaluation;
use bauta_secagg::signature::{digest, Body, Signed};
use k256::Scalar;

fn invalid(message: pb::ProtocolMessage, signed: pb::SignedBody) -> pb::msg_report::Evidence {
    pb::msg_report::Evidence::InvalidProof(pb::InvalidProof { message: message.into(), signed: Some(signed) })
}

/// A report about an epoch that is not the current one, perhaps.
fn of_epoch(call: Call, epoch: u64) -> Call {
    let Call::Report { mut msg, accused } = call else { unreachable!() };
    msg.epoch = epoch;
    Call::Report { msg, accused }
}

fn signed_with(keys: &ProviderKeys, ectx: &Ectx, body: Evaluation) -> Signed<Evaluation> {
    let key = k256::schnorr::SigningKey::from_bytes(&keys.to_bytes()[96..128]).unwrap();
    let hash = digest(Evaluation::KIND, ectx.as_ref(), &body.encode());
    Signed { signature: key.sign_raw(&hash, &[7; 32]).unwrap().to_bytes(), body }
}

#[test]
fn a_share_of_the_value_that_cuts_the_groups_convicts_its_signer_if_its_proof_does_not_hold() {
    let n = 8;
    let mut world = World::with(n, 330, grouped(n as u32, 4));
    world.enrol(&all_but(n, &[]));
    deal_and_open(&mut world, &all_but(n, &[]));
    let garbage = invalid(pb::ProtocolMessage::Evaluate, pb::SignedBody { body: vec![0; 40], signature: vec![0; 64] });
    world.until_awaited();
    let good = world.evaluation(6);
    let mut bad = world.evaluation(7).body;
    bad.proof.response += Scalar::ONE;
    let ectx = world.ectx();
    let bad = world.sign(7, &ectx, bad);
    for i in 0..5 {
        let signed = world.evaluation(i);
        let call = world.evaluate_msg(&signed);
        world.send_as(i, call).unwrap();
    }
    world.until_epoch(pb::EpochPhase::Rounds);
    let evidence = |signed: &Signed<Evaluation>| invalid(pb::ProtocolMessage::Evaluate, signed_body(signed));
    // Of a round it is refused unjudged; what holds, somebody else's and what nobody signed costs the deposit.
    let call = report(&world, 7, 1, evidence(&bad));
    assert!(matches!(world.send_as(2, call).unwrap_err().error, Error::Invalid(_)));
    for (accused, evidence) in [(6, evidence(&good)), (5, evidence(&bad)), (6, garbage)] {
        let call = report(&world, accused, 0, evidence);
        let error = world.send_as(2, call).unwrap_err().error;
        assert!(matches!(error, Error::EvidenceDoesNotHold(_)), "{error}");
    }
    let call = report(&world, 7, 0, evidence(&bad));
    world.send_as(2, call).unwrap();
    assert_eq!(world.verdicts_of(7), [OffenceKind::InvalidProof]);
    let call = report(&world, 7, 0, evidence(&bad));
    assert!(matches!(world.send_as(2, call).unwrap_err().error, Error::AlreadySettled(_)));
    assert_eq!(world.verdicts.len(), 1);
}

#[test]
fn what_was_signed_for_the_draw_of_seats_convicts_in_the_epoch_whose_key_signed_it() {
    let n = 98;
    let everyone = all_but(n, &[]);
    let mut world = many(n, 331);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Seats);
    let mut contribution = world.contribution(9).body;
    contribution.proof.response += Scalar::ONE;
    let ectx = world.ectx();
    let contribution = world.sign(9, &ectx, contribution);
    let whole = world.contribution(8);
    for &i in &everyone {
        let signed = world.contribution(i);
        let call = world.contribute_msg(&signed);
        world.send_as(i, call).unwrap();
    }
    world.until_epoch(pb::EpochPhase::Deal);
    let evidence = invalid(pb::ProtocolMessage::Contribute, signed_body(&whole));
    let call = report(&world, 8, 0, evidence);
    assert!(matches!(world.send_as(2, call).unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    let evidence = invalid(pb::ProtocolMessage::Contribute, signed_body(&contribution));
    let call = report(&world, 9, 0, evidence);
    world.send_as(2, call).unwrap();
    assert_eq!(world.verdicts_of(9), [OffenceKind::InvalidProof]);
    // The rest of the epoch without it, and nobody checks in.
    deal_and_open(&mut world, &all_but(n, &[9]));
    evaluate(&mut world);
    while world.the_task().epoch == 1 {
        world.block();
    }
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Seats);
    assert_eq!(world.epoch().seed_epoch, 1);
    world.until_awaited();
    let (who, mut bad) = everyone
        .iter()
        .find_map(|&i| world.evaluations_for_seats(i).into_iter().next().map(|signed| (i, signed.body)))
        .unwrap();
    bad.proof.response += Scalar::ONE;
    let ectx = world.ectx();
    let bad = signed_with(&world.clients[who].before.as_ref().unwrap().0, &ectx, bad);
    let evidence = || invalid(pb::ProtocolMessage::Evaluate, signed_body(&bad));
    let call = of_epoch(report(&world, who, 0, evidence()), 2);
    let error = world.send_as(2, call).unwrap_err().error;
    assert!(matches!(error, Error::NotAwaited(_) | Error::EvidenceDoesNotHold(_)), "{error}");
    let call = of_epoch(report(&world, who, 0, evidence()), 1);
    world.send_as(2, call).unwrap();
    assert_eq!(world.verdicts_of(who), [OffenceKind::InvalidProof]);
    assert_eq!(world.verdicts.last().unwrap().epoch, 1);
}

#[test]
fn without_a_draw_nobody_is_convicted_of_a_contribution() {
    let mut world = World::new(5, 332);
    world.enrol(&all_but(5, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    let signed = pb::SignedBody { body: vec![1; 80], signature: vec![1; 64] };
    let call = report(&world, 1, 0, invalid(pb::ProtocolMessage::Contribute, signed));
    assert!(matches!(world.send_as(2, call).unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    assert!(world.verdicts.is_empty());
}
