//! The last seat to answer chooses its share of the joint key's value, so that a victim's group is full of the attacker's.

use crate::expect::{convicted, unharmed};
use crate::town::{everyone, with};
use crate::world::{settings, World};
use bauta_rounds::{derive, Rejection};
use bauta_schema::training::v1::{EpochPhase, OffenceKind};
use bauta_secagg::encoding::{SeatIndex, Slot};
use bauta_secagg::joint::{combine, Evaluation};
use bauta_secagg::partition::cut;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::switches::{without, Switch};

const N: usize = 8;
const SYBILS: [usize; 3] = [0, 1, 2];
const VICTIM: usize = 7;

/// The world, and what the chain said to the last seat's answer.
fn attack() -> (World, Result<(), Rejection>) {
    let mut settings = settings(N as u32, 40);
    let cohort = settings.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group, cohort.corrupt_heads_ppm) = (4, 3, Some(0));
    let mut world = with(N, 32, settings);
    world.enrol(&everyone(N));
    world.until_epoch(EpochPhase::Deal);
    world.deal_all(&everyone(N));
    world.until_epoch(EpochPhase::Partition);
    everyone(N).into_iter().for_each(|i| assert!(world.open_shares(i).is_empty()));
    world.until_awaited();
    let answers: Vec<_> = [3, 4, 5, 6].map(|i| world.evaluation(i)).into();
    world.evaluate(&[3, 4, 5, 6]);
    assert_eq!(world.epoch().threshold, 5);
    let honest = world.evaluation(0).body;
    let mut values: Vec<(SeatIndex, _)> = answers.iter().map(|answer| (answer.body.seat, answer.body.value)).collect();
    let input = derive::partition_input(&world.epoch()).unwrap();
    let slot_of = |i: usize| Slot::new(world.member(i).slot).unwrap();
    let slots: Vec<Slot> = (1..=N as u32).map(|slot| Slot::new(slot).unwrap()).collect();
    let wanted: Vec<Slot> = SYBILS.into_iter().chain([VICTIM]).map(slot_of).collect();
    let mut rng = world.rng.clone();
    let value = loop {
        let value = SecretScalar::random(&mut rng).public();
        values.push((honest.seat, value));
        let groups = cut(&input, &combine(&values).unwrap(), &slots, 4);
        values.pop();
        if groups.iter().any(|group| wanted.iter().all(|slot| group.contains(slot))) {
            break value;
        }
    };
    let ectx = world.ectx();
    let chosen = world.sign(0, &ectx, Evaluation { value, ..honest });
    let call = world.evaluate_msg(&chosen);
    let answer = world.send_as(0, call);
    (world, answer)
}

fn is_surrounded(world: &World) -> bool {
    SYBILS.into_iter().all(|i| world.member(i).group == world.member(VICTIM).group)
}

#[test]
fn is_caught() {
    let (mut world, answer) = attack();
    assert!(answer.unwrap_err().offence.is_some());
    world.evaluate(&[VICTIM]);
    world.until_epoch(EpochPhase::Rounds);
    assert!(!is_surrounded(&world));
    convicted(&world, 0, OffenceKind::InvalidProof);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::EvaluationProof);
    let (mut world, answer) = attack();
    answer.unwrap();
    world.until_epoch(EpochPhase::Rounds);
    assert!(is_surrounded(&world));
    unharmed(&world);
}
