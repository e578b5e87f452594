//! A task whose model travels encrypted: its model provider serves it, providers train on what they decrypt, and the chain reads nothing.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bauta_client::disk::Durability;
use bauta_client::model_provider::{ModelServer, ServeConfig, ServeEvent, Served};
use bauta_client::policy::Policy;
use bauta_client::provider::{Event, Honest, Progress, Provider, ProviderError};
use bauta_learning::combine::{Combination, GroupSum};
use bauta_learning::model::Model;
use bauta_learning::optimiser::State as OptimiserState;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use bauta_schema::type_url;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::world::{settings, Shared, World, ELEMENTS};

fn encrypted(n: u32, rounds: u32) -> pb::TaskSettings {
    let mut task = settings(n, rounds);
    task.level = pb::Level::Cohort.into();
    task.model_provider = Some(pb::ModelProvider { bond: "5000".into(), window: 20 });
    task
}

fn first() -> Model {
    let spec = Terms::read(&settings(5, 1)).unwrap().spec;
    let values = (0..i64::from(ELEMENTS)).map(|c| (c - 20) << 24).collect();
    Model::new(spec, values).unwrap()
}

struct Cohort {
    world: World,
    home: tempfile::TempDir,
    server: Option<ModelServer<ChaCha20Rng>>,
    said: Arc<Mutex<Vec<ServeEvent>>>,
}

impl Cohort {
    async fn new(n: usize, rounds: u32, light: bool) -> Self {
        let mut world = World::with_settings(
            (0..n).map(|_| Shared(Arc::new(Honest))).collect(),
            encrypted(u32::try_from(n).unwrap(), rounds),
        )
        .await;
        world.policy = Policy { levels: vec!["cohort".to_owned()], ..Policy::default() };
        world.light = light;
        (0..n).for_each(|index| world.restart(index));
        let mut cohort = Self { world, home: tempfile::tempdir().unwrap(), server: None, said: Arc::default() };
        cohort.serve();
        cohort
    }

    fn open(&self, home: &Path) -> Result<ModelServer<ChaCha20Rng>, ProviderError> {
        let said = Arc::clone(&self.said);
        ModelServer::new(
            self.world.chain(),
            self.world.node.signer(200),
            ServeConfig {
                task: self.world.task,
                home: home.to_owned(),
                first: first(),
                durability: Durability::Process,
            },
            ChaCha20Rng::seed_from_u64(rand::random()),
            Box::new(move |event| said.lock().unwrap().push(event.clone())),
        )
    }

    /// Starts the server, again perhaps.
    fn serve(&mut self) {
        self.server = None;
        self.server = Some(self.open(self.home.path()).unwrap());
    }

    /// One height of everybody; whether the server is done.
    async fn height(&mut self) -> bool {
        let done = match &mut self.server {
            Some(server) => server.step().await.unwrap() == Served::Done,
            None => false,
        };
        self.world.height().await;
        done
    }

    async fn run(&mut self) {
        for _ in 0..400 {
            if self.height().await {
                return;
            }
        }
        panic!("the task did not end");
    }

    /// What training without masks and encryption makes of the first model, by what providers say that they trained.
    fn plain(&self, rounds: u64) -> Model {
        let terms = Terms::read(&encrypted(self.world.homes.len() as u32, 9)).unwrap();
        let trained = self.world.trained.lock().unwrap();
        let mut model = first();
        let mut state = OptimiserState::initial(&terms.optimiser, model.values().len());
        for round in 1..=rounds {
            let mut sum = vec![0i64; ELEMENTS as usize];
            let mut weight = 0;
            for index in &self.world.finished[&round] {
                let (own, update) = &trained[&(round, *index)];
                sum.iter_mut().zip(update).for_each(|(sum, value)| *sum += *own as i64 * value);
                weight += own;
            }
            let update = Combination::Mean.combine(&[GroupSum::new(&sum, weight)], terms.encoding.scale_bits).unwrap();
            terms.optimiser.step(model.values_mut(), &mut state, &update).unwrap();
        }
        model
    }
}

#[tokio::test]
async fn the_model_provider_gets_the_model_of_plain_training_bit_for_bit_and_the_chain_never_sees_it() {
    for light in [false, true] {
        let mut cohort = Cohort::new(5, 3, light).await;
        cohort.run().await;
        assert_eq!(cohort.world.task().status(), pb::TaskStatus::Finished);
        assert_eq!(cohort.world.survivors(), vec![vec![0, 1, 2, 3, 4]; 3]);
        let model = cohort.server.as_ref().unwrap().model().unwrap();
        assert_eq!(model, cohort.plain(3));
        assert_ne!(model, first());
        assert!(cohort.world.node.lock().machine.offences().is_empty());
        let said = cohort.said.lock().unwrap();
        let count = |wanted: fn(&ServeEvent) -> bool| said.iter().filter(|event| wanted(event)).count();
        assert_eq!(count(|event| matches!(event, ServeEvent::Wrapped { epoch: 1, providers: 5 })), 1);
        assert_eq!(count(|event| matches!(event, ServeEvent::Published { .. })), 3);
        assert_eq!(count(|event| matches!(event, ServeEvent::Moved { groups: 1, .. })), 3);
        // Nothing that a node keeps has a model in it: its coordinates are le64 in canonical bytes.
        let machine = &cohort.world.node.lock().machine;
        let windows: Vec<Vec<u8>> = [first(), cohort.plain(1), model.clone()]
            .iter()
            .map(|model| model.values()[3..7].iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        for bytes in machine.blobs.all().chain(machine.storage.0.values()) {
            for window in &windows {
                assert!(!bytes.windows(window.len()).any(|found| found == &window[..]));
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_starts_again_at_any_height_sends_the_same_and_ends_with_the_same_model() {
    let mut cohort = Cohort::new(4, 2, false).await;
    for _ in 0..400 {
        cohort.serve();
        if cohort.height().await {
            break;
        }
    }
    assert_eq!(cohort.world.task().status(), pb::TaskStatus::Finished);
    assert_eq!(cohort.server.as_ref().unwrap().model().unwrap(), cohort.plain(2));
    let received = cohort.world.node.lock().machine.received.clone();
    assert_eq!((received[type_url::WRAP_KEYS], received[type_url::PUBLISH_MODEL]), (1, 2));
    // Two at one folder would publish two models.
    assert!(matches!(cohort.open(cohort.home.path()), Err(ProviderError::Record(_))));
}

#[tokio::test]
async fn providers_wait_for_a_model_provider_that_is_away_and_lose_nothing() {
    let mut cohort = Cohort::new(4, 1, false).await;
    let server = cohort.server.take();
    while cohort.world.task().round == 0 {
        cohort.height().await;
    }
    for _ in 0..12 {
        cohort.height().await;
    }
    cohort.server = server;
    cohort.run().await;
    assert_eq!(cohort.world.task().status(), pb::TaskStatus::Finished);
    assert!(cohort.world.node.lock().machine.offences().is_empty());
}

#[tokio::test]
async fn a_provider_to_whom_the_model_does_not_open_complains_and_the_model_provider_pays() {
    let mut cohort = Cohort::new(4, 2, false).await;
    // Another key on its disk than the one that it wrapped.
    while cohort.said.lock().unwrap().is_empty() {
        cohort.height().await;
    }
    let server = cohort.server.take();
    drop(server);
    let folder = cohort.home.path().join("models/bauta-1/task-1");
    std::fs::write(folder.join("key-1"), [9; 32]).unwrap();
    cohort.serve();
    let error = cohort.server.as_mut().unwrap().step().await.unwrap_err();
    assert!(matches!(error, ProviderError::LostRecord { .. }), "{error}");
    // It notices itself, and sends nothing; so the blob of another key is announced by hand.
    drop(cohort.server.take());
    publish_under(&cohort.world, [9; 32]).await;
    for _ in 0..30 {
        if cohort.world.task().status() == pb::TaskStatus::Defaulted {
            break;
        }
        cohort.height().await;
    }
    assert_eq!(cohort.world.task().status(), pb::TaskStatus::Defaulted);
    assert!(cohort.world.node.lock().machine.offences().is_empty());
    let events = cohort.world.events.lock().unwrap();
    assert!(events.iter().any(|(_, event)| matches!(event, Event::ComplainedAboutModel { round: 1, .. })));
}

/// Publishes a model under another key than the one that was wrapped, as a dishonest model provider does.
async fn publish_under(world: &World, key: [u8; 32]) {
    use bauta_client::chain::messages::TrainingMessage;
    use bauta_client::chain::Fee;
    use bauta_secagg::cohort::{keys::EpochKey, masks::RoundSecret};
    use bauta_secagg::context::Rctx;
    use bauta_secagg::encoding::{sha256, Address};
    let (chain, owner) = (world.node.chain(), world.node.signer(200));
    let mut rng = ChaCha20Rng::seed_from_u64(77);
    let round = world.node.lock().machine.round(world.task, 1).round.unwrap();
    let rctx = Rctx::from_bytes(round.rctx.try_into().unwrap());
    let sealed = EpochKey::from_bytes(&key.into()).seal(&rctx, &first().encode(), &mut rng);
    let address = Address::new(chain.bytes_of(owner.address()).unwrap()).unwrap();
    let announcement = pb::MsgPublishModel {
        sender: owner.address().to_owned(),
        task_id: world.task,
        round: 1,
        plain_hash: sealed.plain_hash.as_bytes().to_vec(),
        blob_hash: sha256(&[&sealed.blob]).to_vec(),
        bytes: sealed.blob.len() as u64,
        point: RoundSecret::generate(&mut rng).point(&rctx, &address, &mut rng).encode(),
        chunk_hashes: vec![sha256(&[&sealed.blob]).to_vec()],
    };
    let chunk = pb::MsgPublishModelChunk {
        sender: owner.address().to_owned(),
        task_id: world.task,
        round: 1,
        index: 0,
        data: sealed.blob.clone(),
    };
    for message in [announcement.to_any(), chunk.to_any()] {
        chain.execute(&owner, &[message], Fee::Simulated, "").await.unwrap();
    }
}

#[tokio::test]
async fn a_provider_whose_policy_is_for_open_tasks_takes_no_part() {
    let mut world = World::with_settings((0..3).map(|_| Shared(Arc::new(Honest))).collect(), encrypted(3, 1)).await;
    world.providers.iter_mut().for_each(|provider| *provider = None);
    let mut provider: Provider = world.open(0).unwrap();
    let height = world.node.lock().height;
    let error = provider.step(height).await.map(|progress| progress == Progress::Done).unwrap_err();
    assert!(error.to_string().contains("its level is cohort"), "{error}");
}
