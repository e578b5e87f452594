//! Rounds that go well.

use crate::world::{all_but, settings, World};
use bauta_schema::training::v1 as pb;

#[test]
fn a_task_finishes_and_its_model_is_that_of_the_same_training_without_masks() {
    let n = 5;
    let mut world = World::new(n, 1);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    for round in 1..=2 {
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&everyone);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone);
        world.until_settled(round);
        world.assert_exact(round, &everyone);
    }
    let task = world.the_task();
    assert_eq!(task.status(), pb::TaskStatus::Finished);
    let expected = world.plain_model(&[(1, everyone.clone()), (2, everyone.clone())]);
    assert_eq!(task.model_hash, expected);
    assert!(world.verdicts.is_empty());
    // Each was paid for two updates, and three seats a round for their partials.
    let paid: i128 = everyone.iter().map(|&i| world.balance(i)).sum();
    assert_eq!(paid, 2 * (5 * 50 + 3 * 20));
    // The rest is back with the owner.
    assert_eq!(world.escrow, 0);
}

#[test]
fn a_round_survives_members_that_drop_out_after_check_in() {
    let n = 7;
    let mut world = World::new(n, 2);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let survivors = all_but(n, &[1, 4]);
    world.submit(&survivors);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&survivors);
    world.until_settled(1);
    world.assert_exact(1, &survivors);
    for i in [1, 4] {
        assert_eq!(world.verdicts_of(i), [pb::OffenceKind::NoSubmission]);
    }
    assert_eq!(world.verdicts.len(), 2);
}

#[test]
fn work_spread_over_many_blocks_gives_the_same_model_as_work_done_in_one() {
    let n = 5;
    let everyone = all_but(n, &[]);
    let run = |operations| {
        let mut world = World::new(n, 3);
        world.operations = operations;
        world.set_up(&everyone);
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        let survivors = all_but(n, &[2]);
        world.submit(&survivors);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&survivors);
        let round = world.until_settled(1);
        world.assert_exact(1, &survivors);
        (round.result.unwrap(), world.height)
    };
    let (at_once, soon) = run(10_000_000);
    let (in_steps, late) = run(1);
    assert_eq!(at_once, in_steps);
    assert!(late > soon + 10, "{late} {soon}");
}

#[test]
fn a_check_in_sent_with_the_submission_of_the_round_before_stands() {
    let n = 5;
    let mut world = World::new(n, 4);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    for i in 0..n {
        let early = world.check_in_msg(i, 2);
        world.send_as(i, early).unwrap();
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    assert_eq!(world.round().number, 2);
    assert_eq!(world.round().check_ins, n as u32);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(2);
    world.assert_exact(2, &everyone);
}

#[test]
fn an_early_check_in_of_one_that_is_jailed_when_the_round_opens_is_void_without_penalty() {
    let n = 5;
    let mut world = World::new(n, 5);
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    for i in 0..n {
        let early = world.check_in_msg(i, 2);
        world.send_as(i, early).unwrap();
    }
    world.registry.jailed.insert(world.clients[0].address.clone());
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.until_settled(1);
    let survivors = all_but(n, &[0]);
    assert_eq!(world.round().check_ins, survivors.len() as u32);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&survivors);
    world.until_round(pb::RoundPhase::Unmask);
    // Jail never bars the duties of a seat.
    world.unmask(&everyone);
    world.until_settled(2);
    world.assert_exact(2, &survivors);
    assert!(world.verdicts.is_empty());
}

#[test]
fn every_optimiser_moves_the_model_as_it_does_without_masks() {
    for (kind, seed) in
        [(pb::OptimiserKind::Fedavg, 6), (pb::OptimiserKind::Fedavgm, 7), (pb::OptimiserKind::Fedadam, 8)]
    {
        let n = 3;
        let mut settings = settings(n as u32, 40);
        settings.optimiser = Some(pb::Optimiser {
            kind: kind.into(),
            learning_rate: 1 << 30,
            beta1: 3 << 30,
            beta2: 4_252_017_623,
            tau: 1 << 24,
        });
        let everyone = all_but(n, &[]);
        let mut world = World::with(n, seed, settings);
        world.set_up(&everyone);
        for round in 1..=2 {
            world.check_in(&everyone);
            world.until_round(pb::RoundPhase::Submit);
            world.submit(&everyone);
            world.until_round(pb::RoundPhase::Unmask);
            world.unmask(&everyone);
            world.until_settled(round);
        }
        assert_eq!(world.the_task().model_hash, world.plain_model(&[(1, everyone.clone()), (2, everyone)]));
    }
}

#[test]
fn every_width_of_the_ring_gives_the_plain_sum() {
    for bits in [22, 29, 32, 33, 47, 64] {
        let n = 3;
        let mut settings = settings(n as u32, 37);
        let encoding = settings.encoding.as_mut().unwrap();
        encoding.bits = bits;
        encoding.bound = 300;
        encoding.max_weight = 3;
        let everyone = all_but(n, &[]);
        let mut world = World::with(n, u64::from(bits), settings);
        world.set_up(&everyone);
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&everyone);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone);
        world.until_settled(1);
        world.assert_exact(1, &everyone);
    }
}

/// Ninety-six providers, all of them seats, ten of whom drop out: with the budget of a real block.
#[test]
fn the_largest_task_finishes_a_round_within_the_budget_of_its_blocks() {
    let n = 96;
    let mut settings = settings(n as u32, 3_000);
    let cohort = settings.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group, cohort.min_providers) = (64, 64, 64);
    let encoding = settings.encoding.as_mut().unwrap();
    (encoding.chunk_elems, encoding.bound) = (1_024, 1_000);
    settings.rewards.as_mut().unwrap().gas_price = "0".into();
    let mut world = World::with(n, 9, settings);
    world.operations = bauta_rounds::params::default_params().block_operations;
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let survivors = all_but(n, &[3, 14, 25, 36, 47, 58, 69, 80, 91, 95]);
    world.submit(&survivors);
    world.until_round(pb::RoundPhase::Unmask);
    let height = world.height;
    world.unmask(&survivors[..49]);
    world.until_settled(1);
    world.assert_exact(1, &survivors);
    assert!(world.height - height < 10, "{} blocks", world.height - height);
}
