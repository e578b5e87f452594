//! Whatever comes in, the answer is an error with a codespace and a code, and the node goes on.

use cosmos_sdk_proto::Any;
use cosmwasm_vm::Querier;
use proptest::prelude::*;
use serde_json::json;

use super::artifacts;
use super::host::{person, Host, PLENTY};
use super::scripted::Scripted;
use crate::gas::GasMeter;
use crate::modules::wasm::querier::ContractQuerier;
use crate::modules::wasm::state::Reading;
use crate::modules::wasm::storage::Meter;
use crate::modules::wasm::{errors, messages, response, PATHS};

#[test]
fn a_contract_that_recurses_for_ever_is_stopped_and_the_node_goes_on() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().recursive().wasm());
    let contract = host.instantiate(code, &json!({})).unwrap();
    for _ in 0..3 {
        let error = host.execute_with_gas(&person("a"), &contract, &json!({}), &[], 10_000_000).unwrap_err();
        assert!([("wasm", errors::VM.code), ("sdk", 11)].contains(&(error.codespace, error.code)), "{}", error.log);
    }
    assert_eq!(host.keeper.vm().broken(), None);
    assert!(host.smart(&contract, &json!({})).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_as_any_message_are_an_error_that_changes_nothing(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut host = Host::new();
        for type_url in messages::TYPES.iter().chain(&["/cosmos.bank.v1beta1.MsgSend", "", "/"]) {
            let message = Any { type_url: (*type_url).into(), value: value.clone() };
            let before = host.state();
            let mut ctx = host.context(PLENTY);
            let keeper = host.keeper.clone();
            let error = ctx.nested(|ctx| keeper.handle(ctx, &message)).unwrap_err();
            prop_assert_ne!(error.code, 0);
            prop_assert!(host.state() == before);
            prop_assert!(messages::validate("bauta", &message).is_err());
        }
    }

    #[test]
    fn any_bytes_as_any_query_are_answered_or_refused(request in proptest::collection::vec(any::<u8>(), 0..100)) {
        let host = Host::new();
        for path in PATHS {
            if let Err(error) = host.keeper.query(&mut host.query_context(), path, &request) {
                prop_assert_ne!(error.code, 0);
            }
        }
    }

    #[test]
    fn any_bytes_as_a_contracts_answer_are_decoded_or_refused(answer in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = response::decode(&answer);
        let _ = response::decode_query(&answer);
    }

    #[test]
    fn a_changed_answer_of_a_contract_is_decoded_or_refused(at in 0usize..200, byte in any::<u8>()) {
        let message = json!({"id": 1, "msg": {"wasm": {"execute": {"contract_addr": "a", "msg": "e30=", "funds": []}}},
            "gas_limit": 5, "reply_on": "never", "payload": "AQ=="});
        let mut answer = json!({"ok": {"messages": [message], "attributes": [], "events": [], "data": "AQ=="}})
            .to_string()
            .into_bytes();
        let place = at % answer.len();
        answer[place] = byte;
        let _ = response::decode(&answer);
    }

    #[test]
    fn any_bytes_as_a_contracts_query_are_answered(request in proptest::collection::vec(any::<u8>(), 0..200)) {
        let host = Host::new();
        let meter = Meter::lend(&GasMeter::limited(1_000_000));
        let querier = ContractQuerier::new(host.keeper.clone(), host.query_context().frame(), meter);
        prop_assert!(querier.query_raw(&request, 1_000_000_000).0.is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_changed_code_is_refused_or_runs_contained(changes in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..4)) {
        let mut host = Host::new();
        let mut wasm = artifacts::of_module("burner.wasm");
        for (at, byte) in changes {
            let place = at as usize % wasm.len();
            wasm[place] = byte;
        }
        let message = cosmos_sdk_proto::cosmwasm::wasm::v1::MsgStoreCode {
            sender: person("creator"),
            wasm_byte_code: wasm,
            instantiate_permission: None,
        };
        if host.run(&message, PLENTY).is_ok() {
            let _ = host.instantiate(1, &json!({}));
        }
        prop_assert_eq!(host.keeper.vm().broken(), None);
    }
}
