//! The algebra below the protocol, against the definitions.

use crate::curve::{scalar_from_bytes, Point};
use crate::encoding::SeatIndex;
use crate::interpolate::{BadSeats, Lagrange};
use crate::msm::{sum, sum_is_identity};
use crate::root::tree_hash;
use crate::tests::world::rng;
use elliptic_curve::Field;
use k256::{ProjectivePoint, Scalar};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn naive(terms: &[(Scalar, Point)]) -> ProjectivePoint {
    terms.iter().map(|(scalar, point)| point.projective() * scalar).sum()
}

/// Random terms with the scalars that break careless recodings among them.
fn terms(count: usize, seed: u64) -> Vec<(Scalar, Point)> {
    let mut rng = rng(seed);
    let special = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(u64::MAX), Scalar::from(u128::MAX)];
    let half = Scalar::from(2u32).invert().unwrap();
    (0..count)
        .map(|at| {
            let scalar = match at % 9 {
                at if at < 5 => special[at],
                5 => half,
                6 => Scalar::random(&mut rng) * Scalar::ZERO + Scalar::from(31u32),
                _ => Scalar::random(&mut rng),
            };
            let point = ProjectivePoint::GENERATOR * Scalar::random(&mut rng);
            (scalar, Point::from_projective(&point).unwrap())
        })
        .collect()
}

#[test]
fn sums_of_any_size_equal_the_plain_sum() {
    for count in [0, 1, 2, 3, 10, 127, 128, 129, 200, 600] {
        let terms = terms(count, count as u64);
        assert_eq!(sum(&terms), naive(&terms), "{count} terms");
        if count > 1 {
            assert!(!sum_is_identity(&terms));
        }
    }
    let cancels: Vec<_> = terms(150, 1).into_iter().flat_map(|(s, p)| [(s, p), (-s, p)]).collect();
    assert!(sum_is_identity(&cancels));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_t_of_m_shares_interpolate_to_the_secret(
        seats in proptest::sample::subsequence((1..=96u32).collect::<Vec<_>>(), 1..=60).prop_shuffle(),
        seed in any::<u64>(),
    ) {
        let mut rng = rng(seed);
        let polynomial: Vec<_> = (0..seats.len()).map(|_| Scalar::random(&mut rng)).collect();
        let at = |k: u32| polynomial.iter().rev().fold(Scalar::ZERO, |value, c| value * Scalar::from(k) + c);
        let indices: Vec<_> = seats.iter().map(|k| SeatIndex::new(*k).unwrap()).collect();
        let lagrange = Lagrange::new(&indices).unwrap();
        let scalars = lagrange.scalars();
        let value: Scalar = seats.iter().zip(&scalars).map(|(k, lambda)| at(*k) * lambda).sum();
        prop_assert_eq!(value, polynomial[0]);
        let points: Vec<_> = seats.iter().map(|k| Point::from_projective(&(ProjectivePoint::GENERATOR * at(*k))).unwrap()).collect();
        let secret = Point::from_projective(&(ProjectivePoint::GENERATOR * polynomial[0])).unwrap();
        prop_assert_eq!(lagrange.interpolate(&points), Ok(secret));
    }
}

#[test]
fn seats_and_points_that_do_not_match_are_errors() {
    let seat = |k| SeatIndex::new(k).unwrap();
    assert_eq!(Lagrange::new(&[]).unwrap_err(), BadSeats::Empty);
    assert_eq!(Lagrange::new(&[seat(4), seat(4)]).unwrap_err(), BadSeats::Twice(4));
    let lagrange = Lagrange::new(&[seat(1), seat(2)]).unwrap();
    assert_eq!(lagrange.interpolate(&[Point::GENERATOR]), Err(BadSeats::Count { expected: 2, got: 1 }));
    // 2 * G - 1 * 2G: a polynomial with the root zero.
    let twice = Point::from_projective(&ProjectivePoint::GENERATOR.double()).unwrap();
    assert_eq!(lagrange.interpolate(&[Point::GENERATOR, twice]), Err(BadSeats::Identity));
}

#[test]
fn the_tree_hash_is_the_recursion_of_rfc_6962() {
    fn recursion(leaves: &[Vec<u8>]) -> [u8; 32] {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => Sha256::new().chain_update([0]).chain_update(leaf).finalize().into(),
            _ => {
                let left = leaves.len().next_power_of_two() / 2;
                let (l, r) = (recursion(&leaves[..left]), recursion(&leaves[left..]));
                Sha256::new().chain_update([1]).chain_update(l).chain_update(r).finalize().into()
            }
        }
    }
    let leaves: Vec<Vec<u8>> = (0..70u8).map(|i| vec![i; usize::from(i) % 5]).collect();
    for n in 0..=leaves.len() {
        assert_eq!(tree_hash(&leaves[..n]).as_bytes(), &recursion(&leaves[..n]), "{n} leaves");
    }
}

#[test]
fn scalars_and_points_outside_their_range_are_refused() {
    let order = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").unwrap();
    let mut bytes: [u8; 32] = order.try_into().unwrap();
    assert!(scalar_from_bytes(&bytes).is_err());
    bytes[31] -= 1;
    assert!(scalar_from_bytes(&bytes).is_ok());
    assert!(crate::secret::SecretScalar::from_bytes(&[0; 32]).is_err());
    // An x-coordinate above the field's modulus, one off the curve, and the identity in both its lengths.
    let mut point = [0xff; 33];
    point[0] = 2;
    assert!(Point::from_bytes(&point).is_err());
    let mut off = [0; 33];
    (off[0], off[32]) = (2, 5);
    assert!(Point::from_bytes(&off).is_err());
    assert!(Point::from_bytes(&[0; 33]).is_err());
    assert!(Point::from_bytes(&[0]).is_err());
    assert!(Point::from_projective(&ProjectivePoint::IDENTITY).is_none());
    assert!(Point::batch(&[ProjectivePoint::GENERATOR, ProjectivePoint::IDENTITY]).is_none());
}
