//! Coins, in every account and in the books of the contracts, which are asked by query as anybody asks them.

use std::collections::{BTreeMap, BTreeSet};

use abci_app::address::Address;
use abci_app::modules::bank;
use abci_app::modules::training::effects::escrow_account;
use abci_app::store::View;
use bauta_messages::{slashing, staking};
use bauta_rounds::escrow::Purse;
use bauta_schema::training::v1 as pb;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{QuerySmartContractStateRequest, QuerySmartContractStateResponse};
use prost::Message as _;
use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::account::PREFIX;
use crate::contracts::DENOM;
use crate::engine::Engine;
use crate::wrong;

/// What a provider bonds.
pub const BOND: u128 = 1_000_000;
/// Lines of a page.
const PAGE: u32 = 100;

/// The contracts of a chain.
#[derive(Debug, Clone, Default)]
pub struct Contracts {
    /// The registry.
    pub registry: String,
    /// Where bonds are.
    pub staking: String,
    /// Where verdicts are settled.
    pub slashing: String,
}

/// What there was when the task began, and what was taken since.
#[derive(Debug, Default)]
pub struct Books {
    contracts: Contracts,
    supply: u128,
    /// What was taken of whose bond.
    taken: BTreeMap<String, u128>,
    /// The offences that were settled.
    settled: BTreeSet<Vec<u8>>,
    /// Who is in jail, and until which second.
    jailed: BTreeMap<String, u64>,
    last: u64,
}

impl Books {
    /// Notes what there is.
    pub fn new(view: &View, contracts: Contracts) -> Self {
        Self { contracts, supply: bank::supply_of(view, DENOM), ..Self::default() }
    }

    /// Who may leave jail by now; not again.
    pub fn released(&mut self, seconds: u64) -> Vec<String> {
        let free: Vec<String> =
            self.jailed.iter().filter(|(_, until)| **until <= seconds).map(|(who, _)| who.clone()).collect();
        self.jailed.retain(|_, until| *until > seconds);
        free
    }

    /// Coins are conserved: in all accounts, in escrow, and in the staking contract, whose books agree with what it holds. The contracts
    /// have settled these verdicts and no others, and of every provider's bond there is missing what they took for them and nothing else.
    ///
    /// # Errors
    /// What does not add up.
    pub fn are_right(
        &mut self,
        engine: &Engine,
        providers: &[String],
        task: &pb::Task,
        verdicts: &BTreeSet<Vec<u8>>,
    ) -> Result<(), String> {
        self.read_history(engine)?;
        let view = engine.view();
        let everybody = bank::keeper::all_balances(&view).map_err(|error| error.log)?;
        let all: u128 = everybody.iter().filter(|(_, coin)| coin.denom == DENOM).map(|(_, coin)| coin.amount).sum();
        let purse = Purse::of(task).map_err(wrong)?;
        let of = |contract: &str| Address::parse(contract, PREFIX).map_err(wrong);
        let holds = |contract: &str| of(contract).map(|address| bank::balance_of(&view, &address, DENOM));
        let bonds = self.bonds(engine)?;
        let bonded: u128 = bonds.values().sum();
        let is_left = |who: &String| {
            let (bond, taken) =
                (bonds.get(who).copied().unwrap_or_default(), self.taken.get(who).copied().unwrap_or_default());
            bond + taken == BOND
        };
        let claims = [
            (all == self.supply, "coins were made or lost"),
            (bank::supply_of(&view, DENOM) == self.supply, "the supply has changed"),
            (purse.is_conserved() && purse.reserved <= purse.held, "the task's purse does not add up"),
            (
                bank::balance_of(&view, &escrow_account(), DENOM) == purse.held,
                "the escrow account holds something else than the task's purse",
            ),
            (holds(&self.contracts.staking)? == bonded, "the staking contract holds something else than bonds"),
            (
                holds(&self.contracts.registry)? == 0 && holds(&self.contracts.slashing)? == 0,
                "a contract that needs no coins has some",
            ),
            (self.settled == *verdicts, "the contracts have settled something else than the chain's verdicts"),
            (providers.iter().all(is_left), "a bond is not what the settled verdicts leave of it"),
        ];
        claims.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, claim)| Err(claim.into()))
    }

    /// Reads what was settled since it was last read.
    fn read_history(&mut self, engine: &Engine) -> Result<(), String> {
        loop {
            let question =
                slashing::QueryMsg::History { provider: None, start_after: Some(self.last), limit: Some(PAGE) };
            let page: slashing::HistoryResponse = ask(engine, &self.contracts.slashing, &question)?;
            let is_last = page.offences.len() < PAGE as usize;
            for offence in page.offences {
                self.last = offence.sequence;
                let who = offence.provider.to_string();
                *self.taken.entry(who.clone()).or_default() += offence.slashed.u128();
                self.settled.insert(offence.offence_id.to_vec());
                if offence.penalty.jail_seconds > 0 {
                    let until = self.jailed.entry(who).or_default();
                    *until = (*until).max(offence.time + offence.penalty.jail_seconds);
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// All bonds, with what is unbonding of them.
    fn bonds(&self, engine: &Engine) -> Result<BTreeMap<String, u128>, String> {
        let (mut bonds, mut start_after) = (BTreeMap::new(), None);
        loop {
            let question = staking::QueryMsg::Bonds { start_after, limit: Some(PAGE) };
            let page: staking::BondsResponse = ask(engine, &self.contracts.staking, &question)?;
            let is_last = page.bonds.len() < PAGE as usize;
            start_after = page.bonds.last().map(|bond| bond.provider.to_string());
            for bond in page.bonds {
                bonds.insert(bond.provider.to_string(), bond.bonded.u128() + bond.unbonding.u128());
            }
            if is_last {
                return Ok(bonds);
            }
        }
    }
}

/// Asks a contract.
fn ask<A: DeserializeOwned>(engine: &Engine, contract: &str, question: &impl Serialize) -> Result<A, String> {
    let query_data = serde_json::to_vec(question).map_err(wrong)?;
    let request = QuerySmartContractStateRequest { address: contract.into(), query_data };
    let answer = engine.query("/cosmwasm.wasm.v1.Query/SmartContractState", request.encode_to_vec())?;
    let response = QuerySmartContractStateResponse::decode(answer.as_slice()).map_err(wrong)?;
    serde_json::from_slice(&response.data).map_err(wrong)
}
