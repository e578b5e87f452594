//! What a slash takes and where it goes.

use bauta_messages::staking::{ExecuteMsg, MAX_COMPENSATED};
use cosmwasm_std::{Decimal, Uint128};

use crate::world::{World, UNBONDING_SECONDS};

#[test]
fn a_slash_reaches_what_is_unbonding_and_what_has_matured() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    world.unbond(&p, 300).unwrap();
    world.wait(UNBONDING_SECONDS);
    world.unbond(&p, 200).unwrap();
    let done = world.slash(&p, 10);
    assert_eq!((done.before.u128(), done.after.u128()), (1_000, 900));
    assert_eq!(world.held(&p), (450, 450));
    assert_eq!(world.balance(&world.treasury), 100);
    world.withdraw(&p).unwrap();
    assert_eq!(world.held(&p), (450, 180));
    world.check_conservation();
}

#[test]
fn a_slash_of_everything_leaves_nothing() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 999);
    world.unbond(&p, 333).unwrap();
    let done = world.slash(&p, 100);
    assert_eq!(done.slashed, Uint128::new(999));
    assert_eq!(world.held(&p), (0, 0));
    assert_eq!(world.balance(&world.treasury), 999);
}

#[test]
fn a_lock_does_not_shield_from_a_slash() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    world.lock(&p, "1/1");
    world.slash(&p, 2);
    assert_eq!(world.held(&p), (980, 0));
}

#[test]
fn who_has_nothing_loses_nothing() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    let done = world.slash(&p, 100);
    assert_eq!((done.before, done.slashed), (Uint128::zero(), Uint128::zero()));
}

#[test]
fn rounding_is_in_favour_of_the_provider() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 199);
    let done = world.slash(&p, 1);
    assert_eq!(done.slashed, Uint128::new(1));
    assert_eq!(world.held(&p), (198, 0));
}

#[test]
fn slashed_coins_are_split_and_every_remainder_goes_to_the_treasury() {
    let mut world = World::new();
    let [p, reporter, a, b] = [0, 1, 2, 3].map(|i| world.providers[i].clone());
    world.bond(&p, 1_001);
    // 1001: bounty floor(50.05) = 50; floor(500.5) = 500 among three (one of them twice) is 166 each, 498.
    let c = world.admin.clone();
    let done = world.slash_for(&p, 100, (Some(&reporter), 5), (&[&a, &b, &c, &a], 50));
    assert_eq!(done.bounty, Uint128::new(50));
    assert_eq!(done.compensation, Uint128::new(498));
    assert_eq!(done.treasury, Uint128::new(453));
    assert_eq!(world.balance(&reporter), 1_000_050);
    assert_eq!(world.balance(&a), 1_000_166);
    assert_eq!(world.balance(&b), 1_000_166);
    assert_eq!(world.balance(&c), 166);
    assert_eq!(world.balance(&world.treasury), 453);
}

#[test]
fn an_offender_neither_earns_its_bounty_nor_its_compensation() {
    let mut world = World::new();
    let [p, victim] = [0, 1].map(|i| world.providers[i].clone());
    world.bond(&p, 1_000);
    let before = world.balance(&p);
    let done = world.slash_for(&p, 100, (Some(&p), 50), (&[&p, &victim], 50));
    assert_eq!(world.balance(&p), before);
    assert_eq!(done.bounty, Uint128::zero());
    assert_eq!(done.compensation, Uint128::new(500));
    assert_eq!(world.balance(&victim), 1_000_500);
}

#[test]
fn without_anybody_to_pay_all_goes_to_the_treasury() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    let done = world.slash_for(&p, 100, (None, 50), (&[], 50));
    assert_eq!(done.treasury, Uint128::new(1_000));
}

#[test]
fn nobody_but_the_slashing_contract_slashes() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    let msg = ExecuteMsg::Slash {
        provider: p.to_string(),
        fraction: Decimal::one(),
        bounty_to: None,
        bounty_fraction: Decimal::zero(),
        compensate: vec![],
        compensation_fraction: Decimal::zero(),
    };
    for sender in [world.admin.clone(), world.treasury.clone(), world.providers[1].clone()] {
        let error = world.send(&sender, &msg, &[]).unwrap_err();
        assert!(error.contains("only the slashing contract"), "{error}");
    }
    assert_eq!(world.held(&p), (1_000, 0));
}

#[test]
fn a_slash_beyond_the_whole_is_refused() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    let msg = |fraction, bounty_fraction, compensation_fraction, harmed: usize| ExecuteMsg::Slash {
        provider: p.to_string(),
        fraction,
        bounty_to: None,
        bounty_fraction,
        compensate: vec![p.to_string(); harmed],
        compensation_fraction,
    };
    let (zero, one) = (Decimal::zero(), Decimal::one());
    let slashing = world.slashing.clone();
    for (bad, sentence) in [
        (msg(Decimal::percent(101), zero, zero, 0), "fraction must be 0 to 1, not 1.01"),
        (msg(one, one, Decimal::percent(1), 0), "the sum of bounty_fraction"),
        (msg(one, Decimal::MAX, Decimal::MAX, 0), "Cannot Add"),
        (msg(one, zero, zero, MAX_COMPENSATED + 1), "at most 128 addresses"),
    ] {
        let error = world.send(&slashing, &bad, &[]).unwrap_err();
        assert!(error.contains(sentence), "{error}");
    }
    assert_eq!(world.held(&p), (1_000, 0));
}
