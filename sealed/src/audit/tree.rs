//! A Merkle-sum tree over a provider's rows: a leaf carries what its row adds to `A` and `b`, a node what its rows add together, the root
//! the sums that the provider computes with. Ralph Merkle's tree with sums is Maxwell's (2014, "Proving Your Bitcoin Reserves"), with
//! both children's sums in the hash, since otherwise they could be exchanged for others of equal total.
//!
//! ```text
//! leaf = SHA-256(0x00 | salt | sums)        sums = rows | x_i x_j for i <= j | y_v x_i, each be64
//! node = SHA-256(0x01 | left | sums of left | right | sums of right)
//! root = SHA-256(lp("bauta/1/sealed/rows") | root node | sums)
//! ```
//! The tree splits at the largest power of two below its rows (RFC 6962, Section 2.1). Salts come from the submission's seed, so that a hash
//! tells nothing about a row.
//!
//! **What a juror learns**: the rows that are drawn; beside each its neighbour's products, if that is a leaf; and the sums of larger
//! subtrees, of which that of few rows says much about each. **What it is sure of**: a provider whose root does not carry the sums of real rows in a part `p` of the tree is found out
//! with `1 - (1 - p)^s` for `s` drawn rows. It is not sure that rows are true: nobody can be who does not see where they come from.
//! A proof is `log2(m)` times `d (d + 1) / 2 + k d + 1` integers, and so is checking it.

mod sums;

use sha2::{Digest, Sha256};

pub use sums::{Row, RowShape, Sums};

use crate::sampling::{Seed, Stream};
use crate::submission::Statistics;

/// Most rows of a tree.
pub const MAX_ROWS: usize = 1 << 24;

/// Why a tree could not be made, or a row not be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// A tree of nothing, or of more than is supported.
    #[error("a tree has 1 to {MAX_ROWS} rows, not {0}")]
    Rows(usize),
    /// A row of another shape.
    #[error("row {row} has {features} features and {targets} targets; the task has {width} and {vectors}")]
    Shape {
        /// From 0.
        row: usize,
        /// Given.
        features: usize,
        /// Given.
        targets: usize,
        /// By the task.
        width: usize,
        /// By the task.
        vectors: usize,
    },
    /// A value that no quantised row has.
    #[error("row {row} has a value of {value}; the task allows {bound} in absolute value")]
    Bound {
        /// From 0.
        row: usize,
        /// The value.
        value: i64,
        /// Of features or targets.
        bound: u64,
    },
    /// A sum beyond 63 bits.
    #[error("a sum over the rows does not fit in 64 bits")]
    Overflow,
    /// No such row.
    #[error("there is no row {row} of {rows}")]
    Place {
        /// Asked for.
        row: usize,
        /// There are.
        rows: usize,
    },
    /// A proof of another length, or siblings of another shape.
    #[error("the proof of row {0} has not the shape of its place in the tree")]
    Proof(usize),
    /// The path does not lead to the root.
    #[error("row {0} does not lead to the root that was committed to")]
    Root(usize),
    /// The root carries other sums than were used.
    #[error("the root carries other sums than the provider computed with")]
    Sums,
}

/// A node with what its rows add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    hash: [u8; 32],
    sums: Sums,
}

impl Node {
    fn leaf(shape: &RowShape, place: usize, row: &Row, salt: &[u8; 32]) -> Result<Self, TreeError> {
        let sums = Sums::of(shape, place, row)?;
        let mut hash = Sha256::new();
        hash.update([0]);
        hash.update(salt);
        sums.hash_into(&mut hash);
        Ok(Self { hash: hash.finalize().into(), sums })
    }

    fn parent(left: &Self, right: &Self) -> Result<Self, TreeError> {
        let mut hash = Sha256::new();
        hash.update([1]);
        for child in [left, right] {
            hash.update(child.hash);
            child.sums.hash_into(&mut hash);
        }
        Ok(Self { hash: hash.finalize().into(), sums: left.sums.plus(&right.sums)? })
    }

    fn root(&self) -> [u8; 32] {
        const TAG: &[u8] = b"bauta/1/sealed/rows";
        let mut hash = Sha256::new();
        hash.update([0, TAG.len() as u8]);
        hash.update(TAG);
        hash.update(self.hash);
        self.sums.hash_into(&mut hash);
        hash.finalize().into()
    }
}

/// A row with its way to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProof {
    /// From 0.
    pub place: usize,
    /// The row.
    pub row: Row,
    /// Of its leaf.
    pub salt: [u8; 32],
    /// From the leaf's up.
    pub siblings: Vec<Node>,
}

/// The tree of a provider's minibatch.
pub struct Tree<'a> {
    shape: RowShape,
    rows: &'a [Row],
    seed: &'a Seed,
    node: Node,
}

impl<'a> Tree<'a> {
    /// The tree over these rows, salted from the submission's seed.
    ///
    /// # Errors
    /// A row of another shape or above its bound; a sum that does not fit.
    pub fn new(shape: RowShape, rows: &'a [Row], seed: &'a Seed) -> Result<Self, TreeError> {
        if !(1..=MAX_ROWS).contains(&rows.len()) {
            return Err(TreeError::Rows(rows.len()));
        }
        let node = build(&shape, rows, 0, seed, None)?;
        Ok(Self { shape, rows, seed, node })
    }

    /// What the provider commits to.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.node.root()
    }

    /// What the provider computes with.
    #[must_use]
    pub fn sums(&self) -> &Sums {
        &self.node.sums
    }

    /// The proof of one row. Takes as long as making the tree, and no more memory than the proof.
    ///
    /// # Errors
    /// A row that is not there.
    pub fn prove(&self, place: usize) -> Result<RowProof, TreeError> {
        let row = self.rows.get(place).ok_or(TreeError::Place { row: place, rows: self.rows.len() })?.clone();
        let mut siblings = Vec::new();
        build(&self.shape, self.rows, 0, self.seed, Some((place, &mut siblings)))?;
        Ok(RowProof { place, row, salt: salt(self.seed, place), siblings })
    }
}

fn salt(seed: &Seed, place: usize) -> [u8; 32] {
    *seed.derive("row", &[&(place as u64).to_be_bytes()]).expose()
}

/// Rows of the left part: the largest power of two below.
fn split(rows: usize) -> usize {
    1 << (rows - 1).ilog2()
}

/// The node over `rows`, which begin at `first`; `path` collects the siblings of one place. No deeper than 25.
fn build(
    shape: &RowShape,
    rows: &[Row],
    first: usize,
    seed: &Seed,
    path: Option<(usize, &mut Vec<Node>)>,
) -> Result<Node, TreeError> {
    if let [row] = rows {
        return Node::leaf(shape, first, row, &salt(seed, first));
    }
    let (left, right) = rows.split_at(split(rows.len()));
    let middle = first + left.len();
    match path {
        Some((place, siblings)) if place < middle => {
            let left = build(shape, left, first, seed, Some((place, &mut *siblings)))?;
            let right = build(shape, right, middle, seed, None)?;
            siblings.push(right.clone());
            Node::parent(&left, &right)
        }
        Some((place, siblings)) => {
            let left = build(shape, left, first, seed, None)?;
            let right = build(shape, right, middle, seed, Some((place, &mut *siblings)))?;
            siblings.push(left.clone());
            Node::parent(&left, &right)
        }
        None => Node::parent(&build(shape, left, first, seed, None)?, &build(shape, right, middle, seed, None)?),
    }
}

/// Which rows are opened: `count` draws among `rows`, from a value that nobody knew when the root was committed to. A row may be drawn
/// twice.
#[must_use]
pub fn drawn(beacon: &[u8; 32], rows: usize, count: usize) -> Vec<usize> {
    let mut stream = Stream::public(beacon, "drawn rows");
    // Below the number of rows.
    (0..count).map(|_| stream.below(rows.max(1) as u64) as usize).collect()
}

/// Whether a row leads to the root, and the root carries `statistics` over `rows` rows.
///
/// # Errors
/// What does not hold.
pub fn verify(
    shape: &RowShape,
    root: &[u8; 32],
    rows: usize,
    statistics: &Statistics,
    proof: &RowProof,
) -> Result<(), TreeError> {
    if !(1..=MAX_ROWS).contains(&rows) {
        return Err(TreeError::Rows(rows));
    }
    if proof.place >= rows {
        return Err(TreeError::Place { row: proof.place, rows });
    }
    // From the root down: on which side the path goes on, and how many rows the sibling has.
    let mut steps = Vec::new();
    let (mut place, mut below) = (proof.place, rows);
    while below > 1 {
        let left = split(below);
        if place < left {
            steps.push((true, below - left));
            below = left;
        } else {
            steps.push((false, left));
            place -= left;
            below -= left;
        }
    }
    let length = Sums::length(shape);
    let fits = |(sibling, (_, rows)): (&Node, &(bool, usize))| {
        sibling.sums.rows() == *rows as u64 && sibling.sums.integers() == length
    };
    if proof.siblings.len() != steps.len() || !proof.siblings.iter().zip(steps.iter().rev()).all(fits) {
        return Err(TreeError::Proof(proof.place));
    }
    let mut node = Node::leaf(shape, proof.place, &proof.row, &proof.salt)?;
    for (sibling, (is_left, _)) in proof.siblings.iter().zip(steps.iter().rev()) {
        node = if *is_left { Node::parent(&node, sibling)? } else { Node::parent(sibling, &node)? };
    }
    if node.root() != *root {
        return Err(TreeError::Root(proof.place));
    }
    if node.sums.statistics(shape) != *statistics {
        return Err(TreeError::Sums);
    }
    Ok(())
}
