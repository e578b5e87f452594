//! What an attacker computes from what is public.

use crate::world::World;
use bauta_secagg::context::Ctx;
use bauta_secagg::curve::Point;
use bauta_secagg::encoding::Slot;
use bauta_secagg::parties::Group;
use bauta_secagg::prg::{MaskKey, Use};
use bauta_secagg::ring::Sign;
use bauta_secagg::signature::Signed;
use bauta_secagg::unmask::{self, Asked, Partial, Requests};

/// A request list's entries and the points that the answers open.
pub type Opened = Vec<(Asked, Point)>;

/// Interpolates what `t` answers open.
pub fn open(requests: &Requests, answers: &[Signed<Partial>]) -> Opened {
    let partials: Vec<&Partial> = answers.iter().map(|answer| &answer.body).collect();
    let points = unmask::open(requests, &partials).unwrap();
    requests.entries().iter().copied().zip(points.points().iter().copied()).collect()
}

/// The point of a member's own mask, if it was opened.
pub fn self_mask(opened: &Opened, member: Slot) -> Option<Point> {
    opened.iter().find(|(asked, _)| *asked == Asked::SelfMask { provider: member }).map(|(_, point)| *point)
}

/// The masks that a member shares with the others of its group, as far as they were opened, each with the sign it has in the member's
/// vector.
pub fn edges(opened: &Opened, group: &Group, member: Slot) -> Vec<(Point, Sign)> {
    let of_edge = |(asked, point): &(Asked, Point)| {
        let Asked::Edge { provider, base } = asked else { return None };
        let other = group.iter().find(|other| other.p == *base).filter(|_| *provider == member)?;
        Some((*point, if other.slot > member { Sign::Plus } else { Sign::Minus }))
    };
    opened.iter().filter_map(of_edge).collect()
}

/// A masked vector less these masks: the weighted update, if they are all of them.
pub fn less_masks(world: &World, ctx: &Ctx, chunks: &[Vec<u8>], masks: &[(Point, Sign)]) -> Vec<i64> {
    let layout = world.terms().layout;
    let mut vector = Vec::new();
    for (number, chunk) in (0..).zip(chunks) {
        let mut elements = layout.zero(number).unwrap();
        elements.add_packed(chunk, Sign::Plus).unwrap();
        for (point, sign) in masks {
            MaskKey::new(Use::Vector, ctx, point).apply(&mut elements, sign.opposite());
        }
        vector.extend(elements.decode());
    }
    vector
}

/// An update as it is summed.
pub fn weighted(world: &World, i: usize, update: &[i64]) -> Vec<i64> {
    update.iter().map(|value| value * world.clients[i].weight as i64).collect()
}
