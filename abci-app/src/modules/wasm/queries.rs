//! Queries of clients (wasmd x/wasm/keeper/querier.go), by their gRPC paths.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    CodeInfo, CodeInfoResponse, ContractCodeHistoryEntry, Model, QueryAllContractStateRequest,
    QueryAllContractStateResponse, QueryBuildAddressRequest, QueryBuildAddressResponse, QueryCodeRequest,
    QueryCodeResponse, QueryCodesRequest, QueryCodesResponse, QueryContractHistoryRequest,
    QueryContractHistoryResponse, QueryContractInfoRequest, QueryContractInfoResponse, QueryContractsByCodeRequest,
    QueryContractsByCodeResponse, QueryContractsByCreatorRequest, QueryContractsByCreatorResponse, QueryParamsRequest,
    QueryParamsResponse, QueryPinnedCodesRequest, QueryPinnedCodesResponse, QueryRawContractStateRequest,
    QueryRawContractStateResponse, QuerySmartContractStateRequest, QuerySmartContractStateResponse,
};
use prost::Message;

use super::pagination::page;
use super::state::{self, Reading};
use super::types::{QueryCodeInfoRequest, QueryCodeInfoResponse};
use super::{addresses, errors, gas, keys, messages, Keeper, QUERY_GAS_LIMIT};
use crate::context::QueryContext;
use crate::error::{Error, Result};
use crate::gas::GasMeter;

macro_rules! queries {
    ($($name:literal $handle:ident;)*) => {
        /// All paths that [`Keeper::query`] answers.
        pub const PATHS: &[&str] = &[$(concat!("/cosmwasm.wasm.v1.Query/", $name)),*];

        impl Keeper {
            /// Answers a query: request and answer in protobuf.
            ///
            /// # Errors
            /// A path that is not the module's, bytes that are no request, and whatever the query finds out.
            pub fn query(&self, ctx: &mut QueryContext, path: &str, request: &[u8]) -> Result<Vec<u8>> {
                match path.strip_prefix("/cosmwasm.wasm.v1.Query/") {
                    $(Some($name) => Ok(self.$handle(ctx, decode(request)?)?.encode_to_vec()),)*
                    _ => Err(Error::unknown_request(format!("unknown query path: {path}: unknown request"))),
                }
            }
        }
    };
}

queries! {
    "ContractInfo" contract_info;
    "ContractHistory" contract_history;
    "ContractsByCode" contracts_by_code;
    "ContractsByCreator" contracts_by_creator;
    "AllContractState" all_contract_state;
    "RawContractState" raw_contract_state;
    "SmartContractState" smart_contract_state;
    "Code" code;
    "Codes" codes;
    "CodeInfo" code_info;
    "PinnedCodes" pinned_codes;
    "Params" query_params;
    "BuildAddress" build_address;
}

fn decode<T: Message + Default>(request: &[u8]) -> Result<T> {
    T::decode(request).map_err(|error| invalid_argument(format!("the request does not decode: {error}")))
}

/// How gRPC's `InvalidArgument` reaches clients.
fn invalid_argument(why: impl std::fmt::Display) -> Error {
    Error::invalid_request(format!("rpc error: code = InvalidArgument desc = {why}"))
}

fn code_id(id: u64) -> Result<u64> {
    if id == 0 {
        return Err(errors::INVALID.wrap("code id"));
    }
    Ok(id)
}

impl Keeper {
    fn contract_info(
        &self,
        ctx: &mut QueryContext,
        request: QueryContractInfoRequest,
    ) -> Result<QueryContractInfoResponse> {
        let contract = addresses::parse(&ctx.prefix, &request.address)?;
        let address = addresses::format(&ctx.prefix, &contract)?;
        let info = ctx.contract(&contract)?.ok_or_else(|| errors::no_such_contract(&address))?;
        Ok(QueryContractInfoResponse { address, contract_info: Some(info) })
    }

    fn contract_history(
        &self,
        ctx: &mut QueryContext,
        request: QueryContractHistoryRequest,
    ) -> Result<QueryContractHistoryResponse> {
        let contract = addresses::parse(&ctx.prefix, &request.address)?;
        let (found, next) = page(&ctx.view, &keys::history(&contract), request.pagination.as_ref())?;
        let entries: Result<Vec<ContractCodeHistoryEntry>> =
            found.iter().map(|(_, value)| state::decode(value)).collect();
        Ok(QueryContractHistoryResponse { entries: entries?, pagination: Some(next) })
    }

    fn contracts_by_code(
        &self,
        ctx: &mut QueryContext,
        request: QueryContractsByCodeRequest,
    ) -> Result<QueryContractsByCodeResponse> {
        let prefix = keys::by_code(code_id(request.code_id)?);
        let (found, next) = page(&ctx.view, &prefix, request.pagination.as_ref())?;
        let contracts: Result<Vec<String>> = found.iter().map(|(key, _)| indexed(ctx, key)).collect();
        Ok(QueryContractsByCodeResponse { contracts: contracts?, pagination: Some(next) })
    }

    fn contracts_by_creator(
        &self,
        ctx: &mut QueryContext,
        request: QueryContractsByCreatorRequest,
    ) -> Result<QueryContractsByCreatorResponse> {
        let creator = addresses::parse(&ctx.prefix, &request.creator_address)?;
        let (found, next) = page(&ctx.view, &keys::by_creator(&creator), request.pagination.as_ref())?;
        let contracts: Result<Vec<String>> = found.iter().map(|(key, _)| indexed(ctx, key)).collect();
        Ok(QueryContractsByCreatorResponse { contract_addresses: contracts?, pagination: Some(next) })
    }

    fn all_contract_state(
        &self,
        ctx: &mut QueryContext,
        request: QueryAllContractStateRequest,
    ) -> Result<QueryAllContractStateResponse> {
        let contract = existing(ctx, &request.address)?;
        let (found, next) = page(&ctx.view, &keys::state(&contract), request.pagination.as_ref())?;
        let models = found.into_iter().map(|(key, value)| Model { key, value }).collect();
        Ok(QueryAllContractStateResponse { models, pagination: Some(next) })
    }

    fn raw_contract_state(
        &self,
        ctx: &mut QueryContext,
        request: QueryRawContractStateRequest,
    ) -> Result<QueryRawContractStateResponse> {
        let contract = existing(ctx, &request.address)?;
        let key = [keys::state(&contract), request.query_data].concat();
        Ok(QueryRawContractStateResponse { data: ctx.read(&key)?.unwrap_or_default() })
    }

    fn smart_contract_state(
        &self,
        ctx: &mut QueryContext,
        request: QuerySmartContractStateRequest,
    ) -> Result<QuerySmartContractStateResponse> {
        messages::check_json(&request.query_data).map_err(|_| invalid_argument("invalid query data"))?;
        let contract = addresses::parse(&ctx.prefix, &request.address)?;
        let limit = QUERY_GAS_LIMIT.min(ctx.gas.remaining());
        let outer = std::mem::replace(&mut ctx.gas, GasMeter::limited(limit));
        let answer = self.query_smart(ctx, &contract, &request.query_data);
        let inner = std::mem::replace(&mut ctx.gas, outer);
        ctx.gas.consume(inner.consumed().min(limit), "smart query")?;
        Ok(QuerySmartContractStateResponse { data: answer? })
    }

    fn code(&self, ctx: &mut QueryContext, request: QueryCodeRequest) -> Result<QueryCodeResponse> {
        let id = code_id(request.code_id)?;
        let code = Reading::code(ctx, id)?.ok_or_else(|| errors::no_such_code(id))?;
        let data = self.vm().wasm(&state::checksum_of(&code)?);
        let data = data.map_err(|error| Error::logic(format!("loading wasm code: {error}")))?;
        Ok(QueryCodeResponse { code_info: Some(listed(id, code)), data })
    }

    fn codes(&self, ctx: &mut QueryContext, request: QueryCodesRequest) -> Result<QueryCodesResponse> {
        let (found, next) = page(&ctx.view, &[keys::CODE], request.pagination.as_ref())?;
        let codes: Result<Vec<CodeInfoResponse>> =
            found.iter().map(|(key, value)| Ok(listed(state::be64(key)?, state::decode(value)?))).collect();
        Ok(QueryCodesResponse { code_infos: codes?, pagination: Some(next) })
    }

    fn code_info(&self, ctx: &mut QueryContext, request: QueryCodeInfoRequest) -> Result<QueryCodeInfoResponse> {
        let id = code_id(request.code_id)?;
        let code = Reading::code(ctx, id)?.ok_or_else(|| errors::no_such_code(id))?;
        Ok(QueryCodeInfoResponse {
            code_id: id,
            creator: code.creator,
            checksum: code.code_hash,
            instantiate_permission: code.instantiate_config,
        })
    }

    fn pinned_codes(
        &self,
        ctx: &mut QueryContext,
        request: QueryPinnedCodesRequest,
    ) -> Result<QueryPinnedCodesResponse> {
        let (found, next) = page(&ctx.view, &[keys::PINNED], request.pagination.as_ref())?;
        let ids: Result<Vec<u64>> = found.iter().map(|(key, _)| state::be64(key)).collect();
        Ok(QueryPinnedCodesResponse { code_ids: ids?, pagination: Some(next) })
    }

    fn query_params(&self, ctx: &mut QueryContext, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(Reading::params(ctx)?) })
    }

    fn build_address(
        &self,
        ctx: &mut QueryContext,
        request: QueryBuildAddressRequest,
    ) -> Result<QueryBuildAddressResponse> {
        ctx.gas.consume(gas::BUILD_ADDRESS, "build address")?;
        let hash =
            hex::decode(&request.code_hash).map_err(|error| invalid_argument(format!("invalid code hash: {error}")))?;
        let hash = hash.as_slice().try_into().map_err(|_| invalid_argument("a code hash has 32 bytes"))?;
        let creator = addresses::parse(&ctx.prefix, &request.creator_address)
            .map_err(|error| errors::wrapped(error, "invalid creator address"))?;
        let salt = hex::decode(&request.salt).map_err(|error| invalid_argument(format!("invalid salt: {error}")))?;
        if salt.is_empty() {
            return Err(invalid_argument("empty salt"));
        }
        if !request.init_args.is_empty() {
            messages::check_json(&request.init_args)?;
        }
        let address = addresses::predictable(hash, &creator, &salt, &request.init_args)?;
        Ok(QueryBuildAddressResponse { address: addresses::format(&ctx.prefix, &address)? })
    }
}

fn existing(ctx: &mut QueryContext, address: &str) -> Result<Vec<u8>> {
    let contract = addresses::parse(&ctx.prefix, address)?;
    if !Reading::has(ctx, &keys::contract(&contract))? {
        return Err(errors::no_such_contract(address));
    }
    Ok(contract)
}

/// The contract of an entry of an index: what follows the position.
fn indexed(ctx: &QueryContext, key: &[u8]) -> Result<String> {
    let broken = || Error::logic("an entry of an index of contracts is too short");
    addresses::format(&ctx.prefix, key.get(keys::POSITION_LEN..).ok_or_else(broken)?)
}

fn listed(id: u64, code: CodeInfo) -> CodeInfoResponse {
    CodeInfoResponse {
        code_id: id,
        creator: code.creator,
        data_hash: code.code_hash,
        instantiate_permission: code.instantiate_config,
    }
}
