//! Bytes that anyone may send.

use bauta_sealed::scheme::{RotationKey, SchemeError, Seeded, Turn};
use bauta_sealed::submission::LimbsError;
use bauta_sealed::wire::{self, DecodeError};
use bauta_sealed::{Bfv, Limbs, Parameters, Scheme, Seed};
use proptest::prelude::*;

use crate::stage::{Numbers, ROUND};

fn parameters() -> Parameters {
    Parameters::n8192(3).unwrap()
}

fn seeded(parameters: &Parameters) -> Seeded {
    let mut numbers = Numbers(11);
    let first = parameters.primes().iter().flat_map(|prime| vec![prime; parameters.degree()]);
    Seeded { seed: *numbers.seed().expose(), first: first.map(|prime| numbers.next() % prime).collect() }
}

#[test]
fn keys_and_models_come_back_from_their_bytes() {
    let parameters = parameters();
    let value = seeded(&parameters);
    let public = wire::public_to_bytes(&parameters, &ROUND, &value);
    assert_eq!(wire::public_from_bytes(&parameters, &ROUND, &public).unwrap(), value);
    let model = wire::model_to_bytes(&parameters, &ROUND, &value);
    assert_eq!(wire::model_from_bytes(&parameters, &ROUND, &model).unwrap(), value);
    let key = RotationKey { turn: Turn::Columns(8), seed: value.seed, firsts: vec![value.first.clone(); 5] };
    let bytes = wire::rotation_to_bytes(&parameters, &ROUND, &key);
    assert_eq!(wire::rotation_from_bytes(&parameters, &ROUND, &bytes).unwrap(), key);
    let secret = wire::secret_to_bytes(&parameters, &ROUND, &Seed::from_bytes([3; 32]));
    assert_eq!(wire::secret_from_bytes(&parameters, &ROUND, &secret).unwrap(), Seed::from_bytes([3; 32]));
}

#[test]
fn a_model_of_another_round_is_a_replay_and_a_key_of_another_task_is_refused() {
    let parameters = parameters();
    let model = wire::model_to_bytes(&parameters, &ROUND, &seeded(&parameters));
    assert_eq!(wire::model_from_bytes(&parameters, &[1; 32], &model), Err(DecodeError::Context("model")));
    let public = wire::public_to_bytes(&parameters, &ROUND, &seeded(&parameters));
    assert_eq!(wire::public_from_bytes(&parameters, &[1; 32], &public), Err(DecodeError::Context("public")));
    assert_eq!(
        wire::model_from_bytes(&parameters, &ROUND, &public).unwrap_err(),
        DecodeError::Length { kind: "model", expected: model.len(), found: public.len() }
    );
    let secret = wire::secret_to_bytes(&parameters, &ROUND, &Seed::from_bytes([3; 32]));
    assert_eq!(wire::secret_from_bytes(&parameters, &[1; 32], &secret), Err(DecodeError::Context("secret")));
}

#[test]
fn bytes_of_other_parameters_are_refused() {
    let (three, two) = (parameters(), Parameters::n8192(2).unwrap());
    let model = wire::model_to_bytes(&three, &ROUND, &seeded(&three));
    assert_eq!(wire::model_from_bytes(&two, &ROUND, &model), Err(DecodeError::Parameters("model")));
}

#[test]
fn a_model_with_limbs_not_reduced_is_refused_by_decoder_and_scheme() {
    let parameters = parameters();
    let mut value = seeded(&parameters);
    let prime = parameters.primes()[2];
    value.first[2 * 8192 + 7] = prime;
    let bytes = wire::model_to_bytes(&parameters, &ROUND, &value);
    let refused = wire::model_from_bytes(&parameters, &ROUND, &bytes);
    assert_eq!(refused, Err(DecodeError::NotReduced { limb: 2, place: 7, prime }));
    let scheme = Bfv::new(&parameters).unwrap();
    assert!(matches!(scheme.expand(&value), Err(SchemeError::Limbs { .. })));
    value.first.pop();
    assert!(matches!(scheme.expand(&value), Err(SchemeError::Limbs { .. })));
}

#[test]
fn submissions_of_wrong_length_or_level_or_not_reduced_are_refused() {
    let (three, two) = (parameters(), Parameters::n8192(2).unwrap());
    let zero = Limbs::zero(&three).to_bytes(&three);
    assert_eq!(Limbs::from_bytes(&three, &zero).unwrap(), Limbs::zero(&three));
    let cut = Limbs::from_bytes(&three, &zero[1..]);
    assert_eq!(cut, Err(LimbsError::Bytes { expected: 266_240, found: 266_239 }));
    assert!(matches!(Limbs::from_bytes(&two, &zero), Err(LimbsError::Bytes { .. })));
    let mut sum = Limbs::zero(&three);
    assert!(matches!(sum.add(&three, &Limbs::zero(&two)), Err(LimbsError::Length { polynomial: 0, .. })));

    let mut ones = zero.clone();
    ones[..6].fill(0xff);
    assert!(matches!(
        Limbs::from_bytes(&three, &ones),
        Err(LimbsError::NotReduced { polynomial: 0, limb: 0, place: 0, .. })
    ));
    let mut values = [vec![0; 3 * 8192], vec![0; 3 * 8192]];
    values[1][8192] = three.kept()[1];
    assert!(matches!(Limbs::new(&three, values), Err(LimbsError::NotReduced { polynomial: 1, limb: 1, place: 0, .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        flip in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let parameters = parameters();
        let mut real = wire::model_to_bytes(&parameters, &ROUND, &seeded(&parameters));
        let at = flip.index(real.len());
        real[at] ^= 1 << (at % 8);
        // A flip may leave a valid model: seeds and most coefficients have no wrong values.
        let flipped = wire::model_from_bytes(&parameters, &ROUND, &real);
        if at < 84 {
            prop_assert!(flipped.is_err());
        }
        let short = &real[..cut.index(real.len())];
        for bytes in [&bytes[..], short] {
            prop_assert!(wire::model_from_bytes(&parameters, &ROUND, bytes).is_err());
            prop_assert!(wire::public_from_bytes(&parameters, &ROUND, bytes).is_err());
            prop_assert!(wire::rotation_from_bytes(&parameters, &ROUND, bytes).is_err());
            prop_assert!(wire::secret_from_bytes(&parameters, &ROUND, bytes).is_err());
            prop_assert!(Limbs::from_bytes(&parameters, bytes).is_err());
        }
    }
}
