//! What each of the contracts stands on, so that the three behave alike: the role of the admin and how it changes hands, which
//! migrations are accepted, and the checks of what a message brings.

pub mod admin;
pub mod input;
pub mod migration;
