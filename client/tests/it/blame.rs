//! Providers in a task that blames: what they sign and open, and what they refuse to.

use std::sync::Arc;

use bauta_client::provider::{Behaviour, Event, Honest};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_schema::type_url;

use crate::proven_lies::{caught_in, in_round};
use crate::world::{settings, Shared, World};

/// Submits far more than the bound in round 1, or is silent when its edges' numbers are asked for.
#[derive(Clone, Copy)]
struct Hostile {
    excess: i64,
    signs: bool,
}

impl Behaviour for Hostile {
    fn alters(&self, round: u64, update: &mut [i64]) {
        if round == 1 {
            update[17] += self.excess;
        }
    }

    fn signs_numbers(&self, _round: u64) -> bool {
        self.signs
    }
}

/// Providers in one group, in a task that blames.
async fn blaming(behaviours: Vec<(usize, Hostile)>, rounds: u32) -> World {
    let n = 6;
    let mut task = settings(n, rounds);
    task.blame = Some(pb::Blame { window: 8 });
    let behaviour = |index: usize| match behaviours.iter().find(|(of, _)| *of == index) {
        Some((_, hostile)) => Shared(Arc::new(*hostile) as Arc<dyn Behaviour>),
        None => Shared(Arc::new(Honest)),
    };
    World::with_settings((0..n as usize).map(behaviour).collect(), task).await
}

const TOO_MUCH: Hostile = Hostile { excess: 1_000_000, signs: true };

#[tokio::test]
async fn a_round_finishes_without_the_one_whose_update_is_out_of_the_bound_and_everybody_follows_the_headers() {
    let mut world = blaming(vec![(2, TOO_MUCH)], 2).await;
    world.light_up();
    world.run().await;
    assert_eq!(world.survivors(), [[0, 1, 3, 4, 5]; 2]);
    assert_eq!(world.node.lock().machine.offences(), [(world.raw(2), OffenceKind::OutOfBound)]);
    let events = world.events.lock().unwrap();
    for index in 0..6 {
        let signed = Event::SignedNumbers { round: 1, coordinate: 17 };
        assert_eq!(events.iter().filter(|event| **event == (index, signed.clone())).count(), 1, "{index}");
    }
    assert!(events.iter().any(|(_, event)| *event == Event::OpenedEdges { round: 1, edges: 5 }));
    drop(events);
    // What was signed and opened is on disk.
    assert!(world.records(0).join("epoch-1/round-1/numbers-1").exists());
    assert_eq!(world.node.lock().machine.received[type_url::BLAME_VALUES], 6);
}

#[tokio::test]
async fn a_provider_that_starts_again_sends_what_it_signed_before() {
    let mut world = blaming(vec![(2, TOO_MUCH)], 1).await;
    let record = |world: &World| std::fs::read(world.records(0).join("epoch-1/round-1/numbers-1")).ok();
    while record(&world).is_none() {
        world.height().await;
    }
    let first = record(&world);
    world.restart(0);
    world.run().await;
    assert_eq!(record(&world), first);
    assert_eq!(world.survivors(), [[0, 1, 3, 4, 5]]);
}

#[tokio::test]
async fn one_that_is_silent_in_blame_pays_for_silence_and_its_update_stays() {
    let silent = Hostile { excess: 0, signs: false };
    let mut world = blaming(vec![(1, silent), (4, TOO_MUCH)], 1).await;
    world.run().await;
    assert_eq!(world.survivors(), [[0, 1, 2, 3, 5]]);
    let mut offences = world.node.lock().machine.offences();
    offences.sort();
    let mut expected = vec![(world.raw(1), OffenceKind::SilentInBlame), (world.raw(4), OffenceKind::OutOfBound)];
    expected.sort();
    assert_eq!(offences, expected);
}

#[tokio::test]
async fn a_node_that_asks_for_another_coordinate_is_told_nothing() {
    let world = blaming(vec![(2, TOO_MUCH)], 1).await;
    let lie = in_round(1, pb::RoundPhase::Blame, |shown| {
        shown.round.blame.as_mut().unwrap().groups[0].coordinate += 1;
    });
    let error = caught_in(world, lie, None).await;
    assert!(error.contains("coordinate") && error.contains("headers prove"), "{error}");
}

#[tokio::test]
async fn a_node_that_lists_an_honest_members_edges_is_told_nothing() {
    let world = blaming(vec![(2, TOO_MUCH)], 1).await;
    let lie = in_round(1, pb::RoundPhase::BlameRemove, |shown| {
        // Another member's edges, in a list with its root.
        let rctx = bauta_rounds::derive::rctx(shown.record()).unwrap();
        let shown_list = &mut shown.round.blame.as_mut().unwrap().lists[0];
        let list = bauta_secagg::unmask::Requests::decode(&rctx, &shown_list.entries).unwrap();
        let culprit = list.entries()[0].provider();
        let honest = bauta_secagg::encoding::Slot::new(1 + culprit.get() % 6).unwrap();
        let own = shown.round.check_ins.iter().find(|check_in| check_in.slot == honest.get()).unwrap();
        let own = bauta_secagg::curve::Point::from_bytes(&own.point).unwrap();
        let bases = list.entries().iter().map(|asked| list.base(asked)).filter(|base| *base != own);
        let false_list = bauta_secagg::unmask::Requests::of_edges(&rctx, bases.map(|base| (honest, base))).unwrap();
        shown_list.entries = false_list.encode();
        shown_list.root = false_list.root().as_bytes().to_vec();
        let root = shown_list.root.clone();
        shown.record().blame_root = root;
    });
    let error = caught_in(world, lie, None).await;
    assert!(error.contains("list") && error.contains("headers prove"), "{error}");
}
