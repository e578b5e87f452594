//! Chain access, keys, data providers and model providers.
