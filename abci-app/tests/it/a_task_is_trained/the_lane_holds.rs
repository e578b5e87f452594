//! Protocol messages reach a block however many transfers wait.

use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::RequestPrepareProposal;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protocol_messages_come_first_when_the_mempool_is_flooded() {
    let (mut chain, mut admin, mut owner, mut providers) = start();
    let contracts = install(&chain, &mut admin).await;
    let message = create(&owner);
    chain.ok(&mut owner, vec![message]).await;
    let ectx = Ectx::from_bytes(chain.epoch().await.epoch.unwrap().ectx.try_into().unwrap());
    let mut enrols = Vec::new();
    for provider in &mut providers {
        stand(&chain, &contracts, provider).await;
        let signed = provider.keys.enrol(&ectx, &provider.name(), &mut chain.rng);
        let message = pb::MsgEnrol {
            sender: provider.account.address(),
            task_id: 1,
            epoch: 1,
            body: signed.body_bytes(),
            signature: signed.signature.to_vec(),
        };
        let draft = Draft::new(vec![any(type_url::ENROL, &message)]).fee(0, 50_000_000);
        enrols.push(provider.account.tx(draft));
    }
    // Transfers of one account, more than a block takes, ahead of what the protocol awaits.
    let own = chain.idle.address();
    let transfers: Vec<Vec<u8>> = (0..200).map(|_| chain.idle.tx(Draft::new(vec![send(&own, &own, 1)]))).collect();
    let room = transfers.iter().take(100).map(Vec::len).sum::<usize>() as i64;
    let offered = transfers.iter().chain(&enrols).map(|tx| Bytes::from(tx.clone())).collect();
    let height = chain.client.abci_info().await.unwrap().last_block_height.value() as i64 + 1;
    let request = RequestPrepareProposal { txs: offered, max_tx_bytes: room, height, ..Default::default() };
    let proposal = chain._node.service().prepare_proposal(request).txs;
    assert!(proposal.len() > 50 && proposal.len() < 200);
    assert!(proposal.iter().map(|tx| tx.len() as i64).sum::<i64>() <= room);
    let first: Vec<Vec<u8>> = proposal.iter().take(enrols.len()).map(|tx| tx.to_vec()).collect();
    assert_eq!(first, enrols);
    // Behind them the transfers, in their order.
    for (given, chosen) in transfers.iter().zip(&proposal[enrols.len()..]) {
        assert_eq!(chosen.as_ref(), given.as_slice());
    }
}
