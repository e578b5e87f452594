//! Providers whose processes end anywhere, whose node answers or not: never two headers, never both kinds for one provider.

use bauta_client::provider::Progress;
use bauta_schema::training::v1::{OffenceKind, TaskStatus};
use proptest::prelude::*;

use crate::mock::Fault;
use crate::world::World;

/// What a process cannot excuse itself for, whatever happened to it.
fn check_signatures(world: &World) {
    let node = world.node.lock();
    for ((sender, round), bodies) in &node.machine.headers {
        assert_eq!(bodies.len(), 1, "{sender} signed {} headers in round {round}", bodies.len());
    }
    for ((sender, round), answered) in &node.machine.answers {
        let mut slots: Vec<u32> = answered.iter().map(|(slot, _)| *slot).collect();
        slots.dedup();
        assert_eq!(slots.len(), answered.len(), "{sender} answered both kinds in round {round}");
    }
    for verdict in &node.machine.verdicts {
        let kind = verdict.kind();
        assert!(
            matches!(kind, OffenceKind::NoSubmission | OffenceKind::SilentSeat),
            "an honest provider was convicted of {kind:?}: {}",
            verdict.what
        );
    }
}

/// What befalls a provider at a height.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    Nothing,
    /// The process ends after so many calls of the node, and starts again at the next height.
    CutOff(u32),
    /// It misses the height.
    Absent,
    /// The next broadcast meets a fault.
    Broadcast(Fault),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        6 => Just(Mishap::Nothing),
        4 => (0u32..14).prop_map(Mishap::CutOff),
        1 => Just(Mishap::Absent),
        1 => Just(Mishap::Broadcast(Fault::AnswerLost)),
        1 => Just(Mishap::Broadcast(Fault::Dropped)),
        1 => Just(Mishap::Broadcast(Fault::Full)),
    ]
}

async fn live_through(mishaps: &[Mishap]) -> World {
    let mut world = World::new(4, 3).await;
    let mut next = mishaps.iter().copied().chain(std::iter::repeat(Mishap::Nothing));
    for _ in 0..400 {
        let height = world.node.lock().height;
        let mut done = true;
        for index in 0..4 {
            let mishap = next.next().unwrap();
            match mishap {
                Mishap::Absent => {
                    done = false;
                    continue;
                }
                Mishap::CutOff(calls) => world.node.lock().calls_left = Some(calls),
                Mishap::Broadcast(fault) => world.node.lock().faults.push_back(fault),
                Mishap::Nothing => {}
            }
            let result = world.providers[index].as_mut().unwrap().step(height).await;
            {
                let mut node = world.node.lock();
                node.calls_left = None;
                node.faults.clear();
            }
            done &= matches!(result, Ok(Progress::Done));
            if matches!(mishap, Mishap::CutOff(_)) {
                world.restart(index);
            }
        }
        world.node.make_block();
        check_signatures(&world);
        if done {
            return world;
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restarts_and_faults_anywhere_never_make_two_headers_or_answers_of_both_kinds(
        mishaps in proptest::collection::vec(mishap(), 0..260)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live_through(&mishaps));
    }
}

#[tokio::test]
async fn one_that_is_cut_off_after_every_number_of_calls_finishes_the_task_and_pays_nothing() {
    let mut mishaps = Vec::new();
    for calls in 0..12 {
        for _ in 0..4 {
            // Provider 1 is cut off, then has a height to itself.
            let cut = [Mishap::Nothing, Mishap::CutOff(calls), Mishap::Nothing, Mishap::Nothing];
            mishaps.extend(cut.into_iter().chain([Mishap::Nothing; 4]));
        }
    }
    let world = live_through(&mishaps).await;
    assert_eq!(world.task().status(), TaskStatus::Finished);
    assert!(world.node.lock().machine.verdicts.is_empty());
}

#[tokio::test]
async fn without_the_record_of_its_header_a_provider_sits_the_round_out() {
    let mut world = World::new(4, 2).await;
    // Until provider 0's header is on the chain, and its chunks are not.
    while world.task().round == 0 || world.node.lock().machine.round(1, 1).headers.is_empty() {
        world.height().await;
    }
    world.providers[0] = None;
    std::fs::remove_file(world.records(0).join("epoch-1/round-1/submission")).unwrap();
    world.restart(0);
    world.run().await;
    check_signatures(&world);
    // It pays for it, and is barred.
    assert_eq!(world.survivors(), [[1, 2, 3], [1, 2, 3]]);
    let events = world.events.lock().unwrap();
    let why =
        "the chain has a header for round 1 of this provider and its record is not on this disk; it sits this out";
    assert!(events.iter().any(|(index, event)| *index == 0 && format!("{event:?}").contains(why)), "{events:?}");
}

#[tokio::test]
async fn a_provider_whose_whole_folder_is_gone_signs_nothing_in_the_round_it_had_checked_in_to() {
    let mut world = World::new(4, 1).await;
    while world.task().round == 0 || world.node.lock().machine.round(1, 1).check_ins.len() < 4 {
        world.height().await;
    }
    world.providers[0] = None;
    std::fs::remove_dir_all(world.records(0)).unwrap();
    world.restart(0);
    for _ in 0..60 {
        world.height().await;
    }
    check_signatures(&world);
    assert!(!world.node.lock().machine.headers.contains_key(&(world.address(0), 1)));
}
