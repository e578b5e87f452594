//! What is accepted as code, from whom, at what price.

use std::io::Write;
use std::sync::Arc;

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgExecuteContract, MsgStoreCode, MsgUpdateInstantiateConfig, Params, QueryCodeRequest,
    QueryCodeResponse, QueryCodesRequest, QueryCodesResponse,
};
use cosmos_sdk_proto::Any;
use flate2::write::GzEncoder;
use flate2::Compression;
use prost::Message;
use serde_json::json;
use tempfile::TempDir;

use super::artifacts;
use super::host::{person, Done, Host, PLENTY};
use super::scripted::Scripted;
use crate::context::Mode;
use crate::error::Result;
use crate::modules::wasm::{access, checksum, errors, messages, QueryCodeInfoRequest, QueryCodeInfoResponse, MAX_WASM};

fn upload(host: &mut Host, bytes: Vec<u8>) -> Result<Done> {
    let message = MsgStoreCode { sender: person("creator"), wasm_byte_code: bytes, instantiate_permission: None };
    host.run(&message, PLENTY)
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_zipped_code_is_the_same_code() {
    let mut host = Host::new();
    let wasm = artifacts::of_crate("hackatom.wasm");
    let raw = upload(&mut host, wasm.clone()).unwrap();
    upload(&mut host, wasm.clone()).unwrap();
    let plain = host.used;
    let zipped = zip(&wasm);
    upload(&mut host, zipped.clone()).unwrap();
    assert_eq!(host.used, plain + zipped.len() as u64 * 15 / 100);
    let hash = hex::encode(checksum(&wasm));
    assert_eq!(raw.events[0].attributes, [("code_checksum".into(), hash), ("code_id".into(), "1".into())]);
    for id in [1, 3] {
        let answer: QueryCodeResponse = host.query("Code", &QueryCodeRequest { code_id: id }).unwrap();
        assert_eq!(answer.data, wasm);
        let info: QueryCodeInfoResponse = host.query("CodeInfo", &QueryCodeInfoRequest { code_id: id }).unwrap();
        assert_eq!((info.code_id, info.creator, info.checksum), (id, person("creator"), checksum(&wasm).to_vec()));
    }
    let codes: QueryCodesResponse = host.query("Codes", &QueryCodesRequest::default()).unwrap();
    assert_eq!(codes.code_infos.len(), 3);
    // Three units a byte, and the record.
    let compile = wasm.len() as u64 * 3;
    assert!((compile..compile + 20_000).contains(&plain), "{plain}");
}

#[test]
fn what_is_no_contract_is_refused() {
    let mut host = Host::new();
    let good = artifacts::of_crate("hackatom.wasm");
    let before = host.state();
    for (what, bytes) in [
        ("nothing", vec![]),
        ("text", b"hello".to_vec()),
        ("the magic number", b"\0asm".to_vec()),
        ("a module without exports", b"\0asm\x01\0\0\0".to_vec()),
        ("a broken module", artifacts::of_crate("corrupted.wasm")),
        ("half a contract", good[..good.len() / 2].to_vec()),
        ("a contract of CosmWasm 0.7", artifacts::of_crate("hackatom_0.7.wasm")),
        ("more than 800 KiB", vec![0; MAX_WASM + 1]),
        ("an archive of text", zip(b"hello")),
        ("an archive of more than 800 KiB", zip(&vec![0; MAX_WASM + 1])),
        ("an archive of 200 MiB", zip(&vec![0; 200 << 20])),
        ("half an archive", {
            let zipped = zip(&good);
            zipped[..zipped.len() / 2].to_vec()
        }),
        ("an archive with a wrong check sum", artifacts::of_module("broken_crc.gzip")),
        // The host has no such capability.
        ("a contract that requires water", Scripted::new().with_export("requires_water").wasm()),
        ("SIMD", Scripted::new().with_instructions(&[0x41, 0, 0xfd, 0x11, 0x1a]).wasm()),
        ("threads", Scripted::new().with_instructions(&[0xfe, 0x03, 0x00]).wasm()),
        ("bulk memory", Scripted::new().with_instructions(&[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0a, 0, 0]).wasm()),
        ("reference types", Scripted::new().with_instructions(&[0xd0, 0x70, 0x1a]).wasm()),
    ] {
        let error = upload(&mut host, bytes).err().unwrap_or_else(|| panic!("{what} was stored"));
        let known = [("sdk", 18), ("wasm", errors::CREATE_FAILED.code)];
        assert!(known.contains(&(error.codespace, error.code)), "{what}: {error:?}");
        assert_eq!(host.state(), before, "{what}");
    }
    assert_eq!(host.keeper.vm().broken(), None);
}

#[test]
fn floats_are_allowed() {
    let mut host = Host::new();
    // f32.const 1, f32.const 2, f32.add, drop
    let add = [0x43, 0, 0, 0x80, 0x3f, 0x43, 0, 0, 0, 0x40, 0x92, 0x1a];
    host.store(&Scripted::new().with_instructions(&add).wasm());
    let code = host.store(&artifacts::of_crate("floaty_2.0.wasm"));
    let contract = host.instantiate(code, &json!({})).unwrap();
    assert!(host.smart(&contract, &json!({"instructions": {}})).unwrap().as_array().unwrap().len() > 10);
}

#[test]
fn what_needs_staking_is_refused_on_this_chain() {
    let mut host = Host::with_capabilities(Arc::new(TempDir::new().unwrap()), &[]);
    let error = upload(&mut host, artifacts::of_module("staking.wasm")).unwrap_err();
    assert!(error.log.contains("staking"), "{}", error.log);
    upload(&mut host, artifacts::of_crate("hackatom.wasm")).unwrap();
}

#[test]
fn a_code_that_cannot_be_paid_for_is_not_stored() {
    let mut host = Host::new();
    let wasm = artifacts::of_crate("hackatom.wasm");
    let message =
        MsgStoreCode { sender: person("creator"), wasm_byte_code: wasm.clone(), instantiate_permission: None };
    let error = host.run(&message, 100_000).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 11));
    assert!(host.keeper.vm().wasm(&checksum(&wasm)).is_err());
}

#[test]
fn an_estimate_stores_nothing_and_costs_the_same() {
    let wasm = artifacts::of_crate("hackatom.wasm");
    let mut host = Host::new();
    host.mode = Mode::Simulate;
    upload(&mut host, wasm.clone()).unwrap();
    let estimated = host.used;
    assert!(host.keeper.vm().wasm(&checksum(&wasm)).is_err());
    let mut host = Host::new();
    upload(&mut host, wasm).unwrap();
    assert_eq!(host.used, estimated);
}

#[test]
fn an_estimate_that_uses_the_code_it_uploads_fails_and_does_not_break_the_node() {
    let mut host = Host::new();
    host.mode = Mode::Simulate;
    let code = host.store(&Scripted::new().wasm());
    assert!(host.instantiate(code, &json!({})).is_err());
    assert_eq!(host.keeper.vm().broken(), None);
    // Nor one that moves a contract to it.
    host.mode = Mode::Finalize;
    let code = host.store(&artifacts::of_crate("hackatom.wasm"));
    let beginning = json!({"verifier": person("a"), "beneficiary": person("b")});
    let contract = host.instantiate_with(code, &beginning, &[], &person("creator")).unwrap();
    host.mode = Mode::Simulate;
    let other = host.store(&Scripted::new().migrate_version(7).wasm());
    assert!(host.migrate(&person("creator"), &contract, other, &json!({})).is_err());
    assert_eq!(host.keeper.vm().broken(), None);
}

#[test]
fn messages_with_fields_that_nobody_here_knows_are_refused() {
    let mut host = Host::new();
    let code = host.store(&Scripted::new().wasm());
    let contract = host.instantiate(code, &json!({})).unwrap();
    let message = MsgExecuteContract {
        sender: person("a"),
        contract,
        msg: json!({}).to_string().into_bytes(),
        funds: Vec::new(),
    };
    let any = |value| Any { type_url: "/cosmwasm.wasm.v1.MsgExecuteContract".into(), value };
    let keeper = host.keeper.clone();
    let mut ctx = host.context(PLENTY);
    keeper.handle(&mut ctx, &any(message.encode_to_vec())).unwrap();
    // Field 900, which is critical, and field 1030, which the SDK would let pass in a body.
    for unknown in [[0xa0, 0x38, 1], [0xb0, 0x40, 1]] {
        let value = [message.encode_to_vec(), unknown.to_vec()].concat();
        let error = keeper.handle(&mut ctx, &any(value.clone())).unwrap_err();
        assert_eq!((error.codespace, error.code), ("sdk", 2), "{}", error.log);
        assert_eq!(messages::validate("bauta", &any(value.clone())).unwrap_err().code, 2);
        assert_eq!(messages::signer(&any(value)).unwrap_err().code, 2);
    }
    // A field that is there twice: whoever reads the first sees another message.
    let twice = MsgExecuteContract { sender: person("b"), ..Default::default() };
    let value = [twice.encode_to_vec(), message.encode_to_vec()].concat();
    assert_eq!(messages::signer(&any(value)).unwrap_err().code, 2);
}

#[test]
fn only_who_may_upload_uploads_and_only_who_may_instantiate_instantiates() {
    let mut host = Host::new();
    let wasm = Scripted::new().wasm();
    let set = |host: &mut Host, upload: AccessConfig, default: AccessType| {
        let mut ctx = host.context(PLENTY);
        let params = Params { code_upload_access: Some(upload), instantiate_default_permission: default.into() };
        host.keeper.clone().set_params(&mut ctx, &params).unwrap();
    };
    let store = |host: &mut Host, permission: Option<AccessConfig>| {
        let message = MsgStoreCode {
            sender: person("creator"),
            wasm_byte_code: wasm.clone(),
            instantiate_permission: permission,
        };
        host.run(&message, PLENTY).map(|_| ()).map_err(|error| (error.codespace, error.code))
    };
    set(&mut host, access::nobody(), AccessType::Everybody);
    assert_eq!(store(&mut host, None), Err(("sdk", 4)));
    set(&mut host, access::only(vec![person("other")]), AccessType::Everybody);
    assert_eq!(store(&mut host, None), Err(("sdk", 4)));
    set(&mut host, access::only(vec![person("creator")]), AccessType::Everybody);
    assert_eq!(store(&mut host, None), Ok(()));
    assert!(host.instantiate(1, &json!({})).is_ok());

    // A permission is at most as wide as the chain's default.
    set(&mut host, access::everybody(), AccessType::Nobody);
    assert_eq!(store(&mut host, Some(access::everybody())), Err(("sdk", 4)));
    assert_eq!(store(&mut host, None), Ok(()));
    assert_eq!(host.instantiate(2, &json!({})).unwrap_err().code, 4);

    set(&mut host, access::everybody(), AccessType::AnyOfAddresses);
    assert_eq!(store(&mut host, None), Ok(()));
    assert!(host.instantiate(3, &json!({})).is_ok());

    set(&mut host, access::everybody(), AccessType::Everybody);
    assert_eq!(store(&mut host, Some(access::only(vec![person("other")]))), Ok(()));
    assert_eq!(host.instantiate(4, &json!({})).unwrap_err().code, 4);
    let change = |sender: &str, permission: AccessConfig| MsgUpdateInstantiateConfig {
        sender: person(sender),
        code_id: 4,
        new_instantiate_permission: Some(permission),
    };
    assert_eq!(host.run(&change("other", access::everybody()), PLENTY).unwrap_err().code, 4);
    host.run(&change("creator", access::everybody()), PLENTY).unwrap();
    assert!(host.instantiate(4, &json!({})).is_ok());
}
