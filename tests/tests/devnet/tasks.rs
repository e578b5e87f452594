//! The model provider, whose node is killed as well.

use std::time::Duration;

use bauta_client::chain::{Chain, ChainError, Signer};
use bauta_client::model_provider::{self, ModelProviderError};
use bauta_schema::training::v1 as pb;
use tokio::runtime::Runtime;

/// Tasks of one owner, one after the other.
pub struct Tasks<'a> {
    runtime: &'a Runtime,
    chain: Chain,
    owner: Signer,
    settings: pb::TaskSettings,
    budget: u128,
    /// The last one.
    pub last: u64,
}

impl<'a> Tasks<'a> {
    /// Further ones like the first, which is there already.
    pub fn like(first: u64, chain: Chain, owner: Signer, runtime: &'a Runtime) -> Self {
        let (task, settings) = runtime.block_on(chain.task(first)).unwrap();
        let budget = task.escrow.unwrap_or_default().deposited.parse().unwrap();
        Self { runtime, chain, owner, settings, budget, last: first }
    }

    /// Creates one, and only one, whatever becomes of the node meanwhile.
    pub fn create(&mut self) {
        let model = pb::InitialModel { source: Some(pb::initial_model::Source::Zero(pb::ZeroInit {})) };
        loop {
            let created =
                model_provider::create(&self.chain, &self.owner, self.settings.clone(), model.clone(), self.budget);
            match self.runtime.block_on(created) {
                Ok(task) => {
                    assert_eq!(task, self.last + 1, "a task was paid for twice");
                    self.last = task;
                    return;
                }
                // What may have arrived is looked for until it cannot come any more.
                Err(ModelProviderError::Chain(ChainError::Unknown { until, .. })) => {
                    while self.height() <= until {
                        std::thread::sleep(Duration::from_millis(100));
                    }
                    if self.runtime.block_on(self.chain.task(self.last + 1)).is_ok() {
                        self.last += 1;
                        return;
                    }
                }
                Err(ModelProviderError::Chain(error)) if error.is_transient() => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(error) => panic!("no task: {error}"),
            }
        }
    }

    /// How a task stands; `None` while the node does not say.
    pub fn status(&self, task: u64) -> Option<pb::TaskStatus> {
        self.runtime.block_on(self.chain.task(task)).ok().map(|(task, _)| task.status())
    }

    fn height(&self) -> u64 {
        self.runtime.block_on(self.chain.height()).unwrap_or(0)
    }
}
