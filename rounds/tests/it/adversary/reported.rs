//! Offences that somebody reports.

use super::*;

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
fn two_headers_under_different_models_convict_whoever_signed_both() {
    let n = 5;
    let mut world = World::new(n, 24);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    let update = world.update(0, 1);
    let first = world.masked(0, &update);
    // The same author signs for another model, which only those know to whom it was shown.
    let (model, round) = (bauta_secagg::context::ModelHash::from_bytes([9; 32]), world.round());
    let roster = bauta_secagg::context::Root::from_bytes(round.roster_root.clone().try_into().unwrap());
    let other_ctx = bauta_secagg::context::Ctx::new(&world.rctx_of(1), &model, &roster);
    let mut body = first.header.body.clone();
    body.ctx = other_ctx;
    let other = world.sign(0, &other_ctx, body);
    let evidence = |model_hash: Vec<u8>| {
        let header =
            |signed, model_hash| Some(pb::HeaderEvidence { signed: Some(signed), model_hash, ..Default::default() });
        pb::msg_report::Evidence::TwoHeaders(pb::TwoHeaders {
            first: header(signed_body(&first.header), Vec::new()),
            second: header(signed_body(&other), model_hash),
        })
    };
    // Without the model that it was signed for the signature does not hold.
    for (hash, holds) in [(Vec::new(), false), (vec![8; 32], false), (vec![9; 32], true)] {
        let call = report(&world, 0, 1, evidence(hash));
        assert_eq!(world.send_as(1, call).is_ok(), holds);
    }
    assert_only(&world, 0, &[OffenceKind::TwoHeaders]);
}

#[test]
fn a_reported_second_header_harms_its_authors_group_and_nobody_else() {
    let n = 8;
    let mut world = World::with(n, 23, crate::groups::grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let group = crate::groups::clients_of(&world)[&1].clone();
    let author = group[0];
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(author, 1);
    let first = world.masked(author, &update);
    let second = tampered(&mut world, author, &first, 1);
    world.submit_masked(author, &first);
    world.submit(&all_but(n, &[author]));
    let call = report(&world, author, 1, two_headers(&first, &second));
    world.send_as(7, call).unwrap();
    let mut harmed: Vec<_> = group[1..].iter().map(|&i| world.clients[i].address.clone()).collect();
    harmed.sort();
    assert_eq!(world.verdicts[0].harmed, harmed);
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
