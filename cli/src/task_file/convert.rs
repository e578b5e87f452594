//! A task's file and the chain's settings, each from the other.

use bauta_client::training::data_settings;
use bauta_learning::data::{self, DataSpec};
use bauta_learning::encode::{self, metrics::METRICS};
use bauta_learning::fixed::{Fixed, FRACTION_BITS};
use bauta_learning::model::{Initialisation, ModelSpec, TensorSpec};
use bauta_learning::trainers::{Network, Tensors};
use bauta_schema::training::v1 as pb;
use bauta_secagg::ring::{Layout, Pow2, Ring};

use super::{
    scoring, Amount, Cohort, Combination, Data, Decimal, Encoding, Initial, Invalid, Kind, Level, Model, Optimiser,
    Rewards, Scaling, TaskFile, Tensor, Trainer, Windows,
};

/// Beyond 24 bits a float has nothing more to say.
const FINEST_SCALE_BITS: u32 = 24;
/// Most bytes of an initial model's file.
const MAX_MODEL_FILE: u64 = 64 << 20;

fn invalid<E: std::fmt::Display>(field: &'static str) -> impl Fn(E) -> Invalid {
    move |error| Invalid(format!("{field}: {error}"))
}

/// A number that must not be negative, in units of 2^-32.
fn unsigned(field: &str, value: Decimal) -> Result<u64, Invalid> {
    u64::try_from(value.0.to_bits()).map_err(|_| Invalid(format!("{field} is {}; it must not be negative", value.0)))
}

impl TaskFile {
    /// The settings that the chain is given.
    ///
    /// # Errors
    /// [`Invalid`] with the field at fault. Whether a chain takes the settings is for `bauta_rounds` to say.
    pub fn settings(&self) -> Result<pb::TaskSettings, Invalid> {
        let spec = self.model_spec()?;
        Ok(pb::TaskSettings {
            metadata: Some(pb::Metadata {
                name: self.name.clone(),
                description: self.description.clone(),
                uri: self.uri.clone(),
            }),
            level: match self.level {
                Level::Open => pb::Level::Open,
                Level::Cohort => pb::Level::Cohort,
                Level::Sealed => pb::Level::Sealed,
            }
            .into(),
            model: Some(self.model_settings(&spec)?),
            data: Some(data_settings(&self.data_spec()?)),
            trainer: self.trainer.map(trainer_settings).transpose()?,
            encoding: Some(self.encoding_settings(&spec)?),
            optimiser: Some(optimiser_settings(&self.optimiser)?),
            cohort: Some(pb::Cohort {
                min_providers: self.cohort.min_providers,
                max_providers: self.cohort.max_providers,
                group_size: self.cohort.group_size,
                min_group: self.cohort.min_group,
                corrupt_heads: self.cohort.corrupt_heads,
                corrupt_bond_ppm: self.cohort.corrupt_bond_ppm,
                offline_seats_ppm: self.cohort.offline_seats_ppm,
                corrupt_heads_ppm: self.cohort.corrupt_heads_ppm,
                min_bond: self.cohort.min_bond.to_string(),
                issuer: self.cohort.issuer.clone().unwrap_or_default(),
            }),
            windows: Some(pb::Windows {
                enrol: self.windows.enrol,
                deal: self.windows.deal,
                complain: self.windows.complain,
                check_in: self.windows.check_in,
                submit: self.windows.submit,
                unmask: self.windows.unmask,
                evidence: self.windows.evidence,
            }),
            rewards: Some(pb::Rewards {
                per_update: self.rewards.per_update.to_string(),
                per_partial: self.rewards.per_partial.to_string(),
                gas_price: self.rewards.gas_price.to_string(),
            }),
            rounds: self.rounds,
            max_idle_epochs: self.max_idle_epochs,
            combination: combination_settings(self.combination)?,
            scoring: self.scoring_settings()?,
            model_provider: None,
            blame: self.windows.blame.map(|window| pb::Blame { window }),
        })
    }

    /// Where the model begins.
    ///
    /// # Errors
    /// [`Invalid`] when a seed, a bound or a file is wrong.
    pub fn initial_model(&self) -> Result<pb::InitialModel, Invalid> {
        use pb::initial_model::Source;
        let initial = self.initial.as_ref().ok_or_else(|| {
            Invalid(
                "[initial] is missing: write how the model begins, kind = \"zero\", \"uniform\" or \"file\"".to_owned(),
            )
        })?;
        let source = match initial {
            Initial::Zero {} => Source::Zero(pb::ZeroInit {}),
            Initial::Uniform { seed, bounds } => {
                let seed: [u8; 32] = hex::decode(seed)
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
                    .ok_or_else(|| Invalid("initial.seed must be 64 hexadecimal digits".to_owned()))?;
                let bounds = match (bounds, self.network()?) {
                    (Some(bounds), _) => bounds.iter().map(|bound| bound.0.to_bits()).collect(),
                    (None, network @ Network::Mlp { .. }) => self.usual_bounds(network, seed),
                    (None, _) => {
                        return Err(Invalid("initial.bounds is missing: give one number for each tensor".to_owned()));
                    }
                };
                Source::Uniform(pb::UniformInit { seed: seed.to_vec(), bounds })
            }
            Initial::File { file } => {
                let path = self.folder.join(file);
                let wrong =
                    |error: &dyn std::fmt::Display| Invalid(format!("initial.file {}: {error}", path.display()));
                let bytes = bauta_client::disk::read_limited(&path, MAX_MODEL_FILE).map_err(|error| wrong(&error))?;
                let tensors = Tensors::from_safetensors(&self.model_spec()?, &bytes).map_err(|error| wrong(&error))?;
                Source::Inline(tensors.to_model().map_err(|error| wrong(&error))?.encode())
            }
        };
        Ok(pb::InitialModel { source: Some(source) })
    }

    fn usual_bounds(&self, network: Network, seed: [u8; 32]) -> Vec<i64> {
        match network.initialisation(self.data.features as usize, self.data.classes, seed) {
            Initialisation::Uniform { bounds, .. } => bounds.iter().map(|bound| bound.to_bits()).collect(),
            Initialisation::Zeros => Vec::new(),
        }
    }

    fn network(&self) -> Result<Network, Invalid> {
        match (self.model.kind, self.model.hidden) {
            (Kind::Softmax, None) => Ok(Network::Softmax),
            (Kind::Mlp, Some(hidden @ 1..)) => Ok(Network::Mlp { hidden }),
            (Kind::Custom, None) => Ok(Network::Custom),
            (Kind::Mlp, _) => {
                Err(Invalid("model.hidden is missing: the units of the hidden layer, above 0".to_owned()))
            }
            (_, Some(_)) => Err(Invalid("model.hidden is for the kind mlp only; leave it out".to_owned())),
        }
    }

    fn model_spec(&self) -> Result<ModelSpec, Invalid> {
        let network = self.network()?;
        match (&self.model.tensors, network) {
            (Some(tensors), Network::Custom) => {
                let tensors = tensors.iter().map(|tensor| {
                    let shape: Vec<u64> = tensor.shape.iter().map(|&length| length.into()).collect();
                    TensorSpec::new(tensor.name.clone(), shape)
                });
                ModelSpec::new(tensors.collect()).map_err(invalid("model.tensors"))
            }
            (None, Network::Custom) => {
                Err(Invalid("model.tensors is missing: a custom model names its tensors".to_owned()))
            }
            (Some(_), _) => Err(Invalid("model.tensors is for the kind custom only; leave it out".to_owned())),
            (None, network) => {
                network.model_spec(self.data.features as usize, self.data.classes).map_err(invalid("model"))
            }
        }
    }

    fn model_settings(&self, spec: &ModelSpec) -> Result<pb::ModelSpec, Invalid> {
        let tensors = spec.tensors().iter().map(|tensor| {
            let shape = tensor.shape().iter().map(|&length| u32::try_from(length)).collect::<Result<_, _>>();
            let shape = shape.map_err(|_| Invalid(format!("the tensor {} is too long", tensor.name())))?;
            Ok(pb::Tensor { name: tensor.name().to_owned(), shape })
        });
        Ok(pb::ModelSpec {
            kind: match self.model.kind {
                Kind::Softmax => pb::ModelKind::Softmax,
                Kind::Mlp => pb::ModelKind::Mlp,
                Kind::Custom => pb::ModelKind::Custom,
            }
            .into(),
            tensors: tensors.collect::<Result<_, Invalid>>()?,
            hidden: self.model.hidden.unwrap_or_default(),
        })
    }

    /// What a row is.
    ///
    /// # Errors
    /// [`Invalid`] when it contradicts itself.
    pub fn data_spec(&self) -> Result<DataSpec, Invalid> {
        let Data { features, classes, feature_names, class_names, scaling } = &self.data;
        let features = *features as usize;
        let read = |scaling: &Scaling| data::Scaling { offset: scaling.offset.0, factor: scaling.factor.0 };
        let scaling = match scaling.as_slice() {
            [all] => vec![read(all); features.min(data::MAX_FEATURES)],
            each => each.iter().map(read).collect(),
        };
        let spec = DataSpec {
            features,
            classes: *classes,
            feature_names: feature_names.clone(),
            scaling,
            class_names: class_names.clone(),
        };
        spec.check().map_err(|error| Invalid(error.to_string()))?;
        Ok(spec)
    }

    /// The encoding, with what was left out chosen: the finest unit whose sums fit in the ring, with
    /// `bound = floor(clip 2^scale_bits) + 1`, so that no coordinate of a clipped update is cut.
    fn encoding_settings(&self, spec: &ModelSpec) -> Result<pb::Encoding, Invalid> {
        let Encoding { bits, chunk_elems, clip, scale_bits, bound, max_weight, rows_per_weight, metrics } =
            self.encoding;
        let metrics = if metrics { METRICS } else { 0 };
        let ring = Ring::Pow2(Pow2::new(bits).map_err(invalid("encoding.bits"))?);
        let at = |scale_bits: u32| {
            let mut encoding = encode::Encoding { clip: clip.0, scale_bits, bound: bound.unwrap_or(1), max_weight };
            if bound.is_none() {
                encoding.bound = encoding.clip_units().saturating_add(1);
            }
            encoding
        };
        let cohort = &self.cohort;
        let max_group = u64::from(bauta_rounds::terms::largest_group(cohort.max_providers, cohort.group_size).max(1));
        let chosen = match scale_bits {
            Some(scale_bits) if scale_bits > FRACTION_BITS => {
                return Err(Invalid(format!("encoding.scale_bits is {scale_bits}; it is at most {FRACTION_BITS}")));
            }
            Some(scale_bits) => at(scale_bits),
            None => (0..=FINEST_SCALE_BITS)
                .rev()
                .map(at)
                .find(|encoding| encoding.check_ring(bits, max_group).is_ok())
                .unwrap_or_else(|| at(0)),
        };
        let largest = u64::from(Layout::largest_chunk(ring)).min(spec.elements().saturating_add(metrics.into()).max(1));
        Ok(pb::Encoding {
            bits,
            chunk_elems: chunk_elems.unwrap_or(u32::try_from(largest).unwrap_or(u32::MAX)),
            clip: unsigned("encoding.clip", clip)?,
            scale_bits: chosen.scale_bits,
            bound: chosen.bound,
            max_weight,
            rows_per_weight,
            metrics,
        })
    }

    /// A file that says what settings say. The model's first values are not among them.
    pub fn of_settings(settings: &pb::TaskSettings) -> Self {
        let signed = |bits: i64| Decimal(Fixed::from_bits(bits));
        let number = |bits: u64| signed(i64::try_from(bits).unwrap_or(i64::MAX));
        let amount = |text: &str| Amount(text.parse().unwrap_or_default());
        let metadata = settings.metadata.clone().unwrap_or_default();
        let model = settings.model.clone().unwrap_or_default();
        let data = settings.data.clone().unwrap_or_default();
        let encoding = settings.encoding.unwrap_or_default();
        let optimiser = settings.optimiser.unwrap_or_default();
        let cohort = settings.cohort.clone().unwrap_or_default();
        let windows = settings.windows.unwrap_or_default();
        let rewards = settings.rewards.clone().unwrap_or_default();
        let learning_rate = number(optimiser.learning_rate);
        let (kind, tensors) = match model.kind() {
            pb::ModelKind::Softmax => (Kind::Softmax, None),
            pb::ModelKind::Mlp => (Kind::Mlp, None),
            pb::ModelKind::Custom | pb::ModelKind::Unspecified => {
                let tensor = |tensor: pb::Tensor| Tensor { name: tensor.name, shape: tensor.shape };
                (Kind::Custom, Some(model.tensors.into_iter().map(tensor).collect()))
            }
        };
        let scaling: Vec<Scaling> = data
            .scaling
            .iter()
            .map(|scaling| Scaling { offset: signed(scaling.offset), factor: signed(scaling.factor) })
            .collect();
        let all_same = scaling.windows(2).all(|pair| pair[0] == pair[1]);
        Self {
            name: metadata.name,
            description: metadata.description,
            uri: metadata.uri,
            level: match settings.level() {
                pb::Level::Open | pb::Level::Unspecified => Level::Open,
                pb::Level::Cohort => Level::Cohort,
                pb::Level::Sealed => Level::Sealed,
            },
            rounds: settings.rounds,
            max_idle_epochs: settings.max_idle_epochs,
            model: Model { kind, hidden: (model.hidden > 0).then_some(model.hidden), tensors },
            // Zero is where softmax begins; a network that begins there learns nothing.
            initial: (kind == Kind::Softmax).then_some(Initial::Zero {}),
            data: Data {
                features: data.features,
                classes: data.classes,
                feature_names: data.feature_names,
                class_names: data.class_names,
                scaling: if all_same { scaling.into_iter().take(1).collect() } else { scaling },
            },
            trainer: settings.trainer.map(|trainer| Trainer {
                local_epochs: trainer.local_epochs,
                batch_size: trainer.batch_size,
                learning_rate: number(trainer.learning_rate),
                weight_decay: number(trainer.weight_decay),
            }),
            encoding: Encoding {
                bits: encoding.bits,
                chunk_elems: Some(encoding.chunk_elems),
                clip: number(encoding.clip),
                scale_bits: Some(encoding.scale_bits),
                bound: Some(encoding.bound),
                max_weight: encoding.max_weight,
                rows_per_weight: encoding.rows_per_weight,
                metrics: encoding.metrics > 0,
            },
            optimiser: match optimiser.kind() {
                pb::OptimiserKind::Fedavg | pb::OptimiserKind::Unspecified => Optimiser::Fedavg { learning_rate },
                pb::OptimiserKind::Fedavgm => Optimiser::Fedavgm { learning_rate, momentum: number(optimiser.beta1) },
                pb::OptimiserKind::Fedadam => Optimiser::Fedadam {
                    learning_rate,
                    beta1: number(optimiser.beta1),
                    beta2: number(optimiser.beta2),
                    tau: number(optimiser.tau),
                },
            },
            combination: combination_of(&settings.combination.unwrap_or_default()),
            scoring: settings.scoring.as_ref().map(scoring::of_settings),
            cohort: Cohort {
                min_providers: cohort.min_providers,
                max_providers: cohort.max_providers,
                group_size: cohort.group_size,
                min_group: cohort.min_group,
                corrupt_heads: cohort.corrupt_heads,
                corrupt_bond_ppm: cohort.corrupt_bond_ppm,
                offline_seats_ppm: cohort.offline_seats_ppm,
                corrupt_heads_ppm: cohort.corrupt_heads_ppm,
                min_bond: amount(&cohort.min_bond),
                issuer: (!cohort.issuer.is_empty()).then_some(cohort.issuer),
            },
            windows: Windows {
                enrol: windows.enrol,
                deal: windows.deal,
                complain: windows.complain,
                check_in: windows.check_in,
                submit: windows.submit,
                unmask: windows.unmask,
                evidence: windows.evidence,
                blame: settings.blame.map(|blame| blame.window),
            },
            rewards: Rewards {
                per_update: amount(&rewards.per_update),
                per_partial: amount(&rewards.per_partial),
                gas_price: amount(&rewards.gas_price),
            },
            folder: Default::default(),
        }
    }
}

fn trainer_settings(trainer: Trainer) -> Result<pb::TrainerHints, Invalid> {
    Ok(pb::TrainerHints {
        local_epochs: trainer.local_epochs,
        batch_size: trainer.batch_size,
        learning_rate: unsigned("trainer.learning_rate", trainer.learning_rate)?,
        weight_decay: unsigned("trainer.weight_decay", trainer.weight_decay)?,
    })
}

/// The mean is left out, so that a task with it has the same settings whether or not its file says so.
fn combination_settings(combination: Combination) -> Result<Option<pb::Combination>, Invalid> {
    use pb::CombinationKind as Kind;
    let of = |kind: Kind| pb::Combination { kind: kind.into(), ..Default::default() };
    Ok(match combination {
        Combination::Mean {} => None,
        Combination::Median {} => Some(of(Kind::Median)),
        Combination::TrimmedMean { trim } => Some(pb::Combination { trim, ..of(Kind::TrimmedMean) }),
        Combination::MultiKrum { hostile, selected } => {
            Some(pb::Combination { hostile, selected, ..of(Kind::MultiKrum) })
        }
        Combination::ClippedMean { norm } => {
            Some(pb::Combination { norm: unsigned("combination.norm", norm)?, ..of(Kind::ClippedMean) })
        }
    })
}

fn combination_of(settings: &pb::Combination) -> Combination {
    let pb::Combination { trim, hostile, selected, norm, .. } = *settings;
    match settings.kind() {
        pb::CombinationKind::Unspecified | pb::CombinationKind::Mean => Combination::Mean {},
        pb::CombinationKind::Median => Combination::Median {},
        pb::CombinationKind::TrimmedMean => Combination::TrimmedMean { trim },
        pb::CombinationKind::MultiKrum => Combination::MultiKrum { hostile, selected },
        pb::CombinationKind::ClippedMean => {
            Combination::ClippedMean { norm: Decimal(Fixed::from_bits(i64::try_from(norm).unwrap_or(i64::MAX))) }
        }
    }
}

fn optimiser_settings(optimiser: &Optimiser) -> Result<pb::Optimiser, Invalid> {
    let rate = |rate: &Decimal| unsigned("optimiser.learning_rate", *rate);
    Ok(match optimiser {
        Optimiser::Fedavg { learning_rate } => pb::Optimiser {
            kind: pb::OptimiserKind::Fedavg.into(),
            learning_rate: rate(learning_rate)?,
            ..Default::default()
        },
        Optimiser::Fedavgm { learning_rate, momentum } => pb::Optimiser {
            kind: pb::OptimiserKind::Fedavgm.into(),
            learning_rate: rate(learning_rate)?,
            beta1: unsigned("optimiser.momentum", *momentum)?,
            ..Default::default()
        },
        Optimiser::Fedadam { learning_rate, beta1, beta2, tau } => pb::Optimiser {
            kind: pb::OptimiserKind::Fedadam.into(),
            learning_rate: rate(learning_rate)?,
            beta1: unsigned("optimiser.beta1", *beta1)?,
            beta2: unsigned("optimiser.beta2", *beta2)?,
            tau: unsigned("optimiser.tau", *tau)?,
        },
    })
}
