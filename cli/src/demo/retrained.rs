//! The same training run without masks and without the providers: every survivor's update is trained again from its share of the data
//! and the seeds that follow from its randomness, and the model is moved by the plain sum. It sees of the chain nothing but who was in
//! each round, so that an error in what providers send, or note, cannot hide in it. It runs beside the chain, on a thread of its own.

use std::sync::mpsc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use bauta_client::provider::RoundSeeds;
use bauta_learning::data::Dataset;
use bauta_learning::model::Model;

use super::shadow::Shadow;

/// What decides a provider's updates.
pub struct Pupil {
    /// Its public weight.
    pub weight: u64,
    /// Its rows, standardised.
    pub rows: Dataset,
    /// Its secret.
    pub secret: [u8; 32],
}

/// A finished round: who was in its sum, by index.
#[derive(Clone, Debug)]
pub struct Survived {
    /// The task.
    pub task: u64,
    /// The epoch.
    pub epoch: u64,
    /// The round.
    pub round: u64,
    /// The survivors.
    pub survivors: Vec<usize>,
}

/// Training that goes on beside the chain.
pub struct Retrained {
    rounds: mpsc::Sender<Survived>,
    thread: JoinHandle<anyhow::Result<Vec<Model>>>,
}

impl Retrained {
    /// Waits for rounds, beginning at the model of `shadow`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(mut shadow: Shadow, pupils: Vec<Pupil>) -> anyhow::Result<Self> {
        let (rounds, survived) = mpsc::channel::<Survived>();
        let train = move || {
            let mut models = Vec::new();
            for Survived { task, epoch, round, survivors } in survived {
                let mut updates = Vec::new();
                for index in survivors {
                    let pupil = pupils.get(index).with_context(|| format!("there is no provider {index}"))?;
                    let seeds = RoundSeeds::derive(&pupil.secret, task, epoch, round);
                    updates.push(shadow.train(&pupil.rows, pupil.weight, seeds.training, &seeds.rounding)?);
                }
                shadow.step(&updates)?;
                models.push(shadow.model().clone());
            }
            Ok(models)
        };
        let thread = std::thread::Builder::new().name("retrained".to_owned()).spawn(train);
        Ok(Self { rounds, thread: thread.context("no thread for the training without masks")? })
    }

    /// Trains a finished round again, later.
    pub fn round(&self, round: Survived) {
        // A thread that has failed says so at the end.
        let _ = self.rounds.send(round);
    }

    /// The models after each round, in order.
    ///
    /// # Errors
    /// What went wrong on the way.
    pub async fn finish(self) -> anyhow::Result<Vec<Model>> {
        drop(self.rounds);
        let thread = self.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await.context("the training without masks")?;
        joined.map_err(|_| anyhow::anyhow!("the training without masks panicked"))?
    }
}
