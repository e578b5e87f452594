//! The machine's errors as the chain's.

use bauta_rounds::{Error as RoundsError, CODESPACE};

use crate::error::{grpc, Error};

/// An error of a message: codespace `training` and the machine's code.
pub fn of_message(error: &RoundsError) -> Error {
    Error::new(CODESPACE, error.code(), error.to_string())
}

/// An error of a query.
pub fn of_query(error: &RoundsError) -> Error {
    match error {
        RoundsError::UnknownTask(_) | RoundsError::NotFound(_) | RoundsError::NotMember { .. } => {
            grpc::not_found(error.to_string())
        }
        RoundsError::Invalid(_) | RoundsError::Settings(_) => grpc::invalid_argument(error.to_string()),
        RoundsError::State(_) => grpc::internal(error.to_string()),
        other => grpc::unknown(other.to_string()),
    }
}
