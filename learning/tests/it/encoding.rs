//! Quantising, summing, combining.

use bauta_learning::combine::{Combination, CombineError, GroupSum};
use bauta_learning::encode::{sum_of_squares, Encoding, EncodingError};
use bauta_learning::fixed::Fixed;
use proptest::collection::vec;
use proptest::prelude::*;

fn encoding(clip: i32, scale_bits: u32) -> Encoding {
    let mut encoding = Encoding { clip: Fixed::from_integer(clip), scale_bits, bound: 1, max_weight: 16 };
    encoding.bound = encoding.clip_units() + 1;
    encoding
}

proptest! {
    #[test]
    fn an_encoded_update_obeys_both_of_its_bounds(
        update in vec(-10.0f32..10.0, 1..300), seed in any::<[u8; 32]>(), clip in 1i32..8, scale_bits in 0u32..20,
    ) {
        let encoding = encoding(clip, scale_bits);
        let encoded = encoding.quantise(&update, &seed).unwrap();
        prop_assert_eq!(encoded.len(), update.len());
        prop_assert!(encoding.is_within_bounds(&encoded));
        prop_assert!(sum_of_squares(&encoded).unwrap() <= encoding.norm_bound_squared(update.len() as u64));
    }

    #[test]
    fn a_small_bound_cuts_coordinates(update in vec(-10.0f32..10.0, 1..50), seed in any::<[u8; 32]>(), bound in 1u64..50) {
        let encoding = Encoding { bound, ..encoding(100, 8) };
        let encoded = encoding.quantise(&update, &seed).unwrap();
        prop_assert!(encoded.iter().all(|value| value.unsigned_abs() <= bound));
    }

    #[test]
    fn a_coordinate_within_the_clip_is_off_by_less_than_one_unit(update in vec(-0.1f32..0.1, 1..100), seed in any::<[u8; 32]>()) {
        let encoding = encoding(4, 12);
        for (value, encoded) in update.iter().zip(encoding.quantise(&update, &seed).unwrap()) {
            prop_assert!((f64::from(*value) * 4096.0 - encoded as f64).abs() < 1.0);
        }
    }

    #[test]
    fn weighted_sums_of_honest_updates_are_in_range(
        updates in vec((vec(-5.0f32..5.0, 20), 1u64..=16), 1..12), seed in any::<[u8; 32]>(),
    ) {
        let encoding = encoding(4, 12);
        let mut sum = [0i64; 20];
        let mut weights = 0;
        for (update, weight) in &updates {
            let weighed = encoding.weigh(&encoding.quantise(update, &seed).unwrap(), *weight).unwrap();
            sum.iter_mut().zip(weighed).for_each(|(total, value)| *total += value);
            weights += weight;
        }
        prop_assert_eq!(encoding.check_aggregate(0, &sum, weights), Ok(()));
    }

    #[test]
    fn runs_of_coordinates_combine_to_the_same_mean_as_the_whole(
        groups in vec((vec(-(1i64 << 50)..(1 << 50), 30), 1u64..1000), 1..5), cut in 0usize..=30, scale_bits in 0u32..=32,
    ) {
        let combine = |from: usize, to: usize| {
            let sums: Vec<_> = groups.iter().map(|(sum, weight)| GroupSum::new(&sum[from..to], *weight)).collect();
            Combination::Mean.combine(&sums, scale_bits).unwrap()
        };
        prop_assert_eq!([combine(0, cut), combine(cut, 30)].concat(), combine(0, 30));
    }

    #[test]
    fn splitting_survivors_into_groups_does_not_change_the_mean(
        members in vec((vec(-1000i64..1000, 5), 1u64..16), 2..10), cut in 1usize..9,
    ) {
        let cut = cut.min(members.len() - 1);
        let total = |members: &[(Vec<i64>, u64)]| -> (Vec<i64>, u64) {
            let sum = (0..5).map(|c| members.iter().map(|(u, w)| u[c] * i64::try_from(*w).unwrap()).sum()).collect();
            (sum, members.iter().map(|(_, weight)| weight).sum())
        };
        let (all, left, right) = (total(&members), total(&members[..cut]), total(&members[cut..]));
        let one = Combination::Mean.combine(&[GroupSum::new(&all.0, all.1)], 12).unwrap();
        let two = Combination::Mean.combine(&[GroupSum::new(&left.0, left.1), GroupSum::new(&right.0, right.1)], 12).unwrap();
        prop_assert_eq!(one, two);
    }

    #[test]
    fn checks_of_any_numbers_give_an_answer(
        clip in any::<i64>(), scale_bits in any::<u32>(), bound in any::<u64>(), max_weight in any::<u64>(), bits in any::<u32>(),
        group in any::<u64>(), elements in any::<u64>(), sums in vec(any::<i64>(), 0..5), weights in any::<u64>(),
    ) {
        let encoding = Encoding { clip: Fixed::from_bits(clip), scale_bits, bound, max_weight };
        let _ = encoding.check_ring(bits, group);
        let _ = encoding.norm_bound_squared(elements);
        let _ = encoding.check_aggregate(elements, &sums, weights);
        let _ = encoding.is_within_bounds(&sums);
        let _ = encoding.weigh(&sums, weights);
        let _ = Combination::Mean.combine(&[GroupSum::new(&sums, weights), GroupSum::new(&sums, group)], scale_bits);
    }
}

#[test]
fn the_same_seed_rounds_alike_and_another_does_not() {
    let encoding = encoding(4, 8);
    let update: Vec<f32> = (0..500u16).map(|place| f32::from(place) / 7000.0).collect();
    let encoded = encoding.quantise(&update, &[1; 32]).unwrap();
    assert_eq!(encoded, encoding.quantise(&update, &[1; 32]).unwrap());
    assert_ne!(encoded, encoding.quantise(&update, &[2; 32]).unwrap());
}

#[test]
fn stochastic_rounding_is_right_on_average() {
    let encoding = encoding(4, 4);
    let update = [0.02f32, -0.05, 0.3];
    let mut sums = [0i64; 3];
    for trial in 0..4000u32 {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&trial.to_be_bytes());
        sums.iter_mut().zip(encoding.quantise(&update, &seed).unwrap()).for_each(|(sum, value)| *sum += value);
    }
    for (sum, value) in sums.iter().zip(update) {
        // Five standard deviations of the mean of 4000 draws are below 0.04 units.
        assert!((*sum as f64 / 4000.0 - f64::from(value) * 16.0).abs() < 0.04, "{sum} for {value}");
    }
}

#[test]
fn a_large_update_is_shrunk_to_the_clip_and_keeps_its_direction() {
    let encoding = encoding(1, 20);
    let encoded = encoding.quantise(&[30.0, -40.0], &[0; 32]).unwrap();
    let unit = f64::from(1u32 << 20);
    assert!(
        (encoded[0] as f64 / unit - 0.6).abs() < 1e-5 && (encoded[1] as f64 / unit + 0.8).abs() < 1e-5,
        "{encoded:?}"
    );
}

#[test]
fn a_value_that_is_no_number_is_named_by_its_place() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(encoding(1, 8).quantise(&[0.0, 1.0, bad], &[0; 32]), Err(EncodingError::NotFinite(2)));
    }
}

#[test]
fn weights_outside_of_their_range_are_refused() {
    let encoding = encoding(1, 8);
    assert_eq!(encoding.weigh(&[1], 0), Err(EncodingError::Weight { weight: 0, max_weight: 16 }));
    assert_eq!(encoding.weigh(&[1], 17), Err(EncodingError::Weight { weight: 17, max_weight: 16 }));
    assert_eq!(encoding.weigh(&[-3], 16), Ok(vec![-48]));
}

#[test]
fn a_ring_without_room_is_refused_with_its_numbers() {
    let error = Encoding { bound: 32_769, ..encoding(1, 8) }.check_ring(32, 16).unwrap_err().to_string();
    for number in ["32 bits", "max_group 16", "bound 32769", "max_weight 16", "4295098368"] {
        assert!(error.contains(number), "{error} lacks {number}");
    }
}

#[test]
fn groups_that_cannot_be_combined_are_refused() {
    let sum = [1i64, 2];
    let combine = |groups: &[GroupSum]| Combination::Mean.combine(groups, 12);
    assert_eq!(combine(&[]), Err(CombineError::NoGroups));
    assert_eq!(combine(&[GroupSum::new(&sum, 0)]), Err(CombineError::NoWeight(0)));
    let uneven = combine(&[GroupSum::new(&sum, 1), GroupSum::new(&sum[..1], 1)]);
    assert_eq!(uneven, Err(CombineError::Length { group: 1, expected: 2, found: 1 }));
    assert_eq!(combine(&[GroupSum::new(&sum, u64::MAX), GroupSum::new(&sum, 1)]), Err(CombineError::WeightOverflow));
    assert_eq!(Combination::Mean.combine(&[GroupSum::new(&sum, 1)], 33), Err(CombineError::ScaleBits(33)));
}
