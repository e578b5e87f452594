//! A node under every engine that the grammar allows: schedules are generated from CometBFT's grammar of calls, with several rounds a
//! height, proposals of others, crashes between any two calls and replays after them, and questions in between. Whatever happens,
//! each height ends as on a node that was given the decided blocks straight.
//!
//! `schedule` generates; `engine` is CometBFT as far as an application can see it; `contents` is what its calls carry.

mod contents;
mod engine;
mod schedule;

use std::cell::RefCell;

use abci_app::conformance::{Call, Recogniser};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use engine::Engine;
use schedule::{runs, Schedule};

/// A runner whose seed is printed, and taken from `BAUTA_SEED` (a number, as everywhere) instead if that is set.
fn runner(cases: u32) -> TestRunner {
    let number: u64 = match std::env::var("BAUTA_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => rand::random(),
    };
    println!("BAUTA_SEED={number}");
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

#[test]
fn every_schedule_of_the_grammar_ends_as_the_decided_blocks_alone() {
    let seen = RefCell::new(engine::Seen::default());
    runner(160)
        .run(&any::<Schedule>(), |schedule| {
            seen.borrow_mut().add(&Engine::play(&schedule));
            Ok(())
        })
        .unwrap();
    // The schedules are worth the name.
    seen.into_inner().is_plenty();
}

#[test]
fn what_is_generated_from_the_grammar_is_recognised_and_a_call_too_many_is_not() {
    runner(500)
        .run(&runs(), |runs| {
            let mut recogniser = Recogniser::default();
            for run in &runs {
                for call in run.cut(&run.calls) {
                    let expected = recogniser.expected().contains(call) || *call == Call::Info;
                    prop_assert!(expected, "{call} after {:?}", recogniser.recent());
                    prop_assert!(recogniser.take(*call).is_ok());
                }
            }
            for call in Call::ALL {
                let mut copy = recogniser.clone();
                let expected = copy.expected().contains(&call) || call == Call::Info;
                prop_assert_eq!(copy.take(call).is_ok(), expected, "{} after {:?}", call, recogniser.recent());
            }
            Ok(())
        })
        .unwrap();
}
