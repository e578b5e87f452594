//! Mask streams: definition, seeking, no reuse, and what a masked vector looks like.

use std::collections::BTreeSet;

use crate::context::Ctx;
use crate::curve::Point;
use crate::prg::{trace, MaskKey, Use};
use crate::ring::{Pow2, Sign};
use crate::tests::world::{layout, World};
use proptest::prelude::*;

fn key() -> MaskKey {
    MaskKey::new(Use::Vector, &Ctx::from_bytes([9; 32]), &Point::GENERATOR)
}

proptest! {
    #[test]
    fn an_element_is_the_low_bits_of_its_word_in_the_stream_of_its_chunk(bits in 16..=64u32, chunk in 0..50u32) {
        let layout = layout(bits, 50 * 999, 999);
        let ring = Pow2::new(bits).unwrap();
        let mut elements = layout.zero(chunk).unwrap();
        key().apply(&mut elements, Sign::Plus);
        let width = if bits > 32 { 8 } else { 4 };
        let stream = key().bytes(chunk, 999 * width);
        for (e, word) in stream.chunks(width).enumerate() {
            let word = word.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
            let expected = if bits == 64 { word } else { word % (1 << bits) };
            prop_assert_eq!(elements.get(e), Some(expected));
            prop_assert_eq!(key().element(ring, chunk, e as u32), expected);
        }
        key().apply(&mut elements, Sign::Minus);
        prop_assert!(elements.decode().iter().all(|element| *element == 0));
    }
}

#[test]
fn no_key_and_position_of_a_mask_stream_is_used_twice_by_a_client() {
    let mut world = World::new(5, 1);
    let layout = layout(32, 70, 20);
    let uses = trace::uses_of(|| {
        for round in 1..=4 {
            let (group, mut states) = world.group(round, &[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
            let state = states.remove(&2).unwrap();
            let ctx = world.ctx(round);
            state.mask(&ctx, &group, &layout, &[1; 70], &mut world.rng).unwrap();
        }
    });
    // Four rounds, five masks, four chunks of which each is a stream of its own.
    assert_eq!(uses.len(), 4 * 5 * 4);
    let streams: BTreeSet<_> = uses.iter().map(|(key, chunk, _)| (key, chunk)).collect();
    assert_eq!(streams.len(), uses.len());
}
