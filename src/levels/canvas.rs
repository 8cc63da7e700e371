//! Masks at the photo's size.

use super::{Candidate, LevelRules};
use crate::mask::BitMask;
use crate::mask::regions::{remove_small_islands, remove_small_regions};

/// Where masks are rendered.
pub(super) struct Canvas<'a> {
    /// Nothing is painted outside.
    pub region: Option<&'a BitMask>,
    pub width: u32,
    pub height: u32,
    pub rules: &'a LevelRules,
}

impl Canvas<'_> {
    pub fn render(&self, candidate: &Candidate) -> BitMask {
        let mut pixels = candidate.render(self.width, self.height, self.rules.mask_threshold);
        remove_small_regions(&mut pixels, self.rules.min_mask_region_area);
        if let Some(region) = self.region {
            pixels.intersect_with(region);
        }
        pixels
    }

    /// What a mask has beside those painted before it, and so adds to `taken`; without specks, see [`Self::remove_specks`].
    pub fn paint(&self, candidate: &Candidate, taken: &mut BitMask, speck: f32) -> BitMask {
        let mut pixels = self.render(candidate);
        pixels.subtract(taken);
        self.remove_specks(&mut pixels, speck);
        taken.union_with(&pixels);
        pixels
    }

    /// Islands below the share `speck` of their mask are noise, or what a better mask left of it.
    pub fn remove_specks(&self, mask: &mut BitMask, speck: f32) {
        let share = (speck * mask.area() as f32) as u32;
        remove_small_islands(mask, share.max(self.rules.min_mask_region_area));
    }
}
