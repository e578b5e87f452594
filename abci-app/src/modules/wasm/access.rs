//! Who may store codes and make contracts of them (wasmd x/wasm/types/{params,types}.go).

use std::collections::BTreeSet;

use cosmos_sdk_proto::cosmwasm::wasm::v1::{AccessConfig, AccessType, Params};

use super::{addresses, errors};
use crate::error::{Error, Result};

/// Addresses that one permission may name.
pub const MAX_ADDRESSES: usize = 50;

/// Everybody may.
pub fn everybody() -> AccessConfig {
    AccessConfig { permission: AccessType::Everybody.into(), addresses: Vec::new() }
}

/// Nobody may.
pub fn nobody() -> AccessConfig {
    AccessConfig { permission: AccessType::Nobody.into(), addresses: Vec::new() }
}

/// Only these may.
pub fn only(addresses: Vec<String>) -> AccessConfig {
    AccessConfig { permission: AccessType::AnyOfAddresses.into(), addresses }
}

/// Everybody stores codes, and codes are everybody's unless their creator says otherwise.
pub fn default_params() -> Params {
    Params { code_upload_access: Some(everybody()), instantiate_default_permission: AccessType::Everybody.into() }
}

/// Whether parameters make sense.
///
/// # Errors
/// What does not.
pub fn check_params(prefix: &str, params: &Params) -> Result<()> {
    let default = params.instantiate_default_permission;
    check_type(default).map_err(|error| errors::wrapped(error, "instantiate default permission"))?;
    let upload = params.code_upload_access.as_ref().ok_or_else(|| errors::EMPTY.wrap("upload access"))?;
    check(prefix, upload).map_err(|error| errors::wrapped(error, "upload access"))
}

/// Whether a permission makes sense.
///
/// # Errors
/// An unknown kind; no, too many, wrong or repeated addresses.
pub fn check(prefix: &str, config: &AccessConfig) -> Result<()> {
    check_type(config.permission)?;
    if config.permission != AccessType::AnyOfAddresses as i32 {
        return Ok(());
    }
    match config.addresses.len() {
        0 => return Err(errors::EMPTY.wrap("addresses")),
        1..=MAX_ADDRESSES => {}
        _ => {
            let text = format!("total number of addresses is greater than {MAX_ADDRESSES}: invalid request");
            return Err(Error::invalid_request(text));
        }
    }
    let mut seen = BTreeSet::new();
    for address in &config.addresses {
        let bytes =
            addresses::parse(prefix, address).map_err(|error| errors::wrapped(error, format!("address: {address}")))?;
        if !seen.insert(bytes) {
            return Err(errors::DUPLICATE.wrap("duplicate addresses"));
        }
    }
    Ok(())
}

fn check_type(permission: i32) -> Result<()> {
    match AccessType::try_from(permission) {
        Ok(AccessType::Unspecified) => Err(errors::EMPTY.wrap("type")),
        Ok(_) => Ok(()),
        Err(_) => Err(errors::INVALID.wrap(format!("unknown type: {permission}"))),
    }
}

/// Whether `actor`, an address as text, is allowed.
pub fn allows(config: Option<&AccessConfig>, actor: &str) -> bool {
    let Some(config) = config else { return false };
    match config.permission() {
        AccessType::Everybody => true,
        AccessType::AnyOfAddresses => config.addresses.iter().any(|address| address == actor),
        AccessType::Nobody | AccessType::Unspecified => false,
    }
}

/// The permission that a code of `creator` gets by default.
pub fn of_creator(default: AccessType, creator: &str) -> AccessConfig {
    match default {
        AccessType::Everybody => everybody(),
        AccessType::AnyOfAddresses => only(vec![creator.into()]),
        AccessType::Nobody | AccessType::Unspecified => nobody(),
    }
}

/// Whether `config` allows nobody whom `superset` does not allow.
pub fn is_subset(config: &AccessConfig, superset: &AccessConfig) -> bool {
    match superset.permission() {
        AccessType::AnyOfAddresses => match config.permission() {
            AccessType::Nobody => true,
            AccessType::AnyOfAddresses => config.addresses.iter().all(|address| superset.addresses.contains(address)),
            AccessType::Everybody | AccessType::Unspecified => false,
        },
        kind => is_subset_kind(config.permission(), kind),
    }
}

/// Whether a kind of permission is at most as wide as another.
pub fn is_subset_kind(kind: AccessType, superset: AccessType) -> bool {
    match superset {
        AccessType::Everybody => kind != AccessType::Unspecified,
        AccessType::AnyOfAddresses => matches!(kind, AccessType::Nobody | AccessType::AnyOfAddresses),
        AccessType::Nobody => kind == AccessType::Nobody,
        AccessType::Unspecified => false,
    }
}

/// The name of a kind of permission in events and genesis.
pub fn name(kind: AccessType) -> &'static str {
    match kind {
        AccessType::Nobody => "Nobody",
        AccessType::Everybody => "Everybody",
        AccessType::AnyOfAddresses => "AnyOfAddresses",
        AccessType::Unspecified => "Unspecified",
    }
}

/// The kind of permission of a name.
pub fn of_name(name_given: &str) -> Option<AccessType> {
    [AccessType::Nobody, AccessType::Everybody, AccessType::AnyOfAddresses]
        .into_iter()
        .find(|kind| name(*kind) == name_given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_within_another_as_wasmd_says() {
        let (a, ab) = (only(vec!["a".into()]), only(vec!["a".into(), "b".into()]));
        for (config, superset, expected) in [
            (everybody(), everybody(), true),
            (everybody(), ab.clone(), false),
            (everybody(), nobody(), false),
            (a.clone(), everybody(), true),
            (a.clone(), ab.clone(), true),
            (ab.clone(), a.clone(), false),
            (a.clone(), nobody(), false),
            (nobody(), everybody(), true),
            (nobody(), a.clone(), true),
            (nobody(), nobody(), true),
            (AccessConfig::default(), everybody(), false),
            (nobody(), AccessConfig::default(), false),
        ] {
            assert_eq!(is_subset(&config, &superset), expected, "{config:?} within {superset:?}");
        }
    }

    #[test]
    fn only_the_named_are_allowed() {
        let a = only(vec!["a".into()]);
        assert!(allows(Some(&a), "a") && !allows(Some(&a), "b"));
        assert!(allows(Some(&everybody()), "b"));
        assert!(!allows(Some(&nobody()), "a") && !allows(None, "a") && !allows(Some(&AccessConfig::default()), "a"));
    }

    #[test]
    fn a_permission_needs_one_to_fifty_different_addresses() {
        let address = |byte: u8| addresses::format("bauta", &[byte; 20]).unwrap();
        let check = |list: Vec<String>| check("bauta", &only(list));
        assert!(check((0..50).map(address).collect()).is_ok());
        assert!(check((0..51).map(address).collect()).is_err());
        assert!(check(vec![]).is_err());
        assert!(check(vec![address(1), address(1).to_uppercase()]).is_err());
        assert!(check(vec!["cosmos1".into()]).is_err());
        assert!(super::check("bauta", &AccessConfig { permission: 2, addresses: vec![] }).is_err());
    }
}
