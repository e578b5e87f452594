//! Blame: what members sign, and what seats refuse to open.

use std::collections::BTreeSet;

use crate::blame::{number_of, unmasked, verify, EdgeNumbersState, Question};
use crate::encoding::Slot;
use crate::parties::{Group, Survivors};
use crate::prg::{MaskKey, Use};
use crate::ring::{Layout, Pow2, Ring};
use crate::seat::{largest_part, AnswerRecord, Conflict};
use crate::signature::Body;
use crate::tests::world::{layout, slot, World};
use crate::unmask::Requests;
use proptest::prelude::*;

#[test]
fn what_a_members_true_numbers_leave_is_its_weighted_coordinate_and_both_ends_sign_alike() {
    let mut world = World::new(4, 70);
    let (ctx, layout) = (world.ctx(1), layout(33, 11, 4));
    let (group, mut states) = world.group(1, &[(0, 1), (1, 3), (2, 2), (3, 1)]);
    let members: Vec<Slot> = (0..4).map(slot).collect();
    let mut rng = world.rng.clone();
    for coordinate in [0, 6, 10] {
        let question = Question { pass: 1, coordinate, members: &members };
        let mut signed = Vec::new();
        for i in 0..4 {
            let own = world.keys[i].blame(&ctx, &world.addresses[i], &group, &layout, &question, &mut rng).unwrap();
            let v = world.keys[i].public().v;
            let state = EdgeNumbersState {
                ctx: &ctx,
                address: &world.addresses[i],
                v: &v,
                slot: slot(i),
                question,
                layout: &layout,
            };
            verify(&state, &own).unwrap();
            signed.push(own.body);
        }
        for i in 0..4 {
            for j in (0..4).filter(|j| *j != i) {
                assert_eq!(signed[i].number(slot(j)), signed[j].number(slot(i)));
            }
        }
        if coordinate == 10 {
            let update = [-5, 4, -3, 2, -1, 0, 1, -2, 3, -4, -77];
            let masked = states.remove(&1).unwrap().mask(&ctx, &group, &layout, &update, &mut rng).unwrap();
            let (chunk, e) = layout.place(coordinate).unwrap();
            let element = layout.element(chunk, e, &masked.chunks[chunk as usize]).unwrap().unwrap();
            let base = crate::curve::hash_to_curve(crate::curve::HashKind::SelfMask, world.rctx(1).as_bytes());
            let own_mask = number_of(&ctx, &layout, coordinate, &world.keys[1].x.shared(&base)).unwrap();
            let edges = signed[1].edges.iter().map(|edge| (edge.other, edge.number));
            assert_eq!(unmasked(layout.ring().pow2().unwrap(), slot(1), element, own_mask, edges), -77 * 3);
        }
    }
}

/// A group of five that all survived, and a record that has answered for it.
fn answered(seed: u64) -> (World, Vec<(Group, Survivors)>, AnswerRecord) {
    let mut world = World::new(5, seed);
    let (group, _) = world.group(1, &[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
    let survivors = Survivors::new(&group, &(0..5).map(slot).collect::<BTreeSet<_>>(), 4).unwrap();
    let requests = Requests::new(&world.rctx(1), &[(&group, &survivors)]).unwrap();
    let mut record = AnswerRecord::new(&world.rctx(1));
    record.admit(&requests).unwrap();
    (world, vec![(group, survivors)], record)
}

fn edges(world: &World, group: &Group, ends: &[(usize, usize)]) -> Requests {
    let edge = |(provider, other): &(usize, usize)| (slot(*provider), group.member(slot(*other)).unwrap().p);
    Requests::of_edges(&world.rctx(1), ends.iter().map(edge)).unwrap()
}

#[test]
fn a_seat_opens_the_edges_of_one_culprit_and_then_of_no_other_member() {
    let (world, groups, mut record) = answered(71);
    let group = &groups[0].0;
    record.admit_blame(&edges(&world, group, &[(1, 3)]), &groups, 4).unwrap();
    record.admit_blame(&edges(&world, group, &[(1, 0), (1, 2), (1, 3), (1, 4)]), &groups, 4).unwrap();
    // The record is what is on disk. Whatever is asked now would leave less than four members connected by closed edges.
    let mut record = AnswerRecord::decode(&record.encode()).unwrap();
    record.admit_blame(&edges(&world, group, &[(0, 2), (0, 3)]), &groups, 4).unwrap();
    let before = record.clone();
    let refused = record.admit_blame(&edges(&world, group, &[(0, 4)]), &groups, 4);
    assert_eq!(refused, Err(Conflict::TooFewHidden { hidden: 3, min_group: 4 }));
    assert_eq!(record, before, "what is refused leaves the record as it was");
}

#[test]
fn a_list_of_blame_has_edges_between_survivors_of_one_group_and_nothing_else() {
    let (mut world, groups, mut record) = answered(72);
    let first = Requests::new(&world.rctx(1), &[(&groups[0].0, &groups[0].1)]).unwrap();
    assert_eq!(record.admit_blame(&first, &groups, 4), Err(Conflict::NotAnEdge(1)));
    // With itself, with a base of nobody's, and of another round.
    let itself = edges(&world, &groups[0].0, &[(2, 2)]);
    assert_eq!(record.admit_blame(&itself, &groups, 4), Err(Conflict::NotAnEdge(3)));
    let foreign = Requests::of_edges(&world.rctx(1), [(slot(0), crate::curve::Point::GENERATOR)]).unwrap();
    assert_eq!(record.admit_blame(&foreign, &groups, 4), Err(Conflict::NotAnEdge(1)));
    let (later, _) = world.group(2, &[(0, 1), (1, 1)]);
    let later = Requests::of_edges(&world.rctx(2), [(slot(0), later.member(slot(1)).unwrap().p)]).unwrap();
    assert_eq!(record.admit_blame(&later, &groups, 4), Err(Conflict::Round));
    // Edges of one who dropped out are the first list's, never blame's.
    let group = &groups[0].0;
    let four = Survivors::new(group, &(0..4).map(slot).collect::<BTreeSet<_>>(), 4).unwrap();
    let groups = vec![(group.clone(), four)];
    let mut record = AnswerRecord::new(&world.rctx(1));
    assert_eq!(record.admit_blame(&edges(&world, group, &[(4, 0)]), &groups, 4), Err(Conflict::NotAnEdge(5)));
}

#[test]
fn a_seat_that_opened_edges_for_blame_opens_no_edges_of_those_members_for_anything_else() {
    let (world, groups, _) = answered(73);
    // It had not answered the first list.
    let mut record = AnswerRecord::new(&world.rctx(1));
    record.admit_blame(&edges(&world, &groups[0].0, &[(1, 3)]), &groups, 4).unwrap();
    let dropped = Survivors::new(&groups[0].0, &(1..5).map(slot).collect::<BTreeSet<_>>(), 4).unwrap();
    let other = Requests::new(&world.rctx(1), &[(&groups[0].0, &dropped)]).unwrap();
    assert_eq!(record.admit(&other), Err(Conflict::BothKinds(1)));
    let first = Requests::new(&world.rctx(1), &[(&groups[0].0, &groups[0].1)]).unwrap();
    assert!(record.admit(&first).is_ok());
}

proptest! {
    #[test]
    fn a_coordinate_alone_is_that_of_the_whole_chunk(
        bits in 16..=64u32,
        values in prop::collection::vec(any::<i64>(), 1..20),
    ) {
        let layout = Layout::new(Ring::Pow2(Pow2::new(bits).unwrap()), values.len() as u64, 20).unwrap();
        let mut chunk = layout.zero(0).unwrap();
        chunk.add_weighted(&values, 1);
        let bytes = chunk.pack();
        for e in 0..values.len() {
            prop_assert_eq!(layout.element(0, e as u32, &bytes).unwrap(), chunk.get(e));
        }
        prop_assert_eq!(layout.element(0, values.len() as u32, &bytes).unwrap(), None);
        prop_assert_eq!(layout.place(values.len() as u64), None);
    }

    #[test]
    fn a_lookup_of_a_mask_alone_is_what_the_stream_adds(coordinate in 0..50u64, bits in 16..=64u32) {
        let layout = Layout::new(Ring::Pow2(Pow2::new(bits).unwrap()), 50, 7).unwrap();
        let ctx = crate::context::Ctx::from_bytes([3; 32]);
        let (chunk, e) = layout.place(coordinate).unwrap();
        let mut sum = layout.zero(chunk).unwrap();
        MaskKey::new(Use::Vector, &ctx, &crate::curve::Point::GENERATOR).apply(&mut sum, crate::ring::Sign::Plus);
        prop_assert_eq!(number_of(&ctx, &layout, coordinate, &crate::curve::Point::GENERATOR), sum.get(e as usize));
    }

    #[test]
    fn the_largest_part_is_what_a_search_by_closed_edges_finds(
        n in 1..9u32,
        opened in prop::collection::btree_set((1..9u32, 1..9u32), 0..36),
    ) {
        let members: Vec<Slot> = (1..=n).map(|number| Slot::new(number).unwrap()).collect();
        let is_opened = |(lower, higher): &(Slot, Slot)| opened.contains(&(lower.get(), higher.get()));
        // Members reach each other in as many steps as there are members.
        let mut reaches = vec![vec![false; n as usize]; n as usize];
        for (i, one) in members.iter().enumerate() {
            for (j, other) in members.iter().enumerate() {
                reaches[i][j] = i == j || !is_opened(&(*one.min(other), *one.max(other)));
            }
        }
        for k in 0..n as usize {
            for i in 0..n as usize {
                for j in 0..n as usize {
                    reaches[i][j] |= reaches[i][k] && reaches[k][j];
                }
            }
        }
        let largest = reaches.iter().map(|row| row.iter().filter(|reached| **reached).count()).max().unwrap();
        prop_assert_eq!(largest_part(&members, is_opened), largest);
    }
}

#[test]
fn numbers_are_signed_only_by_who_is_asked_and_towards_the_group_it_checked_in_with() {
    let mut world = World::new(4, 74);
    let (ctx, layout) = (world.ctx(1), layout(20, 9, 4));
    let (group, _) = world.group(1, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let mut rng = world.rng.clone();
    let mut blame = |i: usize, members: &[Slot], coordinate: u64| {
        let question = Question { pass: 1, coordinate, members };
        world.keys[i].blame(&ctx, &world.addresses[i], &group, &layout, &question, &mut rng)
    };
    let three: Vec<Slot> = (0..3).map(slot).collect();
    assert_eq!(blame(0, &three, 8).unwrap().body.edges.len(), 2);
    assert!(blame(3, &three, 8).is_err(), "it is not asked");
    assert!(blame(0, &three, 9).is_err(), "there is no such coordinate");
    let signed = blame(0, &three, 8).unwrap().body;
    assert_eq!(crate::blame::EdgeNumbers::decode(&signed.encode()).unwrap(), signed);
}
