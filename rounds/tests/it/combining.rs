//! The rule that combines groups: what a round makes of the groups' sums, and what is refused because it does not fit.

use crate::adversary::tampered;
use crate::groups::{clients_of, grouped};
use crate::world::{all_but, create, test_params, zero_model, World, OWNER};
use bauta_learning::combine::{Combination, GroupSum};
use bauta_learning::model::Model;
use bauta_learning::optimiser::State as OptimiserState;
use bauta_rounds::{estimate, state, Blobs as _, Call};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::{CombinationKind as Kind, OffenceKind};

fn rule(kind: Kind) -> pb::Combination {
    pb::Combination { kind: kind.into(), ..Default::default() }
}

/// Settings for `n` providers, none of whom may be missing, in groups of `g` that are combined by a rule.
fn combined(n: u32, g: u32, combination: pb::Combination) -> pb::TaskSettings {
    let mut settings = grouped(n, g);
    settings.cohort.as_mut().unwrap().min_providers = n;
    settings.combination = Some(combination);
    settings
}

/// Every rule with parameters that five groups fit.
fn rules() -> Vec<pb::Combination> {
    vec![
        rule(Kind::Unspecified),
        rule(Kind::Mean),
        rule(Kind::Median),
        pb::Combination { trim: 1, ..rule(Kind::TrimmedMean) },
        pb::Combination { hostile: 1, selected: 2, ..rule(Kind::MultiKrum) },
        // The means of the groups are about two and a half times as long.
        pb::Combination { norm: 1 << 32, ..rule(Kind::ClippedMean) },
    ]
}

/// What `learning` makes of the plain sums of all groups in the first round: the first model, moved by a step.
fn moved_by(world: &World, rule: Combination) -> Model {
    let sums: Vec<(Vec<i64>, u64)> = clients_of(world)
        .values()
        .map(|who| (world.plain_sum(who, 1), who.iter().map(|&i| world.clients[i].weight).sum()))
        .collect();
    let parts: Vec<_> = sums.iter().map(|(sum, weight)| GroupSum::new(sum, *weight)).collect();
    let terms = world.terms();
    let update = rule.combine(&parts, terms.encoding.scale_bits).unwrap();
    let mut model = terms.initial_model(Some(&zero_model())).unwrap();
    let mut optimiser = OptimiserState::initial(&terms.optimiser, terms.elements as usize);
    terms.optimiser.step(model.values_mut(), &mut optimiser, &update).unwrap();
    model
}

fn model_of(world: &World) -> Model {
    let hash = world.the_task().model_hash.try_into().unwrap();
    Model::decode(&world.blobs.get(&hash).unwrap()).unwrap()
}

/// A world whose seats have answered in the first round.
fn answered(n: usize, seed: u64, settings: pb::TaskSettings, operations: u64) -> World {
    let everyone = all_but(n, &[]);
    let mut world = World::with(n, seed, settings);
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..n / 2 + 1]);
    world.operations = operations;
    world
}

#[test]
fn the_model_of_every_rule_is_what_learning_makes_of_the_plain_sums_whatever_a_block_bears() {
    let n = 15;
    let mut models = Vec::new();
    for combination in rules() {
        let run = |operations| {
            let mut world = answered(n, 220, combined(n as u32, 3, combination), operations);
            let round = world.until_settled(1);
            assert_eq!(round.phase(), pb::RoundPhase::Finished, "{combination:?}: {:?}", round.abort_reason());
            let terms = world.terms();
            assert_eq!(model_of(&world), moved_by(&world, terms.combination()), "{combination:?}");
            // Model and optimiser, the model before, five groups' sums and their total: nothing of the work is left.
            assert_eq!(world.blobs.0.len(), 9, "{combination:?}");
            (round.result.unwrap(), world.height)
        };
        let (at_once, soon) = run(10_000_000);
        let (in_steps, late) = run(1);
        assert_eq!(at_once, in_steps, "{combination:?}");
        // Three chunks of each of five groups, three runs of the update, and a step of the optimiser.
        assert!(late > soon + 18, "{late} {soon}");
        models.push(at_once.model_hash);
    }
    // Without a kind a task has the mean; the other rules differ on these sums.
    assert_eq!(models[0], models[1]);
    let different: std::collections::BTreeSet<_> = models.iter().collect();
    assert_eq!(different.len(), models.len() - 1);
}

#[test]
fn a_hostile_group_moves_the_mean_and_not_the_median() {
    let n = 9;
    let everyone = all_but(n, &[]);
    let run = |combination: pb::Combination| {
        let mut world = World::with(n, 221, combined(n as u32, 3, combination));
        world.set_up(&everyone);
        let groups = clients_of(&world);
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        let terms = world.terms();
        let bound = terms.encoding.bound as i64;
        for (number, who) in &groups {
            for &i in who {
                // The honest agree but for little; the first group says the opposite, as loudly as it can.
                let value = if *number == 1 { -bound } else { bound / 4 + i as i64 };
                let masked = world.masked(i, &vec![value; terms.elements as usize]);
                world.submit_masked(i, &masked);
            }
        }
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone[..5]);
        world.until_settled(1);
        model_of(&world).values().to_vec()
    };
    // In the model's units of 2^-32, at a learning rate of 1 from zero.
    let honest = |value: i64| value << (32 - 12);
    let range = honest(5_000 / 4)..=honest(5_000 / 4 + n as i64);
    assert!(run(rule(Kind::Median)).iter().all(|value| range.contains(value)));
    assert!(run(rule(Kind::Mean)).iter().all(|value| *value < 0));
}

#[test]
fn a_round_whose_groups_are_too_few_for_the_rule_aborts_before_anything_is_revealed() {
    let n = 9;
    let everyone = all_but(n, &[]);
    let combination = pb::Combination { trim: 1, ..rule(Kind::TrimmedMean) };
    let mut world = World::with(n, 222, combined(n as u32, 3, combination));
    world.set_up(&everyone);
    let groups = clients_of(&world);
    let missing = groups[&2][0];
    // A group of two at check-in leaves two, of three that are needed.
    world.check_in(&all_but(n, &[missing]));
    let round = world.until_settled(1);
    assert_eq!(round.abort_reason(), pb::AbortReason::TooFewGroups);
    assert!(!round.released && round.group.is_empty());
    assert!(world.verdicts.is_empty());
    // So does one of two submissions; who was silent pays for that, and nobody for the round.
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&all_but(n, &[missing]));
    let round = world.until_settled(2);
    assert_eq!(round.abort_reason(), pb::AbortReason::TooFewGroups);
    assert!(!round.released && round.request_root.is_empty());
    assert_eq!(world.verdicts_of(missing), [OffenceKind::NoSubmission]);
    assert_eq!(world.verdicts.len(), 1);
    assert_eq!(world.blobs.0.len(), 2, "model and optimiser");
}

#[test]
fn a_round_aborts_when_sums_out_of_range_leave_too_few_groups_for_the_rule_and_nobody_is_slashed() {
    let n = 9;
    let everyone = all_but(n, &[]);
    let run = |operations| {
        let combination = pb::Combination { trim: 1, ..rule(Kind::TrimmedMean) };
        let mut world = World::with(n, 223, combined(n as u32, 3, combination));
        world.set_up(&everyone);
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        let hostile = clients_of(&world)[&2][0];
        let update = world.update(hostile, 1);
        let masked = world.masked(hostile, &update);
        let garbage = tampered(&mut world, hostile, &masked, 0x55);
        world.submit_masked(hostile, &garbage);
        world.submit(&all_but(n, &[hostile]));
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone[..5]);
        world.operations = operations;
        let round = world.until_settled(1);
        assert_eq!(round.abort_reason(), pb::AbortReason::TooFewGroups);
        assert_eq!(round.groups[1].void(), pb::AbortReason::OutOfRange);
        assert!(round.released && round.result.is_none());
        assert!(world.verdicts.is_empty());
        assert_eq!(world.blobs.0.len(), 2, "model and optimiser");
    };
    run(10_000_000);
    run(1);
}

#[test]
fn an_epoch_whose_dealers_make_too_few_groups_for_the_rule_ends() {
    let n = 9;
    let combination = pb::Combination { trim: 1, ..rule(Kind::TrimmedMean) };
    let mut world = World::with(n, 224, combined(n as u32, 3, combination));
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Deal);
    world.deal_all(&all_but(n, &[4]));
    while world.the_task().epoch == 1 {
        world.block();
    }
    assert_eq!(state::epoch(&world.storage, world.task, 1).unwrap().end(), pb::EpochEnd::TooFewProviders);
}

#[test]
fn an_epoch_ends_when_fewer_groups_than_the_rule_needs_have_enough_members_that_may_check_in() {
    let n = 9;
    let everyone = all_but(n, &[]);
    let combination = pb::Combination { trim: 1, ..rule(Kind::TrimmedMean) };
    let mut world = World::with(n, 225, combined(n as u32, 3, combination));
    world.set_up(&everyone);
    let jailed = clients_of(&world)[&3][0];
    world.registry.jailed.insert(world.clients[jailed].address.clone());
    world.check_in(&all_but(n, &[jailed]));
    assert_eq!(world.until_settled(1).abort_reason(), pb::AbortReason::TooFewGroups);
    assert_eq!(state::epoch(&world.storage, world.task, 1).unwrap().end(), pb::EpochEnd::NoGroup);
}

#[test]
fn a_chain_that_stops_while_an_update_is_combined_leaves_no_blob_of_the_round() {
    let n = 15;
    let combination = pb::Combination { norm: 1 << 32, ..rule(Kind::ClippedMean) };
    let mut world = answered(n, 226, combined(n as u32, 3, combination), 1);
    while state::finalise(&world.storage, world.task, 1).unwrap().runs.is_empty() {
        world.block();
    }
    world.halt();
    assert_eq!(world.blobs.0.len(), 1, "only the model stays");
}

#[track_caller]
fn refused(settings: pb::TaskSettings) -> String {
    let mut world = World::empty(0, 0);
    world.send(OWNER, Call::CreateTask(Box::new(create(settings)))).unwrap_err().error.to_string()
}

#[test]
fn parameters_that_the_number_of_groups_does_not_fit_are_refused_with_the_numbers() {
    for (combination, needed) in [
        (pb::Combination { trim: 2, ..rule(Kind::TrimmedMean) }, 5),
        (pb::Combination { hostile: 1, selected: 1, ..rule(Kind::MultiKrum) }, 5),
        (pb::Combination { hostile: 0, selected: 4, ..rule(Kind::MultiKrum) }, 6),
    ] {
        let name = if combination.trim > 0 { "trimmed_mean" } else { "multi_krum" };
        let mut settings = combined(20, 3, combination);
        settings.cohort.as_mut().unwrap().min_providers = 14;
        let error = refused(settings.clone());
        let found = format!(
            "combination: {name} needs at least {needed} groups with these parameters, but there are 4, which is what \
             min_providers 14 make with group_size 3; raise min_providers to {}",
            3 * needed
        );
        assert!(error.contains(&found), "{error}");
        settings.cohort.as_mut().unwrap().min_providers = 3 * needed;
        World::empty(0, 0).send(OWNER, Call::CreateTask(Box::new(create(settings)))).unwrap();
    }
}

#[test]
fn parameters_that_no_number_of_groups_fits_and_those_of_other_rules_are_refused() {
    for (combination, said) in [
        (rule(Kind::TrimmedMean), "trim is 0"),
        (pb::Combination { hostile: 1, ..rule(Kind::MultiKrum) }, "selected is 0"),
        (pb::Combination { hostile: 1_000, selected: 1, ..rule(Kind::MultiKrum) }, "hostile is 1000"),
        (rule(Kind::ClippedMean), "norm to which groups are clipped is 0"),
        (pb::Combination { norm: u64::MAX, ..rule(Kind::ClippedMean) }, "combination.norm must be below 2^63"),
        (pb::Combination { trim: 1, ..rule(Kind::Unspecified) }, "combination.trim is not a parameter of mean"),
        (pb::Combination { hostile: 1, ..rule(Kind::Median) }, "combination.hostile is not a parameter of median"),
        (
            pb::Combination { trim: 1, selected: 1, ..rule(Kind::TrimmedMean) },
            "combination.selected is not a parameter",
        ),
        (pb::Combination { norm: 1, ..rule(Kind::Mean) }, "combination.norm is not a parameter of mean"),
        (pb::Combination { kind: 77, ..Default::default() }, "combination.kind must be mean, median"),
    ] {
        let error = refused(combined(15, 3, combination));
        assert!(error.contains(said), "{combination:?}: {error}");
    }
}

#[test]
fn an_estimate_names_the_rule_and_the_groups_that_providers_make() {
    let mut settings = combined(20, 3, rule(Kind::Median));
    settings.cohort.as_mut().unwrap().min_providers = 14;
    let request = pb::QueryEstimateRequest { settings: Some(settings), ..Default::default() };
    let answer = estimate(&test_params(), &request);
    assert_eq!((&answer.combination[..], answer.fewest_groups, answer.most_groups), ("median", 4, 6));
}
