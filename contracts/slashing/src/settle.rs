//! The life of a verdict: checked, carried out by sub-messages, and completed with what the staking contract says it took.

use bauta_foundation::input::{address, optional_address};
use bauta_messages::{
    registry,
    slashing::{Penalty, SettledOffence, Verdict, DIGEST_BYTES},
    staking::{self, SlashResponse, MAX_COMPENSATED},
};
use cosmwasm_std::{
    from_json, wasm_execute, Addr, Binary, Decimal, DepsMut, Empty, Env, HexBinary, OverflowError, OverflowOperation,
    Reply, Response, StdResult, Storage, SubMsg, SubMsgResult, Uint128, WasmMsg,
};
use cw_utils::parse_execute_response_data;

use crate::{
    error::ContractError,
    penalties::{self, check_kind},
    state::{place, LAST_SEQUENCE, OFFENCES, OFFENCES_OF, OFFENCE_IDS, PENALISED, PENALTIES, REGISTRY, STAKING},
};

/// The id of the reply that says what a slash took; its payload is the offence's sequence number, be64.
pub const SLASH_REPLY: u64 = 1;

pub fn settle(deps: DepsMut, env: &Env, verdict: Verdict) -> Result<Response, ContractError> {
    check_digest("offence_id", &verdict.offence_id)?;
    check_digest("evidence", &verdict.evidence)?;
    check_kind(&verdict.kind)?;
    let provider = address(deps.api, "provider", &verdict.provider)?;
    let reporter = optional_address(deps.api, "reporter", verdict.reporter.as_deref())?;

    let response = Response::new()
        .add_attribute("action", "settle")
        .add_attribute("offence_id", HexBinary::from(verdict.offence_id.as_slice()).to_hex())
        .add_attribute("kind", &verdict.kind)
        .add_attribute("provider", &provider);
    if let Some(sequence) = OFFENCE_IDS.may_load(deps.storage, &verdict.offence_id)? {
        return Ok(response.add_attribute("already_settled", "true").add_attribute("sequence", sequence.to_string()));
    }
    let Some(penalty) = PENALTIES.may_load(deps.storage, &verdict.kind)? else {
        return Err(ContractError::UnknownKind { kind: verdict.kind });
    };

    let fraction = penalise(deps.storage, &verdict, &provider, penalty.fraction)?;
    let slash = slash(deps.storage, &verdict, &penalty, fraction)?;
    let bar = bar(deps.storage, &verdict, &penalty)?;
    let sequence = record(deps.storage, env, verdict, provider, reporter, penalty)?;
    Ok(response
        // The slash first: the registry's answer must not depend on a bond, nor the bond's on the registry.
        .add_submessage(SubMsg::reply_on_success(slash, SLASH_REPLY).with_payload(sequence.to_be_bytes().to_vec()))
        .add_messages(bar)
        .add_attribute("already_settled", "false")
        .add_attribute("sequence", sequence.to_string()))
}

/// The staking contract answered: completes the record.
pub fn slashed(deps: DepsMut, reply: Reply) -> Result<Response, ContractError> {
    let sequence = reply
        .payload
        .as_slice()
        .try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| ContractError::UnknownReply(reply.id))?;
    let taken = slash_response(reply.result)?;
    let mut offence = OFFENCES.load(deps.storage, sequence)?;
    offence.before = taken.before;
    offence.after = taken.after;
    offence.slashed = taken.slashed;
    offence.bounty = taken.bounty;
    offence.compensation = taken.compensation;
    offence.treasury = taken.treasury;
    OFFENCES.save(deps.storage, sequence, &offence)?;
    Ok(Response::new()
        .add_attribute("action", "settled")
        .add_attribute("sequence", sequence.to_string())
        .add_attribute("kind", offence.kind)
        .add_attribute("provider", offence.provider)
        .add_attribute("before", taken.before)
        .add_attribute("after", taken.after))
}

/// One round, one penalty per provider: the largest. Notes what the round has cost the provider now, and returns what is still to be
/// taken of what it has left. The chain delivers the largest of the offences that it knows when a round settles; what is reported later
/// only makes up the difference.
fn penalise(
    storage: &mut dyn Storage,
    verdict: &Verdict,
    provider: &Addr,
    fraction: Decimal,
) -> Result<Decimal, ContractError> {
    let place = place(verdict.task, verdict.epoch, verdict.round);
    let before = PENALISED.may_load(storage, (provider, &place))?.unwrap_or_default();
    if fraction > before {
        PENALISED.save(storage, (provider, &place), &fraction)?;
    }
    penalties::rest(before, fraction)
}

/// The order to the staking contract. It is given for a fraction of zero too: the record wants the bond as it stood.
fn slash(storage: &dyn Storage, verdict: &Verdict, penalty: &Penalty, fraction: Decimal) -> StdResult<WasmMsg> {
    // The staking contract refuses a longer list, and a verdict must not hang on the number of its victims.
    let compensate = verdict.harmed.iter().take(MAX_COMPENSATED).cloned();
    let order = staking::ExecuteMsg::Slash {
        provider: verdict.provider.clone(),
        fraction,
        bounty_to: verdict.reporter.clone(),
        bounty_fraction: penalty.bounty_fraction,
        compensate: compensate.collect(),
        compensation_fraction: penalty.compensation_fraction,
    };
    wasm_execute(STAKING.load(storage)?, &order, vec![])
}

/// The order to the registry, if the penalty bars the provider at all.
fn bar(storage: &dyn Storage, verdict: &Verdict, penalty: &Penalty) -> StdResult<Option<WasmMsg>> {
    let provider = verdict.provider.clone();
    let reason = verdict.kind.clone();
    let order = if penalty.tombstone {
        registry::ExecuteMsg::Tombstone { provider, reason }
    } else if penalty.jail_seconds > 0 {
        registry::ExecuteMsg::Jail { provider, seconds: penalty.jail_seconds, reason }
    } else {
        return Ok(None);
    };
    wasm_execute(REGISTRY.load(storage)?, &order, vec![]).map(Some)
}

/// Keeps the verdict; the amounts follow with the reply.
fn record(
    storage: &mut dyn Storage,
    env: &Env,
    verdict: Verdict,
    provider: Addr,
    reporter: Option<Addr>,
    penalty: Penalty,
) -> Result<u64, ContractError> {
    let sequence = LAST_SEQUENCE
        .may_load(storage)?
        .unwrap_or(0)
        .checked_add(1)
        .ok_or(OverflowError::new(OverflowOperation::Add))?;
    LAST_SEQUENCE.save(storage, &sequence)?;
    OFFENCE_IDS.save(storage, &verdict.offence_id, &sequence)?;
    OFFENCES_OF.save(storage, (&provider, sequence), &Empty {})?;
    let offence = SettledOffence {
        sequence,
        offence_id: verdict.offence_id,
        kind: verdict.kind,
        provider,
        task: verdict.task,
        epoch: verdict.epoch,
        round: verdict.round,
        evidence: verdict.evidence,
        reporter,
        harmed: u32::try_from(verdict.harmed.len()).unwrap_or(u32::MAX),
        height: env.block.height,
        time: env.block.time.seconds(),
        penalty,
        before: Uint128::zero(),
        after: Uint128::zero(),
        slashed: Uint128::zero(),
        bounty: Uint128::zero(),
        compensation: Uint128::zero(),
        treasury: Uint128::zero(),
    };
    OFFENCES.save(storage, sequence, &offence)?;
    Ok(sequence)
}

/// What the staking contract says it took. Chains hand the data of an executed contract over wrapped in
/// `MsgExecuteContractResponse`, in `msg_responses` since CosmWasm 2 and in the deprecated `data` before.
fn slash_response(result: SubMsgResult) -> Result<SlashResponse, ContractError> {
    let bad = |why: String| ContractError::BadSlashResponse(why);
    let answer = result.into_result().map_err(bad)?;
    #[allow(deprecated)] // read only when the chain gives nothing newer
    let wrapped = match answer.msg_responses.into_iter().next() {
        Some(response) => response.value,
        None => answer.data.ok_or_else(|| bad("the answer has no data".to_string()))?,
    };
    let data = parse_execute_response_data(&wrapped)
        .map_err(|why| bad(why.to_string()))?
        .data
        .ok_or_else(|| bad("the answer has no data".to_string()))?;
    from_json(data).map_err(|why| bad(why.to_string()))
}

fn check_digest(field: &'static str, bytes: &Binary) -> Result<(), ContractError> {
    if bytes.len() == DIGEST_BYTES {
        Ok(())
    } else {
        Err(ContractError::BadDigest { field, expected: DIGEST_BYTES, found: bytes.len() })
    }
}
