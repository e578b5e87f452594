//! What a transcript shows of an update: the masked vector and nothing else.

use std::collections::BTreeSet;

use crate::check_in::CheckedIn;
use crate::parties::Survivors;
use crate::ring::Sign;
use crate::signature::Body;
use crate::submit::Masked;
use crate::tests::world::{layout, slot, World};
use crate::unmask::Requests;
use proptest::prelude::*;
use zeroize::ZeroizeOnDrop;

/// Masks an update of client 1 in a group of four, everything else being the same each time.
fn mask(bits: u32, update: &[i64]) -> Masked {
    let mut world = World::new(4, 31);
    let layout = layout(bits, update.len() as u64, 16_000.min(65_536 * 8 / bits));
    let (group, mut states) = world.group(1, &[(0, 1), (1, 3), (2, 1), (3, 1)]);
    let ctx = world.ctx(1);
    states.remove(&1).unwrap().mask(&ctx, &group, &layout, update, &mut world.rng).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_fixed_keys_two_masked_vectors_differ_by_exactly_the_difference_of_the_updates(
        bits in 16..=64u32,
        pairs in proptest::collection::vec((-5_000i64..5_000, -5_000i64..5_000), 1..50),
    ) {
        let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let layout = layout(bits, a.len() as u64, a.len() as u32);
        let mut difference = layout.zero(0).unwrap();
        difference.add_packed(&mask(bits, &a).chunks[0], Sign::Plus).unwrap();
        difference.add_packed(&mask(bits, &b).chunks[0], Sign::Minus).unwrap();
        // Modulo the ring: the weight is 3 and differences of 16-bit values may wrap.
        let mut expected = layout.zero(0).unwrap();
        expected.add_weighted(&a, 3);
        let minus: Vec<_> = b.iter().map(|value| -value).collect();
        expected.add_weighted(&minus, 3);
        prop_assert_eq!(difference.pack(), expected.pack());
    }
}

#[test]
fn a_masked_vector_is_statistically_uniform() {
    for bits in [16, 20, 32, 48, 64] {
        // A constant update would show through any bias.
        let masked = mask(bits, &[1_000; 48_000]);
        let layout = layout(bits, 48_000, 16_000.min(65_536 * 8 / bits));
        for shift in [0, bits - 8] {
            let mut counts = [0f64; 256];
            for (chunk, bytes) in (0..).zip(&masked.chunks) {
                let mut elements = layout.zero(chunk).unwrap();
                elements.add_packed(bytes, Sign::Plus).unwrap();
                (0..elements.len()).for_each(|e| counts[(elements.get(e).unwrap() >> shift) as usize & 0xff] += 1.0);
            }
            let expected = 48_000.0 / 256.0;
            let chi_square: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
            // 255 degrees of freedom: mean 255, standard deviation 22.6; six of them either side.
            assert!((120.0..390.0).contains(&chi_square), "bits {bits}, shift {shift}: {chi_square}");
        }
    }
}

#[test]
fn no_transcript_byte_but_the_masked_vector_its_hashes_and_the_signature_over_them_depends_on_the_update() {
    let transcript = |updates: [[i64; 9]; 4]| {
        let mut world = World::new(4, 32);
        let layout = layout(32, 9, 4);
        let ctx = world.ctx(1);
        let mut public: Vec<Vec<u8>> = world.deals.iter().map(|deal| deal.body.encode()).collect();
        let mut states = Vec::new();
        let mut members = Vec::new();
        for i in 0..4 {
            let (signed, state) = world.check_in(i, 1, 1);
            public.push([signed.body.encode(), signed.signature.to_vec()].concat());
            members.push(crate::parties::GroupMember {
                slot: slot(i),
                address: world.addresses[i].clone(),
                x: world.keys[i].public().x,
                p: signed.body.point,
            });
            states.push(state);
        }
        let group = crate::parties::Group::new(members).unwrap();
        let mut hashes = Vec::new();
        for (state, update) in states.into_iter().zip(updates).take(3) {
            let masked = CheckedIn::mask(state, &ctx, &group, &layout, &update, &mut world.rng).unwrap();
            let mut header = masked.header.body;
            hashes.push(core::mem::take(&mut header.chunks));
            public.push(header.encode());
        }
        let survivors = Survivors::new(&group, &(0..3).map(slot).collect::<BTreeSet<_>>(), 3).unwrap();
        let requests = Requests::new(&world.rctx(1), &[(&group, &survivors)]).unwrap();
        public.push(requests.encode());
        for k in 0..4 {
            let partial = world.answer(k, 1, &requests);
            public.push([partial.body.encode(), partial.signature.to_vec()].concat());
        }
        (public, hashes)
    };
    let (first, first_hashes) = transcript([[1; 9], [2; 9], [3; 9], [0; 9]]);
    let (second, second_hashes) = transcript([[-400; 9], [0; 9], [1_000_000; 9], [0; 9]]);
    assert_eq!(first, second);
    assert!(first_hashes.iter().zip(&second_hashes).all(|(a, b)| a != b));
}

#[test]
fn debug_output_shows_no_secret() {
    let mut world = World::new(2, 33);
    let keys = world.keys[0].clone();
    let (_, state) = world.check_in(0, 1, 1);
    let shown = format!("{keys:?} {state:?} {:?} {:?}", world.shares[0], world.seat(0));
    let secrets = [&keys.x, &keys.z, &keys.e, keys.v.secret()].map(|secret| hex::encode(secret.to_bytes().as_ref()));
    let shares = world.shares[0].values().map(|share| hex::encode(share.to_bytes().as_ref()));
    for secret in secrets.into_iter().chain(shares) {
        assert!(!shown.to_lowercase().contains(&secret[..16]));
    }
    assert!(shown.contains("SecretScalar(..)"));
}

#[test]
fn secret_scalars_are_erased_on_drop() {
    fn erased_on_drop<T: ZeroizeOnDrop>() {}
    erased_on_drop::<crate::secret::SecretScalar>();
    erased_on_drop::<chacha20::ChaCha20>();
}

#[test]
fn keys_shares_and_records_survive_a_restart() {
    let mut world = World::new(3, 34);
    let keys = crate::enrol::ProviderKeys::from_bytes(&world.keys[0].to_bytes()).unwrap();
    assert_eq!(keys.public(), world.keys[0].public());
    let share = &world.shares[0][&slot(1)];
    assert_eq!(crate::seat::Share::from_bytes(&share.to_bytes()).unwrap().key(), share.key());
    let rctx = world.rctx(1);
    let (signed, _) = world.check_in(0, 1, 2);
    let resumed = CheckedIn::resume(&keys, &rctx, &world.addresses[0], 2);
    assert_eq!(resumed.point, signed.body.point);
}
