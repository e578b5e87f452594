//! A node that lies: what it shows contradicts itself, and nothing secret follows, without any light client. These are the lies that
//! change one thing; `proven_lies` has those that make up whole records consistently.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use bauta_client::provider::ProviderError;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use bauta_secagg::enrol::ProviderKeys;
use prost::Message;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::world::World;

pub fn foreign_point() -> Vec<u8> {
    ProviderKeys::generate(&mut ChaCha20Rng::seed_from_u64(5)).public().x.to_bytes().to_vec()
}

/// Runs a task in which the node tells provider 0 one lie, from the first time that it applies; what provider 0 sent after that, and why
/// it did nothing.
async fn caught(method: &'static str, mut lie: impl FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> String {
    let mut world = World::new(4, 1).await;
    let (active, applied) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (is_active, note) = (Arc::clone(&active), Arc::clone(&applied));
    world.node.lock().machine.lie = Some(Box::new(move |path, answer| {
        if path != method || !is_active.load(Ordering::SeqCst) {
            return answer;
        }
        match lie(&answer) {
            Some(lied) => {
                note.store(true, Ordering::SeqCst);
                lied
            }
            None => answer,
        }
    }));
    for _ in 0..100 {
        let height = world.node.lock().height;
        for index in 1..4 {
            world.providers[index].as_mut().unwrap().step(height).await.unwrap();
        }
        let sent = world.node.lock().broadcasts;
        active.store(true, Ordering::SeqCst);
        let result = world.providers[0].as_mut().unwrap().step(height).await;
        active.store(false, Ordering::SeqCst);
        if applied.load(Ordering::SeqCst) {
            assert_eq!(world.node.lock().broadcasts, sent, "something was sent on a lie");
            let Err(error) = result else {
                // Not looked at yet.
                world.node.make_block();
                continue;
            };
            assert!(matches!(
                error,
                ProviderError::Inconsistent { .. } | ProviderError::Chain(_) | ProviderError::Record(_)
            ));
            return error.to_string();
        }
        result.unwrap();
        world.node.make_block();
    }
    panic!("the lie never applied");
}

fn round_in(phase: pb::RoundPhase, answer: &[u8]) -> Option<(pb::QueryRoundResponse, pb::Round)> {
    let response = pb::QueryRoundResponse::decode(answer).unwrap();
    let round = response.round.clone()?;
    (round.phase() == phase).then_some((response, round))
}

#[tokio::test]
async fn a_false_group_is_caught_before_anything_is_masked() {
    let error = caught("Round", |answer| {
        let (mut response, _) = round_in(pb::RoundPhase::Submit, answer)?;
        response.check_ins[1].point = foreign_point();
        Some(response.encode_to_vec())
    })
    .await;
    assert!(error.contains("a group") && error.contains("root"), "{error}");
}

#[tokio::test]
async fn a_false_key_of_a_member_is_caught_before_anything_is_masked() {
    let error = caught("Epoch", |answer| {
        let mut response = pb::QueryEpochResponse::decode(answer).unwrap();
        if response.epoch.as_ref().unwrap().phase() != pb::EpochPhase::Rounds {
            return None;
        }
        response.members[1].masking_key = foreign_point();
        Some(response.encode_to_vec())
    })
    .await;
    assert!(error.contains("another context"), "{error}");
}

#[tokio::test]
async fn false_seats_are_caught_before_anything_is_dealt() {
    let error = caught("Epoch", |answer| {
        let mut response = pb::QueryEpochResponse::decode(answer).unwrap();
        if response.epoch.as_ref().unwrap().phase() != pb::EpochPhase::Deal {
            return None;
        }
        response.seats[1].key = foreign_point();
        Some(response.encode_to_vec())
    })
    .await;
    assert!(error.contains("seats"), "{error}");
}

#[tokio::test]
async fn false_survivors_are_caught_before_a_seat_answers() {
    let error = caught("Round", |answer| {
        let (mut response, mut round) = round_in(pb::RoundPhase::Unmask, answer)?;
        round.survivors.pop();
        round.groups[0].survivors.pop();
        response.round = Some(round);
        Some(response.encode_to_vec())
    })
    .await;
    assert!(error.contains("survivors"), "{error}");
}

#[tokio::test]
async fn a_false_model_is_caught_before_it_is_trained() {
    let error = caught("Model", |answer| {
        let mut response = pb::QueryModelResponse::decode(answer).unwrap();
        *response.model.last_mut().unwrap() ^= 1;
        Some(response.encode_to_vec())
    })
    .await;
    assert!(error.contains("hash"), "{error}");
}

#[tokio::test]
async fn a_false_model_hash_is_caught_by_its_context() {
    let error = caught("Round", |answer| {
        let (mut response, mut round) = round_in(pb::RoundPhase::CheckIn, answer)?;
        round.model_hash[0] ^= 1;
        response.round = Some(round);
        Some(response.encode_to_vec())
    })
    .await;
    assert!(error.contains("another context"), "{error}");
}

#[tokio::test]
async fn settings_that_change_after_they_were_agreed_to_are_caught_even_with_their_hash() {
    let error = caught("Task", |answer| {
        let mut response = pb::QueryTaskResponse::decode(answer).unwrap();
        let (mut task, mut settings) = (response.task?, response.settings?);
        if task.round == 0 {
            return None;
        }
        settings.rounds += 1;
        task.settings_hash = pb::settings_hash(&settings).to_vec();
        response = pb::QueryTaskResponse { task: Some(task), settings: Some(settings) };
        Some(response.encode_to_vec())
    })
    .await;
    assert!(error.contains("another context") || error.contains("other settings"), "{error}");
}

#[tokio::test]
async fn a_deal_that_was_changed_on_its_way_leads_to_no_complaint() {
    let mut world = World::new(3, 1).await;
    world.node.lock().machine.lie = Some(Box::new(|path, answer| {
        if path != "Deals" {
            return answer;
        }
        let mut response = pb::QueryDealsResponse::decode(answer.as_slice()).unwrap();
        for deal in &mut response.deals {
            *deal.body.last_mut().unwrap() ^= 1;
        }
        response.encode_to_vec()
    }));
    for _ in 0..60 {
        let height = world.node.lock().height;
        for provider in world.providers.iter_mut().flatten() {
            let _ = provider.step(height).await;
        }
        world.node.make_block();
    }
    assert!(!world.node.lock().machine.received.contains_key(type_url::COMPLAIN));
}
