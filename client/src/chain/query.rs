//! Queries: gRPC methods through `abci_query`, as the Cosmos SDK's clients make them.

use bauta_schema::training::v1 as training;
use cosmrs::proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmrs::proto::cosmos::bank::v1beta1 as bank;
use cosmrs::proto::cosmos::base::query::v1beta1::PageRequest;
use cosmrs::proto::cosmwasm::wasm::v1 as wasm;
use prost::Message;
use serde::de::DeserializeOwned;
use serde::Serialize;
use tendermint_rpc::endpoint::abci_query::AbciQuery;

use super::parts::Parts;
use super::{Chain, ChainError, Coin, GasPrice, Refused};

/// How often a query is asked whose answer is lost.
const QUERY_ATTEMPTS: u32 = 4;

impl Chain {
    /// Calls a gRPC method of the node, `/package.Service/Method`.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with what the chain says, [`ChainError::Unreachable`], [`ChainError::Answer`].
    pub async fn query<Q: Message, R: Message + Default>(&self, path: &str, request: &Q) -> Result<R, ChainError> {
        self.query_sound(path, request, Ok).await
    }

    /// The same, with what makes sense of the answer. Where there are several nodes, the next is asked when an answer makes none.
    async fn query_sound<Q: Message, R: Message + Default, T>(
        &self,
        path: &str,
        request: &Q,
        sense: impl Fn(R) -> Result<T, ChainError>,
    ) -> Result<T, ChainError> {
        let mut others = self.nodes().saturating_sub(1);
        loop {
            let answer = self.ask(path, request.encode_to_vec()).await?;
            let at = self.current_node();
            if answer.code.is_err() {
                let (codespace, code) =
                    cause_in(&answer.info).unwrap_or_else(|| (answer.codespace.clone(), answer.code.value()));
                return Err(Refused { codespace, code, sentence: answer.log }.into());
            }
            let read = R::decode(answer.value.as_slice()).map_err(|error| bad(path, &error.to_string()));
            match read.and_then(&sense) {
                Err(error @ ChainError::Answer { .. }) if others > 0 => {
                    others -= 1;
                    self.turn_away(at, &error);
                }
                answered => return answered,
            }
        }
    }

    /// Asks, and again when the answer was lost: a question changes nothing.
    async fn ask(&self, path: &str, data: Vec<u8>) -> Result<AbciQuery, ChainError> {
        let mut pause = self.settings().retry_pause;
        for _ in 1..QUERY_ATTEMPTS {
            match self.rpc().abci_query(path, data.clone()).await {
                Err(error @ ChainError::Unreachable(_)) => {
                    tracing::debug!(%error, path, "no answer to a query; asking again");
                }
                answered => return answered,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.rpc().abci_query(path, data).await
    }

    /// An account; `None` when the chain does not know it.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn account(&self, address: &str) -> Result<Option<BaseAccount>, ChainError> {
        const PATH: &str = "/cosmos.auth.v1beta1.Query/Account";
        let request = QueryAccountRequest { address: address.to_owned() };
        let response: QueryAccountResponse = match self.query(PATH, &request).await {
            Err(ChainError::Refused(refused)) if refused.is_not_found() => return Ok(None),
            other => other?,
        };
        let any = response.account.ok_or_else(|| bad(PATH, "it holds no account"))?;
        BaseAccount::decode(any.value.as_slice()).map(Some).map_err(|error| bad(PATH, &error.to_string()))
    }

    /// What an address has of a denomination.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn balance(&self, address: &str, denom: &str) -> Result<u128, ChainError> {
        let request = bank::QueryBalanceRequest { address: address.to_owned(), denom: denom.to_owned() };
        let response: bank::QueryBalanceResponse = self.query("/cosmos.bank.v1beta1.Query/Balance", &request).await?;
        Ok(match response.balance {
            Some(coin) => Coin::from_proto(&coin)?.amount,
            None => 0,
        })
    }

    /// All that an address has, by denomination.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn balances(&self, address: &str) -> Result<Vec<Coin>, ChainError> {
        let mut coins = Vec::new();
        let mut key = Vec::new();
        for _ in 0..MAX_PAGES {
            let request = bank::QueryAllBalancesRequest {
                address: address.to_owned(),
                pagination: Some(page(key)),
                ..bank::QueryAllBalancesRequest::default()
            };
            let response: bank::QueryAllBalancesResponse =
                self.query("/cosmos.bank.v1beta1.Query/AllBalances", &request).await?;
            for coin in &response.balances {
                coins.push(Coin::from_proto(coin)?);
            }
            key = response.pagination.map(|page| page.next_key).unwrap_or_default();
            if key.is_empty() {
                return Ok(coins);
            }
        }
        Err(endless("AllBalances"))
    }

    /// The least price of gas that the node accepts; `None` when it names none.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn minimum_gas_price(&self) -> Result<Option<GasPrice>, ChainError> {
        let response: NodeConfig = self.query("/cosmos.base.node.v1beta1.Service/Config", &Empty {}).await?;
        let first = response.minimum_gas_price.split(',').next().unwrap_or_default();
        if first.is_empty() {
            return Ok(None);
        }
        first.parse().map(Some)
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with what the contract says.
    pub async fn smart<Q: Serialize + Sync, R: DeserializeOwned>(
        &self,
        contract: &str,
        question: &Q,
    ) -> Result<R, ChainError> {
        let answer = self.smart_raw(contract, json(question)?).await?;
        serde_json::from_slice(&answer).map_err(|error| bad(SMART, &error.to_string()))
    }

    /// Asks a contract, JSON in and JSON out.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with what the contract says.
    pub async fn smart_raw(&self, contract: &str, question: Vec<u8>) -> Result<Vec<u8>, ChainError> {
        let request = wasm::QuerySmartContractStateRequest { address: contract.to_owned(), query_data: question };
        let response: wasm::QuerySmartContractStateResponse = self.query(SMART, &request).await?;
        Ok(response.data)
    }

    /// Calls a query of the training module.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with what the chain says.
    pub async fn training<Q: Message, R: Message + Default>(&self, method: &str, request: &Q) -> Result<R, ChainError> {
        self.query(&format!("/bauta.training.v1.Query/{method}"), request).await
    }

    /// The training module's parameters.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn training_params(&self) -> Result<training::Params, ChainError> {
        let response: training::QueryParamsResponse = self.training("Params", &training::QueryParamsRequest {}).await?;
        response.params.ok_or_else(|| bad("Params", "it holds none"))
    }

    /// A task with its settings.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when there is no such task.
    pub async fn task(&self, task_id: u64) -> Result<(training::Task, training::TaskSettings), ChainError> {
        let sense = |response: training::QueryTaskResponse| match (response.task, response.settings) {
            (Some(task), Some(settings)) if task.settings_hash == training::settings_hash(&settings) => {
                Ok((task, settings))
            }
            (Some(_), Some(_)) => Err(bad("Task", "its settings are others than the task's")),
            _ => Err(bad("Task", "the task or its settings are missing")),
        };
        self.query_sound("/bauta.training.v1.Query/Task", &training::QueryTaskRequest { task_id }, sense).await
    }

    /// An epoch of a task, 0 for the current one, with its members and seats.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn epoch(&self, task_id: u64, epoch: u64) -> Result<training::QueryEpochResponse, ChainError> {
        self.training("Epoch", &training::QueryEpochRequest { task_id, epoch }).await
    }

    /// A round of a task, 0 for the current one, with what was posted in it; `None` before the first.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn round(&self, task_id: u64, round: u64) -> Result<Option<training::QueryRoundResponse>, ChainError> {
        match self.training("Round", &training::QueryRoundRequest { task_id, round }).await {
            Ok(response) => Ok(Some(response)),
            Err(ChainError::Refused(_)) if round == 0 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All deals of an epoch with their share keys, in the order of the dealers' addresses.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn deals(
        &self,
        task_id: u64,
        epoch: u64,
    ) -> Result<Vec<(training::Deal, training::ShareKeys)>, ChainError> {
        const PAGE: u32 = 16;
        let mut all: Vec<(training::Deal, training::ShareKeys)> = Vec::new();
        for _ in 0..MAX_PAGES {
            let start_after = match all.last() {
                Some((deal, _)) => self.text_of(&deal.dealer)?,
                None => String::new(),
            };
            let request =
                training::QueryDealsRequest { task_id, epoch, dealer: String::new(), start_after, limit: PAGE };
            let response: training::QueryDealsResponse = self.training("Deals", &request).await?;
            if response.deals.len() != response.share_keys.len() {
                return Err(bad("Deals", "deals and share keys are not as many"));
            }
            let before = all.len();
            all.extend(response.deals.into_iter().zip(response.share_keys));
            if all.len() == before {
                return Ok(all);
            }
        }
        Err(endless("Deals"))
    }

    /// A model's canonical bytes: the latest, or the one with this hash. They are read part by part, and compared with the hash.
    ///
    /// # Errors
    /// [`ChainError::Answer`] when the bytes have another hash than the one asked for or reported.
    pub async fn model(&self, task_id: u64, hash: Option<&[u8]>) -> Result<Vec<u8>, ChainError> {
        let mut parts = Parts::of("Model");
        let mut request = training::QueryModelRequest { task_id, ..Default::default() };
        request.hash = hash.unwrap_or_default().to_vec();
        while parts.are_missing() {
            request.offset = parts.offset();
            let response: training::QueryModelResponse = self.training("Model", &request).await?;
            // Which model is the latest may change meanwhile.
            if !request.hash.is_empty() && request.hash != response.hash {
                return Err(bad("Model", "it is another model than the one with this hash"));
            }
            request.hash = response.hash;
            parts.add(&response.model, response.total)?;
        }
        let found = bauta_learning::model::model_hash(parts.bytes());
        if found.as_slice() != request.hash {
            return Err(bad("Model", "the bytes of the model do not have its hash"));
        }
        Ok(parts.into_bytes())
    }

    /// The canonical bytes of a running task's public test set. They are read part by part; whoever uses them compares their hash with the
    /// one that the task's settings name.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when the task has none, or has ended.
    pub async fn test_set(&self, task_id: u64) -> Result<Vec<u8>, ChainError> {
        let mut parts = Parts::of("TestSet");
        while parts.are_missing() {
            let request = training::QueryTestSetRequest { task_id, offset: parts.offset(), limit: 0 };
            let response: training::QueryTestSetResponse = self.training("TestSet", &request).await?;
            parts.add(&response.test_set, response.total)?;
        }
        Ok(parts.into_bytes())
    }

    /// What a group's sum came to where the model is encrypted: the packed chunks of the sum under the cohort masks. It is read part by part.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when the round did not finish, the group is void, or its sum is kept no more.
    pub async fn group_sum(&self, task_id: u64, round: u64, group: u32) -> Result<Vec<u8>, ChainError> {
        let mut parts = Parts::of("Aggregate");
        while parts.are_missing() {
            let offset = parts.offset();
            let request = training::QueryAggregateRequest { task_id, round, group, offset, ..Default::default() };
            let response: training::QueryAggregateResponse = self.training("Aggregate", &request).await?;
            parts.add(&response.aggregate, response.total)?;
        }
        Ok(parts.into_bytes())
    }

    /// The aggregate of a finished round: one le64 two's complement a coordinate. It is read part by part.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when the round did not finish, or its aggregate is kept no more.
    pub async fn aggregate(&self, task_id: u64, round: u64) -> Result<Vec<u8>, ChainError> {
        let mut parts = Parts::of("Aggregate");
        while parts.are_missing() {
            let offset = parts.offset();
            let request = training::QueryAggregateRequest { task_id, round, offset, ..Default::default() };
            let response: training::QueryAggregateResponse = self.training("Aggregate", &request).await?;
            parts.add(&response.aggregate, response.total)?;
        }
        Ok(parts.into_bytes())
    }
}

/// What a simulation failed with, as `codespace/code`: the status of a gRPC method says neither. Other chains leave it empty.
fn cause_in(info: &str) -> Option<(String, u32)> {
    let (codespace, code) = info.split_once('/')?;
    let code = code.parse().ok().filter(|code| *code > 0)?;
    Some((codespace.to_owned(), code))
}

/// Most pages of a list that are read, so that a node cannot keep a client asking for ever.
pub const MAX_PAGES: usize = 1_000;

/// A list that has more pages than any chain has entries for.
#[must_use]
pub fn endless(what: &str) -> ChainError {
    bad(what, &format!("it goes on after {MAX_PAGES} pages"))
}

const SMART: &str = "/cosmwasm.wasm.v1.Query/SmartContractState";

/// `cosmos.base.node.v1beta1.ConfigResponse`, the one field that is used.
#[derive(Clone, PartialEq, Message)]
struct NodeConfig {
    #[prost(string, tag = "1")]
    minimum_gas_price: String,
}

#[derive(Clone, PartialEq, Message)]
struct Empty {}

/// A page of 100 from a key on.
#[must_use]
pub fn page(key: Vec<u8>) -> PageRequest {
    PageRequest { key, limit: 100, ..PageRequest::default() }
}

pub(crate) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, ChainError> {
    serde_json::to_vec(value).map_err(|error| bad("JSON", &error.to_string()))
}

pub(super) fn bad(what: &str, why: &str) -> ChainError {
    ChainError::Answer { what: what.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_a_codespace_and_a_code_that_is_no_success() {
        assert_eq!(cause_in("training/12"), Some(("training".to_owned(), 12)));
        for info in ["", "sdk", "sdk/0", "sdk/x", "sdk/-1"] {
            assert_eq!(cause_in(info), None, "{info}");
        }
    }
}
