//! Masks at the photo's size.

use super::{Candidate, LevelRules};
use crate::mask::BitMask;
use crate::mask::regions::{remove_small_islands, remove_small_regions};

/// The photo that masks are painted on, and the rules for it.
pub(super) struct Canvas<'a> {
    /// If there is a region, nothing is painted outside of it.
    pub region: Option<&'a BitMask>,
    pub width: u32,
    pub height: u32,
    pub rules: &'a LevelRules,
}

impl Canvas<'_> {
    /// The pixels of a candidate in the region, without small holes and islands.
    pub(super) fn render(&self, candidate: &Candidate) -> BitMask {
        let mut pixels = candidate.render(self.width, self.height, self.rules.mask_threshold);
        remove_small_regions(&mut pixels, self.rules.min_mask_region_area);
        if let Some(region) = self.region {
            pixels.intersect_with(region);
        }
        pixels
    }

    /// Paints a mask: returns the pixels of it that are not in `taken`, without specks, and adds
    /// them to `taken`. `speck` is as in [`Self::remove_specks`].
    pub(super) fn paint(&self, candidate: &Candidate, taken: &mut BitMask, speck: f32) -> BitMask {
        let mut pixels = self.render(candidate);
        pixels.subtract(taken);
        self.remove_specks(&mut pixels, speck);
        taken.union_with(&pixels);
        pixels
    }

    /// Removes the islands that are smaller than the share `speck` of their mask. They are noise,
    /// or what better masks left of it.
    pub(super) fn remove_specks(&self, mask: &mut BitMask, speck: f32) {
        let share = (speck * mask.area() as f32) as u32;
        remove_small_islands(mask, share.max(self.rules.min_mask_region_area));
    }
}
