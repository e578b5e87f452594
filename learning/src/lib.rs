//! Fixed point, encodings, server optimisers, and the trainers of clients.
