//! Every schedule of drop-outs, and hostile minorities among them.

use crate::adversary::{bad_deal, tampered, wrong_partial};
use crate::world::{settings, World};
use bauta_rounds::offence::severity;
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::signature::Body;
use proptest::prelude::*;

/// What an honest provider manages to do in a round: a message that it does not send never arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Submits {
    All,
    HeaderOnly,
    AllButOne,
    Nothing,
}

#[derive(Debug, Clone, Copy)]
struct Behaviour {
    checks_in: bool,
    submits: Submits,
    answers: bool,
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let submits = prop_oneof![
        6 => Just(Submits::All),
        1 => Just(Submits::HeaderOnly),
        1 => Just(Submits::AllButOne),
        1 => Just(Submits::Nothing),
    ];
    (prop::bool::weighted(0.9), submits, prop::bool::weighted(0.85))
        .prop_map(|(checks_in, submits, answers)| Behaviour { checks_in, submits, answers })
}

fn schedules() -> impl Strategy<Value = (usize, u64, Vec<Vec<Behaviour>>)> {
    (3usize..=12).prop_flat_map(|n| {
        let round = prop::collection::vec(behaviour(), n);
        (Just(n), any::<u64>(), prop::collection::vec(round, 2))
    })
}

/// Runs the current round by a schedule; who submitted completely.
fn run_round(world: &mut World, schedule: &[Behaviour]) -> Vec<usize> {
    let number = world.the_task().round;
    let mut checked_in = Vec::new();
    for (i, behaviour) in schedule.iter().enumerate() {
        // Who is barred after the round before sits this one out.
        if behaviour.checks_in && bauta_rounds::derive::is_qualified(&world.member(i), number) {
            world.check_in(&[i]);
            checked_in.push(i);
        }
    }
    let mut survivors = Vec::new();
    world.until_after(number, pb::RoundPhase::CheckIn);
    if world.numbered(number).phase() != pb::RoundPhase::Submit {
        return survivors;
    }
    for &i in &checked_in {
        let update = world.update(i, number);
        let masked = world.masked(i, &update);
        let chunks = masked.chunks.len() as u32;
        let sent = match schedule[i].submits {
            Submits::All => chunks,
            Submits::AllButOne => chunks - 1,
            Submits::HeaderOnly => 0,
            Submits::Nothing => continue,
        };
        let header = world.header_msg(&masked);
        world.send_as(i, header).unwrap();
        for index in 0..sent {
            let chunk = world.chunk_msg(&masked, index);
            world.send_as(i, chunk).unwrap();
        }
        if sent == chunks {
            survivors.push(i);
        }
    }
    world.until_after(number, pb::RoundPhase::Submit);
    if world.numbered(number).phase() == pb::RoundPhase::Unmask {
        for (i, behaviour) in schedule.iter().enumerate() {
            if behaviour.answers {
                world.unmask(&[i]);
            }
        }
    }
    world.until_settled(number);
    survivors
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whoever_drops_out_the_result_is_the_plain_sum_or_the_round_aborts_at_the_price_of_silence((n, seed, schedule) in schedules()) {
        let everyone: Vec<usize> = (0..n).collect();
        let mut world = World::new(n, seed);
        world.set_up(&everyone);
        let (least, threshold) = (world.terms().cohort.min_group as usize, world.epoch().threshold as usize);
        for behaviours in &schedule {
            let number = world.the_task().round;
            let epoch = world.the_task().epoch;
            let survivors = run_round(&mut world, behaviours);
            let round = world.numbered(number);
            let answers = behaviours.iter().filter(|behaviour| behaviour.answers).count();
            if survivors.len() >= least && answers >= threshold {
                world.assert_exact(number, &survivors);
            } else {
                prop_assert_eq!(round.phase(), pb::RoundPhase::Aborted);
            }
            let is_unmasked = round.released;
            for (i, behaviour) in behaviours.iter().enumerate() {
                let checked_in = round.group.contains(&world.member_of(i, epoch).slot);
                let is_silent_seat = is_unmasked && answers < threshold && !behaviour.answers;
                let expected = if is_silent_seat {
                    Some(OffenceKind::SilentSeat)
                } else if checked_in && !survivors.contains(&i) {
                    Some(OffenceKind::NoSubmission)
                } else {
                    None
                };
                let found: Vec<_> =
                    world.verdicts.iter().filter(|v| v.round == number && v.provider == world.clients[i].address).collect();
                prop_assert!(found.len() <= 1);
                prop_assert_eq!(found.first().map(|v| v.kind()), expected);
            }
            if world.the_task().epoch != epoch || world.the_task().ended_height > 0 {
                break;
            }
        }
    }

    #[test]
    fn whatever_a_hostile_minority_does_no_honest_provider_is_ever_convicted(
        n in 5usize..=9,
        seed in any::<u64>(),
        deeds in prop::collection::vec(0u8..8, 1..=2),
    ) {
        let mut world = World::with(n, seed, settings(n as u32, 40));
        let hostile: Vec<usize> = (0..deeds.len()).collect();
        let honest: Vec<usize> = (deeds.len()..n).collect();
        set_up_with(&mut world, &hostile, &deeds);
        if world.epoch().phase() != pb::EpochPhase::Rounds {
            return Ok(());
        }
        let number = world.the_task().round;
        for i in 0..n {
            if bauta_rounds::derive::is_qualified(&world.member(i), number) {
                world.check_in(&[i]);
            }
        }
        world.until_after(number, pb::RoundPhase::CheckIn);
        if world.numbered(number).phase() == pb::RoundPhase::Submit {
            world.submit(&honest);
            for (&i, &deed) in hostile.iter().zip(&deeds) {
                misbehave_in_submission(&mut world, i, deed);
            }
            world.until_after(number, pb::RoundPhase::Submit);
        }
        if world.numbered(number).phase() == pb::RoundPhase::Unmask {
            for (&i, &deed) in hostile.iter().zip(&deeds) {
                if deed == 6 {
                    let wrong = wrong_partial(&mut world, i);
                    let call = world.unmask_msg(&wrong);
                    world.send_as(i, call).unwrap();
                }
            }
            for &i in &honest {
                // An honest seat that lacks a share has complained, and is excused.
                if world.can_answer(i) {
                    let answer = world.answer(i);
                    let call = world.unmask_msg(&answer);
                    world.send_as(i, call).unwrap();
                }
            }
            world.until_settled(number);
        }
        for verdict in &world.verdicts {
            prop_assert!(
                !honest.iter().any(|&i| world.clients[i].address == verdict.provider),
                "honest provider convicted of {:?}: {}", verdict.kind(), verdict.what
            );
        }
        // One round, one penalty per provider: the largest.
        for (place, verdict) in world.verdicts.iter().enumerate() {
            for other in &world.verdicts[..place] {
                prop_assert!(
                    other.provider != verdict.provider || other.round != verdict.round
                        || severity(other.kind()) < severity(verdict.kind())
                );
            }
        }
    }
}

/// Deals of a hostile minority: some bad, some missing. Seats that find a bad share complain.
fn set_up_with(world: &mut World, hostile: &[usize], deeds: &[u8]) {
    let everyone: Vec<usize> = (0..world.clients.len()).collect();
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Deal);
    for &i in &everyone {
        let deed = hostile.iter().position(|&h| h == i).map(|place| deeds[place]);
        let deal = match deed {
            Some(0) => {
                let victim = world.member(world.clients.len() - 1).seat;
                bad_deal(world, i, &[victim])
            }
            Some(1) => continue,
            _ => world.deal(i),
        };
        let call = world.deal_msg(&deal);
        world.send_as(i, call).unwrap();
    }
    world.until_epoch(pb::EpochPhase::Complain);
    for &i in &everyone {
        for bad in world.open_shares(i) {
            let complaint = world.complain_msg(i, &bad);
            world.send_as(i, complaint).unwrap();
        }
        if hostile.iter().position(|&h| h == i).is_some_and(|place| deeds[place] == 2) {
            let dealer = world.clients.len() - 1;
            let number = world.the_task().epoch;
            let address = world.clients[dealer].address.clone();
            if let Some(record) = bauta_rounds::state::find_deal(&world.storage, world.task, number, &address).unwrap()
            {
                let deal = bauta_secagg::deal::Deal::decode(&record.body).unwrap();
                let complaint = world.complain_msg(i, &deal);
                let _ = world.send_as(i, complaint);
            }
        }
    }
    for _ in 0..10 {
        if world.epoch().phase() == pb::EpochPhase::Complain {
            world.block();
        }
    }
    if world.epoch().phase() == pb::EpochPhase::Rounds {
        for &i in &everyone {
            world.open_shares(i);
        }
    }
}

fn misbehave_in_submission(world: &mut World, i: usize, deed: u8) {
    let address = world.clients[i].address.clone();
    let number = world.the_task().round;
    if bauta_rounds::state::find_check_in(&world.storage, world.task, number, &address).unwrap().is_none() {
        return;
    }
    let update = world.update(i, number);
    let masked = world.masked(i, &update);
    match deed {
        // Silent.
        3 => {}
        // Two headers.
        4 => {
            world.submit_masked(i, &masked);
            let second = tampered(world, i, &masked, 1);
            let call = world.header_msg(&second);
            assert!(world.send_as(i, call).unwrap_err().offence.is_some());
        }
        // Garbage.
        5 => {
            let garbage = tampered(world, i, &masked, 0x55);
            world.submit_masked(i, &garbage);
        }
        _ => world.submit_masked(i, &masked),
    }
}
