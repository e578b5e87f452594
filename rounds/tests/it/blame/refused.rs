//! Blame is no oracle: it opens one coordinate of those it asks, and edges that a culprit knows.

use super::*;
use crate::adversary::{report, signed_body};
use bauta_rounds::state;
use bauta_rounds::Error;
use bauta_secagg::blame::EdgeNumbers;
use bauta_secagg::signature::Body as _;
use bauta_secagg::unmask::Asked;

#[test]
fn numbers_for_another_coordinate_pass_or_group_are_refused_without_penalty() {
    let mut world = blaming(8, 4, 560);
    let groups = clients_of(&world);
    let (member, outside) = (groups[&1][1], groups[&2][0]);
    world.until_blame(&[(groups[&1][0], 1_000_000)]);
    let good = world.numbers(member).body;
    let ctx = world.ctx();
    let changes: [fn(&mut EdgeNumbers); 6] = [
        |body| body.coordinate += 1,
        |body| body.pass = 2,
        |body| body.edges.truncate(1),
        |body| body.edges[0].number = 1 << 32,
        |body| body.slot = body.edges[0].other,
        |body| body.ctx = bauta_secagg::context::Ctx::from_bytes([0; 32]),
    ];
    for change in changes {
        let mut body = good.clone();
        change(&mut body);
        let signed = world.sign(member, &ctx, body);
        let call = world.numbers_msg(&signed);
        let rejection = world.send_as(member, call).unwrap_err();
        assert!(rejection.offence.is_none() && matches!(rejection.error, Error::Refused(_)), "{}", rejection.error);
    }
    // Whose group's sum is in range is asked for nothing.
    let signed = world.sign(outside, &ctx, good.clone());
    let call = world.numbers_msg(&signed);
    assert!(matches!(world.send_as(outside, call).unwrap_err().error, Error::NotAwaited(_)));
    let mut forged = world.sign(outside, &ctx, good);
    forged.signature[0] ^= 1;
    let call = world.numbers_msg(&forged);
    assert!(matches!(world.send_as(member, call).unwrap_err().error, Error::BadSignature));
}

#[test]
fn of_two_different_answers_the_first_stands() {
    let mut world = blaming(8, 4, 561);
    let groups = clients_of(&world);
    let group = groups[&1].clone();
    world.until_blame(&[(group[0], 1_000_000)]);
    world.sign_numbers(&group);
    let ctx = world.ctx();
    let mut second = world.numbers(group[0]).body;
    second.edges[0].number ^= 1;
    let signed = world.sign(group[0], &ctx, second);
    let call = world.numbers_msg(&signed);
    let rejection = world.send_as(group[0], call).unwrap_err();
    assert!(matches!(rejection.error, Error::Duplicate(_)) && rejection.offence.is_none());
    world.until_round(pb::RoundPhase::BlameRemove);
    world.assert_verdicts(&[(group[0], OffenceKind::OutOfBound)]);
}

#[test]
fn what_is_opened_is_one_coordinate_of_the_members_and_the_edges_of_the_culprit() {
    let mut world = blaming(8, 4, 562);
    let groups = clients_of(&world);
    let (group, hostile, victim) = (groups[&1].clone(), groups[&1][0], groups[&1][1]);
    let excess = 1_000_000 * world.clients[hostile].weight as i64;
    world.until_blame(&[(hostile, 1_000_000)]);
    world.sign_numbers(&rest(&group, &[hostile]));
    world.sign_lie(hostile, victim, -excess);
    world.until_round(pb::RoundPhase::BlameEdges);
    let mut opened = world.asked_edges();
    world.open_edges();
    world.until_round(pb::RoundPhase::BlameRemove);
    opened.extend(world.asked_edges());
    world.open_edges();
    world.until_settled(1);
    assert!(opened.iter().all(|(one, other)| *one == hostile || *other == hostile), "{opened:?}");
    // Of everybody in the group there is one number an edge, all at one coordinate; of the others nothing.
    let values = state::blame_values(&world.storage, world.task, 1).unwrap();
    assert_eq!(values.len(), group.len());
    for values in values {
        let body = EdgeNumbers::decode(&values.body).unwrap();
        assert_eq!((body.coordinate, body.edges.len()), (PLACE as u64, group.len() - 1));
    }
}

#[test]
fn a_partial_for_a_list_of_blame_is_no_offence_and_one_for_other_edges_is() {
    let mut world = blaming(8, 4, 563);
    let groups = clients_of(&world);
    let group = groups[&1].clone();
    world.until_blame(&[(group[0], 1_000_000)]);
    world.sign_numbers(&group);
    world.until_round(pb::RoundPhase::BlameRemove);
    let good = world.opening(7);
    // An edge of one who is no culprit: refused, and evidence once the round has settled.
    let mut body = world.opening(6).body;
    let innocent = world.slot(group[1]);
    let base = match body.entries.last().unwrap().asked {
        Asked::Edge { base, .. } => base,
        Asked::SelfMask { .. } => panic!("a self mask on a list of blame"),
    };
    body.entries[0].asked = Asked::Edge { provider: innocent, base };
    let ctx = world.ctx();
    let bad = world.sign(6, &ctx, body);
    let call = world.unmask_msg(&bad);
    assert!(matches!(world.send_as(6, call).unwrap_err().error, Error::Refused(_)));
    world.open_edges();
    world.until_settled(1);
    let evidence = |signed| pb::msg_report::Evidence::UnrequestedPartial(signed_body(signed));
    let call = report(&world, 7, 1, evidence(&good));
    assert!(matches!(world.send_as(3, call).unwrap_err().error, Error::EvidenceDoesNotHold(_)));
    let call = report(&world, 6, 1, evidence(&bad));
    world.send_as(3, call).unwrap();
    assert_eq!(world.verdicts_of(6), [OffenceKind::UnrequestedPartial]);
    assert!(world.verdicts_of(7).is_empty());
}

#[test]
fn a_partial_for_a_list_of_blame_whose_proof_does_not_hold_convicts() {
    let mut world = blaming(8, 4, 564);
    let groups = clients_of(&world);
    let group = groups[&1].clone();
    world.until_blame(&[(group[0], 1_000_000)]);
    world.sign_numbers(&group);
    world.until_round(pb::RoundPhase::BlameRemove);
    let liar = rest(&all_but(8, &[]), &[group[0]])[0];
    let mut body = world.opening(liar).body;
    body.entries[0].value = bauta_secagg::curve::Point::GENERATOR;
    let ctx = world.ctx();
    let bad = world.sign(liar, &ctx, body);
    let call = world.unmask_msg(&bad);
    world.send_as(liar, call).unwrap();
    for i in all_but(8, &[liar]).into_iter().take(5) {
        let opening = world.opening(i);
        let call = world.unmask_msg(&opening);
        world.send_as(i, call).unwrap();
    }
    world.until_settled(1);
    world.assert_group(1, 1, &group[1..]);
    world.assert_verdicts(&[(group[0], OffenceKind::OutOfBound), (liar, OffenceKind::InvalidProof)]);
}

#[test]
fn a_task_that_does_not_blame_asks_nobody() {
    let mut world = World::with(8, 565, grouped(8, 4));
    world.set_up(&all_but(8, &[]));
    let groups = clients_of(&world);
    let everyone = all_but(8, &[]);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    for &i in &everyone {
        let mut update = world.update(i, 1);
        if i == groups[&1][0] {
            update[PLACE] = 1_000_000;
        }
        let masked = world.masked(i, &update);
        world.submit_masked(i, &masked);
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..5]);
    let round = world.until_settled(1);
    assert_eq!((round.groups[0].void(), round.blame_lists), (pb::AbortReason::OutOfRange, 0));
    world.assert_verdicts(&[]);
}
