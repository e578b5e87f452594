//! How contracts come to be, change their code and their admin, and are listed.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    ContractCodeHistoryOperationType, MsgClearAdmin, MsgInstantiateContract, MsgInstantiateContract2,
    MsgInstantiateContract2Response, MsgUpdateAdmin, MsgUpdateContractLabel, QueryBuildAddressRequest,
    QueryBuildAddressResponse, QueryContractHistoryRequest, QueryContractHistoryResponse, QueryContractInfoRequest,
    QueryContractInfoResponse, QueryContractsByCodeRequest, QueryContractsByCodeResponse,
    QueryContractsByCreatorRequest, QueryContractsByCreatorResponse,
};
use prost::Message;
use serde_json::json;

use super::artifacts;
use super::host::{address, coin, of_kind, person, Host, PLENTY};
use super::scripted::Scripted;
use crate::modules::wasm::{checksum, errors};
use crate::store::Store;

fn by_code(host: &Host, code_id: u64) -> Vec<String> {
    let request = QueryContractsByCodeRequest { code_id, pagination: None };
    host.query::<QueryContractsByCodeResponse>("ContractsByCode", &request).unwrap().contracts
}

fn info(host: &Host, contract: &str) -> cosmos_sdk_proto::cosmwasm::wasm::v1::ContractInfo {
    let request = QueryContractInfoRequest { address: contract.into() };
    host.query::<QueryContractInfoResponse>("ContractInfo", &request).unwrap().contract_info.unwrap()
}

#[test]
fn contracts_are_listed_by_code_and_by_creator_in_the_order_of_their_making() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().wasm());
    let other = host.store(&Scripted::new().wasm());
    let made: Vec<String> =
        [code, code, other, code].iter().map(|code| host.instantiate(*code, &json!({})).unwrap()).collect();
    assert_eq!(by_code(&host, code), [made[0].clone(), made[1].clone(), made[3].clone()]);
    assert_eq!(by_code(&host, other), [made[2].clone()]);
    let request = QueryContractsByCreatorRequest { creator_address: person("creator"), pagination: None };
    let listed: QueryContractsByCreatorResponse = host.query("ContractsByCreator", &request).unwrap();
    assert_eq!(listed.contract_addresses, made);
}

#[test]
fn a_predictable_address_is_made_once_and_can_be_asked_for_before() {
    let mut host = Host::new();
    let wasm = Scripted::new().wasm();
    let code = host.store(&wasm);
    for (fix_msg, init_args) in [(false, vec![]), (true, b"{}".to_vec())] {
        let request = QueryBuildAddressRequest {
            code_hash: hex::encode(checksum(&wasm)),
            creator_address: person("creator"),
            salt: hex::encode(b"salt"),
            init_args,
        };
        let expected = host.query::<QueryBuildAddressResponse>("BuildAddress", &request).unwrap().address;
        let message = MsgInstantiateContract2 {
            sender: person("creator"),
            admin: String::new(),
            code_id: code,
            label: "predictable".into(),
            msg: b"{}".to_vec(),
            funds: vec![],
            salt: b"salt".to_vec(),
            fix_msg,
        };
        let done = host.run(&message, PLENTY).unwrap();
        let made = MsgInstantiateContract2Response::decode(done.response.value.as_slice()).unwrap().address;
        assert_eq!(made, expected);
        let error = host.run(&message, PLENTY).unwrap_err();
        assert_eq!((error.codespace, error.code), ("wasm", errors::DUPLICATE.code));
    }
}

#[test]
fn an_address_that_somebody_has_is_refused_and_one_that_only_got_coins_is_used() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().wasm());
    let next = crate::modules::wasm::addresses::classic(code, 1);
    host.view.set(Store::Auth, next.clone(), b"claimed".to_vec());
    let error = host.instantiate(code, &json!({})).unwrap_err();
    assert_eq!((error.codespace, error.code), ("wasm", errors::ACCOUNT_EXISTS.code));
    host.view.set(Store::Auth, next.clone(), b"unclaimed".to_vec());
    let contract = host.instantiate(code, &json!({})).unwrap();
    assert_eq!(address(&contract), next);
}

#[test]
fn a_contract_can_be_called_back_by_what_its_beginning_sends() {
    let mut host = Host::new();
    let callee = host.store(&Scripted::new().wasm());
    let callee = host.instantiate(callee, &json!({})).unwrap();
    // Its second instance is the one that is made next; it executes itself while it begins.
    let own =
        crate::modules::wasm::addresses::format("bauta", &crate::modules::wasm::addresses::classic(2, 2)).unwrap();
    let call = |contract: &str| {
        let execute = json!({"contract_addr": contract, "msg": "e30=", "funds": []});
        json!({"id": 1, "msg": {"wasm": {"execute": execute}}, "reply_on": "never"})
    };
    let code = Scripted::new().ok("instantiate", json!({"messages": [call(&callee), call(&own)]}));
    let code = host.store(&code.wasm());
    assert_eq!(host.instantiate(code, &json!({})).unwrap(), own);
}

#[test]
fn a_migration_changes_the_code_and_is_remembered() {
    let mut host = Host::new();
    let hackatom = host.store(&artifacts::of_crate("hackatom.wasm"));
    let burner = host.store(&artifacts::of_module("burner.wasm"));
    host.mint(&person("creator"), 500, "ubauta");
    let init = json!({"verifier": person("v"), "beneficiary": person("b")});
    let contract = host.instantiate_with(hackatom, &init, &[coin(500, "ubauta")], &person("admin")).unwrap();
    let payout = json!({"payout": person("heir")});
    for (sender, code) in [("stranger", 4), ("creator", 4)] {
        assert_eq!(host.migrate(&person(sender), &contract, burner, &payout).unwrap_err().code, code);
    }
    assert_eq!(host.migrate(&person("admin"), &contract, 99, &payout).unwrap_err().code, 18);
    let done = host.migrate(&person("admin"), &contract, burner, &payout).unwrap();
    let event = of_kind(&done.events, "migrate")[0];
    assert_eq!(event.attributes[0], ("code_id".to_string(), burner.to_string()));
    assert_eq!(host.balance(&person("heir"), "ubauta"), 500);
    assert_eq!(info(&host, &contract).code_id, burner);
    assert!(by_code(&host, hackatom).is_empty());
    assert_eq!(by_code(&host, burner), std::slice::from_ref(&contract));
    let request = QueryContractHistoryRequest { address: contract.clone(), pagination: None };
    let history: QueryContractHistoryResponse = host.query("ContractHistory", &request).unwrap();
    let operations: Vec<(i32, u64)> = history.entries.iter().map(|entry| (entry.operation, entry.code_id)).collect();
    let (init, migrate) = (ContractCodeHistoryOperationType::Init, ContractCodeHistoryOperationType::Migrate);
    assert_eq!(operations, [(init as i32, hackatom), (migrate as i32, burner)]);
    assert_eq!(history.entries[1].msg, payout.to_string().into_bytes());
}

#[test]
fn codes_whose_state_has_the_same_version_migrate_without_being_asked() {
    let mut host = Host::new();
    let refusing = |version: Option<u64>| {
        let contract = Scripted::new().error("migrate", "was asked");
        version.map_or(contract.wasm(), |version| {
            Scripted::new().error("migrate", "was asked").migrate_version(version).wasm()
        })
    };
    for (old, new, asked) in
        [(Some(42), Some(42), false), (Some(42), Some(43), true), (None, None, true), (None, Some(42), true)]
    {
        let (old, new) = (host.store(&refusing(old)), host.store(&refusing(new)));
        let contract = host.instantiate_with(old, &json!({}), &[], &person("admin")).unwrap();
        let result = host.migrate(&person("admin"), &contract, new, &json!({}));
        assert_eq!(result.is_err(), asked, "{old} to {new}: {result:?}");
        assert_eq!(info(&host, &contract).code_id, if asked { old } else { new });
    }
}

#[test]
fn migrations_of_others_know_which_version_they_come_from() {
    let mut host = Host::new();
    let old = host.store(&artifacts::of_module("hackatom_42.wasm"));
    let new = host.store(&artifacts::of_module("hackatom_420.wasm"));
    let init = json!({"verifier": person("v"), "beneficiary": person("b")});
    let contract = host.instantiate_with(old, &init, &[], &person("admin")).unwrap();
    host.migrate(&person("admin"), &contract, old, &json!({"verifier": person("w")})).unwrap();
    assert_eq!(host.smart(&contract, &json!({"verifier": {}})).unwrap()["verifier"], json!(person("v")));
    host.migrate(&person("admin"), &contract, new, &json!({"verifier": person("w")})).unwrap();
    assert_eq!(host.smart(&contract, &json!({"verifier": {}})).unwrap()["verifier"], json!(person("w")));
}

#[test]
fn only_the_admin_changes_the_admin_and_without_one_nobody_does() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().wasm());
    let contract = host.instantiate_with(code, &json!({}), &[], &person("admin")).unwrap();
    let give = |from: &str, to: &str| MsgUpdateAdmin {
        sender: person(from),
        new_admin: person(to),
        contract: contract.clone(),
    };
    let label = |from: &str, new_label: &str| MsgUpdateContractLabel {
        sender: person(from),
        new_label: new_label.into(),
        contract: contract.clone(),
    };
    let clear = |from: &str| MsgClearAdmin { sender: person(from), contract: contract.clone() };
    assert_eq!(host.run(&give("creator", "heir"), PLENTY).unwrap_err().code, 4);
    assert_eq!(host.run(&give("admin", "admin"), PLENTY).unwrap_err().code, errors::INVALID.code);
    let done = host.run(&give("admin", "heir"), PLENTY).unwrap();
    assert_eq!(done.events[0].kind, "update_contract_admin");
    assert_eq!(info(&host, &contract).admin, person("heir"));
    assert_eq!(host.run(&clear("admin"), PLENTY).unwrap_err().code, 4);
    assert_eq!(host.run(&label("admin", "x"), PLENTY).unwrap_err().code, 4);
    host.run(&label("heir", "new name"), PLENTY).unwrap();
    assert_eq!(info(&host, &contract).label, "new name");
    host.run(&clear("heir"), PLENTY).unwrap();
    assert_eq!(info(&host, &contract).admin, "");
    assert_eq!(host.migrate(&person("heir"), &contract, code, &json!({})).unwrap_err().code, 4);
    assert_eq!(host.run(&give("heir", "admin"), PLENTY).unwrap_err().code, 4);
}

#[test]
fn messages_that_can_never_succeed_are_refused_before_anything_is_done() {
    let mut host = Host::new();
    host.store(&Scripted::new().wasm());
    let good = MsgInstantiateContract {
        sender: person("creator"),
        admin: String::new(),
        code_id: 1,
        label: "label".into(),
        msg: b"{}".to_vec(),
        funds: vec![],
    };
    let change = |change: &dyn Fn(&mut MsgInstantiateContract)| {
        let mut message = good.clone();
        change(&mut message);
        message
    };
    for (message, expected) in [
        (change(&|message| message.sender = "nobody".into()), ("sdk", 7)),
        (change(&|message| message.sender = message.sender.to_uppercase()), ("sdk", 7)),
        (change(&|message| message.admin = "nobody".into()), ("sdk", 7)),
        (change(&|message| message.code_id = 0), ("sdk", 18)),
        (change(&|message| message.code_id = 9), ("wasm", errors::NO_SUCH_CODE.code)),
        (change(&|message| message.label = String::new()), ("wasm", errors::EMPTY.code)),
        (change(&|message| message.label = "x".repeat(129)), ("wasm", errors::LIMIT.code)),
        (change(&|message| message.label = " x".into()), ("wasm", errors::INVALID.code)),
        (change(&|message| message.label = "a\nb".into()), ("wasm", errors::INVALID.code)),
        (change(&|message| message.label = "a\u{200b}b".into()), ("wasm", errors::INVALID.code)),
        (change(&|message| message.msg = b"{".to_vec()), ("wasm", errors::INVALID.code)),
        (change(&|message| message.msg = vec![]), ("wasm", errors::INVALID.code)),
        (change(&|message| message.funds = vec![coin(0, "ubauta")]), ("sdk", 10)),
        (change(&|message| message.funds = vec![coin(1, "ubauta")]), ("sdk", 5)),
    ] {
        let error = host.run(&message, PLENTY).unwrap_err();
        assert_eq!((error.codespace, error.code), expected, "{message:?}: {}", error.log);
    }
    assert!(host.run(&change(&|message| message.label = "ein Müller & Söhne 東京".into()), PLENTY).is_ok());
}
