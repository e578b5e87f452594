//! What the registry stores, and under which keys. `admin` and `pending_admin` are [`bauta_foundation::admin`]'s, `contract_info` is
//! cw2's. A key of a map is its name with a be16 length in front, the parts of the key but the last each with a be16 length in
//! front, and the last part; values are JSON.

use bauta_messages::registry::{Registration, Standing};
use cosmwasm_std::{Addr, Empty};
use cw_storage_plus::{Item, Map};

/// `slashing`: the slashing contract's address, once it is set.
pub const SLASHING: Item<Addr> = Item::new("slashing");
/// `registration | provider`: the entry that a provider made.
pub const REGISTRATIONS: Map<&Addr, Registration> = Map::new("registration");
/// `standing | provider`: what verdicts did; absent while it is good.
pub const STANDINGS: Map<&Addr, Standing> = Map::new("standing");
/// `issuer | issuer`: present for those who may admit.
pub const ISSUERS: Map<&Addr, Empty> = Map::new("issuer");
/// `admission | issuer | provider`: present for those admitted.
pub const ADMISSIONS: Map<(&Addr, &Addr), Empty> = Map::new("admission");
