//! Eclipses: a party whose endpoint shows it a false state is refused, never convicted.

use crate::context::Root;
use crate::curve::Point;
use crate::parties::{Group, GroupMember};
use crate::rejection::Refusal;
use crate::submit::{verify_header, HeaderState, MaskError};
use crate::tests::attacks::{judge_complaint, released, verify};
use crate::tests::world::{layout, slot, World};

#[test]
fn eclipsed_dealer_a_deal_for_other_seats_is_refused_without_penalty_though_its_proof_fails_too() {
    let mut world = World::new(4, 7);
    let mut body = world.deals[0].body.clone();
    body.seats_root = Root::from_bytes([1; 32]);
    let signed = world.keys[0].v.sign(&world.ectx, body, &mut world.rng);
    assert_eq!(world.verify_deal(0, &signed), Err(Refusal::SeatsRoot.into()));
}

#[test]
fn eclipsed_client_a_group_of_the_attackers_keys_is_seen_by_the_client_or_refused_without_penalty() {
    let mut world = World::new(4, 10);
    let (group, mut states) = world.group(1, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let (ctx, layout) = (world.ctx(1), layout(32, 4, 4));
    // The endpoint replaces everybody else by keys it holds; the header then carries a root the chain does not know.
    let swap = |member: &GroupMember| match member.slot == slot(0) {
        true => member.clone(),
        false => GroupMember { x: Point::GENERATOR, p: Point::GENERATOR, ..member.clone() },
    };
    let false_group = Group::new(group.iter().map(swap).collect()).unwrap();
    let masked = states.remove(&0).unwrap().mask(&ctx, &false_group, &layout, &[1; 4], &mut world.rng).unwrap();
    assert_ne!(masked.header.body.group_root, group.root());
    let state = HeaderState {
        ctx: &ctx,
        address: &world.addresses[0],
        v: &world.keys[0].public().v,
        slot: slot(0),
        group_root: group.root(),
        weight: 1,
        layout: &layout,
    };
    assert_eq!(verify_header(&state, &masked.header), Err(Refusal::GroupRoot.into()));
    // It replaces the client itself, or leaves it out.
    let swap_me = |member: &GroupMember| match member.slot == slot(1) {
        true => GroupMember { p: Point::GENERATOR, ..member.clone() },
        false => member.clone(),
    };
    let group = Group::new(group.iter().map(swap_me).collect()).unwrap();
    let result = states.remove(&1).unwrap().mask(&ctx, &group, &layout, &[1; 4], &mut world.rng);
    assert_eq!(result, Err(MaskError::NotInGroup));
}

#[test]
fn eclipsed_seat_shown_another_deal_its_complaint_and_its_partial_are_refused_without_penalty() {
    let mut world = World::new(4, 29);
    // The dealer signs a second deal and shows it to one seat only; the chain holds the first.
    let mut rng = world.rng.clone();
    let dealer = crate::deal::Dealer::new(&world.keys[0], world.ectx, &world.addresses[0]);
    let shown = dealer.deal(&world.seats, world.seats.threshold(), &mut rng).unwrap();
    let complaint = world.seat(2).complain(&shown.body, &mut rng);
    assert_eq!(judge_complaint(&world, 0, 2, &complaint), Err(Refusal::Deal.into()));
    let share = world.seat(2).open(&shown.body).unwrap();
    world.shares[2].insert(slot(0), share);
    let (_, _, requests) = released(&mut world, 1);
    let partial = world.answer(2, 1, &requests);
    assert_eq!(verify(&world, 2, 1, &requests, &partial), Err(Refusal::ShareKeys.into()));
}
