//! Decoders: hostile bytes never panic, and whatever is accepted encodes to the same bytes again.

use std::collections::BTreeSet;

use crate::blame::{EdgeNumbers, Question};
use crate::check_in::CheckIn;
use crate::committee::{contribute, Contribution};
use crate::complain::Complaint;
use crate::context::Rctx;
use crate::deal::{Deal, ShareKeys};
use crate::encoding::{Malformed, Reader};
use crate::enrol::{Enrol, ProviderKeys};
use crate::joint::{Evaluation, JointKeys};
use crate::parties::Survivors;
use crate::ring::{Layout, Pow2, Ring, Sign};
use crate::seat::AnswerRecord;
use crate::signature::Body;
use crate::submit::Header;
use crate::tests::joint::{dealers, evaluate, input, joint_keys};
use crate::tests::world::{layout, slot, World};
use crate::unmask::{Partial, Requests};
use proptest::prelude::*;

fn canonical<B: Body>(bytes: &[u8]) -> bool {
    B::decode(bytes).is_ok_and(|body| {
        assert_eq!(body.encode(), bytes);
        true
    })
}

/// Every decoder, by its number.
fn decode(which: usize, bytes: &[u8]) -> bool {
    let rctx = Rctx::from_bytes([1; 32]);
    match which {
        0 => canonical::<Enrol>(bytes),
        1 => canonical::<Deal>(bytes),
        2 => canonical::<Complaint>(bytes),
        3 => canonical::<CheckIn>(bytes),
        4 => canonical::<Header>(bytes),
        5 => canonical::<Partial>(bytes),
        6 => Requests::decode(&rctx, bytes).is_ok_and(|list| {
            assert_eq!(list.encode(), bytes);
            true
        }),
        7 => AnswerRecord::decode(bytes).is_ok_and(|record| {
            assert_eq!(record.encode(), bytes);
            true
        }),
        8 => ShareKeys::decode(bytes).is_ok_and(|keys| {
            assert_eq!(keys.encode(), bytes);
            true
        }),
        9 => canonical::<Evaluation>(bytes),
        10 => JointKeys::decode(bytes).is_ok_and(|keys| {
            assert_eq!(keys.encode(), bytes);
            true
        }),
        11 => canonical::<Contribution>(bytes),
        12 => canonical::<EdgeNumbers>(bytes),
        _ => ProviderKeys::from_bytes(bytes).is_ok_and(|keys| {
            assert_eq!(keys.to_bytes().as_slice(), bytes);
            true
        }),
    }
}

/// One good message for each decoder.
fn good() -> Vec<Vec<u8>> {
    let mut world = World::new(4, 41);
    let (group, mut states) = world.group(1, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let survivors = Survivors::new(&group, &BTreeSet::from([slot(0), slot(1), slot(3)]), 3).unwrap();
    let requests = Requests::new(&Rctx::from_bytes([1; 32]), &[(&group, &survivors)]).unwrap();
    let ctx = world.ctx(1);
    let mut rng = world.rng.clone();
    let masked = states.remove(&0).unwrap().mask(&ctx, &group, &layout(20, 9, 4), &[1; 9], &mut rng).unwrap();
    let mut record = AnswerRecord::new(&Rctx::from_bytes([1; 32]));
    record.admit(&requests).unwrap();
    let of_round = Requests::new(&world.rctx(1), &[(&group, &survivors)]).unwrap();
    let all = dealers(&world, &[]);
    let evaluated = input(&world, &all);
    let members = [slot(0), slot(1), slot(3)];
    let question = Question { pass: 1, coordinate: 4, members: &members };
    let numbers =
        world.keys[0].blame(&ctx, &world.addresses[0], &group, &layout(20, 9, 4), &question, &mut rng).unwrap();
    vec![
        world.keys[0].enrol(&world.ectx, &world.addresses[0], &mut rng).body.encode(),
        world.deals[0].body.encode(),
        world.seat(1).complain(&world.deals[0].body, &mut rng).body.encode(),
        world.check_in(0, 1, 1).0.body.encode(),
        masked.header.body.encode(),
        world.answer(0, 1, &of_round).body.encode(),
        requests.encode(),
        record.encode(),
        world.share_keys[0].encode(),
        evaluate(&world, 0, &evaluated, &all).body.encode(),
        joint_keys(&world, &all).encode(),
        contribute(&world.keys[0], &world.ectx, &world.addresses[0], &evaluated, &mut rng).body.encode(),
        numbers.body.encode(),
        world.keys[0].to_bytes().to_vec(),
    ]
}

#[test]
fn every_decoder_accepts_its_good_message() {
    for (which, bytes) in good().iter().enumerate() {
        assert!(decode(which, bytes), "decoder {which}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic_in_a_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for which in 0..14 {
            decode(which, &bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_and_sizes_never_panic_in_a_chunk(
        bits in 0..100u32,
        elements in any::<u64>(),
        chunk_elems in any::<u32>(),
        chunk in any::<u32>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let Ok(ring) = Pow2::new(bits) else { return Ok(()) };
        for (elements, chunk_elems) in [(elements, chunk_elems), (elements % 500, chunk_elems % 500)] {
            let Ok(layout) = Layout::new(Ring::Pow2(ring), elements, chunk_elems) else { continue };
            layout.total_bytes();
            let chunk = chunk % layout.chunks().saturating_add(2);
            if layout.check(chunk, &bytes).is_ok() {
                let mut sum = layout.zero(chunk).unwrap();
                sum.add_packed(&bytes, Sign::Plus).unwrap();
                prop_assert_eq!(sum.pack(), bytes.clone());
            }
        }
    }
}

#[test]
fn mutated_good_messages_never_panic_and_stay_canonical() {
    // Every byte of every message with several values, every cut, and every duplication of a tail.
    for (which, bytes) in good().iter().enumerate() {
        for at in 0..bytes.len() {
            for flip in [1, 2, 0x80, 0xff] {
                let mut mutated = bytes.clone();
                mutated[at] ^= flip;
                decode(which, &mutated);
            }
            assert!(
                !decode(which, &bytes[..at]) || (matches!(which, 8 | 10) && at % 33 == 0),
                "decoder {which} accepts a cut at {at}"
            );
            if at % 7 == 0 {
                decode(which, &[bytes, &bytes[at..]].concat());
            }
        }
    }
}

#[test]
fn a_count_that_the_bytes_cannot_hold_is_refused_before_anything_is_allocated() {
    let mut reader = Reader::new(&[0, 1, 0, 0, 9, 9]);
    let items = reader.list("items", 1 << 20, 33, Reader::point);
    assert_eq!(items, Err(Malformed::Short { what: "items", need: 65_536 * 33, have: 2 }));
    let mut reader = Reader::new(&[0xff; 4]);
    assert!(matches!(reader.list("items", 96, 33, Reader::point), Err(Malformed::OutOfRange { .. })));
}
