//! Registration and admission.

use bauta_messages::registry::{
    AdmittedResponse, Bar, ExecuteMsg, IssuersResponse, Metadata, ProviderResponse, ProvidersResponse, QueryMsg,
    Standing, MAX_DESCRIPTION_BYTES, MAX_NAME_BYTES,
};
use cosmwasm_std::{coins, Addr};

use crate::world::{metadata, World};

fn admit(world: &mut World, issuer: &Addr, provider: &Addr) -> Result<(), String> {
    let msg = ExecuteMsg::Admit { provider: provider.to_string() };
    world.send(issuer, &msg)
}

#[test]
fn a_registered_provider_may_take_part_where_no_issuer_is_named() {
    let mut world = World::new();
    let provider = world.provider.clone();
    assert_eq!(world.bar(&provider, None), Some(Bar::NotRegistered));
    world.register(&provider);
    assert_eq!(world.bar(&provider, None), None);
}

#[test]
fn a_task_that_names_an_issuer_takes_only_whom_it_admitted() {
    let mut world = World::new();
    let (provider, issuer) = (world.provider.clone(), world.issuer.clone());
    world.register(&provider);
    assert_eq!(world.bar(&provider, Some(&issuer)), Some(Bar::NotAdmitted));
    admit(&mut world, &issuer, &provider).unwrap();
    assert_eq!(world.bar(&provider, Some(&issuer)), None);

    let revoke = ExecuteMsg::Revoke { provider: provider.to_string() };
    world.send(&issuer, &revoke).unwrap();
    assert_eq!(world.bar(&provider, Some(&issuer)), Some(Bar::NotAdmitted));
    let error = world.send(&issuer, &revoke).unwrap_err();
    assert!(error.contains("has not admitted"), "{error}");
}

#[test]
fn an_admission_may_come_before_the_registration() {
    let mut world = World::new();
    let (provider, issuer) = (world.provider.clone(), world.issuer.clone());
    admit(&mut world, &issuer, &provider).unwrap();
    assert_eq!(world.bar(&provider, Some(&issuer)), Some(Bar::NotRegistered));
    world.register(&provider);
    assert_eq!(world.bar(&provider, Some(&issuer)), None);
}

#[test]
fn nobody_but_an_issuer_admits() {
    let mut world = World::new();
    let provider = world.provider.clone();
    for sender in [world.provider.clone(), world.admin.clone(), world.slashing.clone()] {
        let error = admit(&mut world, &sender, &provider).unwrap_err();
        assert!(error.contains("is not an issuer"), "{error}");
    }
}

#[test]
fn an_issuer_that_was_removed_vouches_for_nobody() {
    let mut world = World::new();
    let (admin, provider, issuer) = (world.admin.clone(), world.provider.clone(), world.issuer.clone());
    world.register(&provider);
    admit(&mut world, &issuer, &provider).unwrap();
    let remove = ExecuteMsg::RemoveIssuer { issuer: issuer.to_string() };
    world.send(&admin, &remove).unwrap();
    assert_eq!(world.bar(&provider, Some(&issuer)), Some(Bar::UnknownIssuer));
    assert!(admit(&mut world, &issuer, &provider).is_err());
    assert!(world.send(&admin, &remove).is_err());

    let add = ExecuteMsg::AddIssuer { issuer: issuer.to_string() };
    world.send(&admin, &add).unwrap();
    assert_eq!(world.bar(&provider, Some(&issuer)), None);
    assert!(world.send(&admin, &add).is_err());
}

#[test]
fn a_provider_registers_once_and_changes_its_metadata_afterwards() {
    let mut world = World::new();
    let provider = world.provider.clone();
    let update = ExecuteMsg::UpdateMetadata { metadata: metadata("hospital") };
    assert!(world.send(&provider, &update).is_err());
    world.register(&provider);
    let registered_at = world.now();
    let again = ExecuteMsg::Register { metadata: metadata("clinic") };
    let error = world.send(&provider, &again).unwrap_err();
    assert!(error.contains("is registered already"), "{error}");
    world.wait(60);
    world.send(&provider, &update).unwrap();
    let entry: ProviderResponse = world.query(&QueryMsg::Provider { provider: provider.to_string() });
    let registration = entry.registration.unwrap();
    assert_eq!(registration.metadata.name, "hospital");
    assert_eq!(registration.registered_at, registered_at);
    assert_eq!(entry.standing, Standing::Good {});
}

#[test]
fn metadata_beyond_its_bounds_is_refused() {
    let mut world = World::new();
    let provider = world.provider.clone();
    let bad = [
        metadata(""),
        metadata(&"n".repeat(MAX_NAME_BYTES + 1)),
        metadata("two\nlines"),
        Metadata { description: "d".repeat(MAX_DESCRIPTION_BYTES + 1), ..metadata("clinic") },
    ];
    for metadata in bad {
        let error = world.send(&provider, &ExecuteMsg::Register { metadata }).unwrap_err();
        assert!(error.contains("bytes without control characters"), "{error}");
    }
    let metadata = Metadata { description: "d".repeat(MAX_DESCRIPTION_BYTES), ..metadata(&"n".repeat(MAX_NAME_BYTES)) };
    world.send(&provider, &ExecuteMsg::Register { metadata }).unwrap();
}

#[test]
fn a_registration_takes_no_funds() {
    let mut world = World::new();
    let provider = world.provider.clone();
    world.app.init_modules(|router, _, storage| {
        router.bank.init_balance(storage, &provider, coins(5, "ubauta")).unwrap();
    });
    let register = ExecuteMsg::Register { metadata: metadata("clinic") };
    let error = world.send_with(&provider, &register, &coins(5, "ubauta")).unwrap_err();
    assert!(error.contains("takes no funds, but 5ubauta"), "{error}");
}

#[test]
fn lists_are_walked_page_by_page_without_gaps() {
    let mut world = World::new();
    let mut expected: Vec<Addr> = (0..7).map(|i| world.address(&format!("p{i}"))).collect();
    let issuer = world.issuer.clone();
    for provider in &expected {
        world.register(provider);
        admit(&mut world, &issuer, provider).unwrap();
    }
    expected.sort();

    let (mut registered, mut admitted): (Vec<Addr>, Vec<Addr>) = (vec![], vec![]);
    loop {
        let page: ProvidersResponse =
            world.query(&QueryMsg::Providers { start_after: registered.last().map(Addr::to_string), limit: Some(3) });
        assert!(page.providers.len() <= 3);
        if page.providers.is_empty() {
            break;
        }
        registered.extend(page.providers.into_iter().map(|entry| entry.provider));
    }
    loop {
        let page: AdmittedResponse = world.query(&QueryMsg::Admitted {
            issuer: issuer.to_string(),
            start_after: admitted.last().map(Addr::to_string),
            limit: Some(2),
        });
        if page.providers.is_empty() {
            break;
        }
        admitted.extend(page.providers);
    }
    assert_eq!(registered, expected);
    assert_eq!(admitted, expected);
    let issuers: IssuersResponse = world.query(&QueryMsg::Issuers { start_after: None, limit: None });
    assert_eq!(issuers.issuers, [issuer]);
}

#[test]
fn a_query_with_an_address_of_another_chain_is_refused_with_its_field() {
    let world = World::new();
    let msg = QueryMsg::Provider { provider: "osmo1xyz".to_string() };
    let error = world.app.wrap().query_wasm_smart::<ProviderResponse>(&world.registry, &msg).unwrap_err().to_string();
    assert!(error.contains("provider \"osmo1xyz\""), "{error}");
}
