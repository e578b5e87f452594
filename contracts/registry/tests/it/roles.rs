//! The admin, and migrations.

use bauta_messages::registry::{ConfigResponse, ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg};
use bauta_registry::contract;
use cosmwasm_std::{
    testing::{message_info, mock_dependencies, mock_env},
    Addr,
};
use cw2::set_contract_version;

use crate::world::World;

#[test]
fn the_slashing_contract_can_be_set_after_instantiation() {
    let mut world = World::new();
    let other = world.address("other slashing");
    let msg = ExecuteMsg::UpdateConfig { slashing: Some(other.to_string()) };
    let provider = world.provider.clone();
    let error = world.send(&provider, &msg).unwrap_err();
    assert!(error.contains("only the admin"), "{error}");
    world.send(&world.admin.clone(), &msg).unwrap();
    let config: ConfigResponse = world.query(&QueryMsg::Config {});
    assert_eq!(config.slashing, Some(other.clone()));

    let jail = ExecuteMsg::Jail { provider: provider.to_string(), seconds: 1, reason: "silent_seat".to_string() };
    assert!(world.send(&world.slashing.clone(), &jail).is_err());
    world.send(&other, &jail).unwrap();
}

#[test]
fn the_admin_hands_over_in_two_steps() {
    let mut world = World::new();
    let (old, new) = (world.admin.clone(), world.address("new admin"));
    let offer = ExecuteMsg::ProposeAdmin { admin: Some(new.to_string()) };
    assert!(world.send(&new, &offer).is_err());
    assert!(world.send(&new, &ExecuteMsg::AcceptAdmin {}).is_err());
    world.send(&old, &offer).unwrap();
    let config: ConfigResponse = world.query(&QueryMsg::Config {});
    assert_eq!((config.admin, config.pending_admin), (old.clone(), Some(new.clone())));
    world.send(&new, &ExecuteMsg::AcceptAdmin {}).unwrap();
    let config: ConfigResponse = world.query(&QueryMsg::Config {});
    assert_eq!((config.admin, config.pending_admin), (new, None));
    let add = ExecuteMsg::AddIssuer { issuer: old.to_string() };
    assert!(world.send(&old, &add).is_err());
}

#[test]
fn an_instantiation_with_too_many_issuers_is_refused() {
    let mut deps = mock_dependencies();
    let sender = deps.api.addr_make("admin");
    let issuers = (0..101).map(|i| deps.api.addr_make(&format!("i{i}")).into_string()).collect();
    let msg = InstantiateMsg { admin: None, slashing: None, issuers };
    let error = contract::instantiate(deps.as_mut(), mock_env(), message_info(&sender, &[]), msg).unwrap_err();
    assert!(error.to_string().contains("at most 100 issuers, not 101"));
}

#[test]
fn a_migration_continues_only_its_own_state() {
    let mut deps = mock_dependencies();
    set_contract_version(&mut deps.storage, "bauta:staking", "0.0.1").unwrap();
    let error = contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).unwrap_err();
    assert!(error.to_string().contains("only bauta:registry migrates"));
    set_contract_version(&mut deps.storage, contract::CONTRACT_NAME, "999.0.0").unwrap();
    let error = contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).unwrap_err();
    assert!(error.to_string().contains("cannot be taken back"));
    set_contract_version(&mut deps.storage, contract::CONTRACT_NAME, "0.0.1").unwrap();
    contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).unwrap();
    let noted = cw2::get_contract_version(&deps.storage).unwrap();
    assert_eq!(noted.version, contract::CONTRACT_VERSION);
}

#[test]
fn a_mistyped_admin_is_refused_at_instantiation() {
    let mut deps = mock_dependencies();
    let sender = Addr::unchecked("creator");
    let msg = InstantiateMsg { admin: Some("nobody".to_string()), slashing: None, issuers: vec![] };
    let error = contract::instantiate(deps.as_mut(), mock_env(), message_info(&sender, &[]), msg).unwrap_err();
    assert!(error.to_string().starts_with("admin \"nobody\" is not an address"));
}
