//! Random sequences of everything that moves coins, beside a model of what must come out.

use std::collections::{BTreeMap, BTreeSet};

use bauta_messages::slashing::{kind, Verdict};
use cosmwasm_std::{Addr, Decimal, Uint128};
use proptest::prelude::*;

use crate::chain::{verdict, Chain, FUNDS, UNBONDING_SECONDS};

#[derive(Debug, Clone)]
enum Step {
    Bond(usize, u128),
    Unbond(usize, u128),
    Withdraw(usize),
    Lock(usize, u8),
    Unlock(usize, u8),
    Settle { id: u8, round: u64, kind: usize, offender: usize, reporter: Option<usize>, harmed: Vec<usize> },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..5usize;
    prop_oneof![
        3 => (who.clone(), 1..50_000u128).prop_map(|(p, amount)| Step::Bond(p, amount)),
        3 => (who.clone(), 1..50_000u128).prop_map(|(p, amount)| Step::Unbond(p, amount)),
        3 => who.clone().prop_map(Step::Withdraw),
        1 => (who.clone(), 0..2u8).prop_map(|(p, key)| Step::Lock(p, key)),
        2 => (who.clone(), 0..2u8).prop_map(|(p, key)| Step::Unlock(p, key)),
        3 => (
            // Few ids, so that many verdicts are repetitions.
            0..8u8,
            1..3u64,
            0..kind::ALL.len(),
            who.clone(),
            prop::option::of(who.clone()),
            prop::collection::vec(who, 0..4),
        )
            .prop_map(|(id, round, kind, offender, reporter, harmed)| Step::Settle {
                id,
                round,
                kind,
                offender,
                reporter,
                harmed,
            }),
        2 => (1..UNBONDING_SECONDS).prop_map(Step::Wait),
    ]
}

/// What each provider has in the contract, and what locks and verdicts there are.
#[derive(Default)]
struct Model {
    total: BTreeMap<usize, u128>,
    locks: BTreeSet<(usize, u8)>,
    settled: BTreeSet<u8>,
    /// The largest fraction that each offender and round has cost.
    penalised: BTreeMap<(usize, u64), Decimal>,
}

impl Model {
    fn held(&mut self, provider: usize) -> &mut u128 {
        self.total.entry(provider).or_default()
    }

    fn locked(&self, provider: usize) -> bool {
        self.locks.iter().any(|(owner, _)| *owner == provider)
    }
}

fn apply(chain: &mut Chain, model: &mut Model, step: Step) {
    let address = |chain: &Chain, p: usize| -> Addr { chain.providers[p].clone() };
    match step {
        Step::Bond(p, amount) => {
            if chain.bond(&address(chain, p), amount).is_ok() {
                *model.held(p) += amount;
            }
        }
        Step::Unbond(p, amount) => {
            let provider = address(chain, p);
            let (bonded, unbonding) = chain.held(&provider);
            if chain.unbond(&provider, amount).is_ok() {
                assert!(amount <= bonded);
                assert_eq!(chain.held(&provider), (bonded - amount, unbonding + amount));
            }
        }
        Step::Withdraw(p) => {
            let provider = address(chain, p);
            let before = chain.balance(&provider);
            let result = chain.withdraw(&provider);
            let paid = chain.balance(&provider) - before;
            if model.locked(p) || result.is_err() {
                assert!(result.is_err(), "coins left while locked");
                assert_eq!(paid, 0);
            }
            *model.held(p) -= paid;
        }
        Step::Lock(p, key) => {
            chain.lock(&address(chain, p), &key.to_string());
            model.locks.insert((p, key));
        }
        Step::Unlock(p, key) => {
            chain.unlock(&address(chain, p), &key.to_string());
            model.locks.remove(&(p, key));
        }
        Step::Settle { id, round, kind, offender, reporter, harmed } => {
            let told = Verdict {
                round,
                reporter: reporter.map(|p| chain.providers[p].to_string()),
                harmed: harmed.iter().map(|p| chain.providers[*p].to_string()).collect(),
                ..verdict(id, kind::ALL[kind], &address(chain, offender))
            };
            let earned = chain.balance(&address(chain, offender));
            chain.settle(&told).unwrap();
            assert_eq!(chain.balance(&address(chain, offender)), earned);
            let kept = chain.offence(id).unwrap();
            if model.settled.insert(id) {
                let before = *model.held(offender);
                assert_eq!(kept.before.u128(), before);
                let penalised = model.penalised.entry((offender, round)).or_default();
                let (largest, fraction) = (*penalised, kept.penalty.fraction);
                *penalised = largest.max(fraction);
                if largest.is_zero() {
                    assert_eq!(kept.slashed, kept.before.mul_floor(fraction));
                } else if fraction <= largest {
                    assert!(kept.slashed.is_zero());
                } else {
                    // Every row above the smallest ones is within a unit of its share of what the others left.
                    let rest = (fraction - largest) / (Decimal::one() - largest);
                    let expected = kept.before.mul_floor(rest);
                    assert!(kept.slashed >= expected && kept.slashed - expected <= Uint128::one());
                }
                assert_eq!(kept.slashed, kept.bounty + kept.compensation + kept.treasury);
                *model.held(offender) -= kept.slashed.u128();
            }
        }
        Step::Wait(seconds) => chain.wait(seconds),
    }
}

fn check(chain: &Chain, model: &mut Model) {
    let mut sums = (0, 0);
    for (p, provider) in chain.providers.iter().enumerate() {
        let (bonded, unbonding) = chain.held(provider);
        assert_eq!(bonded + unbonding, *model.held(p), "provider {p}");
        sums = (sums.0 + bonded, sums.1 + unbonding);
    }
    assert_eq!(chain.totals(), sums);
    assert_eq!(chain.balance(&chain.staking), sums.0 + sums.1);
    let outside: u128 = chain.providers.iter().map(|p| chain.balance(p)).sum();
    assert_eq!(outside + chain.balance(&chain.treasury) + sums.0 + sums.1, FUNDS * chain.providers.len() as u128);
    assert_eq!(chain.history(None).len(), model.settled.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn coins_are_conserved_and_verdicts_count_once(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut chain = Chain::new();
        let mut model = Model::default();
        for step in steps {
            apply(&mut chain, &mut model, step);
            check(&chain, &mut model);
        }
    }
}
