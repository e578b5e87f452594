//! Two of eight providers are one: a task that allows small groups, and declares a quarter of corrupt heads, would often put a victim
//! with both of them, and whoever censors the fourth has the victim's update.

use crate::lab::weighted;
use crate::town::everyone;
use crate::world::{all_but, create, settings, World, OWNER};
use bauta_rounds::{Call, Error, Rejection};
use bauta_schema::training::v1::RoundPhase;
use bauta_secagg::switches::{without, Switch};

const N: usize = 8;

/// A world, and what it said to the task.
fn attack(seed: u64) -> (World, Result<(), Rejection>) {
    let mut settings = settings(N as u32, 40);
    let cohort = settings.cohort.as_mut().unwrap();
    (cohort.group_size, cohort.min_group, cohort.corrupt_heads_ppm) = (4, 3, Some(250_000));
    let mut world = World::empty(N, seed);
    for client in &world.clients {
        world.registry.admit(&client.address);
    }
    let answer = world.send(OWNER, Call::CreateTask(Box::new(create(settings))));
    (world, answer)
}

#[test]
fn is_caught() {
    let (_, answer) = attack(1);
    let error = answer.unwrap_err().error;
    assert!(matches!(error, Error::GroupTooSmall(_)));
    assert!(error.to_string().contains("of 8 dealers with 2 corrupt ones"), "{error}");
}

/// Whether providers 0 and 1 meet a third in a group, and what they then find of its update.
fn learned(seed: u64) -> bool {
    let (mut world, answer) = attack(seed);
    answer.unwrap();
    world.set_up(&everyone(N));
    let number = world.member(0).group;
    let group: Vec<usize> = everyone(N).into_iter().filter(|&i| world.member(i).group == number).collect();
    if !group.contains(&1) {
        return false;
    }
    let (victim, censored) = (group[2], group[3]);
    world.check_in(&everyone(N));
    world.until_round(RoundPhase::Submit);
    world.submit(&all_but(N, &[censored]));
    world.until_round(RoundPhase::Unmask);
    world.unmask(&everyone(N)[..world.epoch().threshold as usize]);
    world.until_settled(1);
    let own = [0, 1].map(|i| weighted(&world, i, &world.update(i, 1)));
    let sum = world.aggregate_of(1, number);
    let rest: Vec<i64> = (0..sum.len()).map(|at| sum[at] - own[0][at] - own[1][at]).collect();
    assert_eq!(rest, weighted(&world, victim, &world.update(victim, 1)));
    true
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::PartitionTail);
    // Three in seven.
    assert!((30..50).any(learned));
}
