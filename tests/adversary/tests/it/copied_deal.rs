//! It sees a victim's deal on its way and gets one of its own in first, with the victim's ephemeral point: seats that complain about it
//! would open the victim's shares.

use crate::expect::{convicted, pays, unharmed_but};
use crate::town::{everyone, town};
use crate::world::World;
use bauta_rounds::{derive, state, Error, Rejection};
use bauta_schema::training::v1::{EpochPhase, OffenceKind};
use bauta_secagg::context::Ectx;
use bauta_secagg::curve::Point;
use bauta_secagg::deal::{Deal, ShareKeys};
use bauta_secagg::encoding::{tag, SeatIndex, Writer};
use bauta_secagg::interpolate::Lagrange;
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::Signed;
use bauta_secagg::switches::{without, Switch};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use k256::{ProjectivePoint, Scalar};
use sha2::Sha256;

const N: usize = 5;

/// The world, the deal of provider 1 that is still on its way, and what the chain said to provider 0's.
fn attack() -> (World, Signed<Deal>, Result<(), Rejection>) {
    let mut world = town(N, 15);
    world.enrol(&everyone(N));
    world.until_epoch(EpochPhase::Deal);
    let victim = world.deal(1);
    let own = world.deal(0).body;
    // Whatever is in it: no seat can open it.
    let body = Deal { ephemeral: victim.body.ephemeral, ..own };
    let ectx = world.ectx();
    let copied = world.sign(0, &ectx, body);
    let call = world.deal_msg(&copied);
    let answer = world.send_as(0, call);
    (world, victim, answer)
}

#[test]
fn is_caught() {
    let (mut world, victim, answer) = attack();
    assert!(answer.unwrap_err().offence.is_some());
    let call = world.deal_msg(&victim);
    world.send_as(1, call).unwrap();
    convicted(&world, 0, OffenceKind::InvalidProof);
}

/// The victim cannot deal any more, and complaints of `t` honest seats give its masking key away.
#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::DealProof);
    let (mut world, victim, answer) = attack();
    answer.unwrap();
    let call = world.deal_msg(&victim);
    assert_eq!(world.send_as(1, call).unwrap_err().error, Error::KeyReused("ephemeral point R"));
    world.deal_all(&[2, 3, 4]);
    world.until_epoch(EpochPhase::Complain);
    let (ectx, mut seats, mut shares) = (world.ectx(), Vec::new(), Vec::new());
    let keys = ShareKeys::from_commitments(&victim.body.commitments, N).unwrap();
    for i in [2, 3, 4] {
        let bad = world.open_shares(i);
        let complaint = world.complain_msg(i, &bad[0]);
        let bauta_rounds::Call::Complain(msg) = &complaint else { unreachable!() };
        let shared =
            <bauta_secagg::complain::Complaint as bauta_secagg::signature::Body>::decode(&msg.body).unwrap().shared;
        world.send_as(i, complaint).unwrap();
        let seat = SeatIndex::new(world.member(i).seat).unwrap();
        let share = decrypt(&ectx, &victim.body, seat, &shared);
        assert_eq!(share.public(), keys.get(seat).unwrap());
        seats.push(seat);
        shares.push(share);
    }
    let scalars = Lagrange::new(&seats).unwrap().scalars();
    let secret: Scalar = scalars.iter().zip(&shares).map(|(scalar, share)| *scalar * scalar_of(share)).sum();
    let public = Point::from_projective(&(ProjectivePoint::GENERATOR * secret)).unwrap();
    assert_eq!(public, derive::point(&world.member(1).masking_key).unwrap());
    pays(&world, 0, OffenceKind::BadShare);
    unharmed_but(&world, &[0]);
    assert!(state::find_deal(&world.storage, world.task, 1, &world.clients[1].address).unwrap().is_none());
}

/// The share in a deal, by the point that its seat has opened, as the protocol encrypts it.
fn decrypt(ectx: &Ectx, deal: &Deal, seat: SeatIndex, shared: &Point) -> SecretScalar {
    let mut info = Writer::new();
    info.bytes(&tag("share")).address(&deal.dealer).seat(seat).point(&deal.ephemeral);
    info.bytes(deal.commitments_root().as_bytes());
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(ectx.as_bytes()), &shared.to_bytes()).expand(&info.into_bytes(), &mut key).unwrap();
    let sealed = &deal.ciphertexts[seat.get() as usize - 1][..];
    let plain = ChaCha20Poly1305::new(&key.into()).decrypt(&[0; 12].into(), sealed).unwrap();
    SecretScalar::from_bytes(&plain.try_into().unwrap()).unwrap()
}

fn scalar_of(secret: &SecretScalar) -> Scalar {
    bauta_secagg::curve::scalar_from_bytes(&secret.to_bytes()).unwrap()
}
