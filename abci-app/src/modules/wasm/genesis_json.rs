//! The genesis in JSON, in wasmd's shape: numbers of 64 bits are strings, bytes are base64, keys of state hexadecimal.

use cosmos_sdk_proto::cosmwasm::wasm::v1 as proto;
use serde::{Deserialize, Serialize};
use serde_json::value::Value;

use super::{access, errors};
use crate::error::Result;
use crate::json_text::{base64_text, decimal, hexadecimal};

/// The module's part of the application's state in a genesis file. What is missing is as on a new chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Genesis {
    /// Who may do what.
    pub params: Params,
    /// Codes with their bytes.
    pub codes: Vec<Code>,
    /// Contracts with their state.
    pub contracts: Vec<Contract>,
    /// The next ids.
    pub sequences: Vec<Sequence>,
}

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// `Everybody`, `Nobody` or `AnyOfAddresses`.
    pub permission: String,
    /// Who, if only some.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// Parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Who may store codes.
    pub code_upload_access: Access,
    /// Who may make contracts of a code that does not say.
    pub instantiate_default_permission: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            code_upload_access: Access { permission: "Everybody".into(), addresses: Vec::new() },
            instantiate_default_permission: "Everybody".into(),
        }
    }
}

/// A code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    #[serde(with = "decimal")]
    code_id: u64,
    code_info: CodeInfo,
    #[serde(with = "base64_text")]
    code_bytes: Vec<u8>,
    #[serde(default)]
    pinned: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeInfo {
    #[serde(with = "base64_text")]
    code_hash: Vec<u8>,
    creator: String,
    instantiate_config: Access,
}

/// A contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    contract_address: String,
    contract_info: ContractInfo,
    contract_state: Vec<Model>,
    contract_code_history: Vec<History>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ContractInfo {
    #[serde(with = "decimal")]
    code_id: u64,
    creator: String,
    #[serde(default)]
    admin: String,
    label: String,
    created: Position,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    #[serde(with = "decimal")]
    block_height: u64,
    #[serde(with = "decimal")]
    tx_index: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    #[serde(with = "hexadecimal")]
    key: Vec<u8>,
    #[serde(with = "base64_text")]
    value: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    operation: String,
    #[serde(with = "decimal")]
    code_id: u64,
    updated: Position,
    msg: Value,
}

/// A sequence of ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    #[serde(with = "base64_text")]
    id_key: Vec<u8>,
    #[serde(with = "decimal")]
    value: u64,
}

impl TryFrom<&Genesis> for proto::GenesisState {
    type Error = crate::error::Error;

    fn try_from(genesis: &Genesis) -> Result<Self> {
        let params = proto::Params {
            code_upload_access: Some((&genesis.params.code_upload_access).try_into()?),
            instantiate_default_permission: kind(&genesis.params.instantiate_default_permission)?.into(),
        };
        let codes: Result<Vec<_>> = genesis.codes.iter().map(TryInto::try_into).collect();
        let contracts: Result<Vec<_>> = genesis.contracts.iter().map(TryInto::try_into).collect();
        let sequence = |each: &Sequence| proto::Sequence { id_key: each.id_key.clone(), value: each.value };
        let sequences = genesis.sequences.iter().map(sequence).collect();
        Ok(Self { params: Some(params), codes: codes?, contracts: contracts?, sequences })
    }
}

fn kind(name: &str) -> Result<proto::AccessType> {
    let unknown = || errors::INVALID_GENESIS.wrap(format!("{name:?} is no permission"));
    access::of_name(name).ok_or_else(unknown)
}

impl TryFrom<&Access> for proto::AccessConfig {
    type Error = crate::error::Error;

    fn try_from(access: &Access) -> Result<Self> {
        Ok(Self { permission: kind(&access.permission)?.into(), addresses: access.addresses.clone() })
    }
}

impl TryFrom<&Code> for proto::Code {
    type Error = crate::error::Error;

    fn try_from(code: &Code) -> Result<Self> {
        let info = proto::CodeInfo {
            code_hash: code.code_info.code_hash.clone(),
            creator: code.code_info.creator.clone(),
            instantiate_config: Some((&code.code_info.instantiate_config).try_into()?),
        };
        let (code_id, code_bytes) = (code.code_id, code.code_bytes.clone());
        Ok(Self { code_id, code_info: Some(info), code_bytes, pinned: code.pinned })
    }
}

impl TryFrom<&Contract> for proto::Contract {
    type Error = crate::error::Error;

    fn try_from(contract: &Contract) -> Result<Self> {
        let info = &contract.contract_info;
        let info = proto::ContractInfo {
            code_id: info.code_id,
            creator: info.creator.clone(),
            admin: info.admin.clone(),
            label: info.label.clone(),
            created: Some((&info.created).into()),
            ..proto::ContractInfo::default()
        };
        let model = |each: &Model| proto::Model { key: each.key.clone(), value: each.value.clone() };
        let history: Result<Vec<_>> = contract.contract_code_history.iter().map(TryInto::try_into).collect();
        Ok(Self {
            contract_address: contract.contract_address.clone(),
            contract_info: Some(info),
            contract_state: contract.contract_state.iter().map(model).collect(),
            contract_code_history: history?,
        })
    }
}

impl TryFrom<&History> for proto::ContractCodeHistoryEntry {
    type Error = crate::error::Error;

    fn try_from(entry: &History) -> Result<Self> {
        let unknown = || errors::INVALID_GENESIS.wrap(format!("{:?} is no operation", entry.operation));
        let operation = proto::ContractCodeHistoryOperationType::from_str_name(&entry.operation);
        Ok(Self {
            operation: operation.ok_or_else(unknown)?.into(),
            code_id: entry.code_id,
            updated: Some((&entry.updated).into()),
            msg: entry.msg.to_string().into_bytes(),
        })
    }
}

impl From<&Position> for proto::AbsoluteTxPosition {
    fn from(position: &Position) -> Self {
        Self { block_height: position.block_height, tx_index: position.tx_index }
    }
}

impl From<proto::GenesisState> for Genesis {
    fn from(state: proto::GenesisState) -> Self {
        let params = state.params.unwrap_or_else(access::default_params);
        let position = |at: Option<proto::AbsoluteTxPosition>| {
            let at = at.unwrap_or_default();
            Position { block_height: at.block_height, tx_index: at.tx_index }
        };
        let code = |code: proto::Code| {
            let info = code.code_info.unwrap_or_default();
            Code {
                code_id: code.code_id,
                code_info: CodeInfo {
                    code_hash: info.code_hash,
                    creator: info.creator,
                    instantiate_config: info.instantiate_config.unwrap_or_default().into(),
                },
                code_bytes: code.code_bytes,
                pinned: code.pinned,
            }
        };
        let history = |entry: proto::ContractCodeHistoryEntry| History {
            operation: entry.operation().as_str_name().into(),
            code_id: entry.code_id,
            updated: position(entry.updated),
            msg: serde_json::from_slice(&entry.msg).unwrap_or_default(),
        };
        let contract = |contract: proto::Contract| {
            let info = contract.contract_info.unwrap_or_default();
            let models = contract.contract_state.into_iter();
            Contract {
                contract_address: contract.contract_address,
                contract_info: ContractInfo {
                    code_id: info.code_id,
                    creator: info.creator,
                    admin: info.admin,
                    label: info.label,
                    created: position(info.created),
                },
                contract_state: models.map(|model| Model { key: model.key, value: model.value }).collect(),
                contract_code_history: contract.contract_code_history.into_iter().map(history).collect(),
            }
        };
        let sequences = state.sequences.into_iter();
        Self {
            params: Params {
                instantiate_default_permission: access::name(params.instantiate_default_permission()).into(),
                code_upload_access: params.code_upload_access.unwrap_or_default().into(),
            },
            codes: state.codes.into_iter().map(code).collect(),
            contracts: state.contracts.into_iter().map(contract).collect(),
            sequences: sequences.map(|each| Sequence { id_key: each.id_key, value: each.value }).collect(),
        }
    }
}

impl From<proto::AccessConfig> for Access {
    fn from(config: proto::AccessConfig) -> Self {
        Self { permission: access::name(config.permission()).into(), addresses: config.addresses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_genesis_is_that_of_a_new_chain() {
        let genesis: Genesis = serde_json::from_str("{}").unwrap();
        let state = proto::GenesisState::try_from(&genesis).unwrap();
        assert_eq!(state, proto::GenesisState { params: Some(access::default_params()), ..Default::default() });
    }

    #[test]
    fn unknown_permissions_and_fields_are_refused() {
        let wrong: Genesis = serde_json::from_str(r#"{"params":{"instantiate_default_permission":"All"}}"#).unwrap();
        assert!(proto::GenesisState::try_from(&wrong).is_err());
        assert!(serde_json::from_str::<Genesis>(r#"{"parameters":{}}"#).is_err());
    }
}
