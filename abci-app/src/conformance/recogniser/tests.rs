use std::collections::BTreeSet;

use super::super::grammar::{Rule, START};
use super::*;
use Call::{
    ApplySnapshotChunk as Apply, Commit, ExtendVote as Extend, FinalizeBlock as Decide, Info, InitChain as Init,
    OfferSnapshot as Offer, PrepareProposal as Prepare, ProcessProposal as Process, VerifyVoteExtension as Vote,
};

fn read(calls: &[Call]) -> Result<Recogniser, WrongCall> {
    let mut recogniser = Recogniser::default();
    for call in calls {
        recogniser.take(*call)?;
    }
    Ok(recogniser)
}

#[test]
fn what_cometbft_calls_is_recognised() {
    for calls in [
        &[Init, Decide, Commit, Decide, Commit][..],
        &[Info, Init, Prepare, Process, Decide, Commit, Process, Decide, Commit],
        &[Info, Decide, Commit, Vote, Prepare, Vote, Extend, Vote, Vote, Decide, Commit],
        // Rounds that decide nothing, as proposer and not.
        &[Info, Prepare, Prepare, Process, Process, Process, Extend, Extend, Vote, Decide, Commit],
        &[Init, Offer, Offer, Apply, Offer, Apply, Apply, Info, Decide, Commit],
        // A client asks between any two calls.
        &[Init, Info, Prepare, Info, Process, Info, Decide, Info, Commit, Info, Decide],
        // A crash between the two, and a replay.
        &[Init, Decide, Info, Decide, Commit],
        &[Init, Decide, Commit, Prepare, Info, Prepare, Process, Info, Decide, Commit],
        // A crash before the first block is committed.
        &[Info, Init, Info, Init, Decide, Info, Init, Decide, Commit],
    ] {
        assert!(read(calls).is_ok(), "{}", read(calls).expect_err("it was refused"));
    }
}

#[test]
fn what_cometbft_never_calls_is_refused() {
    for calls in [
        &[Decide][..],
        &[Commit],
        &[Prepare],
        &[Offer],
        &[Info, Commit],
        &[Init, Init],
        &[Init, Commit],
        &[Init, Apply],
        &[Init, Offer, Decide],
        &[Init, Offer, Info, Apply, Decide],
        &[Init, Decide, Decide],
        &[Init, Decide, Prepare],
        &[Init, Decide, Vote],
        &[Init, Decide, Commit, Commit],
        &[Init, Decide, Commit, Init],
        &[Init, Decide, Commit, Info, Init],
        &[Init, Decide, Commit, Offer],
        &[Info, Decide, Commit, Info, Commit],
    ] {
        let wrong = read(calls).expect_err(&format!("{calls:?}"));
        assert_eq!(Some(&wrong.call), calls.last(), "{calls:?}");
        assert_eq!(wrong.number, calls.len() as u64);
    }
}

#[test]
fn a_wrong_call_is_a_sentence_that_says_what_was_expected() {
    let wrong = read(&[Info, Prepare, Commit]).expect_err("nothing was executed");
    assert_eq!(
        wrong.to_string(),
        "call 3, Commit, is out of CometBFT's order: after Info, PrepareProposal, expected was one of PrepareProposal, \
         ProcessProposal, ExtendVote, VerifyVoteExtension, FinalizeBlock"
    );
    assert!(read(&[Commit]).expect_err("no chain").to_string().contains("at the start, expected was one of InitChain"));
}

#[test]
fn reading_goes_on_after_a_wrong_call() {
    let mut recogniser = read(&[Init]).expect("an order");
    assert!(recogniser.take(Commit).is_err());
    for call in [Prepare, Process, Decide, Commit] {
        recogniser.take(call).expect("a wrong call is told once");
    }
    assert!(recogniser.take(Commit).is_err());
}

/// All the ends that a reading of `calls` from `start` may have; `None` is beyond the end: the rule is not through when they are.
fn ends(rule: &Rule, calls: &[Call], start: usize) -> BTreeSet<Option<usize>> {
    let then = |ends: BTreeSet<Option<usize>>, rule: &Rule| -> BTreeSet<Option<usize>> {
        ends.into_iter().flat_map(|end| end.map_or_else(|| [None].into(), |end| self::ends(rule, calls, end))).collect()
    };
    match rule {
        Rule::One(call) => match calls.get(start) {
            None => [None].into(),
            Some(found) if found == call => [Some(start + 1)].into(),
            Some(_) => [].into(),
        },
        Rule::Named(_, rule) => ends(rule, calls, start),
        Rule::Sequence(parts) => parts.iter().fold([Some(start)].into(), then),
        Rule::Either(parts) => parts.iter().flat_map(|part| ends(part, calls, start)).collect(),
        Rule::Perhaps(part) => ends(part, calls, start).into_iter().chain([Some(start)]).collect(),
        Rule::AnyTimes(part) | Rule::AtLeastOnce(part) | Rule::Forever(part) => {
            let mut all: BTreeSet<Option<usize>> =
                if matches!(rule, Rule::AnyTimes(_)) { [Some(start)].into() } else { [].into() };
            let mut new: BTreeSet<Option<usize>> = [Some(start)].into();
            while !new.is_empty() {
                new = then(new, part).difference(&all).copied().collect();
                all.extend(&new);
            }
            all
        }
    }
}

/// The same question, asked of the rule itself: whether a run may begin with these calls.
fn begins_a_run(calls: &[Call]) -> bool {
    ends(&START, calls, 0).contains(&None)
}

#[test]
fn the_automaton_agrees_with_the_rules_on_every_short_sequence() {
    let mut prefixes: Vec<Vec<Call>> = vec![Vec::new()];
    let (mut right, mut wrong) = (0, 0);
    for _ in 0..6 {
        let mut longer = Vec::new();
        for prefix in &prefixes {
            // An `Info` that is not the rules' own is the recogniser's concern, not the automaton's.
            for call in Call::ALL {
                let calls = [prefix.as_slice(), &[call]].concat();
                let expected = begins_a_run(&calls);
                let places = calls.iter().try_fold(AUTOMATON.first, |next, call| {
                    let found = next.within(AUTOMATON.places_of(*call));
                    (!found.is_empty()).then(|| AUTOMATON.after(found))
                });
                assert_eq!(places.is_some(), expected, "{calls:?}");
                if expected {
                    right += 1;
                    longer.push(calls);
                } else {
                    wrong += 1;
                }
            }
        }
        prefixes = longer;
    }
    assert!(right > 1_000 && wrong > 1_000, "{right} and {wrong}");
}

#[test]
fn reading_for_ever_takes_no_more_memory() {
    let mut recogniser = read(&[Init]).expect("an order");
    for _ in 0..10_000 {
        for call in [Prepare, Process, Decide, Commit] {
            recogniser.take(call).expect("an order");
        }
    }
    assert_eq!(recogniser.recent().len(), REMEMBERED);
    assert!(recogniser.recent.capacity() < 4 * REMEMBERED);
}
