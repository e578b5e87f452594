//! Events, in the order in which they were emitted.

/// One event: a kind and its attributes, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `transfer`, `message`, `wasm`, `wasm-...`, ...
    pub kind: String,
    /// Key and value.
    pub attributes: Vec<(String, String)>,
}

impl Event {
    /// An event without attributes.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), attributes: Vec::new() }
    }

    /// The same event with one more attribute.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((key.into(), value.into()));
        self
    }
}

/// For logs: the kind, then each attribute as `key=value`.
impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        self.attributes.iter().try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}
