//! Offences that the chain sees itself.

use super::*;

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
    // The dealer is disqualified from the next round on.
    let call = world.check_in_msg(0, 2);
    let refused = world.send_as(0, call).unwrap_err().error;
    assert!(matches!(refused, Error::Barred(_)), "{refused}");
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
