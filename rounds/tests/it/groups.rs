//! Many groups: how they are cut, what a round makes of them, and that none hurts another.

use std::collections::{BTreeMap, BTreeSet};

use crate::adversary::tampered;
use crate::world::{all_but, settings, World};
use bauta_learning::combine::GroupSum;
use bauta_rounds::{derive, state, Error};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::curve::Point;
use bauta_secagg::encoding::Slot;
use bauta_secagg::unmask::Asked;
use proptest::prelude::*;

/// Settings for `n` providers in groups of `g` to `2g - 1`.
pub fn grouped(n: u32, g: u32) -> pb::TaskSettings {
    let mut settings = settings(n, 40);
    let cohort = settings.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group, cohort.min_providers) = (g, (g * 3).div_ceil(4).max(3), g);
    // Groups so small hide nobody from a fifth of all providers.
    cohort.corrupt_heads_ppm = Some(0);
    settings.max_idle_epochs = 9;
    settings
}

/// The clients of each group, by their numbers.
pub fn clients_of(world: &World) -> BTreeMap<u32, Vec<usize>> {
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for i in 0..world.clients.len() {
        let number = world.member(i).group;
        if number > 0 {
            groups.entry(number).or_default().push(i);
        }
    }
    groups
}

/// Asserts that each group that finished has the plain sum of its survivors, that the round has their total, and that the model is what
/// the same training without masks gives.
pub fn assert_exact_by_group(world: &World, round: u64, survivors: &BTreeMap<u32, Vec<usize>>) {
    let record = world.numbered(round);
    assert_eq!(record.phase(), pb::RoundPhase::Finished, "{:?}", record.abort_reason());
    let finished: BTreeSet<u32> =
        record.groups.iter().filter(|group| derive::goes_on(group)).map(|group| group.number).collect();
    assert_eq!(finished, survivors.keys().copied().collect());
    let mut total = vec![0i64; world.terms().elements as usize];
    let mut weight = 0;
    for (&number, who) in survivors {
        let sum = world.plain_sum(who, round);
        assert_eq!(world.aggregate_of(round, number), sum, "group {number}");
        let group = record.groups.iter().find(|group| group.number == number).unwrap();
        assert_eq!(group.metrics, world.plain_metrics(who, round), "group {number}");
        assert_eq!(group.weight, who.iter().map(|&i| world.clients[i].weight).sum::<u64>());
        weight += group.weight;
        total.iter_mut().zip(&sum).for_each(|(total, value)| *total += value);
    }
    assert_eq!(world.aggregate(round), total);
    assert_eq!(record.result.unwrap().total_weight, weight);
}

#[test]
fn many_groups_finish_a_task_with_the_model_of_the_same_training_without_masks() {
    let n = 13;
    let mut world = World::with(n, 200, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let groups = clients_of(&world);
    let sizes: Vec<_> = groups.values().map(Vec::len).collect();
    assert_eq!(sizes, [5, 4, 4]);
    for round in 1..=2 {
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&everyone);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone[..7]);
        world.until_settled(round);
        assert_exact_by_group(&world, round, &groups);
        // Fixed for the epoch.
        if round == 1 {
            assert_eq!(clients_of(&world), groups);
        }
    }
    assert_eq!(world.the_task().status(), pb::TaskStatus::Finished);
    assert_eq!(
        world.the_task().model_hash,
        world.plain_model(&[(1, everyone.clone()), (2, everyone.clone())]),
        "the mean over groups is the mean over survivors"
    );
    assert!(world.verdicts.is_empty());
    assert_eq!(world.escrow, 0);
}

#[test]
fn the_groups_are_those_that_the_value_of_the_dealers_joint_key_cuts() {
    let n = 12;
    let mut world = World::with(n, 201, grouped(n as u32, 3));
    world.set_up(&all_but(n, &[]));
    let epoch = world.epoch();
    // What anybody with all secrets would compute.
    let input = derive::partition_input(&epoch).unwrap();
    let value = world.clients.iter().fold(None::<k256::ProjectivePoint>, |sum, client| {
        let secret: [u8; 32] = client.keys.to_bytes()[..32].try_into().unwrap();
        let x = bauta_secagg::curve::scalar_from_bytes(&secret).unwrap();
        let own = input.base().projective() * x;
        Some(sum.map_or(own, |sum| sum + own))
    });
    assert_eq!(epoch.partition_point, Point::from_projective(&value.unwrap()).unwrap().to_bytes());
    let slots: Vec<Slot> = (1..=n as u32).map(|slot| Slot::new(slot).unwrap()).collect();
    let groups = derive::partition(&epoch, &slots, 3).unwrap();
    for member in world.members() {
        let group = &groups[member.group as usize - 1];
        assert!(group.iter().any(|slot| slot.get() == member.slot));
    }
    assert_eq!(epoch.dealers_root, derive::dealers(&world.members()).unwrap().root().as_bytes());
}

#[test]
fn the_last_answer_cannot_change_the_partition() {
    let n = 10;
    let everyone = all_but(n, &[]);
    let cut = |last: usize| {
        let mut world = World::with(n, 202, grouped(n as u32, 3));
        world.enrol(&everyone);
        world.until_epoch(pb::EpochPhase::Deal);
        world.deal_all(&everyone);
        world.until_epoch(pb::EpochPhase::Partition);
        for &i in &everyone {
            world.open_shares(i);
        }
        world.until_awaited();
        // Five of the six that are needed; then another each time.
        world.evaluate(&[0, 1, 2, 3, 4]);
        world.evaluate(&[last]);
        // The others are excused.
        let late = if last == 9 { 8 } else { 9 };
        let signed = world.evaluation(late);
        let call = world.evaluate_msg(&signed);
        assert!(matches!(world.send_as(late, call).unwrap_err().error, Error::NotAwaited(_)));
        world.until_epoch(pb::EpochPhase::Rounds);
        (world.epoch().partition_point.clone(), clients_of(&world))
    };
    let first = cut(5);
    assert_eq!(first, cut(7));
    assert_eq!(first, cut(9));
}

#[test]
fn a_false_share_of_the_value_convicts_and_one_for_other_dealers_is_refused() {
    let n = 8;
    let mut world = World::with(n, 203, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    world.deal_all(&everyone);
    world.until_epoch(pb::EpochPhase::Partition);
    for &i in &everyone {
        world.open_shares(i);
    }
    let early = world.evaluation(0);
    let call = world.evaluate_msg(&early);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::NotAwaited(_)));
    world.until_awaited();
    let ectx = world.ectx();
    let mut other = world.evaluation(1).body;
    other.input[0] ^= 1;
    let other = world.sign(1, &ectx, other);
    let call = world.evaluate_msg(&other);
    let rejection = world.send_as(1, call).unwrap_err();
    assert!(matches!(rejection.error, Error::Refused(_)) && rejection.offence.is_none());
    let mut copied = world.evaluation(2);
    copied.body.address = world.clients[3].name();
    let copied = world.sign(3, &ectx, copied.body);
    let call = world.evaluate_msg(&copied);
    assert!(matches!(world.send_as(3, call).unwrap_err().error, Error::Refused(_)));
    let mut lie = world.evaluation(0).body;
    lie.value = Point::GENERATOR;
    let lie = world.sign(0, &ectx, lie);
    let call = world.evaluate_msg(&lie);
    let rejection = world.send_as(0, call).unwrap_err();
    assert_eq!(rejection.offence.unwrap().kind, OffenceKind::InvalidProof);
    // It has nothing more to lose, so that it is heard no more: the task would pay for each lie.
    let fees = crate::budget::fees(&world);
    for point in [Point::GENERATOR, world.evaluation(1).body.value] {
        let mut lie = world.evaluation(0).body;
        lie.value = point;
        let lie = world.sign(0, &ectx, lie);
        let call = world.evaluate_msg(&lie);
        assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::NotAwaited(_)));
    }
    assert_eq!(crate::budget::fees(&world), fees);
    world.evaluate(&[1]);
    let again = world.evaluation(1);
    let call = world.evaluate_msg(&again);
    assert!(matches!(world.send_as(1, call).unwrap_err().error, Error::Duplicate(_)));
    world.evaluate(&[2, 3, 4, 5]);
    world.until_epoch(pb::EpochPhase::Rounds);
    assert_eq!(world.verdicts_of(0), [OffenceKind::InvalidProof]);
    assert_eq!(world.verdicts.len(), 1);
    // Its masking key is still part of the joint key, and it sits out the rounds.
    assert!(world.member(0).group > 0 && !derive::is_qualified(&world.member(0), 1));
}

#[test]
fn an_epoch_whose_seats_do_not_answer_ends_and_the_silent_pay_what_silence_costs() {
    let n = 8;
    let mut world = World::with(n, 204, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    for epoch in 1..=2 {
        world.enrol(&everyone);
        world.until_epoch(pb::EpochPhase::Deal);
        world.deal_all(&everyone);
        world.until_epoch(pb::EpochPhase::Partition);
        for &i in &everyone {
            world.open_shares(i);
        }
        world.until_awaited();
        // Four of eight seats answer, five are needed.
        world.evaluate(&[0, 1, 2, 3]);
        while world.the_task().epoch == epoch {
            world.block();
        }
        let ended = state::epoch(&world.storage, world.task, epoch).unwrap();
        assert_eq!(ended.end(), pb::EpochEnd::TooFewSeats);
        assert_eq!(ended.finished_rounds, 0);
        for i in 0..n {
            let expected = vec![OffenceKind::SilentSeat; if i < 4 { 0 } else { epoch as usize }];
            assert_eq!(world.verdicts_of(i), expected, "{i} in epoch {epoch}");
        }
    }
    // Silent in two failed phases, if of two epochs: no seat in the next.
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    for i in 0..n {
        assert_eq!(world.member(i).seat > 0, i < 4, "{i}");
    }
}

#[test]
fn a_seat_that_complained_about_a_dealer_is_excused_from_the_partition() {
    let n = 9;
    let mut world = World::with(n, 205, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    let victim = world.member(1).seat;
    let bad = crate::adversary::bad_deal(&mut world, 0, &[victim]);
    let call = world.deal_msg(&bad);
    world.send_as(0, call).unwrap();
    world.deal_all(&all_but(n, &[0]));
    world.until_epoch(pb::EpochPhase::Partition);
    for &i in &everyone {
        for deal in world.open_shares(i) {
            // Valid until the epoch ends: in the partition, too.
            let call = world.complain_msg(i, &deal);
            world.send_as(i, call).unwrap();
        }
    }
    world.until_awaited();
    // Four of nine, five are needed; the convicted dealer's is heard no more.
    world.evaluate(&[2, 3, 4, 5]);
    while world.the_task().epoch == 1 {
        world.block();
    }
    assert_eq!(world.verdicts_of(0), [OffenceKind::BadShare]);
    assert!(world.verdicts_of(1).is_empty());
    for i in 6..n {
        assert_eq!(world.verdicts_of(i), [OffenceKind::SilentSeat]);
    }
}

#[test]
fn a_group_of_too_few_is_void_alone_and_its_members_are_excused() {
    let n = 12;
    let mut world = World::with(n, 206, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let groups = clients_of(&world);
    // Of the first group two check in; of the second all do and two submit; the third is whole.
    let (first, second, third) = (&groups[&1], &groups[&2], &groups[&3]);
    let checked_in: Vec<usize> = first[..2].iter().chain(second).chain(third).copied().collect();
    world.check_in(&checked_in);
    world.until_round(pb::RoundPhase::Submit);
    let number = |group: &pb::RoundGroup| (group.number, group.void());
    assert_eq!(number(&world.round().groups[0]), (1, pb::AbortReason::TooFewCheckIns));
    assert!(world.round().groups[0].root.is_empty());
    // Who is excused is not heard.
    let update = world.update(third[0], 1);
    let masked = world.masked(third[0], &update);
    let call = world.header_msg(&masked);
    assert!(matches!(world.send_as(first[0], call).unwrap_err().error, Error::NotAwaited(_)));
    world.submit(&second[..2]);
    world.submit(third);
    world.until_round(pb::RoundPhase::Unmask);
    assert_eq!(number(&world.round().groups[1]), (2, pb::AbortReason::TooFewSurvivors));
    let asked: BTreeSet<u32> = world.requests().providers().into_keys().map(Slot::get).collect();
    assert_eq!(asked, third.iter().map(|&i| world.member(i).slot).collect());
    world.unmask(&everyone[..7]);
    world.until_settled(1);
    assert_exact_by_group(&world, 1, &BTreeMap::from([(3, third.clone())]));
    // Who did not submit pays; the others of the void groups neither pay nor are paid.
    for i in 0..n {
        let expected: &[OffenceKind] = if second[2..].contains(&i) { &[OffenceKind::NoSubmission] } else { &[] };
        assert_eq!(world.verdicts_of(i), expected, "{i}");
    }
    let updates = |i: usize| state::reward(&world.storage, &world.clients[i].address, world.task).unwrap().updates;
    for i in 0..n {
        assert_eq!(updates(i), u32::from(third.contains(&i)), "{i}");
    }
}

#[test]
fn a_round_aborts_only_when_no_group_is_left() {
    let n = 8;
    let mut world = World::with(n, 207, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let groups = clients_of(&world);
    let two_each: Vec<usize> = groups.values().flat_map(|group| group[..2].to_vec()).collect();
    world.check_in(&two_each);
    assert_eq!(world.until_settled(1).abort_reason(), pb::AbortReason::TooFewCheckIns);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&two_each);
    let round = world.until_settled(2);
    assert_eq!(round.abort_reason(), pb::AbortReason::TooFewSurvivors);
    assert!(!round.released && round.request_root.is_empty());
}

#[test]
fn a_seat_that_answers_for_a_void_group_is_refused_and_convicted_once_it_is_reported() {
    let n = 8;
    let mut world = World::with(n, 208, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let groups = clients_of(&world);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&groups[&1]);
    world.submit(&groups[&2][..2]);
    world.until_round(pb::RoundPhase::Unmask);
    let mut body = world.answer(0).body;
    // The self mask of one whose group is void: with its edges, its update would be open.
    let slot = Slot::new(world.member(groups[&2][0]).slot).unwrap();
    body.entries[0].asked = Asked::SelfMask { provider: slot };
    let ctx = world.ctx();
    let partial = world.sign(0, &ctx, body);
    let call = world.unmask_msg(&partial);
    let rejection = world.send_as(0, call).unwrap_err();
    assert!(matches!(rejection.error, Error::Refused(_)) && rejection.offence.is_none(), "{}", rejection.error);
    world.unmask(&everyone[1..6]);
    world.until_settled(1);
    let evidence = pb::msg_report::Evidence::UnrequestedPartial(crate::adversary::signed_body(&partial));
    let report = crate::adversary::report(&world, 0, 1, evidence);
    world.send_as(7, report).unwrap();
    assert_eq!(world.verdicts_of(0), [OffenceKind::UnrequestedPartial]);
}

#[test]
fn a_header_masked_towards_another_group_is_refused() {
    let n = 8;
    let mut world = World::with(n, 209, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let groups = clients_of(&world);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let (mine, other) = (groups[&1][0], groups[&2][0]);
    let update = world.update(mine, 1);
    let mut body = world.masked(mine, &update).header.body;
    body.group_root = world.group_of(other).root();
    let ctx = world.ctx();
    let header = world.sign(mine, &ctx, body);
    let masked = bauta_secagg::submit::Masked { header, chunks: Vec::new() };
    let call = world.header_msg(&masked);
    let rejection = world.send_as(mine, call).unwrap_err();
    assert!(matches!(rejection.error, Error::Refused(_)) && rejection.offence.is_none(), "{}", rejection.error);
}

#[test]
fn a_sum_out_of_range_voids_its_group_alone() {
    let n = 8;
    let mut world = World::with(n, 210, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let groups = clients_of(&world);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    let hostile = groups[&1][0];
    let update = world.update(hostile, 1);
    let masked = world.masked(hostile, &update);
    let garbage = tampered(&mut world, hostile, &masked, 0x55);
    world.submit_masked(hostile, &garbage);
    world.submit(&everyone.iter().copied().filter(|&i| i != hostile).collect::<Vec<_>>());
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone[..5]);
    let round = world.until_settled(1);
    assert_eq!(round.groups[0].void(), pb::AbortReason::OutOfRange);
    assert_exact_by_group(&world, 1, &BTreeMap::from([(2, groups[&2].clone())]));
    assert!(world.verdicts.is_empty());
}

#[test]
fn an_epoch_ends_when_no_group_has_enough_members_that_may_check_in() {
    let n = 8;
    let mut world = World::with(n, 211, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.set_up(&everyone);
    let groups = clients_of(&world);
    // Two of each group are jailed: six members could make a group, but none has three.
    for group in groups.values() {
        for &i in &group[..2] {
            world.registry.jailed.insert(world.clients[i].address.clone());
        }
    }
    world.check_in(&groups[&1][2..].iter().chain(&groups[&2][2..]).copied().collect::<Vec<_>>());
    world.until_settled(1);
    let first = state::epoch(&world.storage, world.task, 1).unwrap();
    assert_eq!(first.end(), pb::EpochEnd::NoGroup);
}

#[test]
fn work_on_many_groups_spread_over_many_blocks_gives_the_same_model_and_leaves_no_blob_behind() {
    let n = 9;
    let everyone = all_but(n, &[]);
    let run = |operations| {
        let mut world = World::with(n, 212, grouped(n as u32, 3));
        world.operations = operations;
        world.set_up(&everyone);
        let groups = clients_of(&world);
        world.check_in(&everyone);
        world.until_round(pb::RoundPhase::Submit);
        world.submit(&everyone);
        world.until_round(pb::RoundPhase::Unmask);
        world.unmask(&everyone);
        let round = world.until_settled(1);
        assert_exact_by_group(&world, 1, &groups);
        // Model and optimiser, the model before, three groups' sums and their total.
        assert_eq!(world.blobs.0.len(), 7);
        (round.result.unwrap(), world.epoch().partition_point, world.height)
    };
    let (at_once, cut, soon) = run(10_000_000);
    let (in_steps, same_cut, late) = run(1);
    assert_eq!((at_once, cut), (in_steps, same_cut));
    assert!(late > soon + 20, "{late} {soon}");
}

#[test]
fn a_chain_that_stops_while_groups_are_finished_leaves_no_blob_of_the_round() {
    let n = 9;
    let everyone = all_but(n, &[]);
    let mut world = World::with(n, 213, grouped(n as u32, 3));
    world.set_up(&everyone);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    world.unmask(&everyone);
    world.operations = 1;
    while !world.round().groups.iter().any(|group| !group.aggregate_hash.is_empty()) {
        world.block();
    }
    world.halt();
    assert_eq!(world.blobs.0.len(), 1, "only the model stays");
}

#[test]
fn one_group_needs_no_partition() {
    let n = 7;
    let mut world = World::with(n, 214, grouped(n as u32, 4));
    let everyone = all_but(n, &[]);
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    world.deal_all(&everyone);
    world.until_epoch(pb::EpochPhase::Complain);
    while world.epoch().phase() == pb::EpochPhase::Complain {
        world.block();
    }
    assert_eq!(world.epoch().phase(), pb::EpochPhase::Rounds);
    assert_eq!(world.epoch().groups, 1);
    assert!(world.epoch().partition_point.is_empty());
    assert!((0..n).all(|i| world.member(i).group == 1));
}

/// What a member of a group does in a round.
fn schedules() -> impl Strategy<Value = (usize, u64, Vec<(bool, bool)>, Vec<bool>)> {
    (6usize..=14).prop_flat_map(|n| {
        let member = (prop::bool::weighted(0.92), prop::bool::weighted(0.85));
        (Just(n), any::<u64>(), prop::collection::vec(member, n), prop::collection::vec(prop::bool::weighted(0.9), n))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whoever_drops_out_every_group_with_enough_survivors_has_their_plain_sum_and_the_others_are_void((n, seed, members, answers) in schedules()) {
        let everyone = all_but(n, &[]);
        let mut world = World::with(n, seed, grouped(n as u32, 3));
        world.set_up(&everyone);
        let groups = clients_of(&world);
        let least = world.terms().cohort.min_group as usize;
        let threshold = world.epoch().threshold as usize;
        let pick = |group: &Vec<usize>, wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
            group.iter().copied().filter(|&i| wanted(i)).collect()
        };
        let checked_in = pick(&everyone, &|i| members[i].0);
        world.check_in(&checked_in);
        world.until_after(1, pb::RoundPhase::CheckIn);
        let going: BTreeMap<u32, Vec<usize>> = groups
            .iter()
            .map(|(number, group)| (*number, pick(group, &|i| members[i].0)))
            .filter(|(_, group)| group.len() >= least)
            .collect();
        let survivors: BTreeMap<u32, Vec<usize>> = going
            .iter()
            .map(|(number, group)| (*number, pick(group, &|i| members[i].1)))
            .filter(|(_, group)| group.len() >= least)
            .collect();
        let owing: Vec<usize> = going.values().flatten().copied().collect();
        if going.is_empty() {
            prop_assert_eq!(world.until_settled(1).abort_reason(), pb::AbortReason::TooFewCheckIns);
            return Ok(());
        }
        world.submit(&pick(&owing, &|i| members[i].1));
        world.until_after(1, pb::RoundPhase::Submit);
        let enough = answers.iter().filter(|answers| **answers).count() >= threshold;
        if world.numbered(1).phase() == pb::RoundPhase::Unmask {
            world.unmask(&pick(&everyone, &|i| answers[i]));
        }
        let round = world.until_settled(1);
        if survivors.is_empty() {
            prop_assert_eq!(round.abort_reason(), pb::AbortReason::TooFewSurvivors);
        } else if enough {
            assert_exact_by_group(&world, 1, &survivors);
            let sums: Vec<_> = survivors.values().map(|who| {
                (world.plain_sum(who, 1), who.iter().map(|&i| world.clients[i].weight).sum())
            }).collect();
            let parts: Vec<_> = sums.iter().map(|(sum, weight)| GroupSum::new(sum, *weight)).collect();
            let terms = world.terms();
            let update = terms.combination().combine(&parts, terms.encoding.scale_bits).unwrap();
            let mut model = terms.initial_model(Some(&crate::world::zero_model())).unwrap();
            let mut optimiser =
                bauta_learning::optimiser::State::initial(&terms.optimiser, terms.elements as usize);
            terms.optimiser.step(model.values_mut(), &mut optimiser, &update).unwrap();
            prop_assert_eq!(round.result.unwrap().model_hash, model.hash().to_vec());
        } else {
            prop_assert_eq!(round.abort_reason(), pb::AbortReason::TooFewPartials);
        }
        for i in 0..n {
            let is_silent_seat = round.released && !enough && !answers[i];
            let expected = if is_silent_seat {
                Some(OffenceKind::SilentSeat)
            } else if owing.contains(&i) && !members[i].1 {
                Some(OffenceKind::NoSubmission)
            } else {
                None
            };
            prop_assert_eq!(world.verdicts_of(i).first().copied(), expected);
        }
    }
}
