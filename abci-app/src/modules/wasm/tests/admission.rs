//! The mempool refuses what can never succeed, with the error of executing it, and nothing that may still succeed.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgClearAdmin, MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2,
    MsgMigrateContract, MsgUpdateAdmin, MsgUpdateContractLabel, MsgUpdateInstantiateConfig,
};
use cosmos_sdk_proto::Any;
use prost::{Message, Name};
use serde_json::json;

use super::host::{person, Host, PLENTY};
use super::scripted::Scripted;
use crate::error::Result;
use crate::modules::wasm::addresses;

fn check<M: Message + Name>(host: &mut Host, message: &M) -> Result<()> {
    let any = Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() };
    let ctx = host.context(PLENTY);
    host.keeper.check(&ctx, &any)
}

/// The mempool refuses it as the block does.
fn refused<M: Message + Name>(host: &mut Host, message: &M) {
    let before = host.state();
    let early = check(host, message).unwrap_err();
    assert_eq!(host.state(), before);
    let late = host.run(message, PLENTY).unwrap_err();
    assert_eq!(early, late);
}

/// The block refuses it as the state is now, and the mempool does not: the state may be another by then.
fn waits<M: Message + Name>(host: &mut Host, message: &M) {
    host.run(message, PLENTY).unwrap_err();
    check(host, message).unwrap();
}

fn instantiate2(code_id: u64, salt: &[u8]) -> MsgInstantiateContract2 {
    MsgInstantiateContract2 {
        sender: person("creator"),
        admin: String::new(),
        code_id,
        label: "demo".into(),
        msg: b"{}".to_vec(),
        funds: vec![],
        salt: salt.to_vec(),
        fix_msg: false,
    }
}

fn migrate(contract: &str, sender: &str) -> MsgMigrateContract {
    MsgMigrateContract { sender: person(sender), contract: contract.into(), code_id: 1, msg: b"{}".to_vec() }
}

#[test]
fn what_can_never_succeed_does_not_wait() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().wasm());
    let orphan = host.instantiate(code, &json!({})).unwrap();
    let account = person("friend");
    let call = |contract: &str| MsgExecuteContract {
        sender: person("a"),
        contract: contract.into(),
        msg: b"{}".to_vec(),
        funds: vec![],
    };
    refused(&mut host, &call(&account));
    refused(&mut host, &migrate(&account, "a"));
    // Nobody administers it, and nobody ever will.
    refused(&mut host, &migrate(&orphan, "creator"));
    let (sender, contract) = (person("creator"), orphan.clone());
    refused(&mut host, &MsgUpdateAdmin { sender, contract, new_admin: person("b") });
    refused(&mut host, &MsgClearAdmin { sender: person("creator"), contract: orphan.clone() });
    let (sender, contract) = (person("creator"), orphan.clone());
    refused(&mut host, &MsgUpdateContractLabel { sender, contract, new_label: "other".into() });
    // A code keeps its creator.
    let permission = AccessConfig { permission: AccessType::Nobody.into(), addresses: vec![] };
    let config =
        MsgUpdateInstantiateConfig { sender: person("a"), code_id: code, new_instantiate_permission: Some(permission) };
    refused(&mut host, &config);
    // An address is given once.
    host.run(&instantiate2(code, b"salt"), PLENTY).unwrap();
    refused(&mut host, &instantiate2(code, b"salt"));
    check(&mut host, &instantiate2(code, b"other")).unwrap();
    check(&mut host, &call(&orphan)).unwrap();
}

#[test]
fn what_a_transaction_before_it_may_make_possible_waits() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().wasm());
    let administered = host.instantiate_with(code, &json!({}), &[], &person("admin")).unwrap();
    // A contract that an instantiation in the same mempool makes.
    let coming = addresses::format("bauta", &addresses::classic(code, 2)).unwrap();
    let call = MsgExecuteContract { sender: person("a"), contract: coming.clone(), msg: b"{}".to_vec(), funds: vec![] };
    waits(&mut host, &call);
    waits(&mut host, &migrate(&coming, "admin"));
    let instantiate = MsgInstantiateContract {
        sender: person("creator"),
        admin: person("admin"),
        code_id: code + 1,
        label: "demo".into(),
        msg: b"{}".to_vec(),
        funds: vec![],
    };
    waits(&mut host, &instantiate);
    waits(&mut host, &instantiate2(code + 1, b"salt"));
    // The admin may give its rights away before.
    waits(&mut host, &migrate(&administered, "a"));
}
