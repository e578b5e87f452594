//! Seats that are drawn by bond, of more providers than hold one each.

use std::collections::BTreeMap;

use crate::groups::{clients_of, grouped};
use crate::world::{all_but, World};
use bauta_rounds::{derive, state, Error};
use bauta_schema::training::v1 as pb;
use bauta_schema::training::v1::OffenceKind;
use bauta_secagg::committee::{draw_one, seed};
use bauta_secagg::curve::Point;
use bauta_secagg::draw::Draw;
use bauta_secagg::encoding::Address;

/// So many providers, of whom the first has bonded as much as all others together.
pub fn many(n: usize, seed: u64) -> World {
    let mut settings = grouped(n as u32, 16);
    let cohort = settings.cohort.as_mut().unwrap();
    cohort.min_providers = 90;
    settings.model.as_mut().unwrap().tensors[0].shape = vec![8];
    // The committee of an epoch is still there when the next has enrolled.
    settings.windows.as_mut().unwrap().evidence = 40;
    settings.rewards.as_mut().unwrap().gas_price = "0".into();
    let mut world = World::with(n, seed, settings);
    let bond = 1_000 * (n as u128 - 1);
    world.registry.bonds.insert(world.clients[0].address.clone(), bond);
    world
}

/// Enrols everyone and lets everyone but some contribute to the seed.
fn until_seats(world: &mut World, without: &[usize]) {
    let n = world.clients.len();
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Seats);
    for i in all_but(n, without) {
        let signed = world.contribution(i);
        let call = world.contribute_msg(&signed);
        world.send_as(i, call).unwrap();
    }
}

pub fn deal_and_open(world: &mut World, who: &[usize]) {
    world.until_epoch(pb::EpochPhase::Deal);
    world.deal_all(who);
    world.until_epoch(pb::EpochPhase::Complain);
    while world.epoch().phase() == pb::EpochPhase::Complain {
        world.block();
    }
    for &i in who {
        assert!(world.open_shares(i).is_empty());
    }
}

/// Lets seats answer until the threshold is there.
pub fn evaluate(world: &mut World) {
    world.until_awaited();
    for i in 0..world.clients.len() {
        for signed in world.evaluations(i) {
            if world.epoch().evaluations < world.epoch().threshold {
                let call = world.evaluate_msg(&signed);
                world.send_as(i, call).unwrap();
            }
        }
    }
    world.until_epoch(pb::EpochPhase::Rounds);
}

/// By provider: how many seats it holds.
fn held(world: &World) -> BTreeMap<Vec<u8>, usize> {
    let mut held = BTreeMap::new();
    for seat in state::seats(&world.storage, world.task, world.the_task().epoch).unwrap() {
        *held.entry(seat.address).or_default() += 1;
    }
    held
}

#[test]
fn above_96_enrolled_seats_are_drawn_by_bond_first_by_everyone_and_then_by_the_committee_before() {
    let n = 98;
    let everyone = all_but(n, &[]);
    let mut world = many(n, 300);
    until_seats(&mut world, &[]);
    world.until_epoch(pb::EpochPhase::Deal);
    let epoch = world.epoch();
    assert_eq!((epoch.seats, epoch.threshold, epoch.seed_epoch), (96, 58, 0));
    // The seed is the hash of what everyone gave, and the draw follows from it and the bonds.
    let given: Vec<(Address, Point)> = state::contributions(&world.storage, world.task, 1)
        .unwrap()
        .iter()
        .map(|c| (Address::new(c.address.clone()).unwrap(), Point::from_bytes(&c.value).unwrap()))
        .collect();
    assert_eq!(given.len(), n);
    let expected = seed(&derive::everyones_input(&epoch).unwrap(), &given);
    assert_eq!(epoch.seats_seed, expected);
    let members = world.members();
    let bonds: Vec<u128> = members.iter().map(|member| derive::bond(member).unwrap()).collect();
    let mut draw = Draw::from_seed(&expected);
    for seat in state::seats(&world.storage, world.task, 1).unwrap() {
        assert_eq!(seat.address, members[draw_one(&mut draw, &bonds).unwrap()].address);
    }
    // Half of all bonds holds about half of the seats.
    let most = held(&world)[&world.clients[0].address];
    assert!((28..=68).contains(&most), "{most}");
    deal_and_open(&mut world, &everyone);
    evaluate(&mut world);
    let groups = clients_of(&world);
    assert_eq!(groups.len(), 6);
    world.check_in(&everyone);
    world.until_round(pb::RoundPhase::Submit);
    world.submit(&everyone);
    world.until_round(pb::RoundPhase::Unmask);
    let mut partials = 0;
    for i in 0..n {
        for signed in world.answers(i) {
            if partials < 58 {
                partials += 1;
                let call = world.unmask_msg(&signed);
                world.send_as(i, call).unwrap();
            }
        }
    }
    world.until_settled(1);
    for (number, who) in &groups {
        assert_eq!(world.aggregate_of(1, *number), world.plain_sum(who, 1));
    }
    // Nobody checks in any more: the epoch ends, and its committee seeds the next draw while evidence is heard.
    while world.the_task().epoch == 1 {
        world.block();
    }
    world.enrol(&everyone);
    let before = state::epoch(&world.storage, world.task, 1).unwrap();
    world.until_epoch(pb::EpochPhase::Seats);
    assert_eq!(world.epoch().seed_epoch, 1);
    world.until_awaited();
    for i in 0..n {
        for signed in world.evaluations_for_seats(i) {
            if world.epoch().evaluations < 58 {
                let call = world.evaluate_msg(&signed);
                world.send_as(i, call).unwrap();
            }
        }
    }
    world.until_epoch(pb::EpochPhase::Deal);
    let epoch = world.epoch();
    assert_eq!((epoch.seats, epoch.threshold, epoch.evaluations), (96, 58, 0));
    let value = Point::from_bytes(&epoch.seats_seed).unwrap();
    let input = derive::seats_input(&epoch, &before).unwrap();
    let sum = world.clients.iter().map(|client| {
        let (keys, _) = client.before.as_ref().unwrap();
        let secret: [u8; 32] = keys.to_bytes()[..32].try_into().unwrap();
        bauta_secagg::curve::scalar_from_bytes(&secret).unwrap()
    });
    assert_eq!(Point::from_projective(&(input.base().projective() * sum.sum::<k256::Scalar>())), Some(value));
    assert!(world.verdicts.is_empty());
}

#[test]
fn who_withholds_its_contribution_forfeits_its_enrolment_and_neither_the_jailed_nor_the_silent_are_drawn() {
    let n = 104;
    let mut world = many(n, 301);
    let jailed = world.clients[1].address.clone();
    world.registry.bonds.insert(jailed.clone(), 1_000_000);
    until_seats(&mut world, &[5, 6]);
    // The richest, who would be drawn for half of the seats, was silent in two phases that failed, and another is in jail.
    let silent = pb::SeatConduct { no_seat_until: 1, ..Default::default() };
    state::put_conduct(&mut world.storage, world.task, &world.clients[0].address.clone(), &silent);
    world.registry.jailed.insert(jailed);
    let again = world.contribution(7);
    let call = world.contribute_msg(&again);
    assert!(matches!(world.send_as(7, call).unwrap_err().error, Error::Duplicate(_)));
    world.until_epoch(pb::EpochPhase::Deal);
    for i in [5, 6] {
        assert_eq!(world.verdicts_of(i), [OffenceKind::WithheldSeed]);
        assert_eq!(world.member(i).seat, 0);
        let deal = world.deal(i);
        let call = world.deal_msg(&deal);
        assert!(matches!(world.send_as(i, call).unwrap_err().error, Error::Barred(_)));
    }
    assert_eq!(world.verdicts.len(), 2);
    let held = held(&world);
    assert_eq!((world.epoch().seats, held.values().sum::<usize>()), (96, 96));
    for i in [0, 1, 5, 6] {
        assert!(!held.contains_key(&world.clients[i].address), "{i} was drawn");
    }
}

#[test]
fn a_false_contribution_convicts_and_one_that_is_left_with_96_draws_nothing() {
    let n = 97;
    let mut world = many(n, 302);
    world.enrol(&all_but(n, &[]));
    world.until_epoch(pb::EpochPhase::Seats);
    let mut lie = world.contribution(3).body;
    lie.value = Point::GENERATOR;
    let ectx = world.ectx();
    let lie = world.sign(3, &ectx, lie);
    let call = world.contribute_msg(&lie);
    assert_eq!(world.send_as(3, call).unwrap_err().offence.unwrap().kind, OffenceKind::InvalidProof);
    for i in all_but(n, &[3]) {
        let signed = world.contribution(i);
        let call = world.contribute_msg(&signed);
        world.send_as(i, call).unwrap();
    }
    world.until_epoch(pb::EpochPhase::Deal);
    // Ninety-six are left: everyone holds one seat.
    let epoch = world.epoch();
    assert_eq!((epoch.seats, epoch.threshold), (96, 49));
    assert_eq!(world.member(3).seat, 0);
    assert_eq!(world.verdicts_of(3), [OffenceKind::InvalidProof]);
    assert_eq!(world.verdicts.len(), 1);
}

#[test]
fn a_committee_that_does_not_answer_is_replaced_by_everyone_and_pays_nothing() {
    let n = 97;
    let everyone = all_but(n, &[]);
    let mut world = many(n, 303);
    until_seats(&mut world, &[]);
    deal_and_open(&mut world, &everyone);
    evaluate(&mut world);
    while world.the_task().epoch == 1 {
        world.block();
    }
    world.enrol(&everyone);
    world.until_epoch(pb::EpochPhase::Seats);
    assert_eq!(world.epoch().seed_epoch, 1);
    world.until_awaited();
    // One short of the threshold.
    for i in 0..n {
        for signed in world.evaluations_for_seats(i) {
            if world.epoch().evaluations < 57 {
                let call = world.evaluate_msg(&signed);
                world.send_as(i, call).unwrap();
            }
        }
    }
    let early = world.contribution(0);
    let call = world.contribute_msg(&early);
    assert!(matches!(world.send_as(0, call).unwrap_err().error, Error::NotAwaited(_)));
    while world.epoch().seed_epoch == 1 {
        world.block();
    }
    assert_eq!(world.epoch().phase(), pb::EpochPhase::Seats);
    assert_eq!(world.epoch().evaluations, 0);
    for i in everyone {
        let signed = world.contribution(i);
        let call = world.contribute_msg(&signed);
        world.send_as(i, call).unwrap();
    }
    world.until_epoch(pb::EpochPhase::Deal);
    assert_eq!(world.epoch().seats, 96);
    assert_eq!(world.epoch().seats_seed.len(), 32);
    assert!(world.verdicts.is_empty());
}
