//! Images in bands of rows, so that what is computed between two of them need not be there for the whole image at once.

use std::ops::Range;

use crate::ops::{self, Tensor};

/// Some rows of an image.
pub struct Band {
    rows: Range<usize>,
    /// Of the image.
    height: usize,
}

impl Band {
    /// These rows of something as high as the image.
    pub fn of(&self, image: &Tensor<4>) -> Tensor<4> {
        some_rows(image, self.rows.clone())
    }

    /// With a row more on either side, where there is one.
    fn reach(&self) -> Range<usize> {
        self.rows.start.saturating_sub(1)..(self.rows.end + 1).min(self.height)
    }

    /// The band's own rows, of what was made of them and their neighbours.
    pub fn inner(&self, with_neighbours: Tensor<4>) -> Tensor<4> {
        let start = self.rows.start - self.reach().start;
        some_rows(&with_neighbours, start..start + self.rows.len())
    }
}

/// Makes an image `[1, height, width, _]` of another such, band by band. `work` is given the rows of each band of `image` with a row more on
/// either side, where there is one: what a 3 x 3 window needs; and it gives the band's rows. `channels` tells how many values there are between
/// for each pixel.
pub fn in_bands(
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

/// Makes an image of `[1, height, width, _]`, band by band: each is given to `work` by itself, and is a multiple of `step` rows high but for
/// the last. `rows` is the height of the result, which may be half as high as the image. `channels` tells how many values there are between
/// for each pixel.
pub fn in_steps(
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

/// Rows of bands of equal height, so many that what is between for one of them stays within the budget.
fn band_rows(image: &Tensor<4>, channels: usize) -> usize {
    let [_, height, width, _] = image.dims();
    let bytes = height * width * channels * size_of::<f32>();
    height.div_ceil(bytes.div_ceil(ops::working_bytes(&image.device())))
}

fn some_rows(image: &Tensor<4>, rows: Range<usize>) -> Tensor<4> {
    if rows.len() == image.dims()[1] { image.clone() } else { ops::slice(image, 1, rows) }
}
