//! Verdicts, carried out by the three contracts.

use bauta_messages::{
    registry::{self, Standing},
    slashing::{kind, ExecuteMsg, HistoryResponse, Penalty, QueryMsg, Verdict},
    staking::{self, MAX_COMPENSATED},
};
use cosmwasm_std::{Binary, Decimal, Uint128};

use crate::chain::{verdict, Chain, FUNDS, UNBONDING_SECONDS};

#[test]
fn every_default_row_takes_its_share_and_bars_as_the_table_says() {
    for (kind, left, bars) in [
        (kind::NO_SUBMISSION, 9_900, "jailed"),
        (kind::SILENT_SEAT, 9_800, "jailed"),
        (kind::SILENT_IN_BLAME, 9_800, "jailed"),
        (kind::NON_CANONICAL, 9_500, "good"),
        (kind::WITHHELD_SEED, 8_000, "good"),
        (kind::BAD_SHARE, 0, "tombstoned"),
        (kind::FALSE_COMPLAINT, 0, "tombstoned"),
        (kind::FALSE_EDGE, 0, "tombstoned"),
        (kind::OUT_OF_BOUND, 0, "tombstoned"),
        (kind::INVALID_PROOF, 0, "tombstoned"),
        (kind::UNREQUESTED_PARTIAL, 0, "tombstoned"),
        (kind::TWO_HEADERS, 0, "tombstoned"),
    ] {
        let mut chain = Chain::new();
        let p = chain.providers[0].clone();
        chain.bond(&p, 10_000).unwrap();
        chain.settle(&verdict(1, kind, &p)).unwrap();
        assert_eq!(chain.held(&p), (left, 0), "{kind}");
        let status = match chain.standing(&p) {
            Standing::Good {} => "good",
            Standing::Jailed { reason, .. } => {
                assert_eq!(reason, kind);
                "jailed"
            }
            Standing::Tombstoned { reason, .. } => {
                assert_eq!(reason, kind);
                "tombstoned"
            }
        };
        assert_eq!(status, bars, "{kind}");
        assert_eq!(chain.balance(&chain.treasury), 10_000 - left);
    }
}

#[test]
fn who_reports_what_can_be_reported_earns_the_bounty() {
    for kind in kind::ALL {
        let mut chain = Chain::new();
        let [p, reporter] = [0, 1].map(|i| chain.providers[i].clone());
        chain.bond(&p, 10_000).unwrap();
        let before = chain.balance(&reporter);
        let told = Verdict { reporter: Some(reporter.to_string()), ..verdict(1, kind, &p) };
        chain.settle(&told).unwrap();
        let can_be_reported = [kind::TWO_HEADERS, kind::UNREQUESTED_PARTIAL, kind::INVALID_PROOF].contains(&kind);
        let bounty = if can_be_reported { 500 } else { 0 };
        assert_eq!(chain.balance(&reporter), before + bounty, "{kind}");
    }
}

#[test]
fn the_record_says_what_was_there_before_and_after() {
    let mut chain = Chain::new();
    let [p, reporter, victim] = [0, 1, 2].map(|i| chain.providers[i].clone());
    chain.bond(&p, 10_000).unwrap();
    chain.unbond(&p, 4_000).unwrap();
    let told = Verdict {
        reporter: Some(reporter.to_string()),
        harmed: vec![victim.to_string()],
        ..verdict(7, kind::TWO_HEADERS, &p)
    };
    chain.settle(&told).unwrap();
    let block = chain.app.block_info();
    let kept = chain.offence(7).unwrap();
    assert_eq!(kept.sequence, 1);
    assert_eq!(kept.offence_id, told.offence_id);
    assert_eq!(kept.evidence, told.evidence);
    assert_eq!((kept.task, kept.epoch, kept.round), (1, 1, 3));
    assert_eq!((kept.height, kept.time), (block.height, block.time.seconds()));
    assert_eq!((kept.before, kept.after), (Uint128::new(10_000), Uint128::zero()));
    assert_eq!(kept.slashed, Uint128::new(10_000));
    assert_eq!(kept.bounty, Uint128::new(500));
    assert_eq!(kept.compensation, Uint128::new(5_000));
    assert_eq!(kept.treasury, Uint128::new(4_500));
    assert_eq!(kept.penalty.fraction, Decimal::one());
    assert_eq!((kept.reporter, kept.harmed), (Some(reporter.clone()), 1));
    assert_eq!(chain.balance(&reporter), 1_000_500);
    assert_eq!(chain.balance(&victim), 1_005_000);
    assert_eq!(chain.held(&p), (0, 0));
}

#[test]
fn a_verdict_is_carried_out_once() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    chain.bond(&p, 10_000).unwrap();
    let told = verdict(1, kind::NO_SUBMISSION, &p);
    chain.settle(&told).unwrap();
    let kept = chain.offence(1);
    chain.wait(5);
    let again = chain.settle(&told).unwrap();
    assert!(again
        .events
        .iter()
        .any(|event| event.attributes.iter().any(|a| a.key == "already_settled" && a.value == "true")));
    // An id settles once, whatever else comes with it.
    chain.settle(&verdict(1, kind::TWO_HEADERS, &p)).unwrap();
    assert_eq!(chain.held(&p), (9_900, 0));
    assert_eq!(chain.offence(1), kept);
    assert_eq!(chain.history(None).len(), 1);
}

#[test]
fn verdicts_of_two_rounds_on_one_provider_are_both_carried_out() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    chain.bond(&p, 10_000).unwrap();
    chain.settle(&verdict(1, kind::SILENT_SEAT, &p)).unwrap();
    chain.settle(&Verdict { round: 4, ..verdict(2, kind::NON_CANONICAL, &p) }).unwrap();
    assert_eq!(chain.held(&p), (9_310, 0));
    let history = chain.history(Some(&p));
    let before_and_after: Vec<_> = history.iter().map(|kept| (kept.before.u128(), kept.after.u128())).collect();
    assert_eq!(before_and_after, [(10_000, 9_800), (9_800, 9_310)]);
}

#[test]
fn a_larger_offence_found_after_a_smaller_one_of_its_round_was_settled_takes_the_difference() {
    let mut chain = Chain::new();
    let (admin, [p, q, victim]) = (chain.admin.clone(), [0, 1, 2].map(|i| chain.providers[i].clone()));
    let half = Penalty {
        fraction: Decimal::percent(50),
        jail_seconds: 0,
        tombstone: false,
        bounty_fraction: Decimal::zero(),
        compensation_fraction: Decimal::percent(50),
    };
    let row = ExecuteMsg::SetPenalty { kind: kind::INVALID_PROOF.to_string(), penalty: half };
    chain.send(&admin, &chain.slashing.clone(), &row).unwrap();
    for (id, provider, first, second) in
        [(1, &p, kind::NO_SUBMISSION, kind::INVALID_PROOF), (3, &q, kind::INVALID_PROOF, kind::NO_SUBMISSION)]
    {
        chain.bond(provider, 10_000).unwrap();
        for (id, kind) in [(id, first), (id + 1, second)] {
            let harmed = vec![victim.to_string()];
            chain.settle(&Verdict { harmed, ..verdict(id, kind, provider) }).unwrap();
        }
        // One round, one penalty: the largest, whichever came first; and both are on record.
        assert_eq!(chain.held(provider), (5_000, 0));
        assert_eq!(chain.history(Some(provider)).len(), 2);
    }
    assert_eq!(chain.offence(2).unwrap().slashed, Uint128::new(4_900));
    assert_eq!(chain.offence(4).unwrap().slashed, Uint128::zero());
    assert_eq!(chain.balance(&victim), FUNDS + 5_000);
    // Another round, epoch or task is another matter.
    for (id, other) in [
        (5, Verdict { round: 4, ..verdict(5, kind::INVALID_PROOF, &p) }),
        (6, Verdict { epoch: 2, ..verdict(6, kind::INVALID_PROOF, &p) }),
        (7, Verdict { task: 2, ..verdict(7, kind::INVALID_PROOF, &p) }),
    ] {
        let (before, _) = chain.held(&p);
        chain.settle(&other).unwrap();
        assert_eq!(chain.offence(id).unwrap().slashed.u128(), before / 2);
    }
}

#[test]
fn a_provider_without_a_bond_is_barred_all_the_same() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    chain.settle(&verdict(1, kind::TWO_HEADERS, &p)).unwrap();
    assert!(matches!(chain.standing(&p), Standing::Tombstoned { .. }));
    assert_eq!(chain.offence(1).unwrap().slashed, Uint128::zero());
}

#[test]
fn a_jailed_provider_returns_after_its_time() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    chain.bond(&p, 10_000).unwrap();
    chain.settle(&verdict(1, kind::SILENT_SEAT, &p)).unwrap();
    let registry = chain.registry.clone();
    let unjail = registry::ExecuteMsg::Unjail {};
    chain.send(&p, &registry, &unjail).unwrap_err();
    chain.wait(600);
    chain.send(&p, &registry, &unjail).unwrap();
    assert_eq!(chain.standing(&p), Standing::Good {});
}

#[test]
fn a_slash_that_fails_undoes_the_verdict_and_it_can_be_tried_again() {
    let mut chain = Chain::new();
    let (admin, p) = (chain.admin.clone(), chain.providers[0].clone());
    chain.bond(&p, 10_000).unwrap();
    let staking = chain.staking.clone();
    let wire = |slashing: String| staking::ExecuteMsg::UpdateConfig {
        slashing: Some(slashing),
        treasury: None,
        unbonding_seconds: None,
        max_unbondings: None,
    };
    chain.send(&admin, &staking, &wire(admin.to_string())).unwrap();
    let told = verdict(1, kind::TWO_HEADERS, &p);
    let error = chain.settle(&told).unwrap_err();
    assert!(error.contains("only the slashing contract"), "{error}");
    assert_eq!(chain.offence(1), None);
    assert_eq!(chain.standing(&p), Standing::Good {});

    let slashing = chain.slashing.to_string();
    chain.send(&admin, &staking, &wire(slashing)).unwrap();
    chain.settle(&told).unwrap();
    assert_eq!(chain.held(&p), (0, 0));
}

#[test]
fn a_jail_that_fails_undoes_the_slash() {
    let mut chain = Chain::new();
    let (admin, p) = (chain.admin.clone(), chain.providers[0].clone());
    chain.bond(&p, 10_000).unwrap();
    let registry = chain.registry.clone();
    let unwire = registry::ExecuteMsg::UpdateConfig { slashing: Some(admin.to_string()) };
    chain.send(&admin, &registry, &unwire).unwrap();
    chain.settle(&verdict(1, kind::SILENT_SEAT, &p)).unwrap_err();
    assert_eq!(chain.held(&p), (10_000, 0));
    assert!(chain.history(None).is_empty());
}

#[test]
fn a_kind_without_a_penalty_is_refused_and_waits_for_its_row() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    let error = chain.settle(&verdict(1, "sketch_missing", &p)).unwrap_err();
    assert!(error.contains("no penalty is set for the offence sketch_missing"), "{error}");
    assert_eq!(chain.offence(1), None);
}

#[test]
fn malformed_verdicts_are_refused() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    let good = verdict(1, kind::TWO_HEADERS, &p);
    let short = Binary::new(vec![1; 31]);
    for (bad, sentence) in [
        (Verdict { offence_id: short.clone(), ..good.clone() }, "offence_id must be 32 bytes, not 31"),
        (Verdict { evidence: short, ..good.clone() }, "evidence must be 32 bytes, not 31"),
        (Verdict { kind: "Two Headers".to_string(), ..good.clone() }, "the kind of an offence must be"),
        (Verdict { provider: "nobody".to_string(), ..good.clone() }, "provider \"nobody\" is not an address"),
        (Verdict { reporter: Some("nobody".to_string()), ..good.clone() }, "reporter \"nobody\" is not an address"),
    ] {
        let error = chain.settle(&bad).unwrap_err();
        assert!(error.contains(sentence), "{error}");
    }
    assert!(chain.history(None).is_empty());
}

#[test]
fn a_verdict_does_not_hang_on_the_number_of_its_victims() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    chain.bond(&p, 10_000).unwrap();
    let harmed: Vec<String> =
        (0..MAX_COMPENSATED + 10).map(|i| chain.app.api().addr_make(&format!("h{i}")).into_string()).collect();
    let told = Verdict { harmed, ..verdict(1, kind::BAD_SHARE, &p) };
    chain.settle(&told).unwrap();
    let kept = chain.offence(1).unwrap();
    assert_eq!(kept.harmed, 138);
    assert_eq!(kept.compensation.u128(), 5_000 / 128 * 128);
}

#[test]
fn coins_that_were_locked_and_unbonding_are_still_there_for_the_verdict() {
    let mut chain = Chain::new();
    let p = chain.providers[0].clone();
    chain.bond(&p, 10_000).unwrap();
    chain.lock(&p, "1/1");
    chain.unbond(&p, 10_000).unwrap();
    chain.wait(2 * UNBONDING_SECONDS);
    chain.withdraw(&p).unwrap_err();
    chain.settle(&verdict(1, kind::TWO_HEADERS, &p)).unwrap();
    chain.unlock(&p, "1/1");
    chain.withdraw(&p).unwrap_err();
    assert_eq!(chain.offence(1).unwrap().slashed, Uint128::new(10_000));
}

#[test]
fn the_history_is_walked_page_by_page_for_one_and_for_all() {
    let mut chain = Chain::new();
    let [p, q] = [0, 1].map(|i| chain.providers[i].clone());
    for id in 0..10 {
        let offender = if id % 3 == 0 { &q } else { &p };
        chain.settle(&verdict(id, kind::NO_SUBMISSION, offender)).unwrap();
    }
    for (provider, expected) in
        [(None, (1..=10).collect::<Vec<u64>>()), (Some(&p), vec![2, 3, 5, 6, 8, 9]), (Some(&q), vec![1, 4, 7, 10])]
    {
        let mut seen: Vec<u64> = vec![];
        loop {
            let msg = QueryMsg::History {
                provider: provider.map(ToString::to_string),
                start_after: seen.last().copied(),
                limit: Some(3),
            };
            let page: HistoryResponse = chain.query(&chain.slashing, &msg);
            if page.offences.is_empty() {
                break;
            }
            seen.extend(page.offences.iter().map(|kept| kept.sequence));
        }
        assert_eq!(seen, expected);
    }
}
