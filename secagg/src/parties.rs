//! Ordered lists of parties and the roots that bind them: roster, seats, group, survivors.

use std::collections::BTreeSet;

use crate::context::Root;
use crate::curve::{Point, VerifyKey};
use crate::encoding::{within, Address, Malformed, SeatIndex, Slot, Writer, MAX_PROVIDERS, MAX_SEATS};
use crate::root::tree_hash;
use crate::switched_off;

/// A qualified dealer's public keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Account address.
    pub address: Address,
    /// Masking key `X`.
    pub x: Point,
    /// Cohort key `Z`.
    pub z: Point,
    /// Decryption key as a seat, `E`.
    pub e: Point,
    /// Signing key `V`.
    pub v: VerifyKey,
}

/// The dealers qualified when a round opens, in slot order with the slots they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster(Vec<(Slot, Member)>);

impl Roster {
    /// Takes the qualified dealers of the epoch, sorts them by address and numbers them from 1. Refuses an address twice.
    pub fn new(mut members: Vec<Member>) -> Result<Self, Malformed> {
        within("roster size", members.len() as u64, 0, MAX_PROVIDERS as u64)?;
        members.sort_by(|a, b| a.address.cmp(&b.address));
        let numbered = (1..).zip(members).map(|(slot, member)| Ok((Slot::new(slot)?, member)));
        Self::with_slots(numbered.collect::<Result<_, _>>()?)
    }

    /// Takes members with slots fixed earlier in the epoch (a dealer that was disqualified since leaves a gap); both slots
    /// and addresses must ascend strictly.
    pub fn with_slots(members: Vec<(Slot, Member)>) -> Result<Self, Malformed> {
        within("roster size", members.len() as u64, 0, MAX_PROVIDERS as u64)?;
        let ascending = |w: &[(Slot, Member)]| w[0].0 < w[1].0 && w[0].1.address < w[1].1.address;
        if !members.windows(2).all(ascending) {
            return Err(Malformed::Order { what: "the roster's slots and addresses" });
        }
        Ok(Self(members))
    }

    /// Root over the leaves `(slot, address, X, Z, E, V)`.
    pub fn root(&self) -> Root {
        tree_hash(self.0.iter().map(|(slot, member)| {
            let mut leaf = Writer::new();
            leaf.slot(*slot).address(&member.address).point(&member.x).point(&member.z).point(&member.e);
            leaf.bytes(&member.v.to_bytes());
            leaf.into_bytes()
        }))
    }

    /// The slot of an address.
    pub fn slot_of(&self, address: &Address) -> Option<Slot> {
        let at = self.0.binary_search_by(|(_, member)| member.address.cmp(address)).ok()?;
        Some(self.0[at].0)
    }

    /// The member that holds a slot.
    pub fn member(&self, slot: Slot) -> Option<&Member> {
        let at = self.0.binary_search_by_key(&slot, |(slot, _)| *slot).ok()?;
        Some(&self.0[at].1)
    }

    /// Members in slot order.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Member)> {
        self.0.iter().map(|(slot, member)| (*slot, member))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody qualified.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Who holds a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatHolder {
    /// Account address.
    pub address: Address,
    /// Decryption key `E_k`.
    pub e: Point,
}

/// The committee: seats `1..=m` in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats(Vec<SeatHolder>);

impl Seats {
    /// Takes the holders in seat order. One address may hold several seats (a draw with replacement).
    pub fn new(holders: Vec<SeatHolder>) -> Result<Self, Malformed> {
        within("number of seats", holders.len() as u64, 1, MAX_SEATS as u64)?;
        Ok(Self(holders))
    }

    /// `m = n`: everyone enrolled holds one seat, by rank of the address.
    pub fn of_enrolled(enrolled: impl IntoIterator<Item = SeatHolder>) -> Result<Self, Malformed> {
        let mut holders: Vec<_> = enrolled.into_iter().collect();
        holders.sort_by(|a, b| a.address.cmp(&b.address));
        if !holders.windows(2).all(|w| w[0].address < w[1].address) {
            return Err(Malformed::Order { what: "the enrolled addresses" });
        }
        Self::new(holders)
    }

    /// Root over the leaves `(k, address, E_k)`.
    pub fn root(&self) -> Root {
        tree_hash(self.iter().map(|(seat, holder)| {
            let mut leaf = Writer::new();
            leaf.seat(seat).address(&holder.address).point(&holder.e);
            leaf.into_bytes()
        }))
    }

    /// Seats in order.
    pub fn iter(&self) -> impl Iterator<Item = (SeatIndex, &SeatHolder)> {
        (1..).zip(&self.0).map(|(k, holder)| (SeatIndex::new(k).expect("at most MAX_SEATS holders"), holder))
    }

    /// Who holds seat `k`.
    pub fn holder(&self, seat: SeatIndex) -> Option<&SeatHolder> {
        self.0.get(seat.get() as usize - 1)
    }

    /// The seats an address holds.
    pub fn of(&self, address: &Address) -> Vec<SeatIndex> {
        self.iter().filter(|(_, holder)| holder.address == *address).map(|(seat, _)| seat).collect()
    }

    /// `m`.
    #[allow(clippy::len_without_is_empty)] // There is always at least one seat.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// `t = floor(m/2) + 1`, the rule for `m = n`.
    pub fn threshold(&self) -> usize {
        threshold(self.len())
    }
}

/// `t = floor(m/2) + 1`.
pub fn threshold(seats: usize) -> usize {
    seats / 2 + 1
}

/// One that checked in, as others mask towards it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Slot.
    pub slot: Slot,
    /// Account address.
    pub address: Address,
    /// Masking key `X_j`.
    pub x: Point,
    /// Round base `P_j`.
    pub p: Point,
}

/// The members of a group that checked in, in slot order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group(Vec<GroupMember>);

impl Group {
    /// Sorts by slot; refuses a slot or an address twice.
    pub fn new(mut members: Vec<GroupMember>) -> Result<Self, Malformed> {
        within("group size", members.len() as u64, 1, MAX_PROVIDERS as u64)?;
        members.sort_by_key(|member| member.slot);
        if !members.windows(2).all(|w| w[0].slot < w[1].slot && w[0].address < w[1].address) {
            return Err(Malformed::Order { what: "the group's slots and addresses" });
        }
        Ok(Self(members))
    }

    /// Root over the leaves `(slot, address, X_j, P_j)`.
    pub fn root(&self) -> Root {
        tree_hash(self.0.iter().map(|member| {
            let mut leaf = Writer::new();
            leaf.slot(member.slot).address(&member.address).point(&member.x).point(&member.p);
            leaf.into_bytes()
        }))
    }

    /// The member that holds a slot.
    pub fn member(&self, slot: Slot) -> Option<&GroupMember> {
        self.0.binary_search_by_key(&slot, |member| member.slot).ok().map(|at| &self.0[at])
    }

    /// Members in slot order.
    pub fn iter(&self) -> impl Iterator<Item = &GroupMember> {
        self.0.iter()
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)] // There is always at least one member.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Too few survivors: nothing of the group may be asked for or revealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{survivors} members submitted, but the group needs at least {min_group}")]
pub struct TooFew {
    /// Who submitted.
    pub survivors: usize,
    /// The task's minimum.
    pub min_group: usize,
}

/// Who of a group submitted completely and who dropped out; only exists with at least `min_group` survivors, so that no
/// request list can be made for fewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivors {
    survivors: Vec<Slot>,
    dropped: Vec<Slot>,
}

impl Survivors {
    /// Divides the group by who submitted; slots outside the group are ignored.
    pub fn new(group: &Group, submitted: &BTreeSet<Slot>, min_group: usize) -> Result<Self, TooFew> {
        let slots = group.iter().map(|member| member.slot);
        let (survivors, dropped): (Vec<_>, Vec<_>) = slots.partition(|slot| submitted.contains(slot));
        if survivors.len() < min_group.max(1) && !switched_off!(MinGroup) {
            return Err(TooFew { survivors: survivors.len(), min_group });
        }
        Ok(Self { survivors, dropped })
    }

    /// Slots whose complete submission is stored, ascending.
    pub fn survivors(&self) -> &[Slot] {
        &self.survivors
    }

    /// Slots that checked in and dropped out, ascending.
    pub fn dropped(&self) -> &[Slot] {
        &self.dropped
    }
}
