//! Seats that are drawn.

use crate::committee::{
    committee, contribute, draw_one, enrolment_root, input_for_committee, input_for_everyone, seed, verify,
    Contribution, ContributionState, Enrolled,
};
use crate::context::{Ectx, Root};
use crate::draw::Draw;
use crate::joint::JointInput;
use crate::rejection::{BadSignature, Refusal, Rejection};
use crate::signature::Signed;
use crate::tests::world::World;

fn judge(world: &World, i: usize, input: &JointInput, signed: &Signed<Contribution>) -> Result<(), Rejection> {
    let public = world.keys[i].public();
    let state =
        ContributionState { ectx: &world.ectx, input, address: &world.addresses[i], x: &public.x, v: &public.v };
    verify(&state, signed)
}

#[test]
fn everyone_sits_up_to_96_and_above_96_seats_are_drawn_with_threshold_58() {
    assert_eq!(committee(3), (3, 2));
    assert_eq!(committee(96), (96, 49));
    assert_eq!(committee(97), (96, 58));
    assert_eq!(committee(1_000), (96, 58));
}

#[test]
fn draws_fall_on_providers_in_proportion_to_their_bonds_and_with_replacement() {
    let bonds = [0u128, 1, 3, u128::from(u64::MAX), 0, u128::from(u64::MAX) * 3];
    let mut stream = Draw::from_seed(&[5; 32]);
    let mut counts = [0u32; 6];
    for _ in 0..4_000 {
        counts[draw_one(&mut stream, &bonds).unwrap()] += 1;
    }
    assert_eq!(counts[0] + counts[1] + counts[2] + counts[4], 0, "{counts:?}");
    assert!((840..1_160).contains(&counts[3]), "a quarter of all: {counts:?}");
    assert_eq!(draw_one(&mut stream, &[0, 0]), None);
    assert_eq!(draw_one(&mut stream, &[]), None);
}

#[test]
fn what_seeds_a_draw_binds_every_key_and_bond_of_the_enrolled() {
    let world = World::new(3, 71);
    let enrolled = |bond: u128| -> Vec<Enrolled> {
        let one = |i: usize| Enrolled { address: world.addresses[i].clone(), keys: world.keys[i].public(), bond };
        (0..3).map(one).collect()
    };
    let root = enrolment_root(&enrolled(5));
    assert_ne!(root, enrolment_root(&enrolled(6)));
    assert_ne!(root, enrolment_root(&enrolled(5)[..2]));
    let mut other_key = enrolled(5);
    other_key[1].keys.e = other_key[0].keys.e;
    assert_ne!(root, enrolment_root(&other_key));
    let dealers = Root::from_bytes([1; 32]);
    assert_ne!(input_for_committee(&world.ectx, &root, &dealers), input_for_everyone(&world.ectx, &root));
}

#[test]
fn a_contribution_is_its_providers_own_and_has_one_value() {
    let mut world = World::new(3, 72);
    let input = input_for_everyone(&world.ectx, &Root::from_bytes([1; 32]));
    let mut rng = world.rng.clone();
    let mut make =
        |i: usize, input: &JointInput| contribute(&world.keys[i], &world.ectx, &world.addresses[i], input, &mut rng);
    let (own, again, theirs) = (make(0, &input), make(0, &input), make(1, &input));
    let elsewhere = make(0, &input_for_everyone(&world.ectx, &Root::from_bytes([2; 32])));
    assert_eq!(judge(&world, 0, &input, &own), Ok(()));
    assert_eq!(own.body.value, again.body.value);
    assert_eq!(judge(&world, 0, &input, &theirs), Err(BadSignature.into()));
    assert_eq!(judge(&world, 0, &input, &elsewhere), Err(Refusal::Input.into()));
    let mut sign = |change: &dyn Fn(&mut Contribution)| {
        let mut body = own.body.clone();
        change(&mut body);
        let signed = world.keys[0].v.sign(&world.ectx, body, &mut world.rng);
        let public = world.keys[0].public();
        let state = ContributionState {
            ectx: &world.ectx,
            input: &input,
            address: &world.addresses[0],
            x: &public.x,
            v: &public.v,
        };
        verify(&state, &signed)
    };
    assert_eq!(sign(&|body| body.address = crate::tests::world::address(2)), Err(Refusal::Address.into()));
    let invalid = Err(Rejection::InvalidProof("the contribution to the seed of the seats"));
    assert_eq!(sign(&|body| body.value = theirs.body.value), invalid);
    assert_eq!(sign(&|body| (body.value, body.proof) = (theirs.body.value, theirs.body.proof)), invalid);
    // Another epoch, another seed.
    let other = input_for_everyone(&Ectx::from_bytes([9; 32]), &Root::from_bytes([1; 32]));
    let given = [(own.body.address.clone(), own.body.value)];
    assert_ne!(seed(&input, &given), seed(&other, &given));
    assert_ne!(seed(&input, &given), seed(&input, &[]));
}
