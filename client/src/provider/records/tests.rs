//! Records that were changed on disk.

#![allow(clippy::unwrap_used)]

use bauta_secagg::context::Rctx;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

use super::*;

type Read = fn(&EpochRecords) -> Result<(), RecordError>;

/// The files of an epoch and of a round of it, and how each is read.
const FILES: [(&str, Read); 13] = [
    ("keys", |epoch| epoch.keys().map(drop)),
    ("enrol", |epoch| epoch.enrolment().map(drop)),
    ("deal", |epoch| epoch.deal().map(drop)),
    ("shares", |epoch| epoch.shares().map(drop)),
    ("round-1/check_in", |epoch| epoch.round(1).check_in().map(drop)),
    ("round-1/update", |epoch| epoch.round(1).update(&[5; 32]).map(drop)),
    ("round-1/submission", |epoch| epoch.round(1).submission().map(drop)),
    ("round-1/answers", |epoch| epoch.round(1).answers().map(drop)),
    ("round-1/partial-1", |epoch| epoch.round(1).partial(1).map(drop)),
    ("round-1/numbers-2", |epoch| epoch.round(1).numbers(2).map(drop)),
    ("round-1/opening-1-2", |epoch| epoch.round(1).opening(1, 2).map(drop)),
    ("evaluation-seats-3", |epoch| epoch.evaluation(Purpose::Seats, 3).map(drop)),
    ("contribution", |epoch| epoch.contribution().map(drop)),
];

/// An epoch of which everything was written, and the content of each file.
fn written(home: &Path) -> (EpochRecords, Vec<Vec<u8>>) {
    let records = Records::open(home, "bauta-1", 1, Durability::Process).unwrap();
    let epoch = records.epoch(1);
    let message = StoredMessage { body: vec![1; 40], signature: vec![2; 64] };
    epoch.put_keys(&ProviderKeys::generate(&mut ChaCha20Rng::seed_from_u64(1))).unwrap();
    epoch.put_enrolment(&message).unwrap();
    epoch.put_deal(&message).unwrap();
    let share = || Share::from_bytes(&[3; 32]).unwrap();
    epoch.put_shares(&BTreeMap::from([((1, vec![1; 20]), share()), ((1, vec![2; 20]), share())])).unwrap();
    let round = epoch.round(1);
    round.put_check_in(&StoredCheckIn { weight: 3, message: Some(message.clone()) }).unwrap();
    round.put_update(&StoredUpdate { model_hash: [5; 32], values: Zeroizing::new(vec![1, -1, i64::MAX]) }).unwrap();
    round
        .put_submission(&StoredSubmission { header: Some(message.clone()), chunks: vec![vec![7; 30], vec![]] })
        .unwrap();
    round.put_answers(&AnswerRecord::new(&Rctx::from_bytes([4; 32]))).unwrap();
    round.put_partial(1, &message).unwrap();
    round.put_numbers(2, &message).unwrap();
    round.put_opening(1, 2, &message).unwrap();
    epoch.put_evaluation(Purpose::Seats, 3, &message).unwrap();
    epoch.put_contribution(&message).unwrap();
    let contents = FILES.iter().map(|(name, _)| std::fs::read(epoch.folder.join(name)).unwrap()).collect();
    (epoch, contents)
}

#[test]
fn a_record_that_was_changed_is_read_or_called_damaged_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let (epoch, contents) = written(home.path());
    for (name, read) in FILES {
        read(&epoch).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    let changes = prop::collection::vec(change, 1..4);
    proptest!(ProptestConfig::with_cases(200), |(bytes in prop::collection::vec(any::<u8>(), 0..120), changes in changes)| {
        for ((name, read), content) in FILES.iter().zip(&contents) {
            let mut mutated = content.clone();
            for (place, byte, kind) in &changes {
                let at = place.index(mutated.len().max(1)).min(mutated.len());
                match kind {
                    0 if at < mutated.len() => mutated[at] = *byte,
                    1 => mutated.insert(at, *byte),
                    2 if at < mutated.len() => drop(mutated.remove(at)),
                    _ => mutated.truncate(at),
                }
            }
            let file = epoch.folder.join(name);
            for content in [&bytes, &mutated] {
                std::fs::write(&file, content).unwrap();
                match read(&epoch) {
                    Ok(()) => {}
                    Err(RecordError::Damaged { file: named, what }) => {
                        prop_assert_eq!(&named, &file);
                        prop_assert!(!what.is_empty());
                    }
                    Err(other) => prop_assert!(false, "{}: {}", name, other),
                }
            }
        }
    });
}

#[test]
fn a_secret_of_another_length_is_damaged_and_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let records = Records::open(home.path(), "bauta-1", 1, Durability::Process).unwrap();
    proptest!(ProptestConfig::with_cases(50), |(bytes in prop::collection::vec(any::<u8>(), 0..70))| {
        let file = records.folder.join("secret");
        std::fs::write(&file, &bytes).unwrap();
        let read = records.secret(&mut ChaCha20Rng::seed_from_u64(1));
        prop_assert_eq!(read.is_ok(), bytes.len() == 32);
        let is_known = matches!(read, Ok(_) | Err(RecordError::Damaged { .. }));
        prop_assert!(is_known);
        prop_assert_eq!(std::fs::read(&file).unwrap(), bytes);
    });
}
