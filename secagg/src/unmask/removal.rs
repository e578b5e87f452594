//! From partials to the unmasked sum.

use std::collections::BTreeMap;

use crate::context::Ctx;
use crate::curve::Point;
use crate::encoding::{SeatIndex, Slot};
use crate::interpolate::{BadSeats, Lagrange};
use crate::parties::{Group, Survivors};
use crate::prg::{MaskKey, Use};
use crate::ring::{Elements, Sign};
use crate::submit::sign_of_edge;
use crate::switched_off;
use crate::unmask::{Asked, Partial, Requests};

/// Why masks were not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The seats do not interpolate.
    #[error(transparent)]
    Seats(#[from] BadSeats),
    /// A partial does not answer the list.
    #[error("the partial of seat {0} does not answer the request list")]
    NotTheList(u32),
    /// A mask was not asked for.
    #[error("the mask of slot {0} is not among those opened")]
    NotOpened(u32),
}

/// The points `T_i` and `S_ij` of a request list, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedMasks(Vec<Point>);

impl OpenedMasks {
    /// The points, in the order of the request list.
    pub fn points(&self) -> &[Point] {
        &self.0
    }

    /// Points opened earlier, in the order of the request list.
    pub fn from_points(points: Vec<Point>) -> Self {
        Self(points)
    }
}

/// Interpolates every entry of the list from verified partials of distinct seats: exactly the threshold's number of them,
/// in any order. `lagrange` is of [`seats_of`] the same partials.
pub fn open(requests: &Requests, partials: &[&Partial]) -> Result<OpenedMasks, OpenError> {
    let lagrange = Lagrange::new(&seats_of(partials))?;
    let opened = open_range(requests, &lagrange, partials, 0, requests.len())?;
    Ok(OpenedMasks(opened))
}

/// The seats of partials, in their order.
pub fn seats_of(partials: &[&Partial]) -> Vec<SeatIndex> {
    partials.iter().map(|partial| partial.seat).collect()
}

/// The same for the entries `[from, to)` only, so that the work can be spread over blocks.
pub fn open_range(
    requests: &Requests,
    lagrange: &Lagrange,
    partials: &[&Partial],
    from: usize,
    to: usize,
) -> Result<Vec<Point>, OpenError> {
    for partial in partials {
        if partial.request_root != requests.root() || partial.entries.len() != requests.len() {
            return Err(OpenError::NotTheList(partial.seat.get()));
        }
    }
    let to = to.min(requests.len());
    let mut points = Vec::with_capacity(to.saturating_sub(from));
    let mut values = Vec::with_capacity(partials.len());
    for index in from..to {
        values.clear();
        values.extend(partials.iter().map(|partial| partial.entries[index].value));
        points.push(lagrange.projective(&values)?);
    }
    Ok(Point::batch(&points).ok_or(BadSeats::Identity)?)
}

/// The masks that are left in the sum of a group's survivors, with the signs that remove them.
#[derive(Debug, Clone)]
pub struct MaskRemoval(Vec<(MaskKey, Sign)>);

impl MaskRemoval {
    /// `sum_{i survives} y_i` holds `prg(T_i)` of every survivor and, for every dropped `j`, survivor `i`'s half of the
    /// edge: `+prg(S_ij)` if `j > i`, `-prg(S_ij)` if `j < i`. Edges between survivors cancel.
    pub fn new(
        ctx: &Ctx,
        group: &Group,
        survivors: &Survivors,
        requests: &Requests,
        opened: &OpenedMasks,
    ) -> Result<Self, OpenError> {
        Self::of_lists(ctx, group, survivors, &[(requests, opened)])
    }

    /// The same where several lists together opened what is needed: blame opens the edges of a culprit, which its group then treats like
    /// one that dropped out.
    pub fn of_lists(
        ctx: &Ctx,
        group: &Group,
        survivors: &Survivors,
        lists: &[(&Requests, &OpenedMasks)],
    ) -> Result<Self, OpenError> {
        let all = lists.iter().flat_map(|(requests, opened)| requests.entries().iter().zip(&opened.0));
        let own = all.filter(|(asked, _)| group.member(asked.provider()).is_some());
        let places: BTreeMap<_, _> = own.map(|(asked, point)| (place(asked), point)).collect();
        let find =
            |asked: Asked| places.get(&place(&asked)).ok_or_else(|| OpenError::NotOpened(asked.provider().get()));
        let mut masks = Vec::new();
        for slot in survivors.survivors() {
            let self_mask = find(Asked::SelfMask { provider: *slot })?;
            if !switched_off!(SelfMask) {
                masks.push((MaskKey::new(Use::Vector, ctx, self_mask), Sign::Minus));
            }
            let base = group.member(*slot).ok_or(OpenError::NotOpened(slot.get()))?.p;
            for dropped in survivors.dropped() {
                let edge = find(Asked::Edge { provider: *dropped, base })?;
                masks.push((MaskKey::new(Use::Vector, ctx, edge), sign_of_edge(*slot, *dropped).opposite()));
            }
        }
        Ok(Self(masks))
    }

    /// How many masks a chunk costs.
    pub fn masks(&self) -> usize {
        self.0.len()
    }

    /// Removes the masks from the sum of the survivors' chunks.
    pub fn remove(&self, sum: &mut Elements) {
        self.0.iter().for_each(|(key, sign)| key.apply(sum, *sign));
    }
}

fn place(asked: &Asked) -> (Slot, Option<[u8; 33]>) {
    match asked {
        Asked::SelfMask { provider } => (*provider, None),
        Asked::Edge { provider, base } => (*provider, Some(base.to_bytes())),
    }
}
