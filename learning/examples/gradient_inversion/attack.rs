//! Who sees an update sees the rows behind it: softmax regression gives its rows away in closed form.
//!
//! One step from the first model, whose parameters are all zero, over a batch of `B` rows. Every class has the probability `1/10` then, so
//! the gradient is, with `e_i = softmax - one_hot = 1/10 - one_hot(label_i)`,
//!
//! ```text
//! db = 1/B sum_i e_i        dW = 1/B sum_i e_i x_i^T
//! ```
//!
//! - `db_c = 1/10 - n_c / B` tells how many rows of each class there are (Zhao, Mopuri and Bilen 2020, Section 3).
//! - A single row is `x = dW_c / db_c`, for any class (Phong et al. 2018, Section 3). A batch with at most one row a class is a system of
//!   linear equations in its rows, `E^T X = B dW` with `E = 1/10 - one_hot`. Its normal equations are `(I - J/10) X = B E dW` with `J` all
//!   ones, since `E E^T = I - J/10`; and `(I - J/10)^-1 = I + J / (10 - B)`.
//!
//! Later models and more local steps make it harder, not impossible: gradients are then matched by optimisation (Zhu, Liu and Han 2019;
//! Geiping et al. 2020).

use bauta_learning::data::Dataset;
use bauta_learning::encode::Encoding;
use bauta_learning::fixed::Fixed;
use bauta_learning::recipes::{digits_softmax, Recipe};
use bauta_learning::trainers::{derive_seed, train, Tensors, TrainerConfig};
use ndarray::{s, Array1, Array2, ArrayView2, Axis};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use bauta_secagg::check_in::CheckedIn;
use bauta_secagg::context::{Ctx, Ectx, ModelHash, Rctx, Root, SettingsHash};
use bauta_secagg::encoding::{Address, Slot};
use bauta_secagg::enrol::ProviderKeys;
use bauta_secagg::parties::{Group, GroupMember};
use bauta_secagg::ring::{Layout, Pow2, Ring, Sign};

/// Pixels of a digit, and classes.
pub const PIXELS: usize = 64;
const CLASSES: usize = 10;
/// Members of the group towards which the update is masked.
const GROUP: u64 = 10;

/// What a provider has, and what an attacker makes of what it sends: `rows x 64`, pixels as the model reads them.
#[derive(Debug)]
pub struct Scene {
    /// The provider's rows, one a class.
    pub originals: Array2<f64>,
    /// Recovered from its update, encoded as the protocol asks.
    pub from_unmasked: Array2<f64>,
    /// Recovered in the same way from the same update after masking, the attacker being told the classes.
    pub from_masked: Array2<f64>,
}

/// Divides digits as the demo does, trains one step on one batch, encodes, masks, and attacks. Everything is drawn from the seed.
///
/// # Errors
/// What any of the steps says.
pub fn scene(seed: u64) -> Result<Scene, Box<dyn std::error::Error>> {
    let recipe = digits_softmax(usize::try_from(GROUP)?);
    let batch = batch(&recipe, seed)?;
    let labels: Vec<usize> = batch.labels.iter().map(|&label| label as usize).collect();
    let config = TrainerConfig { local_epochs: 1, batch_size: u32::try_from(batch.rows())?, ..recipe.trainer };
    let first = Tensors::from_model(&recipe.initial_model(seed)?);
    let (trained, _) = train(&config, &first, &batch, seed)?;
    let update = trained.minus(&first)?;
    let encoding = recipe.encoding(GROUP)?;
    let encoded = encoding.quantise(update.values(), &derive_seed(&seed.to_be_bytes(), "rounding", &[]))?;
    let masked = masked(&encoded, recipe.ring_bits, seed)?;

    let gradient = |integers: &[i64]| gradient(integers, &encoding, config.learning_rate);
    let unmasked = gradient(&encoded);
    Ok(Scene {
        originals: batch.features.mapv(f64::from),
        from_unmasked: invert(&unmasked, &classes_of(&unmasked, batch.rows())),
        from_masked: invert(&gradient(&masked), &labels),
    })
}

/// One row of each class, of the provider that has the most classes, up to the recipe's batch.
fn batch(recipe: &Recipe, seed: u64) -> Result<Dataset, Box<dyn std::error::Error>> {
    let division = recipe.divide(seed, usize::try_from(GROUP)?)?;
    let firsts = |share: &Dataset| -> Vec<usize> {
        let first = |class: usize| share.labels.iter().position(|&label| label as usize == class);
        (0..CLASSES).filter_map(first).take(recipe.trainer.batch_size as usize).collect()
    };
    let richest = division.providers.iter().max_by_key(|share| firsts(share).len()).ok_or("there are no providers")?;
    Ok(recipe.data_spec().standardised(&richest.select(&firsts(richest))))
}

/// What the provider would send: masked towards a group, by the protocol itself. The attacker reads the ring's elements as numbers.
fn masked(encoded: &[i64], ring_bits: u32, seed: u64) -> Result<Vec<i64>, Box<dyn std::error::Error>> {
    let mut rng = ChaCha20Rng::from_seed(derive_seed(&seed.to_be_bytes(), "keys", &[]));
    let ectx = Ectx::new("bauta-1", 1, 1, &SettingsHash::from_bytes([1; 32]))?;
    let rctx = Rctx::new(&ectx, 1);
    let ctx = Ctx::new(&rctx, &ModelHash::from_bytes([2; 32]), &Root::from_bytes([3; 32]));
    let mut members = Vec::new();
    let mut provider = None;
    for slot in 1..=u32::try_from(GROUP)? {
        let keys = ProviderKeys::generate(&mut rng);
        let address = Address::new(slot.to_be_bytes())?;
        let (signed, state) = CheckedIn::new(&keys, &rctx, &address, 1, &mut rng);
        members.push(GroupMember { slot: Slot::new(slot)?, address, x: keys.public().x, p: signed.body.point });
        provider = provider.or(Some(state));
    }
    let layout = Layout::new(Ring::Pow2(Pow2::new(ring_bits)?), encoded.len() as u64, u32::try_from(encoded.len())?)?;
    let provider = provider.ok_or("the group is empty")?;
    let sent = provider.mask(&ctx, &Group::new(members)?, &layout, encoded, &mut rng)?;
    let mut elements = layout.zero(0).ok_or("the vector is empty")?;
    elements.add_packed(sent.chunks.first().ok_or("nothing was sent")?, Sign::Plus)?;
    Ok(elements.decode())
}

/// `classes x (64 + 1)`: the weight's gradient, and the bias's in the last column. The step's size is public.
fn gradient(integers: &[i64], encoding: &Encoding, learning_rate: Fixed) -> Array2<f64> {
    let unit = f64::from(learning_rate) * f64::from(encoding.scale_bits).exp2();
    let (weight, bias) = integers.split_at(CLASSES * PIXELS);
    Array2::from_shape_fn((CLASSES, PIXELS + 1), |(class, pixel)| {
        let integer = if pixel < PIXELS { weight[class * PIXELS + pixel] } else { bias[class] };
        -(integer as f64) / unit
    })
}

/// The classes of a batch's rows, by the gradient of the bias.
fn classes_of(gradient: &Array2<f64>, rows: usize) -> Vec<usize> {
    let present = |class: &usize| (0.1 - gradient[[*class, PIXELS]]) * rows as f64 > 0.5;
    (0..CLASSES).filter(present).collect()
}

/// The rows of a batch with one row of each of these classes.
fn invert(gradient: &Array2<f64>, classes: &[usize]) -> Array2<f64> {
    let rows = classes.len();
    let of_weight = gradient.slice(s![.., ..PIXELS]);
    let errors =
        Array2::from_shape_fn((rows, CLASSES), |(row, class)| 0.1 - f64::from(u8::from(classes[row] == class)));
    let right = errors.dot(&of_weight) * rows as f64;
    let total: Array1<f64> = right.sum_axis(Axis(0)) / (CLASSES as f64 - rows as f64);
    right + total
}

/// Pearson's correlation over all pixels of all rows; 0 when they differ in shape or one does not vary.
#[must_use]
pub fn correlation(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    let (Some(mean_a), Some(mean_b)) = (a.mean(), b.mean()) else {
        return 0.0;
    };
    if a.dim() != b.dim() {
        return 0.0;
    }
    let (a, b) = (a.mapv(|value| value - mean_a), b.mapv(|value| value - mean_b));
    let norm = (&a * &a).sum().sqrt() * (&b * &b).sum().sqrt();
    if norm > 0.0 {
        (&a * &b).sum() / norm
    } else {
        0.0
    }
}
