//! The partition of an epoch's dealers into groups, fixed for the epoch. It is cut with the value of the dealers' joint key,
//! which nobody knows before it is too late to change who is in: a partition drawn from check-ins could be ground by the last
//! to check in, and regrouping every round would reveal individuals by linear algebra.

use crate::curve::Point;
use crate::draw::Draw;
use crate::encoding::Slot;
use crate::joint::JointInput;

/// How many groups `n` dealers make: `floor(n / g)`; none if they are fewer than `g`.
pub fn groups(n: usize, g: usize) -> usize {
    n / g.max(1)
}

/// Fisher-Yates on the slots in ascending order (from the last place to the second, each exchanged with one up to it), cut
/// into [`groups`] of which the first `n mod groups` hold one more than the others, so that every size is `g` to `2g - 1`.
/// The slots of a group ascend.
pub fn cut(input: &JointInput, point: &Point, slots: &[Slot], g: usize) -> Vec<Vec<Slot>> {
    let mut shuffled = slots.to_vec();
    let mut draw = Draw::new("partition", input, point);
    for place in (1..shuffled.len()).rev() {
        let other = draw.below(place as u64 + 1) as usize;
        shuffled.swap(place, other);
    }
    let count = groups(slots.len(), g);
    if count == 0 {
        return Vec::new();
    }
    let (size, larger) = (slots.len() / count, slots.len() % count);
    let mut rest = shuffled.as_slice();
    let mut cut = Vec::with_capacity(count);
    for number in 0..count {
        let (group, left) = rest.split_at(size + usize::from(number < larger));
        let mut group = group.to_vec();
        group.sort_unstable();
        cut.push(group);
        rest = left;
    }
    cut
}
