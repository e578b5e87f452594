//! How much each group helped: scores that move rewards, never bonds. What is statistical costs reward, since honest data may be unusual.
//!
//! Two scores, each in units of `2^-32`:
//!
//! - **Agreement** ([`Agreement`]): the cosine of the angle between a group's mean and the coordinate-wise median of all groups' means, from
//!   -1 to 1. The median stands for the direction that most groups agree on, and a minority cannot move it out of the honest
//!   ones' range (Yin et al. 2018). (As FLTrust does with the direction of a trusted update, which nobody has here: Cao et al. 2021, Section 4.)
//! - **Usefulness** ([`usefulness`]), where the task has a public test set: what the model's accuracy loses without the group, leave one out
//!   (Ghorbani and Zou 2019, Section 2, whose baseline it is), from 0 to 1; one half says that it makes no difference.
//!
//! [`factor`] makes one number of both, and [`shares`] divides a reward by it.

mod agreement;
mod leave_one_out;
mod shares;

pub use agreement::{Agreement, AGREEMENT_TAG};
pub use leave_one_out::{can_leave_one_out, leave_one_out, usefulness, without, LeaveOneOutError};
pub use shares::{factor, shares};
