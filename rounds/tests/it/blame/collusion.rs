//! Pairs that sign the same lie move an excess from one to the other, and never away.

use super::*;
use rand::Rng;

#[test]
fn a_pair_that_signs_the_same_lie_only_chooses_which_of_them_is_found_first() {
    let n = 12;
    let mut world = blaming(n, 12, 520);
    let (hostile, mate) = (3, 8);
    let excess = 1_200_000 * world.clients[hostile].weight as i64;
    world.until_blame(&[(hostile, 1_200_000)]);
    world.sign_numbers(&all_but(n, &[hostile, mate]));
    world.sign_lie(hostile, mate, -excess);
    world.sign_lie(mate, hostile, excess);
    world.until_round(pb::RoundPhase::BlameRemove);
    // Their ends agree: nothing of them is opened but what removes the one whose numbers now leave too much.
    assert!(world.asked_edges().iter().all(|(culprit, _)| *culprit == mate));
    world.open_edges();
    // The edge between them is open now: the other lied about it, too, and its update is still too large.
    world.until_round(pb::RoundPhase::Blame);
    assert_eq!(world.blame().pass, 2);
    world.sign_numbers(&all_but(n, &[mate]));
    world.until_round(pb::RoundPhase::BlameRemove);
    world.open_edges();
    world.until_settled(1);
    world.assert_exact(1, &all_but(n, &[hostile, mate]));
    world.assert_verdicts(&[(hostile, OffenceKind::FalseEdge), (mate, OffenceKind::OutOfBound)]);
}

#[test]
fn liars_who_together_could_take_a_group_apart_are_found_by_fewer_edges() {
    // Two of four lie about all their edges: opened, these would leave two members alone with each other.
    let mut world = blaming(8, 4, 521);
    let groups = clients_of(&world);
    let group = &groups[&1];
    let (one, other) = (group[0], group[1]);
    let excess = 900_000 * world.clients[one].weight as i64;
    world.until_blame(&[(one, 900_000)]);
    world.sign_numbers(&group[2..]);
    for i in [one, other] {
        let mut body = world.numbers(i).body;
        let own = world.slot(i);
        let mut left = if i == one { excess } else { 0 };
        let mut edges = body.edges.len() as i64;
        for edge in &mut body.edges {
            // Whatever is taken at all edges comes to the excess.
            let more = if edges == 1 { -left } else { 1_000 + edges };
            left += more;
            edges -= 1;
            let change = if own < edge.other { -more } else { more };
            edge.number = edge.number.wrapping_add_signed(change) & u64::from(u32::MAX);
        }
        let ctx = world.ctx();
        let signed = world.sign(i, &ctx, body);
        let call = world.numbers_msg(&signed);
        world.send_as(i, call).unwrap();
    }
    world.until_round(pb::RoundPhase::BlameEdges);
    let edges = world.asked_edges();
    assert!(edges.iter().all(|(a, b)| [one, other].contains(a) || [one, other].contains(b)), "{edges:?}");
    assert!(edges.len() < 5, "opening all would leave two members alone: {edges:?}");
    world.open_edges();
    world.until_settled(1);
    for &honest in &group[2..] {
        assert!(world.verdicts_of(honest).is_empty());
    }
    assert!(!world.verdicts_of(one).is_empty());
    world.assert_group(1, 2, &groups[&2]);
}

#[test]
fn whatever_the_hostile_sign_an_honest_member_is_never_convicted_and_somebody_hostile_is() {
    let seed = rand::random();
    println!("seed {seed}");
    let n = 12;
    let mut world = blaming(n, 12, seed);
    let hostile = [1, 6, 10];
    world.until_blame(&[(1, 3_000_000)]);
    let honest = all_but(n, &hostile);
    for pass in 1..5 {
        let asked = world.blame().groups[0].members.clone();
        let is_asked = |world: &World, i: usize| asked.contains(&world.slot(i).get());
        world.sign_numbers(&honest);
        for i in hostile {
            if !is_asked(&world, i) {
                continue;
            }
            let mut body = world.numbers(i).body;
            for edge in &mut body.edges {
                match world.rng.gen_range(0..4) {
                    0 => edge.number = world.rng.gen_range(0..=u64::from(u32::MAX)),
                    1 => edge.number ^= 1,
                    _ => {}
                }
            }
            let ctx = world.ctx();
            let signed = world.sign(i, &ctx, body);
            let call = world.numbers_msg(&signed);
            world.send_as(i, call).unwrap();
        }
        while world.the_task().round == 1
            && (world.round().phase() != pb::RoundPhase::Blame || world.blame().pass == pass)
        {
            let round = world.round();
            let is_asked = matches!(round.phase(), pb::RoundPhase::BlameEdges | pb::RoundPhase::BlameRemove);
            if is_asked && round.partials == 0 && round.pending_partials == 0 {
                for (one, other) in world.asked_edges() {
                    assert!(hostile.contains(&one) || hostile.contains(&other), "{one} {other}");
                }
                world.open_edges();
            }
            world.block();
        }
        if world.the_task().round > 1 {
            break;
        }
    }
    let round = world.until_settled(1);
    for i in honest {
        assert!(world.verdicts_of(i).is_empty(), "{i} of seed {seed}");
    }
    assert!(hostile.iter().any(|&i| !world.verdicts_of(i).is_empty()), "seed {seed}");
    let removed: Vec<usize> = (0..n).filter(|&i| round.groups[0].removed.contains(&world.slot(i).get())).collect();
    assert!(removed.iter().all(|i| hostile.contains(i)), "seed {seed}");
    if round.phase() == pb::RoundPhase::Finished {
        assert!(removed.contains(&1));
        world.assert_group(1, 1, &all_but(n, &removed));
    }
}
