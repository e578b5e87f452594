//! Scores of groups: what they are computed from, and that they move rewards and nothing else.

mod refused;

use crate::groups::{clients_of, grouped};
use crate::world::{all_but, create, zero_model, World, OWNER};
use bauta_learning::combine::GroupSum;
use bauta_learning::evaluate::{Classifier, TestSet};
use bauta_learning::fixed::{Fixed, ONE};
use bauta_learning::model::Model;
use bauta_learning::optimiser::State as OptimiserState;
use bauta_learning::score::{leave_one_out, usefulness, Agreement};
use bauta_rounds::{query, state, Call, Error};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::{CombinationKind as Kind, OffenceKind};
use sha2::{Digest, Sha256};

/// What an update is paid.
const PER_UPDATE: u128 = 50;

/// Settings of a task whose model is softmax regression of four features and two classes, in groups of `g` that are scored.
fn scored(n: usize, g: u32, scoring: pb::Scoring) -> pb::TaskSettings {
    let mut settings = grouped(n as u32, g);
    settings.cohort.as_mut().unwrap().min_providers = n as u32;
    let tensor = |name: &str, shape: Vec<u32>| pb::Tensor { name: name.into(), shape };
    settings.model.as_mut().unwrap().tensors = vec![tensor("weight", vec![2, 4]), tensor("bias", vec![2])];
    // Three runs of coordinates.
    settings.encoding.as_mut().unwrap().chunk_elems = 4;
    settings.scoring = Some(scoring);
    settings
}

/// Rewards that follow the groups' agreement.
fn by_agreement() -> pb::Scoring {
    pb::Scoring { rewards: true, ..Default::default() }
}

/// Rewards that follow usefulness, too.
fn by_test(set: &TestSet, sensitivity: u32) -> pb::Scoring {
    let test_set = Sha256::digest(set.encode()).to_vec();
    pb::Scoring { rewards: true, test_set, rows: set.rows() as u32, sensitivity }
}

/// Rows of which the first feature says the class: positive means class 1. The others are 0.
fn rows() -> TestSet {
    let first = [3 * ONE, -2 * ONE, ONE, -ONE, 2 * ONE];
    let values = first.iter().flat_map(|&value| [value, 0, 0, 0]).collect();
    TestSet::new(4, 2, values, first.iter().map(|&value| u32::from(value > 0)).collect()).unwrap()
}

/// An update of class 1's weights of the first and the third feature, by so much.
fn towards(first: i64, third: i64) -> Vec<i64> {
    let mut update = vec![0; 10];
    (update[4], update[6]) = (first, third);
    update
}

fn opened(n: usize, seed: u64, settings: pb::TaskSettings, test_set: Option<&TestSet>) -> World {
    let mut world = World::empty(n, seed);
    let test_set = test_set.map(TestSet::encode).unwrap_or_default();
    world.send(OWNER, Call::CreateTask(Box::new(pb::MsgCreateTask { test_set, ..create(settings) }))).unwrap();
    world
}

/// Lets everyone check in and submit what their group says, by its number; seats answer. The round is being finalised or over.
fn submitted(world: &mut World, says: impl Fn(u32) -> Vec<i64>) {
    let everyone = all_but(world.clients.len(), &[]);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    for (number, who) in clients_of(world) {
        for i in who {
            let masked = world.masked(i, &says(number));
            world.submit_masked(i, &masked);
        }
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..everyone.len() / 2 + 1]);
}

/// The first round of a task, settled.
fn played(
    n: usize,
    seed: u64,
    settings: pb::TaskSettings,
    set: Option<&TestSet>,
    says: impl Fn(u32) -> Vec<i64>,
) -> World {
    let mut world = opened(n, seed, settings, set);
    world.set_up(&all_but(n, &[]));
    submitted(&mut world, says);
    let round = world.until_settled(1);
    assert_eq!(round.phase(), pb::RoundPhase::Finished, "{:?}", round.abort_reason());
    world
}

/// What a client was paid for its update.
fn for_update(world: &World, i: usize) -> u128 {
    let reward = state::reward(&world.storage, &world.clients[i].address, world.task).unwrap();
    assert_eq!(reward.updates, 1);
    reward.amount.parse::<u128>().unwrap() - 20 * u128::from(reward.partials)
}

fn scores_of(round: &pb::Round) -> Vec<pb::GroupScores> {
    round.groups.iter().map(|group| group.scores.unwrap()).collect()
}

#[test]
fn a_group_whose_sum_points_against_the_others_earns_nothing_of_the_pot_and_loses_no_bond() {
    let n = 9;
    let against = |number| if number == 2 { towards(-4000, 900) } else { towards(1000, 0) };
    let world = played(n, 300, scored(n, 3, by_agreement()), None, against);
    for (number, who) in clients_of(&world) {
        for i in who {
            // The pot is what nine updates are paid; two groups of three share it.
            let expected = if number == 2 { 0 } else { 9 * PER_UPDATE / 6 };
            assert_eq!(for_update(&world, i), expected, "group {number}");
        }
    }
    let scores = scores_of(&world.numbered(1));
    assert!(scores[1].agreement < 0 && scores[1].factor == 0);
    assert!(world.verdicts.is_empty() && world.registry.jailed.is_empty());
    assert!(world.locked.values().all(|&locks| locks == 1), "bonds are locked as long as the epoch's are");
}

#[test]
fn scores_change_no_verdict_no_bar_and_no_bond() {
    let n = 12;
    let everyone = all_but(n, &[]);
    // Clients sit in other groups under other settings, whose hash cuts them: the silent ones are the same.
    let silent = [4, 7];
    let run = |scoring: Option<pb::Scoring>| {
        let mut settings = scored(n, 6, by_agreement());
        settings.scoring = scoring;
        settings.cohort.as_mut().unwrap().min_group = 4;
        settings.cohort.as_mut().unwrap().group_size = 5;
        let mut world = opened(n, 301, settings, None);
        world.set_up(&everyone);
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        for (number, who) in clients_of(&world) {
            for i in who.into_iter().filter(|i| !silent.contains(i)) {
                let masked = world.masked(i, &if number == 1 { towards(-3000, 0) } else { towards(10, 7) });
                world.submit_masked(i, &masked);
            }
        }
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone[..7]);
        let round = world.until_settled(1);
        assert_eq!(round.phase(), pb::RoundPhase::Finished, "{:?}", round.abort_reason());
        let bars: Vec<_> = everyone.iter().map(|&i| world.member_of(i, 1).bar()).collect();
        while world.epoch().phase() == pb::EpochPhase::Rounds {
            world.block();
        }
        while world.locked.values().any(|&locks| locks > 0) {
            world.block();
        }
        let verdicts: Vec<_> = everyone.iter().map(|&i| world.verdicts_of(i)).collect();
        (verdicts, bars, world.locked)
    };
    let scored = run(Some(by_agreement()));
    assert_eq!(scored, run(None));
    for (i, verdicts) in scored.0.iter().enumerate() {
        let expected: &[OffenceKind] = if silent.contains(&i) { &[OffenceKind::NoSubmission] } else { &[] };
        assert_eq!(verdicts, expected);
    }
}

#[test]
fn groups_that_say_the_same_are_paid_alike_whatever_their_weights() {
    let n = 10;
    let world = played(n, 302, scored(n, 3, by_agreement()), None, |_| towards(700, 40));
    let weights: Vec<u64> = world.numbered(1).groups.iter().map(|group| group.weight).collect();
    assert!(weights.iter().any(|&weight| weight != weights[0]), "{weights:?}");
    for i in 0..n {
        // Groups of four and of three: each update as without scores.
        assert_eq!(for_update(&world, i), PER_UPDATE);
    }
}

#[test]
fn where_all_groups_are_worth_nothing_all_are_paid_alike() {
    let n = 9;
    let world = played(n, 303, scored(n, 3, by_agreement()), None, |_| vec![0; 10]);
    assert!(scores_of(&world.numbered(1)).iter().all(|scores| scores.factor == 0));
    for i in 0..n {
        assert_eq!(for_update(&world, i), PER_UPDATE);
    }
}

#[test]
fn a_pot_is_paid_out_to_the_last_unit_and_what_is_left_in_a_group_goes_to_the_lowest_slots() {
    let n = 9;
    let says = |number| if number == 1 { towards(900, 800) } else { towards(1000, 0) };
    let world = played(n, 304, scored(n, 3, by_agreement()), None, says);
    let groups = clients_of(&world);
    let all: u128 = (0..n).map(|i| for_update(&world, i)).sum();
    assert_eq!(all, 9 * PER_UPDATE);
    let mut uneven = 0;
    for who in groups.values() {
        // Clients are in the order of their addresses only by their slots.
        let mut by_slot: Vec<_> = who.iter().map(|&i| (world.member_of(i, 1).slot, for_update(&world, i))).collect();
        by_slot.sort_unstable();
        let paid: Vec<_> = by_slot.into_iter().map(|(_, paid)| paid).collect();
        assert!(paid.is_sorted_by(|a, b| a >= b), "{paid:?}");
        assert!(paid[0] - paid[2] <= 1);
        uneven += usize::from(paid[0] != paid[2]);
    }
    assert!(uneven > 0, "these shares divide evenly, and show nothing");
}

#[test]
fn a_group_that_costs_accuracy_earns_less_where_there_is_a_test_set() {
    let n = 9;
    let rows = rows();
    // The third group goes with the median in a feature that no row has, and against it in the one that decides.
    let says = |number| if number == 3 { towards(-2000, 3500) } else { towards(100, 100) };
    let with = played(n, 305, scored(n, 3, by_test(&rows, 1)), Some(&rows), says);
    let round = with.numbered(1);
    let scores = scores_of(&round);
    // The model of all says the opposite of every label; without the third group it is right.
    assert_eq!(round.result.unwrap().test, Some(pb::TestHits { hits: 0, rows: 5 }));
    assert_eq!(scores.iter().map(|scores| scores.hits_without.unwrap()).collect::<Vec<_>>(), [0, 0, 5]);
    let without = played(n, 305, scored(n, 3, by_agreement()), None, says);
    assert!(scores_of(&without.numbered(1))[2].factor > scores[2].factor);
    assert!(scores_of(&without.numbered(1))[2].hits_without.is_none());
    let share = |world: &World| -> u128 { clients_of(world)[&3].iter().map(|&i| for_update(world, i)).sum() };
    assert!(0 < share(&with) && share(&with) < share(&without), "{} {}", share(&with), share(&without));
}

#[test]
fn scores_that_rewards_do_not_follow_are_shown_and_all_are_paid_alike() {
    let n = 9;
    let says = |number| if number == 1 { towards(-1000, 0) } else { towards(1000, 0) };
    let world = played(n, 306, scored(n, 3, pb::Scoring::default()), None, says);
    assert!(scores_of(&world.numbered(1))[0].agreement < 0);
    assert!((0..n).all(|i| for_update(&world, i) == PER_UPDATE));
}

/// What `learning` makes of the plain sums of all groups in the first round: every group's agreement, the hits of the round's model and
/// of those without one group.
fn expected(world: &World, rows: &TestSet, says: impl Fn(u32) -> Vec<i64>) -> (Vec<i64>, u64, Vec<u64>) {
    let sums: Vec<(Vec<i64>, u64)> = clients_of(world)
        .iter()
        .map(|(&number, who)| {
            let weight: u64 = who.iter().map(|&i| world.clients[i].weight).sum();
            (says(number).iter().map(|value| value * weight as i64).collect(), weight)
        })
        .collect();
    let parts: Vec<_> = sums.iter().map(|(sum, weight)| GroupSum::new(sum, *weight)).collect();
    let terms = world.terms();
    let (rule, scale_bits) = (terms.combination(), terms.encoding.scale_bits);
    let mut agreement = Agreement::new(parts.len(), terms.elements, scale_bits).unwrap();
    agreement.add(0, &parts).unwrap();
    let agreements = agreement.scores().unwrap().into_iter().map(Fixed::to_bits).collect();
    let mut model: Model = terms.initial_model(Some(&zero_model())).unwrap();
    let mut optimiser = OptimiserState::initial(&terms.optimiser, terms.elements as usize);
    let without = leave_one_out(rule, &parts, scale_bits, &terms.optimiser, (&model, &optimiser), rows).unwrap();
    let update = rule.combine(&parts, scale_bits).unwrap();
    terms.optimiser.step(model.values_mut(), &mut optimiser, &update).unwrap();
    let hits = Classifier::of(&terms.spec).unwrap().hits(&model, rows, 0..rows.rows()).unwrap();
    (agreements, hits, without)
}

#[test]
fn however_blocks_cut_the_work_the_scores_and_rewards_are_what_learning_makes_of_the_plain_sums() {
    let n = 18;
    let rows = rows();
    let adam = pb::Optimiser {
        kind: pb::OptimiserKind::Fedadam.into(),
        learning_rate: 1 << 30,
        beta1: 1 << 31,
        beta2: 1 << 31,
        tau: 1 << 22,
    };
    let says = |number: u32| {
        let sign = if number == 4 { -1 } else { 1 };
        (1..=10).map(|place| sign * (i64::from(number) * 311 * place % 900)).collect::<Vec<i64>>()
    };
    let rule = |kind: Kind| pb::Combination { kind: kind.into(), ..Default::default() };
    for combination in [
        rule(Kind::Mean),
        rule(Kind::Median),
        pb::Combination { hostile: 1, selected: 1, ..rule(Kind::MultiKrum) },
        pb::Combination { norm: 1 << 31, ..rule(Kind::ClippedMean) },
    ] {
        let run = |operations: u64| {
            let mut settings = scored(n, 3, by_test(&rows, 3));
            (settings.combination, settings.optimiser) = (Some(combination), Some(adam));
            let mut world = opened(n, 307, settings, Some(&rows));
            world.set_up(&all_but(n, &[]));
            submitted(&mut world, says);
            let before = world.height;
            world.operations = operations;
            let round = world.until_settled(1);
            let paid: Vec<u128> = (0..n).map(|i| for_update(&world, i)).collect();
            // Model and optimiser, the model before, the test set, six sums and their total: nothing of the work is left.
            assert_eq!(world.blobs.0.len(), 11, "{combination:?} {operations}");
            assert_eq!(round.phase(), pb::RoundPhase::Finished, "{:?}", round.abort_reason());
            let scores = scores_of(&round);
            let result = round.result.unwrap();
            let (agreements, hits, without) = expected(&world, &rows, says);
            assert_eq!(scores.iter().map(|scores| scores.agreement).collect::<Vec<_>>(), agreements, "{combination:?}");
            assert_eq!(result.test, Some(pb::TestHits { hits, rows: 5 }), "{combination:?}");
            for (scores, without) in scores.iter().zip(without) {
                assert_eq!(scores.hits_without, Some(without), "{combination:?}");
                let useful = usefulness(hits, without, 5, 3);
                let factor = bauta_learning::score::factor(Fixed::from_bits(scores.agreement), Some(useful));
                assert_eq!(scores.factor as i64, factor.to_bits());
            }
            (scores, result, paid, world.height - before)
        };
        let (at_once, in_steps) = (run(10_000_000), run(1));
        let (scores, result, paid, soon) = at_once;
        let (late_scores, late_result, late_paid, late) = in_steps;
        assert_eq!((&scores, &result, &paid), (&late_scores, &late_result, &late_paid), "{combination:?}");
        let between = run(40);
        assert_eq!((&scores, &result, &paid), (&between.0, &between.1, &between.2), "{combination:?}");
        // Three runs of six sums, of the agreement, and of seven candidates, each of which is then evaluated.
        assert!(late > soon + 18 + 3 + 7 * 4, "{late} {soon}");
    }
}

#[test]
fn where_no_group_can_be_left_out_the_rounds_hits_are_shown_and_agreement_alone_counts() {
    let n = 9;
    let rows = rows();
    let mut settings = scored(n, 3, by_test(&rows, 1));
    settings.combination = Some(pb::Combination { kind: Kind::TrimmedMean.into(), trim: 1, ..Default::default() });
    let world = played(n, 308, settings, Some(&rows), |_| towards(500, 0));
    let round = world.numbered(1);
    assert_eq!(round.result.as_ref().unwrap().test, Some(pb::TestHits { hits: 5, rows: 5 }));
    for scores in scores_of(&round) {
        assert_eq!((scores.hits_without, scores.factor), (None, scores.agreement as u64));
    }
}

#[test]
fn the_groups_that_are_left_are_scored_and_void_ones_are_not() {
    let n = 9;
    let everyone = all_but(n, &[]);
    let mut world = opened(n, 309, scored(n, 3, by_agreement()), None);
    world.set_up(&everyone);
    let missing = clients_of(&world)[&2][0];
    let rest = all_but(n, &[missing]);
    world.check_in(&rest);
    world.until_round(pb::RoundPhase::Submit);
    for (&number, who) in clients_of(&world).iter().filter(|(number, _)| **number != 2) {
        for &i in who {
            let masked = world.masked(i, &if number == 1 { towards(10, 3) } else { towards(-10, 4) });
            world.submit_masked(i, &masked);
        }
    }
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..5]);
    let round = world.until_settled(1);
    assert_eq!(round.phase(), pb::RoundPhase::Finished, "{:?}", round.abort_reason());
    assert_eq!(round.groups.iter().map(|group| group.scores.is_some()).collect::<Vec<_>>(), [true, false, true]);
    let groups = clients_of(&world);
    let paid: u128 = [1, 3].iter().flat_map(|number| &groups[number]).map(|&i| for_update(&world, i)).sum();
    assert_eq!(paid, 6 * PER_UPDATE);
}

#[test]
fn a_chain_that_stops_while_groups_are_scored_leaves_no_blob_of_the_round_and_no_test_set() {
    let n = 9;
    let rows = rows();
    let mut world = opened(n, 310, scored(n, 3, by_test(&rows, 1)), Some(&rows));
    world.set_up(&all_but(n, &[]));
    submitted(&mut world, |number| towards(i64::from(number), 2));
    world.operations = 1;
    let is_between = |world: &World| {
        let work = state::finalise(&world.storage, world.task, 1).unwrap().scores.unwrap_or_default();
        work.hits.len() == 2 && !work.runs.is_empty()
    };
    for _ in 0..200 {
        if !is_between(&world) {
            world.block();
        }
    }
    assert!(is_between(&world));
    world.halt();
    assert_eq!(world.blobs.0.len(), 1, "only the model stays");
}

#[test]
fn a_test_set_is_read_in_parts_while_its_task_runs_and_released_when_it_ends() {
    let n = 9;
    let rows = rows();
    let mut settings = scored(n, 3, by_test(&rows, 1));
    settings.rounds = 1;
    let mut world = opened(n, 311, settings, Some(&rows));
    let part = |world: &World, offset, limit| {
        let request = pb::QueryTestSetRequest { task_id: world.task, offset, limit };
        query::test_set(&world.storage, &world.blobs, &request)
    };
    let bytes = rows.encode();
    let (first, second) = (part(&world, 0, 100).unwrap(), part(&world, 100, 0).unwrap());
    assert_eq!([first.test_set, second.test_set].concat(), bytes);
    assert_eq!(first.total, bytes.len() as u64);
    world.set_up(&all_but(n, &[]));
    submitted(&mut world, |_| towards(1, 2));
    world.until_settled(1);
    assert_eq!(world.the_task().status(), pb::TaskStatus::Finished);
    let error = part(&world, 0, 0).unwrap_err();
    assert!(matches!(&error, Error::NotFound(what) if what.contains("has ended")), "{error}");
    assert!(!world.blobs.0.values().any(|(_, held)| *held == bytes));
    // A task without one says so.
    let other = opened(n, 312, scored(n, 3, by_agreement()), None);
    assert!(part(&other, 0, 0).unwrap_err().to_string().contains("has no test set"));
}
