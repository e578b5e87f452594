//! What the contracts are asked: registry and staking decide who may take part. They are asked, not trusted with vectors.

use bauta_messages::registry::{self, Bar, MayTakePartResponse, ProviderResponse, Standing};
use bauta_messages::staking::{self, BondResponse};
use bauta_rounds::{EnrolQuery, Providers};
use bauta_schema::training::v1::Params;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::address::Address;
use crate::context::{Context, QueryContext};
use crate::error::{Error, Result};
use crate::gas::Gas;
use crate::modules::wasm;

/// The contracts of the chain, as far as training needs them.
pub trait Contracts {
    /// Asks a contract; JSON in, JSON out.
    ///
    /// # Errors
    /// No such contract, the contract's error, out of the gas of `ctx`.
    fn ask(&self, ctx: &mut QueryContext, contract: &Address, msg: &[u8]) -> Result<Vec<u8>>;

    /// Tells a contract something that only the chain may, with at most `gas`. If it fails, nothing of it stays.
    ///
    /// # Errors
    /// No such contract, the contract's error, out of the gas given.
    fn tell(&self, ctx: &mut Context, contract: &Address, msg: &[u8], gas: Gas) -> Result<()>;
}

impl Contracts for wasm::Keeper {
    fn ask(&self, ctx: &mut QueryContext, contract: &Address, msg: &[u8]) -> Result<Vec<u8>> {
        self.query_smart(ctx, contract.as_bytes(), msg)
    }

    fn tell(&self, ctx: &mut Context, contract: &Address, msg: &[u8], gas: Gas) -> Result<()> {
        self.sudo(ctx, contract.as_bytes(), msg, gas).map(drop)
    }
}

/// Asks a contract and reads its answer.
///
/// # Errors
/// The contract's; an answer of another shape.
fn ask<A: DeserializeOwned>(
    contracts: &dyn Contracts,
    ctx: &Context,
    contract: &str,
    gas: Gas,
    question: &impl Serialize,
) -> Result<A> {
    let address = Address::parse(contract, &ctx.prefix)?;
    let answer = contracts.ask(&mut ctx.query(gas), &address, &json(question)?)?;
    serde_json::from_slice(&answer)
        .map_err(|error| Error::logic(format!("contract {contract} answers in another shape: {error}")))
}

/// JSON of a message to a contract.
///
/// # Errors
/// Logic (sdk 35) if it has none.
pub fn json(message: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(|error| Error::logic(format!("a contract's message has no JSON form: {error}")))
}

/// Providers as the contracts see them. Each question has the gas that the parameters allow; none is charged to a transaction, because a
/// task's budget pays for the messages that cause them.
pub struct AskContracts<'a> {
    /// The contracts.
    pub contracts: &'a dyn Contracts,
    /// Where they are asked.
    pub ctx: &'a Context,
    /// Their addresses, and the gas.
    pub params: &'a Params,
}

impl AskContracts<'_> {
    fn may_take_part(&self, provider: &str, issuer: Option<String>) -> Result<MayTakePartResponse> {
        let question = registry::QueryMsg::MayTakePart { provider: provider.into(), issuer };
        ask(self.contracts, self.ctx, &self.params.registry, self.params.contract_gas, &question)
    }

    fn bech32(&self, address: &[u8]) -> Result<String> {
        Ok(Address::new(address)?.to_bech32(&self.ctx.prefix))
    }

    fn judge(&self, query: &EnrolQuery<'_>) -> Result<std::result::Result<(), String>> {
        let provider = self.bech32(query.address)?;
        let issuer = (!query.issuer.is_empty()).then(|| query.issuer.to_string());
        let answer = self.may_take_part(&provider, issuer)?;
        if !answer.allowed {
            let why = answer.explanation.unwrap_or_else(|| "the registry does not let it take part".into());
            return Ok(Err(why));
        }
        let by_owner = self.may_take_part(&provider, Some(self.bech32(query.owner)?))?;
        if by_owner.allowed {
            return Ok(Err(
                "the task's owner admitted it as an issuer; such a provider would not hide the others from it".into(),
            ));
        }
        debug_assert!(matches!(by_owner.reason, Some(Bar::UnknownIssuer | Bar::NotAdmitted)));
        let question = staking::QueryMsg::Bond { provider };
        let bond: BondResponse =
            ask(self.contracts, self.ctx, &self.params.staking, self.params.contract_gas, &question)?;
        if bond.bonded.u128() < query.min_bond {
            return Ok(Err(format!("its bond is {}, this task asks for {}; bond more", bond.bonded, query.min_bond)));
        }
        Ok(Ok(()))
    }
}

impl Providers for AskContracts<'_> {
    fn may_enrol(&self, query: &EnrolQuery<'_>) -> std::result::Result<(), String> {
        self.judge(query).unwrap_or_else(|error| Err(format!("registry or staking cannot be asked: {error}")))
    }

    /// A registry that does not answer jails nobody: a fault of a contract is not a provider's.
    fn is_jailed(&self, address: &[u8]) -> bool {
        let asked = self.bech32(address).and_then(|provider| {
            let question = registry::QueryMsg::Provider { provider };
            ask::<ProviderResponse>(
                self.contracts,
                self.ctx,
                &self.params.registry,
                self.params.contract_gas,
                &question,
            )
        });
        asked.is_ok_and(|answer| !matches!(answer.standing, Standing::Good {}))
    }
}

/// Where no contract may run: in the mempool and while proposals are tried. What the contracts would refuse, the block refuses.
pub struct AskNobody;

impl Providers for AskNobody {
    fn may_enrol(&self, _query: &EnrolQuery<'_>) -> std::result::Result<(), String> {
        Ok(())
    }

    fn is_jailed(&self, _address: &[u8]) -> bool {
        false
    }
}
