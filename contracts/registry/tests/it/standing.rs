//! Jail and tombstone.

use bauta_messages::{
    registry::{Bar, ExecuteMsg, Standing},
    MAX_SECONDS,
};

use crate::world::{metadata, World};

#[test]
fn a_jailed_provider_returns_by_itself_and_not_before_its_time() {
    let mut world = World::new();
    let provider = world.provider.clone();
    world.register(&provider);
    world.jail(&provider, 600);
    assert_eq!(world.bar(&provider, None), Some(Bar::Jailed));

    world.wait(599);
    let error = world.send(&provider, &ExecuteMsg::Unjail {}).unwrap_err();
    assert!(error.contains("is jailed until"), "{error}");
    world.wait(1);
    assert_eq!(world.bar(&provider, None), Some(Bar::Jailed));
    world.send(&provider, &ExecuteMsg::Unjail {}).unwrap();
    assert_eq!(world.bar(&provider, None), None);
    let error = world.send(&provider, &ExecuteMsg::Unjail {}).unwrap_err();
    assert!(error.contains("is not jailed"), "{error}");
}

#[test]
fn a_short_jail_does_not_shorten_a_long_one() {
    let mut world = World::new();
    let provider = world.provider.clone();
    let start = world.now();
    world.jail(&provider, 600);
    world.jail(&provider, 60);
    let Standing::Jailed { until, .. } = world.standing(&provider) else {
        panic!("expected a jail");
    };
    assert_eq!(until, start + 600);
    world.jail(&provider, 900);
    let Standing::Jailed { until, .. } = world.standing(&provider) else {
        panic!("expected a jail");
    };
    assert_eq!(until, start + 900);
}

#[test]
fn a_tombstone_is_for_ever() {
    let mut world = World::new();
    let provider = world.provider.clone();
    world.register(&provider);
    world.jail(&provider, 1);
    world.tombstone(&provider);
    let stone = world.standing(&provider);
    assert!(matches!(stone, Standing::Tombstoned { .. }));
    world.wait(MAX_SECONDS);
    world.jail(&provider, 1);
    world.tombstone(&provider);
    assert_eq!(world.standing(&provider), stone);
    let error = world.send(&provider, &ExecuteMsg::Unjail {}).unwrap_err();
    assert!(error.contains("barred for ever, for two_headers"), "{error}");
    assert_eq!(world.bar(&provider, None), Some(Bar::Tombstoned));
}

#[test]
fn a_verdict_reaches_an_address_that_never_registered() {
    let mut world = World::new();
    let provider = world.provider.clone();
    world.tombstone(&provider);
    assert_eq!(world.bar(&provider, None), Some(Bar::Tombstoned));
    let register = ExecuteMsg::Register { metadata: metadata("clinic") };
    let error = world.send(&provider, &register).unwrap_err();
    assert!(error.contains("barred for ever"), "{error}");
}

#[test]
fn nobody_but_the_slashing_contract_jails_or_tombstones() {
    let mut world = World::new();
    let victim = world.provider.to_string();
    for sender in [world.admin.clone(), world.issuer.clone(), world.provider.clone()] {
        for msg in [
            ExecuteMsg::Jail { provider: victim.clone(), seconds: 1, reason: "spite".to_string() },
            ExecuteMsg::Tombstone { provider: victim.clone(), reason: "spite".to_string() },
        ] {
            let error = world.send(&sender, &msg).unwrap_err();
            assert!(error.contains("only the slashing contract"), "{error}");
        }
    }
    assert_eq!(world.standing(&world.provider), Standing::Good {});
}

#[test]
fn a_jail_beyond_ten_years_is_refused() {
    let mut world = World::new();
    let msg = ExecuteMsg::Jail {
        provider: world.provider.to_string(),
        seconds: MAX_SECONDS + 1,
        reason: "silent_seat".to_string(),
    };
    let error = world.send(&world.slashing.clone(), &msg).unwrap_err();
    assert!(error.contains("seconds must be 0 to"), "{error}");
}
