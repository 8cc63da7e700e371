//! Edges that follow the photo: from a mask to an alpha matte of the photo's size.
//!
//! A mask comes from logits at a quarter of the network's input, so its edge is off by some pixels
//! of a large photo, and it is hard. [`refine`] looks at the photo's colours in a band around this
//! edge. The quick way fits linear functions of the colours ([`guided_filter`]), the careful way
//! solves for the alpha that the colours explain best ([`closed_form`]), which finds hair and fur.
//! Where the colours do not tell the subject from its surroundings, the edge stays where the mask
//! has it and is only softened. [`subject_colours`] then removes the old background from the colours
//! of soft pixels.

mod colours;
mod foreground;
mod guided;
mod matting;
mod plane;
#[cfg(all(test, not(target_family = "wasm")))]
mod tests;
mod work;

pub use colours::{SubjectColours, subject_colours};
pub use foreground::{ForegroundOptions, estimate_foreground};
pub use guided::{Coefficients, guided_filter};
pub use matting::{MattingOptions, closed_form};
pub use plane::Plane;

use crate::error::{Error, Result};
use crate::mask::BitMask;
use crate::ops::Device;
use crate::photo::Photo;
use crate::progress::Progress;
use work::Work;

/// How the edge of a mask is refined.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RefineOptions {
    /// How far the true edge may be from the mask's, in pixels of the photo. By default it is the
    /// [`default_radius`] of the photo.
    pub radius: Option<f32>,
    /// Whether to take the careful way, which finds hair and fur.
    pub hair: bool,
}

impl RefineOptions {
    /// Checks what can be checked without a photo.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a radius that is no positive number.
    pub fn check(&self) -> Result<()> {
        match self.radius {
            Some(radius) if !(radius.is_finite() && radius > 0.0) => Err(Error::InvalidOption(
                format!("radius must be a positive number of pixels, not {radius}"),
            )),
            _ => Ok(()),
        }
    }
}

/// How opaque a subject is at each pixel of a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alpha {
    /// The number of columns.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
    /// The alphas, row by row, from 0 (not there) to 255 (opaque).
    pub values: Vec<u8>,
}

/// The alpha of a subject whose mask is known roughly. Further from the mask's edge than the radius
/// nothing changes.
///
/// The careful way solves on `device`. The quick way always works on the CPU: it looks at few cells,
/// and sending them would take as long.
///
/// # Errors
/// [`Error::SizeMismatch`] if the mask is not of the photo's size, [`Error::InvalidOption`] for a
/// radius that is no positive number, [`Error::Aborted`] from `progress`, [`Error::NoGpu`] and
/// [`Error::DeviceLost`] if the device is a GPU and fails.
pub async fn refine(
    photo: &Photo,
    mask: &BitMask,
    options: &RefineOptions,
    device: &Device,
    progress: &Progress<'_>,
) -> Result<Alpha> {
    let (width, height) = (photo.width, photo.height);
    Error::unless_same_size(mask.size(), (width, height))?;
    options.check()?;
    let radius = options.radius.unwrap_or(default_radius(width, height));
    progress.checkpoint(0.0).await?;
    let mut alpha = hard(mask);
    // A radius beyond the photo means all of it.
    let longer = width.max(height) as f32;
    if let Some(work) = Work::new(photo, mask, radius.min(longer), options.hair) {
        progress.checkpoint(0.2).await?;
        let fit = if options.hair {
            work.careful(device, &progress.piece(0.2, 0.9)).await?
        } else {
            work.quick()
        };
        progress.checkpoint(0.9).await?;
        work.render(photo, &fit, &mut alpha);
    }
    progress.checkpoint(1.0).await?;
    Ok(alpha)
}

/// The mask itself as alpha.
fn hard(mask: &BitMask) -> Alpha {
    let (width, height) = mask.size();
    let mut values = vec![0; width as usize * height as usize];
    for (y, row) in (0..).zip(values.chunks_exact_mut(width as usize)) {
        for (word, alphas) in mask.row(y).iter().zip(row.chunks_mut(64)) {
            for (bit, alpha) in alphas.iter_mut().enumerate() {
                *alpha = if word >> bit & 1 == 1 { 255 } else { 0 };
            }
        }
    }
    Alpha { width, height, values }
}

/// How far the true edge may be from that of a mask whose logits were found on a photo, or on a part
/// of a photo, of `width` x `height` pixels. It is about three cells of the logits at an input size
/// of 640, in pixels; `npm run bench:edges` compares radii.
pub fn default_radius(width: u32, height: u32) -> f32 {
    0.02 * width.max(height) as f32
}
