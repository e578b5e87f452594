//! Records as types: reading and writing by key.

use crate::env::Storage;
use crate::error::Error;
use crate::keys::{self, prefix};
use bauta_schema::training::v1::{
    BlameValues, CheckIn, Chunks, Complaint, Contribution, Counters, Deal, Epoch, Evaluation, Finalise, Header,
    JointKeys, KeyUse, Member, Params, Partial, Reward, Round, RoundBlame, SealedModel, Seat, SeatConduct, ShareKeys,
    Task, TaskSettings, Verdict, WrappedKeys,
};
use prost::Message;

/// Reads the record under a key.
///
/// # Errors
/// [`Error::State`] for bytes that are no such record.
pub fn load<M: Message + Default>(storage: &dyn Storage, key: &[u8]) -> Result<Option<M>, Error> {
    storage.get(key).map(|bytes| decode(key, &bytes)).transpose()
}

/// Writes a record. One that has nothing but defaults encodes to nothing and is removed instead, because no value is empty: who reads it
/// takes one that is not there for it.
pub fn save<M: Message>(storage: &mut dyn Storage, key: Vec<u8>, record: &M) {
    let bytes = record.encode_to_vec();
    if bytes.is_empty() {
        storage.remove(&key);
    } else {
        storage.set(key, bytes);
    }
}

/// The records under a prefix, in the order of their keys, at most `limit`.
///
/// # Errors
/// [`Error::State`] for bytes that are no such record.
pub fn list<M: Message + Default>(storage: &dyn Storage, prefix: &[u8], limit: usize) -> Result<Vec<M>, Error> {
    storage.range(prefix, &keys::after(prefix), limit).iter().map(|(key, bytes)| decode(key, bytes)).collect()
}

fn decode<M: Message + Default>(key: &[u8], bytes: &[u8]) -> Result<M, Error> {
    M::decode(bytes).map_err(|error| Error::State(format!("record {}: {error}", String::from_utf8_lossy(key))))
}

/// A record that must be there.
fn required<M: Message + Default>(storage: &dyn Storage, key: &[u8], what: &str) -> Result<M, Error> {
    load(storage, key)?.ok_or_else(|| Error::State(format!("{what} is missing")))
}

/// The parameters; the defaults before genesis wrote any.
///
/// # Errors
/// [`Error::State`].
pub fn params(storage: &dyn Storage) -> Result<Params, Error> {
    Ok(load(storage, keys::PARAMS)?.unwrap_or_else(crate::params::default_params))
}

/// The counters.
///
/// # Errors
/// [`Error::State`].
pub fn counters(storage: &dyn Storage) -> Result<Counters, Error> {
    Ok(load(storage, keys::COUNTERS)?.unwrap_or_default())
}

/// A task.
///
/// # Errors
/// [`Error::UnknownTask`], [`Error::State`].
pub fn task(storage: &dyn Storage, id: u64) -> Result<Task, Error> {
    load(storage, &keys::numbers(prefix::TASK, &[id]))?.ok_or(Error::UnknownTask(id))
}

/// Writes a task.
pub fn put_task(storage: &mut dyn Storage, task: &Task) {
    save(storage, keys::numbers(prefix::TASK, &[task.id]), task);
}

/// A task's settings.
///
/// # Errors
/// [`Error::State`].
pub fn settings(storage: &dyn Storage, task: u64) -> Result<TaskSettings, Error> {
    required(storage, &keys::numbers(prefix::SETTINGS, &[task]), "settings")
}

/// An epoch.
///
/// # Errors
/// [`Error::State`].
pub fn epoch(storage: &dyn Storage, task: u64, number: u64) -> Result<Epoch, Error> {
    find_epoch(storage, task, number)?.ok_or_else(|| Error::State(format!("epoch {number} of task {task} is missing")))
}

/// An epoch, if there is one of that number.
///
/// # Errors
/// [`Error::State`].
pub fn find_epoch(storage: &dyn Storage, task: u64, number: u64) -> Result<Option<Epoch>, Error> {
    load(storage, &keys::numbers(prefix::EPOCH, &[task, number]))
}

/// Writes an epoch.
pub fn put_epoch(storage: &mut dyn Storage, epoch: &Epoch) {
    save(storage, keys::numbers(prefix::EPOCH, &[epoch.task_id, epoch.number]), epoch);
}

/// A member of an epoch.
///
/// # Errors
/// [`Error::NotMember`], [`Error::State`].
pub fn member(storage: &dyn Storage, task: u64, epoch: u64, address: &[u8]) -> Result<Member, Error> {
    find_member(storage, task, epoch, address)?.ok_or(Error::NotMember { task, epoch })
}

/// A member of an epoch, if it is one.
///
/// # Errors
/// [`Error::State`].
pub fn find_member(storage: &dyn Storage, task: u64, epoch: u64, address: &[u8]) -> Result<Option<Member>, Error> {
    load(storage, &keys::address(prefix::MEMBER, &[task, epoch], address))
}

/// Writes a member.
pub fn put_member(storage: &mut dyn Storage, task: u64, epoch: u64, member: &Member) {
    save(storage, keys::address(prefix::MEMBER, &[task, epoch], &member.address), member);
}

/// The members of an epoch in the order of their addresses.
///
/// # Errors
/// [`Error::State`].
pub fn members(storage: &dyn Storage, task: u64, epoch: u64) -> Result<Vec<Member>, Error> {
    list(storage, &keys::numbers(prefix::MEMBER, &[task, epoch]), usize::MAX)
}

/// The seats of an epoch in the order of their indices.
///
/// # Errors
/// [`Error::State`].
pub fn seats(storage: &dyn Storage, task: u64, epoch: u64) -> Result<Vec<Seat>, Error> {
    list(storage, &keys::numbers(prefix::SEAT, &[task, epoch]), usize::MAX)
}

/// Writes a seat.
pub fn put_seat(storage: &mut dyn Storage, task: u64, epoch: u64, seat: &Seat) {
    save(storage, keys::seat(prefix::SEAT, &[task, epoch], seat.index), seat);
}

/// A deal, if it is stored.
///
/// # Errors
/// [`Error::State`].
pub fn find_deal(storage: &dyn Storage, task: u64, epoch: u64, dealer: &[u8]) -> Result<Option<Deal>, Error> {
    load(storage, &keys::address(prefix::DEAL, &[task, epoch], dealer))
}

/// Writes a deal and its share keys.
pub fn put_deal(storage: &mut dyn Storage, task: u64, epoch: u64, deal: &Deal, share_keys: &ShareKeys) {
    save(storage, keys::address(prefix::DEAL, &[task, epoch], &deal.dealer), deal);
    save(storage, keys::address(prefix::SHARE_KEYS, &[task, epoch], &deal.dealer), share_keys);
}

/// The share keys of a dealer.
///
/// # Errors
/// [`Error::State`].
pub fn share_keys(storage: &dyn Storage, task: u64, epoch: u64, dealer: &[u8]) -> Result<ShareKeys, Error> {
    required(storage, &keys::address(prefix::SHARE_KEYS, &[task, epoch], dealer), "share keys")
}

/// A complaint, if it was upheld.
///
/// # Errors
/// [`Error::State`].
pub fn find_complaint(
    storage: &dyn Storage,
    task: u64,
    epoch: u64,
    seat: u32,
    dealer: &[u8],
) -> Result<Option<Complaint>, Error> {
    load(storage, &keys::complaint(task, epoch, seat, dealer))
}

/// The complaints of an epoch that were upheld.
///
/// # Errors
/// [`Error::State`].
pub fn complaints(storage: &dyn Storage, task: u64, epoch: u64) -> Result<Vec<Complaint>, Error> {
    list(storage, &keys::numbers(prefix::COMPLAINT, &[task, epoch]), usize::MAX)
}

/// Writes a complaint.
pub fn put_complaint(storage: &mut dyn Storage, task: u64, epoch: u64, complaint: &Complaint) {
    save(storage, keys::complaint(task, epoch, complaint.seat, &complaint.dealer), complaint);
}

/// Keys of the seats' shares of the joint key, as far as they are added up.
///
/// # Errors
/// [`Error::State`].
pub fn joint_keys(storage: &dyn Storage, task: u64, epoch: u64) -> Result<JointKeys, Error> {
    Ok(load(storage, &keys::numbers(prefix::JOINT_KEYS, &[task, epoch]))?.unwrap_or_default())
}

/// Writes keys of the seats' shares of the joint key.
pub fn put_joint_keys(storage: &mut dyn Storage, task: u64, epoch: u64, joint: &JointKeys) {
    save(storage, keys::numbers(prefix::JOINT_KEYS, &[task, epoch]), joint);
}

/// What a provider gave to the seed of the seats, if it did.
///
/// # Errors
/// [`Error::State`].
pub fn find_contribution(
    storage: &dyn Storage,
    task: u64,
    epoch: u64,
    address: &[u8],
) -> Result<Option<Contribution>, Error> {
    load(storage, &keys::address(prefix::CONTRIBUTION, &[task, epoch], address))
}

/// What was given to the seed of the seats, in the order of addresses.
///
/// # Errors
/// [`Error::State`].
pub fn contributions(storage: &dyn Storage, task: u64, epoch: u64) -> Result<Vec<Contribution>, Error> {
    list(storage, &keys::numbers(prefix::CONTRIBUTION, &[task, epoch]), usize::MAX)
}

/// Writes what a provider gave to the seed of the seats.
pub fn put_contribution(storage: &mut dyn Storage, task: u64, epoch: u64, contribution: &Contribution) {
    save(storage, keys::address(prefix::CONTRIBUTION, &[task, epoch], &contribution.address), contribution);
}

/// A seat's share of the joint key's value, if it is stored.
///
/// # Errors
/// [`Error::State`].
pub fn find_evaluation(storage: &dyn Storage, task: u64, epoch: u64, seat: u32) -> Result<Option<Evaluation>, Error> {
    load(storage, &keys::seat(prefix::EVALUATION, &[task, epoch], seat))
}

/// The shares of the joint key's value in the order of the seats.
///
/// # Errors
/// [`Error::State`].
pub fn evaluations(storage: &dyn Storage, task: u64, epoch: u64) -> Result<Vec<Evaluation>, Error> {
    list(storage, &keys::numbers(prefix::EVALUATION, &[task, epoch]), usize::MAX)
}

/// Writes a seat's share of the joint key's value.
pub fn put_evaluation(storage: &mut dyn Storage, task: u64, epoch: u64, evaluation: &Evaluation) {
    save(storage, keys::seat(prefix::EVALUATION, &[task, epoch], evaluation.seat), evaluation);
}

/// Whether a key with this x coordinate was used before.
pub fn is_key_used(storage: &dyn Storage, x: &[u8]) -> bool {
    storage.get(&keys::address(prefix::KEY, &[], x)).is_some()
}

/// Remembers a key by its x coordinate, so that neither it nor its negative is accepted again.
pub fn use_key(storage: &mut dyn Storage, x: &[u8], task: u64, epoch: u64) {
    save(storage, keys::address(prefix::KEY, &[], x), &KeyUse { task_id: task, epoch });
}

/// A round.
///
/// # Errors
/// [`Error::State`].
pub fn round(storage: &dyn Storage, task: u64, number: u64) -> Result<Round, Error> {
    find_round(storage, task, number)?.ok_or_else(|| Error::State(format!("round {number} of task {task} is missing")))
}

/// A round, if there is one of that number.
///
/// # Errors
/// [`Error::State`].
pub fn find_round(storage: &dyn Storage, task: u64, number: u64) -> Result<Option<Round>, Error> {
    load(storage, &keys::numbers(prefix::ROUND, &[task, number]))
}

/// Writes a round.
pub fn put_round(storage: &mut dyn Storage, round: &Round) {
    save(storage, keys::numbers(prefix::ROUND, &[round.task_id, round.number]), round);
}

/// A check-in, if there is one.
///
/// # Errors
/// [`Error::State`].
pub fn find_check_in(storage: &dyn Storage, task: u64, round: u64, address: &[u8]) -> Result<Option<CheckIn>, Error> {
    load(storage, &keys::address(prefix::CHECK_IN, &[task, round], address))
}

/// Writes a check-in.
pub fn put_check_in(storage: &mut dyn Storage, task: u64, round: u64, check_in: &CheckIn) {
    save(storage, keys::address(prefix::CHECK_IN, &[task, round], &check_in.address), check_in);
}

/// The check-ins of a round in the order of their addresses, which is that of their slots.
///
/// # Errors
/// [`Error::State`].
pub fn check_ins(storage: &dyn Storage, task: u64, round: u64) -> Result<Vec<CheckIn>, Error> {
    list(storage, &keys::numbers(prefix::CHECK_IN, &[task, round]), usize::MAX)
}

/// A header, if it is stored.
///
/// # Errors
/// [`Error::State`].
pub fn find_header(storage: &dyn Storage, task: u64, round: u64, address: &[u8]) -> Result<Option<Header>, Error> {
    load(storage, &keys::address(prefix::HEADER, &[task, round], address))
}

/// Writes a header.
pub fn put_header(storage: &mut dyn Storage, task: u64, round: u64, header: &Header) {
    save(storage, keys::address(prefix::HEADER, &[task, round], &header.address), header);
}

/// The headers of a round in the order of their addresses.
///
/// # Errors
/// [`Error::State`].
pub fn headers(storage: &dyn Storage, task: u64, round: u64) -> Result<Vec<Header>, Error> {
    list(storage, &keys::numbers(prefix::HEADER, &[task, round]), usize::MAX)
}

/// Which chunks of a submission are stored.
///
/// # Errors
/// [`Error::State`].
pub fn find_chunks(storage: &dyn Storage, task: u64, round: u64, address: &[u8]) -> Result<Option<Chunks>, Error> {
    load(storage, &keys::address(prefix::CHUNKS, &[task, round], address))
}

/// Writes which chunks of a submission are stored.
pub fn put_chunks(storage: &mut dyn Storage, task: u64, round: u64, address: &[u8], chunks: &Chunks) {
    save(storage, keys::address(prefix::CHUNKS, &[task, round], address), chunks);
}

/// A seat's partial, if it is stored.
///
/// # Errors
/// [`Error::State`].
pub fn find_partial(
    storage: &dyn Storage,
    task: u64,
    round: u64,
    list: u32,
    seat: u32,
) -> Result<Option<Partial>, Error> {
    load(storage, &keys::partial(task, round, list, seat))
}

/// Writes a partial.
pub fn put_partial(storage: &mut dyn Storage, task: u64, round: u64, partial: &Partial) {
    save(storage, keys::partial(task, round, partial.list, partial.seat), partial);
}

/// The partials of a round for one of its request lists, in the order of their seats; 0 is the round's first list.
///
/// # Errors
/// [`Error::State`].
pub fn partials(storage: &dyn Storage, task: u64, round: u64, number: u32) -> Result<Vec<Partial>, Error> {
    list(storage, &keys::partials(task, round, number), usize::MAX)
}

/// What blame has asked in a round, if it has.
///
/// # Errors
/// [`Error::State`].
pub fn find_blame(storage: &dyn Storage, task: u64, round: u64) -> Result<Option<RoundBlame>, Error> {
    load(storage, &keys::numbers(prefix::BLAME, &[task, round]))
}

/// Writes what blame has asked.
pub fn put_blame(storage: &mut dyn Storage, task: u64, round: u64, blame: &RoundBlame) {
    save(storage, keys::numbers(prefix::BLAME, &[task, round]), blame);
}

/// What a member signed in a pass of blame, if it did.
///
/// # Errors
/// [`Error::State`].
pub fn find_blame_values(
    storage: &dyn Storage,
    task: u64,
    round: u64,
    pass: u32,
    address: &[u8],
) -> Result<Option<BlameValues>, Error> {
    load(storage, &keys::address(prefix::BLAME_VALUES, &[task, round, u64::from(pass)], address))
}

/// What was signed in a round's blame, in the order of passes, then of addresses.
///
/// # Errors
/// [`Error::State`].
pub fn blame_values(storage: &dyn Storage, task: u64, round: u64) -> Result<Vec<BlameValues>, Error> {
    list(storage, &keys::numbers(prefix::BLAME_VALUES, &[task, round]), usize::MAX)
}

/// Writes what a member signed in blame.
pub fn put_blame_values(storage: &mut dyn Storage, task: u64, round: u64, values: &BlameValues) {
    let place = [task, round, u64::from(values.pass)];
    save(storage, keys::address(prefix::BLAME_VALUES, &place, &values.address), values);
}

/// How far the work on a round has come.
///
/// # Errors
/// [`Error::State`].
pub fn finalise(storage: &dyn Storage, task: u64, round: u64) -> Result<Finalise, Error> {
    Ok(load(storage, &keys::numbers(prefix::FINALISE, &[task, round]))?.unwrap_or_default())
}

/// Writes how far the work on a round has come.
pub fn put_finalise(storage: &mut dyn Storage, task: u64, round: u64, finalise: &Finalise) {
    save(storage, keys::numbers(prefix::FINALISE, &[task, round]), finalise);
}

/// The verdict on a provider in a round, if there is one.
///
/// # Errors
/// [`Error::State`].
pub fn find_verdict(
    storage: &dyn Storage,
    task: u64,
    epoch: u64,
    round: u64,
    provider: &[u8],
) -> Result<Option<Verdict>, Error> {
    load(storage, &keys::address(prefix::VERDICT, &[task, epoch, round], provider))
}

/// The verdicts of a round.
///
/// # Errors
/// [`Error::State`].
pub fn verdicts_of_round(storage: &dyn Storage, task: u64, epoch: u64, round: u64) -> Result<Vec<Verdict>, Error> {
    list(storage, &keys::numbers(prefix::VERDICT, &[task, epoch, round]), usize::MAX)
}

/// The verdicts against a provider: in all tasks, in one, or in one's epoch.
///
/// # Errors
/// [`Error::State`].
pub fn verdicts_of(storage: &dyn Storage, provider: &[u8], place: &[u64], limit: usize) -> Result<Vec<Verdict>, Error> {
    let index = keys::by_address(prefix::CONVICTED, provider, place);
    let mut found = Vec::new();
    for (key, _) in storage.range(&index, &keys::after(&index), limit) {
        let numbers = key.get(key.len().saturating_sub(24)..).unwrap_or_default();
        let place: Vec<u64> =
            numbers.chunks_exact(8).filter_map(|number| number.try_into().ok().map(u64::from_be_bytes)).collect();
        if let [task, epoch, round] = place[..] {
            found.extend(find_verdict(storage, task, epoch, round, provider)?);
        }
    }
    Ok(found)
}

/// Writes a verdict and its entry by provider.
pub fn put_verdict(storage: &mut dyn Storage, verdict: &Verdict) {
    let place = [verdict.task_id, verdict.epoch, verdict.round];
    save(storage, keys::address(prefix::VERDICT, &place, &verdict.provider), verdict);
    storage.set(keys::by_address(prefix::CONVICTED, &verdict.provider, &place), keys::LISTED.to_vec());
}

/// The wrapped key of an epoch, if there is one.
///
/// # Errors
/// [`Error::State`].
pub fn find_wraps(storage: &dyn Storage, task: u64, epoch: u64) -> Result<Option<WrappedKeys>, Error> {
    load(storage, &keys::numbers(prefix::WRAPS, &[task, epoch]))
}

/// Writes the wrapped key of an epoch.
pub fn put_wraps(storage: &mut dyn Storage, task: u64, epoch: u64, wraps: &WrappedKeys) {
    save(storage, keys::numbers(prefix::WRAPS, &[task, epoch]), wraps);
}

/// The encrypted model of a round, if it was announced.
///
/// # Errors
/// [`Error::State`].
pub fn find_sealed_model(storage: &dyn Storage, task: u64, round: u64) -> Result<Option<SealedModel>, Error> {
    load(storage, &keys::numbers(prefix::MODEL, &[task, round]))
}

/// Writes the encrypted model of a round.
pub fn put_sealed_model(storage: &mut dyn Storage, task: u64, round: u64, model: &SealedModel) {
    save(storage, keys::numbers(prefix::MODEL, &[task, round]), model);
}

/// How a seat's holder behaved in a task.
///
/// # Errors
/// [`Error::State`].
pub fn conduct(storage: &dyn Storage, task: u64, address: &[u8]) -> Result<SeatConduct, Error> {
    Ok(load(storage, &keys::address(prefix::CONDUCT, &[task], address))?.unwrap_or_default())
}

/// Writes how a seat's holder behaved.
pub fn put_conduct(storage: &mut dyn Storage, task: u64, address: &[u8], conduct: &SeatConduct) {
    save(storage, keys::address(prefix::CONDUCT, &[task], address), conduct);
}

/// What an address earned from a task.
///
/// # Errors
/// [`Error::State`].
pub fn reward(storage: &dyn Storage, address: &[u8], task: u64) -> Result<Reward, Error> {
    Ok(load(storage, &keys::by_address(prefix::REWARD, address, &[task]))?.unwrap_or_else(|| Reward {
        task_id: task,
        amount: "0".into(),
        ..Default::default()
    }))
}

/// Writes what an address earned.
pub fn put_reward(storage: &mut dyn Storage, address: &[u8], reward: &Reward) {
    save(storage, keys::by_address(prefix::REWARD, address, &[reward.task_id]), reward);
}

/// A hash of 32 bytes out of a record.
///
/// # Errors
/// [`Error::State`].
pub fn hash(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::State(format!("a hash has {} bytes", bytes.len())))
}
