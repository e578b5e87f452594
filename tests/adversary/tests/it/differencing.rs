//! It collects the sums of many rounds in which everyone's update stays nearly the same, and solves for one member's. With other groups
//! in every round there are soon as many equations as members.

use crate::lab::weighted;
use crate::town::{everyone, with};
use crate::world::{settings, World};
use bauta_schema::training::v1::RoundPhase;
use bauta_secagg::encoding::Slot;
use bauta_secagg::switches::{without, Switch};

const N: usize = 8;
/// A prime beyond all sums.
const P: i128 = (1 << 61) - 1;

/// One group's sum: who is in it, by client, and the sum itself.
type Equation = (Vec<i128>, Vec<i128>);

/// The sums of eight rounds.
fn attack() -> (World, Vec<Equation>) {
    let mut settings = settings(N as u32, 8);
    settings.rounds = N as u32;
    let cohort = settings.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group) = (4, 3);
    let mut world = with(N, 33, settings);
    world.set_up(&everyone(N));
    let mut equations = Vec::new();
    for round in 1..=N as u64 {
        world.check_in(&everyone(N));
        world.until_round(RoundPhase::Submit);
        for i in everyone(N) {
            let update = world.update(i, 1);
            let masked = world.masked(i, &update);
            world.submit_masked(i, &masked);
        }
        world.until_round(RoundPhase::Unmask);
        world.unmask(&everyone(N)[..world.epoch().threshold as usize]);
        for group in world.until_settled(round).groups {
            let is_in = |i: usize| i128::from(group.survivors.contains(&slot_of(&world, i).get()));
            let sum = world.aggregate_of(round, group.number);
            equations.push((everyone(N).into_iter().map(is_in).collect(), sum.into_iter().map(i128::from).collect()));
        }
    }
    (world, equations)
}

fn slot_of(world: &World, i: usize) -> Slot {
    Slot::new(world.member_of(i, 1).slot).unwrap()
}

/// Gauss and Jordan: the equations that are left, each with a leading one where all others have none.
fn reduce(mut rows: Vec<Equation>) -> Vec<Equation> {
    let mut rank = 0;
    for column in 0..N {
        let Some(pivot) = (rank..rows.len()).find(|&row| rows[row].0[column] != 0) else { continue };
        rows.swap(rank, pivot);
        let inverse = power(rows[rank].0[column], P - 2);
        scale(&mut rows[rank], inverse);
        let lead = rows[rank].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(place, _)| *place != rank) {
            let factor = row.0[column];
            row.0.iter_mut().zip(&lead.0).for_each(|(a, b)| *a = (*a - factor * b).rem_euclid(P));
            row.1.iter_mut().zip(&lead.1).for_each(|(a, b)| *a = (*a - factor * b).rem_euclid(P));
        }
        rank += 1;
    }
    rows.truncate(rank);
    rows
}

fn scale(row: &mut Equation, factor: i128) {
    row.0.iter_mut().chain(&mut row.1).for_each(|value| *value = (*value * factor).rem_euclid(P));
}

fn power(base: i128, exponent: i128) -> i128 {
    let (mut result, mut base, mut exponent) = (1, base.rem_euclid(P), exponent);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % P;
        }
        base = base * base % P;
        exponent >>= 1;
    }
    result
}

/// What the equations say of one client alone.
fn solution(reduced: &[Equation], i: usize) -> Option<Vec<i64>> {
    let alone = |row: &&Equation| row.0.iter().enumerate().all(|(place, value)| *value == i128::from(place == i));
    let centred = |value: &i128| if *value > P / 2 { *value - P } else { *value };
    let row = reduced.iter().find(alone)?;
    Some(row.1.iter().map(|value| i64::try_from(centred(value)).unwrap()).collect())
}

/// Groups are fixed for an epoch: however many rounds, there are as many equations as groups.
#[test]
fn is_caught() {
    let (_, equations) = attack();
    let reduced = reduce(equations);
    assert_eq!(reduced.len(), 2);
    assert!(everyone(N).into_iter().all(|i| solution(&reduced, i).is_none()));
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::FixedGroups);
    let (world, equations) = attack();
    let reduced = reduce(equations);
    for i in everyone(N) {
        assert_eq!(solution(&reduced, i).unwrap(), weighted(&world, i, &world.update(i, 1)));
    }
}
