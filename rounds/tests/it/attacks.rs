//! Attacks on honest providers and on what is revealed, each by its name.

use crate::adversary::{report, signed_body, tampered};
use crate::budget::fees;
use crate::world::{all_but, settings, World};
use bauta_rounds::{derive, state, Call, Error};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::encoding::Slot;
use bauta_secagg::unmask::MaskKind;

#[test]
fn weight_inflation_is_refused_at_check_in() {
    let n = 5;
    let mut world = World::new(n, 70);
    world.set_up(&all_but(n, &[]));
    for weight in [0, 9, u64::MAX] {
        world.clients[0].weight = weight;
        let call = world.check_in_msg(0, 1);
        let rejection = world.send_as(0, call).unwrap_err();
        assert!(matches!(rejection.error, Error::Refused(_)) && rejection.offence.is_none(), "{}", rejection.error);
    }
    assert!(world.verdicts.is_empty());
}

#[test]
fn chunk_griefing_from_another_account_is_refused_and_charged_to_nobody() {
    let n = 5;
    let mut world = World::new(n, 71);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(0, 1);
    let masked = world.masked(0, &update);
    let header = world.header_msg(&masked);
    world.send_as(0, header).unwrap();
    let before = fees(&world);
    let chunk = world.chunk_msg(&masked, 0);
    world.send_as(1, chunk.clone()).unwrap_err();
    let Call::SubmitChunk(msg) = chunk else { unreachable!() };
    let misplaced = Call::SubmitChunk(pb::MsgSubmitChunk { index: 1, ..msg });
    let rejection = world.send_as(0, misplaced).unwrap_err();
    assert!(rejection.offence.is_none());
    assert_eq!(fees(&world), before);
    world.submit(&all_but(n, &[0]));
    for index in 0..masked.chunks.len() as u32 {
        let chunk = world.chunk_msg(&masked, index);
        world.send_as(0, chunk).unwrap();
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    world.assert_exact(1, &everyone);
}

#[test]
fn nothing_is_asked_for_and_nothing_is_answered_below_min_group() {
    let n = 9;
    let mut world = World::new(n, 72);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let least = world.terms().cohort.min_group as usize;
    world.submit(&everyone[..least - 1]);
    let round = world.until_settled(1);
    assert_eq!(round.abort_reason(), pb::AbortReason::TooFewSurvivors);
    assert!(!round.released && round.request_root.is_empty());
    assert!(state::partials(&world.storage, world.task, 1, 0).unwrap().is_empty());
    let check_ins = state::check_ins(&world.storage, world.task, 1).unwrap();
    let members = state::members(&world.storage, world.task, 1).unwrap();
    let group = derive::group(&members, &check_ins).unwrap();
    assert!(derive::survivors(&group, &round.survivors, least as u32).is_err());
    // Who did not submit pays for its silence; who did pays nothing.
    assert!(everyone[..least - 1].iter().all(|&i| world.verdicts_of(i).is_empty()));
    assert!(everyone[least - 1..].iter().all(|&i| world.verdicts_of(i) == [OffenceKind::NoSubmission]));
}

#[test]
fn a_member_removed_after_it_submitted_is_asked_for_by_its_edges_alone() {
    let n = 5;
    let mut world = World::new(n, 73);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let update = world.update(0, 1);
    let first = world.masked(0, &update);
    world.submit_masked(0, &first);
    let second = tampered(&mut world, 0, &first, 1);
    let call = world.header_msg(&second);
    world.send_as(0, call).unwrap_err();
    world.submit(&all_but(n, &[0]));
    world.until_round(pb::RoundPhase::Unmask);
    let kinds = world.requests().providers();
    let slot = |i: usize| Slot::new(world.member(i).slot).unwrap();
    assert_eq!(kinds[&slot(0)], MaskKind::Edge);
    assert!((1..n).all(|i| kinds[&slot(i)] == MaskKind::SelfMask));
}

#[test]
fn an_offence_between_final_survivors_and_unmasking_does_not_change_what_is_asked_for() {
    let n = 5;
    let mut world = World::new(n, 74);
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
    let before = world.requests();
    world.unmask(&everyone[..1]);
    let header = |masked: &bauta_secagg::submit::Masked| pb::HeaderEvidence {
        signed: Some(signed_body(&masked.header)),
        ..Default::default()
    };
    for (a, b) in [(&first, &second), (&second, &first)] {
        let evidence = pb::TwoHeaders { first: Some(header(a)), second: Some(header(b)) };
        let call = report(&world, 0, 1, pb::msg_report::Evidence::TwoHeaders(evidence));
        let _ = world.send_as(1, call);
    }
    assert_eq!(world.verdicts_of(0), [OffenceKind::TwoHeaders]);
    let after = world.requests();
    assert_eq!(before, after);
    assert_eq!(after.root().as_bytes()[..], world.round().request_root[..]);
    world.unmask(&everyone[1..3]);
    world.until_settled(1);
    world.assert_exact(1, &everyone);
}

#[test]
fn a_provider_jailed_between_check_in_and_submission_may_submit_and_loses_nothing_here() {
    let n = 5;
    let mut world = World::new(n, 75);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.registry.jailed.insert(world.clients[0].address.clone());
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..3]);
    world.until_settled(1);
    world.assert_exact(1, &everyone);
    assert!(world.verdicts.is_empty());
}

#[test]
fn one_that_was_jailed_when_check_in_opened_does_not_close_it_on_another() {
    let n = 5;
    let mut world = World::new(n, 76);
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    world.deal_all(&everyone);
    world.until_epoch(pb::EpochPhase::Complain);
    world.registry.jailed.insert(world.clients[0].address.clone());
    world.until_epoch(pb::EpochPhase::Rounds);
    world.registry.jailed.clear();
    world.check_in(&[0, 1, 2, 3]);
    world.block();
    world.block();
    // The shortest window has passed, as many as could when it opened have checked in, and one that may has not.
    assert_eq!(world.round().phase(), pb::RoundPhase::CheckIn);
    world.check_in(&[4]);
    world.until_round(pb::RoundPhase::Submit);
    assert_eq!(world.round().group.len(), 5);
}

#[test]
fn an_early_check_in_for_a_round_that_never_opens_costs_nothing() {
    let n = 5;
    let mut settings = settings(n as u32, 40);
    settings.rounds = 1;
    let mut world = World::with(n, 77, settings);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    let early = world.check_in_msg(0, 2);
    world.send_as(0, early).unwrap();
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    assert_eq!(world.the_task().status(), pb::TaskStatus::Finished);
    assert!(state::check_ins(&world.storage, world.task, 2).unwrap().is_empty());
    for _ in 0..20 {
        world.block();
    }
    assert!(world.verdicts.is_empty());
    assert!(world.locked.values().all(|&locks| locks == 0));
}
