use crate::chain::{genesis, send, Account, Draft, Driven};

fn chain() -> (Driven, Vec<Account>) {
    let (accounts, builder) = genesis(3);
    (Driven::new(builder), accounts)
}

fn to(accounts: &[Account]) -> Draft {
    Draft::new(vec![send(&accounts[0].address(), &accounts[1].address(), 10)])
}

/// The mempool and a block refuse alike; what is refused in ante costs nothing.
fn refused(chain: &mut Driven, tx: Vec<u8>) -> (u32, String) {
    let payer = Account::new(0, 0).address();
    let before = chain.balance(&payer);
    let check = chain.check(&tx);
    let result = &chain.block(&[tx]).results[0];
    assert_eq!(check.code, result.code, "{} / {}", check.log, result.log);
    assert_eq!(chain.balance(&payer), before);
    assert_eq!(check.codespace, "sdk");
    (check.code, check.log)
}

#[test]
fn a_signature_of_another_chain() {
    let (mut chain, accounts) = chain();
    let draft = Draft { chain_id: "other-1".into(), ..to(&accounts) };
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 4);
}

#[test]
fn a_signature_of_somebody_else() {
    let (mut chain, accounts) = chain();
    assert_eq!(refused(&mut chain, to(&accounts).sign(&[&accounts[2]])).0, 8);
}

#[test]
fn a_signature_with_the_other_s() {
    use cosmos_sdk_proto::cosmos::tx::v1beta1::TxRaw;
    use prost::Message as _;
    let (mut chain, accounts) = chain();
    let mut raw = TxRaw::decode(to(&accounts).sign(&[&accounts[0]]).as_slice()).unwrap();
    let signature = k256::ecdsa::Signature::from_slice(&raw.signatures[0]).unwrap();
    let (r, s) = signature.split_scalars();
    let high = k256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    raw.signatures[0] = high.to_bytes().to_vec();
    assert_eq!(refused(&mut chain, raw.encode_to_vec()).0, 4);
}

#[test]
fn a_sequence_that_was_used_or_is_too_early() {
    let (mut chain, mut accounts) = chain();
    let first = to(&accounts);
    let tx = accounts[0].tx(first);
    assert_eq!(chain.block(std::slice::from_ref(&tx)).results[0].code, 0);
    let (code, log) = refused(&mut chain, tx);
    assert_eq!(code, 32);
    assert!(log.contains("account sequence mismatch, expected 1, got 0"), "{log}");
    accounts[0].sequence = 7;
    assert_eq!(refused(&mut chain, to(&accounts).sign(&[&accounts[0]])).0, 32);
}

#[test]
fn a_timeout_height_that_has_passed() {
    let (mut chain, accounts) = chain();
    chain.block(&[]);
    chain.block(&[]);
    let mut draft = to(&accounts);
    draft.body.timeout_height = 2;
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 30);
}

#[test]
fn a_timeout_height_of_this_block_is_in_time() {
    let (mut chain, accounts) = chain();
    chain.block(&[]);
    let mut draft = to(&accounts);
    draft.body.timeout_height = 2;
    assert_eq!(chain.block(&[draft.sign(&[&accounts[0]])]).results[0].code, 0);
}

#[test]
fn a_memo_that_is_too_long() {
    let (mut chain, accounts) = chain();
    let mut draft = to(&accounts);
    draft.body.memo = "m".repeat(257);
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 12);
}

#[test]
fn a_fee_that_cannot_be_paid() {
    let (mut chain, accounts) = chain();
    let draft = to(&accounts).fee(2_000_000, 200_000);
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 5);
}

#[test]
fn a_fee_in_another_denomination() {
    let (mut chain, accounts) = chain();
    let mut draft = to(&accounts);
    draft.fee.amount[0].denom = "other".into();
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 13);
}

#[test]
fn too_little_gas_for_its_own_bytes() {
    let (mut chain, accounts) = chain();
    assert_eq!(refused(&mut chain, to(&accounts).fee(100, 1_000).sign(&[&accounts[0]])).0, 11);
}

#[test]
fn a_sign_mode_that_is_not_offered() {
    let (mut chain, accounts) = chain();
    let draft = Draft { mode: 2, ..to(&accounts) };
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 4);
}

#[test]
fn no_messages_and_unknown_messages() {
    let (mut chain, accounts) = chain();
    assert_eq!(refused(&mut chain, Draft::new(vec![]).sign(&[&accounts[0]])).0, 18);
    let unknown = cosmos_sdk_proto::Any { type_url: "/cosmos.gov.v1.MsgVote".into(), value: vec![] };
    assert_eq!(refused(&mut chain, Draft::new(vec![unknown]).sign(&[&accounts[0]])).0, 6);
}

#[test]
fn fields_that_nobody_here_knows() {
    use cosmos_sdk_proto::cosmos::tx::v1beta1::TxRaw;
    use prost::Message as _;
    let (mut chain, accounts) = chain();
    let good = to(&accounts).sign(&[&accounts[0]]);
    let with = |change: fn(&mut TxRaw)| {
        let mut raw = TxRaw::decode(good.as_slice()).unwrap();
        change(&mut raw);
        raw.encode_to_vec()
    };
    // Field 900 is critical wherever it stands.
    assert_eq!(refused(&mut chain, with(|raw| raw.body_bytes.extend([0xa0, 0x38, 1]))).0, 2);
    assert_eq!(refused(&mut chain, with(|raw| raw.auth_info_bytes.extend([0xa0, 0x38, 1]))).0, 2);
    let mut tail = good.clone();
    tail.extend([0xa0, 0x38, 1]);
    assert_eq!(refused(&mut chain, tail).0, 2);
}

#[test]
fn a_transaction_that_is_too_large() {
    let (mut chain, accounts) = chain();
    let mut draft = to(&accounts);
    draft.body.memo = "m".repeat(1 << 20);
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 21);
}

#[test]
fn a_failed_message_keeps_fee_and_sequence_and_nothing_else() {
    let (mut chain, mut accounts) = chain();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 10), send(&from, &to, 5_000_000)]));
    let done = chain.block(std::slice::from_ref(&tx));
    assert_eq!((done.results[0].code, done.results[0].codespace.as_str()), (5, "sdk"));
    assert!(
        done.results[0].log.starts_with("failed to execute message; message index: 1: "),
        "{}",
        done.results[0].log
    );
    assert!(done.results[0].data.is_empty());
    let kinds: Vec<&str> = done.results[0].events.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(kinds, ["coin_spent", "coin_received", "transfer", "message", "tx", "tx", "tx"]);
    assert_eq!(chain.balance(&from), 1_000_000 - 100);
    assert_eq!(chain.balance(&to), 1_000_000);
    assert_eq!(chain.check(&tx).code, 32);
}

#[test]
fn a_message_out_of_gas_is_undone() {
    let (mut chain, mut accounts) = chain();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let sends = vec![send(&from, &to, 1); 20];
    let tx = accounts[0].tx(Draft::new(sends).fee(100, 120_000));
    let done = chain.block(&[tx]);
    assert_eq!(done.results[0].code, 11, "{}", done.results[0].log);
    assert!(done.results[0].gas_used > done.results[0].gas_wanted);
    assert_eq!(chain.balance(&to), 1_000_000);
}

#[test]
fn several_signers_sign_one_transaction() {
    let (mut chain, accounts) = chain();
    let (a, b, c) = (accounts[0].address(), accounts[1].address(), accounts[2].address());
    let draft = Draft::new(vec![send(&a, &c, 1), send(&b, &c, 2)]);
    assert_eq!(refused(&mut chain, draft.sign(&[&accounts[0]])).0, 4);
    let done = chain.block(&[draft.sign(&[&accounts[0], &accounts[1]])]);
    assert_eq!(done.results[0].code, 0, "{}", done.results[0].log);
    assert_eq!(chain.balance(&c), 1_000_003);
    // The first signer pays.
    assert_eq!((chain.balance(&a), chain.balance(&b)), (1_000_000 - 101, 1_000_000 - 2));
}

#[test]
fn users_do_not_pay_modules() {
    let (mut chain, mut accounts) = chain();
    let collector = abci_app::address::Address::module("fee_collector").to_bech32("bauta");
    let from = accounts[0].address();
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &collector, 1)]));
    assert_eq!(chain.block(&[tx]).results[0].code, 4);
}

#[test]
fn the_mempool_goes_on_with_sequences_and_promises_coins_once() {
    let (chain, mut accounts) = chain();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let first = accounts[0].tx(Draft::new(vec![send(&from, &to, 600_000)]));
    let second = accounts[0].tx(Draft::new(vec![send(&from, &to, 600_000)]));
    assert_eq!(chain.check(&first).code, 0);
    assert_eq!(chain.check(&second).code, 5);
    accounts[0].sequence = 1;
    let second = accounts[0].tx(Draft::new(vec![send(&from, &to, 300_000)]));
    assert_eq!(chain.check(&second).code, 0);
}

#[test]
fn min_gas_prices_are_asked_by_the_mempool_only() {
    let (accounts, builder) = genesis(2);
    let mut config = abci_app::NodeConfig::default();
    config.app.min_gas_price = abci_app::tx::MinGasPrice::parse("0.01").unwrap();
    let mut chain = Driven::over(abci_app::Node::open(config).unwrap(), builder);
    let tx = to(&accounts).sign(&[&accounts[0]]);
    assert_eq!(chain.check(&tx).code, 13);
    assert_eq!(chain.block(&[tx]).results[0].code, 0);
}

#[test]
fn amino_json_is_signed_and_verified() {
    use cosmos_sdk_proto::cosmos::tx::v1beta1::TxRaw;
    use k256::ecdsa::signature::Signer as _;
    use prost::Message as _;
    let (mut chain, accounts) = chain();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let draft = Draft { mode: 127, ..Draft::new(vec![send(&from, &to, 10)]) };
    let mut raw = TxRaw::decode(draft.sign(&[&accounts[0]]).as_slice()).unwrap();
    // So far it is signed as SIGN_MODE_DIRECT would be.
    assert_eq!(refused(&mut chain, raw.encode_to_vec()).0, 4);
    let doc = format!(
        r#"{{"account_number":"0","chain_id":"bauta-1","fee":{{"amount":[{{"amount":"100","denom":"ubauta"}}],"gas":"200000"}},"memo":"","msgs":[{{"type":"cosmos-sdk/MsgSend","value":{{"amount":[{{"amount":"10","denom":"ubauta"}}],"from_address":"{from}","to_address":"{to}"}}}}],"sequence":"0"}}"#
    );
    let signature: k256::ecdsa::Signature = accounts[0].key.sign(doc.as_bytes());
    raw.signatures[0] = signature.normalize_s().unwrap_or(signature).to_bytes().to_vec();
    let done = chain.block(&[raw.encode_to_vec()]);
    assert_eq!(done.results[0].code, 0, "{}", done.results[0].log);
}

#[test]
fn amino_json_is_not_signed_for_fields_that_it_does_not_show() {
    use cosmos_sdk_proto::cosmos::tx::v1beta1::TxRaw;
    use prost::Message as _;
    let (mut chain, accounts) = chain();
    let with = |mode: i32, change: fn(&mut Draft)| {
        let mut draft = Draft { mode, ..to(&accounts) };
        change(&mut draft);
        TxRaw::decode(draft.sign(&[&accounts[0]]).as_slice()).unwrap()
    };
    // A field of the body that is not critical, and an extension: whoever passes the transaction on could add them.
    let mut unknown = with(127, |_| {});
    unknown.body_bytes.extend([0xb0, 0x40, 1]);
    assert_eq!(refused(&mut chain, unknown.encode_to_vec()).0, 2);
    let extended = with(127, |draft| draft.body.non_critical_extension_options.push(Default::default()));
    assert_eq!(refused(&mut chain, extended.encode_to_vec()).0, 2);
    // What is signed as it is may have both.
    let extended = with(1, |draft| draft.body.non_critical_extension_options.push(Default::default()));
    assert_eq!(chain.block(&[extended.encode_to_vec()]).results[0].code, 0);
}

#[test]
fn a_protocol_message_with_a_wrong_signature_before_anything_is_made_of_it() {
    use bauta_schema::training::v1::MsgEnrol;
    use prost::Message as _;
    let (mut chain, accounts) = chain();
    let message = MsgEnrol { sender: accounts[0].address(), task_id: 9, epoch: 1, ..Default::default() };
    let message =
        cosmos_sdk_proto::Any { type_url: bauta_schema::type_url::ENROL.into(), value: message.encode_to_vec() };
    let draft = Draft::new(vec![message]).fee(0, 1_000_000);
    let stolen = Draft { chain_id: "another".into(), ..draft.clone() }.sign(&[&accounts[0]]);
    let answer = chain.check(&stolen);
    assert_eq!((answer.codespace.as_str(), answer.code), ("sdk", 4), "{}", answer.log);
    assert_eq!(refused(&mut chain, stolen).0, 4);
    // With the right one it is the machine that refuses: there is no such task.
    let answer = chain.check(&draft.sign(&[&accounts[0]]));
    assert_eq!(answer.codespace, "training", "{}", answer.log);
}

#[test]
fn a_gas_limit_that_no_transaction_may_have() {
    let (mut chain, accounts) = chain();
    assert_eq!(refused(&mut chain, to(&accounts).fee(100, u64::MAX).sign(&[&accounts[0]])).0, 41);
}

#[test]
fn a_block_without_gas_left_runs_no_more_transactions() {
    let (mut accounts, builder) = genesis(2);
    let mut chain = Driven::new(builder.max_gas(250_000));
    let to = accounts[1].address();
    let txs: Vec<Vec<u8>> = (0..20)
        .map(|_| {
            let from = accounts[0].address();
            accounts[0].tx(Draft::new(vec![send(&from, &to, 1)]))
        })
        .collect();
    let codes: Vec<u32> = chain.block(&txs).results.iter().map(|result| result.code).collect();
    assert_eq!(codes[0], 0);
    assert!(codes.contains(&11), "{codes:?}");
    let ran = codes.iter().filter(|code| **code == 0).count() as u128;
    assert_eq!(chain.balance(&to), 1_000_000 + ran);
}
