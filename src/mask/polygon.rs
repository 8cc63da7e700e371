//! Masks of shapes that a person draws. A pixel belongs to a shape if its centre does.

use super::BitMask;
use thiserror::Error;

/// The most points that a polygon may have.
pub(crate) const MAX_POINTS: usize = 100_000;

/// Why a box or a polygon gives no mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it and its fields")]
pub enum ShapeError {
    #[error("the polygon has {got} points; it needs at least 3")]
    TooFewPoints { got: usize },
    #[error("the polygon has {got} points; simplify it to at most {MAX_POINTS}")]
    TooManyPoints { got: usize },
    #[error("a coordinate is not a finite number; coordinates are in pixels of the photo")]
    NotFinite,
    #[error("the box has a side of 0; a box is [x, y, width, height] in pixels")]
    EmptyBox,
    #[error(
        "the shape covers no pixel of the {width} x {height} photo; coordinates are in pixels from the top left corner"
    )]
    NothingCovered { width: u32, height: u32 },
}

/// The pixels of a `width` x `height` photo whose centres lie in the polygon by the even-odd rule.
///
/// `points` are `[x, y]` in pixels, in either direction around the polygon. The last point is
/// joined to the first. The polygon may cross itself and may reach beyond the photo. A centre that
/// lies exactly on an edge belongs to the shape to the right of that edge, or below it if the edge
/// is horizontal.
///
/// # Errors
/// [`ShapeError`] if there are fewer than three points or more than 100,000, if a coordinate
/// is not finite, or if no pixel is covered.
pub fn rasterise_polygon(
    points: &[[f64; 2]],
    width: u32,
    height: u32,
) -> Result<BitMask, ShapeError> {
    let mut drawing = PolygonDrawing::new(points, width, height)?;
    while drawing.draw_band() {}
    drawing.finish()
}

/// The work of [`rasterise_polygon`], in bands of rows. Each band takes some milliseconds, so that
/// a caller can stop between two of them.
pub(crate) struct PolygonDrawing<'a> {
    points: &'a [[f64; 2]],
    mask: BitMask,
    /// The next row to draw; all rows above it are drawn.
    next: u32,
}

impl<'a> PolygonDrawing<'a> {
    /// The most edges of one band. An edge counts once for each row of the band.
    const EDGES_A_BAND: usize = 1 << 21;

    /// Starts to draw a polygon.
    ///
    /// # Errors
    /// Those of [`rasterise_polygon`], except that a polygon which covers no pixel is not noticed
    /// yet.
    pub(crate) fn new(points: &'a [[f64; 2]], width: u32, height: u32) -> Result<Self, ShapeError> {
        if points.len() < 3 {
            return Err(ShapeError::TooFewPoints { got: points.len() });
        }
        if points.len() > MAX_POINTS {
            return Err(ShapeError::TooManyPoints { got: points.len() });
        }
        if points.iter().flatten().any(|v| !v.is_finite()) {
            return Err(ShapeError::NotFinite);
        }
        Ok(Self { points, mask: BitMask::new(width, height), next: 0 })
    }

    /// Draws the next band. Returns whether there are more rows to draw.
    pub(crate) fn draw_band(&mut self) -> bool {
        let (width, height) = (self.mask.width(), self.mask.height());
        let rows = (Self::EDGES_A_BAND / self.points.len()).max(1) as u32;
        let band = self.next..self.next.saturating_add(rows).min(height);
        // In every row that it crosses, an edge flips the first pixel whose centre lies at the edge
        // or to the right of it. The running parity along the row then gives the mask.
        for (&a, &b) in self.points.iter().zip(self.points.iter().cycle().skip(1)) {
            let ([x0, y0], [x1, y1]) = if a[1] <= b[1] { (a, b) } else { (b, a) };
            let slope = (x1 - x0) / (y1 - y0);
            for y in
                first_centre(y0, height).max(band.start)..first_centre(y1, height).min(band.end)
            {
                let x = first_centre(x0 + (f64::from(y) + 0.5 - y0) * slope, width);
                if x < width {
                    self.mask.row_mut(y)[x as usize / 64] ^= 1 << (x % 64);
                }
            }
        }
        for y in band.clone() {
            running_parity(self.mask.row_mut(y), width);
        }
        self.next = band.end;
        self.next < height
    }

    /// The mask, after all bands have been drawn.
    ///
    /// # Errors
    /// [`ShapeError::NothingCovered`].
    pub(crate) fn finish(self) -> Result<BitMask, ShapeError> {
        not_empty(self.mask)
    }
}

/// A box `[x, y, width, height]` without negative sides. If a box was drawn from its right or lower
/// edge, the result starts at its upper left corner.
pub(crate) fn upright_box([x, y, width, height]: [f64; 4]) -> [f64; 4] {
    [x + width.min(0.0), y + height.min(0.0), width.abs(), height.abs()]
}

/// The pixels of a `width` x `height` photo whose centres lie in the box `[x, y, width, height]`.
/// The box is in pixels, its sides may be negative, and it may reach beyond the photo.
///
/// # Errors
/// [`ShapeError`] if a number is not finite, if a side is 0, or if no pixel is covered.
pub fn rasterise_box(shape: [f64; 4], width: u32, height: u32) -> Result<BitMask, ShapeError> {
    if shape.iter().any(|v| !v.is_finite()) {
        return Err(ShapeError::NotFinite);
    }
    let [x, y, w, h] = upright_box(shape);
    if w == 0.0 || h == 0.0 {
        return Err(ShapeError::EmptyBox);
    }
    let mut mask = BitMask::new(width, height);
    for row in first_centre(y, height)..first_centre(y + h, height) {
        mask.fill_row(row, first_centre(x, width), first_centre(x + w, width));
    }
    not_empty(mask)
}

fn not_empty(mask: BitMask) -> Result<BitMask, ShapeError> {
    if mask.is_empty() {
        return Err(ShapeError::NothingCovered { width: mask.width(), height: mask.height() });
    }
    Ok(mask)
}

/// The first pixel whose centre lies at or beyond a coordinate, from 0 to `limit`.
fn first_centre(coordinate: f64, limit: u32) -> u32 {
    (coordinate - 0.5).ceil().clamp(0.0, f64::from(limit)) as u32
}

/// Replaces each bit by the parity of all bits up to and including it.
fn running_parity(row: &mut [u64], width: u32) {
    let mut carry = 0;
    for word in row.iter_mut() {
        for shift in [1, 2, 4, 8, 16, 32] {
            *word ^= *word << shift;
        }
        *word ^= carry;
        carry = 0u64.wrapping_sub(*word >> 63);
    }
    if let (Some(last), 1..) = (row.last_mut(), width % 64) {
        *last &= u64::MAX >> (64 - width % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The even-odd rule for one centre: counts the edges that the ray to the left crosses.
    fn contains(points: &[[f64; 2]], x: f64, y: f64) -> bool {
        let mut inside = false;
        for i in 0..points.len() {
            let ([x0, y0], [x1, y1]) = (points[i], points[(i + 1) % points.len()]);
            if (y0 <= y) != (y1 <= y) && x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x {
                inside = !inside;
            }
        }
        inside
    }

    proptest! {
        #[test]
        fn polygon_equals_the_even_odd_rule(
            // The fractions below keep corners and edges away from the centres of pixels. Their
            // denominators are primes that are larger than any difference of coordinates, so no
            // edge can meet a centre, except by rounding.
            points in prop::collection::vec((-20i32..120, -20i32..60), 3..9),
            (w, h) in (1u32..90, 1u32..40),
        ) {
            let points: Vec<[f64; 2]> =
                points.iter().map(|&(x, y)| [f64::from(x) + 1.0 / 1009.0, f64::from(y) + 1.0 / 1013.0]).collect();
            let expected = BitMask::from_fn(w, h, |x, y| contains(&points, f64::from(x) + 0.5, f64::from(y) + 0.5));
            match rasterise_polygon(&points, w, h) {
                Ok(mask) => prop_assert_eq!(mask, expected),
                Err(error) => {
                    prop_assert_eq!(error, ShapeError::NothingCovered { width: w, height: h });
                    prop_assert!(expected.is_empty());
                }
            }
        }

        #[test]
        fn box_equals_its_polygon(x in -10.0f64..50.0, y in -10.0f64..30.0, w in 0.1f64..80.0, h in 0.1f64..80.0) {
            let corners = [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
            prop_assert_eq!(rasterise_box([x, y, w, h], 70, 20), rasterise_polygon(&corners, 70, 20));
        }

        #[test]
        fn a_box_may_be_drawn_from_any_corner(x in -10i32..50, y in -10i32..30, w in 1i32..80, h in 1i32..80) {
            let [x, y, w, h] = [x, y, w, h].map(f64::from);
            let expected = rasterise_box([x, y, w, h], 70, 20);
            for other in [[x + w, y, -w, h], [x, y + h, w, -h], [x + w, y + h, -w, -h]] {
                prop_assert_eq!(rasterise_box(other, 70, 20), expected.clone());
            }
        }
    }

    #[test]
    fn two_polygons_with_a_common_edge_share_no_pixel() {
        let corner = [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]];
        let below =
            rasterise_polygon(&[corner[0], corner[2], corner[3]], 9, 9).expect("it covers pixels");
        let above =
            rasterise_polygon(&[corner[0], corner[1], corner[2]], 9, 9).expect("it covers pixels");
        assert_eq!(below.intersection_area(&above), 0);
        assert_eq!(below.area() + above.area(), 81);
    }

    /// This is a comb of long edges: many points over many rows.
    #[test]
    fn a_large_polygon_is_drawn_in_many_bands() {
        let corner =
            |i: u32| [f64::from(i) / 50.0, if i.is_multiple_of(2) { 0.0 } else { 20_000.0 }];
        let points: Vec<[f64; 2]> = (0..10_000).map(corner).collect();
        let mut drawing = PolygonDrawing::new(&points, 200, 20_000).expect("it is a polygon");
        let mut bands = 1;
        while drawing.draw_band() {
            bands += 1;
        }
        assert!(bands > 90, "{bands}");
        assert!(drawing.finish().is_ok());
    }

    #[test]
    fn shapes_that_are_no_mask_are_refused() {
        let outside = [[20.0, 20.0], [30.0, 20.0], [30.0, 30.0]];
        let nothing = ShapeError::NothingCovered { width: 8, height: 8 };
        assert_eq!(
            rasterise_polygon(&outside[..2], 8, 8),
            Err(ShapeError::TooFewPoints { got: 2 })
        );
        assert_eq!(rasterise_polygon(&outside, 8, 8), Err(nothing));
        assert_eq!(
            rasterise_polygon(&[[1.0, 1.0], [f64::NAN, 2.0], [3.0, 3.0]], 8, 8),
            Err(ShapeError::NotFinite)
        );
        let many = vec![[0.0, 0.0]; MAX_POINTS + 1];
        assert_eq!(
            rasterise_polygon(&many, 8, 8),
            Err(ShapeError::TooManyPoints { got: MAX_POINTS + 1 })
        );
        assert_eq!(rasterise_box([0.0, 0.0, 0.0, 3.0], 8, 8), Err(ShapeError::EmptyBox));
        assert_eq!(rasterise_box([0.0, f64::INFINITY, 1.0, 3.0], 8, 8), Err(ShapeError::NotFinite));
        assert_eq!(rasterise_box([9.0, 0.0, 4.0, 4.0], 8, 8), Err(nothing));
        let huge = [[-1e308, -1e308], [1e308, -1e308], [0.0, 1e308]];
        assert!(
            rasterise_polygon(&huge, 8, 8).is_ok()
                || rasterise_polygon(&huge, 8, 8) == Err(nothing)
        );
    }
}
