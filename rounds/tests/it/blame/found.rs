//! Culprits are found, removed, and their groups finish without them.

use super::*;
use bauta_rounds::offence::severity;
use bauta_rounds::{derive, state};
use bauta_secagg::blame::EdgeNumbers;
use bauta_secagg::signature::Body as _;

#[test]
fn an_update_out_of_the_bound_is_removed_and_its_group_finishes_without_it() {
    let mut world = blaming(8, 4, 500);
    let groups = clients_of(&world);
    let (group, hostile) = (&groups[&1], groups[&1][1]);
    world.until_blame(&[(hostile, 1_000_000)]);
    let blame = world.blame();
    assert_eq!((blame.pass, blame.groups.len()), (1, 1));
    assert_eq!((blame.groups[0].number, blame.groups[0].coordinate), (1, PLACE as u64));
    // The other group's sum is there already.
    assert!(!world.round().groups[1].aggregate_hash.is_empty());
    world.sign_numbers(group);
    world.until_round(pb::RoundPhase::BlameRemove);
    // Nothing differs, so that nothing but the culprit's own edges is opened.
    assert_eq!(world.blame().lists.len(), 1);
    let mut edges = world.asked_edges();
    edges.sort_unstable();
    let mut expected: Vec<_> = rest(group, &[hostile]).into_iter().map(|other| (hostile, other)).collect();
    expected.sort_unstable();
    assert_eq!(edges, expected);
    world.open_edges();
    world.until_settled(1);
    world.assert_group(1, 1, &rest(group, &[hostile]));
    world.assert_group(1, 2, &groups[&2]);
    let honest = all_but(8, &[hostile]);
    world.assert_exact(1, &honest);
    world.assert_verdicts(&[(hostile, OffenceKind::OutOfBound)]);
    assert_eq!(severity(OffenceKind::OutOfBound), severity(OffenceKind::TwoHeaders));
    // Who was removed is not paid, and sits out the next round; the others go on.
    let updates = |i: usize| state::reward(&world.storage, &world.clients[i].address, world.task).unwrap().updates;
    assert_eq!(honest.iter().map(|&i| updates(i)).sum::<u32>(), 7);
    assert_eq!(updates(hostile), 0);
    assert!(!derive::is_qualified(&world.member(hostile), 2));
    assert_eq!(world.the_task().model_hash, world.plain_model(&[(1, honest)]));
}

#[test]
fn a_lie_about_an_edge_that_hides_an_update_is_opened_and_convicts_its_author_alone() {
    let mut world = blaming(8, 4, 501);
    let groups = clients_of(&world);
    let (group, hostile, victim) = (&groups[&2], groups[&2][0], groups[&2][2]);
    let excess = 2_000_000;
    world.until_blame(&[(hostile, excess)]);
    world.sign_numbers(&rest(group, &[hostile]));
    // The last to move knows what all others signed, and takes its excess away at one edge.
    let weight = world.clients[hostile].weight as i64;
    world.sign_lie(hostile, victim, -excess * weight);
    world.until_round(pb::RoundPhase::BlameEdges);
    let (lower, higher) = (hostile.min(victim), hostile.max(victim));
    let ends = world.asked_edges().into_iter().map(|(one, other)| (one.min(other), one.max(other)));
    assert_eq!(ends.collect::<Vec<_>>(), [(lower, higher)], "only the edge that differs is opened");
    world.open_edges();
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_group(1, 2, &rest(group, &[hostile]));
    world.assert_verdicts(&[(hostile, OffenceKind::FalseEdge)]);
}

#[test]
fn the_last_to_move_who_copies_what_others_signed_is_found_by_its_own_numbers() {
    let mut world = blaming(8, 4, 502);
    let groups = clients_of(&world);
    let (group, hostile) = (&groups[&1], groups[&1][3]);
    world.until_blame(&[(hostile, -700_000)]);
    let others = rest(group, &[hostile]);
    world.sign_numbers(&others);
    let mut body = world.numbers(hostile).body;
    let own = world.slot(hostile);
    for values in state::blame_values(&world.storage, world.task, 1).unwrap() {
        let said = EdgeNumbers::decode(&values.body).unwrap();
        let edge = body.edges.iter_mut().find(|edge| edge.other == said.slot).unwrap();
        edge.number = said.number(own).unwrap();
    }
    let ctx = world.ctx();
    let signed = world.sign(hostile, &ctx, body);
    let call = world.numbers_msg(&signed);
    world.send_as(hostile, call).unwrap();
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_group(1, 1, &others);
    world.assert_verdicts(&[(hostile, OffenceKind::OutOfBound)]);
}

#[test]
fn dropped_members_edges_are_taken_from_what_is_open_already() {
    let n = 12;
    let mut world = blaming(n, 12, 503);
    let everyone = all_but(n, &[]);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let (hostile, dropped) = (4, 7);
    for i in all_but(n, &[dropped]) {
        let mut update = world.update(i, 1);
        if i == hostile {
            update[PLACE] = 900_000;
        }
        let masked = world.masked(i, &update);
        world.submit_masked(i, &masked);
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..7]);
    world.until_round(pb::RoundPhase::Blame);
    world.sign_numbers(&all_but(n, &[dropped]));
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_exact(1, &all_but(n, &[hostile, dropped]));
    world.assert_verdicts(&[(hostile, OffenceKind::OutOfBound), (dropped, OffenceKind::NoSubmission)]);
}

#[test]
fn an_update_that_wraps_around_the_ring_is_out_of_the_bound() {
    let mut world = blaming(8, 4, 504);
    let groups = clients_of(&world);
    let group = &groups[&1];
    let hostile = *group.iter().find(|&&i| world.clients[i].weight == 1).unwrap();
    world.until_blame(&[(hostile, i64::from(i32::MAX))]);
    world.sign_numbers(group);
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_group(1, 1, &rest(group, &[hostile]));
    world.assert_verdicts(&[(hostile, OffenceKind::OutOfBound)]);
}

#[test]
fn two_updates_that_wrap_around_the_ring_together_gain_what_an_update_in_the_bound_does() {
    let mut world = blaming(8, 4, 505);
    let everyone = all_but(8, &[]);
    let groups = clients_of(&world);
    let pair: Vec<usize> =
        groups.values().map(|group| group.iter().copied().find(|&i| world.clients[i].weight == 1).unwrap()).collect();
    let number = world.member(pair[0]).group;
    let mates = rest(&groups[&number], &[pair[0]]);
    let mate = mates[0];
    let weight = world.clients[mate].weight as i64;
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let mut plain = world.plain_sum(&groups[&number], 1);
    for &i in &everyone {
        let mut update = world.update(i, 1);
        let honest = update[PLACE];
        if i == pair[0] {
            update[PLACE] = i64::from(i32::MAX);
            plain[PLACE] -= honest;
        } else if i == mate {
            // With its weight: 2^31 - 1 and this make a multiple of 2^32, and a little.
            update[PLACE] = i64::from(i32::MAX) / weight;
            plain[PLACE] -= honest * weight;
        }
        let masked = world.masked(i, &update);
        world.submit_masked(i, &masked);
    }
    plain[PLACE] += i64::from(i32::MAX) + i64::from(i32::MAX) / weight * weight - (1 << 32);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..5]);
    world.until_settled(1);
    assert_eq!(world.aggregate_of(1, number), plain);
    let bound = 5_000 * world.numbered(1).groups[number as usize - 1].weight as i64;
    assert!(plain.iter().all(|value| value.abs() <= bound), "what they did is in the range of the group's sum");
    world.assert_verdicts(&[]);
}

#[test]
fn culprits_of_one_coordinate_are_found_in_one_pass_and_of_another_in_the_next() {
    let n = 12;
    let mut world = blaming(n, 12, 506);
    let everyone = all_but(n, &[]);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    for &i in &everyone {
        let mut update = world.update(i, 1);
        match i {
            2 | 9 => update[PLACE] = 800_000,
            5 => update[PLACE + 10] = -900_000,
            _ => {}
        }
        let masked = world.masked(i, &update);
        world.submit_masked(i, &masked);
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..7]);
    world.until_round(pb::RoundPhase::Blame);
    world.sign_numbers(&everyone);
    world.until_round(pb::RoundPhase::BlameRemove);
    assert_eq!(world.asked_edges().len(), 2 * 10);
    world.open_edges();
    world.until_round(pb::RoundPhase::Blame);
    let blame = world.blame();
    assert_eq!((blame.pass, blame.groups[0].coordinate), (2, PLACE as u64 + 10));
    // Who was removed is asked no more.
    assert_eq!(blame.groups[0].members.len(), 10);
    world.sign_numbers(&all_but(n, &[2, 9]));
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_exact(1, &all_but(n, &[2, 5, 9]));
    let out = OffenceKind::OutOfBound;
    world.assert_verdicts(&[(2, out), (5, out), (9, out)]);
}

#[test]
fn a_group_that_is_too_small_without_its_culprits_is_void_and_opens_nothing_of_them() {
    let mut world = blaming(8, 4, 507);
    let groups = clients_of(&world);
    let group = &groups[&1];
    world.until_blame(&[(group[0], 900_000), (group[1], 900_000)]);
    world.sign_numbers(group);
    let round = world.until_settled(1);
    assert_eq!(round.groups[0].void(), pb::AbortReason::OutOfRange);
    assert_eq!(round.blame_lists, 0);
    world.assert_group(1, 2, &groups[&2]);
    world.assert_verdicts(&[(group[0], OffenceKind::OutOfBound), (group[1], OffenceKind::OutOfBound)]);
}

#[test]
fn blame_takes_as_many_blocks_as_it_needs() {
    let mut world = blaming(8, 4, 508);
    let groups = clients_of(&world);
    let (group, hostile, victim) = (&groups[&1], groups[&1][2], groups[&1][0]);
    let weight = world.clients[hostile].weight as i64;
    world.until_blame(&[(hostile, 1_500_000)]);
    // One step a block.
    world.operations = 1;
    world.sign_numbers(&rest(group, &[hostile]));
    world.sign_lie(hostile, victim, -1_500_000 * weight);
    world.until_round(pb::RoundPhase::BlameEdges);
    world.open_edges();
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_group(1, 1, &rest(group, &[hostile]));
    world.assert_verdicts(&[(hostile, OffenceKind::FalseEdge)]);
}

#[test]
fn a_chain_that_stops_in_blame_ends_the_task_and_keeps_no_blob_of_it() {
    for phase in [pb::RoundPhase::Blame, pb::RoundPhase::BlameRemove] {
        let mut world = blaming(8, 4, 509);
        let groups = clients_of(&world);
        world.until_blame(&[(groups[&1][0], 1_000_000)]);
        if phase == pb::RoundPhase::BlameRemove {
            world.sign_numbers(&groups[&1]);
            world.until_round(phase);
            let opening = world.opening(0);
            let call = world.unmask_msg(&opening);
            world.send_as(0, call).unwrap();
        }
        world.halt();
        assert_eq!(world.numbered(1).abort_reason(), pb::AbortReason::Halted);
        // The model and the optimiser's state.
        assert!(world.blobs.0.len() <= 2, "{}", world.blobs.0.len());
        assert_eq!(world.escrow, 0);
    }
}
