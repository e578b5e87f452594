//! Scoring that is refused when a task is created, with the numbers.

use super::{by_agreement, by_test, rows, scored};
use crate::world::{create, test_params, World, OWNER};
use bauta_learning::evaluate::TestSet;
use bauta_rounds::{estimate, scoring, Call};
use bauta_schema::training::v1 as pb;
use sha2::{Digest as _, Sha256};

#[track_caller]
fn refused(settings: pb::TaskSettings, test_set: Vec<u8>) -> String {
    let mut world = World::empty(0, 0);
    let message = pb::MsgCreateTask { test_set, ..create(settings) };
    let error = world.send(OWNER, Call::CreateTask(Box::new(message))).unwrap_err().error.to_string();
    assert!(world.blobs.0.is_empty());
    error
}

fn request(settings: pb::TaskSettings, test_set: Vec<u8>) -> pb::QueryEstimateRequest {
    pb::QueryEstimateRequest { settings: Some(settings), test_set, ..Default::default() }
}

#[test]
fn scoring_where_all_providers_make_one_group_is_refused_with_the_numbers() {
    let one = scored(9, 5, by_agreement());
    let said = "scoring compares groups, and max_providers 9 make 1 with group_size 5; let 10 enrol";
    let error = refused(one.clone(), Vec::new());
    assert!(error.contains(said), "{error}");
    let estimated = estimate(&test_params(), &request(one.clone(), Vec::new())).refusals;
    assert!(estimated.iter().any(|refusal| refusal.contains(said)), "{estimated:?}");
    // Without scoring the same task is accepted.
    let accepted = create(pb::TaskSettings { scoring: None, ..one });
    World::empty(0, 0).send(OWNER, Call::CreateTask(Box::new(accepted))).unwrap();
}

#[test]
fn settings_that_fit_no_test_set_are_refused() {
    let named = by_test(&rows(), 1);
    for (scoring, said) in [
        (pb::Scoring { rows: 0, ..named.clone() }, "scoring.rows is 0"),
        (pb::Scoring { rows: 6, ..named.clone() }, "it has 5 rows, but scoring.rows is 6"),
        (pb::Scoring { sensitivity: 0, ..named.clone() }, "scoring.sensitivity is 0; it must be 1 to 1000"),
        (pb::Scoring { sensitivity: 1001, ..named.clone() }, "scoring.sensitivity is 1001"),
        (pb::Scoring { test_set: vec![1; 31], ..named.clone() }, "a hash of 32 bytes, found 31"),
        (pb::Scoring { test_set: vec![1; 32], ..named.clone() }, "do not hash to what the settings name"),
        (pb::Scoring { test_set: Vec::new(), ..named.clone() }, "belong to a test set, and none is named"),
        (by_agreement(), "a test set came with the task, but its settings name none"),
    ] {
        let error = refused(scored(9, 3, scoring), rows().encode());
        assert!(error.contains(said), "{said}: {error}");
    }
    let error = refused(scored(9, 3, named), Vec::new());
    assert!(error.contains("its bytes are missing"), "{error}");
}

#[test]
fn rows_that_are_not_the_models_and_models_that_are_no_classifiers_are_refused() {
    let narrow = TestSet::new(3, 2, vec![1, 2, 3], vec![1]).unwrap();
    let error = refused(scored(9, 3, by_test(&narrow, 1)), narrow.encode());
    assert!(error.contains("has 3 features and 2 classes, but the model has 4 and 2"), "{error}");
    let mut settings = scored(9, 3, by_test(&rows(), 1));
    settings.model.as_mut().unwrap().tensors.truncate(1);
    let error = refused(settings, rows().encode());
    assert!(error.contains("neither softmax regression's"), "{error}");
    let mut broken = rows().encode();
    broken.pop();
    let mut scoring = by_test(&rows(), 1);
    scoring.test_set = Sha256::digest(&broken).to_vec();
    let error = refused(scored(9, 3, scoring), broken);
    assert!(error.contains("bytes after it, but"), "{error}");
}

#[test]
fn rows_that_fit_no_transaction_or_take_blocks_too_long_are_refused_with_the_numbers() {
    let many = pb::Scoring { rows: 30_000, ..by_test(&rows(), 1) };
    let estimated = estimate(&test_params(), &request(scored(9, 3, many), Vec::new())).refusals;
    let bytes = TestSet::encoded_len(4, 30_000);
    let said = format!("30000 rows are {bytes} bytes, {} fit in a transaction", scoring::MAX_INITIAL);
    assert!(estimated.iter().any(|refusal| refusal.contains(&said)), "{estimated:?}");
    let mut params = test_params();
    params.block_operations = 1000;
    let settings = scored(96, 3, pb::Scoring { rows: 20_000, ..by_test(&rows(), 1) });
    let estimated = estimate(&params, &request(settings.clone(), Vec::new()));
    let said = "scoring a round of 32 groups takes";
    assert!(estimated.refusals.iter().any(|refusal| refusal.contains(said)), "{:?}", estimated.refusals);
    assert!(estimated.score_blocks > scoring::MAX_BLOCKS);
    let fits = estimate(&test_params(), &request(settings, Vec::new()));
    assert!(!fits.refusals.iter().any(|refusal| refusal.contains(said)), "{:?}", fits.refusals);
    assert!((1..=scoring::MAX_BLOCKS).contains(&fits.score_blocks), "{}", fits.score_blocks);
}

#[test]
fn an_estimate_judges_a_test_set_that_comes_with_it() {
    let settings = scored(9, 3, by_test(&rows(), 1));
    let judge = |bytes: Vec<u8>| estimate(&test_params(), &request(settings.clone(), bytes)).refusals;
    assert_eq!(judge(rows().encode()), Vec::<String>::new());
    assert_eq!(judge(Vec::new()), Vec::<String>::new());
    assert!(judge(vec![1])[0].contains("do not hash"));
}
