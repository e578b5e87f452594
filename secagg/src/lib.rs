//! Masked sums on a bulletin board: keys, dealing, masking, partial unmasking and their proofs.
