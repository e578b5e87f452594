//! `cosmos.bank.v1beta1.Query`.

use cosmos_sdk_proto::cosmos::bank::v1beta1 as proto;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use prost::Message as _;

use super::{keeper, keys};
use crate::address::Address;
use crate::coin::check_denom;
use crate::context::QueryContext;
use crate::error::{grpc, Result};
use crate::modules::pages::{malformed, Entry, Page};
use crate::store::Store;

const SERVICE: &str = "/cosmos.bank.v1beta1.Query/";

/// Answers a query of this module; `None` if the path is another's.
pub fn query(ctx: &mut QueryContext, path: &str, data: &[u8]) -> Option<Result<Vec<u8>>> {
    Some(match path.strip_prefix(SERVICE)? {
        "Balance" => balance(ctx, data),
        "AllBalances" => all_balances(ctx, data),
        "SpendableBalances" => spendable_balances(ctx, data),
        "SpendableBalanceByDenom" => spendable_balance(ctx, data),
        "TotalSupply" => total_supply(ctx, data),
        "SupplyOf" => supply_of(ctx, data),
        "DenomMetadata" => denom_metadata(ctx, data),
        "DenomsMetadata" => denoms_metadata(ctx, data),
        "Params" => Ok(params()),
        method => Err(grpc::unimplemented(format!("unknown method {method} for service cosmos.bank.v1beta1.Query"))),
    })
}

fn address(ctx: &QueryContext, text: &str) -> Result<Address> {
    Address::parse(text, &ctx.prefix).map_err(|error| grpc::invalid_argument(format!("invalid address: {}", error.log)))
}

fn one(ctx: &QueryContext, who: &str, denom: &str) -> Result<ProtoCoin> {
    check_denom(denom).map_err(|error| grpc::invalid_argument(error.log))?;
    let amount = keeper::balance_of(&ctx.view, &address(ctx, who)?, denom);
    Ok(ProtoCoin { denom: denom.to_string(), amount: amount.to_string() })
}

fn balance(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryBalanceRequest::decode(data).map_err(malformed)?;
    let balance = Some(one(ctx, &request.address, &request.denom)?);
    Ok(proto::QueryBalanceResponse { balance }.encode_to_vec())
}

fn spendable_balance(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QuerySpendableBalanceByDenomRequest::decode(data).map_err(malformed)?;
    let balance = Some(one(ctx, &request.address, &request.denom)?);
    Ok(proto::QuerySpendableBalanceByDenomResponse { balance }.encode_to_vec())
}

fn all_balances(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryAllBalancesRequest::decode(data).map_err(malformed)?;
    let who = address(ctx, &request.address)?;
    let (rows, page) = Page::read(request.pagination)?.collect(&ctx.view, Store::Bank, &keys::balances(&who))?;
    Ok(proto::QueryAllBalancesResponse { balances: coins(&rows), pagination: Some(page) }.encode_to_vec())
}

/// Nothing is locked on this chain: what is held can be spent.
fn spendable_balances(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QuerySpendableBalancesRequest::decode(data).map_err(malformed)?;
    let who = address(ctx, &request.address)?;
    let (rows, page) = Page::read(request.pagination)?.collect(&ctx.view, Store::Bank, &keys::balances(&who))?;
    Ok(proto::QuerySpendableBalancesResponse { balances: coins(&rows), pagination: Some(page) }.encode_to_vec())
}

fn total_supply(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryTotalSupplyRequest::decode(data).map_err(malformed)?;
    let (rows, page) = Page::read(request.pagination)?.collect(&ctx.view, Store::Bank, &[keys::SUPPLY])?;
    Ok(proto::QueryTotalSupplyResponse { supply: coins(&rows), pagination: Some(page) }.encode_to_vec())
}

fn supply_of(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QuerySupplyOfRequest::decode(data).map_err(malformed)?;
    check_denom(&request.denom).map_err(|error| grpc::invalid_argument(error.log))?;
    let amount = keeper::supply_of(&ctx.view, &request.denom).to_string();
    Ok(proto::QuerySupplyOfResponse { amount: Some(ProtoCoin { denom: request.denom, amount }) }.encode_to_vec())
}

fn denom_metadata(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryDenomMetadataRequest::decode(data).map_err(malformed)?;
    check_denom(&request.denom).map_err(|error| grpc::invalid_argument(error.log))?;
    let bytes = ctx
        .view
        .get(Store::Bank, &keys::metadata(&request.denom))
        .ok_or_else(|| grpc::not_found(format!("client metadata for denom {}", request.denom)))?;
    let metadata = proto::Metadata::decode(bytes.as_slice()).map_err(|_| unreadable())?;
    Ok(proto::QueryDenomMetadataResponse { metadata: Some(metadata) }.encode_to_vec())
}

fn denoms_metadata(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryDenomsMetadataRequest::decode(data).map_err(malformed)?;
    let (rows, page) = Page::read(request.pagination)?.collect(&ctx.view, Store::Bank, &[keys::METADATA])?;
    let metadatas = rows
        .iter()
        .map(|(_, value)| proto::Metadata::decode(value.as_slice()).map_err(|_| unreadable()))
        .collect::<Result<_>>()?;
    Ok(proto::QueryDenomsMetadataResponse { metadatas, pagination: Some(page) }.encode_to_vec())
}

fn params() -> Vec<u8> {
    let params = proto::Params { default_send_enabled: true, ..Default::default() };
    proto::QueryParamsResponse { params: Some(params) }.encode_to_vec()
}

fn coins(rows: &[Entry]) -> Vec<ProtoCoin> {
    rows.iter().filter_map(|(denom, value)| keeper::coin(denom, value)).map(|coin| coin.to_proto()).collect()
}

fn unreadable() -> crate::error::Error {
    grpc::internal("the store holds metadata that is none")
}
