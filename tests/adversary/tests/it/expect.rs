//! What a caught adversary, and a harmed or an unharmed provider, look like to the contracts.

use crate::world::World;
use bauta_adversary::{price, BOND};
use bauta_messages::registry::Standing;
use bauta_rounds::offence::name;
use bauta_schema::training::v1::OffenceKind;

/// The machine convicted `who` of one offence, the contracts took what the protocol's table says, and nobody else lost anything.
#[track_caller]
pub fn convicted(world: &World, who: usize, kind: OffenceKind) {
    assert_eq!(world.verdicts_of(who), [kind]);
    pays(world, who, kind);
    unharmed_but(world, &[who]);
    assert!(world.registry.faults.is_empty(), "{:?}", world.registry.faults);
}

/// The contracts took what an offence costs from `who`, and barred it as they should.
#[track_caller]
pub fn pays(world: &World, who: usize, kind: OffenceKind) {
    let address = &world.clients[who].address;
    let price = price(kind);
    let offences = world.registry.offences(address);
    assert_eq!(offences.iter().map(|offence| &offence.kind[..]).collect::<Vec<_>>(), [name(kind)]);
    assert_eq!(world.registry.bond(address), BOND - BOND * price.percent / 100);
    let standing = world.registry.standing(address);
    assert_eq!(matches!(standing, Standing::Tombstoned { .. }), price.tombstone, "{standing:?}");
    assert_eq!(matches!(standing, Standing::Jailed { .. }), price.jail, "{standing:?}");
    let verdict = world.verdicts.iter().find(|verdict| verdict.provider == *address).unwrap();
    let bounty = if verdict.reporter.is_empty() { 0 } else { price.percent * price.bounty_percent * BOND / 10_000 };
    assert_eq!(offences[0].bounty.u128(), bounty);
}

/// Nobody lost a coin or its standing.
#[track_caller]
pub fn unharmed(world: &World) {
    unharmed_but(world, &[]);
    assert!(world.registry.faults.is_empty(), "{:?}", world.registry.faults);
}

/// Nobody but some lost a coin or its standing.
#[track_caller]
pub fn unharmed_but(world: &World, some: &[usize]) {
    for (i, client) in world.clients.iter().enumerate().filter(|(i, _)| !some.contains(i)) {
        assert_eq!(world.verdicts_of(i), [], "provider {i}");
        assert_eq!(world.registry.bond(&client.address), BOND, "provider {i}");
        assert_eq!(world.registry.standing(&client.address), Standing::Good {}, "provider {i}");
    }
}
