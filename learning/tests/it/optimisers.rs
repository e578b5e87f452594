//! Server optimisers against floats, in runs, and on arbitrary bytes.

use bauta_learning::fixed::{Fixed, MAX, ONE};
use bauta_learning::optimiser::{Optimiser, OptimiserError, State, StateError};
use proptest::collection::vec;
use proptest::prelude::*;

fn fixed(text: &str) -> Fixed {
    text.parse().unwrap()
}

fn all() -> Vec<Optimiser> {
    vec![
        Optimiser::FedAvg { learning_rate: fixed("0.7") },
        Optimiser::FedAvgM { learning_rate: fixed("1"), momentum: fixed("0.9") },
        Optimiser::FedAdam {
            learning_rate: fixed("0.05"),
            beta1: fixed("0.9"),
            beta2: fixed("0.99"),
            tau: fixed("0.001"),
        },
    ]
}

/// The textbook formulas in double precision.
fn float_step(optimiser: &Optimiser, x: &mut f64, m: &mut f64, v: &mut f64, d: f64) {
    match *optimiser {
        Optimiser::FedAvg { learning_rate } => *x += f64::from(learning_rate) * d,
        Optimiser::FedAvgM { learning_rate, momentum } => {
            *m = f64::from(momentum) * *m + d;
            *x += f64::from(learning_rate) * *m;
        }
        Optimiser::FedAdam { learning_rate, beta1, beta2, tau } => {
            *m = f64::from(beta1) * *m + (1.0 - f64::from(beta1)) * d;
            *v = f64::from(beta2) * *v + (1.0 - f64::from(beta2)) * d * d;
            *x += f64::from(learning_rate) * *m / (v.sqrt() + f64::from(tau));
        }
    }
}

proptest! {
    /// Twenty rounds stay within 10^-5 of the float formulas: a step's rounding is at most a few units of 2^-32, of Adam's quotient at most
    /// `lr (1 / tau) 2^-32` times a small number.
    #[test]
    fn twenty_rounds_stay_close_to_the_float_formulas(updates in vec(vec(-1.0f64..1.0, 4), 20)) {
        for optimiser in all() {
            let mut parameters = vec![0i64; 4];
            let mut state = State::initial(&optimiser, 4);
            let (mut x, mut m, mut v) = ([0.0; 4], [0.0; 4], [1e-6; 4]);
            for update in &updates {
                let units: Vec<i64> = update.iter().map(|d| (d * ONE as f64).round() as i64).collect();
                optimiser.step(&mut parameters, &mut state, &units).unwrap();
                for c in 0..4 {
                    float_step(&optimiser, &mut x[c], &mut m[c], &mut v[c], update[c]);
                }
            }
            for (units, float) in parameters.iter().zip(x) {
                let difference = (*units as f64 / ONE as f64 - float).abs();
                prop_assert!(difference < 1e-5, "{:?} is off by {}", optimiser, difference);
            }
        }
    }

    #[test]
    fn a_step_in_two_runs_is_the_step_of_the_whole(
        start in vec(any::<i64>(), 12), updates in vec(vec(any::<i64>(), 12), 1..4), cut in 0usize..=12,
    ) {
        for optimiser in all() {
            let (mut whole, mut left, mut right) = (start.clone(), start[..cut].to_vec(), start[cut..].to_vec());
            let mut states = [12, cut, 12 - cut].map(|len| State::initial(&optimiser, len));
            for update in &updates {
                optimiser.step(&mut whole, &mut states[0], update).unwrap();
                optimiser.step(&mut left, &mut states[1], &update[..cut]).unwrap();
                optimiser.step(&mut right, &mut states[2], &update[cut..]).unwrap();
            }
            prop_assert_eq!([left, right].concat(), whole);
            let runs = [states[1].encode_body(), states[2].encode_body()].concat();
            prop_assert_eq!([State::encode_header(&optimiser, 12), runs].concat(), states[0].encode());
        }
    }

    #[test]
    fn values_of_any_size_never_leave_the_symmetric_range(start in any::<i64>(), updates in vec(any::<i64>(), 1..20)) {
        for optimiser in all() {
            let mut parameters = [start];
            let mut state = State::initial(&optimiser, 1);
            for update in &updates {
                optimiser.step(&mut parameters, &mut state, &[*update]).unwrap();
                prop_assert!((-MAX..=MAX).contains(&parameters[0]));
            }
            let bytes = state.encode();
            prop_assert_eq!(State::decode(&optimiser, 1, &bytes).unwrap(), state);
        }
    }

    #[test]
    fn arbitrary_state_bytes_are_refused_or_encode_to_themselves(bytes in vec(any::<u8>(), 0..120), len in 0usize..5) {
        for optimiser in all() {
            if let Ok(state) = State::decode_body(&optimiser, len, &bytes) {
                prop_assert_eq!(state.encode_body(), bytes.clone());
            }
            let whole = [State::encode_header(&optimiser, len), bytes.clone()].concat();
            if let Ok(state) = State::decode(&optimiser, len, &whole) {
                prop_assert_eq!(state.encode(), whole);
            }
            if let Ok(state) = State::decode(&optimiser, len, &bytes) {
                prop_assert_eq!(state.encode(), bytes.clone());
            }
        }
    }

    #[test]
    fn hyper_parameters_of_any_value_are_checked_without_a_panic(
        numbers in any::<[i64; 4]>(), start in vec(any::<i64>(), 3), update in vec(any::<i64>(), 3),
    ) {
        let [learning_rate, beta1, beta2, tau] = numbers.map(Fixed::from_bits);
        for optimiser in [
            Optimiser::FedAvg { learning_rate },
            Optimiser::FedAvgM { learning_rate, momentum: beta1 },
            Optimiser::FedAdam { learning_rate, beta1, beta2, tau },
        ] {
            let mut state = State::initial(&optimiser, 3);
            let stepped = optimiser.step(&mut start.clone(), &mut state, &update);
            prop_assert_eq!(stepped.is_ok(), optimiser.check().is_ok());
        }
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_in_a_sentence() {
    let adam = |learning_rate, beta1, beta2, tau| Optimiser::FedAdam {
        learning_rate: fixed(learning_rate),
        beta1: fixed(beta1),
        beta2: fixed(beta2),
        tau: fixed(tau),
    };
    for (optimiser, word) in [
        (Optimiser::FedAvg { learning_rate: fixed("0") }, "learning_rate is 0"),
        (Optimiser::FedAvg { learning_rate: fixed("1025") }, "learning_rate is 1025"),
        (Optimiser::FedAvgM { learning_rate: fixed("1"), momentum: fixed("1") }, "momentum is 1"),
        (Optimiser::FedAvgM { learning_rate: fixed("1"), momentum: fixed("-0.1") }, "momentum is -0.1"),
        (adam("1", "1", "0", "1"), "beta1 is 1"),
        (adam("1", "0", "-1", "1"), "beta2 is -1"),
        (adam("1", "0", "0", "0.0000001"), "tau is 0.0000001"),
    ] {
        let error = optimiser.check().unwrap_err().to_string();
        assert!(error.contains(word), "{error} lacks {word}");
    }
}

#[test]
fn a_step_of_uneven_lengths_or_of_another_state_moves_nothing() {
    let [avg, momentum, _] = all().try_into().unwrap();
    let mut parameters = vec![1i64, 2];
    let mut state = State::initial(&momentum, 2);
    let short = momentum.step(&mut parameters, &mut state, &[1]);
    assert_eq!(short, Err(OptimiserError::Length { parameters: 2, update: 1, state: 2 }));
    let other = avg.step(&mut parameters, &mut state, &[1, 1]);
    assert_eq!(other, Err(OptimiserError::Kind { expected: "fed_avg", found: "fed_avg_m" }));
    assert_eq!((parameters, state), (vec![1, 2], State::initial(&momentum, 2)));
}

#[test]
fn a_state_of_another_optimiser_or_model_is_refused() {
    let [avg, momentum, adam] = all().try_into().unwrap();
    let bytes = State::initial(&momentum, 3).encode();
    assert!(matches!(State::decode(&adam, 3, &bytes), Err(StateError::Kind { .. })));
    assert_eq!(State::decode(&momentum, 4, &bytes), Err(StateError::Count { expected: 4, found: 3 }));
    assert_eq!(
        State::decode(&momentum, 3, &bytes[..bytes.len() - 1]),
        Err(StateError::Length { expected: 24, found: 23 })
    );
    assert_eq!(State::decode(&avg, 3, b""), Err(StateError::Tag));
    let smallest = i64::MIN.to_be_bytes();
    assert_eq!(State::decode_body(&momentum, 1, &smallest), Err(StateError::Range(0)));
}
