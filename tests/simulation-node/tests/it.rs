//! Plans over a whole node.
#![allow(clippy::unwrap_used)]

use bauta_simulation::{keep, kept, Outcome, Over, Plan, NODE_EVERY, TESTED_SEEDS, WINDOW};
use bauta_simulation_node::{run, shrink};

/// With those of tests/simulation the five hundred rounds that every change is held to.
const ROUNDS: u64 = 40;

#[test]
fn every_tenth_seed_holds_over_a_whole_node_with_its_contracts() {
    let mut all = Outcome::default();
    for seed in TESTED_SEEDS.filter(|seed| seed.is_multiple_of(NODE_EVERY)) {
        match run(&Plan::of(seed, 60)) {
            Ok(outcome) => all.add(&outcome),
            Err(failure) => {
                let smaller = shrink(failure);
                let file = keep(&smaller).unwrap();
                panic!("seed {seed} failed {smaller}\na test replays it from now on: {}", file.display());
            }
        }
    }
    println!("{all}");
    assert!(all.rounds >= ROUNDS && all.finished * 2 > all.rounds && all.sums >= all.finished / 2, "{all}");
    assert!(all.convicted.len() >= 3, "cheats were convicted of several things: {all}");
    assert!(all.full > 0 && all.restarts > 0, "lanes were full and nodes were killed: {all}");
}

#[test]
fn no_plan_that_failed_over_a_node_once_fails_again() {
    for (name, kept) in kept().unwrap().into_iter().filter(|(_, kept)| kept.over == Over::Node) {
        if let Err(failure) = run(&kept.plan) {
            panic!("{name}, which failed with {:?}, failed {failure}", kept.what);
        }
    }
}

#[test]
fn messages_that_are_late_by_more_than_a_window_convict_the_honest_over_a_node_too() {
    // A header and then chunks, each late by up to a window; nobody cheats or falls silent.
    let plan = Plan {
        providers: 12,
        group_size: 4,
        hostile: 0,
        colluding: 0,
        drop_outs: 0,
        late_joiners: 0,
        full_lanes: 0,
        restarts: 0,
        rounds: 3,
        operations: 10_000_000,
        reorder: false,
        delay: WINDOW,
        ..Plan::of(1, 30)
    };
    let failure = run(&plan).unwrap_err();
    assert!(failure.what.contains("honest provider"), "{failure}");
    assert!(failure.to_string().contains("simulate --node --plan"), "{failure}");
}
