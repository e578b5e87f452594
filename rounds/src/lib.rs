//! The life of a training task as a deterministic state machine.
