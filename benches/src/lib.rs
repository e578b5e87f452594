//! What the README's figures come from: rounds with everything real in them, up to the point where measuring begins.

pub mod committee;
pub mod released;
