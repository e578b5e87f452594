//! Queries: answered from what is committed, never waiting for a block.

use std::sync::Arc;

use cosmos_sdk_proto::cosmos::base::abci::v1beta1::{GasInfo, Result as TxResult};
use cosmos_sdk_proto::cosmos::base::node::v1beta1 as node;
use cosmos_sdk_proto::cosmos::base::tendermint::v1beta1 as comet;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as tx;
use prost::Message as _;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};
use tendermint_proto::v0_38::crypto::{ProofOp, ProofOps};

use super::block::APP_VERSION;
use super::{next_block, proto_events, view_of, App};
use crate::context::{BlockInfo, Context, Mode, QueryContext, TxInfo};
use crate::error::{grpc, Error, Result};
use crate::gas::GasMeter;
use crate::modules::pages::malformed;
use crate::params;
use crate::store::{Base as _, Commitment, Snapshot, Store, StoreError, Trees};
use crate::tx::run::{any, run};
use crate::tx::Tx;

impl App {
    /// Answers a query.
    pub fn query(&self, request: &RequestQuery) -> ResponseQuery {
        let snapshot = self.latest();
        let answer = self.answer(&snapshot, request);
        let last = i64::try_from(snapshot.last().height).unwrap_or(i64::MAX);
        // Clients take height zero for an empty answer; before the first block they are told of the genesis as height 1.
        let height = if request.height > 0 { request.height } else { last.max(1) };
        let path: String = request.path.chars().take(200).collect();
        tracing::trace!(path, height, prove = request.prove, "a query");
        match answer {
            Ok(response) => ResponseQuery { height, ..response },
            Err(error) => ResponseQuery {
                code: error.code,
                codespace: error.codespace.into(),
                log: error.log,
                info: error.cause.map(|(codespace, code)| format!("{codespace}/{code}")).unwrap_or_default(),
                height,
                ..Default::default()
            },
        }
    }

    fn answer(&self, snapshot: &Arc<Snapshot>, request: &RequestQuery) -> Result<ResponseQuery> {
        if request.height < 0 {
            return Err(Error::invalid_height("a height is not negative"));
        }
        let path = request.path.strip_prefix('/').unwrap_or(&request.path);
        let mut parts = path.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("store"), Some(name), Some("key"), None) => store(snapshot, name, request),
            (Some("app"), Some("version"), None, None) => Ok(value(APP_VERSION.to_string().into_bytes())),
            (Some("app"), Some("simulate"), None, None) => self.simulate(snapshot, &request.data).map(value),
            (Some(service), Some(method), None, None) => self.grpc(snapshot, service, method, request).map(value),
            _ => {
                let shown: String = request.path.chars().take(200).collect();
                Err(Error::unknown_request(format!("unknown query path: {shown}")))
            }
        }
    }

    fn grpc(&self, snapshot: &Arc<Snapshot>, service: &str, method: &str, request: &RequestQuery) -> Result<Vec<u8>> {
        let last = snapshot.last();
        if request.height > 0 && request.height as u64 != last.height {
            return Err(Error::invalid_request(format!(
                "failed to load state at height {}; this node answers such queries at height {} only",
                request.height, last.height
            )));
        }
        let data = request.data.as_ref();
        match (service, method) {
            ("cosmos.tx.v1beta1.Service", "Simulate") => {
                let request = tx::SimulateRequest::decode(data).map_err(malformed)?;
                self.simulate(snapshot, &tx_bytes(request))
            }
            ("cosmos.base.tendermint.v1beta1.Service", "GetNodeInfo") => Ok(node_info(&last.chain_id).encode_to_vec()),
            ("cosmos.base.node.v1beta1.Service", "Config") => Ok(self.node_config(snapshot)),
            _ => {
                let view = view_of(snapshot);
                let params = params::load(&view);
                let block = BlockInfo { chain_id: last.chain_id.clone(), height: last.height, time_ns: last.time_ns };
                let gas = GasMeter::limited(self.config.query_gas);
                let mut ctx = QueryContext::new(view, gas, block, params.prefix);
                self.modules.query(&mut ctx, &format!("/{service}/{method}"), data)
            }
        }
    }

    /// Runs a transaction on a throw-away view to learn what gas it needs.
    #[allow(deprecated)]
    fn simulate(&self, snapshot: &Arc<Snapshot>, bytes: &[u8]) -> Result<Vec<u8>> {
        let view = view_of(snapshot);
        let params = params::load(&view);
        if bytes.is_empty() {
            return Err(grpc::invalid_argument("empty txBytes is not allowed"));
        }
        let tx = Tx::decode(bytes, &params).map_err(|error| grpc::invalid_argument(error.log))?;
        let mut rules = self.rules(&params, &view);
        rules.simulate_gas = rules.simulate_gas.min(params.max_tx_gas).min(rules.max_block_gas.unwrap_or(u64::MAX));
        let mut ctx = Context::new(
            view,
            GasMeter::limited(0),
            next_block(snapshot),
            Mode::Simulate,
            Some(TxInfo { hash: tx.hash, index: 0 }),
            params.prefix.as_str(),
        );
        let outcome = run(&mut ctx, &rules, &tx);
        let data = outcome.data();
        let responses = outcome.result.map_err(|error| {
            grpc::unknown(format!("{} with gas used: '{}'", error.log, outcome.gas_used)).because(&error)
        })?;
        let result = TxResult {
            data,
            log: String::new(),
            events: proto_events(outcome.events),
            msg_responses: responses.iter().map(any).collect(),
        };
        let gas_info = GasInfo { gas_wanted: outcome.gas_wanted, gas_used: outcome.gas_used };
        Ok(tx::SimulateResponse { gas_info: Some(gas_info), result: Some(result) }.encode_to_vec())
    }

    fn node_config(&self, snapshot: &Arc<Snapshot>) -> Vec<u8> {
        let params = params::load(&view_of(snapshot));
        let price = self.config.min_gas_price.0;
        let (whole, fraction) = (price / 10u128.pow(18), price % 10u128.pow(18));
        node::ConfigResponse {
            minimum_gas_price: format!("{whole}.{fraction:018}{}", params.fee_denom),
            ..Default::default()
        }
        .encode_to_vec()
    }
}

fn value(value: Vec<u8>) -> ResponseQuery {
    ResponseQuery { value: value.into(), ..Default::default() }
}

/// `store/<name>/key`: the value; with `prove`, how it, or its absence, leads to the next header's app hash.
fn store(snapshot: &Snapshot, name: &str, request: &RequestQuery) -> Result<ResponseQuery> {
    let last = snapshot.last();
    let store = Store::named(name).ok_or_else(|| {
        let shown: String = name.chars().take(50).collect();
        Error::unknown_request(format!("no such store: {shown}"))
    })?;
    let key = request.data.to_vec();
    let height = if request.height == 0 { last.height } else { request.height as u64 };
    let at_last = height == last.height;
    if !store.is_committed() && (request.prove || !at_last) {
        return Err(Error::invalid_request("blobs are not in a tree; their SHA-256 is their key"));
    }
    if !request.prove && at_last {
        let found = snapshot.get(store, &key);
        return Ok(ResponseQuery { key: key.into(), value: found.unwrap_or_default().into(), ..Default::default() });
    }
    let proof = Trees::of(snapshot).prove(store, &key, height).map_err(|error| match error {
        StoreError::NotKept { .. } => Error::invalid_request(error.to_string()),
        other => Error::logic(other.to_string()),
    })?;
    let op = |key: Vec<u8>, proof: ics23::CommitmentProof| ProofOp {
        r#type: "ics23:jmt".into(),
        key,
        data: proof.encode_to_vec(),
    };
    let proof_ops = request.prove.then(|| ProofOps {
        ops: vec![op(key.clone(), proof.store), op(store.name().as_bytes().to_vec(), proof.main)],
    });
    Ok(ResponseQuery {
        key: key.into(),
        value: proof.value.unwrap_or_default().into(),
        proof_ops,
        ..Default::default()
    })
}

/// The raw bytes; older clients send the parts instead.
#[allow(deprecated)]
fn tx_bytes(request: tx::SimulateRequest) -> Vec<u8> {
    match request.tx {
        Some(parts) if request.tx_bytes.is_empty() => tx::TxRaw {
            body_bytes: parts.body.unwrap_or_default().encode_to_vec(),
            auth_info_bytes: parts.auth_info.unwrap_or_default().encode_to_vec(),
            signatures: parts.signatures,
        }
        .encode_to_vec(),
        _ => request.tx_bytes,
    }
}

/// What clients ask to learn which chain and which software this is.
fn node_info(chain_id: &str) -> comet::GetNodeInfoResponse {
    let version = env!("CARGO_PKG_VERSION");
    comet::GetNodeInfoResponse {
        default_node_info: Some(cosmos_sdk_proto::tendermint::p2p::DefaultNodeInfo {
            network: chain_id.to_string(),
            version: "0.38.25".into(),
            moniker: "bauta".into(),
            ..Default::default()
        }),
        application_version: Some(comet::VersionInfo {
            name: "bauta".into(),
            app_name: "bautad".into(),
            version: version.into(),
            cosmos_sdk_version: "v0.53.6".into(),
            ..Default::default()
        }),
    }
}
