//! The three artifacts together: verdicts of the chain, carried out.

use bauta_messages::{
    registry::{self, ProviderResponse, Standing},
    slashing::{
        kind, ConfigResponse, ExecuteMsg, HistoryResponse, InstantiateMsg, OffenceResponse, PenaltiesResponse, Penalty,
        QueryMsg, SudoMsg, Verdict,
    },
    staking,
};
use cosmwasm_std::{coins, to_json_vec, Addr, Binary, Decimal, Uint128};
use cw2::ContractVersion;

use super::machine::{address, Machine, DENOM};

struct Contracts {
    registry: Addr,
    staking: Addr,
    slashing: Addr,
}

fn machine() -> (Machine, Contracts) {
    let mut machine = Machine::new();
    let admin = address("admin");
    let registry = registry::InstantiateMsg { admin: None, slashing: None, issuers: vec![] };
    let registry = machine.instantiate("registry", &registry).unwrap();
    let staking = staking::InstantiateMsg {
        admin: None,
        slashing: None,
        treasury: Some(address("treasury").into_string()),
        bond_denom: DENOM.to_string(),
        unbonding_seconds: 1_000,
        max_unbondings: None,
    };
    let staking = machine.instantiate("staking", &staking).unwrap();
    let slashing =
        InstantiateMsg { admin: None, staking: staking.to_string(), registry: registry.to_string(), penalties: vec![] };
    let slashing = machine.instantiate("slashing", &slashing).unwrap();
    let wire = registry::ExecuteMsg::UpdateConfig { slashing: Some(slashing.to_string()) };
    machine.execute(&admin, &registry, &wire).unwrap();
    let wire = staking::ExecuteMsg::UpdateConfig {
        slashing: Some(slashing.to_string()),
        treasury: None,
        unbonding_seconds: None,
        max_unbondings: None,
    };
    machine.execute(&admin, &staking, &wire).unwrap();
    let contracts = Contracts { registry, staking, slashing };
    (machine, contracts)
}

fn bond(machine: &mut Machine, staking: &Addr, provider: &Addr, amount: u128) {
    machine.fund(provider, amount);
    let msg = to_json_vec(&staking::ExecuteMsg::Bond {}).unwrap();
    machine.execute_json(provider, staking, &msg, &coins(amount, DENOM)).unwrap();
}

fn settle(id: u8, kind: &str, provider: &Addr) -> SudoMsg {
    SudoMsg::Settle(Verdict {
        offence_id: Binary::new(vec![id; 32]),
        kind: kind.to_string(),
        provider: provider.to_string(),
        task: 1,
        epoch: 1,
        round: 2,
        evidence: Binary::new(vec![9; 32]),
        reporter: Some(address("reporter").into_string()),
        harmed: vec![address("victim").into_string()],
    })
}

#[test]
fn a_verdict_slashes_bars_and_is_kept() {
    let (mut machine, contracts) = machine();
    let p = address("provider");
    bond(&mut machine, &contracts.staking, &p, 1_000_000);
    let done = machine.sudo(&contracts.slashing, &settle(1, kind::TWO_HEADERS, &p)).unwrap();
    assert_eq!(done.attributes("already_settled"), ["false"]);
    assert_eq!(machine.balance(&contracts.staking), 0);
    assert_eq!(machine.balance(&address("reporter")), 50_000);
    assert_eq!(machine.balance(&address("victim")), 500_000);
    assert_eq!(machine.balance(&address("treasury")), 450_000);

    let kept: OffenceResponse =
        machine.query(&contracts.slashing, &QueryMsg::Offence { offence_id: Binary::new(vec![1; 32]) });
    let kept = kept.offence.unwrap();
    assert_eq!((kept.before, kept.after), (Uint128::new(1_000_000), Uint128::zero()));
    assert_eq!(kept.bounty, Uint128::new(50_000));
    let entry: ProviderResponse =
        machine.query(&contracts.registry, &registry::QueryMsg::Provider { provider: p.to_string() });
    assert!(matches!(entry.standing, Standing::Tombstoned { .. }));
}

#[test]
fn a_verdict_is_carried_out_once() {
    let (mut machine, contracts) = machine();
    let p = address("provider");
    bond(&mut machine, &contracts.staking, &p, 1_000);
    let verdict = settle(1, kind::NO_SUBMISSION, &p);
    machine.sudo(&contracts.slashing, &verdict).unwrap();
    let again = machine.sudo(&contracts.slashing, &verdict).unwrap();
    assert_eq!(again.attributes("already_settled"), ["true"]);
    assert_eq!(machine.balance(&contracts.staking), 990);
    let history: HistoryResponse = machine.query(
        &contracts.slashing,
        &QueryMsg::History { provider: Some(p.to_string()), start_after: None, limit: None },
    );
    assert_eq!(history.offences.len(), 1);
    assert_eq!(history.offences[0].sequence, 1);
}

#[test]
fn a_slash_that_is_refused_fails_the_verdict() {
    let (mut machine, contracts) = machine();
    let unwire = staking::ExecuteMsg::UpdateConfig {
        slashing: Some(address("admin").into_string()),
        treasury: None,
        unbonding_seconds: None,
        max_unbondings: None,
    };
    machine.execute(&address("admin"), &contracts.staking, &unwire).unwrap();
    let verdict = settle(1, kind::NO_SUBMISSION, &address("provider"));
    let error = machine.sudo(&contracts.slashing, &verdict).unwrap_err();
    assert!(error.contains("only the slashing contract"), "{error}");
}

#[test]
fn the_admin_adds_a_row_to_the_table() {
    let (mut machine, contracts) = machine();
    let p = address("provider");
    bond(&mut machine, &contracts.staking, &p, 1_000);
    let verdict = settle(1, "sketch_missing", &p);
    let error = machine.sudo(&contracts.slashing, &verdict).unwrap_err();
    assert!(error.contains("no penalty is set"), "{error}");
    let row = ExecuteMsg::SetPenalty {
        kind: "sketch_missing".to_string(),
        penalty: Penalty {
            fraction: Decimal::percent(20),
            jail_seconds: 600,
            tombstone: false,
            bounty_fraction: Decimal::zero(),
            compensation_fraction: Decimal::zero(),
        },
    };
    let error = machine.execute(&p, &contracts.slashing, &row).unwrap_err();
    assert!(error.contains("only the admin"), "{error}");
    machine.execute(&address("admin"), &contracts.slashing, &row).unwrap();
    machine.sudo(&contracts.slashing, &verdict).unwrap();
    assert_eq!(machine.balance(&contracts.staking), 800);
    let table: PenaltiesResponse =
        machine.query(&contracts.slashing, &QueryMsg::Penalties { start_after: None, limit: None });
    assert_eq!(table.penalties.len(), kind::ALL.len() + 1);
    let config: ConfigResponse = machine.query(&contracts.slashing, &QueryMsg::Config {});
    assert_eq!(config.staking, contracts.staking);
}

#[test]
fn a_migration_checks_where_it_comes_from() {
    let (mut machine, contracts) = machine();
    machine.migrate(&contracts.slashing).unwrap();
    for (contract, version) in [("bauta:registry", "0.0.1"), ("bauta:slashing", "999.0.0")] {
        let version = ContractVersion { contract: contract.to_string(), version: version.to_string() };
        machine.overwrite(&contracts.slashing, b"contract_info", &version);
        machine.migrate(&contracts.slashing).unwrap_err();
    }
}
