//! The steps of [`super::refine`]. Everything but the last step works on a photo that is scaled
//! down by a whole number, so that the radius is a few cells. The last step applies linear
//! functions of the colours at full size, in the band alone.

use super::Alpha;
use super::foreground::{ForegroundOptions, estimate_foreground};
use super::guided::{Coefficients, guided_filter};
use super::matting::{MattingOptions, closed_form};
use super::plane::Plane;
use crate::error::Result;
use crate::mask::BitMask;
use crate::photo::Photo;
use crate::progress::Progress;

/// The radius in cells that the quick way aims at.
const QUICK_RADIUS: f32 = 6.0;
/// The careful way's, which sees finer structures.
const CAREFUL_RADIUS: f32 = 16.0;
/// The careful way solves for no more cells than this.
const MOST_UNKNOWN: usize = 200_000;
/// See [`guided_filter`].
const EPSILON: f32 = 1e-4;

/// A photo and a mask, scaled down.
pub(super) struct Work {
    /// The pixels of a cell, along each axis.
    scale: usize,
    /// The radius in cells.
    radius: f32,
    guide: [Plane; 3],
    /// How much of each cell is inside the mask.
    mask: Plane,
    /// The distance from each cell to the mask's edge, in cells, up to the radius and one more.
    distance: Plane,
}

impl Work {
    pub(super) fn new(photo: &Photo, mask: &BitMask, radius: f32, careful: bool) -> Self {
        let wanted = if careful { CAREFUL_RADIUS } else { QUICK_RADIUS };
        let mut scale = ((radius / wanted) as usize).max(1);
        loop {
            let work = Self::at_scale(photo, mask, radius, scale);
            let unknown = work.distance.values.iter().filter(|&&d| d <= work.radius).count();
            if !careful || unknown <= MOST_UNKNOWN {
                return work;
            }
            scale += 1;
        }
    }

    fn at_scale(photo: &Photo, mask: &BitMask, radius: f32, scale: usize) -> Self {
        let size = (photo.width as usize, photo.height as usize);
        let guide = [0, 1, 2]
            .map(|channel| shrunk(size, scale, |i| f32::from(photo.rgb[3 * i + channel]) / 255.0));
        let inside =
            |i: usize| f32::from(u8::from(mask.get((i % size.0) as u32, (i / size.0) as u32)));
        let mask = shrunk(size, scale, inside);
        let radius = (radius / scale as f32).max(1.0);
        let distance = distances(&mask, radius.ceil() as usize + 1);
        Self { scale, radius, guide, mask, distance }
    }

    /// Fits the mask's edge to the photo's.
    pub(super) fn quick(&self) -> Coefficients {
        guided_filter(&self.guide, &self.mask, self.radius.round() as usize, EPSILON)
    }

    /// Solves for alpha in the band, then fits it, so that it can be had at full size.
    pub(super) async fn careful(&self, progress: &Progress<'_>) -> Result<Coefficients> {
        let first = self.quick();
        let mut alpha = self.mask.like(|i| {
            let (x, y) = (i % self.mask.width, i / self.mask.width);
            let colour = self.guide.each_ref().map(|plane| plane.values[i]);
            first.apply(x as f32, y as f32, colour).clamp(0.0, 1.0)
        });
        let known: Vec<bool> = self.distance.values.iter().map(|&d| d > self.radius).collect();
        for (i, _) in known.iter().enumerate().filter(|(_, known)| **known) {
            alpha.values[i] = self.mask.values[i].round();
        }
        let options = MattingOptions::default();
        closed_form(&self.guide, &known, &mut alpha, &options, progress).await?;
        /// As small as it can be: the fit only carries alpha to full size.
        const FIT_RADIUS: usize = 1;
        Ok(guided_filter(&self.guide, &alpha, FIT_RADIUS, 1e-5))
    }

    /// Alpha at full size.
    pub(super) fn render(
        &self,
        photo: &Photo,
        mask: &BitMask,
        coefficients: &Coefficients,
    ) -> Alpha {
        let (width, height) = (photo.width as usize, photo.height as usize);
        let mut values = vec![0; width * height];
        let cell = |at: usize| (at as f32 + 0.5) / self.scale as f32 - 0.5;
        for y in 0..height {
            let row = &mut values[y * width..][..width];
            let near = &self.distance.values[y / self.scale * self.distance.width..];
            for (x, value) in row.iter_mut().enumerate() {
                let inside = mask.get(x as u32, y as u32);
                let sure = if inside { 1.0 } else { 0.0 };
                let distance = near[x / self.scale];
                let alpha = if distance > self.radius {
                    sure
                } else {
                    let pixel = &photo.rgb[3 * (y * width + x)..][..3];
                    let colour = [0, 1, 2].map(|c| f32::from(pixel[c]) / 255.0);
                    let found = coefficients.apply(cell(x), cell(y), colour).clamp(0.0, 1.0);
                    // Towards the end of the band the mask comes back.
                    let share = ((self.radius - distance) / (0.25 * self.radius)).min(1.0);
                    sure + share * (found - sure)
                };
                *value = (alpha * 255.0).round() as u8;
            }
        }
        Alpha { width: photo.width, height: photo.height, values }
    }
}

/// See [`super::clean_colours`].
pub(super) fn clean_colours(photo: &Photo, alpha: &Alpha) -> Photo {
    let size = (photo.width as usize, photo.height as usize);
    // Colours are smooth: they are estimated on at most a million cells.
    const MOST_CELLS: f32 = 1e6;
    let scale = ((size.0 * size.1) as f32 / MOST_CELLS).sqrt().ceil().max(1.0) as usize;
    let guide = [0, 1, 2].map(|c| shrunk(size, scale, |i| f32::from(photo.rgb[3 * i + c]) / 255.0));
    let coarse = shrunk(size, scale, |i| f32::from(alpha.values[i]) / 255.0);
    let (front, back) = estimate_foreground(&guide, &coarse, &ForegroundOptions::default());
    let mut rgb = photo.rgb.clone();
    for (i, &alpha) in alpha.values.iter().enumerate() {
        if alpha == 255 {
            continue;
        }
        let cell = i / size.0 / scale * coarse.width + i % size.0 / scale;
        let own = f32::from(alpha) / 255.0;
        for c in 0..3 {
            // The colours of the cell, corrected so that their mixture is this pixel's colour.
            let seen = f32::from(photo.rgb[3 * i + c]) / 255.0;
            let mixed = own * front[cell][c] + (1.0 - own) * back[cell][c];
            let found = front[cell][c] + own * (seen - mixed);
            rgb[3 * i + c] = (found.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
    Photo { width: photo.width, height: photo.height, rgb }
}

/// The means of cells of `scale` by `scale` pixels; those at the border may be smaller.
fn shrunk((width, height): (usize, usize), scale: usize, value: impl Fn(usize) -> f32) -> Plane {
    let (columns, rows) = (width.div_ceil(scale), height.div_ceil(scale));
    let mut values = vec![0.0; columns * rows];
    for y in 0..height {
        let line = &mut values[y / scale * columns..][..columns];
        for x in 0..width {
            line[x / scale] += value(y * width + x);
        }
    }
    for (i, sum) in values.iter_mut().enumerate() {
        let length = |at: usize, end: usize| scale.min(end - at * scale);
        *sum /= (length(i % columns, width) * length(i / columns, height)) as f32;
    }
    Plane { width: columns, height: rows, values }
}

/// How far each cell is from a cell that the mask's edge crosses, or that lies beside the edge, in
/// cells; at most `limit`. The city-block and diagonal steps of a chamfer distance (1 and 1.4) are
/// near enough to Euclid's.
fn distances(mask: &Plane, limit: usize) -> Plane {
    let Plane { width, height, ref values } = *mask;
    let at = |x: usize, y: usize| values[y * width + x];
    let is_edge = |x: usize, y: usize| {
        let own = at(x, y);
        let differs = |x: usize, y: usize| (at(x, y) - own).abs() > 0.5;
        (own > 0.0 && own < 1.0)
            || (x + 1 < width && differs(x + 1, y))
            || (y + 1 < height && differs(x, y + 1))
            || (x > 0 && differs(x - 1, y))
            || (y > 0 && differs(x, y - 1))
    };
    let mut distance =
        mask.like(|i| if is_edge(i % width, i / width) { 0.0 } else { limit as f32 });
    let steps = [(-1, 0, 1.0), (0, -1, 1.0), (-1, -1, 1.4), (1, -1, 1.4)];
    let mut relax = |x: usize, y: usize, sign: isize| {
        let mut best = distance.values[y * width + x];
        for (dx, dy, length) in steps {
            let (x, y) = (x.checked_add_signed(sign * dx), y.checked_add_signed(sign * dy));
            if let (Some(x), Some(y)) = (x.filter(|&x| x < width), y.filter(|&y| y < height)) {
                best = best.min(distance.values[y * width + x] + length);
            }
        }
        distance.values[y * width + x] = best;
    };
    (0..height).for_each(|y| (0..width).for_each(|x| relax(x, y, 1)));
    (0..height).rev().for_each(|y| (0..width).rev().for_each(|x| relax(x, y, -1)));
    distance
}
