//! Silence in blame costs what silence costs, and opens nothing.

use super::*;
use bauta_rounds::Error;

/// A liar hides its excess at the edge with one who is silent.
fn beside_a_liar(seed: u64) -> (World, Vec<usize>, usize, usize) {
    let mut world = blaming(8, 4, seed);
    let group = clients_of(&world)[&1].clone();
    let (liar, silent) = (group[0], group[3]);
    let excess = 1_100_000 * world.clients[liar].weight as i64;
    world.until_blame(&[(liar, 1_100_000)]);
    world.sign_numbers(&rest(&group, &[liar, silent]));
    world.sign_lie(liar, silent, -excess);
    (world, group, liar, silent)
}

#[test]
fn a_silent_honest_member_beside_a_liar_is_asked_again_then_pays_for_silence_and_nothing_is_opened() {
    let (mut world, group, _, silent) = beside_a_liar(540);
    while !world.blame().again {
        assert_eq!(world.round().phase(), pb::RoundPhase::Blame);
        world.block();
    }
    assert!(world.verdicts.is_empty());
    let round = world.until_settled(1);
    assert_eq!(round.groups[0].void(), pb::AbortReason::OutOfRange);
    assert_eq!((round.blame_lists, world.numbered(1).groups[0].removed.len()), (0, 0), "nothing is opened");
    let other = clients_of(&world)[&2].clone();
    world.assert_group(1, 2, &other);
    world.assert_verdicts(&[(silent, OffenceKind::SilentInBlame)]);
    assert_eq!(bauta_rounds::offence::severity(OffenceKind::SilentInBlame), 200);
    assert_eq!(group.len(), 4);
}

#[test]
fn one_who_answers_when_asked_again_exposes_the_liar_and_pays_nothing() {
    let (mut world, group, liar, silent) = beside_a_liar(541);
    while !world.blame().again {
        world.block();
    }
    // Who has signed is not asked again.
    let signed = world.numbers(group[1]);
    let call = world.numbers_msg(&signed);
    assert!(matches!(world.send_as(group[1], call).unwrap_err().error, Error::Duplicate(_)));
    world.sign_numbers(&[silent]);
    world.until_round(pb::RoundPhase::BlameEdges);
    world.open_edges();
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_group(1, 1, &rest(&group, &[liar]));
    world.assert_verdicts(&[(liar, OffenceKind::FalseEdge)]);
}

#[test]
fn the_edges_of_one_silent_member_take_the_other_ends_numbers_and_its_update_stays() {
    let mut world = blaming(8, 4, 542);
    let group = clients_of(&world)[&1].clone();
    let (hostile, silent) = (group[1], group[2]);
    world.until_blame(&[(hostile, 1_000_000)]);
    world.sign_numbers(&rest(&group, &[silent]));
    world.until_round(pb::RoundPhase::BlameRemove);
    assert!(!world.blame().again);
    world.open_edges();
    world.until_settled(1);
    world.assert_group(1, 1, &rest(&group, &[hostile]));
    world.assert_verdicts(&[(hostile, OffenceKind::OutOfBound), (silent, OffenceKind::SilentInBlame)]);
}

#[test]
fn two_silent_ends_of_an_edge_void_the_group_and_whoever_is_out_by_its_own_numbers_is_convicted_all_the_same() {
    let mut world = blaming(8, 4, 543);
    let group = clients_of(&world)[&2].clone();
    world.until_blame(&[(group[0], 1_000_000)]);
    world.sign_numbers(&group[..2]);
    let round = world.until_settled(1);
    assert_eq!((round.groups[1].void(), round.blame_lists), (pb::AbortReason::OutOfRange, 0));
    let silent = OffenceKind::SilentInBlame;
    world.assert_verdicts(&[(group[0], OffenceKind::OutOfBound), (group[2], silent), (group[3], silent)]);
}

#[test]
fn blame_without_a_culprit_slashes_nobody_but_the_silent() {
    let mut world = blaming(8, 4, 544);
    let group = clients_of(&world)[&1].clone();
    // The culprit itself is silent, and one more.
    world.until_blame(&[(group[0], 1_000_000)]);
    world.sign_numbers(&group[2..]);
    let round = world.until_settled(1);
    assert_eq!(round.groups[0].void(), pb::AbortReason::OutOfRange);
    let silent = OffenceKind::SilentInBlame;
    world.assert_verdicts(&[(group[0], silent), (group[1], silent)]);
    // Two percent at most, and one round out.
    assert!(world.verdicts.iter().all(|verdict| bauta_rounds::offence::severity(verdict.kind()) <= 200));
}

#[test]
fn a_list_of_blame_that_fails_for_want_of_answers_is_a_failed_phase_of_its_silent_seats() {
    let mut world = blaming(8, 4, 546);
    let groups = clients_of(&world);
    world.until_blame(&[(groups[&1][0], 1_000_000)]);
    world.sign_numbers(&groups[&1]);
    world.until_round(pb::RoundPhase::BlameRemove);
    for i in 0..4 {
        let opening = world.opening(i);
        let call = world.unmask_msg(&opening);
        world.send_as(i, call).unwrap();
    }
    world.until_settled(1);
    for i in 0..8 {
        let conduct = bauta_rounds::state::conduct(&world.storage, world.task, &world.clients[i].address).unwrap();
        assert_eq!(conduct.silent_phases, u32::from(i >= 4), "{i}");
    }
}

#[test]
fn seats_that_do_not_open_what_blame_asks_pay_as_in_unmasking_and_void_the_blamed_group_alone() {
    let mut world = blaming(8, 4, 545);
    let groups = clients_of(&world);
    world.until_blame(&[(groups[&1][0], 1_000_000)]);
    world.sign_numbers(&groups[&1]);
    world.until_round(pb::RoundPhase::BlameRemove);
    // Four of eight, five are needed.
    for i in 0..4 {
        let opening = world.opening(i);
        let call = world.unmask_msg(&opening);
        world.send_as(i, call).unwrap();
    }
    let round = world.until_settled(1);
    assert_eq!(round.groups[0].void(), pb::AbortReason::OutOfRange);
    world.assert_group(1, 2, &groups[&2]);
    for i in 0..8 {
        let culprit = i == groups[&1][0];
        let silent = i >= 4;
        let kinds = world.verdicts_of(i);
        // One round, one penalty: the largest.
        let expected: &[OffenceKind] = match (culprit, silent) {
            (true, _) => &[OffenceKind::OutOfBound],
            (false, true) => &[OffenceKind::SilentSeat],
            _ => &[],
        };
        assert_eq!(kinds, expected, "{i}");
    }
}
