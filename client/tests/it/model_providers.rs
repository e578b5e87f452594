//! A model provider through the life of a task.

use bauta_client::model_provider::{self, ModelProviderError};
use bauta_learning::trainers::Tensors;
use bauta_schema::training::v1::TaskStatus;

use crate::world::{settings, zeros, World};

#[tokio::test]
async fn a_trained_model_is_downloaded_compared_and_saved_as_safetensors() {
    let mut world = World::new(3, 2).await;
    world.run().await;
    let model = model_provider::download(&world.chain(), world.task, None).await.unwrap();
    assert_eq!(model.hash().to_vec(), world.task().model_hash);
    assert!(model.values().iter().any(|value| *value != 0));
    let file = world.homes[0].path().join("model.safetensors");
    model_provider::save(&model, &file).unwrap();
    let back = Tensors::from_safetensors(model.spec(), &std::fs::read(file).unwrap()).unwrap();
    assert_eq!(back, Tensors::from_model(&model));
    // Two updates and some partials for everybody: what was promised.
    for index in 0..3 {
        let rewards = model_provider::rewards(&world.chain(), &world.address(index)).await.unwrap();
        assert_eq!(rewards.rewards[0].updates, 2);
        assert_eq!(rewards.total, (2 * 50 + 20 * rewards.rewards[0].partials).to_string());
    }
}

#[tokio::test]
async fn a_task_that_the_chain_would_refuse_is_refused_for_every_reason_at_once() {
    let world = World::new(3, 1).await;
    let mut wrong = settings(3, 0);
    wrong.encoding.as_mut().unwrap().bits = 20;
    wrong.cohort.as_mut().unwrap().min_group = 2;
    let owner = world.node.signer(200);
    let error = model_provider::create(&world.chain(), &owner, wrong, zeros(), 1).await.unwrap_err();
    let ModelProviderError::Refused(reasons) = error else { panic!("{error}") };
    for part in ["rounds", "min_group", "budget"] {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
    assert_eq!(model_provider::list(&world.chain(), false).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_task_is_topped_up_by_anybody_and_cancelled_by_its_owner_alone() {
    let mut world = World::new(3, 5).await;
    let (owner, other) = (world.node.signer(200), world.node.signer(201));
    let chain = world.chain();
    model_provider::top_up(&chain, &other, world.task, 5_000).await.unwrap();
    assert_eq!(world.task().escrow.unwrap().deposited, "1000005000");
    let error = model_provider::cancel(&chain, &other, world.task).await.unwrap_err();
    assert_eq!(error.refused().map(|refused| refused.codespace.clone()).as_deref(), Some("training"));
    while world.task().finished_rounds < 2 {
        world.height().await;
    }
    model_provider::cancel(&chain, &owner, world.task).await.unwrap();
    world.run().await;
    assert_eq!(world.task().status(), TaskStatus::Cancelled);
    assert!(model_provider::list(&chain, true).await.unwrap().is_empty());
    assert!(world.node.lock().machine.verdicts.is_empty());
}

#[tokio::test]
async fn the_model_of_a_round_that_just_ended_is_waited_for_until_it_is_proven() {
    let mut world = World::new(3, 2).await;
    world.light_up();
    let before = world.task().model_hash;
    while world.task().model_hash == before {
        world.height().await;
    }
    // The headers prove the state of a block earlier, with the model of before.
    let ended = world.task().model_hash;
    let model = model_provider::download(&world.chain(), world.task, None).await.unwrap();
    assert_eq!(model.hash().to_vec(), ended);
}
