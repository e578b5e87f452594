//! The light client: it follows the chain's headers from a block that is trusted, and reads the state with proofs that lead to them.
//!
//! A header is verified as CometBFT's light client specification says (core verification): at most the trusting period old, more than
//! two thirds of its own validators signed it, and either it is the next one and its validators are those that the last one named, or
//! more than a third of the last one's validators signed it; where validators have changed too much for that, a header between is
//! verified first. The state after block H is proven against the app hash in the header of H + 1 (ICS-23, [`proof`]): what is read here
//! is therefore one block older than what a query answers.
//!
//! Trust begins with a block that a person names, or with the node's last block on first use; the last verified block is kept on disk
//! and only ever replaced by a later one.

mod error;
mod proof;
mod trust;

pub use error::LightError;
pub use trust::Trust;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tendermint::validator::Set;
use tendermint::Time;
use tendermint_light_client_verifier::errors::VerificationErrorDetail;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{TrustedBlockState, UntrustedBlockState};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier};
use tokio::sync::Mutex;

use self::trust::Block;
use crate::chain::{ChainError, Rpc};

/// What time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// This machine's clock: headers come neither from the future nor from the time before the trusting period, and the last one is not
    /// old.
    Machine,
    /// The chain's own clock, for chains in one process whose time is not ours. No header is too old.
    Chain,
}

/// How the chain is followed.
#[derive(Clone, Debug)]
pub struct LightConfig {
    /// The file that keeps the last verified block; nothing is kept if absent.
    pub file: Option<PathBuf>,
    /// The block where trust begins; the node's last block on first use if absent.
    pub trust: Option<Trust>,
    /// How long validators are trusted after they signed; less than the time in which they can leave with their stake.
    pub trusting_period: Duration,
    /// How far a header's time may be ahead of this machine's.
    pub drift: Duration,
    /// How old the last header may be when something depends on it.
    pub max_age: Duration,
    /// What time it is.
    pub clock: Clock,
}

impl LightConfig {
    /// Two weeks of trust, under this machine's clock, with what was verified kept in a file.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: Some(file.into()), ..Self::in_memory(Clock::Machine) }
    }

    /// The same without a file.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        Self {
            file: None,
            trust: None,
            trusting_period: Duration::from_secs(14 * DAY),
            drift: Duration::from_secs(30),
            max_age: Duration::from_secs(600),
            clock,
        }
    }
}

const DAY: u64 = 24 * 60 * 60;

/// What is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where trust began.
    pub anchor: Trust,
    /// The last verified block.
    pub last: Trust,
    /// Whether trust began just now, with a block that nobody named.
    pub first_use: bool,
}

/// A value of the state with the height after which it was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The height of the block that left it so.
    pub height: u64,
    /// The value; `None` when there is none.
    pub value: Option<Vec<u8>>,
}

/// Follows one chain.
pub struct LightClient {
    rpc: Arc<dyn Rpc>,
    chain_id: String,
    config: LightConfig,
    verifier: ProdVerifier,
    state: Mutex<Option<State>>,
}

struct State {
    anchor: Trust,
    first_use: bool,
    last: Block,
    /// What was proven against the last block's header.
    proven: BTreeMap<(String, Vec<u8>), Option<Vec<u8>>>,
}

impl State {
    fn standing(&self) -> Standing {
        Standing { anchor: self.anchor, last: self.last.trust(), first_use: self.first_use }
    }
}

impl LightClient {
    /// A light client of a chain; nothing is asked yet.
    #[must_use]
    pub fn new(rpc: Arc<dyn Rpc>, chain_id: impl Into<String>, config: LightConfig) -> Self {
        Self { rpc, chain_id: chain_id.into(), config, verifier: ProdVerifier::default(), state: Mutex::new(None) }
    }

    /// The height of the last verified block; 0 before the first.
    pub async fn height(&self) -> u64 {
        self.state.lock().await.as_ref().map_or(0, |state| state.last.height())
    }

    /// Verifies up to the node's last block; says what is trusted. Where there are several nodes, the next is asked when what one says
    /// does not hold, each once.
    ///
    /// # Errors
    /// [`ChainError::Light`] with what is wrong with the node's chain; [`ChainError::Unreachable`].
    pub async fn follow(&self) -> Result<Standing, ChainError> {
        let mut held = self.state.lock().await;
        let mut others = self.rpc.nodes().saturating_sub(1);
        loop {
            let at = self.rpc.current();
            let standing = self.advance(&mut held).await.map(|state| state.standing());
            if !self.asks_another(at, &standing, &mut others) {
                return standing;
            }
        }
    }

    /// The value under a key of a store, after the block before the last one. What was proven against a header is not asked for twice.
    /// Where there are several nodes, the next is asked when what one says does not hold, each once.
    ///
    /// # Errors
    /// [`ChainError::Light`] with what is wrong with the node's chain or its proof; [`ChainError::Unreachable`].
    pub async fn read(&self, store: &str, key: &[u8]) -> Result<Proven, ChainError> {
        let mut held = self.state.lock().await;
        let mut others = self.rpc.nodes().saturating_sub(1);
        loop {
            let at = self.rpc.current();
            let proven = self.read_held(&mut held, store, key).await;
            if !self.asks_another(at, &proven, &mut others) {
                return proven;
            }
        }
    }

    /// Turns away from a node whose chain or proof does not hold, or that shows a block which nobody has; whether there is another to ask.
    fn asks_another<T>(&self, at: usize, answer: &Result<T, ChainError>, others: &mut usize) -> bool {
        match answer {
            Err(ChainError::Light(error)) if error.is_of_the_node() => self.rpc.turn_away(at, error),
            Err(error @ ChainError::Answer { .. }) => self.rpc.turn_away(at, error),
            _ => return false,
        }
        let is_another = *others > 0;
        *others = others.saturating_sub(1);
        is_another
    }

    async fn read_held(&self, held: &mut Option<State>, store: &str, key: &[u8]) -> Result<Proven, ChainError> {
        let state = self.advance(held).await?;
        self.check_age(&state.last)?;
        let height = state.last.height() - 1;
        let place = (store.to_owned(), key.to_vec());
        if let Some(value) = state.proven.get(&place) {
            return Ok(Proven { height, value: value.clone() });
        }
        if height == 0 {
            // Before the first block there is nothing that anybody could have written.
            return Ok(Proven { height, value: None });
        }
        let answer = self.rpc.abci_proof(&format!("store/{store}/key"), key.to_vec(), height).await?;
        let failed = |why: String| LightError::Proof { what: format!("{store}/{}", key.escape_ascii()), height, why };
        if answer.code.is_err() {
            return Err(failed(answer.log).into());
        }
        if answer.height.value() != height {
            return Err(failed(format!("it is of height {}", answer.height)).into());
        }
        let ops = answer.proof.map(|proof| proof.ops).unwrap_or_default();
        let app_hash = state.last.signed.header.app_hash.as_bytes();
        let value = proof::verified(&ops, store, key, &answer.value, app_hash).map_err(|why| failed(why.to_owned()))?;
        state.proven.insert(place, value.clone());
        Ok(Proven { height, value })
    }

    /// Verifies headers up to the node's last one.
    async fn advance<'a>(&self, held: &'a mut Option<State>) -> Result<&'a mut State, ChainError> {
        let shown = self.rpc.status().await?.sync_info.latest_block_height.value();
        let state = match held.take() {
            Some(state) => held.insert(state),
            None => held.insert(self.begin(shown).await?),
        };
        let known = state.last.height();
        if shown < known {
            return Err(LightError::Behind { shown, known }.into());
        }
        if shown > known {
            let result = self.climb(&mut state.last, shown).await;
            if state.last.height() > known {
                state.proven.clear();
                self.keep(state);
            }
            result?;
        }
        Ok(state)
    }

    /// Writes the last verified block down. That it cannot be written is said and no more: what is on disk is older, and still true.
    fn keep(&self, state: &State) {
        let Some(file) = &self.config.file else { return };
        if let Err(error) = trust::save(file, &self.chain_id, state.anchor, &state.last) {
            tracing::warn!(%error, "the last verified block could not be kept");
        }
    }

    /// Where trust begins: the block that was given, or what is on disk, or the node's last block.
    async fn begin(&self, shown: u64) -> Result<State, ChainError> {
        let stored = match &self.config.file {
            Some(file) => match (trust::load(file, &self.chain_id), self.config.trust) {
                (Ok(stored), _) => stored,
                // A block that a person names stands above a file that cannot be read.
                (Err(LightError::Damaged { .. }), Some(_)) => None,
                (Err(error), _) => return Err(error.into()),
            },
            None => None,
        };
        if let Some((anchor, last)) = stored {
            if self.config.trust.is_none_or(|trust| trust == anchor) {
                return Ok(State { anchor, first_use: false, last, proven: BTreeMap::new() });
            }
        }
        let block = self.fetch(self.config.trust.map_or(shown, |trust| trust.height), None).await?;
        let found = block.trust();
        match self.config.trust {
            Some(trust) if trust.hash != found.hash => {
                return Err(LightError::NotTheTrusted {
                    height: trust.height,
                    expected: hex::encode_upper(trust.hash),
                    found: hex::encode_upper(found.hash),
                }
                .into());
            }
            Some(_) => {}
            None => tracing::warn!(
                "the block {found} of the chain {} is trusted because it is the first one seen; compare it with what others see, or \
                 name a block with --trust HEIGHT:HASH",
                self.chain_id
            ),
        }
        self.check_itself(&block)?;
        let state =
            State { anchor: found, first_use: self.config.trust.is_none(), last: block, proven: BTreeMap::new() };
        if let Some(file) = &self.config.file {
            trust::save(file, &self.chain_id, state.anchor, &state.last)?;
        }
        Ok(state)
    }

    /// Verifies a later block, skipping those between where the validators allow it.
    async fn climb(&self, last: &mut Block, to: u64) -> Result<(), ChainError> {
        let mut waiting = vec![self.fetch(to, Some(last)).await?];
        while let Some(block) = waiting.pop() {
            match self.verdict(last, &block) {
                Verdict::Success => *last = block,
                Verdict::NotEnoughTrust(tally) => {
                    let (low, high) = (last.height(), block.height());
                    let middle = low + (high - low) / 2;
                    if middle == low {
                        return Err(forged(high, &tally).into());
                    }
                    waiting.push(block);
                    waiting.push(self.fetch(middle, Some(last)).await?);
                }
                Verdict::Invalid(VerificationErrorDetail::NotWithinTrustPeriod(_)) => {
                    return Err(LightError::Expired {
                        height: last.height(),
                        time: last.signed.header.time.to_rfc3339(),
                        days: self.config.trusting_period.as_secs() / DAY,
                    }
                    .into());
                }
                Verdict::Invalid(why) => return Err(invalid(block.height(), &why).into()),
            }
        }
        Ok(())
    }

    fn verdict(&self, last: &Block, block: &Block) -> Verdict {
        let header = &last.signed.header;
        let trusted = TrustedBlockState {
            chain_id: &header.chain_id,
            header_time: header.time,
            height: header.height,
            next_validators: &last.next_validators,
            next_validators_hash: header.next_validators_hash,
        };
        let (now, trusting_period) = match self.config.clock {
            Clock::Machine => (Time::now(), self.config.trusting_period),
            // A hundred years.
            Clock::Chain => (block.signed.header.time, Duration::from_secs(36_525 * DAY)),
        };
        let options = Options { trust_threshold: Default::default(), trusting_period, clock_drift: self.config.drift };
        self.verifier.verify_update_header(untrusted(block), trusted, &options, now)
    }

    /// That a first block is what more than two thirds of its own validators signed.
    fn check_itself(&self, block: &Block) -> Result<(), LightError> {
        for verdict in
            [self.verifier.verify_validator_sets(&untrusted(block)), self.verifier.verify_commit(&untrusted(block))]
        {
            match verdict {
                Verdict::Success => {}
                Verdict::NotEnoughTrust(why) => return Err(forged(block.height(), &why)),
                Verdict::Invalid(why) => return Err(invalid(block.height(), &why)),
            }
        }
        Ok(())
    }

    fn check_age(&self, block: &Block) -> Result<(), LightError> {
        if self.config.clock == Clock::Chain {
            return Ok(());
        }
        let age = Time::now().duration_since(block.signed.header.time).unwrap_or_default();
        if age > self.config.max_age {
            return Err(LightError::Stale { height: block.height(), seconds: age.as_secs() });
        }
        Ok(())
    }

    /// A header with its commit and its validators. Sets that are those of the last block are not asked for.
    async fn fetch(&self, height: u64, last: Option<&Block>) -> Result<Block, ChainError> {
        let signed = self.rpc.commit(height).await?;
        let header = &signed.header;
        if header.chain_id.as_str() != self.chain_id {
            let found = header.chain_id.to_string();
            return Err(LightError::OtherChain { expected: self.chain_id.clone(), found }.into());
        }
        if header.height.value() != height {
            return Err(forged(height, &format!("its header is of height {}", header.height)).into());
        }
        let known = |hash| last.map(|last| &last.next_validators).filter(|set| set.hash() == hash).cloned();
        let validators = match known(header.validators_hash) {
            Some(set) => set,
            None => Set::without_proposer(self.rpc.validators(height).await?),
        };
        let next_validators = if header.next_validators_hash == header.validators_hash {
            validators.clone()
        } else {
            match known(header.next_validators_hash) {
                Some(set) => set,
                None => Set::without_proposer(self.rpc.validators(height + 1).await?),
            }
        };
        Ok(Block { signed, validators, next_validators })
    }
}

fn untrusted(block: &Block) -> UntrustedBlockState<'_> {
    UntrustedBlockState {
        signed_header: &block.signed,
        validators: &block.validators,
        next_validators: Some(&block.next_validators),
    }
}

/// What the verifier found, in words: it shows a signature and what was signed byte by byte.
fn invalid(height: u64, why: &VerificationErrorDetail) -> LightError {
    match why {
        VerificationErrorDetail::InvalidSignature(found) => {
            forged(height, &format!("the signature of validator {} does not verify", found.validator.address))
        }
        other => forged(height, other),
    }
}

fn forged(height: u64, why: &dyn std::fmt::Display) -> LightError {
    LightError::Forged { height, why: why.to_string() }
}

impl std::fmt::Debug for LightClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LightClient").field("chain_id", &self.chain_id).finish_non_exhaustive()
    }
}
