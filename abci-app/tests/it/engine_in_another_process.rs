//! The server that CometBFT talks to, over TCP.

use abci_app::abci::{Server, READ_WINDOW};
use abci_app::genesis::GenesisDoc;
use abci_app::{Node, NodeConfig};
use tendermint_abci::{ClientBuilder, ServerBuilder};
use tendermint_proto::v0_38::abci::{RequestCheckTx, RequestInfo, RequestProcessProposal};

use crate::chain::{block, genesis, send, Draft};

#[test]
fn a_block_of_twenty_mebibytes_gets_a_defined_answer_over_tcp() {
    let (mut accounts, builder) = genesis(2);
    let node = Node::open(NodeConfig::default()).unwrap();
    let server = ServerBuilder::new(READ_WINDOW).bind("127.0.0.1:0", Server(node.service())).unwrap();
    let address = server.local_addr();
    std::thread::spawn(move || drop(server.listen()));
    let mut client = ClientBuilder::new(READ_WINDOW).connect(address).unwrap();

    assert_eq!(client.info(RequestInfo::default()).unwrap().last_block_height, 0);
    let doc = GenesisDoc::read(&builder.build()).unwrap();
    client.init_chain(doc.init_chain().unwrap()).unwrap();
    let (from, to) = (accounts[0].address(), accounts[1].address());
    let good = accounts[0].tx(Draft::new(vec![send(&from, &to, 3)]));
    assert_eq!(client.check_tx(RequestCheckTx { tx: good.clone().into(), r#type: 0 }).unwrap().code, 0);

    let mut txs = vec![good];
    txs.extend((0..20).map(|n| vec![n; 1 << 20]));
    let proposal = RequestProcessProposal { txs: block(1, &txs).txs, height: 1, ..Default::default() };
    let rejected = node.service().process_proposal(proposal).status;
    assert_eq!(rejected, 2, "a correct proposer makes no such block");
    // Decided all the same, it is executed: what is no transaction fails, the others do not.
    let answer = client.finalize_block(block(1, &txs)).unwrap();
    let codes: Vec<u32> = answer.tx_results.iter().map(|result| result.code).collect();
    assert_eq!(codes[0], 0);
    assert!(codes[1..].iter().all(|code| *code == 2));
    client.commit().unwrap();
    assert_eq!(client.info(RequestInfo::default()).unwrap().last_block_app_hash, answer.app_hash);
}
