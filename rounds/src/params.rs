//! The module's parameters.

use crate::error::Error;
use crate::terms::amount;
use bauta_schema::training::v1::Params;

/// Most providers of a task.
pub const MAX_PROVIDERS: u32 = 1_000;
/// Most seats, and most providers of whom everyone holds one.
pub const MAX_SEATS: u32 = bauta_secagg::encoding::MAX_SEATS as u32;
/// Fewest providers of a group: with two, each knows the other's update.
pub const MIN_GROUP: u32 = 3;
/// Bytes of a protocol message's transaction at most; the node's reserved lane is counted with it.
pub const MAX_MESSAGE: u64 = 256 * 1024;
/// Bytes of a chunk at most.
pub const MAX_CHUNK: usize = 65_536;

/// Parameters a chain may start with; contracts and authority are to be set.
pub fn default_params() -> Params {
    Params {
        authority: String::new(),
        registry: String::new(),
        staking: String::new(),
        slashing: String::new(),
        min_window: 3,
        max_window: 100_000,
        lane_bytes: 8 * 1024 * 1024,
        max_elements: 2_000_000,
        max_inline_model: 512 * 1024,
        block_operations: 1_000_000,
        kept_rounds: 4,
        max_rounds: 10_000,
        min_gas_price: "0".into(),
        contract_gas: 3_000_000,
        report_deposit: "1000000".into(),
    }
}

/// Whether parameters can be.
///
/// # Errors
/// The first that cannot.
pub fn check(params: &Params) -> Result<(), Error> {
    let refuse = |what: &str| Err(Error::Invalid(format!("params: {what}")));
    // Seats answer when they have the header of the block after the one that asks, so in the second block at the earliest.
    if params.min_window < 2 || params.min_window > params.max_window {
        return refuse("min_window must be at least 2 and at most max_window");
    }
    if params.lane_bytes < MAX_CHUNK as u64 {
        return refuse("lane_bytes must hold a chunk of 65,536 bytes");
    }
    if params.max_elements == 0 || params.max_elements > bauta_learning::model::MAX_ELEMENTS {
        return refuse("max_elements must be 1 to 67,108,864");
    }
    if params.block_operations < 1000 {
        return refuse("block_operations must be at least 1,000");
    }
    if params.kept_rounds == 0 {
        return refuse("kept_rounds must be at least 1");
    }
    if params.max_rounds == 0 {
        return refuse("max_rounds must be at least 1");
    }
    if params.contract_gas == 0 {
        return refuse("contract_gas must be above 0");
    }
    amount("params.min_gas_price", &params.min_gas_price)?;
    amount("params.report_deposit", &params.report_deposit)?;
    Ok(())
}

/// Whether the three contracts are set.
pub fn is_configured(params: &Params) -> bool {
    [&params.registry, &params.staking, &params.slashing].iter().all(|address| !address.is_empty())
}
