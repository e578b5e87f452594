//! Every call has an answer that does no harm: out of order, beyond the limits, or of a kind that this application does not serve.

use abci_app::abci::dispatch;
use abci_app::genesis::GenesisDoc;
use abci_app::{Node, NodeConfig};
use tendermint_proto::v0_38::abci::{
    request, response, Request, RequestApplySnapshotChunk, RequestCommit, RequestEcho, RequestExtendVote,
    RequestFinalizeBlock, RequestFlush, RequestListSnapshots, RequestLoadSnapshotChunk, RequestOfferSnapshot,
    RequestPrepareProposal, RequestProcessProposal, RequestVerifyVoteExtension,
};

use crate::chain::{block, genesis, send, Draft, Driven};

const ACCEPT: i32 = 1;
const REJECT: i32 = 2;

/// Past the watch, which expects an engine's order.
fn ask(node: &Node, value: request::Value) -> Result<response::Value, String> {
    let answer = dispatch(node.app().as_ref(), Request { value: Some(value) });
    answer.map(|answer| answer.value.unwrap()).map_err(|error| error.to_string())
}

fn process(node: &Node, height: i64, txs: &[Vec<u8>]) -> i32 {
    let request = RequestProcessProposal { txs: block(1, txs).txs, height, ..Default::default() };
    match ask(node, request::Value::ProcessProposal(request)).unwrap() {
        response::Value::ProcessProposal(answer) => answer.status,
        other => panic!("{other:?}"),
    }
}

fn prepare(node: &Node, height: i64, txs: &[Vec<u8>], max_tx_bytes: i64) -> Vec<Vec<u8>> {
    let request = RequestPrepareProposal { txs: block(1, txs).txs, max_tx_bytes, height, ..Default::default() };
    match ask(node, request::Value::PrepareProposal(request)).unwrap() {
        response::Value::PrepareProposal(answer) => answer.txs.iter().map(|tx| tx.to_vec()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn before_the_chain_begins_there_is_no_block_to_make_accept_or_execute() {
    let (mut accounts, builder) = genesis(2);
    let node = Node::open(NodeConfig::default()).unwrap();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let tx = accounts[0].tx(Draft::new(vec![send(&from, &to, 1)]));
    assert_eq!(process(&node, 1, &[]), REJECT);
    assert_eq!(prepare(&node, 1, std::slice::from_ref(&tx), 1 << 20), Vec::<Vec<u8>>::new());
    let refused = ask(&node, request::Value::FinalizeBlock(block(1, &[]))).unwrap_err();
    assert!(refused.contains("a block before InitChain"), "{refused}");
    let refused = ask(&node, request::Value::Commit(RequestCommit {})).unwrap_err();
    assert!(refused.contains("Commit without a block that was executed"), "{refused}");
    // None of it stands in the way of a beginning.
    let mut chain = Driven::over(node, builder);
    assert_eq!(process(&chain.node, 1, std::slice::from_ref(&tx)), ACCEPT);
    assert_eq!(prepare(&chain.node, 1, std::slice::from_ref(&tx), 1 << 20), vec![tx.clone()]);
    assert_eq!(chain.block(&[tx]).results[0].code, 0);
}

#[test]
fn blocks_of_another_height_are_refused_and_change_nothing() {
    let (_, builder) = genesis(1);
    let mut chain = Driven::new(builder.clone());
    chain.block(&[]);
    let before = chain.engine_returns();
    for height in [i64::MIN, -1, 0, 1, 3, i64::MAX] {
        assert_eq!(process(&chain.node, height, &[]), REJECT, "{height}");
        assert!(prepare(&chain.node, height, &[], 1 << 20).is_empty());
        let request = RequestFinalizeBlock { height, ..block(2, &[]) };
        let refused = ask(&chain.node, request::Value::FinalizeBlock(request)).unwrap_err();
        assert!(refused.contains("but 2 is next"), "{refused}");
        let refused = ask(&chain.node, request::Value::Commit(RequestCommit {})).unwrap_err();
        assert!(refused.contains("out of order"), "{refused}");
    }
    let again = GenesisDoc::read(&builder.build()).unwrap().init_chain().unwrap();
    let refused = ask(&chain.node, request::Value::InitChain(again)).unwrap_err();
    assert!(refused.contains("the chain has blocks already"), "{refused}");
    assert_eq!(chain.engine_returns(), before);
    chain.block(&[]);
}

#[test]
fn a_transaction_larger_than_allowed_is_in_no_mempool_and_no_proposal() {
    let (mut accounts, builder) = genesis(2);
    let mut chain = Driven::new(builder);
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let largest = 1 << 20;
    let mut draft = Draft::new(vec![send(&from, &to, 1)]).fee(0, 100_000_000);
    // As long as it takes to be one byte too large, whatever the varints before it need.
    draft.body.memo = "m".repeat(largest - draft.sign(&[&accounts[0]]).len() + 1);
    while draft.sign(&[&accounts[0]]).len() > largest + 1 {
        draft.body.memo.pop();
    }
    let tx = accounts[0].tx(draft);
    assert_eq!(tx.len(), largest + 1);
    let check = chain.check(&tx);
    assert_eq!((check.code, check.codespace.as_str()), (21, "sdk"), "{}", check.log);
    assert!(check.log.contains("has 1048577 bytes, at most 1048576 are allowed"), "{}", check.log);
    assert!(prepare(&chain.node, 1, std::slice::from_ref(&tx), 10 << 20).is_empty());
    assert_eq!(process(&chain.node, 1, std::slice::from_ref(&tx)), REJECT);
    // Decided all the same it fails, as everywhere.
    assert_eq!(chain.block(&[tx]).results[0].code, 21);
}

#[test]
fn a_proposal_has_no_more_bytes_than_asked_for_however_much_is_offered() {
    let (mut accounts, builder) = genesis(2);
    let chain = Driven::new(builder);
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let good: Vec<Vec<u8>> = (0..50).map(|_| accounts[0].tx(Draft::new(vec![send(&from, &to, 1)]))).collect();
    let mut offered: Vec<Vec<u8>> = (0..100_000u32).map(|n| n.to_be_bytes().to_vec()).collect();
    offered.splice(500..500, good.clone());
    // A transaction is a field of the block's data: two bytes of tag and length for one of more than 127 bytes, and itself.
    let size = |txs: &[Vec<u8>]| txs.iter().map(|tx| tx.len() + 3).sum::<usize>();
    assert_eq!(prepare(&chain.node, 1, &offered, 100 << 20), good);
    let half = size(&good[..25]);
    for (room, fits) in [(half, 25), (half - 1, 24), (size(&good[..1]) - 1, 0), (0, 0)] {
        assert_eq!(prepare(&chain.node, 1, &offered, room as i64), good[..fits], "{room}");
    }
    assert!(prepare(&chain.node, 1, &offered, -1).is_empty());
}

#[test]
fn blocks_over_the_chains_limits_are_rejected() {
    let (mut accounts, builder) = genesis(2);
    let chain = Driven::new(builder.param("block_bytes", 300_000).param("lane_bytes", 262_144));
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let payments = || Draft::new(vec![send(&from, &to, 1); 64]).fee(100, 100_000_000);
    let txs: Vec<Vec<u8>> = (0..50).map(|_| accounts[0].tx(payments())).collect();
    let bytes = |txs: &[Vec<u8>]| txs.iter().map(Vec::len).sum::<usize>();
    let fit = (0..50).rev().find(|count| bytes(&txs[..*count]) <= 300_000).unwrap();
    assert_eq!(process(&chain.node, 1, &txs[..fit]), ACCEPT);
    assert_eq!(process(&chain.node, 1, &txs[..fit + 1]), REJECT, "{} bytes", bytes(&txs[..fit + 1]));
    assert_eq!(process(&chain.node, 1, &[txs[0].clone(), txs[0].clone()]), REJECT, "twice the same");
    let proposal = prepare(&chain.node, 1, &txs, 100 << 20);
    assert_eq!(proposal, txs[..proposal.len()]);
    assert!(bytes(&proposal) <= 300_000 && proposal.len() + 1 >= fit, "{} of {fit}", proposal.len());
    assert_eq!(process(&chain.node, 1, &proposal), ACCEPT);
}

#[test]
fn what_this_application_does_not_serve_has_an_answer_that_says_so() {
    let node = Node::open(NodeConfig::default()).unwrap();
    use request::Value as Ask;
    use response::Value as Say;
    let vote = |extension: &'static [u8]| RequestVerifyVoteExtension {
        vote_extension: extension.into(),
        height: 1,
        ..Default::default()
    };
    let echo = ask(&node, Ask::Echo(RequestEcho { message: "bauta".into() })).unwrap();
    assert!(matches!(echo, Say::Echo(echo) if echo.message == "bauta"));
    assert!(matches!(ask(&node, Ask::Flush(RequestFlush {})), Ok(Say::Flush(_))));
    let extended = ask(&node, Ask::ExtendVote(RequestExtendVote::default()));
    assert!(matches!(extended, Ok(Say::ExtendVote(answer)) if answer.vote_extension.is_empty()));
    let verified = ask(&node, Ask::VerifyVoteExtension(vote(b"")));
    assert!(matches!(verified, Ok(Say::VerifyVoteExtension(answer)) if answer.status == ACCEPT));
    let verified = ask(&node, Ask::VerifyVoteExtension(vote(b"anything")));
    assert!(matches!(verified, Ok(Say::VerifyVoteExtension(answer)) if answer.status == REJECT));
    let listed = ask(&node, Ask::ListSnapshots(RequestListSnapshots {}));
    assert!(matches!(listed, Ok(Say::ListSnapshots(answer)) if answer.snapshots.is_empty()));
    let loaded = ask(&node, Ask::LoadSnapshotChunk(RequestLoadSnapshotChunk::default()));
    assert!(matches!(loaded, Ok(Say::LoadSnapshotChunk(answer)) if answer.chunk.is_empty()));
    // 2 is ABORT in both, which ends state sync; 0 would be an error of its own.
    let offered = ask(&node, Ask::OfferSnapshot(RequestOfferSnapshot::default()));
    assert!(matches!(offered, Ok(Say::OfferSnapshot(answer)) if answer.result == 2));
    let applied = ask(&node, Ask::ApplySnapshotChunk(RequestApplySnapshotChunk::default()));
    assert!(matches!(applied, Ok(Say::ApplySnapshotChunk(answer)) if answer.result == 2));
}
