//! Fixed point and canonical models on arbitrary input.

use bauta_learning::fixed::{divide_half_even, multiply_fraction, saturate, shift_half_even, Fixed, MAX, ONE};
use bauta_learning::model::{decode_values, encode_values, Initialisation, Model, ModelError, ModelSpec, TensorSpec};
use proptest::collection::vec;
use proptest::prelude::*;

fn models() -> impl Strategy<Value = Model> {
    let tensor = vec(1u64..5, 0..4);
    vec(tensor, 1..5).prop_flat_map(|shapes| {
        let named =
            shapes.iter().enumerate().map(|(index, shape)| TensorSpec::new(format!("layer.{index}"), shape.clone()));
        let spec = ModelSpec::new(named.collect()).unwrap();
        vec(-MAX..=MAX, spec.len()).prop_map(move |values| Model::new(spec.clone(), values).unwrap())
    })
}

proptest! {
    #[test]
    fn a_shift_rounds_as_the_division_by_its_power_of_two(value in any::<i64>(), bits in 0u32..62) {
        let value = i128::from(value);
        prop_assert_eq!(Some(shift_half_even(value, bits)), divide_half_even(value, 1i128 << bits));
    }

    #[test]
    fn a_rounded_quotient_is_never_off_by_more_than_half_and_even_on_ties(numerator in any::<i128>(), denominator in 1..i128::from(u64::MAX)) {
        let quotient = divide_half_even(numerator, denominator).unwrap();
        // |numerator - quotient * denominator| * 2 <= denominator, without overflow.
        let error = numerator.wrapping_sub(quotient.wrapping_mul(denominator)).unsigned_abs();
        prop_assert!(error * 2 <= denominator.unsigned_abs());
        if error * 2 == denominator.unsigned_abs() {
            prop_assert_eq!(quotient & 1, 0);
        }
    }

    #[test]
    fn a_fraction_of_a_value_is_its_product_rounded_once(value in any::<u64>(), fraction in 0..=ONE.unsigned_abs()) {
        let exact = i128::from(value) * i128::from(fraction);
        prop_assert_eq!(multiply_fraction(u128::from(value), fraction), shift_half_even(exact, 32).unsigned_abs());
    }

    #[test]
    fn a_fraction_of_any_value_is_at_most_the_value(value in any::<u128>(), fraction in any::<u64>()) {
        prop_assert!(multiply_fraction(value, fraction) <= value);
    }

    #[test]
    fn saturation_keeps_the_symmetric_range(value in any::<i128>()) {
        let saturated = saturate(value);
        prop_assert!((-MAX..=MAX).contains(&saturated));
        prop_assert!(i128::from(saturated) == value || value.unsigned_abs() > MAX.unsigned_abs().into());
    }

    #[test]
    fn a_fixed_number_reads_back_as_it_is_written(units in -MAX..=MAX) {
        let fixed = Fixed::from_bits(units);
        prop_assert_eq!(fixed.to_string().parse::<Fixed>().unwrap(), fixed);
    }

    #[test]
    fn any_text_is_a_number_or_an_error(text in ".{0,40}") {
        let _ = text.parse::<Fixed>();
    }

    #[test]
    fn a_short_decimal_is_displayed_as_it_was_read(whole in 0u32..2_000_000, thousandths in 0u32..1000) {
        let text = format!("{whole}.{thousandths:03}");
        let trimmed = text.trim_end_matches('0').trim_end_matches('.');
        prop_assert_eq!(text.parse::<Fixed>().unwrap().to_string(), trimmed);
    }

    #[test]
    fn a_model_is_what_its_bytes_decode_to(model in models()) {
        let bytes = model.encode();
        prop_assert_eq!(Model::decode(&bytes).unwrap(), model.clone());
        let spec = model.spec().encode();
        prop_assert_eq!(ModelSpec::decode(&spec).unwrap(), model.spec().clone());
        prop_assert_eq!([spec, encode_values(model.values())].concat(), bytes);
    }

    #[test]
    fn accepted_model_bytes_encode_to_themselves(model in models(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = model.encode();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(other) = Model::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..200), tagged in any::<bool>()) {
        let bytes = if tagged { [b"\0\x0dbauta/1/model".as_slice(), &bytes].concat() } else { bytes };
        if let Ok(model) = Model::decode(&bytes) {
            prop_assert_eq!(model.encode(), bytes.clone());
        }
        if let Ok(spec) = ModelSpec::decode(&bytes) {
            prop_assert_eq!(spec.encode(), bytes.clone());
        }
        let _ = decode_values(&bytes, bytes.len() as u64 / 8);
    }

    #[test]
    fn first_values_stay_within_their_bound(seed in any::<[u8; 32]>(), bound in 0..=MAX) {
        let spec = ModelSpec::new(vec![TensorSpec::new("w", [50])]).unwrap();
        let model = Initialisation::Uniform { seed, bounds: vec![Fixed::from_bits(bound)] }.model(&spec).unwrap();
        prop_assert!(model.values().iter().all(|value| value.abs() <= bound));
    }
}

#[test]
fn first_values_spread_over_their_whole_range() {
    let spec = ModelSpec::new(vec![TensorSpec::new("w", [10_000]), TensorSpec::new("v", [10_000])]).unwrap();
    let bounds = vec![Fixed::ONE, Fixed::ONE];
    let model = Initialisation::Uniform { seed: [7; 32], bounds }.model(&spec).unwrap();
    let (w, v) = model.values().split_at(10_000);
    assert_ne!(w, v, "each tensor has a stream of its own");
    let quarter = w.iter().filter(|value| **value < -ONE / 2).count();
    assert!((2_300..2_700).contains(&quarter), "{quarter} of 10,000 in the lowest quarter");
}

#[test]
fn a_model_too_large_is_refused_before_anything_is_allocated_for_it() {
    let tensor = TensorSpec::new("w", [1 << 20, 1 << 20]);
    assert_eq!(ModelSpec::new(vec![tensor]), Err(ModelError::TooLarge));
    let tensor = TensorSpec::new("w", [u64::MAX, u64::MAX]);
    assert_eq!(ModelSpec::new(vec![tensor]), Err(ModelError::TooLarge));
}

#[test]
fn tensors_are_viewed_in_their_shape() {
    let spec = ModelSpec::new(vec![TensorSpec::new("w", [2, 3]), TensorSpec::new("b", [2])]).unwrap();
    let model = Model::new(spec, (0..8).collect()).unwrap();
    let views: Vec<_> = model.tensors().collect();
    assert_eq!((views[0].0, views[0].1[[1, 2]]), ("w", 5));
    assert_eq!((views[1].0, views[1].1[[1]]), ("b", 7));
}

#[test]
fn bounds_that_do_not_fit_the_tensors_are_refused() {
    let spec = ModelSpec::new(vec![TensorSpec::new("w", [2])]).unwrap();
    let uniform = |bounds| Initialisation::Uniform { seed: [0; 32], bounds }.model(&spec);
    assert_eq!(uniform(vec![]), Err(ModelError::BoundCount { tensors: 1, bounds: 0 }));
    assert!(matches!(uniform(vec![Fixed::from_integer(-1)]), Err(ModelError::NegativeBound { .. })));
}
