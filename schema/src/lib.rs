//! The chain's own protobuf types, generated from schema/proto.
