//! The chain stops: every task ends, and nobody loses anything by it.

use crate::world::{all_but, World};
use bauta_rounds::{halt, keys, state};
use bauta_schema::training::v1 as pb;

const N: usize = 6;

/// Halts a chain, and asserts what holds in whatever phase it was.
fn halted(mut world: World) -> World {
    let before = world.verdicts.len();
    world.halt();
    let task = world.the_task();
    assert_eq!(task.status(), pb::TaskStatus::Cancelled);
    assert_eq!(world.escrow, 0, "the budget was paid out or back");
    assert_eq!(world.verdicts.len(), before, "what is missing is held against nobody");
    assert!(world.locked.values().all(|&locks| locks == 0), "bonds are free");
    // The model is there; of chunks, partials and the optimiser nothing is.
    let mut kept: Vec<Vec<u8>> = vec![task.model_hash];
    for round in 1..=task.round {
        if let Some(result) = world.numbered(round).result {
            kept.extend([result.aggregate_hash, world.numbered(round).model_hash]);
        }
    }
    let stored: Vec<Vec<u8>> = world.blobs.0.keys().map(|hash| hash.to_vec()).collect();
    assert!(stored.iter().all(|hash| kept.contains(hash)), "a blob is left");
    for prefix in [keys::prefix::RUNNING, keys::prefix::EVIDENCE, keys::prefix::PRUNE, keys::prefix::MEMBER] {
        assert!(!world.storage.0.keys().any(|key| key.starts_with(prefix.as_bytes())), "{prefix} is left");
    }
    world
}

#[test]
fn a_task_that_enrols_is_refunded() {
    let mut world = World::new(N, 90);
    world.enrol(&[0, 1, 2]);
    halted(world);
}

#[test]
fn a_round_in_every_phase_ends_without_a_verdict() {
    let everyone = all_but(N, &[]);
    let phases = [pb::RoundPhase::CheckIn, pb::RoundPhase::Submit, pb::RoundPhase::Unmask, pb::RoundPhase::Finalise];
    for phase in phases {
        let mut world = World::new(N, 91);
        world.set_up(&everyone);
        world.check_in(&[0, 1]);
        if phase != pb::RoundPhase::CheckIn {
            world.check_in(&[2, 3, 4, 5]);
            world.until_round(pb::RoundPhase::Submit);
            world.submit(&[0, 1, 2]);
        }
        if matches!(phase, pb::RoundPhase::Unmask | pb::RoundPhase::Finalise) {
            world.submit(&[3, 4, 5]);
            world.until_round(pb::RoundPhase::Unmask);
            world.unmask(&[0, 1]);
        }
        if phase == pb::RoundPhase::Finalise {
            world.unmask(&[2, 3]);
            // So little that a round is finalised over many blocks, and stops in the middle of one.
            world.operations = 1;
            world.until_round(pb::RoundPhase::Finalise);
            for _ in 0..400 {
                let progress = state::finalise(&world.storage, world.task, 1).unwrap();
                if progress.next_chunk > 0 {
                    break;
                }
                world.block();
            }
        }
        assert_eq!(world.round().phase(), phase);
        let world = halted(world);
        let round = world.numbered(1);
        assert_eq!((round.phase(), round.abort_reason()), (pb::RoundPhase::Aborted, pb::AbortReason::Halted));
    }
}

#[test]
fn an_offence_that_was_found_is_settled_all_the_same() {
    let mut world = World::new(N, 92);
    let everyone = all_but(N, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&[0, 1, 2, 3, 4]);
    // The window ends, and one has not submitted.
    world.until_round(pb::RoundPhase::Unmask);
    world.halt();
    assert_eq!(world.verdicts_of(5), [pb::OffenceKind::NoSubmission]);
}

#[test]
fn what_is_finished_stays_readable() {
    let mut world = World::new(N, 93);
    let everyone = all_but(N, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    let model = world.the_task().model_hash;
    let world = halted(world);
    assert_eq!(world.the_task().model_hash, model);
    world.assert_exact(1, &everyone);
}

#[test]
fn halting_twice_changes_nothing() {
    let mut world = World::new(N, 94);
    world.set_up(&all_but(N, &[]));
    world.halt();
    let before = world.storage.clone();
    world.halt();
    assert_eq!(world.storage, before);
}

#[test]
fn a_chain_without_tasks_halts() {
    let mut world = World::empty(N, 95);
    let env = world.env();
    assert!(halt(&env, &mut world.storage, &mut world.blobs, &world.registry).unwrap().is_empty());
}
