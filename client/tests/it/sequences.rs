//! Sequences with several transactions on their way, and what happens when answers are lost.

use bauta_client::chain::{messages, Chain, ChainError, Coin, Fee, Signer};

use crate::mock::{Fault, Idle, MockNode};

fn message(signer: &Signer) -> Vec<cosmrs::Any> {
    vec![messages::send(signer.address(), signer.address(), &[Coin::new(1, "ubauta")])]
}

async fn send(chain: &Chain, signer: &Signer) -> Result<bauta_client::chain::Sent, ChainError> {
    chain.send(signer, &message(signer), Fee::Gas(100_000), "").await
}

#[tokio::test]
async fn several_transactions_of_one_account_share_a_block() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(send(&chain, &signer).await.unwrap());
    }
    let mut heights = Vec::new();
    for one in &sent {
        heights.push(chain.confirm(one).await.unwrap().success().unwrap().height);
    }
    assert_eq!(heights, [2; 5]);
    assert_eq!(node.lock().broadcasts, 5);
}

#[tokio::test]
async fn a_count_that_fell_behind_is_read_again() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    send(&chain, &signer).await.unwrap();
    // Somebody else signs with the same key.
    let other = node.signer(1);
    for (index, one) in [&other, &signer, &other].into_iter().enumerate() {
        let memo = format!("note {index}");
        chain.send(one, &message(one), Fee::Gas(100_000), &memo).await.unwrap();
    }
    node.make_block();
    assert_eq!(node.lock().committed[signer.address()], 4);
}

#[tokio::test]
async fn a_transaction_whose_answer_was_lost_is_sent_again_as_the_same_bytes() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    node.lock().faults.extend([Fault::AnswerLost, Fault::NotReached]);
    let sent = send(&chain, &signer).await.unwrap();
    assert_eq!(chain.confirm(&sent).await.unwrap().height, 2);
    assert_eq!(node.lock().committed[signer.address()], 1);
}

#[tokio::test]
async fn what_arrived_while_every_answer_was_lost_is_not_paid_again() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    // More lost answers than a broadcast has tries: a block with the transaction is made before the node is heard again.
    node.lock().faults.push_back(Fault::AnswerLost);
    node.lock().faults.extend([Fault::NotReached; 7]);
    let sent = send(&chain, &signer).await.unwrap();
    assert_eq!(chain.confirm(&sent).await.unwrap().height, 2);
    node.make_block();
    assert_eq!(node.lock().committed[signer.address()], 1);
}

#[tokio::test]
async fn a_node_that_takes_a_payment_and_denies_it_gets_no_second_one() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    node.lock().faults.push_back(Fault::Denied);
    let sent = send(&chain, &signer).await.unwrap();
    assert_eq!(chain.confirm(&sent).await.unwrap().height, 2);
    assert_eq!(node.lock().seen, [0]);
}

#[tokio::test]
async fn a_node_that_hoards_payments_gets_one_however_often_it_asks_for_another_sequence() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    node.lock().faults.extend([Fault::Hoarded; 40]);
    let error = send(&chain, &signer).await.unwrap_err();
    assert!(error.refused().unwrap().is_wrong_sequence(), "{error}");
    assert!(node.lock().seen.iter().all(|sequence| *sequence == 0), "{:?}", node.lock().seen);
}

#[tokio::test]
async fn a_payment_that_may_have_arrived_is_named_when_the_node_stays_away() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    node.lock().faults.extend([Fault::NotReached; 100]);
    let error = send(&chain, &signer).await.unwrap_err();
    let ChainError::Unknown { hash, until, .. } = &error else { panic!("{error}") };
    assert!(*until >= 6, "valid for the five blocks of the settings' patience: {until}");
    assert!(error.to_string().contains(&format!("bauta tx show {hash}")), "{error}");
}

#[tokio::test]
async fn a_full_mempool_is_waited_for() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    node.lock().faults.extend([Fault::Full, Fault::Full]);
    let sent = send(&chain, &signer).await.unwrap();
    assert!(chain.confirm(&sent).await.unwrap().refused.is_none());
    assert!(node.lock().height >= 3);
}

#[tokio::test]
async fn a_transaction_that_disappears_is_reported_and_the_next_one_goes_through() {
    let node = MockNode::new(Idle);
    let (chain, signer) = (node.chain(), node.signer(1));
    node.lock().faults.push_back(Fault::Dropped);
    let lost = chain.execute(&signer, &message(&signer), Fee::Gas(1), "").await;
    assert!(matches!(lost, Err(ChainError::Lost { blocks: 5, .. })), "{lost:?}");
    chain.execute(&signer, &message(&signer), Fee::Gas(1), "").await.unwrap();
}

#[tokio::test]
async fn an_account_that_the_chain_does_not_know_is_an_error_with_its_address() {
    let node = MockNode::new(Idle);
    let signer = node.signer(1);
    node.lock().committed.clear();
    let error = send(&node.chain(), &signer).await.unwrap_err();
    assert!(error.to_string().contains(signer.address()), "{error}");
}

#[tokio::test]
async fn a_query_that_the_chain_refuses_carries_codespace_code_and_sentence() {
    let node = MockNode::new(Idle);
    let error = node.chain().task(3).await.unwrap_err();
    let refused = error.refused().unwrap();
    assert!(refused.is("training", 6));
    assert!(error.to_string().contains("unknown query path"), "{error}");
}
