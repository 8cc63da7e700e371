//! The low-resolution logits of the mask decoder, and how they become pixels of the photo.
//!
//! Convention: the decoder returns a grid of `columns` x `rows` logits for its input (SAM:
//! 256 x 256 for 1024 x 1024). The photo fills the top-left `valid_width` x `valid_height` cells,
//! which may be fractions; the rest is padding. Cell `(i, j)` has its centre at
//! `(i + 0.5, j + 0.5)`, as with `align_corners = false`.
//!
//! SAM's `postprocess_masks` resizes to the padded input, crops, and resizes to the photo. Here
//! these two resizes are one bilinear sampling of the grid at the centre of each output pixel.
//! Samples beyond the grid repeat its edge. Samples beyond the valid cells but within the grid read
//! the logits of the padding, as SAM's first resize does.

use super::BitMask;
use thiserror::Error;

/// Why a grid of logits was refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it and its fields")]
pub enum LogitsError {
    #[error("a grid of {columns} x {rows} needs columns * rows logits, but there are {got}")]
    Length { columns: u32, rows: u32, got: usize },
    #[error(
        "the photo's part of the grid must lie within {columns} x {rows} cells and not be empty, but it is {width} x {height}"
    )]
    Valid { columns: u32, rows: u32, width: f32, height: f32 },
}

/// Where the photo's part of the grid lies in the output, in output pixels. It may reach beyond the
/// output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// The width.
    pub width: f64,
    /// The height.
    pub height: f64,
}

/// The logits of one mask on the decoder's grid, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct LowResLogits {
    columns: u32,
    rows: u32,
    valid_width: f32,
    valid_height: f32,
    values: Vec<f32>,
}

impl LowResLogits {
    /// The logits of one mask: `values` are `columns * rows` logits, row-major. The photo fills the
    /// top-left cells, and `valid` is the width and height of these.
    ///
    /// # Errors
    /// [`LogitsError`] if the number of values is wrong, or if the photo reaches beyond the grid.
    pub fn new(
        [columns, rows]: [u32; 2],
        valid: (f32, f32),
        values: Vec<f32>,
    ) -> Result<Self, LogitsError> {
        let length = (columns as usize).checked_mul(rows as usize);
        if values.is_empty() || length != Some(values.len()) {
            return Err(LogitsError::Length { columns, rows, got: values.len() });
        }
        let (width, height) = valid;
        let within = |v: f32, side: u32| v > 0.0 && v <= side as f32;
        if !within(width, columns) || !within(height, rows) {
            return Err(LogitsError::Valid { columns, rows, width, height });
        }
        Ok(Self { columns, rows, valid_width: width, valid_height: height, values })
    }

    /// The columns and rows of the grid, including the padding.
    pub fn size(&self) -> (u32, u32) {
        (self.columns, self.rows)
    }

    /// The logits, row-major, including the padding.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The number of cells that the photo reaches, `(columns, rows)`.
    pub fn valid_cells(&self) -> (u32, u32) {
        (self.valid_width.ceil() as u32, self.valid_height.ceil() as u32)
    }

    fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.columns as usize..][..self.columns as usize]
    }

    /// The rows of the cells that the photo reaches, without the padding.
    fn valid_rows(&self) -> impl Iterator<Item = &[f32]> {
        let (columns, rows) = self.valid_cells();
        (0..rows as usize).map(move |y| &self.row(y)[..columns as usize])
    }

    /// SAM's stability score: the IoU of the masks at `threshold + offset` and
    /// `threshold - offset`, over the photo's cells. It is 0 if both masks are empty.
    pub fn stability_score(&self, threshold: f32, offset: f32) -> f32 {
        let (high, low) = (threshold + offset, threshold - offset);
        let (mut inner, mut outer) = (0u32, 0u32);
        for row in self.valid_rows() {
            for &v in row {
                inner += u32::from(v > high);
                outer += u32::from(v > low);
            }
        }
        if outer == 0 { 0.0 } else { inner as f32 / outer as f32 }
    }

    /// The mask of the photo's cells that are above `threshold`, of the size
    /// [`valid_cells`](Self::valid_cells).
    pub fn to_low_res_mask(&self, threshold: f32) -> BitMask {
        let (columns, rows) = self.valid_cells();
        BitMask::from_fn(columns, rows, |x, y| self.row(y as usize)[x as usize] > threshold)
    }

    /// The mask of the samples above `threshold`, at the size of the photo.
    pub fn upsample(&self, out_width: u32, out_height: u32, threshold: f32) -> BitMask {
        let (width, height) = (f64::from(out_width), f64::from(out_height));
        self.render(Frame { x: 0.0, y: 0.0, width, height }, out_width, out_height, threshold)
    }

    /// The mask of the samples above `threshold` in an output of `out_width` x `out_height` pixels.
    /// The photo's part of the grid covers `frame` of the output, and nothing outside the frame is
    /// set.
    ///
    /// Along a row the bilinear surface is linear between two cell centres, so it crosses the
    /// threshold there at most once. The cost is therefore the number of cells per output row plus
    /// the words to fill, and not one sample per pixel.
    pub fn render(&self, frame: Frame, out_width: u32, out_height: u32, threshold: f32) -> BitMask {
        let mut mask = BitMask::new(out_width, out_height);
        let Some((columns, rows)) = self.cells_above(threshold) else {
            return mask;
        };
        let x_axis = Axis::new(frame.x, frame.width, self.valid_width, self.columns, out_width);
        let y_axis = Axis::new(frame.y, frame.height, self.valid_height, self.rows, out_height);
        let mut line = vec![0.0f32; columns.end - columns.start];
        for y in y_axis.pixels_between(rows.start, rows.end - 1) {
            let (j, fraction) = y_axis.cell_of(y);
            let below = self.row((j + 1).min(self.rows as usize - 1));
            let cells = self.row(j)[columns.clone()].iter().zip(&below[columns.clone()]);
            for (v, (a, b)) in line.iter_mut().zip(cells) {
                *v = a + fraction * (b - a) - threshold;
            }
            fill_positive(&mut mask, y, &line, columns.start, &x_axis);
        }
        mask
    }

    /// The columns and rows of cells outside of which no sample of the photo is above the
    /// threshold; `None` if there are no such samples.
    fn cells_above(
        &self,
        threshold: f32,
    ) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
        // A sample in the last half of a valid cell also reads the cell beyond it.
        let (columns, rows) = self.valid_cells();
        let (columns, rows) =
            ((columns + 1).min(self.columns) as usize, (rows + 1).min(self.rows) as usize);
        let (mut x0, mut x1, mut y0, mut y1) = (columns, 0, rows, 0);
        for y in 0..rows {
            let row = &self.row(y)[..columns];
            if let Some(first) = row.iter().position(|&v| v > threshold) {
                let last = row.iter().rposition(|&v| v > threshold).unwrap_or(first);
                (x0, x1) = (x0.min(first), x1.max(last));
                (y0, y1) = (y0.min(y), y);
            }
        }
        if x0 > x1 {
            return None;
        }
        let around = |first: usize, last: usize, limit: usize| {
            first.saturating_sub(1)..(last + 2).min(limit)
        };
        Some((around(x0, x1, columns), around(y0, y1, rows)))
    }
}

/// Fills the pixels of row `y` whose sample is positive. `line` holds the samples of the row at the
/// centres of the cells, from `first_cell` on.
fn fill_positive(mask: &mut BitMask, y: u32, line: &[f32], first_cell: usize, axis: &Axis) {
    let (mut start, mut inside) = (axis.first, line[0] > 0.0);
    for (i, pair) in line.windows(2).enumerate() {
        let (a, b) = (pair[0], pair[1]);
        if (a > 0.0) == (b > 0.0) {
            continue;
        }
        let crossing =
            axis.pixel_at((first_cell + i) as f64 + f64::from(a) / (f64::from(a) - f64::from(b)));
        // At the crossing the sample is 0, so that point is outside the mask.
        if inside {
            mask.fill_row(y, start, axis.clamp(crossing.ceil()));
        } else {
            start = axis.clamp(crossing.floor() + 1.0);
        }
        inside = !inside;
    }
    if inside {
        mask.fill_row(y, start, axis.end);
    }
}

/// The linear map between the pixels of the output and the cells along one axis.
struct Axis {
    origin: f64,
    cells_per_pixel: f64,
    last_cell: f64,
    /// The output pixels whose centres lie in the frame are `first..end`.
    first: u32,
    end: u32,
}

impl Axis {
    fn new(origin: f64, extent: f64, valid: f32, side: u32, pixels: u32) -> Self {
        let inside = |v: f64| (v - 0.5).ceil().clamp(0.0, f64::from(pixels)) as u32;
        let extent = extent.max(f64::MIN_POSITIVE);
        Self {
            origin,
            cells_per_pixel: f64::from(valid) / extent,
            last_cell: f64::from(side - 1),
            first: inside(origin),
            end: inside(origin + extent),
        }
    }

    /// The last cell whose centre is not beyond the pixel's centre, and the fraction of the way to
    /// the next cell.
    fn cell_of(&self, pixel: u32) -> (usize, f32) {
        let cell = (f64::from(pixel) + 0.5 - self.origin) * self.cells_per_pixel - 0.5;
        let cell = cell.clamp(0.0, self.last_cell);
        (cell as usize, cell.fract() as f32)
    }

    /// The pixel coordinate at a cell coordinate. Both count from the first centre: 0 is the centre
    /// of the first pixel or cell.
    fn pixel_at(&self, cell: f64) -> f64 {
        (cell + 0.5) / self.cells_per_pixel + self.origin - 0.5
    }

    fn clamp(&self, pixel: f64) -> u32 {
        pixel.clamp(f64::from(self.first), f64::from(self.end)) as u32
    }

    /// The pixels whose samples may read the cells `first` to `last`. If `first` is the first cell
    /// of the grid, these begin at the first pixel of the frame.
    fn pixels_between(&self, first: usize, last: usize) -> std::ops::Range<u32> {
        let start =
            if first == 0 { self.first } else { self.clamp(self.pixel_at(first as f64).floor()) };
        self.clamp(start.into())..self.clamp(self.pixel_at(last as f64 + 1.0).ceil() + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The convention, written out for one output pixel.
    fn sample(logits: &LowResLogits, frame: Frame, x: u32, y: u32) -> f64 {
        let last = [logits.columns, logits.rows].map(|count| f64::from(count - 1));
        let at = |pixel: u32, origin: f64, extent: f64, valid: f32, last: f64| {
            ((f64::from(pixel) + 0.5 - origin) * f64::from(valid) / extent - 0.5).clamp(0.0, last)
        };
        let (cx, cy) = (
            at(x, frame.x, frame.width, logits.valid_width, last[0]),
            at(y, frame.y, frame.height, logits.valid_height, last[1]),
        );
        let value = |i: f64, j: f64| {
            let (i, j) = (i.min(last[0]) as usize, j.min(last[1]) as usize);
            f64::from(logits.values[j * logits.columns as usize + i])
        };
        let (i, j, fx, fy) = (cx.floor(), cy.floor(), cx.fract(), cy.fract());
        let top = value(i, j) * (1.0 - fx) + value(i + 1.0, j) * fx;
        let bottom = value(i, j + 1.0) * (1.0 - fx) + value(i + 1.0, j + 1.0) * fx;
        top * (1.0 - fy) + bottom * fy
    }

    fn arb_logits() -> impl Strategy<Value = LowResLogits> {
        (1u32..12, 1u32..12).prop_flat_map(|(columns, rows)| {
            let valid = (0.3f32..=columns as f32, 0.3f32..=rows as f32);
            let value = prop_oneof![2 => -9.0f32..-1.0, 1 => -4.0f32..9.0];
            let values = prop::collection::vec(value, (columns * rows) as usize);
            (valid, values).prop_map(move |(valid, values)| {
                LowResLogits::new([columns, rows], valid, values).expect("valid logits")
            })
        })
    }

    proptest! {
        #[test]
        fn render_is_bilinear_sampling(
            logits in arb_logits(),
            (w, h) in (1u32..70, 1u32..50),
            (fx, fy, fw, fh) in (-20.0f64..30.0, -20.0f64..30.0, 0.5f64..90.0, 0.5f64..90.0),
            whole in any::<bool>(),
            threshold in -1.0f32..1.0,
        ) {
            let (frame, mask) = if whole {
                let frame = Frame { x: 0.0, y: 0.0, width: w.into(), height: h.into() };
                (frame, logits.upsample(w, h, threshold))
            } else {
                let frame = Frame { x: fx, y: fy, width: fw, height: fh };
                (frame, logits.render(frame, w, h, threshold))
            };
            for y in 0..h {
                for x in 0..w {
                    let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                    let in_frame = (frame.x..frame.x + frame.width).contains(&px)
                        && (frame.y..frame.y + frame.height).contains(&py);
                    let margin = sample(&logits, frame, x, y) - f64::from(threshold);
                    if !in_frame {
                        prop_assert!(!mask.get(x, y), "outside the frame at {x},{y}");
                    } else if margin.abs() > 1e-4 {
                        prop_assert_eq!(mask.get(x, y), margin > 0.0, "at {},{}: {}", x, y, margin);
                    }
                }
            }
        }
    }

    #[test]
    fn upsampling_keeps_a_straight_edge_where_it_is() {
        // Columns 0 and 1 of the four are inside, and 2 and 3 are outside. So the edge is in the
        // middle of the photo.
        let values = (0..16).map(|i| if i % 4 < 2 { 5.0 } else { -5.0 }).collect();
        let logits = LowResLogits::new([4, 4], (4.0, 4.0), values).expect("valid logits");
        assert_eq!(logits.upsample(400, 300, 0.0), BitMask::from_fn(400, 300, |x, _| x < 200));
        assert_eq!(logits.to_low_res_mask(0.0), BitMask::from_fn(4, 4, |x, _| x < 2));
    }

    #[test]
    fn padding_stays_out() {
        let values = (0..64).map(|i| if i % 8 >= 4 || i / 8 >= 3 { 9.0 } else { -9.0 }).collect();
        let logits = LowResLogits::new([8, 8], (3.5, 2.5), values).expect("valid logits");
        assert_eq!(logits.valid_cells(), (4, 3));
        assert!(logits.to_low_res_mask(0.0).is_empty());
        assert!(logits.upsample(70, 50, 0.0).is_empty());
        assert_eq!(logits.stability_score(0.0, 1.0), 0.0);
    }

    #[test]
    fn stability_counts_the_cells_between_the_thresholds() {
        let values = vec![3.0, 0.5, -0.5, 3.0, 3.0, -3.0, 3.0, 3.0, 3.0];
        let logits = LowResLogits::new([3, 3], (3.0, 3.0), values).expect("valid logits");
        assert!((logits.stability_score(0.0, 1.0) - 6.0 / 8.0).abs() < 1e-6);
    }

    #[test]
    fn bad_grids_are_refused_and_odd_logits_do_not_panic() {
        assert!(matches!(
            LowResLogits::new([2, 2], (2.0, 2.0), vec![0.0; 3]),
            Err(LogitsError::Length { .. })
        ));
        assert!(matches!(
            LowResLogits::new([0, 0], (1.0, 1.0), vec![]),
            Err(LogitsError::Length { .. })
        ));
        for valid in [0.0, 2.5, f32::NAN] {
            assert!(matches!(
                LowResLogits::new([2, 2], (valid, 1.0), vec![0.0; 4]),
                Err(LogitsError::Valid { .. })
            ));
        }
        let odd = vec![
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            1.0,
            f32::NAN,
            2.0,
            -1.0,
            f32::INFINITY,
            0.0,
        ];
        let logits = LowResLogits::new([3, 3], (3.0, 3.0), odd).expect("valid logits");
        assert_eq!(logits.upsample(64, 48, 0.0).size(), (64, 48));
    }
}
