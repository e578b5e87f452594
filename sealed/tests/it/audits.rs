//! What a juror finds out, and what it does not accept.

use bauta_sealed::audit::tree::{drawn, verify as verify_row, Row, RowShape, Tree, TreeError};
use bauta_sealed::audit::{commitment, verify, AuditError, Claim, Opening};
use bauta_sealed::submission::SubmissionError;
use bauta_sealed::{Limbs, Parameters, Shape};

use crate::stage::{shape, Numbers, Stage, ROUND};

const ROWS: RowShape = RowShape { width: 6, vectors: 2, feature_bound: 64, target_bound: 32, target_shift: 10 };

fn rows(numbers: &mut Numbers, count: usize) -> Vec<Row> {
    let row = |_| Row { features: numbers.many(6, 64), targets: numbers.many(2, 32) };
    (0..count).map(row).collect()
}

#[test]
fn an_honest_opening_reproduces_the_submission_and_every_other_is_found_out() {
    let bounds = Shape { matrix_bound: 1 << 18, target_bound: 1 << 30, ..shape(6, 2, 8) };
    let mut stage = Stage::new(Parameters::n8192(3).unwrap(), bounds, 31);
    let rows = rows(&mut stage.numbers, 13);
    let seed = stage.numbers.seed();
    let tree = Tree::new(ROWS, &rows, &seed).unwrap();
    let statistics = tree.sums().statistics(&ROWS);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let sent = stage.submission(&model, &statistics, &seed);
    let opening = Opening { statistics, seed: seed.clone(), root: tree.root() };
    let committed = commitment(&stage.plan, &ROUND, b"provider 1", &opening);
    let judge = |opening: &Opening, provider: &[u8], submission: &Limbs| {
        let claim = Claim { provider, commitment: &committed, submission };
        verify(&stage.scheme, &stage.plan, &stage.keys, &model, &ROUND, opening, claim)
    };
    judge(&opening, b"provider 1", &sent).unwrap();
    let read = Opening::from_bytes(&stage.plan, &opening.to_bytes()).unwrap();
    judge(&read, b"provider 1", &sent).unwrap();

    // One unit in one sum, another seed, another root, another provider's commitment.
    let mut other = opening.clone();
    other.statistics.matrix[7] += 1;
    assert_eq!(judge(&other, b"provider 1", &sent), Err(AuditError::Commitment));
    let other = Opening { seed: bauta_sealed::Seed::from_bytes([1; 32]), ..opening.clone() };
    assert_eq!(judge(&other, b"provider 1", &sent), Err(AuditError::Commitment));
    let other = Opening { root: [1; 32], ..opening.clone() };
    assert_eq!(judge(&other, b"provider 1", &sent), Err(AuditError::Commitment));
    assert_eq!(judge(&opening, b"provider 2", &sent), Err(AuditError::Commitment));

    // One unit in one limb of what was sent.
    let mut values = sent.polynomials().map(<[u64]>::to_vec);
    values[1][5] ^= 1;
    let other = Limbs::new(stage.plan.parameters(), values).unwrap();
    assert_eq!(judge(&opening, b"provider 1", &other), Err(AuditError::Submission));
}

#[test]
fn an_opening_beyond_the_tasks_bounds_is_found_out_though_it_was_committed_to() {
    let mut stage = Stage::new(Parameters::n8192(3).unwrap(), Shape { matrix_bound: 1 << 12, ..shape(6, 1, 8) }, 32);
    let weights = stage.weights();
    let model = stage.model(&weights);
    let mut statistics = stage.statistics();
    statistics.matrix[0] = 1 << 20;
    let opening = Opening { statistics, seed: stage.numbers.seed(), root: [0; 32] };
    let committed = commitment(&stage.plan, &ROUND, b"p", &opening);
    let sent = Limbs::zero(stage.plan.parameters());
    let claim = Claim { provider: b"p", commitment: &committed, submission: &sent };
    let refused = verify(&stage.scheme, &stage.plan, &stage.keys, &model, &ROUND, &opening, claim);
    assert!(matches!(refused, Err(AuditError::Sums(SubmissionError::Bound { place: 0, .. }))), "{refused:?}");
    assert!(matches!(Opening::from_bytes(&stage.plan, &[0; 99]), Err(AuditError::Length { .. })));
}

#[test]
fn every_row_of_trees_of_every_size_leads_to_the_sums() {
    let mut numbers = Numbers(33);
    let seed = numbers.seed();
    for count in 1..=17 {
        let rows = rows(&mut numbers, count);
        let tree = Tree::new(ROWS, &rows, &seed).unwrap();
        let statistics = tree.sums().statistics(&ROWS);
        for (i, j) in [(0, 0), (2, 5), (5, 2)] {
            let expected: i64 = rows.iter().map(|row| row.features[i] * row.features[j]).sum();
            assert_eq!(statistics.matrix[i * 6 + j], expected);
        }
        let expected: i64 = rows.iter().map(|row| (row.targets[1] * row.features[3]) << 10).sum();
        assert_eq!(statistics.targets[6 + 3], expected);
        for place in 0..count {
            let proof = tree.prove(place).unwrap();
            assert!(proof.siblings.len() <= count.next_power_of_two().ilog2() as usize);
            verify_row(&ROWS, &tree.root(), count, &statistics, &proof).unwrap();
        }
        assert_eq!(tree.prove(count), Err(TreeError::Place { row: count, rows: count }));
    }
}

#[test]
fn a_row_that_is_not_its_leaf_or_leads_elsewhere_is_refused() {
    let mut numbers = Numbers(34);
    let seed = numbers.seed();
    let rows = rows(&mut numbers, 11);
    let tree = Tree::new(ROWS, &rows, &seed).unwrap();
    let statistics = tree.sums().statistics(&ROWS);
    let proof = tree.prove(4).unwrap();
    let judge = |proof: &_, count, statistics: &_| verify_row(&ROWS, &tree.root(), count, statistics, proof);
    judge(&proof, 11, &statistics).unwrap();

    let mut other = proof.clone();
    other.row.features[0] = -other.row.features[0] + 1;
    assert_eq!(judge(&other, 11, &statistics), Err(TreeError::Root(4)));
    let mut other = proof.clone();
    other.salt[0] ^= 1;
    assert_eq!(judge(&other, 11, &statistics), Err(TreeError::Root(4)));
    let other = bauta_sealed::audit::tree::RowProof { place: 5, ..proof.clone() };
    assert_eq!(judge(&other, 11, &statistics), Err(TreeError::Root(5)));
    let mut other = proof.clone();
    other.siblings.pop();
    assert_eq!(judge(&other, 11, &statistics), Err(TreeError::Proof(4)));
    let mut other = proof.clone();
    other.siblings.swap(0, 1);
    assert_eq!(judge(&other, 11, &statistics), Err(TreeError::Proof(4)));
    // The tree has 11 rows, whatever its owner says.
    assert_eq!(judge(&proof, 12, &statistics), Err(TreeError::Proof(4)));
    let mut sums = statistics.clone();
    sums.targets[2] += 1;
    assert_eq!(judge(&proof, 11, &sums), Err(TreeError::Sums));
    let mut other = proof.clone();
    other.row.features[1] = 65;
    assert_eq!(judge(&other, 11, &statistics), Err(TreeError::Bound { row: 4, value: 65, bound: 64 }));
}

/// The one-row attack: a row of a hundred times the weight. Its leaf would say so.
#[test]
fn rows_beyond_their_bound_make_no_tree() {
    let mut numbers = Numbers(35);
    let seed = numbers.seed();
    let mut rows = rows(&mut numbers, 3);
    rows[2].targets[1] = 33;
    assert_eq!(Tree::new(ROWS, &rows, &seed).err(), Some(TreeError::Bound { row: 2, value: 33, bound: 32 }));
    rows[2].targets.pop();
    assert!(matches!(Tree::new(ROWS, &rows, &seed).err(), Some(TreeError::Shape { row: 2, targets: 1, .. })));
    let wide = RowShape { feature_bound: u64::MAX, target_bound: u64::MAX, ..ROWS };
    rows[2] = Row { features: vec![i64::MAX; 6], targets: vec![0; 2] };
    assert_eq!(Tree::new(wide, &rows, &seed).err(), Some(TreeError::Overflow));
    assert!(matches!(Tree::new(ROWS, &[], &seed).err(), Some(TreeError::Rows(0))));
}

#[test]
fn drawn_rows_follow_from_the_beacon_and_reach_every_place() {
    let draws = drawn(&[9; 32], 10, 200);
    assert_eq!(draws, drawn(&[9; 32], 10, 200));
    assert_ne!(draws, drawn(&[8; 32], 10, 200));
    assert!((0..10).all(|place| draws.contains(&place)) && draws.iter().all(|&place| place < 10));
}
