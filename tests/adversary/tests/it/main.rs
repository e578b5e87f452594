//! Adversaries, one a file: each is caught, or gains nothing, and succeeds without the one check that stops it.

mod bad_share;
mod below_min_group;
mod blame_oracle;
mod chunk_griefing;
mod copied_deal;
mod copied_evidence;
mod copied_proof;
mod differencing;
mod eclipsed_client;
mod eclipsed_dealer;
mod expect;
mod false_complaint;
mod false_edge;
mod false_point;
mod forged_partial;
mod framing_complaint;
mod full_lane;
mod ground_partition;
mod hostile_bytes;
mod identity_share;
mod inconsistent_labels;
mod lab;
mod late_submission;
mod mask_reuse;
mod model_inconsistency;
mod no_submission;
mod non_canonical;
mod out_of_bound;
mod resent_header;
mod restarted_seat;
mod silent_in_blame;
mod silent_seat;
mod small_seeds;
mod store;
mod sybil_group;
mod table;
mod town;
mod two_headers;
mod unrequested_partial;
mod weight_inflation;
mod withheld_seed;
mod wrap_around;
mod wrong_partial;

/// The world of the machine's own tests, here with contracts behind it.
#[allow(dead_code)]
#[path = "../../../../rounds/tests/it/world/mod.rs"]
mod world;
