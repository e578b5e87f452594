//! A task's settings as trainers read them, and the other way round.

use bauta_learning::data::{DataSpec, Scaling};
use bauta_learning::fixed::Fixed;
use bauta_learning::trainers::{Network, TaskFile, TrainerConfig};
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;

/// Settings that no trainer can follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the task's settings cannot be followed: {0}")]
pub struct Unusable(pub String);

/// What `task.json` says, out of a task's settings.
///
/// # Errors
/// [`Unusable`] with the field at fault.
pub fn task_file(chain_id: &str, task: u64, terms: &Terms) -> Result<TaskFile, Unusable> {
    Ok(TaskFile {
        chain_id: chain_id.to_owned(),
        task,
        tensors: TaskFile::entries(&terms.spec),
        clip: terms.encoding.clip,
        trainer: trainer_config(&terms.settings)?,
        data: data_spec(terms.settings.data.as_ref())?,
    })
}

/// What a row is.
///
/// # Errors
/// [`Unusable`].
pub fn data_spec(data: Option<&pb::DataSpec>) -> Result<DataSpec, Unusable> {
    let data = data.ok_or_else(|| Unusable("data is missing".to_owned()))?;
    let scaling = data
        .scaling
        .iter()
        .map(|scaling| Scaling { offset: Fixed::from_bits(scaling.offset), factor: Fixed::from_bits(scaling.factor) });
    Ok(DataSpec {
        features: usize::try_from(data.features).map_err(|_| Unusable("data.features is too large".to_owned()))?,
        classes: data.classes,
        feature_names: data.feature_names.clone(),
        scaling: scaling.collect(),
        class_names: data.class_names.clone(),
    })
}

/// What the built-in trainers do.
fn trainer_config(settings: &pb::TaskSettings) -> Result<TrainerConfig, Unusable> {
    let model = settings.model.as_ref().ok_or_else(|| Unusable("model is missing".to_owned()))?;
    let hints = settings.trainer.unwrap_or_default();
    Ok(TrainerConfig {
        network: match model.kind() {
            pb::ModelKind::Softmax => Network::Softmax,
            pb::ModelKind::Mlp => Network::Mlp { hidden: model.hidden },
            pb::ModelKind::Custom | pb::ModelKind::Unspecified => Network::Custom,
        },
        local_epochs: hints.local_epochs,
        batch_size: hints.batch_size,
        learning_rate: fixed("trainer.learning_rate", hints.learning_rate)?,
        weight_decay: fixed("trainer.weight_decay", hints.weight_decay)?,
    })
}

fn fixed(field: &str, value: u64) -> Result<Fixed, Unusable> {
    i64::try_from(value).map(Fixed::from_bits).map_err(|_| Unusable(format!("{field} is too large")))
}

/// What a row is, as it stands in settings.
#[must_use]
pub fn data_settings(spec: &DataSpec) -> pb::DataSpec {
    let scaling = spec
        .scaling
        .iter()
        .map(|scaling| pb::Scaling { offset: scaling.offset.to_bits(), factor: scaling.factor.to_bits() });
    pb::DataSpec {
        features: u32::try_from(spec.features).unwrap_or(u32::MAX),
        classes: spec.classes,
        feature_names: spec.feature_names.clone(),
        scaling: scaling.collect(),
        class_names: spec.class_names.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bauta_learning::data::Embedded;

    #[test]
    fn a_declaration_of_data_survives_the_way_through_settings() {
        for dataset in [Embedded::Digits, Embedded::BreastCancer] {
            let spec = dataset.spec();
            assert_eq!(data_spec(Some(&data_settings(&spec))).unwrap(), spec);
        }
    }
}
