//! A dealer that deals one seat a wrong share, and the seat that finds it.

use bauta_client::provider::Event;
use bauta_rounds::{derive, query};
use bauta_schema::training::v1::{EpochPhase, OffenceKind, SignedBody, TaskStatus};
use bauta_secagg::context::Ectx;
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::encoding::Address;
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::parties::{SeatHolder, Seats};
use bauta_secagg::proof::{Schnorr, Transcript};
use bauta_secagg::secret::SecretScalar;
use bauta_secagg::signature::{digest, Body, Kind};
use prost::Message;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::world::World;

/// A deal with a valid proof in which `victim`'s share is encrypted to nobody: its ephemeral secret is drawn again from the same
/// randomness, and the proof is made anew over the true seats.
fn bad_deal(world: &World, dealer: usize, victim: &[u8]) -> SignedBody {
    let node = world.node.lock();
    let epoch = query::epoch(&node.machine.storage, world.task, 0).unwrap();
    let record = epoch.epoch.unwrap();
    let seats = derive::seats(&epoch.seats).unwrap();
    let nobody = ProviderKeys::generate(&mut ChaCha20Rng::seed_from_u64(3)).public().e;
    let holder = |holder: &SeatHolder| SeatHolder {
        address: holder.address.clone(),
        e: if holder.address.as_bytes() == victim { nobody } else { holder.e },
    };
    let false_seats = Seats::new(seats.iter().map(|(_, seat)| holder(seat)).collect()).unwrap();
    let secret = std::fs::read(world.records(dealer).join("epoch-1/keys")).unwrap();
    let keys = ProviderKeys::from_bytes(&secret).unwrap();
    let address = Address::new(world.raw(dealer)).unwrap();
    let ectx = Ectx::from_bytes(record.ectx.try_into().unwrap());
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut again = rng.clone();
    let t = seats.threshold();
    let mut body: Deal = Dealer::new(&keys, ectx, &address).deal(&false_seats, t, &mut rng).unwrap().body;
    (1..t).for_each(|_| drop(SecretScalar::random(&mut again)));
    let ephemeral = SecretScalar::random(&mut again);
    assert_eq!(ephemeral.public(), body.ephemeral);
    body.seats_root = seats.root();
    let mut transcript = Transcript::new("deal", ectx.as_bytes());
    let writer = transcript.writer();
    writer.address(&address).bytes(body.seats_root.as_bytes()).count(body.commitments.len());
    for point in &body.commitments {
        writer.point(point);
    }
    writer.count(body.ciphertexts.len());
    for sealed in &body.ciphertexts {
        writer.bytes(sealed);
    }
    writer.point(&body.ephemeral);
    body.proof = Schnorr::prove(&ephemeral, &transcript, &mut rng);
    let signing = k256::schnorr::SigningKey::from_bytes(&secret[96..128]).unwrap();
    let hash = digest(Kind::Deal, ectx.as_bytes(), &body.encode());
    SignedBody { body: body.encode(), signature: signing.sign_raw(&hash, &[7; 32]).unwrap().to_bytes().to_vec() }
}

#[tokio::test]
async fn a_wrong_share_is_complained_about_and_the_task_goes_on_without_its_dealer() {
    let mut world = World::new(5, 2).await;
    loop {
        world.height().await;
        let epoch = query::epoch(&world.node.lock().machine.storage, world.task, 0).unwrap();
        if epoch.epoch.unwrap().phase() == EpochPhase::Deal {
            break;
        }
    }
    // What provider 0 finds in its records it sends.
    let deal = bad_deal(&world, 0, &world.raw(3));
    std::fs::write(world.records(0).join("epoch-1/deal"), deal.encode_to_vec()).unwrap();
    world.run().await;
    assert_eq!(world.task().status(), TaskStatus::Finished);
    assert_eq!(world.survivors(), [[1, 2, 3, 4], [1, 2, 3, 4]]);
    assert_eq!(world.node.lock().machine.offences(), [(world.raw(0), OffenceKind::BadShare)]);
    let complained = Event::Complained { dealer: world.address(0) };
    assert!(world.events.lock().unwrap().contains(&(3, complained)));
}
