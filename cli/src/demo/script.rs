//! The scripted providers: the code of `provider run`, with the one thing each does otherwise.

use std::path::PathBuf;
use std::sync::OnceLock;

use bauta_client::evidence::HandedHeader;
use bauta_client::provider::{Behaviour, Scene, TrainedRound};
use bauta_secagg::check_in::CheckedIn;
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;

use super::ledger::Ledger;
use super::scenario::Role;
use super::shadow::Encoded;

/// A provider's part in the scenario.
pub struct Script {
    /// Its index.
    pub index: usize,
    /// What it does otherwise.
    pub role: Option<Role>,
    /// Where encoded updates are noted for the checks.
    pub ledger: Ledger,
    /// Where the peer looks for evidence.
    pub peer: PathBuf,
    /// Randomness of the second header.
    pub seed: [u8; 32],
    /// The second header, where the peer finds it.
    pub second: OnceLock<PathBuf>,
}

impl Behaviour for Script {
    fn checks_in(&self, round: u64) -> bool {
        !matches!(self.role, Some(Role::GoesSilent { round: last }) if round > last)
    }

    fn submits(&self, round: u64) -> bool {
        match self.role {
            Some(Role::GoesSilent { round: last }) => round < last,
            Some(Role::Drops { round: silent }) => round != silent,
            // Its chunks follow when the peer has reported it, so that it is caught in this round however fast blocks come.
            Some(Role::SignsTwice { .. }) => self.second.get().is_none_or(|file| !file.exists()),
            _ => true,
        }
    }

    fn answers(&self, round: u64) -> bool {
        match self.role {
            Some(Role::GoesSilent { round: last }) => round < last,
            Some(Role::Drops { round: silent } | Role::SeatSilent { round: silent }) => round != silent,
            _ => true,
        }
    }

    fn trained(&self, trained: &TrainedRound<'_>) {
        let encoded = Encoded { weight: trained.weight, update: trained.update.to_vec() };
        self.ledger.note(trained.round, self.index, encoded);
    }

    fn submitted(&self, scene: &Scene<'_>) {
        if !matches!(self.role, Some(Role::SignsTwice { round }) if round == scene.round) {
            return;
        }
        // Another update under the same keys: what a provider would send to fit its vector to what it saw of the others.
        let mut other = scene.update.to_vec();
        if let Some(first) = other.first_mut() {
            *first = if *first > 0 { *first - 1 } else { *first + 1 };
        }
        let mut rng = ChaCha20Rng::from_seed(self.seed);
        let masked = CheckedIn::resume(scene.keys, scene.rctx, scene.address, scene.weight);
        let Ok(masked) = masked.mask(scene.ctx, scene.group, scene.layout, &other, &mut rng) else {
            return;
        };
        let second =
            HandedHeader::new(scene.chain_id, scene.account, scene.task, scene.epoch, scene.round, &masked.header);
        match second.write(&self.peer) {
            // Set once: the header is sent for the first time once.
            Ok(file) => {
                self.second.get_or_init(|| file);
            }
            Err(error) => tracing::warn!(%error, "the second header did not reach the peer"),
        }
    }
}
