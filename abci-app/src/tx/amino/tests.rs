//! What is signed: as wallets write it, and one document for one meaning.

use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{
    mode_info::{Single, Sum},
    AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw,
};
use proptest::prelude::*;
use prost::{Message as _, Name};

use super::*;
use crate::coin::Coins;
use crate::params::AppParams;

#[test]
fn a_send_is_signed_as_wallets_write_it() {
    let coins = Coins::one("ubauta", 7);
    let send = MsgSend { from_address: "a".into(), to_address: "b".into(), amount: coins.to_proto() };
    let tx = Tx {
        hash: [0; 32],
        size: 0,
        body_bytes: vec![],
        auth_info_bytes: vec![],
        signatures: vec![],
        messages: vec![Message::Bank(bank::Message::Send(send))],
        memo: "<&>".into(),
        timeout_height: 9,
        has_extensions: false,
        signers: vec![],
        fee: Coins::one("ubauta", 100),
        gas_limit: 200_000,
        fee_payer: String::new(),
        fee_granter: String::new(),
    };
    let signer = Signer { pub_key: None, mode: 127, sequence: 3 };
    let bytes = sign_bytes(&tx, &signer, "bauta-1", 5).expect("bank has a form");
    assert_eq!(
        String::from_utf8(bytes).expect("JSON"),
        concat!(
            r#"{"account_number":"5","chain_id":"bauta-1","#,
            r#""fee":{"amount":[{"amount":"100","denom":"ubauta"}],"gas":"200000"},"#,
            r#""memo":"\u003c\u0026\u003e","#,
            r#""msgs":[{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"7","denom":"ubauta"}],"#,
            r#""from_address":"a","to_address":"b"}}],"sequence":"3","timeout_height":"9"}"#
        )
    );
}

fn packed<M: prost::Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// A raw transaction of a message, for amino's JSON.
fn raw(message: Any) -> Vec<u8> {
    let body = TxBody { messages: vec![message], memo: "a memo".into(), timeout_height: 9, ..Default::default() };
    let signer = SignerInfo {
        mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: 127 })) }),
        sequence: 3,
        ..Default::default()
    };
    let fee = Fee { amount: Coins::one("ubauta", 100).to_proto(), gas_limit: 200_000, ..Default::default() };
    let auth_info = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..Default::default() };
    let signatures = vec![vec![1; 64]];
    TxRaw { body_bytes: body.encode_to_vec(), auth_info_bytes: auth_info.encode_to_vec(), signatures }.encode_to_vec()
}

/// One of each message that has a form.
fn each() -> Vec<Any> {
    let (sender, contract, other) =
        ("bauta1sender".to_string(), "bauta1contract".to_string(), "bauta1other".to_string());
    let coins = Coins::one("ubauta", 7).to_proto();
    let msg = br#"{"do":{"amount":"12","to":["a<b",{"n":3}],"k":null}}"#.to_vec();
    let permission =
        Some(AccessConfig { permission: AccessType::AnyOfAddresses.into(), addresses: vec![other.clone()] });
    let label = "demo".to_string();
    vec![
        packed(&MsgSend { from_address: sender.clone(), to_address: other.clone(), amount: coins.clone() }),
        packed(&MsgMultiSend {
            inputs: vec![Input { address: sender.clone(), coins: coins.clone() }],
            outputs: vec![Output { address: other.clone(), coins: coins.clone() }],
        }),
        packed(&MsgStoreCode {
            sender: sender.clone(),
            wasm_byte_code: vec![0, 1, 2, 250],
            instantiate_permission: permission,
        }),
        packed(&MsgInstantiateContract {
            sender: sender.clone(),
            admin: other.clone(),
            code_id: 4,
            label: label.clone(),
            msg: msg.clone(),
            funds: coins.clone(),
        }),
        packed(&MsgInstantiateContract2 {
            sender: sender.clone(),
            admin: other.clone(),
            code_id: 4,
            label,
            msg: msg.clone(),
            funds: coins.clone(),
            salt: vec![9; 8],
            fix_msg: true,
        }),
        packed(&MsgExecuteContract {
            sender: sender.clone(),
            contract: contract.clone(),
            msg: msg.clone(),
            funds: coins,
        }),
        packed(&MsgMigrateContract { sender: sender.clone(), contract: contract.clone(), code_id: 4, msg }),
        packed(&MsgUpdateAdmin { sender: sender.clone(), contract: contract.clone(), new_admin: other }),
        packed(&MsgClearAdmin { sender, contract }),
    ]
}

/// What a message means: its fields, and of what it tells a contract the value that is signed.
fn fields<M: prost::Message + Default>(any: &Any, told: impl Fn(&mut M) -> &mut Vec<u8>) -> String {
    let mut message: M = read(any).expect("it was signed");
    let told = std::mem::take(told(&mut message));
    format!("{:?} {message:?}", serde_json::from_slice::<Value>(&told).expect("it was signed"))
}

fn meaning(tx: &Tx) -> String {
    let messages: Vec<String> = tx
        .messages
        .iter()
        .map(|message| match message {
            Message::Wasm("/cosmwasm.wasm.v1.MsgStoreCode", any) => format!("{:?}", read::<MsgStoreCode>(any)),
            Message::Wasm("/cosmwasm.wasm.v1.MsgInstantiateContract", any) => {
                fields::<MsgInstantiateContract>(any, |message| &mut message.msg)
            }
            Message::Wasm("/cosmwasm.wasm.v1.MsgInstantiateContract2", any) => {
                fields::<MsgInstantiateContract2>(any, |message| &mut message.msg)
            }
            Message::Wasm("/cosmwasm.wasm.v1.MsgExecuteContract", any) => {
                fields::<MsgExecuteContract>(any, |message| &mut message.msg)
            }
            Message::Wasm("/cosmwasm.wasm.v1.MsgMigrateContract", any) => {
                fields::<MsgMigrateContract>(any, |message| &mut message.msg)
            }
            other => format!("{other:?}"),
        })
        .collect();
    format!("{messages:?} {:?} {} {:?} {} {}", tx.memo, tx.timeout_height, tx.fee, tx.gas_limit, tx.signers[0].sequence)
}

#[test]
fn a_changed_transaction_signs_differently_or_means_the_same() {
    let params = AppParams::default();
    let document = |bytes: &[u8]| -> Result<(Tx, Vec<u8>)> {
        let tx = Tx::decode(bytes, &params)?;
        let signer = tx.signers.first().cloned().ok_or_else(|| Error::no_signatures("nobody signs"))?;
        let document = sign_bytes(&tx, &signer, "bauta-1", 5)?;
        Ok((tx, document))
    };
    let good: Vec<Vec<u8>> = each().into_iter().map(raw).collect();
    let signed: Vec<(Tx, Vec<u8>)> = good.iter().map(|bytes| document(bytes).expect("it has a form")).collect();
    // Most keep the length, so that most decode.
    let kind = prop_oneof![6 => Just(0u8), 1 => Just(1u8), 1 => Just(2u8)];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), kind), 1..3);
    proptest!(ProptestConfig::with_cases(400), |(changes in changes)| {
        for (bytes, (tx, before)) in good.iter().zip(&signed) {
            let mut bytes = bytes.clone();
            for (place, byte, kind) in &changes {
                let at = place.index(bytes.len());
                match kind {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            match document(&bytes) {
                Ok((other, after)) => {
                    prop_assert!(serde_json::from_slice::<Value>(&after).is_ok());
                    prop_assert!(after != *before || meaning(&other) == meaning(tx), "{:?} and {:?}", other, tx);
                }
                Err(error) => prop_assert!(error.code != 0 && !error.codespace.is_empty() && !error.log.is_empty()),
            }
        }
    });
}

#[test]
fn a_contracts_message_signs_differently_or_has_the_same_value() {
    let execute = |msg: &[u8]| {
        wasm(&packed(&MsgExecuteContract { msg: msg.to_vec(), ..Default::default() }))
            .map(|value| sorted(value).to_string())
    };
    let good = br#"{"send":{"amount":"12","to":"a","n":[1,18446744073709551615,true,null]}, "x": {"y":"\u00e9"}}"#;
    let before = execute(good).expect("nothing in it is ambiguous");
    let value: Value = serde_json::from_slice(good).expect("it is JSON");
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..3);
    proptest!(ProptestConfig::with_cases(2000), |(changes in changes)| {
        let mut bytes = good.to_vec();
        for (place, byte, kind) in changes {
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        match execute(&bytes) {
            Ok(after) if after == before => prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).ok(), Some(value.clone())),
            Ok(_) => {}
            Err(error) => prop_assert_eq!((error.codespace, error.code), ("sdk", 18)),
        }
    });
}
