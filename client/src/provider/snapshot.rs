//! What the chain shows of a task at one height, and the comparison of every root and context in it with this provider's own.
//!
//! A node that shows a false group, false seats, false survivors or another model must contradict itself somewhere here, unless it
//! makes up the records consistently; against that help the proofs of the records ([`proven`](super::proven)).

use bauta_learning::model::Model;
use bauta_rounds::derive;
use bauta_rounds::terms::Terms;
use bauta_schema::training::v1 as pb;
use bauta_secagg::committee::DRAWN_THRESHOLD;
use bauta_secagg::context::{Ctx, Ectx, ModelHash, Rctx, Root, SettingsHash};
use bauta_secagg::encoding::{Address, Slot, MAX_SEATS};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::joint::JointInput;
use bauta_secagg::parties::{Group, Seats};
use bauta_secagg::partition;
use bauta_secagg::unmask::Requests;

use super::cohort::Published;
use super::ProviderError;
use crate::chain::Chain;

/// A task at one height.
pub(crate) struct Snapshot {
    pub task: pb::QueryTaskResponse,
    pub terms: Terms,
    pub epoch: pb::QueryEpochResponse,
    pub round: Option<pb::QueryRoundResponse>,
    pub ectx: Ectx,
}

/// A round whose contexts were recomputed.
pub(crate) struct RoundView<'a> {
    pub response: &'a pb::QueryRoundResponse,
    pub record: &'a pb::Round,
    pub rctx: Rctx,
    pub ctx: Ctx,
    pub model_hash: ModelHash,
    pub roster_root: Root,
    /// The encrypted model; `None` in open tasks.
    pub published: Option<Published>,
}

impl Snapshot {
    /// Reads a task and recomputes what binds it.
    pub async fn read(chain: &Chain, task_id: u64) -> Result<Self, ProviderError> {
        let (task, settings) = chain.task(task_id).await?;
        let hash = bauta_schema::training::v1::settings_hash(&settings);
        if task.settings_hash != hash {
            return Err(ProviderError::inconsistent("settings of the task", "do not have the task's settings_hash"));
        }
        let terms = Terms::read(&settings).map_err(|why| ProviderError::inconsistent("settings of the task", why))?;
        let epoch = chain.epoch(task_id, task.epoch).await?;
        let record = epoch.epoch.as_ref().filter(|record| record.number == task.epoch && record.task_id == task_id);
        let record = record.ok_or_else(|| ProviderError::inconsistent("an epoch", "is not the task's"))?;
        let ectx = Ectx::new(chain.id(), task_id, record.number, &SettingsHash::from_bytes(hash))
            .map_err(|why| ProviderError::inconsistent("a chain id", why))?;
        if record.ectx != ectx.as_bytes() {
            return Err(ProviderError::inconsistent(
                "an epoch",
                "has another context than its chain, task and settings give",
            ));
        }
        let round = match task.round {
            0 => None,
            number => chain.round(task_id, number).await?,
        };
        let task = pb::QueryTaskResponse { task: Some(task), settings: Some(settings) };
        Ok(Self { task, terms, epoch, round, ectx })
    }

    pub fn task(&self) -> pb::Task {
        self.task.task.clone().unwrap_or_default()
    }

    pub fn epoch(&self) -> pb::Epoch {
        self.epoch.epoch.clone().unwrap_or_default()
    }

    /// This provider's membership, compared with its keys.
    pub fn member(&self, address: &Address, keys: Option<&ProviderKeys>) -> Result<Option<&pb::Member>, ProviderError> {
        let member = self.epoch.members.iter().find(|member| member.address == address.as_bytes());
        let (Some(member), Some(keys)) = (member, keys) else { return Ok(member) };
        let public = keys.public();
        let same = member.masking_key == public.x.to_bytes()
            && member.cohort_key == public.z.to_bytes()
            && member.seat_key == public.e.to_bytes()
            && member.signing_key == public.v.to_bytes();
        if !same {
            return Err(ProviderError::inconsistent("a member", "has other keys than this provider enrolled with"));
        }
        Ok(Some(member))
    }

    /// The seats, compared with their root; this provider's own seat, if it has one, must hold its own key.
    pub fn seats(&self, address: &Address, keys: &ProviderKeys) -> Result<Seats, ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("seats", why);
        let record = self.epoch();
        let seats = derive::seats(&self.epoch.seats).map_err(|why| wrong(&why.to_string()))?;
        if seats.root().as_bytes()[..] != record.seats_root[..] {
            return Err(wrong("do not have their root"));
        }
        let is_drawn = !record.seats_seed.is_empty() && seats.len() == MAX_SEATS;
        let threshold = if is_drawn { DRAWN_THRESHOLD } else { seats.threshold() };
        if seats.len() != record.seats as usize || threshold != record.threshold as usize {
            return Err(wrong("are not as many as the epoch says, or have another threshold than the rules give"));
        }
        let own = keys.public().e;
        let held = |holder: &bauta_secagg::parties::SeatHolder| holder.address == *address && holder.e != own;
        if seats.iter().any(|(_, holder)| held(holder)) {
            return Err(wrong("give this provider's seat another key than its own"));
        }
        Ok(seats)
    }

    /// That a seat is this provider's, among the seats that have their root: shares are opened and answered under its index.
    pub fn own_seat(&self, address: &Address, index: u32) -> Result<(), ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("seats", why);
        let seats = derive::seats(&self.epoch.seats).map_err(|why| wrong(&why.to_string()))?;
        if seats.root().as_bytes()[..] != self.epoch().seats_root[..] {
            return Err(wrong("do not have their root"));
        }
        let is_own = seats.iter().any(|(seat, holder)| seat.get() == index && holder.address == *address);
        if !is_own {
            return Err(wrong("give this provider another seat than it is said to have"));
        }
        Ok(())
    }

    /// What everyone enrolled evaluates for the seed of the seats; the enrolled are compared with their root.
    pub fn everyones_input(&self) -> Result<JointInput, ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("the enrolled", why);
        let record = self.epoch();
        let root = derive::enrolment_root(&self.epoch.members).map_err(|why| wrong(&why.to_string()))?;
        if root.as_bytes()[..] != record.enrolment_root[..] {
            return Err(wrong("do not have their root"));
        }
        derive::everyones_input(&record).map_err(|why| wrong(&why.to_string()))
    }

    /// The slots of the dealers whose joint key the seats share, compared with their root.
    pub fn dealers(&self) -> Result<Vec<Slot>, ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("the dealers", why);
        let dealers = derive::dealers(&self.epoch.members).map_err(|why| wrong(&why.to_string()))?;
        if dealers.root().as_bytes()[..] != self.epoch().dealers_root[..] {
            return Err(wrong("do not have their root"));
        }
        Ok(dealers.iter().map(|(slot, _)| slot).collect())
    }

    /// That every dealer is shown in the group that the value of their joint key gives it.
    pub fn check_partition(&self) -> Result<(), ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("the partition", why);
        let (record, size) = (self.epoch(), self.terms.cohort.group_size);
        let dealers = self.dealers()?;
        if record.partition_point.is_empty() && partition::groups(dealers.len(), size as usize) > 1 {
            return Err(wrong("has one group, where so many dealers make more"));
        }
        let groups = derive::partition(&record, &dealers, size).map_err(|why| wrong(&why.to_string()))?;
        let shown = |slot: &Slot| {
            let member = self.epoch.members.iter().find(|member| member.slot == slot.get());
            member.map_or(0, |member| member.group)
        };
        let mut numbered = (1u32..).zip(&groups);
        let is_right = numbered.all(|(number, group)| group.iter().all(|slot| shown(slot) == number));
        if !is_right || record.groups as usize != groups.len() {
            return Err(wrong("is not the one that the value of the joint key gives"));
        }
        Ok(())
    }

    /// The running round with its contexts recomputed.
    pub fn round(&self) -> Result<Option<RoundView<'_>>, ProviderError> {
        let Some(response) = &self.round else { return Ok(None) };
        let wrong = |why: &str| ProviderError::inconsistent("a round", why);
        let task = self.task();
        let record = response.round.as_ref().ok_or_else(|| wrong("is empty"))?;
        if record.task_id != task.id || record.number != task.round {
            return Err(wrong("is not the task's running one"));
        }
        if record.epoch != task.epoch {
            // The round before this epoch's first.
            return Ok(None);
        }
        if record.phase() == pb::RoundPhase::Model || record.ctx.is_empty() {
            // Nothing is due before the model provider has published its model; one that it never published has no context.
            return Ok(None);
        }
        let rctx = Rctx::new(&self.ectx, record.number);
        let roster = derive::roster(&self.epoch.members, record.number).map_err(|why| wrong(&why.to_string()))?;
        let roster_root = roster.root();
        let model_hash = ModelHash::from_bytes(array(&record.model_hash).ok_or_else(|| wrong("names no model"))?);
        let published = match self.published(response, &rctx)? {
            Some((_, hash)) if hash != model_hash => return Err(wrong("has another model hash than its model gives")),
            published => published.map(|(published, _)| published),
        };
        let ctx = Ctx::new(&rctx, &model_hash, &roster_root);
        if record.rctx != rctx.as_bytes() {
            return Err(wrong("has another check-in context than its epoch and number give"));
        }
        if record.roster_root != roster_root.as_bytes() || record.ctx != ctx.as_bytes() {
            return Err(wrong("has another context than its model and its members give"));
        }
        Ok(Some(RoundView { response, record, rctx, ctx, model_hash, roster_root, published }))
    }

    /// The model of a round. Its bytes have been compared with its hash.
    pub async fn model(&self, chain: &Chain, hash: &ModelHash) -> Result<Model, ProviderError> {
        let bytes = chain.model(self.task().id, Some(hash.as_bytes())).await?;
        let model = Model::decode(&bytes)?;
        if model.spec() != &self.terms.spec {
            return Err(ProviderError::inconsistent("a model", "has other tensors than the task's settings"));
        }
        Ok(model)
    }
}

impl RoundView<'_> {
    /// Those of a member's group who checked in, compared with their root, and each with the group that the partition gives it.
    pub fn group(&self, members: &[pb::Member], own: &pb::Member) -> Result<Group, ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("a group", why);
        let shown = self.record.groups.iter().find(|group| group.number == own.group);
        let shown = shown.ok_or_else(|| wrong("is not among the round's"))?;
        let is_of_group = |slot: &u32| members.iter().any(|member| member.slot == *slot && member.group == own.group);
        if !shown.members.contains(&own.slot) || !shown.members.iter().all(is_of_group) {
            return Err(wrong("has others than the members that the partition gives it"));
        }
        let group = derive::group_of_round(members, &self.response.check_ins, shown);
        let group = group.map_err(|why| wrong(&why.to_string()))?;
        if group.root().as_bytes()[..] != shown.root[..] {
            return Err(wrong("does not have its root"));
        }
        Ok(group)
    }

    /// What is asked of the seats, compared with its root, and the groups in it with theirs.
    pub fn requests(&self, members: &[pb::Member], min_group: u32) -> Result<Requests, ProviderError> {
        let wrong = |why: &str| ProviderError::inconsistent("survivors", why);
        let groups = derive::released_groups(members, &self.response.check_ins, self.record, min_group)
            .map_err(|why| wrong(&why.to_string()))?;
        let shown = self.record.groups.iter().filter(|group| derive::is_released(group));
        if !shown.zip(&groups).all(|(shown, (group, _))| group.root().as_bytes()[..] == shown.root[..]) {
            return Err(ProviderError::inconsistent("a group", "does not have its root"));
        }
        let mut survivors: Vec<u32> = self.record.groups.iter().flat_map(|group| group.survivors.clone()).collect();
        survivors.sort_unstable();
        if survivors != self.record.survivors {
            return Err(wrong("are others than those of the groups"));
        }
        let requests = derive::requests(self.record, &groups).map_err(|why| wrong(&why.to_string()))?;
        if requests.root().as_bytes()[..] != self.record.request_root[..] {
            return Err(wrong("do not give the round's request_root"));
        }
        Ok(requests)
    }
}

pub(super) fn array(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.try_into().ok()
}
