//! A model provider: tasks are created, funded, cancelled, and their models downloaded.

mod desk;
mod serve;

pub use serve::{ModelServer, ServeConfig, ServeEvent, Served};

use std::path::Path;

use bauta_learning::model::Model;
use bauta_learning::trainers::Tensors;
use bauta_rounds::keys;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use prost::Message as _;

use crate::chain::messages::TrainingMessage;
use crate::chain::query::{endless, MAX_PAGES};
use crate::chain::{Chain, ChainError, Fee, Outcome, Signer};
use crate::disk::{self, DiskError};

/// What went wrong for a model provider.
#[derive(Debug, thiserror::Error)]
pub enum ModelProviderError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain would refuse the task.
    #[error("the chain would refuse this task: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// The model cannot be read.
    #[error("the model cannot be read: {0}")]
    Model(String),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl ModelProviderError {
    /// Whether it is about what the node says, so that another node may say better.
    fn is_of_the_node(&self) -> bool {
        match self {
            Self::Model(_) | Self::Chain(ChainError::Answer { .. }) => true,
            Self::Chain(ChainError::Light(error)) => error.is_of_the_node(),
            Self::Chain(_) | Self::Refused(_) | Self::Disk(_) => false,
        }
    }
}

/// Creates a task and moves its budget to escrow; answers with its number. The chain is asked first whether it would refuse, for all
/// reasons at once.
///
/// # Errors
/// [`ModelProviderError::Refused`] with every reason.
pub async fn create(
    chain: &Chain,
    signer: &Signer,
    settings: pb::TaskSettings,
    initial_model: pb::InitialModel,
    budget: u128,
) -> Result<u64, ModelProviderError> {
    create_scored(chain, signer, settings, initial_model, budget, Vec::new()).await
}

/// The same for a task that scores its groups on a public test set, whose canonical bytes come with it, or whose model is encrypted, which
/// has no initial model that the chain knows.
///
/// # Errors
/// [`ModelProviderError::Refused`] with every reason.
pub async fn create_scored(
    chain: &Chain,
    signer: &Signer,
    settings: pb::TaskSettings,
    initial_model: impl Into<Option<pb::InitialModel>>,
    budget: u128,
    test_set: Vec<u8>,
) -> Result<u64, ModelProviderError> {
    let initial_model = initial_model.into();
    let request = pb::QueryEstimateRequest {
        owner: signer.address().to_owned(),
        settings: Some(settings.clone()),
        initial_model: initial_model.clone(),
        budget: budget.to_string(),
        test_set: test_set.clone(),
    };
    let estimate: pb::QueryEstimateResponse = chain.training("Estimate", &request).await?;
    if !estimate.refusals.is_empty() {
        return Err(ModelProviderError::Refused(estimate.refusals));
    }
    let message = pb::MsgCreateTask {
        owner: signer.address().to_owned(),
        settings: Some(settings),
        initial_model,
        budget: budget.to_string(),
        test_set,
    };
    let outcome = chain.execute(signer, &[message.to_any()], Fee::Simulated, "").await?;
    let response: pb::MsgCreateTaskResponse = outcome.response(0)?;
    Ok(response.task_id)
}

/// What a task would cost, and every reason for which the chain would refuse it.
///
/// # Errors
/// [`ChainError`].
pub async fn estimate(
    chain: &Chain,
    owner: &str,
    settings: &pb::TaskSettings,
    initial_model: Option<&pb::InitialModel>,
    budget: Option<u128>,
) -> Result<pb::QueryEstimateResponse, ChainError> {
    let request = pb::QueryEstimateRequest {
        owner: owner.to_owned(),
        settings: Some(settings.clone()),
        initial_model: initial_model.cloned(),
        budget: budget.map(|budget| budget.to_string()).unwrap_or_default(),
        ..Default::default()
    };
    chain.training("Estimate", &request).await
}

/// Adds to a task's budget.
///
/// # Errors
/// [`ChainError`].
pub async fn top_up(chain: &Chain, signer: &Signer, task_id: u64, amount: u128) -> Result<Outcome, ChainError> {
    let message = pb::MsgTopUpTask { sender: signer.address().to_owned(), task_id, amount: amount.to_string() };
    chain.execute(signer, &[message.to_any()], Fee::Simulated, "").await
}

/// Ends a task; the running round is settled first, and the rest of the budget comes back.
///
/// # Errors
/// [`ChainError`].
pub async fn cancel(chain: &Chain, signer: &Signer, task_id: u64) -> Result<Outcome, ChainError> {
    let message = pb::MsgCancelTask { owner: signer.address().to_owned(), task_id };
    chain.execute(signer, &[message.to_any()], Fee::Simulated, "").await
}

/// Tasks by number, all pages.
///
/// # Errors
/// [`ChainError`].
pub async fn list(chain: &Chain, running_only: bool) -> Result<Vec<pb::QueryTaskResponse>, ChainError> {
    let mut all = Vec::new();
    let mut start_after = 0;
    for _ in 0..MAX_PAGES {
        let request = pb::QueryTasksRequest { start_after, limit: 100, running_only };
        let page: pb::QueryTasksResponse = chain.training("Tasks", &request).await?;
        all.extend(page.tasks);
        if page.next <= start_after {
            return Ok(all);
        }
        start_after = page.next;
    }
    Err(endless("Tasks"))
}

/// A task's model: the latest, or the one with a hash. Its bytes are compared with the hash and its tensors with the task's settings;
/// with a light client the latest model's hash and the settings are those that the chain's headers prove. Where there are several nodes,
/// the next is asked when what one says does not hold.
///
/// # Errors
/// [`ModelProviderError`].
pub async fn download(chain: &Chain, task_id: u64, hash: Option<&[u8; 32]>) -> Result<Model, ModelProviderError> {
    // A node that does not answer costs a turn, too.
    for _ in 1..chain.nodes().saturating_mul(2) {
        let at = chain.current_node();
        match download_once(chain, task_id, hash).await {
            Err(error) if error.is_of_the_node() && chain.nodes() > 1 => chain.turn_away(at, &error),
            answer => return answer,
        }
    }
    download_once(chain, task_id, hash).await
}

async fn download_once(chain: &Chain, task_id: u64, hash: Option<&[u8; 32]>) -> Result<Model, ModelProviderError> {
    let wrong = |why: &dyn std::fmt::Display| ModelProviderError::Model(why.to_string());
    let (latest, settings) = latest_model(chain, task_id).await?;
    let terms = Terms::read(&settings).map_err(|why| wrong(&why))?;
    let bytes = chain.model(task_id, Some(hash.map_or(latest.as_slice(), |hash| hash.as_slice()))).await?;
    let model = Model::decode(&bytes).map_err(|why| wrong(&why))?;
    if model.spec() != &terms.spec {
        return Err(wrong(&"its tensors are not those of the task's settings"));
    }
    Ok(model)
}

/// The hash of a task's latest model, and its settings. What headers prove is a block older than what a node says: where a round ended
/// between the two, the next headers are waited for.
async fn latest_model(chain: &Chain, task_id: u64) -> Result<(Vec<u8>, pb::TaskSettings), ModelProviderError> {
    let wrong = |why: &str| ModelProviderError::Model(why.to_owned());
    for _ in 0..PROOFS {
        let height = chain.height().await?;
        let (task, settings) = chain.task(task_id).await?;
        let Some(proven) = proven_task(chain, task_id).await? else {
            return Ok((task.model_hash, settings));
        };
        if proven.settings_hash != pb::settings_hash(&settings) {
            return Err(wrong("the node shows other settings of its task than the chain's headers prove"));
        }
        if proven.model_hash == task.model_hash {
            return Ok((task.model_hash, settings));
        }
        chain.wait_past(height).await?;
    }
    Err(wrong("the node shows another model of its task than the chain's headers prove"))
}

/// How often the latest model is proven, while rounds go on.
const PROOFS: usize = 4;

/// A task as the chain's headers prove it; `None` without a light client. A task of the last block is waited for.
async fn proven_task(chain: &Chain, task_id: u64) -> Result<Option<pb::Task>, ChainError> {
    let Some(light) = chain.light() else { return Ok(None) };
    let key = keys::numbers(keys::prefix::TASK, &[task_id]);
    for _ in 0..2 {
        let proven = light.read("training", &key).await?;
        if let Some(bytes) = proven.value {
            let task = pb::Task::decode(bytes.as_slice());
            return task
                .map(Some)
                .map_err(|error| ChainError::Answer { what: format!("task {task_id}"), why: error.to_string() });
        }
        chain.wait_past(proven.height.saturating_add(1)).await?;
    }
    Err(ChainError::Answer {
        what: format!("task {task_id}"),
        why: "the chain's headers prove no such task".to_owned(),
    })
}

/// Saves a model as safetensors, F32, names and shapes as in the task.
///
/// # Errors
/// [`ModelProviderError`].
pub fn save(model: &Model, file: &Path) -> Result<(), ModelProviderError> {
    let bytes =
        Tensors::from_model(model).to_safetensors().map_err(|why| ModelProviderError::Model(why.to_string()))?;
    Ok(disk::write_private(file, &bytes)?)
}

/// Verdicts of a task.
///
/// # Errors
/// [`ChainError`].
pub async fn verdicts(chain: &Chain, task_id: u64) -> Result<pb::QueryVerdictsResponse, ChainError> {
    let request = pb::QueryVerdictsRequest { task_id, provider: String::new(), limit: 100 };
    chain.training("Verdicts", &request).await
}

/// What an address earned.
///
/// # Errors
/// [`ChainError`].
pub async fn rewards(chain: &Chain, address: &str) -> Result<pb::QueryRewardsResponse, ChainError> {
    chain.training("Rewards", &pb::QueryRewardsRequest { address: address.to_owned() }).await
}
