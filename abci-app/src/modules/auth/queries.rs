//! `cosmos.auth.v1beta1.Query`.

use cosmos_sdk_proto::cosmos::auth::v1beta1 as proto;
use prost::Message as _;

use super::keeper;
use super::keys;
use crate::address::Address;
use crate::context::QueryContext;
use crate::error::{grpc, Error, Result};
use crate::modules::pages::{self, Page};
use crate::store::Store;

const SERVICE: &str = "/cosmos.auth.v1beta1.Query/";

/// Answers a query of this module; `None` if the path is another's.
pub fn query(ctx: &mut QueryContext, path: &str, data: &[u8]) -> Option<Result<Vec<u8>>> {
    Some(match path.strip_prefix(SERVICE)? {
        "Account" => account(ctx, data),
        "AccountInfo" => account_info(ctx, data),
        "Accounts" => accounts(ctx, data),
        "Params" => Ok(proto::QueryParamsResponse { params: Some(keeper::params(&ctx.view)) }.encode_to_vec()),
        "ModuleAccountByName" => module_account(ctx, data),
        method => Err(grpc::unimplemented(format!("unknown method {method} for service cosmos.auth.v1beta1.Query"))),
    })
}

fn find(ctx: &QueryContext, text: &str) -> Result<keeper::Account> {
    if text.is_empty() {
        return Err(grpc::invalid_argument("Address cannot be empty"));
    }
    let address = Address::parse(text, &ctx.prefix).map_err(|error| grpc::invalid_argument(error.log))?;
    keeper::account_of(&ctx.view, &address)
        .ok_or_else(|| grpc::not_found(format!("account {text} not found: key not found")))
}

fn account(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryAccountRequest::decode(data).map_err(pages::malformed)?;
    let account = find(ctx, &request.address)?;
    Ok(proto::QueryAccountResponse { account: Some(account.to_any(&ctx.prefix)) }.encode_to_vec())
}

fn account_info(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryAccountInfoRequest::decode(data).map_err(pages::malformed)?;
    let account = find(ctx, &request.address)?;
    let info = proto::BaseAccount {
        address: request.address,
        pub_key: account.pub_key.as_ref().map(keeper::pub_key_any),
        account_number: account.account_number,
        sequence: account.sequence,
    };
    Ok(proto::QueryAccountInfoResponse { info: Some(info) }.encode_to_vec())
}

fn accounts(ctx: &mut QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryAccountsRequest::decode(data).map_err(pages::malformed)?;
    let page = Page::read(request.pagination)?;
    let (rows, pagination) = page.collect(&ctx.view, Store::Auth, &[keys::ACCOUNT])?;
    let accounts = rows
        .into_iter()
        .map(|(_, value)| cosmos_sdk_proto::Any::decode(value.as_slice()).map_err(|_| unreadable()))
        .collect::<Result<_>>()?;
    Ok(proto::QueryAccountsResponse { accounts, pagination: Some(pagination) }.encode_to_vec())
}

fn module_account(ctx: &QueryContext, data: &[u8]) -> Result<Vec<u8>> {
    let request = proto::QueryModuleAccountByNameRequest::decode(data).map_err(pages::malformed)?;
    let account = keeper::account_of(&ctx.view, &Address::module(&request.name))
        .filter(|account| account.module_name.as_ref() == Some(&request.name))
        .ok_or_else(|| grpc::not_found(format!("account {} not found: key not found", request.name)))?;
    Ok(proto::QueryModuleAccountByNameResponse { account: Some(account.to_any(&ctx.prefix)) }.encode_to_vec())
}

fn unreadable() -> Error {
    grpc::internal("the store holds an account that is none")
}
