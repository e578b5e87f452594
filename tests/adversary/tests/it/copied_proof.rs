//! It copies a proof from another slot, task or chain, with the key that it proves, instead of proving a key of its own.

use crate::expect::{convicted, unharmed};
use crate::town::{everyone, town};
use crate::world::{World, CHAIN};
use bauta_rounds::{derive, state, Rejection};
use bauta_schema::training::v1::{settings_hash, EpochPhase, OffenceKind};
use bauta_secagg::context::{Ectx, SettingsHash};
use bauta_secagg::deal::{Deal, Dealer};
use bauta_secagg::switches::{without, Switch};

/// Where the proof is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Slot,
    Task,
    Chain,
}

const ALL: [From; 3] = [From::Slot, From::Task, From::Chain];

/// The world, and what the chain said to provider 0's deal with a copied proof.
fn attack(from: From) -> (World, Result<(), Rejection>) {
    let mut world = town(4, 16 + from as u64);
    world.enrol(&everyone(4));
    world.until_epoch(EpochPhase::Deal);
    let elsewhere = match from {
        From::Slot => world.deal(1).body,
        From::Task => deal_in(&mut world, CHAIN, 2),
        From::Chain => deal_in(&mut world, "bauta-2", 1),
    };
    let own = world.deal(0).body;
    let body = Deal { ephemeral: elsewhere.ephemeral, proof: elsewhere.proof, ..own };
    let ectx = world.ectx();
    let copied = world.sign(0, &ectx, body);
    let call = world.deal_msg(&copied);
    let answer = world.send_as(0, call);
    (world, answer)
}

/// The deal that provider 0 made with the same keys somewhere else.
fn deal_in(world: &mut World, chain: &str, task: u64) -> Deal {
    let settings = state::settings(&world.storage, world.task).unwrap();
    let ectx = Ectx::new(chain, task, 1, &SettingsHash::from_bytes(settings_hash(&settings))).unwrap();
    let seats = derive::seats(&state::seats(&world.storage, world.task, 1).unwrap()).unwrap();
    let threshold = world.epoch().threshold as usize;
    let client = &world.clients[0];
    Dealer::new(&client.keys, ectx, &client.name()).deal(&seats, threshold, &mut world.rng).unwrap().body
}

#[test]
fn is_caught() {
    for from in ALL {
        let (world, answer) = attack(from);
        assert!(answer.unwrap_err().offence.is_some(), "{from:?}");
        convicted(&world, 0, OffenceKind::InvalidProof);
    }
}

/// It has dealt under a key whose secret it does not know.
#[test]
fn succeeds_without_its_check() {
    let _off = without(Switch::ProofStatement);
    for from in ALL {
        let (world, answer) = attack(from);
        answer.unwrap();
        assert!(world.member(0).dealt, "{from:?}");
        unharmed(&world);
    }
}
