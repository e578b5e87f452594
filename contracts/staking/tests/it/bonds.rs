//! Bonds, unbonding, withdrawals and locks.

use bauta_messages::staking::{
    BondResponse, BondsResponse, ExecuteMsg, LocksResponse, QueryMsg, SudoMsg, UnbondingsResponse,
};
use cosmwasm_std::{coins, Addr, Coin};

use crate::world::{World, DENOM, UNBONDING_SECONDS};

#[test]
fn a_bond_comes_back_after_the_unbonding_period() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    world.bond(&p, 500);
    assert_eq!(world.held(&p), (1_500, 0));
    world.unbond(&p, 600).unwrap();
    assert_eq!(world.held(&p), (900, 600));

    world.wait(UNBONDING_SECONDS - 1);
    let error = world.withdraw(&p).unwrap_err();
    assert!(error.contains("matures before"), "{error}");
    world.wait(1);
    let before = world.balance(&p);
    world.withdraw(&p).unwrap();
    assert_eq!(world.balance(&p), before + 600);
    assert_eq!(world.held(&p), (900, 0));
    world.check_conservation();
    let error = world.withdraw(&p).unwrap_err();
    assert!(error.contains("no unbonding entries"), "{error}");
}

#[test]
fn a_withdrawal_takes_what_has_matured_and_leaves_the_rest() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    world.unbond(&p, 100).unwrap();
    world.wait(UNBONDING_SECONDS / 2);
    world.unbond(&p, 200).unwrap();
    world.wait(UNBONDING_SECONDS / 2);
    world.withdraw(&p).unwrap();
    assert_eq!(world.held(&p), (700, 200));
    let entries: UnbondingsResponse = world.query(&QueryMsg::Unbondings { provider: p.to_string() });
    assert_eq!(entries.unbondings.len(), 1);
    world.check_conservation();
}

#[test]
fn nobody_unbonds_more_than_the_bond_or_nothing() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    let error = world.unbond(&p, 1_001).unwrap_err();
    assert!(error.contains("has 1000 bonded and cannot unbond 1001"), "{error}");
    let error = world.unbond(&p, 0).unwrap_err();
    assert!(error.contains("at least 1"), "{error}");
    let other = world.providers[1].clone();
    assert!(world.unbond(&other, 1).is_err());
}

#[test]
fn unbonding_entries_are_bounded() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    for _ in 0..3 {
        world.unbond(&p, 10).unwrap();
        // A second one at the same time joins the first.
        world.unbond(&p, 10).unwrap();
        world.wait(1);
    }
    let error = world.unbond(&p, 10).unwrap_err();
    assert!(error.contains("3 unbonding entries"), "{error}");
    world.wait(UNBONDING_SECONDS);
    world.withdraw(&p).unwrap();
    world.unbond(&p, 10).unwrap();
}

#[test]
fn a_bond_is_of_the_one_denomination() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    let both = [Coin::new(1u128, DENOM), Coin::new(1u128, "uother")];
    for funds in [&[][..], &coins(1, "uother"), &both] {
        let error = world.send(&p, &ExecuteMsg::Bond {}, funds).unwrap_err();
        assert!(error.contains("bond takes coins of ubauta"), "{error}");
    }
    let error = world.send(&p, &ExecuteMsg::Withdraw {}, &coins(1, DENOM)).unwrap_err();
    assert!(error.contains("takes no funds"), "{error}");
    assert_eq!(world.held(&p), (0, 0));
}

#[test]
fn nothing_leaves_while_any_lock_is_held() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.bond(&p, 1_000);
    world.unbond(&p, 400).unwrap();
    world.wait(UNBONDING_SECONDS);
    world.lock(&p, "1/1");
    world.lock(&p, "2/1");
    let error = world.withdraw(&p).unwrap_err();
    assert!(error.contains("held by the chain for \"1/1\""), "{error}");

    // To begin to unbond is allowed, and the period may pass meanwhile.
    world.unbond(&p, 600).unwrap();
    world.wait(UNBONDING_SECONDS);
    world.unlock(&p, "1/1");
    assert!(world.withdraw(&p).is_err());
    world.unlock(&p, "2/1");
    world.withdraw(&p).unwrap();
    assert_eq!(world.held(&p), (0, 0));
    assert_eq!(world.balance(&p), 1_000_000);
    world.check_conservation();
}

#[test]
fn a_lock_holds_only_its_own_provider() {
    let mut world = World::new();
    let (p, q) = (world.providers[0].clone(), world.providers[1].clone());
    for one in [&p, &q] {
        world.bond(one, 100);
        world.unbond(one, 100).unwrap();
    }
    world.wait(UNBONDING_SECONDS);
    world.lock(&p, "1/1");
    world.withdraw(&q).unwrap();
    assert!(world.withdraw(&p).is_err());
}

#[test]
fn locks_may_be_repeated_and_unknown_ones_released() {
    let mut world = World::new();
    let p = world.providers[0].clone();
    world.unlock(&p, "9/9");
    world.lock(&p, "1/1");
    world.lock(&p, "1/1");
    let bond: BondResponse = world.query(&QueryMsg::Bond { provider: p.to_string() });
    assert!(bond.locked);
    assert_eq!(bond.locks, ["1/1"]);
    world.unlock(&p, "1/1");
    let locks: LocksResponse =
        world.query(&QueryMsg::Locks { provider: p.to_string(), start_after: None, limit: None });
    assert!(locks.locks.is_empty());
}

#[test]
fn a_lock_without_a_sensible_key_is_refused() {
    let mut world = World::new();
    let long = "k".repeat(65);
    for key in ["", "a\nb", &long] {
        let msg = SudoMsg::Lock { provider: world.providers[0].to_string(), key: key.to_string() };
        let error = world.app.wasm_sudo(world.staking.clone(), &msg).unwrap_err();
        assert!(error.to_string().contains("key must be 1 to 64 bytes"));
    }
}

#[test]
fn bonds_are_walked_page_by_page_and_empty_ones_are_not_kept() {
    let mut world = World::new();
    let mut expected = world.providers.clone();
    for p in &expected {
        world.bond(p, 100);
    }
    let gone = expected.pop().unwrap();
    world.unbond(&gone, 100).unwrap();
    world.wait(UNBONDING_SECONDS);
    world.withdraw(&gone).unwrap();
    expected.sort();
    let mut seen: Vec<Addr> = vec![];
    loop {
        let page: BondsResponse =
            world.query(&QueryMsg::Bonds { start_after: seen.last().map(Addr::to_string), limit: Some(2) });
        if page.bonds.is_empty() {
            break;
        }
        seen.extend(page.bonds.into_iter().map(|bond| bond.provider));
    }
    assert_eq!(seen, expected);
}
