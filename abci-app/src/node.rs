//! A node: the application with its database and its modules, before any engine drives it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::abci::AbciService;
use crate::app::{App, AppConfig};
use crate::conformance::{Recorder, Watch};
use crate::files;
use crate::modules::Modules;
use crate::store::{Db, DbConfig};

/// Where a node keeps what, and how.
#[derive(Debug, Clone, Default)]
pub struct NodeConfig {
    /// Its folder; `None` keeps everything in memory.
    pub home: Option<PathBuf>,
    /// The database.
    pub db: DbConfig,
    /// What an operator may choose.
    pub app: AppConfig,
}

/// A node.
#[derive(Clone)]
pub struct Node {
    app: Arc<App>,
    recorder: Arc<Recorder>,
}

impl Node {
    /// Opens it at the block that it committed last.
    ///
    /// # Errors
    /// When its folder cannot be used, or another process uses it.
    pub fn open(config: NodeConfig) -> anyhow::Result<Self> {
        let db = match &config.home {
            None => Db::in_memory(config.db.clone())?,
            Some(home) => open_db(home, config.db.clone())?,
        };
        Self::over(db, &config)
    }

    /// A node over a database that is open already.
    ///
    /// # Errors
    /// When the database cannot be read, or the modules not be opened.
    pub fn over(db: Db, config: &NodeConfig) -> anyhow::Result<Self> {
        let modules = Arc::new(Modules::open(config.home.as_deref())?);
        let app = Arc::new(App::new(db, modules, config.app.clone())?);
        let recorder = Arc::new(Recorder::new(Arc::clone(&app) as Arc<dyn AbciService>));
        Ok(Self { app, recorder })
    }

    /// The application.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// What an engine talks to. The order of its calls is recorded, and a call that CometBFT would not make is logged.
    pub fn service(&self) -> Arc<dyn AbciService> {
        Arc::clone(&self.recorder) as Arc<dyn AbciService>
    }

    /// The record of what the engine called.
    pub fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// The same service for a test, which fails when it drops the watch after a call that CometBFT would not make.
    pub fn watched(&self) -> (Arc<dyn AbciService>, Watch) {
        (self.service(), self.recorder.watch())
    }
}

fn open_db(home: &Path, config: DbConfig) -> anyhow::Result<Db> {
    let data = home.join("data");
    files::folder(&data)?;
    let file = data.join("state.redb");
    Db::open(&file, config).with_context(|| format!("the state in {} cannot be opened", file.display()))
}
