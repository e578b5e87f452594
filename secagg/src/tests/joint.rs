//! The joint key and what is drawn with it.

use std::collections::BTreeSet;

use crate::context::{Ectx, Root, SettingsHash};
use crate::curve::{HashKind, Point};
use crate::deal::ShareKeys;
use crate::draw::Draw;
use crate::encoding::{Malformed, Slot};
use crate::interpolate::BadSeats;
use crate::joint::{combine, verify, Evaluation, EvaluationState, JointInput, JointKeys};
use crate::partition::{cut, groups};
use crate::rejection::{BadSignature, Refusal, Rejection};
use crate::seat::NotAnswered;
use crate::signature::{Body, Signed};
use crate::tests::world::{index, slot, World};
use k256::{ProjectivePoint, Scalar};
use proptest::prelude::*;

/// The slots of the dealers but some.
pub(crate) fn dealers(world: &World, without: &[usize]) -> Vec<Slot> {
    (0..world.deals.len()).filter(|i| !without.contains(i)).map(slot).collect()
}

pub(crate) fn joint_keys(world: &World, dealers: &[Slot]) -> JointKeys {
    let mut keys = JointKeys::new(world.seats.len());
    for slot in dealers {
        keys.add(&world.share_keys[slot.get() as usize - 1]).unwrap();
    }
    keys
}

pub(crate) fn input(world: &World, dealers: &[Slot]) -> JointInput {
    let members = world.roster.iter().filter(|(slot, _)| dealers.contains(slot));
    let members = members.map(|(slot, member)| (slot, member.clone())).collect();
    JointInput::partition(&world.ectx, &crate::parties::Roster::with_slots(members).unwrap().root())
}

pub(crate) fn evaluate(world: &World, k: usize, input: &JointInput, dealers: &[Slot]) -> Signed<Evaluation> {
    let mut rng = world.rng.clone();
    world.seat(k).evaluate(input, dealers, &world.shares[k], &mut rng).unwrap()
}

fn judge(
    world: &World,
    k: usize,
    input: &JointInput,
    dealers: &[Slot],
    signed: &Signed<Evaluation>,
) -> Result<(), Rejection> {
    let share_key = joint_keys(world, dealers).get(index(k));
    let state = EvaluationState {
        ectx: &world.ectx,
        input,
        address: &world.addresses[k],
        seat: index(k),
        v: &world.keys[k].public().v,
        share_key: share_key.as_ref(),
    };
    verify(&state, signed)
}

/// The value that only somebody with every dealer's secret could compute alone.
fn value(world: &World, input: &JointInput, dealers: &[Slot]) -> Point {
    let sum: Scalar = dealers.iter().map(|slot| *world.keys[slot.get() as usize - 1].x.scalar()).sum();
    Point::from_projective(&(input.base().projective() * sum)).unwrap()
}

#[test]
fn whichever_seats_answer_the_joint_key_has_one_value() {
    let world = World::new(7, 61);
    let dealers = dealers(&world, &[2]);
    let input = input(&world, &dealers);
    let mut answers = Vec::new();
    for k in 0..7 {
        let signed = evaluate(&world, k, &input, &dealers);
        judge(&world, k, &input, &dealers, &signed).unwrap();
        answers.push((index(k), signed.body.value));
    }
    let expected = value(&world, &input, &dealers);
    for seats in [[0, 1, 2, 3], [6, 2, 5, 0], [3, 4, 5, 6]] {
        assert_eq!(combine(&seats.map(|k| answers[k])), Ok(expected));
    }
    // One seat fewer gives something else.
    assert_ne!(combine(&answers[..3]), Ok(expected));
}

#[test]
fn a_ground_partition_needs_a_false_value_and_that_convicts() {
    let world = World::new(5, 62);
    let dealers = dealers(&world, &[]);
    let input = input(&world, &dealers);
    // The last seat to answer has seen all others, and tries values until it likes the partition.
    let honest = evaluate(&world, 4, &input, &dealers);
    let mut rng = world.rng.clone();
    for k in 1..20u64 {
        let mut body = honest.body.clone();
        body.value = Point::from_projective(&(body.value.projective() * Scalar::from(k + 1))).unwrap();
        let ground = world.keys[4].v.sign(&world.ectx, body, &mut rng);
        assert_eq!(
            judge(&world, 4, &input, &dealers, &ground),
            Err(Rejection::InvalidProof("the share of the joint key's value"))
        );
    }
    // It may stay silent; then others answer, and the value is the same.
    let answers =
        |seats: [usize; 3]| combine(&seats.map(|k| (index(k), evaluate(&world, k, &input, &dealers).body.value)));
    assert_eq!(answers([0, 1, 4]), answers([0, 1, 2]));
}

#[test]
fn no_input_is_evaluated_under_two_keys() {
    let world = World::new(5, 63);
    // A dealer is disqualified: another key, and another point that it is evaluated on.
    let (all, fewer) = (dealers(&world, &[]), dealers(&world, &[1]));
    let (first, second) = (input(&world, &all), input(&world, &fewer));
    assert_ne!(first.hash(), second.hash());
    assert_ne!(first.base(), second.base());
    // An answer for the one is refused for the other, without penalty: the seat was shown other dealers.
    let shown_others = evaluate(&world, 0, &second, &fewer);
    assert_eq!(judge(&world, 0, &first, &all, &shown_others), Err(Refusal::Input.into()));
    // Nor is the one key evaluated on the other's input.
    let mixed = evaluate(&world, 0, &first, &fewer);
    assert_eq!(judge(&world, 0, &first, &all, &mixed), Err(Refusal::ShareKeys.into()));
    // Kind, epoch, round and what is evaluated are part of the input, too.
    let (a, b) = (Root::from_bytes([1; 32]), Root::from_bytes([2; 32]));
    let other_epoch = Ectx::new("bauta-test", 7, 2, &SettingsHash::from_bytes([5; 32])).unwrap();
    let inputs = [
        JointInput::new(HashKind::Partition, &world.ectx, 0, &a, &a),
        JointInput::new(HashKind::Seats, &world.ectx, 0, &a, &a),
        JointInput::new(HashKind::Partition, &other_epoch, 0, &a, &a),
        JointInput::new(HashKind::Partition, &world.ectx, 1, &a, &a),
        JointInput::new(HashKind::Partition, &world.ectx, 0, &b, &a),
        JointInput::new(HashKind::Partition, &world.ectx, 0, &a, &b),
    ];
    let bases: BTreeSet<_> = inputs.iter().map(|input| input.base().to_bytes()).collect();
    assert_eq!(bases.len(), inputs.len());
}

#[test]
fn an_evaluation_copied_from_another_seat_or_epoch_is_not_the_copiers() {
    let world = World::new(5, 64);
    let dealers = dealers(&world, &[]);
    let input = input(&world, &dealers);
    let theirs = evaluate(&world, 1, &input, &dealers);
    assert_eq!(judge(&world, 0, &input, &dealers, &theirs), Err(BadSignature.into()));
    let mut rng = world.rng.clone();
    let mut copy = |change: &dyn Fn(&mut Evaluation)| {
        let mut body = theirs.body.clone();
        body.address = world.addresses[0].clone();
        change(&mut body);
        let signed = world.keys[0].v.sign(&world.ectx, body, &mut rng);
        judge(&world, 0, &input, &dealers, &signed).unwrap_err()
    };
    assert_eq!(copy(&|_| {}), Refusal::Seat { expected: 1, got: 2 }.into());
    assert_eq!(copy(&|body| body.seat = index(0)), Refusal::ShareKeys.into());
    let own = joint_keys(&world, &dealers).get(index(0)).unwrap();
    let invalid = Rejection::InvalidProof("the share of the joint key's value");
    assert_eq!(copy(&|body| (body.seat, body.share_key) = (index(0), own)), invalid);
}

#[test]
fn the_identity_is_no_share_of_a_joint_key() {
    let world = World::new(4, 65);
    let all = dealers(&world, &[]);
    let input = input(&world, &all);
    let mut bytes = evaluate(&world, 0, &input, &all).body.encode();
    let value_at = 22 + 4 + 32 + 33;
    bytes[value_at..value_at + 33].fill(0);
    assert_eq!(Evaluation::decode(&bytes), Err(Malformed::Point));
    // Two dealers whose share keys for a seat cancel leave it without a key: it cannot answer, and nobody is convicted.
    let negative = |keys: &ShareKeys| {
        let negate = |point: &Point| Point::from_projective(&-point.projective()).unwrap().to_bytes();
        ShareKeys::decode(&keys.iter().flat_map(negate).collect::<Vec<u8>>()).unwrap()
    };
    let mut keys = JointKeys::new(4);
    keys.add(&world.share_keys[0]).unwrap();
    keys.add(&negative(&world.share_keys[0])).unwrap();
    assert_eq!(keys.get(index(2)), None);
    let read = JointKeys::decode(&keys.encode()).unwrap();
    assert_eq!(read, JointKeys::new(4));
    assert_eq!(JointKeys::decode_one(&keys.encode(), index(2)), Ok(None));
    let signed = evaluate(&world, 2, &input, &all);
    let state = EvaluationState {
        ectx: &world.ectx,
        input: &input,
        address: &world.addresses[2],
        seat: index(2),
        v: &world.keys[2].public().v,
        share_key: None,
    };
    assert_eq!(verify(&state, &signed), Err(Refusal::ShareKeys.into()));
    // A joint key of zero has no value.
    let point = Point::GENERATOR;
    let minus = Point::from_projective(&-ProjectivePoint::GENERATOR).unwrap();
    // lambda_1 = 2, lambda_2 = -1.
    let twice = Point::from_projective(&ProjectivePoint::GENERATOR.double()).unwrap();
    assert_eq!(combine(&[(index(0), point), (index(1), twice)]), Err(BadSeats::Identity));
    assert!(combine(&[(index(0), point), (index(1), minus)]).is_ok());
    assert_eq!(combine(&[(index(0), point), (index(0), twice)]), Err(BadSeats::Twice(1)));
}

#[test]
fn a_seat_without_a_dealers_share_does_not_evaluate() {
    let mut world = World::new(4, 66);
    let all = dealers(&world, &[]);
    let input = input(&world, &all);
    world.shares[1].remove(&slot(3));
    let mut rng = world.rng.clone();
    let answer = world.seat(1).evaluate(&input, &all, &world.shares[1], &mut rng);
    assert_eq!(answer.unwrap_err(), NotAnswered::NoShare(4));
}

#[test]
fn fewer_than_t_seats_do_not_know_a_joint_keys_value() {
    // t - 1 seats and every public value are consistent with any value of the joint key: for each there is one more share
    // that interpolates to it.
    let world = World::new(5, 67);
    let dealers = dealers(&world, &[]);
    let input = input(&world, &dealers);
    let known: Vec<_> = (0..2).map(|k| (index(k), evaluate(&world, k, &input, &dealers).body.value)).collect();
    let truth = value(&world, &input, &dealers);
    let lambdas = crate::interpolate::Lagrange::new(&[index(0), index(1), index(4)]).unwrap().scalars();
    for candidate in [truth, Point::GENERATOR, *input.base()] {
        let rest = candidate.projective() - known[0].1.projective() * lambdas[0] - known[1].1.projective() * lambdas[1];
        let third = Point::from_projective(&(rest * lambdas[2].invert().unwrap())).unwrap();
        assert_eq!(combine(&[known[0], known[1], (index(4), third)]), Ok(candidate));
        let own = evaluate(&world, 4, &input, &dealers).body.value;
        assert_eq!(third == own, candidate == truth);
    }
}

fn some_input(tag: u8) -> JointInput {
    JointInput::partition(&Ectx::from_bytes([tag; 32]), &Root::from_bytes([7; 32]))
}

fn slots(n: usize) -> Vec<Slot> {
    (0..n).map(slot).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_partition_is_of_everybody_into_groups_of_g_to_2g_less_1_that_differ_by_at_most_one(
        n in 1usize..=1_000,
        g in 3usize..=40,
        tag in any::<u8>(),
    ) {
        let cut = cut(&some_input(tag), &Point::GENERATOR, &slots(n), g);
        prop_assert_eq!(cut.len(), groups(n, g));
        if n >= g {
            let sizes: Vec<_> = cut.iter().map(Vec::len).collect();
            prop_assert!(sizes.iter().all(|size| (g..2 * g).contains(size)), "{:?}", sizes);
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            let everybody: BTreeSet<_> = cut.iter().flatten().copied().collect();
            prop_assert_eq!(everybody, slots(n).into_iter().collect());
            prop_assert_eq!(cut.iter().map(Vec::len).sum::<usize>(), n);
        }
    }
}

#[test]
fn numbers_below_a_bound_are_uniform_however_the_bound_divides_2_to_the_64() {
    for (bound, seed) in [(3u64, 1u8), (7, 2), (10, 3), (255, 4)] {
        let mut draw = Draw::from_seed(&[seed; 32]);
        let mut counts = vec![0f64; bound as usize];
        let draws = 1_000 * bound;
        (0..draws).for_each(|_| counts[draw.below(bound) as usize] += 1.0);
        let chi_square: f64 = counts.iter().map(|count| (count - 1_000.0).powi(2) / 1_000.0).sum();
        let degrees = bound as f64 - 1.0;
        assert!((chi_square - degrees).abs() < 6.0 * (2.0 * degrees).sqrt(), "{bound}: {chi_square}");
    }
    // Of the words, a third is passed over for this bound: without that, small numbers would come twice as often.
    let bound = u64::MAX / 3 * 2 + 2;
    let mut draw = Draw::from_seed(&[9; 32]);
    let low = (0..3_000).filter(|_| draw.below(bound) < bound / 2).count();
    assert!((1_330..1_670).contains(&low), "{low}");
}

#[test]
fn two_dealers_share_a_group_as_often_as_chance_has_it() {
    // 12 dealers, 3 groups of 4: the probability is 3/11.
    let together = (0..=254u8)
        .flat_map(|tag| cut(&some_input(tag), &Point::GENERATOR, &slots(12), 4))
        .filter(|group| group.contains(&slot(0)) && group.contains(&slot(11)))
        .count();
    let (mean, deviation) = (255.0 * 3.0 / 11.0, (255.0f64 * 3.0 / 11.0 * 8.0 / 11.0).sqrt());
    assert!((together as f64 - mean).abs() < 5.0 * deviation, "{together} {mean}");
}
