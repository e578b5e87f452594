//! The table, the configuration and migrations.

use bauta_messages::{
    slashing::{
        ConfigResponse, ExecuteMsg, InstantiateMsg, MigrateMsg, PenaltiesResponse, Penalty, PenaltyRow, QueryMsg,
    },
    MAX_SECONDS,
};
use bauta_slashing::{contract, defaults};
use cosmwasm_std::{
    testing::{message_info, mock_dependencies, mock_env},
    Decimal, Reply, SubMsgResponse, SubMsgResult, Uint128,
};
use cw2::set_contract_version;

use crate::chain::{verdict, Chain};

fn penalty(percent: u64) -> Penalty {
    Penalty {
        fraction: Decimal::percent(percent),
        jail_seconds: 0,
        tombstone: false,
        bounty_fraction: Decimal::zero(),
        compensation_fraction: Decimal::zero(),
    }
}

#[test]
fn a_new_contract_has_the_default_table() {
    let chain = Chain::new();
    let table: PenaltiesResponse =
        chain.query(&chain.slashing, &QueryMsg::Penalties { start_after: None, limit: None });
    let expected: Vec<_> =
        defaults().into_iter().map(|(kind, penalty)| PenaltyRow { kind: kind.to_string(), penalty }).collect();
    assert_eq!(table.penalties, expected);
}

#[test]
fn the_admin_adds_a_row_and_a_waiting_verdict_can_be_settled() {
    let mut chain = Chain::new();
    let (admin, p) = (chain.admin.clone(), chain.providers[0].clone());
    chain.bond(&p, 1_000).unwrap();
    let waiting = verdict(1, "sketch_missing", &p);
    chain.settle(&waiting).unwrap_err();
    let row = ExecuteMsg::SetPenalty { kind: "sketch_missing".to_string(), penalty: penalty(20) };
    let slashing = chain.slashing.clone();
    let error = chain.send(&p, &slashing, &row).unwrap_err();
    assert!(error.contains("only the admin"), "{error}");
    chain.send(&admin, &slashing, &row).unwrap();
    chain.settle(&waiting).unwrap();
    assert_eq!(chain.held(&p), (800, 0));
}

#[test]
fn a_changed_row_leaves_what_was_settled() {
    let mut chain = Chain::new();
    let (admin, p) = (chain.admin.clone(), chain.providers[0].clone());
    chain.bond(&p, 1_000).unwrap();
    chain.settle(&verdict(1, "silent_seat", &p)).unwrap();
    let row = ExecuteMsg::SetPenalty { kind: "silent_seat".to_string(), penalty: penalty(50) };
    chain.send(&admin, &chain.slashing.clone(), &row).unwrap();
    let kept = chain.offence(1).unwrap();
    assert_eq!(kept.penalty.fraction, Decimal::percent(2));
    assert_eq!(kept.after, Uint128::new(980));
}

#[test]
fn a_penalty_that_could_not_be_carried_out_is_refused() {
    let mut chain = Chain::new();
    let admin = chain.admin.clone();
    let slashing = chain.slashing.clone();
    for (bad, sentence) in [
        (penalty(101), "fraction must be 0 to 1"),
        (Penalty { jail_seconds: MAX_SECONDS + 1, ..penalty(1) }, "jail_seconds must be 0 to"),
        (
            Penalty {
                bounty_fraction: Decimal::percent(60),
                compensation_fraction: Decimal::percent(41),
                ..penalty(1)
            },
            "the sum of bounty_fraction and compensation_fraction must be 0 to 1, not 1.01",
        ),
    ] {
        let row = ExecuteMsg::SetPenalty { kind: "silent_seat".to_string(), penalty: bad };
        let error = chain.send(&admin, &slashing, &row).unwrap_err();
        assert!(error.contains(sentence), "{error}");
    }
    let row = ExecuteMsg::SetPenalty { kind: "Silent".to_string(), penalty: penalty(1) };
    assert!(chain.send(&admin, &slashing, &row).is_err());
}

#[test]
fn the_admin_points_it_to_other_contracts_and_hands_the_role_over() {
    let mut chain = Chain::new();
    let (admin, new) = (chain.admin.clone(), chain.providers[4].clone());
    let slashing = chain.slashing.clone();
    let update = ExecuteMsg::UpdateConfig { staking: Some(new.to_string()), registry: None };
    assert!(chain.send(&new, &slashing, &update).is_err());
    chain.send(&admin, &slashing, &update).unwrap();
    let offer = ExecuteMsg::ProposeAdmin { admin: Some(new.to_string()) };
    chain.send(&admin, &slashing, &offer).unwrap();
    chain.send(&new, &slashing, &ExecuteMsg::AcceptAdmin {}).unwrap();
    let config: ConfigResponse = chain.query(&slashing, &QueryMsg::Config {});
    assert_eq!((config.admin, config.staking), (new.clone(), new));
    assert_eq!(config.registry, chain.registry);
}

#[test]
fn an_instantiation_may_change_the_table() {
    let mut deps = mock_dependencies();
    let sender = deps.api.addr_make("creator");
    let row = |kind: &str, percent| PenaltyRow { kind: kind.to_string(), penalty: penalty(percent) };
    let mut instantiate = |penalties| {
        let msg = InstantiateMsg { admin: None, staking: sender.to_string(), registry: sender.to_string(), penalties };
        contract::instantiate(deps.as_mut(), mock_env(), message_info(&sender, &[]), msg)
    };
    instantiate(vec![row("silent_seat", 3), row("new", 1)]).unwrap();
    instantiate(vec![row("silent_seat", 101)]).unwrap_err();
    instantiate(vec![row("", 1)]).unwrap_err();
    let error = instantiate(vec![row("new", 1); 101]).unwrap_err();
    assert!(error.to_string().contains("at most 100 penalties"));
}

#[test]
fn a_reply_of_nobody_is_refused() {
    let mut deps = mock_dependencies();
    #[allow(deprecated)]
    let answer = SubMsgResponse { events: vec![], data: None, msg_responses: vec![] };
    for (id, payload) in [(2, vec![0; 8]), (1, vec![]), (1, vec![0; 8])] {
        let reply = Reply { id, payload: payload.into(), gas_used: 0, result: SubMsgResult::Ok(answer.clone()) };
        contract::reply(deps.as_mut(), mock_env(), reply).unwrap_err();
    }
}

#[test]
fn a_migration_continues_only_its_own_state() {
    let mut deps = mock_dependencies();
    set_contract_version(&mut deps.storage, "bauta:staking", "0.0.1").unwrap();
    let error = contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).unwrap_err();
    assert!(error.to_string().contains("only bauta:slashing migrates"));
    set_contract_version(&mut deps.storage, contract::CONTRACT_NAME, "999.0.0").unwrap();
    assert!(contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).is_err());
    set_contract_version(&mut deps.storage, contract::CONTRACT_NAME, "0.0.1").unwrap();
    contract::migrate(deps.as_mut(), mock_env(), MigrateMsg {}).unwrap();
}
