//! hackatom: an escrow that its verifier releases to its beneficiary, with entry points that misbehave on request.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgInstantiateContract, QueryContractInfoRequest, QueryContractInfoResponse, QueryRawContractStateRequest,
    QueryRawContractStateResponse, QuerySmartContractStateRequest, QuerySmartContractStateResponse,
};
use serde_json::json;

use super::artifacts;
use super::host::{coin, of_kind, person, Host, PLENTY};
use crate::modules::wasm::errors;

fn escrow() -> (Host, String) {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_crate("hackatom.wasm"));
    host.mint(&person("creator"), 1_000, "ubauta");
    let msg = json!({"verifier": person("verifier"), "beneficiary": person("friend")});
    let contract = host.instantiate_with(code, &msg, &[coin(700, "ubauta")], &person("admin")).unwrap();
    (host, contract)
}

#[test]
fn an_escrow_is_funded_asked_and_released() {
    let (mut host, contract) = escrow();
    assert_eq!(host.balance(&contract, "ubauta"), 700);
    assert_eq!(host.balance(&person("creator"), "ubauta"), 300);
    assert_eq!(host.smart(&contract, &json!({"verifier": {}})).unwrap(), json!({"verifier": person("verifier")}));

    let release = json!({"release": {"denom": "ubauta"}});
    let refused = host.execute(&person("nobody"), &contract, &release, &[]).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("wasm", errors::EXECUTE_FAILED.code));
    assert_eq!(refused.log, "Unauthorized: execute wasm contract failed");

    let done = host.execute(&person("verifier"), &contract, &release, &[coin(0, "ubauta")]);
    assert_eq!(done.unwrap_err().code, 10);
    let done = host.execute(&person("verifier"), &contract, &release, &[]).unwrap();
    assert_eq!(host.balance(&person("friend"), "ubauta"), 700);
    assert_eq!(host.balance(&contract, "ubauta"), 0);
    let kinds: Vec<&str> = done.events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["execute", "wasm", "wasm-hackatom", "transfer"]);
    assert_eq!(of_kind(&done.events, "wasm")[0].attributes[0], ("_contract_address".into(), contract.clone()));
}

#[test]
fn what_the_contract_says_reaches_the_client() {
    let (host, contract) = escrow();
    let request =
        QuerySmartContractStateRequest { address: contract.clone(), query_data: br#"{"nosuch":{}}"#.to_vec() };
    let error = host.query::<QuerySmartContractStateResponse>("SmartContractState", &request).unwrap_err();
    assert!(error.log.contains("Error parsing into type hackatom::msg::QueryMsg: unknown variant"), "{}", error.log);
    let request = QueryContractInfoRequest { address: person("nobody") };
    let error = host.query::<QueryContractInfoResponse>("ContractInfo", &request).unwrap_err();
    assert!(error.log.contains("no such contract"), "{}", error.log);
}

#[test]
fn raw_state_and_record_are_there_for_clients() {
    let (host, contract) = escrow();
    let request = QueryRawContractStateRequest { address: contract.clone(), query_data: b"config".to_vec() };
    let raw: QueryRawContractStateResponse = host.query("RawContractState", &request).unwrap();
    assert!(raw.data.starts_with(b"{\"verifier\""));
    let request = QueryContractInfoRequest { address: contract };
    let info: QueryContractInfoResponse = host.query("ContractInfo", &request).unwrap();
    let info = info.contract_info.unwrap();
    assert_eq!((info.code_id, info.admin.as_str(), info.label.as_str()), (1, person("admin").as_str(), "demo"));
}

#[test]
fn sudo_moves_coins_for_the_chain_and_a_failing_one_leaves_nothing() {
    let (mut host, contract) = escrow();
    let address = super::host::address(&contract);
    let mut ctx = host.context(PLENTY);
    let steal = json!({"steal_funds": {"recipient": person("chain"), "amount": [{"denom": "ubauta", "amount": "50"}]}});
    host.keeper.clone().sudo(&mut ctx, &address, steal.to_string().as_bytes(), 1_000_000).unwrap();
    assert_eq!(host.balance(&person("chain"), "ubauta"), 50);
    assert_eq!(ctx.events[0].kind, "sudo");

    let before = host.state();
    let mut ctx = host.context(PLENTY);
    let too_much =
        json!({"steal_funds": {"recipient": person("chain"), "amount": [{"denom": "ubauta", "amount": "5000"}]}});
    let error = host.keeper.clone().sudo(&mut ctx, &address, too_much.to_string().as_bytes(), 1_000_000).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 5));
    assert!(ctx.events.is_empty());
    assert!(ctx.gas.consumed() > 60_000);
    assert_eq!(host.state(), before);

    let mut ctx = host.context(PLENTY);
    let error = host.keeper.clone().sudo(&mut ctx, &address, steal.to_string().as_bytes(), 61_000).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 11));
    assert_eq!(ctx.gas.consumed(), 61_000);
    assert_eq!(host.state(), before);
}

#[test]
fn endless_loops_run_out_of_gas_and_undo_everything() {
    let (mut host, contract) = escrow();
    let before = host.state();
    for msg in [json!({"cpu_loop": {}}), json!({"storage_loop": {}})] {
        let error = host.execute_with_gas(&person("a"), &contract, &msg, &[], 400_000).unwrap_err();
        assert_eq!((error.codespace, error.code), ("sdk", 11), "{msg}: {}", error.log);
        assert_eq!(host.state(), before);
    }
}

#[test]
fn a_panic_of_the_contract_is_its_error_and_the_vm_goes_on() {
    let (mut host, contract) = escrow();
    let error = host.execute(&person("a"), &contract, &json!({"panic": {}}), &[]).unwrap_err();
    assert_eq!((error.codespace, error.code), ("wasm", errors::VM.code), "{}", error.log);
    let error = host.execute(&person("a"), &contract, &json!({"allocate_large_memory": {"pages": 600}}), &[]);
    assert_eq!(error.unwrap_err().code, errors::EXECUTE_FAILED.code);
    assert_eq!(host.keeper.vm().broken(), None);
    assert!(host.smart(&contract, &json!({"verifier": {}})).is_ok());
}

#[test]
fn a_contract_that_fails_to_begin_leaves_nothing() {
    let mut host = Host::new();
    let code = host.store(&artifacts::of_crate("hackatom.wasm"));
    host.mint(&person("creator"), 1_000, "ubauta");
    let before = host.state();
    let message = MsgInstantiateContract {
        sender: person("creator"),
        admin: String::new(),
        code_id: code,
        label: "demo".into(),
        msg: br#"{"verifier":"not an address","beneficiary":"neither"}"#.to_vec(),
        funds: vec![coin(10, "ubauta")],
    };
    let error = host.run(&message, PLENTY).unwrap_err();
    assert_eq!((error.codespace, error.code), ("wasm", errors::INSTANTIATE_FAILED.code));
    assert_eq!(host.state(), before);
}
