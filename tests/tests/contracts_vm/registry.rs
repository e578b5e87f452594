//! The registry's artifact.

use bauta_messages::registry::{
    AdmittedResponse, Bar, ConfigResponse, ExecuteMsg, InstantiateMsg, IssuersResponse, MayTakePartResponse, Metadata,
    ProviderResponse, ProvidersResponse, QueryMsg, Standing,
};
use cosmwasm_std::Addr;
use cw2::ContractVersion;

use super::machine::{address, Machine};

fn machine() -> (Machine, Addr) {
    let mut machine = Machine::new();
    let msg = InstantiateMsg {
        admin: None,
        slashing: Some(address("slashing").into_string()),
        issuers: vec![address("issuer").into_string()],
    };
    let registry = machine.instantiate("registry", &msg).unwrap();
    (machine, registry)
}

fn register(name: &str) -> ExecuteMsg {
    ExecuteMsg::Register {
        metadata: Metadata {
            name: name.to_string(),
            contact: "ops@example.org".to_string(),
            description: "scans".to_string(),
        },
    }
}

fn bar(machine: &mut Machine, registry: &Addr, provider: &Addr) -> Option<Bar> {
    let msg = QueryMsg::MayTakePart { provider: provider.to_string(), issuer: Some(address("issuer").into_string()) };
    let answer: MayTakePartResponse = machine.query(registry, &msg);
    assert_eq!(answer.allowed, answer.reason.is_none());
    answer.reason
}

#[test]
fn a_provider_registers_is_admitted_jailed_and_returns() {
    let (mut machine, registry) = machine();
    let p = address("provider");
    let named = p.to_string();
    assert_eq!(bar(&mut machine, &registry, &p), Some(Bar::NotRegistered));
    machine.execute(&p, &registry, &register("clinic")).unwrap();
    assert_eq!(bar(&mut machine, &registry, &p), Some(Bar::NotAdmitted));
    let admit = ExecuteMsg::Admit { provider: named.clone() };
    machine.execute(&address("issuer"), &registry, &admit).unwrap();
    assert_eq!(bar(&mut machine, &registry, &p), None);

    let jail = ExecuteMsg::Jail { provider: named.clone(), seconds: 600, reason: "silent_seat".to_string() };
    machine.execute(&address("slashing"), &registry, &jail).unwrap();
    assert_eq!(bar(&mut machine, &registry, &p), Some(Bar::Jailed));
    let error = machine.execute(&p, &registry, &ExecuteMsg::Unjail {}).unwrap_err();
    assert!(error.contains("is jailed until"), "{error}");
    machine.wait(600);
    machine.execute(&p, &registry, &ExecuteMsg::Unjail {}).unwrap();
    assert_eq!(bar(&mut machine, &registry, &p), None);

    let tombstone = ExecuteMsg::Tombstone { provider: named.clone(), reason: "two_headers".to_string() };
    machine.execute(&address("slashing"), &registry, &tombstone).unwrap();
    let entry: ProviderResponse = machine.query(&registry, &QueryMsg::Provider { provider: named });
    assert!(matches!(entry.standing, Standing::Tombstoned { .. }));
    assert_eq!(entry.registration.unwrap().metadata.name, "clinic");
}

#[test]
fn lists_come_in_pages() {
    let (mut machine, registry) = machine();
    let issuer = address("issuer");
    let mut expected: Vec<Addr> = (0..5).map(|i| address(&format!("p{i}"))).collect();
    for provider in &expected {
        machine.execute(provider, &registry, &register("clinic")).unwrap();
        let admit = ExecuteMsg::Admit { provider: provider.to_string() };
        machine.execute(&issuer, &registry, &admit).unwrap();
    }
    expected.sort();
    let first: ProvidersResponse = machine.query(&registry, &QueryMsg::Providers { start_after: None, limit: Some(2) });
    let rest: AdmittedResponse = machine.query(
        &registry,
        &QueryMsg::Admitted {
            issuer: issuer.to_string(),
            start_after: first.providers.last().map(|p| p.provider.to_string()),
            limit: None,
        },
    );
    let mut seen: Vec<_> = first.providers.into_iter().map(|p| p.provider).collect();
    seen.extend(rest.providers);
    assert_eq!(seen, expected);
    let issuers: IssuersResponse = machine.query(&registry, &QueryMsg::Issuers { start_after: None, limit: None });
    assert_eq!(issuers.issuers, [issuer]);
}

#[test]
fn the_admin_wires_it_and_hands_over() {
    let (mut machine, registry) = machine();
    let (admin, new) = (address("admin"), address("new admin"));
    let update = ExecuteMsg::UpdateConfig { slashing: Some(new.to_string()) };
    machine.execute(&admin, &registry, &update).unwrap();
    let offer = ExecuteMsg::ProposeAdmin { admin: Some(new.to_string()) };
    machine.execute(&admin, &registry, &offer).unwrap();
    machine.execute(&new, &registry, &ExecuteMsg::AcceptAdmin {}).unwrap();
    let config: ConfigResponse = machine.query(&registry, &QueryMsg::Config {});
    assert_eq!(config.admin, new);
    assert_eq!(config.slashing, Some(new));
}

#[test]
fn a_migration_checks_where_it_comes_from() {
    let (mut machine, registry) = machine();
    machine.migrate(&registry).unwrap();
    for (contract, version, sentence) in [
        ("bauta:staking", "0.0.1", "only bauta:registry migrates"),
        ("bauta:registry", "999.0.0", "cannot be taken back"),
        ("bauta:registry", "new", "not a semantic version"),
    ] {
        let version = ContractVersion { contract: contract.to_string(), version: version.to_string() };
        machine.overwrite(&registry, b"contract_info", &version);
        let error = machine.migrate(&registry).unwrap_err();
        assert!(error.contains(sentence), "{error}");
    }
}
