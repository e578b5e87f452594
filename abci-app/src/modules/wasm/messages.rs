//! Messages of transactions (wasmd x/wasm/types/tx.go, x/wasm/keeper/msg_server.go): a check that needs no state, then the
//! keeper.

use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgClearAdmin, MsgClearAdminResponse, MsgExecuteContract, MsgExecuteContractResponse, MsgInstantiateContract,
    MsgInstantiateContract2, MsgInstantiateContract2Response, MsgInstantiateContractResponse, MsgMigrateContract,
    MsgMigrateContractResponse, MsgStoreCode, MsgStoreCodeResponse, MsgUpdateAdmin, MsgUpdateAdminResponse,
    MsgUpdateContractLabel, MsgUpdateContractLabelResponse, MsgUpdateInstantiateConfig,
    MsgUpdateInstantiateConfigResponse,
};
use cosmos_sdk_proto::Any;
use prost::{Message, Name};

use super::codes::MAX_WASM;
use super::contracts::Instantiation;
use super::{access, addresses, coins, errors, Keeper};
use crate::context::Context;
use crate::deep_stack;
use crate::error::{Error, Result};
use crate::tx::decode_message;

/// The longest label of a contract.
const MAX_LABEL: usize = 128;

/// What begins the type of each message of the module.
pub const PACKAGE: &str = "/cosmwasm.wasm.v1.";

macro_rules! messages {
    ($($name:literal $message:ident $field:ident $check:ident $handle:ident;)*) => {
        /// The types that transactions may carry.
        pub const TYPES: &[&str] = &[$(concat!("/cosmwasm.wasm.v1.", $name)),*];

        /// Who must have signed a message, as text.
        ///
        /// # Errors
        /// A type that is not the module's, or bytes that are not of the type.
        pub fn signer(message: &Any) -> Result<String> {
            match message.type_url.strip_prefix(PACKAGE) {
                $(Some($name) => Ok(decode::<$message>(message)?.$field),)*
                _ => Err(unknown(message)),
            }
        }

        /// What is wrong with a message whatever the state.
        ///
        /// # Errors
        /// A type that is not the module's; a message that can never succeed.
        pub fn validate(prefix: &str, message: &Any) -> Result<()> {
            match message.type_url.strip_prefix(PACKAGE) {
                $(Some($name) => $check(prefix, &decode::<$message>(message)?),)*
                _ => Err(unknown(message)),
            }
        }

        impl Keeper {
            /// Executes a message of a transaction, whose signature is checked already. Its response.
            ///
            /// # Errors
            /// A type that is not the module's; what is wrong with the message; what happened in the contracts.
            pub fn handle(&self, ctx: &mut Context, message: &Any) -> Result<Any> {
                match message.type_url.strip_prefix(PACKAGE) {
                    $(Some($name) => {
                        let message = decode::<$message>(message)?;
                        deep_stack::run(|| $handle(self, ctx, &message))
                    })*
                    _ => Err(unknown(message)),
                }
            }
        }
    };
}

messages! {
    "MsgStoreCode" MsgStoreCode sender check_store_code store_code;
    "MsgInstantiateContract" MsgInstantiateContract sender check_instantiate instantiate;
    "MsgInstantiateContract2" MsgInstantiateContract2 sender check_instantiate2 instantiate2;
    "MsgExecuteContract" MsgExecuteContract sender check_execute execute;
    "MsgMigrateContract" MsgMigrateContract sender check_migrate migrate;
    "MsgUpdateAdmin" MsgUpdateAdmin sender check_update_admin update_admin;
    "MsgClearAdmin" MsgClearAdmin sender check_clear_admin clear_admin;
    "MsgUpdateInstantiateConfig" MsgUpdateInstantiateConfig sender check_update_config update_config;
    "MsgUpdateContractLabel" MsgUpdateContractLabel sender check_update_label update_label;
}

/// Fields that this chain does not know are refused as in every other message, whether a person or a contract sends it.
pub(super) fn decode<T: Message + Default>(message: &Any) -> Result<T> {
    decode_message(&message.value).map_err(|error| {
        Error::tx_decode(format!("{} does not decode: {}: tx parse error", message.type_url, error.log))
    })
}

fn unknown(message: &Any) -> Error {
    Error::unknown_request(format!("no handler for {}: unknown request", message.type_url))
}

fn answer<T: Message + Name>(response: &T) -> Any {
    Any { type_url: format!("/{}", T::full_name()), value: response.encode_to_vec() }
}

fn store_code(keeper: &Keeper, ctx: &mut Context, msg: &MsgStoreCode) -> Result<Any> {
    check_store_code(&ctx.prefix, msg)?;
    let permission = msg.instantiate_permission.as_ref();
    let (code_id, checksum) = keeper.store_code(ctx, &msg.sender, &msg.wasm_byte_code, permission)?;
    Ok(answer(&MsgStoreCodeResponse { code_id, checksum: checksum.to_vec() }))
}

pub(super) fn instantiate(keeper: &Keeper, ctx: &mut Context, msg: &MsgInstantiateContract) -> Result<Any> {
    check_instantiate(&ctx.prefix, msg)?;
    let new = Instantiation {
        code_id: msg.code_id,
        creator: &msg.sender,
        admin: &msg.admin,
        label: &msg.label,
        msg: &msg.msg,
        funds: &msg.funds,
        salt: None,
    };
    let (address, data) = keeper.instantiate(ctx, &new)?;
    Ok(answer(&MsgInstantiateContractResponse { address, data: data.unwrap_or_default() }))
}

pub(super) fn instantiate2(keeper: &Keeper, ctx: &mut Context, msg: &MsgInstantiateContract2) -> Result<Any> {
    check_instantiate2(&ctx.prefix, msg)?;
    let new = Instantiation {
        code_id: msg.code_id,
        creator: &msg.sender,
        admin: &msg.admin,
        label: &msg.label,
        msg: &msg.msg,
        funds: &msg.funds,
        salt: Some((&msg.salt, msg.fix_msg)),
    };
    let (address, data) = keeper.instantiate(ctx, &new)?;
    Ok(answer(&MsgInstantiateContract2Response { address, data: data.unwrap_or_default() }))
}

pub(super) fn execute(keeper: &Keeper, ctx: &mut Context, msg: &MsgExecuteContract) -> Result<Any> {
    check_execute(&ctx.prefix, msg)?;
    let data = keeper.execute(ctx, &msg.sender, &msg.contract, &msg.msg, &msg.funds)?;
    Ok(answer(&MsgExecuteContractResponse { data: data.unwrap_or_default() }))
}

pub(super) fn migrate(keeper: &Keeper, ctx: &mut Context, msg: &MsgMigrateContract) -> Result<Any> {
    check_migrate(&ctx.prefix, msg)?;
    let data = keeper.migrate(ctx, &msg.sender, &msg.contract, msg.code_id, &msg.msg)?;
    Ok(answer(&MsgMigrateContractResponse { data: data.unwrap_or_default() }))
}

pub(super) fn update_admin(keeper: &Keeper, ctx: &mut Context, msg: &MsgUpdateAdmin) -> Result<Any> {
    check_update_admin(&ctx.prefix, msg)?;
    keeper.set_admin(ctx, &msg.sender, &msg.contract, &msg.new_admin)?;
    Ok(answer(&MsgUpdateAdminResponse {}))
}

pub(super) fn clear_admin(keeper: &Keeper, ctx: &mut Context, msg: &MsgClearAdmin) -> Result<Any> {
    check_clear_admin(&ctx.prefix, msg)?;
    keeper.set_admin(ctx, &msg.sender, &msg.contract, "")?;
    Ok(answer(&MsgClearAdminResponse {}))
}

fn update_config(keeper: &Keeper, ctx: &mut Context, msg: &MsgUpdateInstantiateConfig) -> Result<Any> {
    check_update_config(&ctx.prefix, msg)?;
    let permission = msg.new_instantiate_permission.as_ref().ok_or_else(|| errors::EMPTY.wrap("permission"))?;
    keeper.set_access_config(ctx, &msg.sender, msg.code_id, permission)?;
    Ok(answer(&MsgUpdateInstantiateConfigResponse {}))
}

fn update_label(keeper: &Keeper, ctx: &mut Context, msg: &MsgUpdateContractLabel) -> Result<Any> {
    check_update_label(&ctx.prefix, msg)?;
    keeper.set_label(ctx, &msg.sender, &msg.contract, &msg.new_label)?;
    Ok(answer(&MsgUpdateContractLabelResponse {}))
}

fn check_store_code(prefix: &str, msg: &MsgStoreCode) -> Result<()> {
    address(prefix, "sender", &msg.sender)?;
    match msg.wasm_byte_code.len() {
        0 => return Err(Error::invalid_request("code bytes is required: empty: invalid request")),
        1..=MAX_WASM => {}
        _ => {
            let why = format!("code bytes cannot be longer than {MAX_WASM} bytes: exceeds limit: invalid request");
            return Err(Error::invalid_request(why));
        }
    }
    match &msg.instantiate_permission {
        Some(config) => access::check(prefix, config).map_err(|error| errors::wrapped(error, "instantiate permission")),
        None => Ok(()),
    }
}

fn check_instantiate(prefix: &str, msg: &MsgInstantiateContract) -> Result<()> {
    check_new(prefix, &msg.sender, msg.code_id, &msg.label, &msg.funds, &msg.admin, &msg.msg)
}

fn check_instantiate2(prefix: &str, msg: &MsgInstantiateContract2) -> Result<()> {
    check_new(prefix, &msg.sender, msg.code_id, &msg.label, &msg.funds, &msg.admin, &msg.msg)?;
    addresses::check_salt(&msg.salt).map_err(|error| errors::wrapped(error, "salt"))
}

fn check_new(
    prefix: &str,
    sender: &str,
    code_id: u64,
    label: &str,
    funds: &[Coin],
    admin: &str,
    msg: &[u8],
) -> Result<()> {
    address(prefix, "sender", sender)?;
    code(code_id)?;
    check_label(label).map_err(|error| errors::wrapped(error, "label"))?;
    coins::check(funds).map_err(|error| errors::wrapped(error, "funds"))?;
    if !admin.is_empty() {
        address(prefix, "admin", admin)?;
    }
    check_payload(msg)
}

fn check_execute(prefix: &str, msg: &MsgExecuteContract) -> Result<()> {
    address(prefix, "sender", &msg.sender)?;
    address(prefix, "contract", &msg.contract)?;
    coins::check(&msg.funds).map_err(|error| errors::wrapped(error, "funds"))?;
    check_payload(&msg.msg)
}

fn check_migrate(prefix: &str, msg: &MsgMigrateContract) -> Result<()> {
    code(msg.code_id)?;
    address(prefix, "sender", &msg.sender)?;
    address(prefix, "contract", &msg.contract)?;
    check_payload(&msg.msg)
}

fn check_update_admin(prefix: &str, msg: &MsgUpdateAdmin) -> Result<()> {
    address(prefix, "sender", &msg.sender)?;
    address(prefix, "contract", &msg.contract)?;
    address(prefix, "new admin", &msg.new_admin)?;
    if msg.sender.eq_ignore_ascii_case(&msg.new_admin) {
        return Err(errors::INVALID.wrap("new admin is the same as the old"));
    }
    Ok(())
}

fn check_clear_admin(prefix: &str, msg: &MsgClearAdmin) -> Result<()> {
    address(prefix, "sender", &msg.sender)?;
    address(prefix, "contract", &msg.contract)
}

fn check_update_config(prefix: &str, msg: &MsgUpdateInstantiateConfig) -> Result<()> {
    address(prefix, "sender", &msg.sender)?;
    code(msg.code_id)?;
    let missing = || Error::invalid_request("instantiate permission is required: invalid request");
    let config = msg.new_instantiate_permission.as_ref().ok_or_else(missing)?;
    access::check(prefix, config).map_err(|error| errors::wrapped(error, "instantiate permission"))
}

fn check_update_label(prefix: &str, msg: &MsgUpdateContractLabel) -> Result<()> {
    address(prefix, "sender", &msg.sender)?;
    address(prefix, "contract", &msg.contract)?;
    check_label(&msg.new_label).map_err(|error| errors::wrapped(error, "label"))
}

/// One spelling of an address only: records and permissions compare text.
fn address(prefix: &str, what: &str, text: &str) -> Result<()> {
    let wrap = |error| errors::wrapped(error, what);
    let bytes = addresses::parse(prefix, text).map_err(wrap)?;
    if addresses::format(prefix, &bytes).map_err(wrap)? != text {
        return Err(Error::invalid_address(format!(
            "{what}: {text} must be written in small letters: invalid address"
        )));
    }
    Ok(())
}

fn code(code_id: u64) -> Result<()> {
    if code_id == 0 {
        return Err(Error::invalid_request("code id is required: invalid request"));
    }
    Ok(())
}

fn check_payload(msg: &[u8]) -> Result<()> {
    check_json(msg).map_err(|error| errors::wrapped(error, "payload msg"))
}

/// Whether `msg` is JSON; what it means is the contract's business.
pub(super) fn check_json(msg: &[u8]) -> Result<()> {
    serde_json::from_slice::<serde::de::IgnoredAny>(msg).map(|_| ()).map_err(|_| errors::INVALID.plain())
}

/// 1 to 128 bytes that can be printed on one line, without space at the ends.
pub(super) fn check_label(label: &str) -> Result<()> {
    if label.is_empty() {
        return Err(errors::EMPTY.wrap("is required"));
    }
    if label.len() > MAX_LABEL {
        return Err(errors::LIMIT.wrap(format!("cannot be longer than {MAX_LABEL} characters")));
    }
    if label != label.trim() {
        return Err(errors::INVALID.wrap("label must not start/end with whitespaces"));
    }
    if !label.chars().all(is_printable) {
        return Err(errors::INVALID.wrap("label must have printable characters only"));
    }
    Ok(())
}

/// No control, no space but U+0020, nothing invisible or private (Go's `unicode.IsPrint`, but for unassigned code points).
fn is_printable(char: char) -> bool {
    let invisible = matches!(
        char,
        '\u{ad}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
            | '\u{f0000}'..='\u{10ffff}'
    );
    char == ' ' || !(char.is_control() || char.is_whitespace() || invisible)
}
