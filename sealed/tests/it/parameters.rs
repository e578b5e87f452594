//! What is checked where parameters and plans are made.

use bauta_sealed::parameters::{ParameterError, PLAINTEXT_40, PRIMES_16384, PRIMES_8192};
use bauta_sealed::plan::PlanError;
use bauta_sealed::{is_prime, Parameters, Plan, Shape};

use crate::stage::shape;

#[test]
fn the_constants_are_primes_that_are_1_modulo_2n_and_have_the_tables_bits() {
    let bits = |primes: &[u64]| primes.iter().map(|prime| 64 - prime.leading_zeros()).collect::<Vec<_>>();
    for (degree, primes) in [(8192, &PRIMES_8192[..]), (16384, &PRIMES_16384[..])] {
        assert!(primes.iter().all(|&prime| is_prime(prime) && prime % (2 * degree) == 1));
    }
    assert_eq!(bits(&PRIMES_8192), [43, 43, 44, 44, 44]);
    assert_eq!(bits(&PRIMES_16384), [48, 48, 48, 49, 49, 49, 49, 49, 49]);
    assert!(is_prime(PLAINTEXT_40) && PLAINTEXT_40 % 32768 == 1 && bits(&[PLAINTEXT_40]) == [40]);
}

#[test]
fn primes_are_told_from_composites() {
    let by_division = |n: u64| n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    assert!((0..5000).all(|n| is_prime(n) == by_division(n)));
    // Strong pseudoprimes to the first bases (Sorenson and Webster 2015, Table 1), a Carmichael number, the largest prime of 64 bits.
    for composite in [3_215_031_751, 3_474_749_660_383, 341_550_071_728_321, 3_825_123_056_546_413_051, 825_265] {
        assert!(!is_prime(composite), "{composite}");
    }
    assert!(is_prime(18_446_744_073_709_551_557));
}

#[test]
fn a_plaintext_modulus_at_or_above_the_first_prime_is_refused() {
    let least = PRIMES_8192[1];
    for modulus in [least, PRIMES_8192[0], (1 << 58) + 1, u64::MAX] {
        let refused = Parameters::new(8192, modulus, &PRIMES_8192, 3);
        assert_eq!(refused, Err(ParameterError::PlaintextTooLarge { modulus, least }));
    }
}

#[test]
fn a_modulus_above_the_standards_table_is_refused() {
    let mut primes = PRIMES_8192.to_vec();
    primes.push(0x7ff_fff8_8001);
    primes[5] = (0..).map(|k| (1 << 43) + 1 + k * 16384).find(|&n| is_prime(n)).unwrap();
    let refused = Parameters::new(8192, PLAINTEXT_40, &primes, 3);
    assert!(matches!(refused, Err(ParameterError::Insecure { bits: 261, degree: 8192, most: 218 })), "{refused:?}");
    assert!(matches!(Parameters::new(2048, 65537, &PRIMES_8192, 3), Err(ParameterError::Degree(2048))));
}

#[test]
fn ciphertext_moduli_that_are_no_primes_of_the_ring_or_repeat_are_refused() {
    for bad in [PRIMES_8192[0] + 2, PRIMES_8192[0] + 16384, PRIMES_8192[0], (1 << 62) + 1, 16385, 0] {
        let primes = [PRIMES_8192[0], bad, PRIMES_8192[2], PRIMES_8192[3], PRIMES_8192[4]];
        let refused = Parameters::new(8192, PLAINTEXT_40, &primes, 3);
        assert!(matches!(refused, Err(ParameterError::Prime { place: 1, value, .. }) if value == bad), "{refused:?}");
    }
    assert!(matches!(Parameters::n8192(1), Err(ParameterError::Kept { kept: 1, primes: 5 })));
    assert!(matches!(Parameters::new(8192, PLAINTEXT_40, &PRIMES_8192[..3], 3), Err(ParameterError::Kept { .. })));
}

#[test]
fn flooding_reaches_71_bits_with_three_limbs_and_two_are_refused_at_28() {
    let plan = Plan::new(Parameters::n8192(3).unwrap(), Shape { matrix_bound: 1 << 12, ..shape(64, 1, 8) }).unwrap();
    assert_eq!(plan.flooding().bits(), 84);
    assert_eq!(*plan.flooding().noise(), 4097u32.into());
    assert_eq!(plan.flooding().hidden_centibits(), 7199);
    let (reached, budget) = plan.flooding().budget_bits();
    assert!(reached < budget, "{reached} {budget}");
    assert_eq!(
        plan.flooding().to_string(),
        "a flood of 2^84 hides noise of at most 13 bits by 71.99 bits; the sum's noise has at most 88 bits, and 90 decrypt"
    );

    let two = Plan::new(Parameters::n8192(2).unwrap(), Shape { matrix_bound: 1 << 12, ..shape(64, 1, 8) });
    assert_eq!(two, Err(PlanError::Flooding { flooding: 40, noise_bits: 13, hidden: 27 }));
}

#[test]
fn two_limbs_are_enough_for_a_small_plaintext_modulus() {
    let modulus = (0..).map(|k| (1 << 24) + 1 + k * 16384).find(|&n| is_prime(n)).unwrap();
    let parameters = Parameters::new(8192, modulus, &PRIMES_8192, 2).unwrap();
    let bounds = Shape { width: 30, vectors: 1, matrix_bound: 60, model_bound: 500, target_bound: 500, group: 8 };
    assert!(Plan::new(parameters, bounds).unwrap().flooding().hidden_centibits() >= 4000);
}

#[test]
fn a_submission_with_three_limbs_has_266240_bytes() {
    assert_eq!(Parameters::n8192(3).unwrap().submission_bytes(), 266_240);
}

#[test]
fn a_sum_that_could_wrap_is_refused_with_the_numbers() {
    let bounds = Shape { matrix_bound: 1 << 20, model_bound: 1 << 16, ..shape(64, 1, 8) };
    let refused = Plan::new(Parameters::n8192(3).unwrap(), bounds);
    let reached = 8 * (64 * (1u128 << 36) + (1 << 28));
    assert_eq!(refused, Err(PlanError::Wraps { reached, largest: (PLAINTEXT_40 - 1) / 2 }));
}

#[test]
fn what_fits_no_packing_is_refused() {
    let parameters = Parameters::n8192(3).unwrap();
    let refused = |width, vectors| Plan::new(parameters.clone(), shape(width, vectors, 8)).unwrap_err();
    assert!(matches!(refused(1025, 1), PlanError::Size { name: "the number of features", value: 1025, most: 1024 }));
    assert!(matches!(refused(0, 1), PlanError::Size { .. }));
    let small = Shape { matrix_bound: 1, model_bound: 1, target_bound: 1, ..shape(600, 8, 8) };
    assert!(matches!(Plan::new(parameters.clone(), small), Err(PlanError::NoRoom { .. })));
}

#[test]
fn a_group_too_large_for_its_flood_is_refused() {
    let refused = Plan::new(
        Parameters::n8192(3).unwrap(),
        Shape { width: 1024, vectors: 1, matrix_bound: 1, model_bound: 1, target_bound: 1, group: 1 << 16 },
    );
    assert!(matches!(refused, Err(PlanError::Flooding { .. })), "{refused:?}");
}
