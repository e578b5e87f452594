//! The simulation itself.
#![allow(clippy::unwrap_used)]

use bauta_simulation::{keep, kept, run, shrink, Failure, Outcome, Plan, NODE_EVERY, TESTED_SEEDS, WINDOW};

/// With those of tests/simulation-node the five hundred rounds that every change is held to; `simulate --rounds 10000` is the whole of it.
const ROUNDS: u64 = 460;

fn smaller(failure: Failure) -> String {
    let smaller = shrink(failure);
    let file = keep(&smaller).unwrap();
    format!("{smaller}\na test replays it from now on: {}", file.display())
}

#[test]
fn no_honest_provider_is_convicted_and_every_sum_is_exact() {
    let mut all = Outcome::default();
    for seed in TESTED_SEEDS.filter(|seed| !seed.is_multiple_of(NODE_EVERY)) {
        match run(&Plan::of(seed, 60)) {
            Ok(outcome) => all.add(&outcome),
            Err(failure) => panic!("seed {seed} failed {}", smaller(failure)),
        }
    }
    println!("{all}");
    assert!(all.rounds >= ROUNDS, "{all}");
    assert!(all.finished * 2 > all.rounds, "half of the rounds finish: {all}");
    assert!(all.sums >= all.finished / 2, "sums were compared: {all}");
    assert!(all.convicted.len() >= 5, "cheats were convicted of many things: {all}");
}

#[test]
fn no_plan_that_failed_once_fails_again() {
    for (name, kept) in kept().unwrap() {
        // Those that failed over a node too: they are plans as good as others.
        if let Err(failure) = run(&kept.plan) {
            panic!("{name}, which failed with {:?}, failed {failure}", kept.what);
        }
    }
}

#[test]
fn committees_that_are_drawn_are_simulated_too() {
    let plan = Plan { drop_outs: 2, rounds: 2, hostile: 4, deeds: 70, ..Plan::of(11, 6) }.with_providers(104);
    let outcome = run(&plan).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{outcome}");
    assert!(outcome.finished == 2 && outcome.sums > 2, "{outcome}");
    // Nobody withheld its point, so that more were left than can sit.
    assert!(
        !outcome.silent.contains_key("withheld_seed") && !outcome.convicted.contains_key("withheld_seed"),
        "{outcome}"
    );
}

#[test]
fn who_withholds_its_point_from_the_seed_of_the_seats_pays_and_the_epoch_goes_on_without_it() {
    let plan = Plan { drop_outs: 4, rounds: 1, hostile: 12, deeds: 70, ..Plan::of(11, 6) }.with_providers(116);
    let outcome = run(&plan).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{outcome}");
    assert!(outcome.finished == 1 && outcome.sums > 2, "{outcome}");
    assert!(outcome.silent["withheld_seed"] > 0 && outcome.convicted["withheld_seed"] > 0, "{outcome}");
}

#[test]
fn the_same_plan_runs_alike() {
    let plan = Plan::of(3, 30);
    assert_eq!(run(&plan).unwrap(), run(&plan).unwrap());
    assert_eq!(serde_json::from_str::<Plan>(&plan.to_string()).unwrap(), plan);
}

#[test]
fn messages_that_are_late_by_more_than_a_window_are_found_to_convict_the_honest() {
    let mut plan = Plan::of(1, 30);
    // A header and then chunks, each late by up to a window.
    (plan.hostile, plan.colluding, plan.drop_outs, plan.late_joiners, plan.delay) = (0, 0, 0, 0, WINDOW);
    let failure = run(&plan).unwrap_err();
    assert!(failure.what.contains("honest provider"), "{failure}");
    assert!(run(&Plan { delay: 2, ..plan }).is_ok(), "in time it costs nobody anything");
}
