//! A seat complains and opens another point than that of its share, so that a right share seems not to open.

use crate::expect::{convicted, pays};
use crate::town::in_rounds;
use crate::world::World;
use bauta_rounds::{state, Call};
use bauta_schema::training::v1::{MsgComplain, OffenceKind};
use bauta_secagg::complain::Complaint;
use bauta_secagg::deal::Deal;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::Body;
use bauta_secagg::switches::{without, Switch};

/// Provider 0 frames provider 1.
fn attack() -> World {
    let mut world = in_rounds(5, 9);
    let dealer = world.clients[1].address.clone();
    let record = state::find_deal(&world.storage, world.task, 1, &dealer).unwrap().unwrap();
    let Call::Complain(honest) = world.complain_msg(0, &Deal::decode(&record.body).unwrap()) else { unreachable!() };
    let shared = SecretScalar::random(&mut world.rng).public();
    let body = Complaint { shared, ..Complaint::decode(&honest.body).unwrap() };
    let ectx = world.ectx();
    let signed = world.sign(0, &ectx, body);
    let (body, signature) = (signed.body_bytes(), signed.signature.to_vec());
    // Whether it is refused is what the two tests differ in.
    let _ = world.send_as(0, Call::Complain(MsgComplain { body, signature, ..honest }));
    world
}

#[test]
fn is_caught() {
    convicted(&attack(), 0, OffenceKind::InvalidProof);
}

#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::ComplaintProof);
    let world = attack();
    assert!(world.verdicts_of(0).is_empty());
    pays(&world, 1, OffenceKind::BadShare);
}
