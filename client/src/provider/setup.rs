//! What a provider needs before its first task: a registration and a bond.

use bauta_messages::registry::{Metadata, Standing};

use super::ProviderError;
use crate::chain::{Chain, ChainError, Coin, Signer};
use crate::contracts::Contracts;

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Whether the registration is new.
    pub registered: bool,
    /// What was added to the bond.
    pub bonded: Option<Coin>,
    /// Whether it may take part now; if not, why.
    pub standing: Standing,
}

/// Registers the signer, if it is not registered and metadata are given, and bonds what is missing to `bond`, if that is given.
///
/// # Errors
/// [`ProviderError::Chain`].
pub async fn prepare(
    chain: &Chain,
    signer: &Signer,
    metadata: Option<Metadata>,
    bond: Option<Coin>,
) -> Result<Prepared, ProviderError> {
    let contracts = Contracts::of(chain).await?;
    let found = contracts.provider(chain, signer.address()).await?;
    let mut registered = false;
    if let (None, Some(metadata)) = (&found.registration, metadata) {
        contracts.register(chain, signer, metadata).await?;
        registered = true;
    }
    let mut bonded = None;
    if let Some(wanted) = bond {
        let denom = contracts.staking_config(chain).await?.bond_denom;
        if wanted.denom != denom {
            return Err(ChainError::Amount(format!("{wanted} (bonds are in {denom})")).into());
        }
        let has = contracts.bond_of(chain, signer.address()).await?.bonded.u128();
        if has < wanted.amount {
            let missing = Coin::new(wanted.amount - has, denom);
            contracts.bond(chain, signer, &missing).await?;
            bonded = Some(missing);
        }
    }
    Ok(Prepared { registered, bonded, standing: found.standing })
}
