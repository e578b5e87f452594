//! What a cheat makes and signs.

use super::World;
use bauta_rounds::{params, state, Call};
use bauta_schema::training::v1 as pb;
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::parties::{SeatHolder, Seats};
use bauta_secagg::proof::{Schnorr, Transcript};
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::{Body, Signed};
use bauta_secagg::submit::Masked;
use bauta_secagg::unmask::Partial;
use sha2::{Digest, Sha256};

/// A deal whose shares for `victims` cannot be opened, properly proven and signed.
pub fn bad_deal(world: &mut World, i: usize, victims: &[u32]) -> Signed<Deal> {
    let epoch = world.epoch();
    let records = state::seats(&world.storage, world.task, epoch.number).unwrap();
    let true_seats = bauta_rounds::derive::seats(&records).unwrap();
    let other = SecretScalar::random(&mut world.rng).public();
    let holders = true_seats
        .iter()
        .map(|(k, holder)| SeatHolder {
            address: holder.address.clone(),
            e: if victims.contains(&k.get()) { other } else { holder.e },
        })
        .collect();
    let seats = Seats::new(holders).unwrap();
    let ectx = world.ectx();
    let client = &world.clients[i];
    let name = client.name();
    // The dealer draws its polynomial, then its ephemeral secret; drawing again from the same state gives the latter.
    let mut again = world.rng.clone();
    let t = epoch.threshold as usize;
    let signed = Dealer::new(&client.keys, ectx, &name).deal(&seats, t, &mut world.rng).unwrap();
    for _ in 1..t {
        SecretScalar::random(&mut again);
    }
    let r = SecretScalar::random(&mut again);
    let mut body = signed.body;
    assert_eq!(r.public(), body.ephemeral);
    body.seats_root = true_seats.root();
    signed_deal(world, i, body, &r)
}

/// A deal with the proof that belongs to it, of the secret `r` of its ephemeral key, signed.
pub fn signed_deal(world: &mut World, i: usize, mut body: Deal, r: &SecretScalar) -> Signed<Deal> {
    let ectx = world.ectx();
    let mut transcript = Transcript::new("deal", ectx.as_bytes());
    let writer = transcript.writer();
    writer.address(&body.dealer).bytes(body.seats_root.as_bytes());
    writer.count(body.commitments.len());
    body.commitments.iter().for_each(|point| {
        writer.point(point);
    });
    writer.count(body.ciphertexts.len());
    body.ciphertexts.iter().for_each(|sealed| {
        writer.bytes(sealed);
    });
    writer.point(&body.ephemeral);
    body.proof = Schnorr::prove(r, &transcript, &mut world.rng);
    world.sign(i, &ectx, body)
}

/// A masked update with other bytes at the beginning of a chunk, signed.
pub fn tampered(world: &mut World, i: usize, masked: &Masked, byte: u8) -> Masked {
    let mut chunks = masked.chunks.clone();
    for byte_of_chunk in &mut chunks[0] {
        *byte_of_chunk ^= byte;
    }
    let mut body = masked.header.body.clone();
    body.chunks = chunks.iter().map(|chunk| Sha256::digest(chunk).into()).collect();
    let ctx = world.ctx();
    Masked { header: world.sign(i, &ctx, body), chunks }
}

/// A partial whose first value is wrong, signed.
pub fn wrong_partial(world: &mut World, i: usize) -> Signed<Partial> {
    let mut body = world.answer(i).body;
    body.entries[0].value = SecretScalar::random(&mut world.rng).public();
    let ctx = world.ctx();
    world.sign(i, &ctx, body)
}

pub fn report(world: &World, accused: usize, round: u64, evidence: pb::msg_report::Evidence) -> Call {
    let msg = pb::MsgReport {
        sender: String::new(),
        accused: String::new(),
        task_id: world.task,
        epoch: world.the_task().epoch,
        round,
        deposit: params::default_params().report_deposit,
        evidence: Some(evidence),
    };
    Call::Report { msg: Box::new(msg), accused: world.clients[accused].address.clone() }
}

pub fn signed_body<B: Body>(signed: &Signed<B>) -> pb::SignedBody {
    pb::SignedBody { body: signed.body_bytes(), signature: signed.signature.to_vec() }
}
