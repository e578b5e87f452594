//! Good messages and queries with some bytes changed: carried out, or an error with a codespace and a code that changes nothing.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgClearAdmin, MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2,
    MsgMigrateContract, MsgStoreCode, MsgUpdateAdmin, MsgUpdateContractLabel, MsgUpdateInstantiateConfig,
    QueryAllContractStateRequest, QueryCodeRequest, QueryContractHistoryRequest, QueryContractInfoRequest,
    QueryContractsByCodeRequest, QueryContractsByCreatorRequest, QueryRawContractStateRequest,
    QuerySmartContractStateRequest,
};
use cosmos_sdk_proto::Any;
use proptest::prelude::*;
use prost::{Message, Name};
use serde_json::json;

use super::artifacts;
use super::host::{coin, person, Host, PLENTY};
use super::scripted::Scripted;
use crate::error::Error;
use crate::modules::wasm::messages;

/// Two codes and a funded escrow of the first, with an admin.
fn host() -> (Host, String) {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_crate("hackatom.wasm"));
    host.store(&Scripted::new().wasm());
    host.mint(&person("creator"), 1_000, "ubauta");
    let msg = json!({"verifier": person("verifier"), "beneficiary": person("friend")});
    let contract = host.instantiate_with(code, &msg, &[coin(700, "ubauta")], &person("admin")).unwrap();
    (host, contract)
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// Each succeeds on its own.
fn good(contract: &str) -> Vec<Any> {
    let (contract, creator, admin) = (contract.to_string(), person("creator"), person("admin"));
    let msg = json!({"verifier": person("verifier"), "beneficiary": person("friend")}).to_string().into_bytes();
    let funds = vec![coin(7, "ubauta")];
    let permission =
        Some(AccessConfig { permission: AccessType::AnyOfAddresses.into(), addresses: vec![creator.clone()] });
    vec![
        any(&MsgStoreCode {
            sender: creator.clone(),
            wasm_byte_code: Scripted::new().wasm(),
            instantiate_permission: permission.clone(),
        }),
        any(&MsgInstantiateContract {
            sender: creator.clone(),
            admin: admin.clone(),
            code_id: 1,
            label: "demo".into(),
            msg: msg.clone(),
            funds: funds.clone(),
        }),
        any(&MsgInstantiateContract2 {
            sender: creator.clone(),
            admin: admin.clone(),
            code_id: 1,
            label: "demo".into(),
            msg,
            funds,
            salt: b"salt".to_vec(),
            fix_msg: true,
        }),
        any(&MsgExecuteContract {
            sender: person("verifier"),
            contract: contract.clone(),
            msg: br#"{"release":{"denom":"ubauta"}}"#.to_vec(),
            funds: vec![],
        }),
        any(&MsgMigrateContract {
            sender: admin.clone(),
            contract: contract.clone(),
            code_id: 1,
            msg: json!({"verifier": person("friend")}).to_string().into_bytes(),
        }),
        any(&MsgUpdateAdmin { sender: admin.clone(), contract: contract.clone(), new_admin: person("friend") }),
        any(&MsgClearAdmin { sender: admin.clone(), contract: contract.clone() }),
        any(&MsgUpdateInstantiateConfig { sender: creator, code_id: 1, new_instantiate_permission: permission }),
        any(&MsgUpdateContractLabel { sender: admin, contract, new_label: "other".into() }),
    ]
}

fn questions(contract: &str) -> Vec<(&'static str, Vec<u8>)> {
    let address = contract.to_string();
    let query_data = br#"{"verifier":{}}"#.to_vec();
    let by_code = QueryContractsByCodeRequest { code_id: 1, pagination: None };
    let by_creator = QueryContractsByCreatorRequest { creator_address: person("creator"), pagination: None };
    vec![
        ("SmartContractState", QuerySmartContractStateRequest { address: address.clone(), query_data }.encode_to_vec()),
        (
            "RawContractState",
            QueryRawContractStateRequest { address: address.clone(), query_data: b"config".to_vec() }.encode_to_vec(),
        ),
        ("ContractInfo", QueryContractInfoRequest { address: address.clone() }.encode_to_vec()),
        ("ContractHistory", QueryContractHistoryRequest { address: address.clone(), pagination: None }.encode_to_vec()),
        ("AllContractState", QueryAllContractStateRequest { address, pagination: None }.encode_to_vec()),
        ("ContractsByCode", by_code.encode_to_vec()),
        ("ContractsByCreator", by_creator.encode_to_vec()),
        ("Code", QueryCodeRequest { code_id: 1 }.encode_to_vec()),
    ]
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    // Most keep the length, so that most reach the handler.
    let kind = prop_oneof![6 => Just(0u8), 1 => Just(1u8), 1 => Just(2u8)];
    prop::collection::vec(
        (proptest::arbitrary::any::<prop::sample::Index>(), proptest::arbitrary::any::<u8>(), kind),
        1..3,
    )
}

fn changed(good: &[u8], changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for (place, byte, kind) in changes {
        let at = place.index(bytes.len().max(1)).min(bytes.len());
        match kind {
            0 if at < bytes.len() => bytes[at] = *byte,
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.insert(at, *byte),
        }
    }
    bytes
}

fn is_stable(error: &Error) -> bool {
    error.code != 0 && error.code != 111_222 && !["", "undefined"].contains(&error.codespace) && !error.log.is_empty()
}

#[test]
fn a_changed_message_is_carried_out_or_changes_nothing() {
    let (host, contract) = host();
    let good = good(&contract);
    assert_eq!(good.len(), messages::TYPES.len());
    let keeper = host.keeper.clone();
    let host = std::cell::RefCell::new(host);
    let run = |message: &Any| {
        let mut host = host.borrow_mut();
        host.view.begin();
        let before = host.state();
        let mut ctx = host.context(PLENTY);
        let early = keeper.check(&ctx, message);
        let result = ctx.nested(|ctx| keeper.handle(ctx, message)).map(drop);
        let unchanged = host.state() == before;
        host.view.discard();
        (early, result, unchanged)
    };
    for message in &good {
        let (early, result, unchanged) = run(message);
        assert!(early.is_ok() && result.is_ok() && !unchanged, "{}: {early:?}, {result:?}", message.type_url);
    }
    proptest!(ProptestConfig::with_cases(60), |(changes in changes())| {
        for message in &good {
            let message = Any { value: changed(&message.value, &changes), ..message.clone() };
            let (early, result, unchanged) = run(&message);
            prop_assert!(early.is_ok() || result.is_err(), "the mempool refuses what succeeds: {:?}", early);
            if let Err(error) = result {
                prop_assert!(is_stable(&error), "{:?}", error);
                prop_assert!(unchanged, "{}", error.log);
            }
        }
        prop_assert_eq!(keeper.vm().broken(), None);
    });
}

#[test]
fn a_changed_query_is_answered_or_refused() {
    let (host, contract) = host();
    let ask = |method: &str, request: &[u8]| {
        let path = format!("/cosmwasm.wasm.v1.Query/{method}");
        host.keeper.query(&mut host.query_context(), &path, request)
    };
    let questions = questions(&contract);
    for (method, request) in &questions {
        ask(method, request).unwrap_or_else(|error| panic!("{method}: {error}"));
    }
    proptest!(ProptestConfig::with_cases(100), |(changes in changes())| {
        for (method, request) in &questions {
            if let Err(error) = ask(method, &changed(request, &changes)) {
                prop_assert!(is_stable(&error), "{:?}", error);
            }
        }
    });
}
