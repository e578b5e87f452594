//! The three contracts: who is a provider, what it has bonded, what was done about offences.

use std::collections::BTreeSet;

use bauta_messages::{registry, slashing, staking};
use cosmwasm_std::Uint128;
use serde::Serialize;

use crate::chain::{messages, Chain, ChainError, Coin, Fee, Outcome, Signer};

/// Most pages of a list that are read: 10,000 entries.
const MAX_PAGES: usize = 100;

/// Where the contracts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// Who.
    pub registry: String,
    /// Bonds.
    pub staking: String,
    /// Penalties.
    pub slashing: String,
}

impl Contracts {
    /// The contracts that the chain's training module asks.
    ///
    /// # Errors
    /// [`ChainError`]; [`ChainError::Answer`] when the chain names none yet.
    pub async fn of(chain: &Chain) -> Result<Self, ChainError> {
        let params = chain.training_params().await?;
        if params.registry.is_empty() || params.staking.is_empty() || params.slashing.is_empty() {
            return Err(ChainError::Answer {
                what: "Params".to_owned(),
                why: "the chain names no contracts yet; its authority must set them first".to_owned(),
            });
        }
        Ok(Self { registry: params.registry, staking: params.staking, slashing: params.slashing })
    }

    /// Registers the signer as a provider.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn register(
        &self,
        chain: &Chain,
        signer: &Signer,
        metadata: registry::Metadata,
    ) -> Result<Outcome, ChainError> {
        call(chain, signer, &self.registry, &registry::ExecuteMsg::Register { metadata }, &[]).await
    }

    /// Returns from jail.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn unjail(&self, chain: &Chain, signer: &Signer) -> Result<Outcome, ChainError> {
        call(chain, signer, &self.registry, &registry::ExecuteMsg::Unjail {}, &[]).await
    }

    /// Vouches for a provider, as an issuer.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn admit(&self, chain: &Chain, signer: &Signer, provider: &str) -> Result<Outcome, ChainError> {
        let message = registry::ExecuteMsg::Admit { provider: provider.to_owned() };
        call(chain, signer, &self.registry, &message, &[]).await
    }

    /// Adds to the signer's bond.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn bond(&self, chain: &Chain, signer: &Signer, coin: &Coin) -> Result<Outcome, ChainError> {
        let funds = [coin.clone()];
        call(chain, signer, &self.staking, &staking::ExecuteMsg::Bond {}, &funds).await
    }

    /// Begins to unbond.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn unbond(&self, chain: &Chain, signer: &Signer, amount: u128) -> Result<Outcome, ChainError> {
        let message = staking::ExecuteMsg::Unbond { amount: Uint128::new(amount) };
        call(chain, signer, &self.staking, &message, &[]).await
    }

    /// Takes what has matured.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn withdraw(&self, chain: &Chain, signer: &Signer) -> Result<Outcome, ChainError> {
        call(chain, signer, &self.staking, &staking::ExecuteMsg::Withdraw {}, &[]).await
    }

    /// What the registry knows of an address.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn provider(&self, chain: &Chain, address: &str) -> Result<registry::ProviderResponse, ChainError> {
        let question = registry::QueryMsg::Provider { provider: address.to_owned() };
        chain.smart(&self.registry, &question).await
    }

    /// Whether an address may take part in tasks, admitted by an issuer if one is named.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn may_take_part(
        &self,
        chain: &Chain,
        address: &str,
        issuer: Option<&str>,
    ) -> Result<registry::MayTakePartResponse, ChainError> {
        let question = registry::QueryMsg::MayTakePart {
            provider: address.to_owned(),
            issuer: issuer.filter(|issuer| !issuer.is_empty()).map(str::to_owned),
        };
        chain.smart(&self.registry, &question).await
    }

    /// The addresses that an issuer vouches for.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn admitted(&self, chain: &Chain, issuer: &str) -> Result<BTreeSet<String>, ChainError> {
        let mut all = BTreeSet::new();
        for _ in 0..MAX_PAGES {
            let question = registry::QueryMsg::Admitted {
                issuer: issuer.to_owned(),
                start_after: all.last().cloned(),
                limit: Some(bauta_messages::MAX_PAGE),
            };
            let page: registry::AdmittedResponse = chain.smart(&self.registry, &question).await?;
            let before = all.len();
            all.extend(page.providers.into_iter().map(String::from));
            if all.len() == before {
                break;
            }
        }
        Ok(all)
    }

    /// An address's bond.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn bond_of(&self, chain: &Chain, address: &str) -> Result<staking::BondResponse, ChainError> {
        chain.smart(&self.staking, &staking::QueryMsg::Bond { provider: address.to_owned() }).await
    }

    /// The denomination of bonds and the rules of unbonding.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn staking_config(&self, chain: &Chain) -> Result<staking::ConfigResponse, ChainError> {
        chain.smart(&self.staking, &staking::QueryMsg::Config {}).await
    }

    /// What an address is unbonding.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn unbondings(&self, chain: &Chain, address: &str) -> Result<Vec<staking::Unbonding>, ChainError> {
        let question = staking::QueryMsg::Unbondings { provider: address.to_owned() };
        let response: staking::UnbondingsResponse = chain.smart(&self.staking, &question).await?;
        Ok(response.unbondings)
    }

    /// Settled offences, of one provider or of all, in the order in which they were settled.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn history(
        &self,
        chain: &Chain,
        provider: Option<&str>,
    ) -> Result<Vec<slashing::SettledOffence>, ChainError> {
        let mut all: Vec<slashing::SettledOffence> = Vec::new();
        for _ in 0..MAX_PAGES {
            let question = slashing::QueryMsg::History {
                provider: provider.map(str::to_owned),
                start_after: all.last().map(|offence| offence.sequence),
                limit: Some(bauta_messages::MAX_PAGE),
            };
            let page: slashing::HistoryResponse = chain.smart(&self.slashing, &question).await?;
            if page.offences.is_empty() {
                break;
            }
            all.extend(page.offences);
        }
        Ok(all)
    }
}

async fn call<M: Serialize + Sync>(
    chain: &Chain,
    signer: &Signer,
    contract: &str,
    message: &M,
    funds: &[Coin],
) -> Result<Outcome, ChainError> {
    let message = messages::execute(signer.address(), contract, message, funds)?;
    chain.execute(signer, &[message], Fee::Simulated, "").await
}
