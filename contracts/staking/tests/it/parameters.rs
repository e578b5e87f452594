//! Instantiation, parameters and migrations.

use bauta_messages::staking::{ConfigResponse, ExecuteMsg, InstantiateMsg, MigrateMsg, QueryMsg, DEFAULT_UNBONDINGS};
use bauta_staking::{contract, ContractError};
use cosmwasm_std::{
    from_json,
    testing::{message_info, mock_dependencies, mock_env},
};
use cw2::set_contract_version;

use crate::world::World;

fn instantiate(change: impl Fn(&mut InstantiateMsg)) -> Result<ConfigResponse, ContractError> {
    let mut deps = mock_dependencies();
    let sender = deps.api.addr_make("creator");
    let mut msg = InstantiateMsg {
        admin: None,
        slashing: None,
        treasury: None,
        bond_denom: "ubauta".to_string(),
        unbonding_seconds: 60,
        max_unbondings: None,
    };
    change(&mut msg);
    contract::instantiate(deps.as_mut(), mock_env(), message_info(&sender, &[]), msg)?;
    let config = contract::query(deps.as_ref(), mock_env(), QueryMsg::Config {})?;
    Ok(from_json(config).unwrap())
}

#[test]
fn the_creator_is_admin_and_treasury_unless_others_are_named() {
    let config = instantiate(|_| ()).unwrap();
    assert_eq!(config.admin, config.treasury);
    assert_eq!(config.slashing, None);
    assert_eq!(config.max_unbondings, DEFAULT_UNBONDINGS);
}

#[test]
fn parameters_out_of_range_are_refused_at_instantiation() {
    for bad in ["", "u", "1bauta", "u bauta", &"d".repeat(129)] {
        let error = instantiate(|msg| msg.bond_denom = bad.to_string()).unwrap_err();
        assert!(matches!(error, ContractError::BadDenom(_)));
    }
    for bad in [0, u64::MAX] {
        let error = instantiate(|msg| msg.unbonding_seconds = bad).unwrap_err();
        assert!(error.to_string().contains("unbonding_seconds must be 1 to"));
    }
    for bad in [0, 33] {
        let error = instantiate(|msg| msg.max_unbondings = Some(bad)).unwrap_err();
        assert!(error.to_string().contains("max_unbondings must be 1 to 32"));
    }
    let error = instantiate(|msg| msg.treasury = Some("nobody".to_string())).unwrap_err();
    assert!(error.to_string().starts_with("treasury \"nobody\""));
    instantiate(|msg| {
        msg.bond_denom = "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2".to_string();
    })
    .unwrap();
}

#[test]
fn only_the_admin_changes_parameters_and_only_within_their_ranges() {
    let mut world = World::new();
    let update = |unbonding_seconds, max_unbondings| ExecuteMsg::UpdateConfig {
        slashing: None,
        treasury: None,
        unbonding_seconds,
        max_unbondings,
    };
    let (admin, stranger) = (world.admin.clone(), world.providers[0].clone());
    let error = world.send(&stranger, &update(Some(5), None), &[]).unwrap_err();
    assert!(error.contains("only the admin"), "{error}");
    world.send(&admin, &update(Some(0), None), &[]).unwrap_err();
    world.send(&admin, &update(None, Some(33)), &[]).unwrap_err();
    world.send(&admin, &update(Some(5), Some(4)), &[]).unwrap();
    let config: ConfigResponse = world.query(&QueryMsg::Config {});
    assert_eq!((config.unbonding_seconds, config.max_unbondings), (5, 4));
    assert_eq!(config.treasury, world.treasury);
}

#[test]
fn entries_that_are_unbonding_keep_their_time() {
    let mut world = World::new();
    let (admin, p) = (world.admin.clone(), world.providers[0].clone());
    world.bond(&p, 10);
    world.unbond(&p, 10).unwrap();
    let update =
        ExecuteMsg::UpdateConfig { slashing: None, treasury: None, unbonding_seconds: Some(1), max_unbondings: None };
    world.send(&admin, &update, &[]).unwrap();
    world.wait(2);
    assert!(world.withdraw(&p).is_err());
}

#[test]
fn a_migration_continues_only_its_own_state() {
    let mut deps = mock_dependencies();
    set_contract_version(&mut deps.storage, "bauta:registry", "0.0.1").unwrap();
    let error = contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).unwrap_err();
    assert!(error.to_string().contains("only bauta:staking migrates"));
    set_contract_version(&mut deps.storage, contract::CONTRACT_NAME, "999.0.0").unwrap();
    assert!(contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).is_err());
    set_contract_version(&mut deps.storage, contract::CONTRACT_NAME, "0.0.1").unwrap();
    contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).unwrap();
}
