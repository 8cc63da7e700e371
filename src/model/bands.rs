//! Computes images in bands of rows, so that intermediate values need not be in memory for the
//! whole image at once.

use std::ops::Range;

use crate::ops::{self, Tensor};

/// Some rows of an image.
pub(super) struct Band {
    rows: Range<usize>,
    /// The height of the image.
    height: usize,
}

impl Band {
    /// The band's rows of an image of the same height.
    pub(super) fn of(&self, image: &Tensor<4>) -> Tensor<4> {
        some_rows(image, self.rows.clone())
    }

    /// The band's rows and one more row on either side, if there is one.
    fn reach(&self) -> Range<usize> {
        self.rows.start.saturating_sub(1)..(self.rows.end + 1).min(self.height)
    }

    /// The band's own rows of a result that was made from them and their neighbours.
    pub(super) fn inner(&self, with_neighbours: Tensor<4>) -> Tensor<4> {
        let start = self.rows.start - self.reach().start;
        some_rows(&with_neighbours, start..start + self.rows.len())
    }
}

/// Makes an image `[1, height, width, _]` from `image`, which has the same height and width, band
/// by band. `work` gets the band's rows of `image` with one more row on either side, if there is
/// one, as a 3 x 3 window needs. It returns the band's own rows. `channels` is the number of
/// intermediate values per pixel.
pub(super) fn in_bands(
    image: &Tensor<4>,
    channels: usize,
    work: impl Fn(Tensor<4>, &Band) -> Tensor<4>,
) -> Tensor<4> {
    let height = image.dims()[1];
    let rows = band_rows(image, channels);
    let bands = (0..height).step_by(rows).map(|top| {
        let band = Band { rows: top..(top + rows).min(height), height };
        work(some_rows(image, band.reach()), &band)
    });
    ops::collect(bands, 1, height)
}

/// Makes an image from `image`, `[1, height, width, _]`, band by band. `work` gets the rows of each
/// band alone. The height of each band but the last is a multiple of `step`. `rows` is the height
/// of the result, which may be half of the height of `image`. `channels` is the number of
/// intermediate values per pixel.
pub(super) fn in_steps(
    image: &Tensor<4>,
    step: usize,
    rows: usize,
    channels: usize,
    work: impl Fn(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let height = image.dims()[1];
    let each = band_rows(image, channels).next_multiple_of(step);
    let bands =
        (0..height).step_by(each).map(|top| work(some_rows(image, top..(top + each).min(height))));
    ops::collect(bands, 1, rows)
}

/// The number of rows of each band but the last. The bands are as high as the device's budget for
/// intermediate values allows.
fn band_rows(image: &Tensor<4>, channels: usize) -> usize {
    let [_, height, width, _] = image.dims();
    let bytes = height * width * channels * size_of::<f32>();
    height.div_ceil(bytes.div_ceil(ops::working_bytes(&image.device())))
}

fn some_rows(image: &Tensor<4>, rows: Range<usize>) -> Tensor<4> {
    if rows.len() == image.dims()[1] { image.clone() } else { ops::slice(image, 1, rows) }
}
