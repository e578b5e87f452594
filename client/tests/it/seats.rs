//! Seats whose homes are copied or lost, whose node forgets or begins again: none answers otherwise than it did.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use bauta_client::provider::{Event, Progress, ProviderError};
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_secagg::proof::Transcript;
use bauta_secagg::seat::AnswerRecord;
use bauta_secagg::signature::Body;
use bauta_secagg::unmask::{MaskKind, Partial};
use cosmrs::proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use prost::Message;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::mock::Fault;
use crate::world::{Shared, World};

const N: usize = 4;

/// A record of a round: an answer's name ends with its seat, of which everybody holds one here.
fn file_of(folder: &Path, name: &str) -> PathBuf {
    let of_seat = |seat| folder.join(format!("{name}-{seat}"));
    (1..=N).map(of_seat).find(|path| path.exists()).unwrap_or_else(|| folder.join(name))
}

fn round(world: &World) -> pb::Round {
    match world.task().round {
        0 => pb::Round::default(),
        number => world.node.lock().machine.round(world.task, number).round.unwrap(),
    }
}

/// Heights until the seats are asked.
async fn until_unmask(world: &mut World) {
    for _ in 0..100 {
        if round(world).phase() == pb::RoundPhase::Unmask {
            return;
        }
        world.height().await;
    }
    panic!("the seats were never asked");
}

/// What a provider's seat sent in the first round: each different body once.
fn sent(world: &World, index: usize) -> Vec<Partial> {
    let bodies = world.node.lock().machine.partials.get(&(world.address(index), 1)).cloned().unwrap_or_default();
    bodies.iter().map(|body| Partial::decode(body).unwrap()).collect()
}

async fn step(world: &mut World, index: usize) -> Result<Progress, ProviderError> {
    let height = world.node.lock().height;
    world.providers[index].as_mut().unwrap().step(height).await
}

/// Steps one provider alone, a block after each, until its answer was sent.
async fn until_sent(world: &mut World, index: usize) {
    for _ in 0..6 {
        step(world, index).await.unwrap();
        world.node.make_block();
        if !sent(world, index).is_empty() {
            return;
        }
    }
    panic!("the seat did not answer");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn unmask_in(params: &serde_json::Value) -> Option<pb::MsgUnmask> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(params["tx"].as_str()?).ok()?;
    let body = TxBody::decode(TxRaw::decode(bytes.as_slice()).ok()?.body_bytes.as_slice()).ok()?;
    let message = body.messages.iter().find(|message| message.type_url == type_url::UNMASK)?;
    pb::MsgUnmask::decode(message.value.as_slice()).ok()
}

#[tokio::test]
async fn what_a_seat_answered_is_on_disk_before_it_leaves_the_machine() {
    let mut world = World::new(N, 1).await;
    let homes: Vec<(String, PathBuf)> =
        (0..N).map(|index| (world.address(index), world.records(index).join("epoch-1/round-1"))).collect();
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let note = Arc::clone(&seen);
    world.node.lock().rpc_lie = Some(Box::new(move |method, params, answer| {
        if let Some(message) = (method == "broadcast_tx_sync").then(|| unmask_in(params)).flatten() {
            let (_, folder) = homes.iter().find(|(address, _)| *address == message.sender).unwrap();
            let stored = std::fs::read(file_of(folder, "partial")).expect("the answer is on disk");
            assert_eq!(pb::SignedBody::decode(stored.as_slice()).unwrap().body, message.body);
            let record = std::fs::read(folder.join("answers")).expect("the record is on disk");
            AnswerRecord::decode(&record).unwrap();
            note.lock().unwrap().insert(message.sender);
        }
        answer
    }));
    world.run().await;
    assert!(seen.lock().unwrap().len() >= 3, "{seen:?}");
}

#[tokio::test]
async fn a_seat_waits_for_the_header_after_the_block_in_which_survivors_became_final() {
    let mut world = World::new(N, 1).await;
    world.light_up();
    until_unmask(&mut world).await;
    let final_at = round(&world).phase_height;
    assert_eq!(world.node.lock().height, final_at);
    for index in 0..N {
        step(&mut world, index).await.unwrap();
        assert!(sent(&world, index).is_empty(), "provider {index} answered before the next header");
    }
    world.node.make_block();
    step(&mut world, 0).await.unwrap();
    assert_eq!(sent(&world, 0).len(), 1);
}

#[tokio::test]
async fn a_second_copy_of_a_seat_answers_alike() {
    let mut world = World::new(N, 1).await;
    world.light_up();
    while round(&world).phase() != pb::RoundPhase::CheckIn {
        world.height().await;
    }
    // A copy from before anything of the round was written.
    let home = tempfile::tempdir().unwrap();
    copy(world.homes[0].path(), home.path());
    until_unmask(&mut world).await;
    let mut second = world.open_at(0, home.path()).unwrap();
    world.node.make_block();
    let height = world.node.lock().height;
    step(&mut world, 0).await.unwrap();
    drop(second.step(height).await);
    let answers = sent(&world, 0);
    assert_eq!(answers.len(), 2, "both copies answer, each with a proof of its own");
    let [first, second_answer] = &answers[..] else { unreachable!() };
    assert_eq!(first.request_root, second_answer.request_root);
    assert_eq!(first.request_root.as_bytes()[..], round(&world).request_root[..]);
    assert_eq!(first.share_keys_root, second_answer.share_keys_root);
    assert_eq!(first.entries, second_answer.entries);
    // Two proofs of one statement with one nonce and two challenges would open the share.
    for (a, b) in first.proofs.iter().zip(&second_answer.proofs) {
        assert_ne!(a.commitment, b.commitment);
        assert_ne!(a.response, b.response);
    }
    drop(second);
    world.run().await;
    assert_eq!(world.survivors(), [[0, 1, 2, 3]]);
    assert!(world.node.lock().machine.offences().is_empty());
}

#[test]
fn the_nonce_of_a_proof_follows_from_its_statement_as_well_as_from_randomness() {
    let secret = k256::Scalar::from(11u64);
    let nonce = |statement: u8, randomness: u64| {
        let transcript = Transcript::new("unmask", &[statement; 32]);
        transcript.nonce(&secret, 0, &mut ChaCha20Rng::seed_from_u64(randomness)).public()
    };
    // A copy of a machine that draws the same randomness again proves the same again, and never another statement with one nonce.
    assert_eq!(nonce(1, 5), nonce(1, 5));
    assert_ne!(nonce(1, 5), nonce(2, 5));
    assert_ne!(nonce(1, 5), nonce(1, 6));
}

#[tokio::test]
async fn a_seat_whose_record_is_gone_reads_what_the_chain_has_before_it_answers() {
    let mut world = World::new(N, 1).await;
    world.light_up();
    until_unmask(&mut world).await;
    until_sent(&mut world, 0).await;
    // The next header commits to the block that holds the answer.
    world.node.make_block();
    world.providers[0] = None;
    std::fs::remove_dir_all(world.records(0).join("epoch-1/round-1")).unwrap();
    world.restart(0);
    // The node hides the answer; a proof does not.
    world.node.lock().machine.lie = Some(Box::new(|path, answer| {
        if path != "Round" {
            return answer;
        }
        let mut response = pb::QueryRoundResponse::decode(answer.as_slice()).unwrap();
        response.partials.clear();
        response.encode_to_vec()
    }));
    for _ in 0..3 {
        step(&mut world, 0).await.unwrap();
        world.node.make_block();
    }
    assert_eq!(sent(&world, 0).len(), 1);
    let events = world.events.lock().unwrap();
    let why = "the chain has this seat's answer to round 1 of this provider and its record is not on this disk";
    let sat_out = |event: &Event| matches!(event, Event::SatOut { why: said, .. } if said.contains(why));
    assert!(events.iter().any(|(index, event)| *index == 0 && sat_out(event)), "{events:?}");
}

/// The chain begins again from genesis under its old id, with the old providers, and provider 3 submits nothing this time: what is asked
/// about it is the other kind. Provider 0 has answered in the first history; `lost` of its records are gone.
async fn in_a_second_history(lost: &[&str]) -> (World, Result<(), ProviderError>) {
    struct Silent;
    impl bauta_client::provider::Behaviour for Silent {
        fn submits(&self, _: u64) -> bool {
            false
        }
    }
    let mut first = World::new(N, 1).await;
    until_unmask(&mut first).await;
    until_sent(&mut first, 0).await;
    assert!(sent(&first, 0)[0].entries.iter().all(|entry| entry.asked.kind() == MaskKind::SelfMask));
    first.providers.clear();

    let honest = || Shared(Arc::new(bauta_client::provider::Honest));
    let mut world = World::with(vec![honest(), honest(), honest(), Shared(Arc::new(Silent))], 1).await;
    for index in 0..N {
        copy(first.homes[index].path(), world.homes[index].path());
        world.restart(index);
    }
    until_unmask(&mut world).await;
    assert_eq!(world.node.lock().machine.round(1, 1).headers.len(), 3);
    world.providers[0] = None;
    for name in lost {
        std::fs::remove_file(file_of(&world.records(0).join("epoch-1/round-1"), name)).unwrap();
    }
    world.restart(0);
    world.node.make_block();
    let outcome = step(&mut world, 0).await.map(drop);
    (world, outcome)
}

#[tokio::test]
async fn a_chain_that_began_again_with_another_history_gets_no_second_answer() {
    let (mut world, outcome) = in_a_second_history(&[]).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("differ from those that this seat answered for"), "{error}");
    assert!(sent(&world, 0).is_empty());
    // The others go on without it.
    for _ in 0..20 {
        for index in 1..N {
            step(&mut world, index).await.unwrap();
        }
        world.node.make_block();
    }
    assert_eq!(world.node.lock().machine.round(1, 1).round.unwrap().phase(), pb::RoundPhase::Finished);
    assert!(sent(&world, 0).is_empty());
}

#[tokio::test]
async fn the_record_of_whom_a_seat_answered_for_refuses_the_other_kind_without_the_answer_itself() {
    let (world, outcome) = in_a_second_history(&["partial"]).await;
    outcome.unwrap();
    assert!(sent(&world, 0).is_empty());
    let events = world.events.lock().unwrap();
    let why = "was answered for with the other kind of mask in this round";
    let sat_out = |event: &Event| matches!(event, Event::SatOut { why: said, .. } if said.contains(why));
    assert!(events.iter().any(|(index, event)| *index == 0 && sat_out(event)), "{events:?}");
}

/// What the two tests above rest on: with both records gone the seat gives the other kind, which with the first answer opens an update.
#[tokio::test]
async fn only_its_records_keep_a_seat_from_answering_a_second_history() {
    let (world, outcome) = in_a_second_history(&["partial", "answers"]).await;
    outcome.unwrap();
    assert!(sent(&world, 0)[0].entries.iter().any(|entry| entry.asked.kind() == MaskKind::Edge));
}

#[tokio::test]
async fn a_node_that_was_synchronised_from_a_snapshot_gets_the_same_bytes_again() {
    let mut world = World::new(N, 1).await;
    world.light_up();
    until_unmask(&mut world).await;
    world.node.make_block();
    // The answer reaches a node, which is replaced by one that has the state and neither mempool nor history.
    world.node.lock().faults.push_back(Fault::Dropped);
    step(&mut world, 0).await.unwrap();
    let first = sent(&world, 0);
    assert_eq!(first.len(), 1);
    {
        let mut node = world.node.lock();
        let last = node.height;
        node.blocks.clear();
        node.states.retain(|height, _| height + 1 >= last);
    }
    world.restart(0);
    world.node.make_block();
    let before = world.node.lock().broadcasts;
    step(&mut world, 0).await.unwrap();
    assert!(world.node.lock().broadcasts > before, "it is sent again");
    assert_eq!(sent(&world, 0), first);
    world.run().await;
    assert_eq!(world.survivors(), [[0, 1, 2, 3]]);
}
