//! Which migrations are accepted: from the same contract, at the same or an earlier version. cw2 keeps both under `contract_info`.

use cosmwasm_std::{StdError, Storage};
use cw2::{ContractVersion, CONTRACT};
use semver::Version;
use thiserror::Error;

/// Why a migration is refused.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// The state is of something that did not say what it is.
    #[error("the state does not name the contract it belongs to; only {expected} migrates to this code")]
    Nameless {
        /// The contract that migrates to this code.
        expected: String,
    },
    /// The state is of another contract.
    #[error("the state belongs to {found:?}; only {expected} migrates to this code")]
    OtherContract {
        /// The contract that migrates to this code.
        expected: String,
        /// The contract that the state belongs to.
        found: String,
    },
    /// The state names a version that is none.
    #[error("the state names version {found:?}, which is not a semantic version")]
    BadVersion {
        /// What it names.
        found: String,
    },
    /// The state was written by a later version.
    #[error("the state is of version {found}, and this code is {ours}: a later version cannot be taken back")]
    Downgrade {
        /// The version of the state.
        found: Version,
        /// The version of the code.
        ours: Version,
    },
    /// The storage failed.
    #[error("{0}")]
    Std(#[from] StdError),
}

/// Notes which contract and version the state belongs to, at instantiation.
pub fn initialise(storage: &mut dyn Storage, contract: &str, version: &str) -> Result<(), MigrationError> {
    Ok(cw2::set_contract_version(storage, contract, version)?)
}

/// Accepts the state of the same contract at the same or an earlier version, notes the new version and returns the earlier one.
pub fn accept(storage: &mut dyn Storage, contract: &str, version: &str) -> Result<Version, MigrationError> {
    let Some(ContractVersion { contract: found, version: from }) = CONTRACT.may_load(storage)? else {
        return Err(MigrationError::Nameless { expected: contract.to_string() });
    };
    if found != contract {
        return Err(MigrationError::OtherContract { expected: contract.to_string(), found });
    }
    let parse = |text: &str| Version::parse(text).map_err(|_| MigrationError::BadVersion { found: text.to_string() });
    let (from, ours) = (parse(&from)?, parse(version)?);
    if from > ours {
        return Err(MigrationError::Downgrade { found: from, ours });
    }
    cw2::set_contract_version(storage, contract, version)?;
    Ok(from)
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::MockStorage;

    use super::*;

    fn migrate(from: Option<(&str, &str)>) -> Result<Version, MigrationError> {
        let mut storage = MockStorage::new();
        if let Some((contract, version)) = from {
            initialise(&mut storage, contract, version).unwrap();
        }
        accept(&mut storage, "bauta:staking", "1.2.0")
    }

    #[test]
    fn the_same_or_an_earlier_version_migrates() {
        assert_eq!(migrate(Some(("bauta:staking", "1.2.0"))).unwrap(), Version::new(1, 2, 0));
        assert_eq!(migrate(Some(("bauta:staking", "0.9.9"))).unwrap(), Version::new(0, 9, 9));
    }

    #[test]
    fn a_later_version_does_not_migrate() {
        let error = migrate(Some(("bauta:staking", "1.10.0"))).unwrap_err();
        assert!(matches!(error, MigrationError::Downgrade { .. }));
    }

    #[test]
    fn another_contract_does_not_migrate() {
        let error = migrate(Some(("bauta:registry", "1.0.0"))).unwrap_err();
        assert!(matches!(error, MigrationError::OtherContract { .. }));
        assert!(matches!(migrate(None).unwrap_err(), MigrationError::Nameless { .. }));
    }

    #[test]
    fn a_version_that_is_none_does_not_migrate() {
        let error = migrate(Some(("bauta:staking", "one"))).unwrap_err();
        assert!(matches!(error, MigrationError::BadVersion { .. }));
    }
}
