//! Nothing panics on bytes that a peer or a client may send, and nothing of them stays.

use proptest::prelude::*;
use tendermint_proto::v0_38::abci::{
    Request, RequestPrepareProposal, RequestProcessProposal, RequestQuery, ResponseQuery,
};

use crate::chain::{genesis, send, Account, Draft, Driven};

const PATHS: [&str; 34] = [
    "store/bank/key",
    "store/training/key",
    "store/blobs/key",
    "store/none/key",
    "/app/version",
    "/app/simulate",
    "/cosmos.tx.v1beta1.Service/Simulate",
    "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo",
    "/cosmos.base.node.v1beta1.Service/Config",
    "/cosmos.auth.v1beta1.Query/Account",
    "/cosmos.auth.v1beta1.Query/AccountInfo",
    "/cosmos.auth.v1beta1.Query/Accounts",
    "/cosmos.auth.v1beta1.Query/ModuleAccountByName",
    "/cosmos.bank.v1beta1.Query/Balance",
    "/cosmos.bank.v1beta1.Query/AllBalances",
    "/cosmos.bank.v1beta1.Query/SpendableBalances",
    "/cosmos.bank.v1beta1.Query/TotalSupply",
    "/cosmos.bank.v1beta1.Query/SupplyOf",
    "/cosmos.bank.v1beta1.Query/DenomMetadata",
    "/cosmos.bank.v1beta1.Query/DenomsMetadata",
    "/cosmwasm.wasm.v1.Query/SmartContractState",
    "/cosmwasm.wasm.v1.Query/AllContractState",
    "/bauta.training.v1.Query/Params",
    "/bauta.training.v1.Query/Task",
    "/bauta.training.v1.Query/Tasks",
    "/bauta.training.v1.Query/Epoch",
    "/bauta.training.v1.Query/Deals",
    "/bauta.training.v1.Query/Round",
    "/bauta.training.v1.Query/Model",
    "/bauta.training.v1.Query/TestSet",
    "/bauta.training.v1.Query/Aggregate",
    "/bauta.training.v1.Query/Verdicts",
    "/bauta.training.v1.Query/Rewards",
    "/bauta.training.v1.Query/Estimate",
];

/// What the node answers when it panicked over a request (cosmos-sdk types/errors, `ErrPanic`).
const PANIC: u32 = 111_222;

fn good() -> Vec<u8> {
    let mut accounts: Vec<Account> = (0..2).map(|n| Account::new(n, n)).collect();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    accounts[0].tx(Draft::new(vec![send(&from, &to, 1)]))
}

fn try_everything(chain: &Driven, tx: &[u8]) -> u32 {
    let check = chain.check(tx);
    assert_ne!(check.code, PANIC);
    let service = chain.node.service();
    // What was executed before is never committed.
    chain.engine_returns();
    let txs = vec![tx.to_vec().into()];
    let proposal = service.prepare_proposal(RequestPrepareProposal {
        txs: txs.clone(),
        max_tx_bytes: 1 << 20,
        height: chain.height + 1,
        ..Default::default()
    });
    assert!(proposal.txs.len() <= 1);
    service.process_proposal(RequestProcessProposal { txs, height: chain.height + 1, ..Default::default() });
    let executed = service.finalize_block(chain.request(&[tx.to_vec()])).unwrap();
    assert_eq!(executed.tx_results.len(), 1);
    assert_eq!(executed.tx_results[0].code == 0, check.code == 0, "{}", check.log);
    check.code
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_refused(tx in prop::collection::vec(any::<u8>(), 0..400)) {
        let (_, builder) = genesis(2);
        let chain = Driven::new(builder);
        prop_assert_ne!(try_everything(&chain, &tx), 0);
    }
}

#[test]
fn mutated_good_transactions_are_refused() {
    let (_, builder) = genesis(2);
    let chain = Driven::new(builder);
    let tx = good();
    let change = (0..tx.len(), any::<u8>(), 0..3u8);
    proptest!(|(changes in prop::collection::vec(change, 1..4))| {
        let mut mutated = tx.clone();
        for (at, byte, kind) in changes {
            let at = at % mutated.len().max(1);
            match kind {
                0 => mutated[at] = byte,
                1 => mutated.insert(at, byte),
                _ => drop(mutated.remove(at)),
            }
            if mutated.is_empty() {
                mutated.push(0);
            }
        }
        prop_assume!(mutated != tx);
        prop_assert_ne!(try_everything(&chain, &mutated), 0);
    });
    assert_eq!(try_everything(&chain, &tx), 0);
}

#[test]
fn queries_answer_arbitrary_bytes_with_a_code() {
    let (_, builder) = genesis(2);
    let mut chain = Driven::new(builder);
    chain.block(&[]);
    let data = prop::collection::vec(any::<u8>(), 0..100);
    proptest!(ProptestConfig::with_cases(600), |(path in 0..PATHS.len(), data in data, height in -3..3i64, prove in any::<bool>())| {
        let answer: ResponseQuery =
            chain.node.service().query(RequestQuery { path: PATHS[path].into(), data: data.into(), height, prove });
        prop_assert!(answer.height > 0);
        prop_assert!(answer.code == 0 || !answer.codespace.is_empty());
        prop_assert_ne!(answer.code, PANIC, "{}", PATHS[path]);
    });
    proptest!(|(path in ".{0,60}")| {
        prop_assert_ne!(chain.query(&path, vec![]).code, PANIC, "{}", path);
    });
}

#[test]
fn requests_of_unknown_kind_get_an_answer() {
    use prost::Message as _;
    let node = abci_app::Node::open(abci_app::NodeConfig::default()).unwrap();
    let answer = abci_app::abci::dispatch(node.service().as_ref(), Request { value: None }).unwrap();
    assert!(matches!(answer.value, Some(tendermint_proto::v0_38::abci::response::Value::Exception(_))));
    proptest!(|(bytes in prop::collection::vec(any::<u8>(), 0..200))| {
        // Whatever it is, it must not panic; what decodes may be a call out of order.
        if Request::decode(bytes.as_slice()).is_ok() {
            let node = abci_app::Node::open(abci_app::NodeConfig::default()).unwrap();
            let _ = abci_app::abci::dispatch_bytes(node.service().as_ref(), &bytes);
        } else {
            prop_assert!(abci_app::abci::dispatch_bytes(node.service().as_ref(), &bytes).is_err());
        }
    });
}
