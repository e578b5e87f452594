//! Messages, queries and sudo messages of the three contracts.
