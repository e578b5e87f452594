//! Rows of digits as a picture of grey pixels.

use std::path::Path;

use ndarray::{Array2, ArrayView1};

use super::attack::PIXELS;

/// Pixels of the picture for one of a digit.
const ZOOM: usize = 6;
const SIDE: usize = 8;
const GAP: usize = 6;
const PAPER: u8 = 255;

/// Writes one strip of digits under the other as a PNG. Each strip is stretched to its own range, least black, largest white; a
/// strip of noise is shown as fairly as one of digits.
///
/// # Errors
/// What the file or the encoder says.
pub fn write(file: &Path, strips: &[&Array2<f64>]) -> Result<(), Box<dyn std::error::Error>> {
    let cell = SIDE * ZOOM + GAP;
    let columns = strips.iter().map(|strip| strip.nrows()).max().unwrap_or(0);
    let (width, height) = (columns * cell + GAP, strips.len() * cell + GAP);
    let mut pixels = vec![PAPER; width * height];
    for (line, strip) in strips.iter().enumerate() {
        let least = strip.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = strip.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (column, digit) in strip.rows().into_iter().enumerate() {
            let corner = (line * cell + GAP) * width + column * cell + GAP;
            draw(&mut pixels[corner..], width, digit, (least, largest));
        }
    }
    lodepng::encode_file(file, &pixels, width, height, lodepng::ColorType::GREY, 8)?;
    Ok(())
}

fn draw(pixels: &mut [u8], width: usize, digit: ArrayView1<'_, f64>, (least, largest): (f64, f64)) {
    let range = (largest - least).max(f64::MIN_POSITIVE);
    for (place, value) in digit.iter().enumerate().take(PIXELS) {
        // Within 0..=255 by construction.
        let grey = ((value - least) / range * 255.0).round() as u8;
        for y in 0..ZOOM {
            let start = (place / SIDE * ZOOM + y) * width + place % SIDE * ZOOM;
            pixels[start..start + ZOOM].fill(grey);
        }
    }
}
