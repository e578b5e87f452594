//! What the contracts are asked: registry and staking decide who may take part. They are asked, not trusted with vectors.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

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

/// JSON of a message to a contract.
///
/// # Errors
/// Logic (sdk 35) if it has none.
pub fn json(message: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(|error| Error::logic(format!("a contract's message has no JSON form: {error}")))
}

/// Questions that one enrolment takes.
const QUESTIONS: u64 = 3;

/// Providers as the contracts see them. None of it is charged to a transaction, because a task's budget pays for the messages that cause
/// the questions: each question has the gas that the parameters allow, and all questions of one message or hook an allowance together.
pub struct AskContracts<'a> {
    contracts: &'a dyn Contracts,
    ctx: &'a Context,
    params: &'a Params,
    /// Gas that is left for questions.
    allowance: Cell<Gas>,
    /// Who is jailed, as far as it was asked: while a message or a hook runs, no contract changes.
    jailed: RefCell<BTreeMap<Vec<u8>, bool>>,
}

impl<'a> AskContracts<'a> {
    /// For one message, which asks about its sender.
    pub fn for_message(contracts: &'a dyn Contracts, ctx: &'a Context, params: &'a Params) -> Self {
        Self::with_allowance(contracts, ctx, params, params.contract_gas.saturating_mul(QUESTIONS))
    }

    /// For the end of a block, where rounds of many tasks may ask about many providers: together they may ask for as much as the largest
    /// transaction.
    pub fn for_block(contracts: &'a dyn Contracts, ctx: &'a Context, params: &'a Params) -> Self {
        let largest = crate::params::load(&ctx.view).max_tx_gas;
        Self::with_allowance(contracts, ctx, params, largest)
    }

    fn with_allowance(contracts: &'a dyn Contracts, ctx: &'a Context, params: &'a Params, allowance: Gas) -> Self {
        Self { contracts, ctx, params, allowance: Cell::new(allowance), jailed: RefCell::default() }
    }

    /// Asks a contract and reads its answer.
    ///
    /// # Errors
    /// The contract's; an answer of another shape; out of gas.
    fn ask<A: DeserializeOwned>(&self, contract: &str, question: &impl Serialize) -> Result<A> {
        let address = Address::parse(contract, &self.ctx.prefix)?;
        let mut query = self.ctx.query(self.params.contract_gas.min(self.allowance.get()));
        let answer = self.contracts.ask(&mut query, &address, &json(question)?);
        self.allowance.set(self.allowance.get().saturating_sub(query.gas.consumed()));
        serde_json::from_slice(&answer?)
            .map_err(|error| Error::logic(format!("contract {contract} answers in another shape: {error}")))
    }

    fn may_take_part(&self, provider: &str, issuer: Option<String>) -> Result<MayTakePartResponse> {
        let question = registry::QueryMsg::MayTakePart { provider: provider.into(), issuer };
        self.ask(&self.params.registry, &question)
    }

    fn standing(&self, address: &[u8]) -> Result<Standing> {
        let question = registry::QueryMsg::Provider { provider: self.bech32(address)? };
        self.ask::<ProviderResponse>(&self.params.registry, &question).map(|answer| answer.standing)
    }

    fn bech32(&self, address: &[u8]) -> Result<String> {
        Ok(Address::new(address)?.to_bech32(&self.ctx.prefix))
    }

    fn judge(&self, query: &EnrolQuery<'_>) -> Result<std::result::Result<u128, String>> {
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
        let bond: BondResponse = self.ask(&self.params.staking, &question)?;
        if bond.bonded.u128() < query.min_bond {
            return Ok(Err(format!("its bond is {}, this task asks for {}; bond more", bond.bonded, query.min_bond)));
        }
        Ok(Ok(bond.bonded.u128()))
    }
}

impl Providers for AskContracts<'_> {
    fn may_enrol(&self, query: &EnrolQuery<'_>) -> std::result::Result<u128, String> {
        self.judge(query).unwrap_or_else(|error| Err(format!("registry or staking cannot be asked: {error}")))
    }

    /// A registry that does not answer jails nobody: a fault of a contract is not a provider's. Nor does one that could not be asked any
    /// more: a round may then await somebody who cannot check in, until its window is over.
    fn is_jailed(&self, address: &[u8]) -> bool {
        if let Some(known) = self.jailed.borrow().get(address) {
            return *known;
        }
        if self.allowance.get() == 0 {
            return false;
        }
        let is_jailed = self.standing(address).is_ok_and(|standing| !matches!(standing, Standing::Good {}));
        self.jailed.borrow_mut().insert(address.to_vec(), is_jailed);
        is_jailed
    }
}
