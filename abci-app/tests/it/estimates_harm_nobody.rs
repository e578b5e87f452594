//! Estimating is open to everybody and needs no signature: it must never change what a node does with its blocks.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{MsgInstantiateContract, MsgStoreCode};
use cosmos_sdk_proto::Any;
use prost::Message as _;

use crate::chain::{genesis, send, Draft, Driven};

#[test]
fn an_estimate_that_uses_the_code_it_uploads_does_not_stop_the_node() {
    let (mut accounts, builder) = genesis(2);
    let mut chain = Driven::new(builder);
    let (sender, to) = (accounts[0].address(), accounts[1].address());
    let path = format!("{}/../contracts/artifacts/registry.wasm", env!("CARGO_MANIFEST_DIR"));
    let upload = MsgStoreCode {
        sender: sender.clone(),
        wasm_byte_code: std::fs::read(path).unwrap(),
        instantiate_permission: None,
    };
    let begin = MsgInstantiateContract {
        sender: sender.clone(),
        code_id: 1,
        label: "registry".into(),
        msg: br#"{"admin":null,"slashing":null,"issuers":[]}"#.to_vec(),
        ..Default::default()
    };
    let any = |name: &str, value| Any { type_url: format!("/cosmwasm.wasm.v1.{name}"), value };
    let messages =
        vec![any("MsgStoreCode", upload.encode_to_vec()), any("MsgInstantiateContract", begin.encode_to_vec())];
    let draft = Draft::new(messages).fee(100, 50_000_000);
    let answer = chain.query("/app/simulate", draft.sign(&[&accounts[0]]));
    assert_ne!(answer.code, 0, "the code is not kept, so there is nothing to instantiate");
    // The next block is executed as on every other node, and so is the transaction itself.
    let payment = accounts[0].tx(Draft::new(vec![send(&sender, &to, 1)]));
    assert_eq!(chain.block(&[payment]).results[0].code, 0);
    let tx = accounts[0].tx(draft);
    let done = chain.block(&[tx]);
    assert_eq!(done.results[0].code, 0, "{}", done.results[0].log);
}
