//! The endpoint of a client shows it a group of keys that the attacker made. The client masks towards them, and what the attacker does
//! not know of its masks, the seats would open.

use crate::expect::pays;
use crate::lab::{less_masks, open, self_mask, weighted, Opened};
use crate::town::submitting;
use crate::world::{all_but, World};
use bauta_rounds::{Error, Rejection};
use bauta_schema::training::v1::{OffenceKind, RoundPhase};
use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::curve::{hash_to_curve, HashKind, Point};
use bauta_secagg::encoding::Slot;
use bauta_secagg::parties::{Group, GroupMember};
use bauta_secagg::ring::Sign;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::submit::Masked;
use bauta_secagg::switches::{without, Switch};

const N: usize = 5;
const VICTIM: usize = 4;

struct Scene {
    world: World,
    masked: Masked,
    /// The victim's masks with the false members, which the attacker computes like they would.
    known: Vec<(Point, Sign)>,
    answer: Result<(), Rejection>,
    opened: Opened,
}

fn attack() -> Scene {
    let mut world = submitting(N, 21);
    let true_group = world.group_of(VICTIM);
    let slot = Slot::new(world.member(VICTIM).slot).unwrap();
    let (rctx, ctx) = (world.rctx_of(1), world.ctx());
    let base = hash_to_curve(HashKind::Pair, rctx.as_bytes());
    let mut known = Vec::new();
    let victims_point = true_group.member(slot).unwrap().p;
    let mut falsify = |member: &GroupMember| {
        if member.slot == slot {
            return member.clone();
        }
        let secret = SecretScalar::random(&mut world.rng);
        known.push((secret.times(&victims_point), if member.slot > slot { Sign::Plus } else { Sign::Minus }));
        GroupMember { x: secret.public(), p: secret.times(&base), ..member.clone() }
    };
    let false_group = Group::new(true_group.iter().map(&mut falsify).collect()).unwrap();
    let update = world.update(VICTIM, 1);
    let (client, layout) = (&world.clients[VICTIM], world.terms().layout);
    let masked = CheckedIn::resume(&client.keys, &rctx, &client.name(), client.weight)
        .mask(&ctx, &false_group, &layout, &update, &mut world.rng)
        .unwrap();
    let header = world.header_msg(&masked);
    let answer = world.send_as(VICTIM, header);
    for index in 0..masked.chunks.len() as u32 {
        let chunk = world.chunk_msg(&masked, index);
        let _ = world.send_as(VICTIM, chunk);
    }
    world.submit(&all_but(N, &[VICTIM]));
    world.until_round(RoundPhase::Unmask);
    let answers: Vec<_> = [0, 1, 2].map(|i| world.answer(i)).into();
    let opened = open(&world.requests(), &answers);
    Scene { world, masked, known, answer, opened }
}

/// The chain refuses what was masked towards another group, and so the victim's own mask is never opened. It sits the round out.
#[test]
fn is_caught() {
    let Scene { mut world, masked, known, answer, opened } = attack();
    assert!(matches!(answer.unwrap_err(), Rejection { error: Error::Refused(_), offence: None }));
    assert_eq!(self_mask(&opened, Slot::new(world.member(VICTIM).slot).unwrap()), None);
    let update = weighted(&world, VICTIM, &world.update(VICTIM, 1));
    assert_ne!(less_masks(&world, &world.ctx(), &masked.chunks, &known), update);
    world.unmask(&[0, 1, 2]);
    world.until_settled(1);
    world.assert_exact(1, &all_but(N, &[VICTIM]));
    pays(&world, VICTIM, OffenceKind::NoSubmission);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::GroupRoot);
    let Scene { world, masked, mut known, answer, opened } = attack();
    answer.unwrap();
    let own = self_mask(&opened, Slot::new(world.member(VICTIM).slot).unwrap()).unwrap();
    known.push((own, Sign::Plus));
    let update = weighted(&world, VICTIM, &world.update(VICTIM, 1));
    assert_eq!(less_masks(&world, &world.ctx(), &masked.chunks, &known), update);
}
