//! Vectors published by others (`schema/vectors/published`), each file naming its source.

use crate::curve::{hash_to_affine, scalar_from_bytes, Point, VerifyKey};
use crate::deal::{Polynomial, ShareKeys};
use crate::encoding::SeatIndex;
use crate::interpolate::Lagrange;
use crate::secret::SecretScalar;
use crate::signature::{verify_digest, SigningKey};
use crate::tests::vectors::{bytes, bytes32, read, text};
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use elliptic_curve::sec1::ToEncodedPoint;
use serde_json::Value;

fn cases(file: &Value) -> &Vec<Value> {
    file["cases"].as_array().unwrap()
}

#[test]
fn hash_to_curve_gives_the_points_of_rfc_9380() {
    let file = read("published/rfc9380.json");
    for case in cases(&file) {
        let point = hash_to_affine(text(case, "msg").as_bytes(), text(&file, "dst").as_bytes());
        let encoded = point.to_encoded_point(false);
        assert_eq!(encoded.x().unwrap().to_vec(), bytes(case, "x"));
        assert_eq!(encoded.y().unwrap().to_vec(), bytes(case, "y"));
    }
}

#[test]
fn inner_signatures_are_those_of_bip_340() {
    let file = read("published/bip340.json");
    for case in cases(&file) {
        let (message, signature) = (bytes32(case, "message"), bytes(case, "signature").try_into().unwrap());
        let valid = VerifyKey::from_bytes(&bytes(case, "public_key"))
            .is_ok_and(|key| verify_digest(&key, &message, &signature).is_ok());
        assert_eq!(Some(valid), case["valid"].as_bool(), "index {}", case["index"]);
        if case.get("secret_key").is_some() {
            let key = SigningKey::new(SecretScalar::from_bytes(&bytes32(case, "secret_key")).unwrap());
            assert_eq!(key.verify_key().to_bytes(), bytes32(case, "public_key"));
            assert_eq!(key.sign_digest_with(&message, &bytes32(case, "aux_rand")), signature);
        }
    }
}

#[test]
fn the_stream_cipher_and_the_share_cipher_are_those_of_rfc_8439() {
    let file = read("published/rfc8439.json");
    for case in file["keystream"].as_array().unwrap() {
        let expected = bytes(case, "keystream");
        let nonce: [u8; 12] = bytes(case, "nonce").try_into().unwrap();
        let mut cipher = chacha20::ChaCha20::new(&bytes32(case, "key").into(), &nonce.into());
        cipher.seek(64 * case["counter"].as_u64().unwrap());
        let mut keystream = vec![0; expected.len()];
        cipher.apply_keystream(&mut keystream);
        assert_eq!(keystream, expected);
    }
    for case in file["aead"].as_array().unwrap() {
        let nonce: [u8; 12] = bytes(case, "nonce").try_into().unwrap();
        let (msg, aad) = (bytes(case, "plaintext"), bytes(case, "aad"));
        let cipher = chacha20poly1305::ChaCha20Poly1305::new(&bytes32(case, "key").into());
        let sealed = cipher.encrypt(&nonce.into(), Payload { msg: &msg, aad: &aad }).unwrap();
        assert_eq!(sealed, [bytes(case, "ciphertext"), bytes(case, "tag")].concat());
    }
}

#[test]
fn shares_and_their_interpolation_are_those_of_rfc_9591() {
    let file = read("published/rfc9591.json");
    let secret = SecretScalar::from_bytes(&bytes32(&file, "secret")).unwrap();
    let coefficients = file["coefficients"].as_array().unwrap();
    let coefficient = |hex: &Value| bytes32(&serde_json::json!({ "c": hex }), "c");
    let coefficients = coefficients.iter().map(|hex| SecretScalar::from_bytes(&coefficient(hex)).unwrap());
    let polynomial = Polynomial(core::iter::once(secret.clone()).chain(coefficients).collect());
    let commitments: Vec<_> = polynomial.0.iter().map(SecretScalar::public).collect();
    assert_eq!(secret.public(), Point::from_bytes(&bytes(&file, "public")).unwrap());
    let share_keys = ShareKeys::from_commitments(&commitments, 3).unwrap();
    let mut shares = Vec::new();
    for case in file["shares"].as_array().unwrap() {
        let seat = SeatIndex::new(case["seat"].as_u64().unwrap() as u32).unwrap();
        let share = polynomial.at(seat).unwrap();
        assert_eq!(*share.to_bytes(), bytes32(case, "share"));
        assert_eq!(share_keys.get(seat), Some(share.public()));
        shares.push((seat, share));
    }
    for (a, b) in [(0, 1), (0, 2), (2, 1)] {
        let lagrange = Lagrange::new(&[shares[a].0, shares[b].0]).unwrap();
        let scalars = lagrange.scalars();
        let sum = scalars[0] * shares[a].1.scalar() + scalars[1] * shares[b].1.scalar();
        assert_eq!(sum, scalar_from_bytes(&bytes32(&file, "secret")).unwrap());
        let point = lagrange.interpolate(&[shares[a].1.public(), shares[b].1.public()]).unwrap();
        assert_eq!(point, secret.public());
    }
}
