//! The life of epochs: who may enrol, when they end, what is locked, paid back and forgotten.

use crate::world::{all_but, create, settings, test_params, World, OWNER};
use bauta_rounds::{keys, state, Call, Error, Storage};
use bauta_schema::training::v1 as pb;
use bauta_secagg::enrol::ProviderKeys;

#[test]
fn the_owner_the_refused_and_the_late_cannot_enrol() {
    let n = 5;
    let mut world = World::new(n, 60);
    let call = world.enrol_msg(0);
    assert!(matches!(world.send(OWNER, call).unwrap_err().error, Error::NotEligible(_)));
    world.registry.refused.insert(world.clients[0].address.clone());
    let call = world.enrol_msg(0);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::NotEligible(_)));
    let copied = world.enrol_msg(1);
    assert!(matches!(world.send_as(2, copied.clone()).unwrap_err().error, Error::Refused(_)));
    world.send_as(1, copied.clone()).unwrap();
    assert_eq!(world.send_as(1, copied).unwrap_err().error, Error::Duplicate("the enrolment"));
    // The same keys under another name: proofs of possession name their owner, and keys are accepted once.
    world.clients[3].keys = world.clients[1].keys.clone();
    let call = world.enrol_msg(3);
    assert!(matches!(world.send_as(3, call).unwrap_err().error, Error::KeyReused(_)));
    world.enrol(&[2, 3]);
    let late = world.enrol_msg(4);
    world.until_epoch(pb::EpochPhase::Deal);
    assert!(matches!(world.send_as(4, late).unwrap_err().error, Error::WrongPhase { .. }));
}

#[test]
fn enrolment_is_full_at_the_maximum() {
    let n = 6;
    let mut world = World::with(n, 61, settings(5, 40));
    world.enrol(&[0, 1, 2, 3, 4]);
    let call = world.enrol_msg(5);
    assert_eq!(world.send_as(5, call).unwrap_err().error, Error::Full(5));
}

#[test]
fn too_few_providers_end_an_epoch_and_too_many_idle_epochs_end_the_task() {
    let n = 5;
    let mut world = World::new(n, 62);
    world.enrol(&[0, 1]);
    // The block in which the task was created, and the four of the window.
    for _ in 0..5 {
        world.block();
    }
    assert_eq!(world.the_task().epoch, 2);
    let first = state::epoch(&world.storage, world.task, 1).unwrap();
    assert_eq!(first.end(), pb::EpochEnd::TooFewProviders);
    assert_eq!(first.phase(), pb::EpochPhase::Evidence);
    assert_eq!(world.locked.values().sum::<u32>(), 2);
    for _ in 0..4 {
        world.block();
    }
    assert_eq!(world.the_task().status(), pb::TaskStatus::Abandoned);
    assert_eq!(world.escrow, 0);
    for _ in 0..6 {
        world.block();
    }
    assert_eq!(world.locked.values().sum::<u32>(), 0);
}

#[test]
fn who_enrols_without_dealing_pays_nothing_and_holds_no_seat_for_three_epochs() {
    let n = 6;
    let mut settings = settings(n as u32, 40);
    settings.max_idle_epochs = 9;
    let mut world = World::with(n, 63, settings);
    let everyone = all_but(n, &[]);
    for epoch in 1..=5 {
        world.enrol(&everyone);
        world.until_epoch(pb::EpochPhase::Deal);
        assert_eq!(world.the_task().epoch, epoch);
        let has_seat = world.member(0).seat > 0;
        assert_eq!(has_seat, epoch == 1 || epoch == 5, "epoch {epoch}");
        assert_eq!(world.epoch().seats, if has_seat { 6 } else { 5 });
        if epoch == 1 {
            world.deal_all(&all_but(n, &[0]));
        } else {
            world.deal_all(&everyone);
        }
        world.until_epoch(pb::EpochPhase::Rounds);
        assert_eq!(world.member(0).slot > 0, epoch > 1);
        // Nobody checks in: three aborted rounds end the epoch.
        while world.the_task().epoch == epoch {
            world.block();
        }
        assert_eq!(state::epoch(&world.storage, world.task, epoch).unwrap().end(), pb::EpochEnd::Aborts);
    }
    assert!(world.verdicts.is_empty());
}

#[test]
fn keys_are_fresh_in_every_epoch_and_who_comes_late_joins_in_the_next() {
    let n = 6;
    let mut settings = settings(n as u32, 40);
    settings.max_idle_epochs = 9;
    let mut world = World::with(n, 68, settings);
    world.enrol(&all_but(n, &[5]));
    world.until_epoch(pb::EpochPhase::Deal);
    let late = world.enrol_msg(5);
    assert!(matches!(world.send_as(5, late).unwrap_err().error, Error::WrongPhase { .. }));
    world.deal_all(&all_but(n, &[5]));
    while world.the_task().epoch == 1 {
        world.block();
    }
    // The keys of the first epoch, newly signed for the second: each of the four alone is enough to be refused.
    let old = world.clients[0].keys.to_bytes();
    for (place, name) in ["masking key X", "cohort key Z", "seat key E", "signing key V"].into_iter().enumerate() {
        let mut secrets = ProviderKeys::generate(&mut world.rng).to_bytes();
        secrets[32 * place..32 * (place + 1)].copy_from_slice(&old[32 * place..32 * (place + 1)]);
        world.clients[0].keys = ProviderKeys::from_bytes(&secrets).unwrap();
        let call = world.enrol_msg(0);
        assert_eq!(world.send_as(0, call).unwrap_err().error, Error::KeyReused(name));
    }
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    assert_eq!(world.epoch().seats, n as u32);
    assert!(world.member(5).seat > 0);
}

#[test]
fn two_released_rounds_that_abort_in_a_row_end_the_epoch_and_cost_seats_that_were_silent_in_both() {
    let n = 9;
    let mut settings = settings(n as u32, 40);
    settings.max_idle_epochs = 9;
    let mut world = World::with(n, 64, settings);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    for round in 1..=2 {
        let group: Vec<usize> =
            everyone.iter().copied().filter(|&i| bauta_rounds::derive::is_qualified(&world.member(i), round)).collect();
        assert_eq!(group.len(), if round == 1 { 9 } else { 4 });
        world.check_in(&group);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&group);
        world.until_round(pb::RoundPhase::Unmask);
        // Four of nine seats answer, five are needed.
        world.unmask(&[0, 1, 2, 3]);
        world.until_settled(round);
    }
    let first = state::epoch(&world.storage, world.task, 1).unwrap();
    assert!(matches!(first.end(), pb::EpochEnd::ReleasedAborts), "{:?}", first.end());
    // They hold no seat for three epochs, and do in the one after.
    for epoch in 2..=5 {
        world.enrol(&everyone);
        world.until_epoch(pb::EpochPhase::Deal);
        for &i in &everyone {
            assert_eq!(world.member(i).seat > 0, i < 4 || epoch == 5, "{i} in epoch {epoch}");
        }
        world.deal_all(&everyone);
        while world.the_task().epoch == epoch {
            world.block();
        }
    }
}

#[test]
fn fewer_live_seats_than_the_threshold_end_the_epoch_although_its_last_round_but_one_finished() {
    let n = 9;
    let mut settings = settings(n as u32, 40);
    settings.max_idle_epochs = 9;
    let mut world = World::with(n, 67, settings);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    for round in 1..=3 {
        let group: Vec<usize> =
            everyone.iter().copied().filter(|&i| bauta_rounds::derive::is_qualified(&world.member(i), round)).collect();
        world.check_in(&group);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&group);
        world.until_round(pb::RoundPhase::Unmask);
        // In the first and the third the same five of nine seats are silent, five are needed.
        world.unmask(if round == 2 { &everyone[4..] } else { &everyone[..4] });
        let phase = world.until_settled(round).phase();
        assert_eq!(phase == pb::RoundPhase::Finished, round == 2, "{round}");
    }
    let ended = state::epoch(&world.storage, world.task, 1).unwrap();
    assert_eq!(ended.end(), pb::EpochEnd::TooFewSeats);
}

#[test]
fn bonds_unlock_only_after_the_evidence_window_and_then_the_epochs_records_are_forgotten() {
    let n = 4;
    let mut settings = settings(n as u32, 40);
    settings.rounds = 1;
    let mut world = World::with(n, 65, settings);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    assert_eq!(world.the_task().status(), pb::TaskStatus::Finished);
    for _ in 0..5 {
        assert_eq!(world.locked.values().sum::<u32>(), n as u32);
        world.block();
    }
    world.block();
    assert_eq!(world.locked.values().sum::<u32>(), 0);
    assert_eq!(world.epoch().phase(), pb::EpochPhase::Closed);
    world.block();
    for prefix in ["member/", "seat/", "deal/", "share_keys/", "check_in/", "header/", "chunks/", "partial/", "prune/"]
    {
        let left = world.storage.range(prefix.as_bytes(), &keys::after(prefix.as_bytes()), 10);
        assert!(left.is_empty(), "{prefix}");
    }
    // The model, the optimiser's state and the last aggregates stay, and nothing else.
    assert!(world.blobs.0.len() <= 4, "{}", world.blobs.0.len());
    assert!(model_of(&world, world.task).is_ok());
}

#[test]
fn blobs_of_old_rounds_are_released() {
    let n = 3;
    let mut settings = settings(n as u32, 40);
    settings.rounds = 12;
    let mut world = World::with(n, 66, settings);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    for round in 1..=12 {
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&everyone);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone);
        world.until_settled(round);
        // Kept: models and aggregates of four rounds, the current model, the optimiser's state.
        assert!(world.blobs.0.len() <= 11, "round {round}: {}", world.blobs.0.len());
    }
}

#[test]
fn a_change_of_how_many_rounds_are_kept_releases_no_blob_twice_and_leaves_none_behind() {
    let n = 3;
    let mut settings = settings(n as u32, 40);
    settings.rounds = 16;
    let mut world = World::with(n, 67, settings);
    // Another task starts from the same model: what this one releases too often would be taken from it.
    world.send(OWNER, Call::CreateTask(Box::new(create(world.terms().settings)))).unwrap();
    world.task = 1;
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    for round in 1..=16 {
        let kept_rounds = match round {
            1..=5 => 2,
            6..=11 => 6,
            _ => 1,
        };
        let params = pb::Params { kept_rounds, ..test_params() };
        state::save(&mut world.storage, keys::PARAMS.to_vec(), &params);
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&everyone);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone);
        world.until_settled(round);
    }
    for task in [1, 2] {
        assert!(model_of(&world, task).is_ok(), "task {task}");
    }
    // Of this task: the model and aggregate of the round that is kept, and the current model; of the other: model and optimiser.
    assert!(world.blobs.0.len() <= 5, "{}", world.blobs.0.len());
}

fn model_of(world: &World, task: u64) -> Result<pb::QueryModelResponse, bauta_rounds::Error> {
    let request = pb::QueryModelRequest { task_id: task, ..Default::default() };
    bauta_rounds::query::model(&world.storage, &world.blobs, &request)
}
