//! Messages of wasmd's protobuf that cosmos-sdk-proto 0.27 does not have yet (proto/cosmwasm/wasm/v1/query.proto).

use cosmos_sdk_proto::cosmwasm::wasm::v1::AccessConfig;

/// Asks what a code is, without its bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryCodeInfoRequest {
    /// Its id.
    #[prost(uint64, tag = "1")]
    pub code_id: u64,
}

/// What a code is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryCodeInfoResponse {
    /// Its id.
    #[prost(uint64, tag = "1")]
    pub code_id: u64,
    /// Who stored it.
    #[prost(string, tag = "2")]
    pub creator: String,
    /// SHA-256 of its bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub checksum: Vec<u8>,
    /// Who may make contracts of it.
    #[prost(message, optional, tag = "4")]
    pub instantiate_permission: Option<AccessConfig>,
}
