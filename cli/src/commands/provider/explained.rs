//! What happened to a provider, why, on what evidence, and what to do now: a sentence an offence, and one for how it stands.

use bauta_messages::registry::Standing;
use bauta_messages::slashing::{kind, SettledOffence};
use bauta_schema::training::v1 as pb;
use cosmwasm_std::HexBinary;

use crate::show;

/// What somebody did whom the chain convicted of a kind.
fn deed(kind: &str) -> &str {
    match kind {
        kind::NO_SUBMISSION => "it checked in and its submission was not complete when the window closed",
        kind::SILENT_SEAT => "its seat did not answer, and the phase failed for want of answers",
        kind::NON_CANONICAL => "a chunk under its signed header was not canonical",
        kind::WITHHELD_SEED => "it enrolled and gave nothing to the seed of the seats",
        kind::FALSE_EDGE => "it signed a false number for a mask that it shares, when its group's sum was out of range",
        kind::OUT_OF_BOUND => "its update is out of its bound, by the numbers that it signed itself",
        kind::SILENT_IN_BLAME => "its group's sum was out of range, and it did not sign its numbers",
        kind::TWO_HEADERS => "its key signed two different headers",
        kind::UNREQUESTED_PARTIAL => "its seat signed an answer that nobody had requested",
        kind::BAD_SHARE => "it dealt a share that contradicts its commitments",
        kind::FALSE_COMPLAINT => "it complained about a share that was right",
        kind::INVALID_PROOF => "it signed a message whose proof does not hold",
        _ => "it broke a rule of the chain",
    }
}

/// What its operator can do about a kind, so that it does not happen again.
fn remedy(kind: &str) -> &str {
    match kind {
        kind::NO_SUBMISSION => {
            "let the daemon run from check-in to the end of the round, and train on a machine that is fast enough for the window"
        }
        kind::SILENT_SEAT | kind::SILENT_IN_BLAME | kind::WITHHELD_SEED => {
            "let the daemon run for as long as its epoch lasts"
        }
        kind::OUT_OF_BOUND => "update the program, which never sends an update out of its bound",
        kind::NON_CANONICAL => "update the program, which never sends such a chunk",
        kind::TWO_HEADERS => "one key serves on one machine, from one folder that is never restored from a copy",
        _ => {
            "an unchanged program does not do this: look for another that has the keys, and go on with a fresh machine and a \
             fresh key"
        }
    }
}

fn place(task: u64, epoch: u64, round: u64) -> String {
    match round {
        0 => format!("task {task}, epoch {epoch}"),
        _ => format!("task {task}, epoch {epoch}, round {round}"),
    }
}

/// One settled offence: what happened, why, on what evidence, and how to keep it from happening again.
pub fn settled(offence: &SettledOffence) -> String {
    let mut parts = Vec::new();
    if !offence.bounty.is_zero() {
        let reporter = offence.reporter.as_ref().map_or("its reporter", |reporter| reporter.as_str());
        parts.push(format!("{} to {reporter}, who reported it", offence.bounty));
    }
    if !offence.compensation.is_zero() {
        parts.push(format!("{} to the {} whom it harmed", offence.compensation, offence.harmed));
    }
    if !offence.treasury.is_zero() {
        parts.push(format!("{} to the treasury", offence.treasury));
    }
    let went = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    let bar = match (offence.penalty.tombstone, offence.penalty.jail_seconds) {
        (true, _) => " and it was barred for ever".to_owned(),
        (false, 0) => String::new(),
        (false, seconds) => format!(" and it was jailed for {}", show::count(seconds, "second")),
    };
    format!(
        "in {} {} ({}), so {} of {} were taken{went}{bar}, on evidence {}; to do better: {}",
        place(offence.task, offence.epoch, offence.round),
        deed(&offence.kind),
        offence.kind,
        offence.slashed,
        offence.before,
        HexBinary::from(offence.evidence.as_slice()).to_hex(),
        remedy(&offence.kind)
    )
}

/// A verdict that is not carried out yet.
pub fn waiting(verdict: &pb::Verdict, queued: Option<&pb::QueuedVerdict>) -> String {
    let kind = bauta_rounds::offence::name(verdict.kind());
    let when = match queued {
        None => {
            format!("it is carried out when round {} has settled, with the largest penalty of the round", verdict.round)
        }
        Some(queued) if queued.last_error.is_empty() => "it is carried out at the end of the next block".to_owned(),
        Some(queued) => format!(
            "the slashing contract did not take it {} ({}); the chain tries at every block",
            match queued.attempts {
                1 => "once".to_owned(),
                attempts => format!("{attempts} times"),
            },
            queued.last_error
        ),
    };
    format!(
        "in {} {} ({kind}), on evidence {}; {when}",
        place(verdict.task_id, verdict.epoch, verdict.round),
        deed(kind),
        hex::encode(&verdict.evidence)
    )
}

/// Why a member of an epoch may not check in, if it may not.
pub fn barred(task: u64, epoch: u64, member: &pb::Member) -> Option<String> {
    let why = match member.bar() {
        pb::Bar::Unspecified => return None,
        pb::Bar::NoDeal => "it enrolled and did not deal".to_owned(),
        pb::Bar::Offence => format!("it was convicted ({})", bauta_rounds::offence::name(member.offence())),
    };
    let until = match (member.bar(), member.barred_until) {
        (pb::Bar::NoDeal, _) | (_, 0) => "for the rest of the epoch; it may enrol in the next one".to_owned(),
        (_, last) if last <= member.barred_from => format!("in round {last}, and may again after it"),
        (_, last) => format!("in rounds {} to {last}, and may again after them", member.barred_from),
    };
    let seat = if member.seat > 0 { "; its seat still answers, so let the daemon run" } else { "" };
    Some(format!("in task {task}, epoch {epoch}, it may not check in {until}, because {why}{seat}"))
}

/// That it holds no seat for a while.
pub fn seatless(task: u64, until: u64) -> String {
    format!(
        "in task {task} it holds no seat up to epoch {until}, because its seat was silent in two failed phases or it enrolled without \
         dealing; it may train meanwhile, and has a seat again from epoch {}",
        until + 1
    )
}

/// What to do now, by how the registry and the staking contract have it.
pub fn now(
    standing: &Standing,
    is_registered: bool,
    is_bonded: bool,
    is_barred: bool,
    seconds_now: Option<u64>,
) -> String {
    match standing {
        Standing::Tombstoned { reason, .. } => format!(
            "it is barred for ever, for {reason}, and nothing brings it back; take what is left with `bauta provider unbond` and \
             `bauta provider withdraw`"
        ),
        Standing::Jailed { until, reason } if seconds_now.is_some_and(|now| now >= *until) => {
            format!("its time in jail for {reason} is over: return with `bauta provider unjail`")
        }
        Standing::Jailed { until, reason } => format!(
            "it is jailed for {reason} and can return with `bauta provider unjail` from {} on; its seat still answers, so let the \
             daemon run",
            show::time(*until)
        ),
        Standing::Good {} if !is_registered => "register with `bauta provider register --name NAME`".to_owned(),
        Standing::Good {} if !is_bonded => {
            "nothing is bonded, and no task takes one that has nothing to lose: `bauta provider bond` adds to the bond".to_owned()
        }
        Standing::Good {} if is_barred => "it may enrol; what bars it in tasks that it is in stands above".to_owned(),
        Standing::Good {} => "nothing bars it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bauta_messages::slashing::Penalty;
    use cosmwasm_std::{Addr, Binary, Decimal, Uint128};

    use super::*;

    fn offence(kind: &str, jail_seconds: u64, tombstone: bool) -> SettledOffence {
        let amount = |amount: u128| Uint128::new(amount);
        SettledOffence {
            sequence: 1,
            offence_id: Binary::new(vec![1; 32]),
            kind: kind.to_owned(),
            provider: Addr::unchecked("bauta1accused"),
            task: 4,
            epoch: 2,
            round: 9,
            evidence: Binary::new(vec![0xab; 32]),
            reporter: Some(Addr::unchecked("bauta1reporter")),
            harmed: 3,
            height: 77,
            time: 1_795_550_135,
            penalty: Penalty {
                fraction: Decimal::one(),
                jail_seconds,
                tombstone,
                bounty_fraction: Decimal::percent(5),
                compensation_fraction: Decimal::percent(50),
            },
            before: amount(1_000),
            after: amount(0),
            slashed: amount(1_000),
            bounty: amount(50),
            compensation: amount(498),
            treasury: amount(452),
        }
    }

    #[test]
    fn the_slashing_contract_begins_with_a_row_for_every_offence_that_the_chain_knows() {
        let mut names: Vec<&str> =
            (1..).map_while(|number| pb::OffenceKind::try_from(number).ok()).map(bauta_rounds::offence::name).collect();
        names.sort_unstable();
        assert_eq!(names, kind::ALL);
    }

    #[test]
    fn every_offence_is_one_sentence_with_its_place_its_evidence_its_price_and_a_remedy() {
        for kind in kind::ALL {
            let text = settled(&offence(kind, 600, false));
            for words in [
                "task 4, epoch 2, round 9",
                kind,
                "1000 of 1000 were taken",
                "50 to bauta1reporter, who reported it",
                "498 to the 3 whom it harmed",
                "452 to the treasury",
                "jailed for 600 seconds",
                &"ab".repeat(32),
                "to do better: ",
            ] {
                assert!(text.contains(words), "{kind}: {words:?} is not in {text}");
            }
            assert!(!text.contains("broke a rule"), "{kind} has no words of its own");
            assert!(!text.contains(". ") && !text.contains('\n'), "{text}");
        }
        assert!(settled(&offence(kind::TWO_HEADERS, 0, true)).contains("barred for ever"));
        // The table is open: a kind that a chain adds is still told.
        assert!(settled(&offence("something_new", 0, false)).contains("broke a rule of the chain (something_new)"));
    }

    #[test]
    fn every_standing_says_what_to_do_now() {
        let jailed = Standing::Jailed { until: 1_795_550_135, reason: "no_submission".to_owned() };
        let text = now(&jailed, true, true, false, Some(1_795_550_000));
        assert!(text.contains("`bauta provider unjail` from 2026-11-24T19:55:35Z on"), "{text}");
        let text = now(&jailed, true, true, false, Some(1_795_550_135));
        assert!(text.contains("is over: return with `bauta provider unjail`"), "{text}");
        let tombstoned = Standing::Tombstoned { since: 1, reason: "two_headers".to_owned() };
        assert!(now(&tombstoned, true, false, false, None).contains("for ever, for two_headers"));
        assert!(now(&Standing::Good {}, false, false, false, None).contains("bauta provider register"));
        assert!(now(&Standing::Good {}, true, false, false, None).contains("bauta provider bond"));
        assert_eq!(now(&Standing::Good {}, true, true, false, None), "nothing bars it");
        assert!(now(&Standing::Good {}, true, true, true, None).contains("stands above"));
    }

    #[test]
    fn bars_name_their_rounds_and_what_ends_them() {
        let member = |bar: pb::Bar, from, until| pb::Member {
            bar: bar.into(),
            barred_from: from,
            barred_until: until,
            offence: pb::OffenceKind::NoSubmission.into(),
            seat: 2,
            ..pb::Member::default()
        };
        assert_eq!(barred(1, 1, &member(pb::Bar::Unspecified, 0, 0)), None);
        let text = barred(1, 1, &member(pb::Bar::Offence, 5, 5)).unwrap();
        assert!(text.contains("in round 5, and may again after it") && text.contains("no_submission"), "{text}");
        assert!(text.contains("its seat still answers"), "{text}");
        let text = barred(1, 1, &member(pb::Bar::Offence, 5, 7)).unwrap();
        assert!(text.contains("in rounds 5 to 7"), "{text}");
        let text = barred(1, 1, &member(pb::Bar::Offence, 5, 0)).unwrap();
        assert!(text.contains("for the rest of the epoch; it may enrol in the next one"), "{text}");
        assert!(barred(1, 1, &member(pb::Bar::NoDeal, 1, 0)).unwrap().contains("did not deal"));
        assert!(seatless(3, 6).contains("no seat up to epoch 6") && seatless(3, 6).contains("from epoch 7"));
    }

    #[test]
    fn a_verdict_that_waits_says_for_what() {
        let verdict = pb::Verdict {
            kind: pb::OffenceKind::NonCanonical.into(),
            task_id: 1,
            epoch: 1,
            round: 3,
            evidence: vec![0xcd; 32],
            ..pb::Verdict::default()
        };
        let text = waiting(&verdict, None);
        assert!(text.contains("when round 3 has settled") && text.contains(&"cd".repeat(32)), "{text}");
        let queued = |attempts, last_error: &str| pb::QueuedVerdict {
            verdict: Some(verdict.clone()),
            attempts,
            last_error: last_error.to_owned(),
        };
        assert!(waiting(&verdict, Some(&queued(0, ""))).contains("at the end of the next block"));
        let text = waiting(&verdict, Some(&queued(3, "codespace: wasm, code: 5")));
        assert!(text.contains("did not take it 3 times (codespace: wasm, code: 5)"), "{text}");
    }
}
