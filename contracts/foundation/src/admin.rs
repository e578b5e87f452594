//! The admin: one address that may change parameters. The role changes hands in two steps, so that a mistyped address cannot take it.
//!
//! Storage: `admin` and, while an offer is open, `pending_admin`, each an address.

use cosmwasm_std::{Addr, StdError, Storage};
use cw_storage_plus::Item;
use thiserror::Error;

const ADMIN: Item<Addr> = Item::new("admin");
const PENDING_ADMIN: Item<Addr> = Item::new("pending_admin");

/// Why an act of the admin is refused.
#[derive(Debug, Error)]
pub enum AdminError {
    /// Somebody else sent what only the admin may send.
    #[error("only the admin {admin} may send this, not {sender}")]
    NotAdmin {
        /// Who may.
        admin: Addr,
        /// Who tried.
        sender: Addr,
    },
    /// The role was not offered to the sender.
    #[error("the role of the admin was not offered to {sender}; the admin offers it with propose_admin")]
    NotOffered {
        /// Who tried to accept.
        sender: Addr,
    },
    /// The storage failed.
    #[error("{0}")]
    Std(#[from] StdError),
}

/// Sets the first admin, at instantiation.
pub fn initialise(storage: &mut dyn Storage, admin: &Addr) -> Result<(), AdminError> {
    Ok(ADMIN.save(storage, admin)?)
}

/// The admin.
pub fn current(storage: &dyn Storage) -> Result<Addr, AdminError> {
    Ok(ADMIN.load(storage)?)
}

/// To whom the role is offered.
pub fn pending(storage: &dyn Storage) -> Result<Option<Addr>, AdminError> {
    Ok(PENDING_ADMIN.may_load(storage)?)
}

/// Refuses everybody but the admin.
pub fn require(storage: &dyn Storage, sender: &Addr) -> Result<(), AdminError> {
    let admin = current(storage)?;
    if *sender == admin {
        Ok(())
    } else {
        Err(AdminError::NotAdmin { admin, sender: sender.clone() })
    }
}

/// The admin offers the role to `offer`, or takes an offer back.
pub fn propose(storage: &mut dyn Storage, sender: &Addr, offer: Option<&Addr>) -> Result<(), AdminError> {
    require(storage, sender)?;
    match offer {
        Some(address) => PENDING_ADMIN.save(storage, address)?,
        None => PENDING_ADMIN.remove(storage),
    }
    Ok(())
}

/// The sender takes the role that was offered to it.
pub fn accept(storage: &mut dyn Storage, sender: &Addr) -> Result<(), AdminError> {
    if pending(storage)?.as_ref() != Some(sender) {
        return Err(AdminError::NotOffered { sender: sender.clone() });
    }
    ADMIN.save(storage, sender)?;
    PENDING_ADMIN.remove(storage);
    Ok(())
}

#[cfg(test)]
mod tests {
    use cosmwasm_std::testing::MockStorage;

    use super::*;

    fn address(name: &str) -> Addr {
        Addr::unchecked(name)
    }

    #[test]
    fn the_role_moves_only_when_it_is_accepted() {
        let mut storage = MockStorage::new();
        initialise(&mut storage, &address("old")).unwrap();
        propose(&mut storage, &address("old"), Some(&address("new"))).unwrap();
        assert_eq!(current(&storage).unwrap(), address("old"));
        accept(&mut storage, &address("new")).unwrap();
        assert_eq!(current(&storage).unwrap(), address("new"));
        assert_eq!(pending(&storage).unwrap(), None);
    }

    #[test]
    fn an_offer_can_be_taken_back() {
        let mut storage = MockStorage::new();
        initialise(&mut storage, &address("old")).unwrap();
        propose(&mut storage, &address("old"), Some(&address("new"))).unwrap();
        propose(&mut storage, &address("old"), None).unwrap();
        let error = accept(&mut storage, &address("new")).unwrap_err();
        assert!(matches!(error, AdminError::NotOffered { .. }));
    }

    #[test]
    fn nobody_but_the_admin_offers_the_role() {
        let mut storage = MockStorage::new();
        initialise(&mut storage, &address("old")).unwrap();
        let error = propose(&mut storage, &address("thief"), Some(&address("thief"))).unwrap_err();
        assert_eq!(error.to_string(), "only the admin old may send this, not thief");
    }
}
