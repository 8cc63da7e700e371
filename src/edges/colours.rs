//! The colours that a subject itself has where it is soft, in the smallest box that holds them.

use super::Alpha;
use super::foreground::{ForegroundOptions, estimate_foreground};
use super::plane::{Plane, shrunk};
use crate::error::Result;
use crate::mask::BBox;
use crate::photo::Photo;
use crate::progress::Progress;

/// Colours are smooth, so they are estimated on at most this many cells.
const MOST_CELLS: f32 = 1e6;
/// The estimate also sees this many pixels around the box, where the subject is opaque or absent.
const MARGIN: u32 = 16;

/// A subject's own colours in its soft pixels, which are neither opaque nor transparent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectColours {
    /// The smallest box around all soft pixels, in pixels of the photo.
    pub bbox: BBox,
    /// The pixels of the box as RGBA, row by row. Soft pixels have the subject's colour and an
    /// alpha of 255; all others are 0, so that the photo shows through when this is drawn on it.
    pub rgba: Vec<u8>,
}

/// Removes the background from the colours of soft pixels. The result is `None` if there are none.
///
/// # Errors
/// [`crate::Error::Aborted`] from `progress`.
pub async fn subject_colours(
    photo: &Photo,
    alpha: &Alpha,
    progress: &Progress<'_>,
) -> Result<Option<SubjectColours>> {
    let Some(bbox) = soft_box(alpha) else {
        progress.checkpoint(1.0).await?;
        return Ok(None);
    };
    let frame = bbox.grown(MARGIN, photo.width, photo.height);
    let scale = (frame.area() as f32 / MOST_CELLS).sqrt().ceil().max(1.0) as u32;
    let width = photo.width as usize;
    let index = |x: u32, y: u32| y as usize * width + x as usize;
    let guide = [0, 1, 2].map(|channel| {
        shrunk(frame, scale, |x, y| f32::from(photo.rgb[3 * index(x, y) + channel]) / 255.0)
    });
    let coarse = shrunk(frame, scale, |x, y| f32::from(alpha.values[index(x, y)]) / 255.0);
    let options = ForegroundOptions::default();
    let (front, back) = estimate_foreground(&guide, &coarse, &options, progress).await?;
    let mut rgba = vec![0; 4 * bbox.area() as usize];
    for (i, pixel) in rgba.chunks_exact_mut(4).enumerate() {
        let (x, y) = (bbox.x + i as u32 % bbox.width, bbox.y + i as u32 / bbox.width);
        let own = alpha.values[index(x, y)];
        if !is_soft(own) {
            continue;
        }
        let Plane { width: columns, .. } = coarse;
        let cell = ((y - frame.y) / scale) as usize * columns + ((x - frame.x) / scale) as usize;
        let own = f32::from(own) / 255.0;
        for c in 0..3 {
            // The colours of the cell, corrected so that their mixture is this pixel's colour.
            let seen = f32::from(photo.rgb[3 * index(x, y) + c]) / 255.0;
            let mixed = own * front[cell][c] + (1.0 - own) * back[cell][c];
            let found = front[cell][c] + own * (seen - mixed);
            pixel[c] = (found.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
        pixel[3] = 255;
    }
    Ok(Some(SubjectColours { bbox, rgba }))
}

impl SubjectColours {
    /// Gives the soft pixels of the photo these colours.
    pub fn paint(&self, photo: &mut Photo) {
        for (i, pixel) in self.rgba.chunks_exact(4).enumerate().filter(|(_, rgba)| rgba[3] > 0) {
            let (x, y) = (i as u32 % self.bbox.width, i as u32 / self.bbox.width);
            let to = (self.bbox.y + y) as usize * photo.width as usize + (self.bbox.x + x) as usize;
            photo.rgb[3 * to..][..3].copy_from_slice(&pixel[..3]);
        }
    }
}

fn is_soft(alpha: u8) -> bool {
    (1..255).contains(&alpha)
}

/// The smallest box around all soft pixels.
fn soft_box(alpha: &Alpha) -> Option<BBox> {
    let mut found: Option<BBox> = None;
    for (y, row) in (0..).zip(alpha.values.chunks_exact(alpha.width as usize)) {
        let Some(first) = row.iter().position(|&alpha| is_soft(alpha)) else { continue };
        let last = row.iter().rposition(|&alpha| is_soft(alpha)).unwrap_or(first);
        let row = BBox { x: first as u32, y, width: (last - first + 1) as u32, height: 1 };
        found = Some(found.map_or(row, |found| found.union(&row)));
    }
    found
}
