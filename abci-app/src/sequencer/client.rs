//! A client of the engine in the same process.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{json, Value};
use tendermint_rpc::{Client, Error, Response as _, SimpleRequest};

use super::rpc::RpcError;
use super::Shared;

/// Answers as CometBFT's RPC does: a request becomes JSON, is dispatched by its method, and its answer is read from JSON.
#[derive(Clone)]
pub struct EmbeddedClient {
    shared: Arc<Shared>,
}

impl EmbeddedClient {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Answers a JSON-RPC request with a JSON-RPC response.
    pub async fn call_json(&self, request: &str) -> String {
        let request: Value = match serde_json::from_str(request) {
            Ok(request) => request,
            Err(error) => return envelope(json!(-1), Err(RpcError::parse(&error.to_string()))),
        };
        let id = request.get("id").cloned().unwrap_or_else(|| json!(-1));
        let method = request.get("method").and_then(Value::as_str).unwrap_or_default().to_string();
        let params = request.get("params").cloned().unwrap_or(Value::Null);
        let answer = if method == "broadcast_tx_commit" {
            self.shared.broadcast_and_wait(&params).await
        } else {
            let shared = Arc::clone(&self.shared);
            off_the_reactor(move || shared.answer(&method, &params)).await
        };
        envelope(id, answer)
    }
}

/// The application computes, so it is kept off the threads that wait for others.
async fn off_the_reactor<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RpcError> + Send + 'static,
) -> Result<T, RpcError> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime
            .spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(RpcError::internal("the answer's computation panicked"))),
        Err(_) => work(),
    }
}

fn envelope(id: Value, answer: Result<Value, RpcError>) -> String {
    let response = match answer {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": { "code": error.code, "message": error.message, "data": error.data },
        }),
    };
    response.to_string()
}

#[async_trait]
impl Client for EmbeddedClient {
    async fn perform<R>(&self, request: R) -> Result<R::Output, Error>
    where
        R: SimpleRequest,
    {
        let answer = self.call_json(&request.into_json()).await;
        R::Response::from_string(answer).map(Into::into)
    }
}
