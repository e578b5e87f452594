//! Providers that are asked to stop, and nodes that are away for a while.

use std::sync::{Arc, Mutex};

use bauta_client::provider::{Ended, Event};
use bauta_schema::training::v1::{RoundPhase, TaskStatus};

use crate::world::World;

/// Lets blocks pass until a round is in a phase and has so many check-ins.
async fn until(world: &mut World, round: u64, phase: RoundPhase, check_ins: usize) {
    for _ in 0..200 {
        let task = world.task();
        if task.round == round {
            let response = world.node.lock().machine.round(1, round);
            if response.check_ins.len() >= check_ins && response.round.unwrap().phase() == phase {
                return;
            }
        }
        world.height().await;
    }
    panic!("round {round} never was in the phase {phase:?}");
}

#[tokio::test]
async fn one_that_is_asked_to_stop_delivers_what_it_owes_and_begins_nothing_more() {
    for phase in [RoundPhase::CheckIn, RoundPhase::Submit, RoundPhase::Unmask] {
        let mut world = World::new(5, 4).await;
        until(&mut world, 2, phase, 5).await;
        let leave = world.providers[0].as_ref().unwrap().leave();
        leave.ask();
        world.height().await;
        let owed = leave.owed().unwrap_or_else(|| panic!("{phase:?}: it owes nothing"));
        assert_eq!((owed.round, owed.answer), (2, true), "{phase:?}");
        assert_eq!(owed.submission, phase != RoundPhase::Unmask, "{phase:?}");
        assert!(owed.by_height >= world.node.lock().height, "{phase:?}");
        while leave.owed().is_some() {
            world.height().await;
        }
        assert!(world.task().round <= 3, "{phase:?}: it leaves with its round");
        world.providers[0] = None;
        world.run().await;
        assert_eq!(world.task().status(), TaskStatus::Finished);
        assert_eq!(world.survivors(), [vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3, 4], vec![1, 2, 3, 4], vec![1, 2, 3, 4]]);
        assert!(world.node.lock().machine.verdicts.is_empty(), "{phase:?}");
        let answered = (world.address(0), 2);
        assert!(world.node.lock().machine.answers.contains_key(&answered), "{phase:?}: its seat answered");
        let events = world.events.lock().unwrap();
        let told = events.iter().filter(|(who, event)| *who == 0 && matches!(event, Event::Leaving(_))).count();
        assert!((1..=2).contains(&told), "{phase:?}: once, and once more when the submission is there: {told}");
    }
}

#[tokio::test]
async fn one_that_owes_nothing_stops_at_once() {
    let mut world = World::new(3, 1).await;
    let mut provider = world.providers[0].take().unwrap();
    provider.leave().ask();
    let height = world.node.lock().height;
    assert_eq!(provider.run().await.unwrap(), Ended::Left);
    assert_eq!(world.node.lock().height, height);
    assert!(!world.node.lock().machine.received.contains_key(bauta_schema::type_url::ENROL));
    drop(provider);

    // In a round to which it has not checked in, whose training is not done.
    let mut world = World::new(4, 2).await;
    until(&mut world, 1, RoundPhase::CheckIn, 0).await;
    let leave = world.providers[0].as_ref().unwrap().leave();
    leave.ask();
    if world.node.lock().machine.round(1, 1).check_ins.is_empty() {
        let provider = world.providers[0].as_mut().unwrap();
        let height = world.node.lock().height;
        provider.step(height).await.unwrap();
        assert_eq!(leave.owed(), None);
        assert_eq!(leave.seat_in_epoch(), Some(1));
    }
}

#[tokio::test]
async fn how_a_round_ended_is_said_once_however_long_the_evidence_window_lasts() {
    let mut world = World::new(4, 3).await;
    world.run().await;
    let events = world.events.lock().unwrap();
    for index in 0..4 {
        let settled = events.iter().filter_map(|(who, event)| match event {
            Event::RoundSettled { round, finished: true, took_part: true } if *who == index => Some(*round),
            _ => None,
        });
        assert_eq!(settled.collect::<Vec<u64>>(), [1, 2, 3]);
    }
}

#[tokio::test]
async fn a_node_that_is_away_is_said_once_waited_for_and_said_once_to_be_back() {
    let mut world = World::new(3, 1).await;
    let provider = world.providers[0].take().unwrap();
    let (leave, node) = (provider.leave(), world.node.clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    // Away when it starts, and again as soon as it has enrolled.
    node.lock().calls_left = Some(0);
    let mut provider = provider.with_listener(Box::new(move |event| {
        let mut seen = noted.lock().unwrap();
        match event {
            Event::NodeAway { why } => {
                assert!(!why.is_empty());
                seen.push("away");
                node.lock().calls_left = None;
            }
            Event::NodeBack => {
                seen.push("back");
                if seen.len() == 5 {
                    leave.ask();
                }
            }
            Event::Enrolled { .. } => {
                seen.push("enrolled");
                node.lock().calls_left = Some(0);
            }
            _ => {}
        }
    }));
    assert_eq!(provider.run().await.unwrap(), Ended::Left);
    assert_eq!(*seen.lock().unwrap(), ["away", "back", "enrolled", "away", "back"]);
}
