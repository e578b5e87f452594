//! Whatever is signed and sent to a chain with a task, or asked of it, is answered with a stable code, and what fails leaves its fee.

use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use cosmos_sdk_proto::cosmwasm::wasm::v1::{MsgInstantiateContract2, MsgMigrateContract, MsgUpdateAdmin};
use proptest::prelude::*;
use tendermint_proto::v0_38::abci::{RequestCheckTx, RequestPrepareProposal, RequestQuery};

use super::any;
use super::*;
use crate::chain::block;

/// Bytes of a message that become others.
type Changes = Vec<(prop::sample::Index, u8, u8)>;

fn changes() -> impl Strategy<Value = Changes> {
    // Most keep the length, so that most reach the handler.
    let kind = prop_oneof![6 => Just(0u8), 1 => Just(1u8), 1 => Just(2u8)];
    prop::collection::vec(
        (proptest::arbitrary::any::<prop::sample::Index>(), proptest::arbitrary::any::<u8>(), kind),
        1..4,
    )
}

fn changed(good: &[u8], changes: &Changes) -> Vec<u8> {
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

/// Not the answer that stands for a panic (cosmos-sdk `ErrPanic`), nor one without a code.
fn is_stable(code: u32, codespace: &str, log: &str) -> bool {
    code == 0 || (code != 111_222 && !["", "undefined"].contains(&codespace) && !log.is_empty())
}

/// A chain whose task takes enrolments, and one provider of four that has enrolled.
async fn with_a_task() -> (Chain, Contracts, Account, Account, Vec<Provider>) {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    let contracts = install(&chain, &mut admin).await;
    let message = create(&owner);
    chain.ok(&mut owner, vec![message]).await;
    for provider in &mut providers {
        stand(&chain, &contracts, provider).await;
    }
    enrol(&mut chain, &mut providers[0]).await;
    (chain, contracts, admin, owner, providers)
}

/// A request of each method of the module, which it answers.
fn questions(provider: &str) -> Vec<(&'static str, Vec<u8>)> {
    let address = provider.to_string();
    vec![
        ("Params", pb::QueryParamsRequest {}.encode_to_vec()),
        ("Task", pb::QueryTaskRequest { task_id: 1 }.encode_to_vec()),
        ("Tasks", pb::QueryTasksRequest { limit: 3, ..Default::default() }.encode_to_vec()),
        ("Epoch", pb::QueryEpochRequest { task_id: 1, epoch: 1 }.encode_to_vec()),
        (
            "Deals",
            pb::QueryDealsRequest { task_id: 1, epoch: 1, dealer: address.clone(), ..Default::default() }
                .encode_to_vec(),
        ),
        ("Round", pb::QueryRoundRequest { task_id: 1, round: 1 }.encode_to_vec()),
        ("Model", pb::QueryModelRequest { task_id: 1, ..Default::default() }.encode_to_vec()),
        ("Aggregate", pb::QueryAggregateRequest { task_id: 1, round: 1, ..Default::default() }.encode_to_vec()),
        (
            "Verdicts",
            pb::QueryVerdictsRequest { task_id: 1, provider: address.clone(), ..Default::default() }.encode_to_vec(),
        ),
        ("Rewards", pb::QueryRewardsRequest { address }.encode_to_vec()),
        ("Estimate", estimate().encode_to_vec()),
    ]
}

fn estimate() -> pb::QueryEstimateRequest {
    let task = pb::MsgCreateTask::decode(create(&Account::new(0, 0)).value.as_slice()).unwrap();
    pb::QueryEstimateRequest { settings: task.settings, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_of_training_answer_changed_and_arbitrary_bytes_with_a_code() {
    let (chain, _, _, _, providers) = with_a_task().await;
    let service = chain._node.service();
    let ask = |method: &str, data: Vec<u8>| {
        let path = format!("/bauta.training.v1.Query/{method}");
        service.query(RequestQuery { path, data: data.into(), height: 0, prove: false })
    };
    let questions = questions(&providers[0].account.address());
    for (method, request) in &questions {
        let answer = ask(method, request.clone());
        // There is no round yet, which is an answer too.
        assert!(answer.code == 0 || ["Round", "Aggregate"].contains(method), "{method}: {}", answer.log);
    }
    let bytes = prop::collection::vec(proptest::arbitrary::any::<u8>(), 0..100);
    proptest!(ProptestConfig::with_cases(200), |(bytes in bytes, changes in changes())| {
        for (method, request) in &questions {
            for data in [bytes.clone(), changed(request, &changes)] {
                let answer = ask(method, data);
                prop_assert!(is_stable(answer.code, &answer.codespace, &answer.log), "{}: {:?}", method, answer);
                prop_assert!(answer.height > 0);
            }
        }
    });
}

/// A message, who signs it, and whether its sender pays for it.
struct Good<'a> {
    message: Any,
    signer: &'a Account,
    protocol: bool,
}

fn ordinary<'a>(
    chain: &'a Chain,
    contracts: &Contracts,
    admin: &'a Account,
    owner: &'a Account,
    params: pb::Params,
) -> Vec<Good<'a>> {
    let coins = Coins::one("ubauta", 5).to_proto();
    let other = owner.address();
    let multi = MsgMultiSend {
        inputs: vec![Input { address: chain.idle.address(), coins: coins.clone() }],
        outputs: vec![Output { address: other.clone(), coins: coins.clone() }],
    };
    let (sender, contract) = (admin.address(), contracts.registry.clone());
    let instantiate2 = MsgInstantiateContract2 {
        sender: sender.clone(),
        admin: sender.clone(),
        code_id: 1,
        label: "registry".into(),
        msg: json!({"admin": null, "slashing": null, "issuers": []}).to_string().into_bytes(),
        funds: vec![],
        salt: b"salt".to_vec(),
        fix_msg: false,
    };
    let migrate =
        MsgMigrateContract { sender: sender.clone(), contract: contract.clone(), code_id: 1, msg: b"{}".to_vec() };
    let update_admin = MsgUpdateAdmin { sender: sender.clone(), contract: contract.clone(), new_admin: other };
    let by = |signer: &'a Account, message: Any| Good { message, signer, protocol: false };
    vec![
        by(&chain.idle, send(&chain.idle.address(), &owner.address(), 5)),
        by(&chain.idle, any("/cosmos.bank.v1beta1.MsgMultiSend", &multi)),
        by(admin, create(admin)),
        by(
            owner,
            any(type_url::TOP_UP_TASK, &pb::MsgTopUpTask { sender: owner.address(), task_id: 1, amount: "7".into() }),
        ),
        by(owner, any(type_url::CANCEL_TASK, &pb::MsgCancelTask { owner: owner.address(), task_id: 1 })),
        by(admin, any(type_url::UPDATE_PARAMS, &pb::MsgUpdateParams { authority: sender, params: Some(params) })),
        by(admin, execute(admin, &contracts.registry, &json!({"add_issuer": {"issuer": owner.address()}}), 0)),
        by(admin, any("/cosmwasm.wasm.v1.MsgInstantiateContract2", &instantiate2)),
        by(admin, any("/cosmwasm.wasm.v1.MsgMigrateContract", &migrate)),
        by(admin, any("/cosmwasm.wasm.v1.MsgUpdateAdmin", &update_admin)),
    ]
}

/// One that is awaited, and those of phases that have not come.
fn of_the_protocol(chain: &mut Chain, ectx: &Ectx, provider: &Provider) -> Vec<(Any, bool)> {
    let sender = provider.account.address();
    let signed = provider.keys.enrol(ectx, &provider.name(), &mut chain.rng);
    let (body, signature) = (signed.body_bytes(), signed.signature.to_vec());
    let (task_id, epoch, round) = (1, 1, 1);
    let evidence = pb::SignedBody { body: body.clone(), signature: signature.clone() };
    let evidence = pb::HeaderEvidence { signed: Some(evidence), model_hash: vec![1; 32], roster_root: vec![2; 32] };
    let two = pb::TwoHeaders { first: Some(evidence.clone()), second: Some(evidence) };
    let (s, b, g) = (|| sender.clone(), || body.clone(), || signature.clone());
    vec![
        (any(type_url::ENROL, &pb::MsgEnrol { sender: s(), task_id, epoch, body: b(), signature: g() }), true),
        (any(type_url::DEAL, &pb::MsgDeal { sender: s(), task_id, epoch, body: b(), signature: g() }), false),
        (any(type_url::COMPLAIN, &pb::MsgComplain { sender: s(), task_id, epoch, body: b(), signature: g() }), false),
        (any(type_url::CHECK_IN, &pb::MsgCheckIn { sender: s(), task_id, round, body: b(), signature: g() }), false),
        (
            any(
                type_url::SUBMIT_HEADER,
                &pb::MsgSubmitHeader { sender: s(), task_id, round, body: b(), signature: g() },
            ),
            false,
        ),
        (
            any(
                type_url::SUBMIT_CHUNK,
                &pb::MsgSubmitChunk { sender: s(), task_id, round, index: 0, data: vec![3; 64] },
            ),
            false,
        ),
        (any(type_url::UNMASK, &pb::MsgUnmask { sender: s(), task_id, round, body: b(), signature: g() }), false),
        (
            any(
                type_url::COMPLAIN_ABOUT_WRAP,
                &pb::MsgComplainAboutWrap { sender: s(), task_id, epoch: 1, body: b(), signature: g() },
            ),
            false,
        ),
        (
            any(type_url::BLAME_VALUES, &pb::MsgBlameValues { sender: s(), task_id, round, body: b(), signature: g() }),
            false,
        ),
        (
            any(
                type_url::REPORT,
                &pb::MsgReport {
                    sender: s(),
                    accused: s(),
                    task_id,
                    epoch,
                    round,
                    deposit: reports_have_a_deposit::DEPOSIT.to_string(),
                    evidence: Some(pb::msg_report::Evidence::TwoHeaders(two)),
                },
            ),
            false,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_message_with_changed_bytes_succeeds_or_costs_its_fee_alone() {
    let (mut chain, contracts, admin, owner, providers) = with_a_task().await;
    let ectx = Ectx::from_bytes(chain.epoch().await.epoch.unwrap().ectx.try_into().unwrap());
    let protocol = of_the_protocol(&mut chain, &ectx, &providers[1]);
    let params: pb::QueryParamsResponse = chain.query("Params", &pb::QueryParamsRequest {}).await;
    let ordinary = ordinary(&chain, &contracts, &admin, &owner, params.params.unwrap());
    let service = chain._node.service();
    let height = service.info(Default::default()).last_block_height + 1;
    // Nothing is committed: each is executed as the same block.
    let executed = |txs: &[Vec<u8>]| {
        service.info(Default::default());
        let answer = service.finalize_block(block(height, txs)).unwrap();
        (answer.tx_results, answer.app_hash)
    };
    let sign = |good: &Good<'_>, value: Vec<u8>| {
        let fee = if good.protocol { 0 } else { 100 };
        let message = Any { type_url: good.message.type_url.clone(), value };
        Draft::new(vec![message]).fee(fee, 50_000_000).sign(&[good.signer])
    };
    let mut good: Vec<(Good<'_>, bool)> = ordinary.into_iter().map(|good| (good, true)).collect();
    good.extend(protocol.into_iter().map(|(message, awaited)| {
        let protocol = message.type_url != type_url::REPORT;
        (Good { message, signer: &providers[1].account, protocol }, awaited)
    }));
    for (good, succeeds) in &good {
        let (results, _) = executed(&[sign(good, good.message.value.clone())]);
        assert_eq!(results[0].code == 0, *succeeds, "{}: {}", good.message.type_url, results[0].log);
    }
    // What stays of a transaction that fails: nothing if it is not admitted, else its fee and its sequence.
    let nothing = executed(&[]).1;
    let fee_alone = |signer: &Account| {
        let own = signer.address();
        let (results, app_hash) =
            executed(&[Draft::new(vec![send(&own, &own, u128::MAX)]).fee(100, 50_000_000).sign(&[signer])]);
        assert_eq!((results[0].codespace.as_str(), results[0].code), ("sdk", 5), "{}", results[0].log);
        app_hash
    };
    let fees: Vec<_> = good.iter().map(|(good, _)| fee_alone(good.signer)).collect();
    assert!(fees.iter().all(|fee| *fee != nothing));
    proptest!(ProptestConfig::with_cases(400), |(place in 0..good.len(), changes in changes())| {
        let (good, _) = &good[place];
        let tx = sign(good, changed(&good.message.value, &changes));
        let check = service.check_tx(RequestCheckTx { tx: tx.clone().into(), r#type: 0 });
        prop_assert!(is_stable(check.code, &check.codespace, &check.log), "{:?}", check);
        service.info(Default::default());
        let offered = RequestPrepareProposal { txs: vec![tx.clone().into()], max_tx_bytes: 1 << 20, height, ..Default::default() };
        let is_proposed = !service.prepare_proposal(offered).txs.is_empty();
        let (results, app_hash) = executed(&[tx]);
        let result = &results[0];
        prop_assert!(is_stable(result.code, &result.codespace, &result.log), "{:?}", result);
        prop_assert!(is_proposed || result.code != 0, "{} succeeds and is not proposed", good.message.type_url);
        // What the protocol's escrow pays and records is judged where its offences are.
        if result.code != 0 && !good.protocol {
            prop_assert!(app_hash == nothing || app_hash == fees[place], "{}: {}", good.message.type_url, result.log);
        }
    });
}
