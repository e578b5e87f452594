//! Windows are heights: what comes late is late, and full lanes move nothing.

use crate::world::{all_but, World};
use bauta_rounds::Error;
use bauta_schema::training::v1 as pb;

#[test]
fn a_message_in_the_last_block_of_its_window_counts_and_one_in_the_next_is_late() {
    let n = 5;
    let mut world = World::new(n, 70);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&[0, 1, 2]);
    for _ in 0..3 {
        world.block();
    }
    world.check_in(&[3]);
    let late = world.check_in_msg(4, 1);
    world.block();
    assert_eq!(world.round().phase(), pb::RoundPhase::Submit);
    assert_eq!(world.round().check_ins, 4);
    assert!(matches!(world.send_as(4, late).unwrap_err().error, Error::WrongPhase { .. }));
}

#[test]
fn blocks_whose_lane_was_full_do_not_count() {
    let n = 5;
    let mut world = World::new(n, 71);
    world.set_up(&all_but(n, &[]));
    world.check_in(&[0, 1, 2]);
    for _ in 0..20 {
        world.end_block(false);
    }
    assert_eq!(world.round().phase(), pb::RoundPhase::CheckIn);
    world.check_in(&[3, 4]);
    world.end_block(false);
    // Nobody is left to wait for.
    assert_eq!(world.round().phase(), pb::RoundPhase::Submit);
}

#[test]
fn full_lanes_move_neither_the_cutting_of_groups_nor_blame() {
    let n = 8;
    let mut settings = crate::groups::grouped(n as u32, 4);
    settings.blame = Some(pb::Blame { window: 4 });
    let mut world = World::with(n, 78, settings);
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    crate::seats::deal_and_open(&mut world, &everyone);
    world.until_awaited();
    for _ in 0..30 {
        world.end_block(false);
    }
    assert_eq!(world.epoch().phase(), pb::EpochPhase::Partition);
    world.evaluate(&everyone[..5]);
    world.until_epoch(pb::EpochPhase::Rounds);
    let hostile = crate::groups::clients_of(&world)[&1][0];
    world.until_blame(&[(hostile, 1_000_000)]);
    for _ in 0..30 {
        world.end_block(false);
    }
    assert_eq!((world.round().phase(), world.verdicts.len()), (pb::RoundPhase::Blame, 0));
    let group = crate::groups::clients_of(&world)[&1].clone();
    world.sign_numbers(&group);
    world.until_round(pb::RoundPhase::BlameRemove);
    for _ in 0..30 {
        world.end_block(false);
    }
    assert_eq!(world.round().phase(), pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    assert_eq!(world.verdicts_of(hostile), [pb::OffenceKind::OutOfBound]);
    assert_eq!(world.verdicts.len(), 1);
}

#[test]
fn a_window_closes_early_only_after_the_shortest_window() {
    let n = 5;
    let mut world = World::new(n, 72);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.block();
    assert_eq!(world.round().phase(), pb::RoundPhase::CheckIn);
    world.block();
    assert_eq!(world.round().phase(), pb::RoundPhase::Submit);
}

#[test]
fn a_late_submission_of_one_that_was_dropped_is_not_awaited() {
    let n = 5;
    let mut world = World::new(n, 73);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&[0, 1, 2, 3]);
    let update = world.update(4, 1);
    let masked = world.masked(4, &update);
    let header = world.header_msg(&masked);
    world.send_as(4, header).unwrap();
    world.until_round(pb::RoundPhase::Unmask);
    for index in 0..masked.chunks.len() as u32 {
        let chunk = world.chunk_msg(&masked, index);
        assert!(matches!(world.send_as(4, chunk).unwrap_err().error, Error::WrongPhase { .. }));
    }
}

#[test]
fn partials_that_came_in_time_are_verified_although_the_budget_is_small_and_late_ones_are_late() {
    let n = 5;
    let mut world = World::new(n, 74);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    for _ in 0..3 {
        world.block();
    }
    world.operations = 1;
    world.unmask(&[0, 1, 2]);
    let late = world.answer(3);
    let late = world.unmask_msg(&late);
    world.block();
    // One a block: the window is over, two wait.
    assert_eq!((world.round().partials, world.round().pending_partials), (1, 2));
    assert_eq!(world.send_as(3, late).unwrap_err().error, Error::Late("unmask"));
    world.until_settled(1);
    world.assert_exact(1, &everyone);
    assert!(world.verdicts.is_empty());
}
