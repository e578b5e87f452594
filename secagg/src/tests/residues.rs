//! The ring of residues: what is no modulus, streams by rejection, exact sums, canonical bytes.

use std::collections::BTreeMap;

use crate::context::Ctx;
use crate::curve::Point;
use crate::encoding::Malformed;
use crate::parties::Survivors;
use crate::prg::{MaskKey, Use};
use crate::ring::{Layout, NonCanonical, Ring, Rns, Sign};
use crate::submit::{verify_chunk, ChunkFault, MaskError};
use crate::tests::world::{slot, World};
use crate::unmask::{self, MaskRemoval, Requests};
use proptest::prelude::*;

/// Primes of 43, 43 and 44 bits that are 1 modulo 2^14: those that a ciphertext of N = 8192 is reduced to.
pub const PRIMES: [u64; 3] = [8_796_092_858_369, 8_796_092_792_833, 17_592_186_028_033];

fn ring() -> Rns {
    Rns::new(&PRIMES).unwrap()
}

fn layout(elements: u64, chunk_elems: u32) -> Layout {
    Layout::new(Ring::Rns(ring()), elements, chunk_elems).unwrap()
}

fn key(n: u8) -> MaskKey {
    MaskKey::new(Use::Vector, &Ctx::from_bytes([n; 32]), &Point::GENERATOR)
}

#[test]
fn moduli_are_distinct_primes_of_30_to_62_bits() {
    assert_eq!(ring().bits(), 130);
    let refused = |moduli: &[u64]| Rns::new(moduli).unwrap_err();
    assert!(matches!(refused(&[]), Malformed::OutOfRange { .. }));
    assert!(matches!(refused(&[PRIMES[0]; 5]), Malformed::OutOfRange { .. }));
    assert!(matches!(refused(&[PRIMES[0], PRIMES[0]]), Malformed::Modulus { .. }));
    // 2^31 - 1 and 2^61 - 1 are primes; of what is composite: a square, a product of two primes, a strong pseudoprime to the bases 2 to 23
    // (Jaeschke 1993), a Carmichael number.
    for prime in [(1 << 31) - 1, (1 << 61) - 1] {
        Rns::new(&[prime]).unwrap();
    }
    for composite in
        [1_000_003u64.pow(2), PRIMES[0] - 1, 2_147_483_647 * 1_000_003, 3_825_123_056_546_413_051, 9_746_347_772_161]
    {
        assert_eq!(refused(&[composite]), Malformed::Modulus { got: composite });
    }
    for size in [2, 65_537, u64::MAX] {
        assert!(matches!(refused(&[size]), Malformed::OutOfRange { .. }), "{size}");
    }
}

#[test]
fn a_submission_of_two_polynomials_of_8192_takes_266_240_bytes_and_chunks_are_whole_bytes_a_limb() {
    assert_eq!(layout(2 * 8192, 4032).total_bytes(), 266_240);
    assert_eq!(Layout::largest_chunk(Ring::Rns(ring())), 4032);
    for (elements, chunk_elems) in [(16, 4), (12, 8), (16, 4040)] {
        assert!(Layout::new(Ring::Rns(ring()), elements, chunk_elems).is_err(), "{elements} {chunk_elems}");
    }
}

#[test]
fn a_mask_is_the_numbers_of_its_stream_below_each_prime_limb_after_limb() {
    let layout = layout(48, 24);
    for chunk in 0..2 {
        let mut elements = layout.zero(chunk).unwrap();
        key(1).apply(&mut elements, Sign::Plus);
        let stream = key(1).bytes(chunk, 8 * 1000);
        let mut words = stream.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
        for (limb, prime) in PRIMES.into_iter().enumerate() {
            let mask = u64::MAX >> prime.leading_zeros();
            let expected: Vec<u64> =
                words.by_ref().map(|word| word & mask).filter(|word| *word < prime).take(24).collect();
            assert_eq!(elements.residues(limb).unwrap(), expected, "{chunk} {limb}");
        }
        key(1).apply(&mut elements, Sign::Minus);
        assert_eq!(elements.pack(), layout.zero(chunk).unwrap().pack());
    }
}

proptest! {
    #[test]
    fn sums_are_those_of_integers_modulo_each_prime_whatever_their_order(
        values in prop::collection::vec(prop::collection::vec((0u64..u64::MAX, any::<bool>()), 8), 1..6),
    ) {
        let layout = layout(8, 8);
        let chunk_of = |numbers: &[(u64, bool)], prime: u64| -> Vec<u64> { numbers.iter().map(|(n, _)| n % prime).collect() };
        let mut forward = layout.zero(0).unwrap();
        let mut backward = layout.zero(0).unwrap();
        let packed: Vec<Vec<u8>> = values.iter().map(|numbers| {
            let mut one = layout.zero(0).unwrap();
            PRIMES.iter().enumerate().for_each(|(limb, prime)| assert!(one.add_residues(limb, &chunk_of(numbers, *prime))));
            let bytes = one.pack();
            layout.check(0, &bytes).unwrap();
            bytes
        }).collect();
        packed.iter().for_each(|bytes| forward.add_packed(bytes, Sign::Plus).unwrap());
        packed.iter().rev().for_each(|bytes| backward.add_packed(bytes, Sign::Plus).unwrap());
        prop_assert_eq!(forward.pack(), backward.pack());
        for (limb, prime) in PRIMES.into_iter().enumerate() {
            let expected: Vec<u64> = (0..8)
                .map(|e| (values.iter().map(|numbers| u128::from(numbers[e].0 % prime)).sum::<u128>() % u128::from(prime)) as u64)
                .collect();
            prop_assert_eq!(forward.residues(limb).unwrap(), &expected[..]);
        }
        packed.iter().for_each(|bytes| forward.add_packed(bytes, Sign::Minus).unwrap());
        prop_assert_eq!(forward.pack(), layout.zero(0).unwrap().pack());
    }

    #[test]
    fn integers_are_added_by_their_residues_with_their_weights(value in any::<i64>(), weight in 1u64..1000) {
        let layout = layout(8, 8);
        let mut elements = layout.zero(0).unwrap();
        elements.add_weighted(&[value; 8], weight);
        elements.add_integer(3, value);
        for (limb, prime) in PRIMES.into_iter().enumerate() {
            let modulo = |number: i128| number.rem_euclid(i128::from(prime)) as u64;
            let expected = modulo(i128::from(value) * i128::from(weight));
            prop_assert_eq!(elements.residues(limb).unwrap()[0], expected);
            prop_assert_eq!(elements.residues(limb).unwrap()[3], modulo(i128::from(value) * (i128::from(weight) + 1)));
        }
    }
}

#[test]
fn a_residue_that_is_not_reduced_a_wrong_length_and_a_missing_chunk_are_evidence() {
    let layout = layout(16, 8);
    let good = layout.zero(1).unwrap().pack();
    assert_eq!(good.len(), 130);
    // The first residue of the second limb is its prime itself: 43 bits behind eight of 43.
    let mut bytes = good.clone();
    bytes[43..49].copy_from_slice(&PRIMES[1].to_le_bytes()[..6]);
    assert_eq!(layout.check(1, &bytes), Err(NonCanonical::Residue { chunk: 1, limb: 1 }));
    assert!(layout.zero(1).unwrap().add_packed(&bytes, Sign::Plus).is_err());
    bytes[43] -= 1;
    layout.check(1, &bytes).unwrap();
    assert_eq!(layout.check(1, &good[1..]), Err(NonCanonical::Length { chunk: 1, expected: 130, got: 129 }));
    assert_eq!(layout.check(2, &good), Err(NonCanonical::Chunk { chunk: 2, chunks: 2 }));
    let mut elements = layout.zero(0).unwrap();
    assert!(
        !elements.add_residues(0, &[PRIMES[0]; 8])
            && !elements.add_residues(3, &[0; 8])
            && !elements.add_residues(0, &[0; 7])
    );
    assert_eq!(elements.pack(), layout.zero(0).unwrap().pack());
}

#[test]
fn what_the_seats_unmask_is_the_sum_of_the_survivors_residues_exactly() {
    let n = 5;
    let mut world = World::new(n, 7);
    let layout = layout(64, 24);
    let everyone: Vec<(usize, u64)> = (0..n).map(|i| (i, 1)).collect();
    let (group, states) = world.group(1, &everyone);
    let ctx = world.ctx(1);
    let limbs = |i: usize| -> Vec<Vec<u64>> {
        let number = |e: u64, prime: u64| (e * 1_000_003 * (i as u64 + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) % prime;
        PRIMES.iter().map(|prime| (0..64).map(|e| number(e, *prime)).collect()).collect()
    };
    // The third drops out.
    let mut chunks = BTreeMap::new();
    for (i, state) in states.into_iter().filter(|(i, _)| *i != 2) {
        let masked = state.mask_residues(&ctx, &group, &layout, &limbs(i), &mut world.rng).unwrap();
        world.accept(i, 1, &group, &layout, 1, &masked);
        let mut other = masked.chunks[0].clone();
        other[0] ^= 1;
        let refused = verify_chunk(&masked.header.body, &layout, 0, &other);
        assert!(matches!(refused, Err(ChunkFault::Refused { index: 0 })));
        chunks.insert(slot(i), masked.chunks);
    }
    let submitted = chunks.keys().copied().collect();
    let survivors = Survivors::new(&group, &submitted, 3).unwrap();
    let requests = Requests::new(&world.rctx(1), &[(&group, &survivors)]).unwrap();
    let seats: Vec<usize> = (0..world.seats.threshold()).collect();
    let signed = world.partials(&seats, 1, &requests);
    let partials: Vec<_> = signed.iter().map(|signed| &signed.body).collect();
    let opened = unmask::open(&requests, &partials).unwrap();
    let removal = MaskRemoval::new(&ctx, &group, &survivors, &requests, &opened).unwrap();
    for chunk in 0..layout.chunks() {
        let mut sum = layout.zero(chunk).unwrap();
        chunks.values().for_each(|chunks| sum.add_packed(&chunks[chunk as usize], Sign::Plus).unwrap());
        removal.remove(&mut sum);
        let from = 24 * chunk as usize;
        for (limb, prime) in PRIMES.into_iter().enumerate() {
            let plain = |e: usize| [0, 1, 3, 4].iter().map(|&i| u128::from(limbs(i)[limb][e])).sum::<u128>();
            let plain: Vec<u64> = (from..from + sum.len()).map(|e| (plain(e) % u128::from(prime)) as u64).collect();
            assert_eq!(sum.residues(limb).unwrap(), plain, "{chunk} {limb}");
        }
    }
}

#[test]
fn what_are_no_residues_of_the_ring_is_not_masked() {
    let mut world = World::new(3, 8);
    let layout = layout(16, 8);
    let mut mask = |layout: &Layout, limbs: &[Vec<u64>]| {
        let (group, mut states) = world.group(1, &[(0, 1), (1, 1), (2, 1)]);
        let ctx = world.ctx(1);
        states.remove(&1).unwrap().mask_residues(&ctx, &group, layout, limbs, &mut world.rng).unwrap_err()
    };
    let zeros = || vec![vec![0u64; 16]; 3];
    let mut short = zeros();
    short[1].pop();
    assert_eq!(mask(&layout, &short), MaskError::Residues { limb: 1 });
    assert_eq!(mask(&layout, &zeros()[..2]), MaskError::Residues { limb: 2 });
    assert_eq!(mask(&layout, &[zeros(), zeros()].concat()), MaskError::Residues { limb: 3 });
    let mut unreduced = zeros();
    unreduced[2][15] = PRIMES[2];
    assert_eq!(mask(&layout, &unreduced), MaskError::Residues { limb: 2 });
    let narrow = crate::tests::world::layout(32, 16, 8);
    assert!(matches!(mask(&narrow, &zeros()), MaskError::Ring(_)));
}
