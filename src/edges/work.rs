//! The steps of [`super::refine`]. Everything but the last step works on the part of the photo
//! around the mask, scaled down by a whole number, so that the radius is a few cells and the memory
//! is bounded. The last step applies linear functions of the colours at full size, in the band
//! alone.

use super::Alpha;
use super::guided::{Coefficients, explained, guided_filter};
use super::matting::{MattingOptions, closed_form};
use super::plane::{Plane, shrunk};
use crate::error::Result;
use crate::mask::distance::squared_distances_to;
use crate::mask::{BBox, BitMask};
use crate::ops::Device;
use crate::photo::Photo;
use crate::progress::Progress;

/// The radius in cells that the quick way aims at.
const QUICK_RADIUS: f32 = 6.0;
/// The careful way's, which sees finer structures.
const CAREFUL_RADIUS: f32 = 16.0;
/// The most cells, which bounds the memory: each takes about 100 bytes.
const MOST_CELLS: f32 = 1e6;
/// The careful way solves for about this many cells at most.
const MOST_UNKNOWN: f32 = 2e5;
/// See [`guided_filter`].
const EPSILON: f32 = 1e-4;
/// If the colours explain less of what is surely inside or outside than the first number, they say
/// nothing about the edge; if they explain more than the second one, they are followed. In between,
/// both edges are mixed.
const TRUSTED: [f32; 2] = [0.3, 0.6];
/// What is further from the edge than this share of the radius counts as sure.
const SURE: f32 = 0.5;
/// The mask is softened within this share of the radius.
const SOFTENED: f32 = 0.25;

/// The part of a photo around a mask, scaled down.
pub(super) struct Work {
    /// The part, in pixels of the photo.
    frame: BBox,
    /// The pixels of a cell, along each axis.
    scale: u32,
    /// The radius in cells.
    radius: f32,
    guide: [Plane; 3],
    /// How much of each cell is inside the mask.
    mask: Plane,
    /// The distance from each cell to the mask's edge, in cells.
    distance: Plane,
}

/// The refined edge on the grid of cells.
pub(super) struct Fit {
    /// Alpha as linear functions of the colours.
    coefficients: Coefficients,
    /// How much these functions count, from 0 to 1. The rest is the softened mask.
    trust: Plane,
    softened: Plane,
}

impl Work {
    /// The result is `None` if the mask has no edge.
    pub(super) fn new(photo: &Photo, mask: &BitMask, radius: f32, careful: bool) -> Option<Self> {
        let (width, height) = mask.size();
        // The windows of the guided filter reach two radii beyond the band.
        let frame = mask.bbox()?.grown(3 * radius.ceil() as u32 + 1, width, height);
        let scale = scale_for(frame, mask, radius, careful);
        let covered = shrunk(frame, scale, |x, y| f32::from(u8::from(mask.get(x, y))));
        let distance = distances(&covered)?;
        let guide = [0, 1, 2].map(|channel| {
            shrunk(frame, scale, |x, y| {
                let pixel = y as usize * width as usize + x as usize;
                f32::from(photo.rgb[3 * pixel + channel]) / 255.0
            })
        });
        let radius = (radius / scale as f32).max(1.0);
        Some(Self { frame, scale, radius, guide, mask: covered, distance })
    }

    /// How many cells there are, and how many of them are in the band.
    #[cfg(all(test, not(target_family = "wasm")))]
    pub(super) fn cells(&self) -> (usize, usize) {
        let near = self.distance.values.iter().filter(|&&distance| distance <= self.radius);
        (self.distance.values.len(), near.count())
    }

    /// Fits the mask's edge to the photo's.
    pub(super) fn quick(&self) -> Fit {
        let window = self.radius.round() as usize;
        let coefficients = guided_filter(&self.guide, &self.mask, window, EPSILON);
        let softened = self.mask.box_mean((SOFTENED * self.radius).round().max(1.0) as usize);
        Fit { coefficients, trust: self.trust(), softened }
    }

    /// How much the colours tell the inside from the outside around each cell, from 0 to 1.
    fn trust(&self) -> Plane {
        let sure = self
            .distance
            .like(|i| if self.distance.values[i] > SURE * self.radius { 1.0 } else { 0.0 });
        let window = (2.0 * self.radius).round() as usize;
        let explained = explained(&self.guide, &self.mask, &sure, window, EPSILON);
        let [least, enough] = TRUSTED;
        explained.like(|i| ((explained.values[i] - least) / (enough - least)).clamp(0.0, 1.0))
    }

    /// Solves for alpha in the band, then fits it, so that it can be had at full size.
    pub(super) async fn careful(&self, device: &Device, progress: &Progress<'_>) -> Result<Fit> {
        let first = self.quick();
        let mut alpha = self.mask.like(|i| {
            let (x, y) = (i % self.mask.width, i / self.mask.width);
            let colour = self.guide.each_ref().map(|plane| plane.values[i]);
            first.alpha(x as f32, y as f32, colour)
        });
        let known: Vec<bool> = self.distance.values.iter().map(|&d| d > self.radius).collect();
        for (i, _) in known.iter().enumerate().filter(|(_, known)| **known) {
            alpha.values[i] = self.mask.values[i].round();
        }
        let options = MattingOptions::default();
        closed_form(&self.guide, &known, &mut alpha, &options, device, progress).await?;
        /// As small as it can be: the fit only carries alpha to full size.
        const FIT_RADIUS: usize = 1;
        Ok(Fit { coefficients: guided_filter(&self.guide, &alpha, FIT_RADIUS, 1e-5), ..first })
    }

    /// Writes alpha at full size, in the band.
    pub(super) fn render(&self, photo: &Photo, fit: &Fit, alpha: &mut Alpha) {
        let BBox { x: left, y: top, width, height } = self.frame;
        let cell = |at: u32| (at as f32 + 0.5) / self.scale as f32 - 0.5;
        for y in 0..height {
            let near = &self.distance.values[(y / self.scale) as usize * self.distance.width..];
            let start = (top + y) as usize * photo.width as usize + left as usize;
            let row = &mut alpha.values[start..][..width as usize];
            let colours = photo.rgb[3 * start..].chunks_exact(3);
            for ((x, value), pixel) in (0..).zip(row).zip(colours) {
                let distance = near[(x / self.scale) as usize];
                if distance > self.radius {
                    continue;
                }
                let colour = [0, 1, 2].map(|channel| f32::from(pixel[channel]) / 255.0);
                let found = fit.alpha(cell(x), cell(y), colour);
                let sure = f32::from(*value) / 255.0;
                // Towards the end of the band the mask comes back.
                let share = ((self.radius - distance) / (0.25 * self.radius)).min(1.0);
                *value = ((sure + share * (found - sure)) * 255.0).round() as u8;
            }
        }
    }
}

impl Fit {
    /// Alpha at a position in cells, of a pixel of this colour.
    fn alpha(&self, x: f32, y: f32, colour: [f32; 3]) -> f32 {
        let softened = self.softened.sample(x, y);
        let found = self.coefficients.apply(x, y, colour).clamp(0.0, 1.0);
        softened + self.trust.sample(x, y) * (found - softened)
    }
}

/// How many pixels a cell has along each axis.
fn scale_for(frame: BBox, mask: &BitMask, radius: f32, careful: bool) -> u32 {
    let least = (frame.area() as f32 / MOST_CELLS).sqrt().ceil().max(1.0);
    if !careful {
        return (radius / QUICK_RADIUS).max(least) as u32;
    }
    // The band is measured on cells of half a radius, which are few.
    let coarse = (radius / 2.0).max(least) as u32;
    let covered = shrunk(frame, coarse, |x, y| f32::from(u8::from(mask.get(x, y))));
    let far = radius / coarse as f32;
    let band = distances(&covered)
        .map_or(0, |distance| distance.values.iter().filter(|&&distance| distance <= far).count());
    let unknown = band as f32 * (coarse * coarse) as f32;
    let solvable = (unknown / MOST_UNKNOWN).sqrt().ceil();
    (radius / CAREFUL_RADIUS).max(least).max(solvable) as u32
}

/// How far each cell is from a cell that the mask's edge crosses, or that lies beside the edge, in
/// cells. The result is `None` if there is no edge.
fn distances(mask: &Plane) -> Option<Plane> {
    let Plane { width, height, ref values } = *mask;
    let is_edge = |x: usize, y: usize| {
        let at = |x: usize, y: usize| values[y * width + x];
        let own = at(x, y);
        let differs = |x: usize, y: usize| (at(x, y) - own).abs() > 0.5;
        (own > 0.0 && own < 1.0)
            || (x + 1 < width && differs(x + 1, y))
            || (y + 1 < height && differs(x, y + 1))
            || (x > 0 && differs(x - 1, y))
            || (y > 0 && differs(x, y - 1))
    };
    // No position beyond the grid is nearer than one inside it.
    let beyond = width + height;
    let squared = squared_distances_to(is_edge, width, height, beyond as u32);
    let has_edge = squared.contains(&0);
    has_edge.then(|| mask.like(|i| (squared[i] as f32).sqrt()))
}
