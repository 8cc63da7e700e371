//! Computes images in bands of rows, so that intermediate values need not be in memory for the
//! whole image at once.

use std::ops::Range;

use crate::ops::{self, ConvWindow, Tensor};

/// How many rows of an image a row of the result depends on.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// The number of the image's rows for each row of the result.
    stride: usize,
    /// The number of further rows on either side, in rows of the result.
    neighbours: usize,
}

impl Reach {
    /// The reach of a convolution with this window, whose padding is at most half of the window.
    pub(super) fn of(window: ConvWindow) -> Self {
        let ConvWindow { kernel, stride, .. } = window;
        Self { stride, neighbours: (kernel / 2).div_ceil(stride) }
    }
}

/// Some rows of a result.
pub(super) struct Band {
    rows: Range<usize>,
    /// The height of the whole result.
    height: usize,
    reach: Reach,
}

impl Band {
    /// The band's rows of an image that has the height of the result.
    pub(super) fn of(&self, image: &Tensor<4>) -> Tensor<4> {
        some_rows(image, self.rows.clone())
    }

    /// The band's own rows of a result that was made from them and their neighbours.
    pub(super) fn inner(&self, with_neighbours: Tensor<4>) -> Tensor<4> {
        let start = self.rows.start - self.with_neighbours().start;
        some_rows(&with_neighbours, start..start + self.rows.len())
    }

    /// The band's rows and their neighbours, as far as there are any.
    fn with_neighbours(&self) -> Range<usize> {
        let Range { start, end } = self.rows;
        let neighbours = self.reach.neighbours;
        start.saturating_sub(neighbours)..(end + neighbours).min(self.height)
    }

    /// The rows of the image that [`Self::with_neighbours`] are made of.
    fn source(&self) -> Range<usize> {
        let Range { start, end } = self.with_neighbours();
        start * self.reach.stride..end * self.reach.stride
    }
}

/// Makes an image `[1, height, width, _]` from `image`, whose sides are a multiple of the reach's
/// stride, band by band. `work` gets the rows of `image` that the band depends on. It returns the
/// band's own rows. `channels` is the number of intermediate values per pixel of `image`.
pub(super) fn in_bands(
    image: &Tensor<4>,
    reach: Reach,
    channels: usize,
    work: impl Fn(Tensor<4>, &Band) -> Tensor<4>,
) -> Tensor<4> {
    let height = image.dims()[1] / reach.stride;
    let rows = band_rows(image, channels).div_ceil(reach.stride);
    let bands = (0..height).step_by(rows).map(|top| {
        let band = Band { rows: top..(top + rows).min(height), height, reach };
        work(some_rows(image, band.source()), &band)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Activation;

    /// Bands give what a depthwise convolution of the whole image gives, for all kinds of windows
    /// that the networks have.
    #[test]
    fn bands_do_not_show() {
        const SIZE: [usize; 4] = [1, 64, 12, 4];
        let device = ops::cpu();
        let values = |count: usize| (0..count).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
        let image = ops::tensor(values(SIZE.iter().product()), SIZE, &device);
        let bias = ops::tensor(values(4), [4], &device);
        // With so many channels, some ten bands are needed.
        let channels = 10 * ops::working_bytes(&device) / (64 * 12 * size_of::<f32>());
        let windows = [(3, 1, 1), (5, 1, 2), (3, 2, 0), (3, 2, 1), (5, 2, 2)];
        for (kernel, stride, padding) in windows {
            let window = ConvWindow { kernel, stride, padding };
            let taps = kernel * kernel;
            let weight = ops::tensor(values(4 * taps), [taps, 4], &device);
            let convolve = |x| ops::depthwise(x, &weight, &bias, window, Activation::None);
            let whole = ops::ready(&convolve(image.clone())).expect("it is in main memory");
            let banded = in_bands(&image, Reach::of(window), channels, |rows, band| {
                assert!(rows.dims()[1] < 32, "there is more than one band");
                band.inner(convolve(rows))
            });
            let banded = ops::ready(&banded).expect("it is in main memory");
            assert_eq!(banded, whole, "{window:?}");
        }
    }
}
