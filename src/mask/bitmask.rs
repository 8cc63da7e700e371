//! A binary mask with one bit per pixel.

use serde::{Deserialize, Serialize};

/// An axis-aligned box of whole pixels. It is serialised as `[x, y, width, height]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[u32; 4]", into = "[u32; 4]")]
pub struct BBox {
    /// The leftmost column of the box.
    pub x: u32,
    /// The topmost row of the box.
    pub y: u32,
    /// The number of columns.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
}

impl From<[u32; 4]> for BBox {
    fn from([x, y, width, height]: [u32; 4]) -> Self {
        Self { x, y, width, height }
    }
}

impl From<BBox> for [u32; 4] {
    fn from(b: BBox) -> Self {
        [b.x, b.y, b.width, b.height]
    }
}

impl BBox {
    /// The first column to the right of the box.
    pub fn right(&self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// The first row below the box.
    pub fn bottom(&self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// The number of pixels in the box.
    pub fn area(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The number of pixels that lie in both boxes.
    pub fn intersection_area(&self, other: &BBox) -> u64 {
        let w = self.right().min(other.right()).saturating_sub(self.x.max(other.x));
        let h = self.bottom().min(other.bottom()).saturating_sub(self.y.max(other.y));
        u64::from(w) * u64::from(h)
    }

    /// The intersection over union (IoU) of the boxes; 0 if both are empty.
    pub fn iou(&self, other: &BBox) -> f32 {
        let inter = self.intersection_area(other);
        ratio(inter, self.area() + other.area() - inter)
    }

    /// The smallest box that holds both boxes. An empty box adds nothing.
    pub fn union(&self, other: &BBox) -> BBox {
        if self.area() == 0 {
            return *other;
        }
        if other.area() == 0 {
            return *self;
        }
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let (right, bottom) = (self.right().max(other.right()), self.bottom().max(other.bottom()));
        BBox { x, y, width: right - x, height: bottom - y }
    }

    /// The box with `margin` pixels more on each side, as far as a photo of this size goes.
    pub(crate) fn grown(&self, margin: u32, width: u32, height: u32) -> BBox {
        let (x, y) = (self.x.saturating_sub(margin), self.y.saturating_sub(margin));
        let right = self.right().saturating_add(margin).min(width);
        let bottom = self.bottom().saturating_add(margin).min(height);
        BBox { x, y, width: right - x, height: bottom - y }
    }
}

fn ratio(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64) as f32 }
}

/// A `width` x `height` mask. Its rows go from top to bottom. Each row is packed into whole 64-bit
/// words, and the lowest bit is the leftmost pixel.
///
/// The bits beyond `width` in the last word of a row are always 0, so that words can be counted and
/// compared as they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BitMask {
    width: u32,
    height: u32,
    stride: usize,
    words: Vec<u64>,
}

impl BitMask {
    /// A mask in which no pixel is set.
    pub fn new(width: u32, height: u32) -> Self {
        let stride = (width as usize).div_ceil(64);
        Self { width, height, stride, words: vec![0; stride * height as usize] }
    }

    /// A mask in which every pixel is set.
    pub fn full(width: u32, height: u32) -> Self {
        let mut mask = Self::new(width, height);
        for y in 0..height {
            mask.fill_row(y, 0, width);
        }
        mask
    }

    /// A mask of the pixels `(x, y)` for which `f(x, y)` is true.
    pub fn from_fn(width: u32, height: u32, mut f: impl FnMut(u32, u32) -> bool) -> Self {
        let mut mask = Self::new(width, height);
        for y in 0..height {
            for (i, word) in mask.row_mut(y).iter_mut().enumerate() {
                let x0 = i as u32 * 64;
                for bit in 0..64.min(width - x0) {
                    *word |= u64::from(f(x0 + bit, y)) << bit;
                }
            }
        }
        mask
    }

    /// The width of the mask, in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height of the mask, in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The size of the mask in pixels: `(width, height)`.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Whether a pixel is set. It is false outside the mask.
    pub fn get(&self, x: u32, y: u32) -> bool {
        x < self.width && y < self.height && self.row(y)[x as usize / 64] >> (x % 64) & 1 == 1
    }

    /// Sets or clears a pixel. Does nothing outside the mask.
    pub fn set(&mut self, x: u32, y: u32, value: bool) {
        if x < self.width && y < self.height {
            let word = &mut self.row_mut(y)[x as usize / 64];
            let bit = 1u64 << (x % 64);
            *word = if value { *word | bit } else { *word & !bit };
        }
    }

    /// Sets the pixels `x0..x1` of row `y` that lie in the mask.
    pub fn fill_row(&mut self, y: u32, x0: u32, x1: u32) {
        self.for_span(y, x0, x1, |word, bits| *word |= bits);
    }

    /// Clears the pixels `x0..x1` of row `y` that lie in the mask.
    pub fn clear_row(&mut self, y: u32, x0: u32, x1: u32) {
        self.for_span(y, x0, x1, |word, bits| *word &= !bits);
    }

    fn for_span(&mut self, y: u32, x0: u32, x1: u32, apply: impl Fn(&mut u64, u64)) {
        let x1 = x1.min(self.width);
        if y >= self.height || x0 >= x1 {
            return;
        }
        let (first, last) = (x0 as usize / 64, (x1 as usize - 1) / 64);
        let row = self.row_mut(y);
        for (i, word) in row.iter_mut().enumerate().take(last + 1).skip(first) {
            let mut bits = u64::MAX;
            if i == first {
                bits &= u64::MAX << (x0 % 64);
            }
            if i == last {
                bits &= u64::MAX >> (63 - (x1 - 1) % 64);
            }
            apply(word, bits);
        }
    }

    /// The words of row `y`.
    pub(crate) fn row(&self, y: u32) -> &[u64] {
        &self.words[y as usize * self.stride..][..self.stride]
    }

    /// The words of row `y`, to be changed. The caller keeps the bits beyond `width` at 0.
    pub(crate) fn row_mut(&mut self, y: u32) -> &mut [u64] {
        &mut self.words[y as usize * self.stride..][..self.stride]
    }

    /// The rows `y - 1` (to read) and `y` (to write), for work that goes down the columns.
    pub(crate) fn row_pair(&mut self, y: u32) -> (&[u64], &mut [u64]) {
        let (above, below) = self.words.split_at_mut(y as usize * self.stride);
        (&above[above.len() - self.stride..], &mut below[..self.stride])
    }

    /// The number of pixels that are set.
    pub fn area(&self) -> u32 {
        self.words.iter().map(|w| w.count_ones()).sum()
    }

    /// Whether no pixel is set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&w| w == 0)
    }

    /// The pixels `(x, y)` that are set, row by row.
    pub(crate) fn pixels(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..self.height).flat_map(|y| {
            self.row(y).iter().enumerate().flat_map(move |(i, &word)| {
                let mut rest = word;
                std::iter::from_fn(move || {
                    let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                    rest &= rest - 1;
                    Some((i as u32 * 64 + bit, y))
                })
            })
        })
    }

    /// The smallest box that holds every pixel that is set; `None` if the mask is empty.
    pub fn bbox(&self) -> Option<BBox> {
        let filled = |y: &u32| self.row(*y).iter().any(|&w| w != 0);
        let top = (0..self.height).find(filled)?;
        let bottom = (top..self.height).rfind(filled)?;
        let mut columns = vec![0u64; self.stride];
        for y in top..=bottom {
            for (column, word) in columns.iter_mut().zip(self.row(y)) {
                *column |= word;
            }
        }
        let first = columns.iter().position(|&w| w != 0)?;
        let last = columns.iter().rposition(|&w| w != 0)?;
        let x = first as u32 * 64 + columns[first].trailing_zeros();
        let right = last as u32 * 64 + 64 - columns[last].leading_zeros();
        Some(BBox { x, y: top, width: right - x, height: bottom + 1 - top })
    }

    /// Adds the pixels of `other`.
    ///
    /// # Panics
    /// If the masks have different sizes. This holds for every operation on two masks.
    pub fn union_with(&mut self, other: &BitMask) {
        self.combine(other, |a, b| a | b);
    }

    /// A mask of the pixels that are in either mask.
    pub fn union(&self, other: &BitMask) -> BitMask {
        let mut both = self.clone();
        both.union_with(other);
        both
    }

    /// Keeps only the pixels that are also in `other`.
    pub fn intersect_with(&mut self, other: &BitMask) {
        self.combine(other, |a, b| a & b);
    }

    /// Removes the pixels that are in `other`.
    pub fn subtract(&mut self, other: &BitMask) {
        self.combine(other, |a, b| a & !b);
    }

    fn combine(&mut self, other: &BitMask, f: impl Fn(u64, u64) -> u64) {
        assert_eq!(self.size(), other.size(), "the masks have different sizes");
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a = f(*a, *b);
        }
    }

    /// The number of pixels that are in both masks.
    pub fn intersection_area(&self, other: &BitMask) -> u32 {
        assert_eq!(self.size(), other.size(), "the masks have different sizes");
        self.words.iter().zip(&other.words).map(|(a, b)| (a & b).count_ones()).sum()
    }

    /// The intersection over union (IoU) of the masks; 0 if both are empty.
    pub fn iou(&self, other: &BitMask) -> f32 {
        let inter = u64::from(self.intersection_area(other));
        ratio(inter, u64::from(self.area()) + u64::from(other.area()) - inter)
    }

    /// The share of this mask that lies in `other`: `|A ∩ B| / |A|`. It is 0 if this mask is empty.
    pub fn contained_in(&self, other: &BitMask) -> f32 {
        ratio(u64::from(self.intersection_area(other)), u64::from(self.area()))
    }

    /// The mask at another size. Each new pixel is the old pixel under its centre.
    pub fn resize_nearest(&self, width: u32, height: u32) -> BitMask {
        let whole = BBox { x: 0, y: 0, width: self.width, height: self.height };
        self.sample_nearest(whole, width, height)
    }

    /// The `window` of the mask at `width` x `height`. Each new pixel is the old pixel under its
    /// centre.
    pub fn sample_nearest(&self, window: BBox, width: u32, height: u32) -> BitMask {
        let source = |i: u32, start: u32, from: u32, to: u32| {
            start.saturating_add(((f64::from(i) + 0.5) * f64::from(from) / f64::from(to)) as u32)
        };
        let columns: Vec<u32> =
            (0..width).map(|x| source(x, window.x, window.width, width)).collect();
        let rows: Vec<u32> =
            (0..height).map(|y| source(y, window.y, window.height, height)).collect();
        BitMask::from_fn(width, height, |x, y| self.get(columns[x as usize], rows[y as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::testing::arb_mask;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn area_bbox_and_pixels_are_those_that_are_set(mask in arb_mask(150, 20)) {
            let pixels: Vec<(u32, u32)> = (0..mask.height())
                .flat_map(|y| (0..mask.width()).map(move |x| (x, y)))
                .filter(|&(x, y)| mask.get(x, y))
                .collect();
            prop_assert_eq!(mask.area() as usize, pixels.len());
            prop_assert_eq!(mask.pixels().collect::<Vec<_>>(), pixels.clone());
            let expected = pixels.iter().map(|&(x, y)| BBox { x, y, width: 1, height: 1 }).reduce(|a, b| a.union(&b));
            prop_assert_eq!(mask.bbox(), expected);
        }

        #[test]
        fn spans_equal_single_pixels(mask in arb_mask(200, 4), y in 0u32..5, a in 0u32..220, b in 0u32..220) {
            let (mut filled, mut cleared) = (mask.clone(), mask.clone());
            filled.fill_row(y, a, b);
            cleared.clear_row(y, a, b);
            let hit = |x: u32, row: u32| row == y && (a..b).contains(&x);
            let (w, h) = mask.size();
            prop_assert_eq!(filled, BitMask::from_fn(w, h, |x, r| mask.get(x, r) || hit(x, r)));
            prop_assert_eq!(cleared, BitMask::from_fn(w, h, |x, r| mask.get(x, r) && !hit(x, r)));
        }
    }

    #[test]
    fn set_operations() {
        let a = BitMask::from_fn(100, 3, |x, _| x < 60);
        let b = BitMask::from_fn(100, 3, |x, _| x >= 40);
        assert_eq!(a.intersection_area(&b), 60);
        assert!((a.iou(&b) - 0.2).abs() < 1e-6);
        assert!((a.contained_in(&b) - 1.0 / 3.0).abs() < 1e-6);
        let mut only_a = a.clone();
        only_a.subtract(&b);
        assert_eq!(only_a.bbox(), Some(BBox { x: 0, y: 0, width: 40, height: 3 }));
        let mut both = a.clone();
        both.union_with(&b);
        assert_eq!(both, BitMask::full(100, 3));
        assert_eq!(BitMask::new(4, 4).iou(&BitMask::new(4, 4)), 0.0);
    }

    #[test]
    fn nearest_resize_takes_the_pixel_under_the_centre() {
        let mask = BitMask::from_fn(6, 4, |x, y| x >= 3 && y < 2);
        assert_eq!(mask.resize_nearest(2, 2), BitMask::from_fn(2, 2, |x, y| x == 1 && y == 0));
        assert_eq!(mask.resize_nearest(12, 8).resize_nearest(6, 4), mask);
        let window = BBox { x: 3, y: 0, width: 3, height: 2 };
        assert_eq!(mask.sample_nearest(window, 5, 5), BitMask::full(5, 5));
    }
}
