//! Scores of groups, and rewards by them.

use bauta_learning::combine::{Combination, CombineError, GroupSum, PassError, SurveyError};
use bauta_learning::evaluate::{Classifier, TestSet};
use bauta_learning::fixed::{Fixed, MAX, ONE};
use bauta_learning::optimiser::{Optimiser, State};
use bauta_learning::recipes::{digits_softmax, Recipe};
use bauta_learning::score::{can_leave_one_out, factor, leave_one_out, shares, usefulness, without, Agreement};
use bauta_learning::trainers::{train, Tensors};
use num_bigint::{BigInt, BigUint};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::combining::reference::{self, sums, Group};

fn scores(groups: &[Group], scale_bits: u32) -> Vec<i64> {
    let mut agreement = Agreement::new(groups.len(), groups[0].0.len() as u64, scale_bits).unwrap();
    agreement.add(0, &sums(groups)).unwrap();
    agreement.scores().unwrap().into_iter().map(Fixed::to_bits).collect()
}

fn values() -> impl Strategy<Value = i64> {
    prop_oneof![3 => -20i64..20, 3 => -(1i64 << 45)..(1 << 45), 1 => any::<i64>(), 1 => prop::sample::select(vec![i64::MIN, i64::MAX])]
}

fn groups() -> impl Strategy<Value = Vec<Group>> {
    (1usize..8, 1usize..8)
        .prop_flat_map(|(count, length)| vec((vec(values(), length), prop_oneof![1u64..300, 1u64..(1 << 40)]), count))
}

proptest! {
    #[test]
    fn agreement_is_the_cosine_with_the_median(groups in groups(), scale_bits in 0u32..=32) {
        let means = reference::means(&groups, scale_bits);
        let median: Vec<BigInt> =
            reference::combine(Combination::Median, &groups, scale_bits).into_iter().map(BigInt::from).collect();
        // In units of 2^-64, rounded up.
        let length = |vector: &[BigInt]| {
            let square: BigInt = vector.iter().map(|value| value * value).sum::<BigInt>() << 64;
            let root = square.sqrt();
            if &root * &root == square { root } else { root + 1 }
        };
        for (mean, score) in means.iter().zip(scores(&groups, scale_bits)) {
            let product: BigInt = mean.iter().zip(&median).map(|(a, b)| a * b).sum();
            let lengths = length(mean) * length(&median);
            let expected = if lengths == BigInt::ZERO { BigInt::ZERO } else { reference::half_even(&(product << 96), &lengths) };
            prop_assert_eq!(BigInt::from(score), expected);
            prop_assert!((-ONE..=ONE).contains(&score));
        }
    }

    #[test]
    fn however_coordinates_are_divided_into_runs_the_scores_are_the_same(groups in groups(), cut in any::<prop::sample::Index>()) {
        let length = groups[0].0.len();
        let cut = cut.index(length + 1);
        let run = |from: usize, to: usize| -> Vec<GroupSum> {
            groups.iter().map(|(sum, weight)| GroupSum::new(&sum[from..to], *weight)).collect()
        };
        let mut agreement = Agreement::new(groups.len(), length as u64, 20).unwrap();
        agreement.add(0, &run(0, cut)).unwrap();
        let mut agreement = Agreement::decode(groups.len(), length as u64, 20, &agreement.encode()).unwrap();
        prop_assert_eq!(agreement.next(), cut as u64);
        agreement.add(cut as u64, &run(cut, length)).unwrap();
        let together: Vec<i64> = agreement.scores().unwrap().into_iter().map(Fixed::to_bits).collect();
        prop_assert_eq!(together, scores(&groups, 20));
    }

    #[test]
    fn a_groups_score_goes_with_it_whatever_the_order(groups in groups(), turn in any::<prop::sample::Index>()) {
        let turn = turn.index(groups.len());
        let (mut turned, mut expected) = (groups.clone(), scores(&groups, 12));
        turned.rotate_left(turn);
        expected.rotate_left(turn);
        prop_assert_eq!(scores(&turned, 12), expected);
    }

    #[test]
    fn shares_are_whole_add_up_and_follow_weight_times_factor(
        total in any::<u128>(), groups in vec((prop_oneof![any::<u64>(), 0u64..3], -2 * ONE..=2 * ONE), 1..10),
    ) {
        let groups: Vec<(u64, Fixed)> = groups.into_iter().map(|(weight, factor)| (weight, Fixed::from_bits(factor))).collect();
        let shares = shares(total, &groups);
        let big = |value: u128| BigUint::from(value);
        prop_assert_eq!(shares.iter().map(|share| big(*share)).sum::<BigUint>(), big(total));
        let part = |(weight, factor): &(u64, Fixed)| big(u128::from(*weight)) * factor.to_bits().clamp(0, ONE).unsigned_abs();
        let whole: BigUint = groups.iter().map(part).sum();
        if whole > BigUint::ZERO {
            for (share, group) in shares.iter().zip(&groups) {
                // Less than one unit from the exact share.
                let (given, exact) = (big(*share) * &whole, big(total) * part(group));
                let apart = if given > exact { given - exact } else { exact - given };
                prop_assert!(apart < whole, "{:?} of {}: {}", group, total, share);
            }
        }
    }

    #[test]
    fn equal_factors_give_shares_by_weight(total in 0u128..1_000_000, weight in 1u64..100, factor in -ONE..=ONE, count in 1usize..8) {
        let factor = Fixed::from_bits(factor);
        let groups: Vec<(u64, Fixed)> = std::iter::once((3 * weight, factor)).chain((1..count).map(|_| (weight, factor))).collect();
        let shares = shares(total, &groups);
        let unit = total / (count as u128 + 2);
        prop_assert!((3 * unit..=3 * unit + 3).contains(&shares[0]), "{:?}", shares);
        prop_assert!(shares[1..].iter().all(|share| (unit..=unit + 1).contains(share)), "{:?}", shares);
    }

    #[test]
    fn usefulness_is_half_for_no_difference_and_never_leaves_its_range(
        hits in any::<u64>(), without in any::<u64>(), rows in any::<u64>(), sensitivity in any::<u32>(),
    ) {
        let score = usefulness(hits, without, rows, sensitivity).to_bits();
        prop_assert!((0..=ONE).contains(&score));
        prop_assert_eq!(usefulness(hits, hits, rows, sensitivity).to_bits(), ONE / 2);
        let other_side = if hits >= without { 0..ONE / 2 } else { ONE / 2 + 1..ONE + 1 };
        prop_assert!(!other_side.contains(&score));
    }
}

#[test]
fn a_group_agrees_fully_with_its_own_direction_not_at_all_across_and_against_the_opposite() {
    let along = |sum: [i64; 2]| (sum.to_vec(), 1);
    let groups =
        [along([3, 0]), along([3, 0]), along([30, 0]), along([3, 0]), along([0, 7]), along([-5, 0]), along([0, 0])];
    // The median is (3, 0).
    assert_eq!(scores(&groups, 32), [ONE, ONE, ONE, ONE, 0, -ONE, 0]);
    assert_eq!(scores(&[along([0, 0]), along([0, 0])], 32), [0, 0], "there is no direction to agree with");
    assert_eq!(scores(&[(vec![i64::MIN; 2], 1)], 0), [ONE]);
}

#[test]
fn bytes_of_something_else_are_no_agreement() {
    let agreement = Agreement::new(3, 4, 20).unwrap();
    assert_eq!(agreement.scores(), Err(CombineError::Incomplete { next: 0, elements: 4 }));
    let bytes = agreement.encode();
    let other = PassError::Other { what: "number of groups", expected: 2, found: 3 };
    assert_eq!(Agreement::decode(2, 4, 20, &bytes), Err(SurveyError::Bytes(other)));
    assert!(Agreement::decode(3, 4, 20, &bytes[1..]).is_err());
}

#[test]
fn groups_that_all_disagree_are_paid_by_weight_and_nobody_is_paid_from_nothing() {
    let factors =
        |factors: [i64; 3]| -> Vec<(u64, Fixed)> { [1, 2, 3].into_iter().zip(factors.map(Fixed::from_bits)).collect() };
    assert_eq!(shares(600, &factors([0, -ONE, 0])), [100, 200, 300]);
    assert_eq!(shares(600, &factors([-ONE, ONE, ONE])), [0, 240, 360]);
    assert_eq!(shares(5, &[(0, Fixed::ONE), (0, Fixed::ONE)]), [3, 2]);
    assert_eq!(shares(5, &[]), Vec::<u128>::new());
    assert_eq!(shares(u128::MAX, &factors([1, 1, 1])).iter().sum::<u128>(), u128::MAX);
}

#[test]
fn a_factor_is_the_agreement_or_its_mean_with_the_usefulness_and_never_below_zero() {
    let fixed = Fixed::from_bits;
    assert_eq!(factor(fixed(-5), None), Fixed::ZERO);
    assert_eq!(factor(fixed(ONE / 4), None), fixed(ONE / 4));
    assert_eq!(factor(fixed(-ONE), Some(fixed(ONE / 2))), fixed(ONE / 4));
    assert_eq!(factor(fixed(MAX), Some(fixed(MAX))), Fixed::ONE);
}

/// One round of the demo's task: five groups of two providers each, whose updates are summed; the third group sends its updates turned around.
fn round(recipe: &Recipe, seed: u64, hostile: usize) -> (Vec<Group>, u32, TestSet) {
    let division = recipe.divide(seed, 10).unwrap();
    let (spec, encoding) = (recipe.data_spec(), recipe.encoding(2).unwrap());
    let first = Tensors::from_model(&recipe.initial_model(seed).unwrap());
    let mut groups: Vec<Group> = vec![(vec![0; first.values().len()], 0); 5];
    for (provider, rows) in division.providers.iter().enumerate() {
        let (trained, _) = train(&recipe.trainer, &first, &spec.standardised(rows), seed + provider as u64).unwrap();
        let encoded = encoding.quantise(trained.minus(&first).unwrap().values(), &[7; 32]).unwrap();
        let (sum, weight) = &mut groups[provider % 5];
        let sign = if provider % 5 == hostile { -1 } else { 1 };
        sum.iter_mut().zip(&encoded).for_each(|(sum, value)| *sum += sign * value);
        *weight += 1;
    }
    (groups, encoding.scale_bits, TestSet::try_from(&spec.standardised(&division.held_out)).unwrap())
}

#[test]
fn a_group_that_turns_its_update_around_scores_worst_in_both_and_is_paid_least() {
    for (seed, hostile) in [(1, 2), (2, 0), (3, 4)] {
        let recipe = digits_softmax(10);
        let (groups, scale_bits, test_set) = round(&recipe, seed, hostile);
        let model = recipe.initial_model(seed).unwrap();
        let optimiser = Optimiser::FedAvg { learning_rate: Fixed::ONE };
        let state = State::initial(&optimiser, model.values().len());
        assert!(can_leave_one_out(Combination::Mean, 5));
        let left_out =
            leave_one_out(Combination::Mean, &sums(&groups), scale_bits, &optimiser, (&model, &state), &test_set)
                .unwrap();
        let mut all = model.clone();
        let update = Combination::Mean.combine(&sums(&groups), scale_bits).unwrap();
        optimiser.step(all.values_mut(), &mut state.clone(), &update).unwrap();
        let rows = test_set.rows();
        let hits = Classifier::of(model.spec()).unwrap().hits(&all, &test_set, 0..rows).unwrap();
        let useful: Vec<Fixed> = left_out.iter().map(|left| usefulness(hits, *left, rows as u64, 1)).collect();
        let agreement = scores(&groups, scale_bits);
        assert!(
            agreement[hostile] < 0 && useful[hostile].to_bits() < ONE / 2,
            "seed {seed}: {agreement:?}, {useful:?}"
        );
        assert!((0..5).all(|group| group == hostile || agreement[group] > ONE / 4), "seed {seed}: {agreement:?}");
        assert!((0..5).all(|group| group == hostile || useful[group] > useful[hostile]), "seed {seed}: {useful:?}");
        let factors: Vec<(u64, Fixed)> =
            (0..5).map(|group| (2, factor(Fixed::from_bits(agreement[group]), Some(useful[group])))).collect();
        let paid = shares(1_000_000, &factors);
        let of_honest = (0..5).filter(|group| *group != hostile).map(|group| paid[group]).min().unwrap();
        assert!(paid[hostile] * 3 < of_honest * 2, "seed {seed}: {paid:?}");
    }
}

#[test]
fn a_rule_that_does_not_fit_one_group_less_leaves_none_out() {
    let rule = Combination::TrimmedMean { trim: 1 };
    assert!(can_leave_one_out(rule, 4) && !can_leave_one_out(rule, 3) && !can_leave_one_out(Combination::Mean, 1));
    let groups: Vec<Group> = (0..3).map(|place| (vec![place], 1)).collect();
    let others: Vec<i64> = without(&sums(&groups), 1).iter().map(|group| group.sum[0]).collect();
    assert_eq!(others, [0, 2]);
}
