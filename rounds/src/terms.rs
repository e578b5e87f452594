//! What a task's settings mean, and which are refused.

use crate::cost;
use crate::error::Error;
use crate::params::{MAX_MESSAGE, MAX_PROVIDERS, MAX_SEATS, MIN_GROUP};
use crate::round::blame;
use crate::scoring::{self, Scoring};
use crate::tails::{Declared, MILLION};
use bauta_learning::combine::{Combination, CombineError};
use bauta_learning::encode::metrics::METRICS;
use bauta_learning::encode::{Encoding, EncodingError};
use bauta_learning::fixed::Fixed;
use bauta_learning::model::{Initialisation, Model, ModelSpec, TensorSpec};
use bauta_learning::optimiser::Optimiser;
use bauta_schema::training::v1 as pb;
use bauta_secagg::parties::threshold;
use bauta_secagg::ring::{Layout, Pow2, Ring};

/// Most bytes of a task's settings.
pub const MAX_SETTINGS: usize = 128 * 1024;
/// Most chunks of a vector: a header names the hash of each, is one transaction, and is read again with every chunk.
pub const MAX_CHUNKS: u32 = 2048;
/// Most epochs in a row that may finish no round.
pub const MAX_IDLE_EPOCHS: u32 = 1000;

/// Settings as values that were read once.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The settings themselves.
    pub settings: pb::TaskSettings,
    /// The model's tensors.
    pub spec: ModelSpec,
    /// Coordinates of an update: `d`.
    pub elements: u64,
    /// How updates become integers.
    pub encoding: Encoding,
    /// What moves the model.
    pub optimiser: Optimiser,
    /// Ring, chunks and their sizes.
    pub layout: Layout,
    /// Who is grouped with whom.
    pub cohort: pb::Cohort,
    /// Lengths of the windows.
    pub windows: pb::Windows,
    /// Paid for an update.
    pub per_update: u128,
    /// Paid for a partial.
    pub per_partial: u128,
    /// Price of 1,000 units of gas.
    pub gas_price: u128,
    /// Smallest bond.
    pub min_bond: u128,
    /// How groups are scored; `None` where they are not.
    pub scoring: Option<Scoring>,
    /// Length of the window in which members of a group whose sum is out of range open their numbers; `None` where nobody is blamed.
    pub blame: Option<u32>,
    /// What the model provider owes where the model is encrypted; `None` in open tasks.
    pub model_provider: Option<ModelProvider>,
    rule: Combination,
}

/// What a model provider owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelProvider {
    /// What it puts up.
    pub bond: u128,
    /// In which window it publishes keys and models, in counted blocks.
    pub window: u32,
}

/// An amount: a decimal integer without sign, leading zeros or separators; empty means 0.
///
/// # Errors
/// [`Error::Invalid`] names the field.
pub fn amount(field: &str, text: &str) -> Result<u128, Error> {
    if text.is_empty() {
        return Ok(0);
    }
    let canonical = text.bytes().all(|digit| digit.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    // Balances have 128 bits; half of that leaves room for sums.
    match text.parse::<u128>() {
        Ok(value) if canonical && value <= u128::from(u64::MAX) * u128::from(u32::MAX) => Ok(value),
        _ => Err(Error::Invalid(format!("{field} must be a decimal amount such as \"1000\", found {text:?}"))),
    }
}

/// Where the first model comes from.
enum FirstModel {
    Given(Model),
    Made(Initialisation),
}

fn q32(field: &str, value: u64) -> Result<Fixed, Error> {
    i64::try_from(value)
        .map(Fixed::from_bits)
        .map_err(|_| Error::Settings(format!("{field} must be below 2^63 in units of 2^-32")))
}

impl Terms {
    /// Reads settings: whether each part is there and can be at all.
    ///
    /// # Errors
    /// The first that is not.
    pub fn read(settings: &pb::TaskSettings) -> Result<Self, Error> {
        let missing = |part: &str| Error::Settings(format!("{part} is missing"));
        let encoding = settings.encoding.as_ref().ok_or_else(|| missing("encoding"))?;
        let rewards = settings.rewards.clone().unwrap_or_default();
        let cohort = settings.cohort.clone().ok_or_else(|| missing("cohort"))?;
        let spec = model_spec(settings.model.as_ref().ok_or_else(|| missing("model"))?)?;
        let elements = spec.elements();
        let ring = Pow2::new(encoding.bits).map_err(|error| Error::Settings(format!("encoding.bits: {error}")))?;
        let coordinates = elements.saturating_add(u64::from(encoding.metrics));
        let layout = Layout::new(Ring::Pow2(ring), coordinates, encoding.chunk_elems)
            .map_err(|error| Error::Settings(format!("encoding.chunk_elems: {error}")))?;
        Ok(Self {
            scoring: settings.scoring.as_ref().map(|scoring| Scoring::read(scoring, &spec)).transpose()?,
            spec,
            elements,
            encoding: Encoding {
                clip: q32("encoding.clip", encoding.clip)?,
                scale_bits: encoding.scale_bits,
                bound: encoding.bound,
                max_weight: encoding.max_weight,
            },
            optimiser: optimiser(settings.optimiser.as_ref().ok_or_else(|| missing("optimiser"))?)?,
            layout,
            windows: settings.windows.ok_or_else(|| missing("windows"))?,
            per_update: amount("rewards.per_update", &rewards.per_update)?,
            per_partial: amount("rewards.per_partial", &rewards.per_partial)?,
            gas_price: amount("rewards.gas_price", &rewards.gas_price)?,
            min_bond: amount("cohort.min_bond", &cohort.min_bond)?,
            blame: settings.blame.map(|blame| blame.window),
            model_provider: match &settings.model_provider {
                Some(owed) => {
                    Some(ModelProvider { bond: amount("model_provider.bond", &owed.bond)?, window: owed.window })
                }
                None => None,
            },
            rule: combination(&settings.combination.unwrap_or_default())?,
            cohort,
            settings: settings.clone(),
        })
    }

    /// Coordinates behind those of the update that carry metrics.
    pub fn metrics(&self) -> u32 {
        self.settings.encoding.as_ref().map_or(0, |encoding| encoding.metrics)
    }

    /// Bits of the ring.
    pub fn bits(&self) -> u32 {
        self.settings.encoding.as_ref().map_or(0, |encoding| encoding.bits)
    }

    /// Members of a group at most.
    pub fn largest_group(&self) -> u32 {
        largest_group(self.cohort.max_providers, self.cohort.group_size)
    }

    /// Whether an epoch's dealers may make more than one group.
    pub fn may_have_many_groups(&self) -> bool {
        self.cohort.max_providers > self.largest_group()
    }

    /// How the sums of a round's groups become one update.
    pub fn combination(&self) -> Combination {
        self.rule
    }

    /// Fewest dealers with which an epoch goes on: as many as make the groups that the rule needs, of which each has at least
    /// `group_size`.
    pub fn fewest_dealers(&self) -> u32 {
        let groups = u32::try_from(self.rule.fewest_groups()).unwrap_or(u32::MAX);
        self.cohort.group_size.saturating_mul(groups)
    }

    /// Groups that `n` dealers make.
    pub fn groups_of(&self, n: u32) -> u32 {
        (n / self.cohort.group_size.max(1)).max(1)
    }

    /// Declared corrupt heads among `n` providers.
    pub fn corrupt_heads(&self, n: u32) -> u32 {
        self.cohort.corrupt_heads.unwrap_or(n / 4)
    }

    /// Whether `m` seats with as many declared corrupt heads neither unmask by them alone nor need them: `c < t` and `c <= m - t`.
    ///
    /// # Errors
    /// A sentence with the numbers.
    pub fn check_seats(&self, n: u32, m: u32) -> Result<u32, String> {
        let t = threshold(m as usize) as u32;
        let c = self.corrupt_heads(n);
        if m < MIN_GROUP {
            return Err(format!("{m} seats are too few, at least {MIN_GROUP} are needed"));
        }
        if c >= t || c > m - t {
            return Err(format!(
                "of {m} seats with threshold {t}, {c} declared corrupt heads are too many: c must be below t and at most m - t = {}",
                m - t
            ));
        }
        Ok(t)
    }

    /// The model that a task starts from.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn initial_model(&self, initial: Option<&pb::InitialModel>) -> Result<Model, Error> {
        match self.first_model(initial)? {
            FirstModel::Given(model) => Ok(model),
            FirstModel::Made(rule) => rule.model(&self.spec).map_err(|error| Error::Model(error.to_string())),
        }
    }

    /// Whether a task can start from this model, without making it.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn check_initial_model(&self, initial: Option<&pb::InitialModel>) -> Result<(), Error> {
        if self.model_provider.is_some() {
            return match initial {
                None => Ok(()),
                Some(_) => Err(Error::Model("a model that is to stay encrypted is not given to the chain".into())),
            };
        }
        match self.first_model(initial)? {
            FirstModel::Given(_) => Ok(()),
            FirstModel::Made(rule) => rule.check(&self.spec).map_err(|error| Error::Model(error.to_string())),
        }
    }

    fn first_model(&self, initial: Option<&pb::InitialModel>) -> Result<FirstModel, Error> {
        use pb::initial_model::Source;
        match initial.and_then(|initial| initial.source.as_ref()) {
            None => Err(Error::Model("initial_model is missing: send canonical bytes, zero or uniform".into())),
            Some(Source::Inline(bytes)) => {
                let model = Model::decode(bytes).map_err(|error| Error::Model(error.to_string()))?;
                if model.spec() != &self.spec {
                    return Err(Error::Model("the tensors of the initial model are not those of the settings".into()));
                }
                Ok(FirstModel::Given(model))
            }
            Some(Source::Zero(_)) => Ok(FirstModel::Made(Initialisation::Zeros)),
            Some(Source::Uniform(uniform)) => {
                let seed = uniform.seed[..]
                    .try_into()
                    .map_err(|_| Error::Model(format!("the seed must have 32 bytes, found {}", uniform.seed.len())))?;
                let bounds = uniform.bounds.iter().map(|&bound| Fixed::from_bits(bound)).collect();
                Ok(FirstModel::Made(Initialisation::Uniform { seed, bounds }))
            }
        }
    }

    /// Why a chain with these parameters refuses the settings; empty if it does not. The budget is judged by [`crate::cost`].
    pub fn refusals(&self, params: &pb::Params) -> Vec<Error> {
        let mut refusals = Vec::new();
        self.refuse_numbers(params, &mut refusals);
        self.refuse_description(&mut refusals);
        self.refuse_encoding(&mut refusals);
        self.refuse_cohort(&mut refusals);
        refusals.extend(self.refused_combination());
        refusals.extend(scoring::refusals(self, params));
        self.refuse_windows(params, &mut refusals);
        refusals
    }

    fn refuse_numbers(&self, params: &pb::Params, refusals: &mut Vec<Error>) {
        let mut refuse = |what: String| refusals.push(Error::Settings(what));
        match (self.settings.level(), self.model_provider) {
            (pb::Level::Open, None) => {}
            (pb::Level::Open, Some(_)) => refuse("model_provider is for tasks whose model is encrypted".into()),
            (pb::Level::Cohort, Some(owed)) => {
                if owed.bond == 0 {
                    refuse("model_provider.bond must be above 0: nothing else stands for the models it owes".into());
                }
                if owed.window < params.min_window || owed.window > params.max_window {
                    let (least, most) = (params.min_window, params.max_window);
                    refuse(format!("model_provider.window must be {least} to {most} blocks"));
                }
                if self.scoring.is_some() || self.blame.is_some() {
                    refuse("the chain cannot score or blame what it cannot read: leave scoring and blame out".into());
                }
            }
            (pb::Level::Cohort, None) => refuse("model_provider is missing: its bond and its window".into()),
            _ => refuse("level must be LEVEL_OPEN or LEVEL_COHORT; sealed tasks are not offered yet".into()),
        }
        if self.settings.rounds == 0 || self.settings.rounds > params.max_rounds {
            refuse(format!("rounds must be 1 to {}", params.max_rounds));
        }
        if self.settings.max_idle_epochs == 0 || self.settings.max_idle_epochs > MAX_IDLE_EPOCHS {
            refuse(format!("max_idle_epochs must be 1 to {MAX_IDLE_EPOCHS}"));
        }
        if self.elements > params.max_elements {
            refuse(format!(
                "the model has {} elements, this chain takes {} at most",
                self.elements, params.max_elements
            ));
        }
        if let Err(error) = self.optimiser.check() {
            refuse(format!("optimiser: {error}"));
        }
        let least = amount("", &params.min_gas_price).unwrap_or(0);
        if self.gas_price < least {
            refuse(format!("rewards.gas_price must be at least {least}"));
        }
    }

    fn refuse_description(&self, refusals: &mut Vec<Error>) {
        let mut refuse = |what: String| refusals.push(Error::Settings(what));
        let size = prost::Message::encoded_len(&self.settings);
        if size > MAX_SETTINGS {
            refuse(format!("settings have {size} bytes, {MAX_SETTINGS} are accepted"));
        }
        let metadata = self.settings.metadata.clone().unwrap_or_default();
        if metadata.name.len() > 128 || metadata.description.len() > 4096 || metadata.uri.len() > 256 {
            refuse("metadata: name, description and uri have at most 128, 4,096 and 256 bytes".into());
        }
        let data = self.settings.data.clone().unwrap_or_default();
        let features = data.features as usize;
        if features == 0 {
            refuse("data.features must be at least 1".into());
        }
        for (name, count, of) in [
            ("feature_names", data.feature_names.len(), features),
            ("scaling", data.scaling.len(), features),
            ("class_names", data.class_names.len(), data.classes as usize),
        ] {
            if count != 0 && count != of {
                refuse(format!("data.{name} has {count} entries; give none or {of}"));
            }
        }
        let model = self.settings.model.clone().unwrap_or_default();
        let custom = model.kind() == pb::ModelKind::Custom;
        if model.kind() == pb::ModelKind::Unspecified {
            refuse("model.kind must be softmax, mlp or custom".into());
        }
        if (model.kind() == pb::ModelKind::Mlp) != (model.hidden > 0) {
            refuse("model.hidden must be given for mlp and only there".into());
        }
        let trainer = self.settings.trainer.unwrap_or_default();
        if !custom
            && (data.classes < 2 || trainer.local_epochs == 0 || trainer.batch_size == 0 || trainer.learning_rate == 0)
        {
            refuse(
                "the built-in trainers need at least 2 classes, and local_epochs, batch_size and learning_rate above 0"
                    .into(),
            );
        }
    }

    fn refuse_encoding(&self, refusals: &mut Vec<Error>) {
        match self.encoding.check_ring(self.bits(), u64::from(self.largest_group().max(1))) {
            Ok(()) => {}
            Err(error @ EncodingError::Headroom { .. }) => refusals.push(Error::RingOverflow(error.to_string())),
            Err(error) => refusals.push(Error::Settings(format!("encoding: {error}"))),
        }
        let encoding = self.settings.encoding.unwrap_or_default();
        if encoding.rows_per_weight == 0 {
            refusals.push(Error::Settings("encoding.rows_per_weight must be at least 1".into()));
        }
        if self.layout.chunks() > MAX_CHUNKS {
            refusals.push(Error::Settings(format!(
                "encoding.chunk_elems cuts the vector into {} chunks; a header names {MAX_CHUNKS} at most, so choose larger ones",
                self.layout.chunks()
            )));
        }
        if !matches!(encoding.metrics, 0 | METRICS) {
            refusals.push(Error::Settings(format!("encoding.metrics must be 0, or {METRICS} for loss and hits")));
        }
    }

    fn refuse_cohort(&self, refusals: &mut Vec<Error>) {
        let cohort = &self.cohort;
        let (g, least) = (cohort.group_size, cohort.min_group);
        let three_quarters = (u64::from(g) * 3).div_ceil(4);
        if least < MIN_GROUP || u64::from(least) < three_quarters {
            refusals.push(Error::GroupTooSmall(format!(
                "min_group {least} must be at least {MIN_GROUP} and at least ceil(3/4 of group_size {g}) = {three_quarters}"
            )));
        }
        if least > g {
            refusals.push(Error::Settings(format!("min_group {least} is above group_size {g}")));
        }
        if cohort.min_providers < MIN_GROUP || cohort.min_providers < g {
            refusals.push(Error::GroupTooSmall(format!(
                "min_providers {} must be at least {MIN_GROUP} and at least group_size {g}",
                cohort.min_providers
            )));
        }
        for (name, share) in Declared::of(cohort).named() {
            if share >= MILLION {
                refusals
                    .push(Error::Settings(format!("cohort.{name} is {share} millionths; it must be below {MILLION}")));
            }
        }
        if cohort.max_providers < cohort.min_providers || cohort.max_providers > MAX_PROVIDERS {
            refusals.push(Error::Settings(format!(
                "max_providers {} must be at least min_providers {} and at most {MAX_PROVIDERS}",
                cohort.max_providers, cohort.min_providers
            )));
        } else if let Some(refusal) = (cohort.min_providers.max(MIN_GROUP)..=cohort.max_providers.min(MAX_SEATS))
            .find_map(|n| self.check_seats(n, n).err())
        {
            refusals.push(Error::Settings(format!("cohort.corrupt_heads: {refusal}")));
        }
    }

    /// Whether the rule's parameters fit every number of groups with which an epoch can begin.
    fn refused_combination(&self) -> Option<Error> {
        if let Err(error) = self.rule.check() {
            return Some(Error::Settings(format!("combination: {error}")));
        }
        let (g, cohort) = (self.cohort.group_size, &self.cohort);
        let bounds = [("min_providers", cohort.min_providers), ("max_providers", cohort.max_providers)];
        bounds.into_iter().find_map(|(bound, n)| {
            let groups = self.groups_of(n);
            let error = self.rule.check_groups(groups as usize).err()?;
            let right = match &error {
                CombineError::TooFewGroups { needed, .. } => {
                    format!("; raise min_providers to {}, or let the rule bear less", needed.saturating_mul(g.into()))
                }
                _ => String::new(),
            };
            Some(Error::Settings(format!(
                "combination: {error}, which is what {bound} {n} make with group_size {g}{right}"
            )))
        })
    }

    fn refuse_windows(&self, params: &pb::Params, refusals: &mut Vec<Error>) {
        let windows = &self.windows;
        let blame = self.blame.map(|length| ("blame.window".to_owned(), length));
        let named = [
            ("enrol", windows.enrol),
            ("deal", windows.deal),
            ("complain", windows.complain),
            ("check_in", windows.check_in),
            ("submit", windows.submit),
            ("unmask", windows.unmask),
            ("evidence", windows.evidence),
        ];
        let named = named.into_iter().map(|(name, length)| (format!("windows.{name}"), length));
        for (name, length) in named.chain(blame) {
            if length < params.min_window || length > params.max_window {
                refusals.push(Error::Settings(format!(
                    "{name} is {length} blocks; this chain takes {} to {}",
                    params.min_window, params.max_window
                )));
            }
        }
        let least = windows.enrol.saturating_add(windows.unmask).saturating_add(params.min_window);
        if self.cohort.max_providers > MAX_SEATS && windows.evidence < least {
            refusals.push(Error::Settings(format!(
                "windows.evidence is {} blocks; above {MAX_SEATS} providers the seats of an epoch draw those of the next, and must still be \
                 there when it has enrolled: at least enrol and unmask and {} blocks more, {least}",
                windows.evidence, params.min_window
            )));
        }
        let n = self.cohort.max_providers.min(MAX_PROVIDERS);
        let partial = cost::partial_bytes(cost::asked_at_most(self));
        if partial > MAX_MESSAGE {
            refusals.push(Error::Settings(format!(
                "a seat may have to answer with {partial} bytes, {MAX_MESSAGE} fit in a transaction; let fewer providers enrol, or raise \
                 min_group"
            )));
        }
        let (m, t) = cost::committee(n);
        let (numbers, edges) = match self.blame {
            Some(_) => blame::cost::bytes(self, n),
            None => (0, 0),
        };
        let n = u64::from(n);
        for (window, bytes, blocks) in [
            ("deal", n.saturating_mul(cost::deal_bytes(m, t)), windows.deal),
            ("check_in", n.saturating_mul(cost::check_in_bytes()), windows.check_in),
            ("submit", self.round_bytes(), windows.submit),
            ("unmask", m.saturating_mul(partial.max(edges)), windows.unmask),
            ("blame", numbers, self.blame.unwrap_or(0)),
        ] {
            let needed = bytes.div_ceil(params.lane_bytes.max(1));
            if needed > u64::from(blocks) {
                refusals.push(Error::WindowTooShort { bytes, needed, lane: params.lane_bytes, window, blocks });
            }
        }
    }

    /// Bytes of submissions in a round at most: `n (d + metrics) bits / 8`, with the padding of chunks, headers and envelopes.
    pub fn round_bytes(&self) -> u64 {
        cost::submission_bytes(&self.layout).saturating_mul(u64::from(self.cohort.max_providers))
    }
}

/// Members of a group at most, where at most `n` dealers are cut into groups of `g` to `2g - 1`.
pub fn largest_group(n: u32, g: u32) -> u32 {
    n.min(g.saturating_mul(2).saturating_sub(1))
}

fn model_spec(model: &pb::ModelSpec) -> Result<ModelSpec, Error> {
    let tensors = model
        .tensors
        .iter()
        .map(|tensor| {
            TensorSpec::new(tensor.name.clone(), tensor.shape.iter().map(|&n| u64::from(n)).collect::<Vec<_>>())
        })
        .collect();
    ModelSpec::new(tensors).map_err(|error| Error::Settings(format!("model: {error}")))
}

fn combination(combination: &pb::Combination) -> Result<Combination, Error> {
    use pb::CombinationKind as Kind;
    let pb::Combination { kind, trim, hostile, selected, norm } = *combination;
    let rule = match Kind::try_from(kind) {
        Ok(Kind::Unspecified | Kind::Mean) => Combination::Mean,
        Ok(Kind::Median) => Combination::Median,
        Ok(Kind::TrimmedMean) => Combination::TrimmedMean { trim },
        Ok(Kind::MultiKrum) => Combination::MultiKrum { hostile, selected },
        Ok(Kind::ClippedMean) => Combination::ClippedMean { norm: q32("combination.norm", norm)? },
        Err(_) => {
            return Err(Error::Settings(
                "combination.kind must be mean, median, trimmed_mean, multi_krum or clipped_mean".into(),
            ))
        }
    };
    let multi_krum = matches!(rule, Combination::MultiKrum { .. });
    for (name, is_given, is_its) in [
        ("trim", trim > 0, matches!(rule, Combination::TrimmedMean { .. })),
        ("hostile", hostile > 0, multi_krum),
        ("selected", selected > 0, multi_krum),
        ("norm", norm > 0, matches!(rule, Combination::ClippedMean { .. })),
    ] {
        if is_given && !is_its {
            return Err(Error::Settings(format!(
                "combination.{name} is not a parameter of {}; leave it out, or choose the rule that has it",
                rule.name()
            )));
        }
    }
    Ok(rule)
}

fn optimiser(optimiser: &pb::Optimiser) -> Result<Optimiser, Error> {
    let learning_rate = q32("optimiser.learning_rate", optimiser.learning_rate)?;
    let beta1 = q32("optimiser.beta1", optimiser.beta1)?;
    match optimiser.kind() {
        pb::OptimiserKind::Fedavg => Ok(Optimiser::FedAvg { learning_rate }),
        pb::OptimiserKind::Fedavgm => Ok(Optimiser::FedAvgM { learning_rate, momentum: beta1 }),
        pb::OptimiserKind::Fedadam => Ok(Optimiser::FedAdam {
            learning_rate,
            beta1,
            beta2: q32("optimiser.beta2", optimiser.beta2)?,
            tau: q32("optimiser.tau", optimiser.tau)?,
        }),
        pb::OptimiserKind::Unspecified => {
            Err(Error::Settings("optimiser.kind must be fedavg, fedavgm or fedadam".into()))
        }
    }
}
