//! Type URLs of the module's messages, as they stand in a transaction's `Any`.

/// `MsgCreateTask`.
pub const CREATE_TASK: &str = "/bauta.training.v1.MsgCreateTask";
/// `MsgCancelTask`.
pub const CANCEL_TASK: &str = "/bauta.training.v1.MsgCancelTask";
/// `MsgTopUpTask`.
pub const TOP_UP_TASK: &str = "/bauta.training.v1.MsgTopUpTask";
/// `MsgEnrol`.
pub const ENROL: &str = "/bauta.training.v1.MsgEnrol";
/// `MsgDeal`.
pub const DEAL: &str = "/bauta.training.v1.MsgDeal";
/// `MsgComplain`.
pub const COMPLAIN: &str = "/bauta.training.v1.MsgComplain";
/// `MsgContribute`.
pub const CONTRIBUTE: &str = "/bauta.training.v1.MsgContribute";
/// `MsgEvaluate`.
pub const EVALUATE: &str = "/bauta.training.v1.MsgEvaluate";
/// `MsgCheckIn`.
pub const CHECK_IN: &str = "/bauta.training.v1.MsgCheckIn";
/// `MsgSubmitHeader`.
pub const SUBMIT_HEADER: &str = "/bauta.training.v1.MsgSubmitHeader";
/// `MsgSubmitChunk`.
pub const SUBMIT_CHUNK: &str = "/bauta.training.v1.MsgSubmitChunk";
/// `MsgUnmask`.
pub const UNMASK: &str = "/bauta.training.v1.MsgUnmask";
/// `MsgBlameValues`.
pub const BLAME_VALUES: &str = "/bauta.training.v1.MsgBlameValues";
/// `MsgWrapKeys`.
pub const WRAP_KEYS: &str = "/bauta.training.v1.MsgWrapKeys";
/// `MsgPublishModel`.
pub const PUBLISH_MODEL: &str = "/bauta.training.v1.MsgPublishModel";
/// `MsgPublishModelChunk`.
pub const PUBLISH_MODEL_CHUNK: &str = "/bauta.training.v1.MsgPublishModelChunk";
/// `MsgComplainAboutWrap`.
pub const COMPLAIN_ABOUT_WRAP: &str = "/bauta.training.v1.MsgComplainAboutWrap";
/// `MsgReport`.
pub const REPORT: &str = "/bauta.training.v1.MsgReport";
/// `MsgUpdateParams`.
pub const UPDATE_PARAMS: &str = "/bauta.training.v1.MsgUpdateParams";

/// The protocol messages: those that carry an empty fee, and go through the reserved lane.
pub const PROTOCOL: [&str; 11] = [
    ENROL,
    CONTRIBUTE,
    DEAL,
    COMPLAIN,
    EVALUATE,
    CHECK_IN,
    SUBMIT_HEADER,
    SUBMIT_CHUNK,
    UNMASK,
    BLAME_VALUES,
    COMPLAIN_ABOUT_WRAP,
];
