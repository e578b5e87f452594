//! The staking contract's artifact.

use bauta_messages::staking::{
    lock_key, BondResponse, BondsResponse, ConfigResponse, ExecuteMsg, InstantiateMsg, LocksResponse, QueryMsg,
    SlashResponse, SudoMsg, TotalsResponse, UnbondingsResponse,
};
use cosmwasm_std::{coins, from_json, to_json_vec, Addr, Decimal, Uint128};
use cw2::ContractVersion;

use super::machine::{address, Machine, DENOM};

fn machine() -> (Machine, Addr) {
    let mut machine = Machine::new();
    let msg = InstantiateMsg {
        admin: None,
        slashing: Some(address("slashing").into_string()),
        treasury: Some(address("treasury").into_string()),
        bond_denom: DENOM.to_string(),
        unbonding_seconds: 1_000,
        max_unbondings: None,
    };
    let staking = machine.instantiate("staking", &msg).unwrap();
    (machine, staking)
}

fn bond(machine: &mut Machine, staking: &Addr, provider: &Addr, amount: u128) {
    machine.fund(provider, amount);
    let msg = to_json_vec(&ExecuteMsg::Bond {}).unwrap();
    machine.execute_json(provider, staking, &msg, &coins(amount, DENOM)).unwrap();
}

fn unbond(amount: u128) -> ExecuteMsg {
    ExecuteMsg::Unbond { amount: Uint128::new(amount) }
}

fn held(machine: &mut Machine, staking: &Addr, provider: &Addr) -> (u128, u128, bool) {
    let msg = QueryMsg::Bond { provider: provider.to_string() };
    let bond: BondResponse = machine.query(staking, &msg);
    (bond.bonded.u128(), bond.unbonding.u128(), bond.locked)
}

#[test]
fn coins_are_bonded_locked_unbonded_and_withdrawn() {
    let (mut machine, staking) = machine();
    let p = address("provider");
    let (provider, key) = (p.to_string(), lock_key(1, 1));
    bond(&mut machine, &staking, &p, 1_000);
    let lock = SudoMsg::Lock { provider: provider.clone(), key: key.clone() };
    machine.sudo(&staking, &lock).unwrap();
    machine.execute(&p, &staking, &unbond(400)).unwrap();
    assert_eq!(held(&mut machine, &staking, &p), (600, 400, true));
    let locks: LocksResponse =
        machine.query(&staking, &QueryMsg::Locks { provider: provider.clone(), start_after: None, limit: None });
    assert_eq!(locks.locks, ["1/1"]);

    machine.wait(1_000);
    let withdraw = ExecuteMsg::Withdraw {};
    let error = machine.execute(&p, &staking, &withdraw).unwrap_err();
    assert!(error.contains("held by the chain"), "{error}");
    let unlock = SudoMsg::Unlock { provider: provider.clone(), key };
    machine.sudo(&staking, &unlock).unwrap();
    machine.execute(&p, &staking, &withdraw).unwrap();
    assert_eq!(machine.balance(&p), 400);
    assert_eq!(machine.balance(&staking), 600);
    let entries: UnbondingsResponse = machine.query(&staking, &QueryMsg::Unbondings { provider });
    assert!(entries.unbondings.is_empty());
}

#[test]
fn a_slash_reaches_unbonding_coins_and_is_split() {
    let (mut machine, staking) = machine();
    let p = address("provider");
    bond(&mut machine, &staking, &p, 10_001);
    machine.execute(&p, &staking, &unbond(5_000)).unwrap();
    let slash = ExecuteMsg::Slash {
        provider: p.to_string(),
        fraction: Decimal::percent(10),
        bounty_to: Some(address("reporter").into_string()),
        bounty_fraction: Decimal::percent(5),
        compensate: vec![address("victim").into_string(), address("another").into_string()],
        compensation_fraction: Decimal::percent(50),
    };
    let error = machine.execute(&p, &staking, &slash).unwrap_err();
    assert!(error.contains("only the slashing contract"), "{error}");
    let done = machine.execute(&address("slashing"), &staking, &slash).unwrap();
    let response: SlashResponse = from_json(done.data.unwrap()).unwrap();
    assert_eq!((response.before.u128(), response.after.u128()), (10_001, 9_001));
    assert_eq!(held(&mut machine, &staking, &p), (4_501, 4_500, false));
    assert_eq!(machine.balance(&address("reporter")), 50);
    assert_eq!(machine.balance(&address("victim")), 250);
    assert_eq!(machine.balance(&address("another")), 250);
    assert_eq!(machine.balance(&address("treasury")), 450);
    assert_eq!(machine.balance(&staking), 9_001);
}

#[test]
fn lists_and_totals_are_read() {
    let (mut machine, staking) = machine();
    let mut providers: Vec<_> = (0..3).map(|i| address(&format!("p{i}"))).collect();
    for provider in &providers {
        bond(&mut machine, &staking, provider, 7);
    }
    providers.sort();
    let bonds: BondsResponse =
        machine.query(&staking, &QueryMsg::Bonds { start_after: Some(providers[0].to_string()), limit: Some(5) });
    let seen: Vec<_> = bonds.bonds.into_iter().map(|bond| bond.provider).collect();
    assert_eq!(seen, providers[1..]);
    let totals: TotalsResponse = machine.query(&staking, &QueryMsg::Totals {});
    assert_eq!((totals.bonded.u128(), totals.unbonding.u128()), (21, 0));
    let config: ConfigResponse = machine.query(&staking, &QueryMsg::Config {});
    assert_eq!(config.bond_denom, DENOM);
}

#[test]
fn a_migration_checks_where_it_comes_from() {
    let (mut machine, staking) = machine();
    machine.migrate(&staking).unwrap();
    for (contract, version) in [("bauta:registry", "0.0.1"), ("bauta:staking", "999.0.0")] {
        let version = ContractVersion { contract: contract.to_string(), version: version.to_string() };
        machine.overwrite(&staking, b"contract_info", &version);
        machine.migrate(&staking).unwrap_err();
    }
}
