//! COCO's compressed run-length encoding (RLE), equal to that of pycocotools in every byte.

use super::BitMask;
use crate::photo::MAX_SIDE;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The largest mask that is decoded, in pixels.
pub(crate) const MAX_PIXELS: u32 = 1 << 28;

/// Why a run-length encoding from outside could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the message of each variant describes it and its fields")]
pub enum RleError {
    #[error("the mask has no pixels (size {height} x {width}); give the photo's [height, width]")]
    EmptySize { width: u32, height: u32 },
    #[error(
        "a mask of {width} x {height} pixels is too large; the limits are {MAX_SIDE} pixels per side and {MAX_PIXELS} pixels in all"
    )]
    TooLarge { width: u32, height: u32 },
    #[error(
        "the counts have an invalid character at position {position}; COCO compressed counts use '0' to 'o'"
    )]
    BadCharacter { position: usize },
    #[error("the counts end inside the last number; the string is incomplete")]
    Truncated,
    #[error("run {run} is negative or larger than the mask; the counts are damaged")]
    Overflow { run: usize },
    #[error(
        "the runs cover {got} pixels, but the mask has {expected}; check that size is [height, width]"
    )]
    WrongTotal { expected: u32, got: u32 },
    #[error(
        "the masks have different sizes: {a:?} and {b:?} ([height, width]); both must have the photo's size"
    )]
    SizeMismatch { a: [u32; 2], b: [u32; 2] },
}

/// A mask in COCO's compressed form: the lengths of alternating runs of 0 and 1, column by column,
/// beginning with 0.
///
/// The fields are as they came from outside. Every method that reads `counts` checks them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rle {
    /// `[height, width]` in pixels.
    pub size: [u32; 2],
    /// The run lengths as pycocotools writes them, with characters of 6 bits each. From the fourth
    /// run on, a run is written as its difference from the run two before it.
    pub counts: String,
}

impl Rle {
    /// The width of the mask, in pixels.
    pub fn width(&self) -> u32 {
        self.size[1]
    }

    /// The height of the mask, in pixels.
    pub fn height(&self) -> u32 {
        self.size[0]
    }

    /// Encodes a mask.
    pub fn encode(mask: &BitMask) -> Rle {
        Rle::from_toggles(mask.width(), mask.height(), &column_toggles(mask))
    }

    /// The mask, of [`width`](Self::width) x [`height`](Self::height) pixels.
    ///
    /// # Errors
    /// [`RleError`] if the fields are not a valid encoding.
    pub fn decode(&self) -> Result<BitMask, RleError> {
        let (height, counts) = (self.height(), self.read_counts()?);
        let mut mask = BitMask::new(self.width(), height);
        let mut flip = |x: u32, y: u32| {
            if y < height {
                mask.row_mut(y)[x as usize / 64] ^= 1 << (x % 64);
            }
        };
        // Each run puts one bit where it starts in a column and one where it ends in that column.
        // XOR down the columns then fills the run.
        for (start, end) in ones(&counts).filter(|(start, end)| start < end) {
            let (first, last) = (start / height, (end - 1) / height);
            for x in first..=last {
                flip(x, if x == first { start % height } else { 0 });
                flip(x, if x == last { (end - 1) % height + 1 } else { height });
            }
        }
        for y in 1..height {
            let (above, row) = mask.row_pair(y);
            for (word, above) in row.iter_mut().zip(above) {
                *word ^= above;
            }
        }
        Ok(mask)
    }

    /// The number of pixels that are set.
    ///
    /// # Errors
    /// [`RleError`] if the fields are not a valid encoding.
    pub fn area(&self) -> Result<u32, RleError> {
        Ok(self.read_counts()?.iter().skip(1).step_by(2).sum())
    }

    /// The union with a mask of the same size. It is found from the runs, without decoding the
    /// masks.
    ///
    /// # Errors
    /// [`RleError`] if one of the two is not a valid encoding, or if the sizes differ.
    pub fn union(&self, other: &Rle) -> Result<Rle, RleError> {
        if self.size != other.size {
            return Err(RleError::SizeMismatch { a: self.size, b: other.size });
        }
        let (a, b) = (self.read_counts()?, other.read_counts()?);
        let mut runs: Vec<(u32, u32)> =
            ones(&a).chain(ones(&b)).filter(|(start, end)| start < end).collect();
        runs.sort_unstable();
        let mut toggles: Vec<u32> = Vec::with_capacity(2 * runs.len());
        for (start, end) in runs {
            match toggles.last_mut() {
                Some(last) if start <= *last => *last = end.max(*last),
                _ => toggles.extend([start, end]),
            }
        }
        Ok(Rle::from_toggles(self.width(), self.height(), &toggles))
    }

    /// Encodes a mask that is given by the positions at which its value changes: column-major and
    /// ascending.
    fn from_toggles(width: u32, height: u32, toggles: &[u32]) -> Rle {
        let total = width * height;
        let mut counts = Vec::with_capacity(toggles.len() + 1);
        let mut previous = 0;
        for &position in toggles.iter().filter(|&&p| p < total) {
            counts.push(position - previous);
            previous = position;
        }
        counts.push(total - previous);
        Rle { size: [height, width], counts: write_counts(&counts) }
    }

    /// The run lengths after checks: they sum to `width * height`, and the size is within the
    /// limits.
    fn read_counts(&self) -> Result<Vec<u32>, RleError> {
        let [height, width] = self.size;
        if width == 0 || height == 0 {
            return Err(RleError::EmptySize { width, height });
        }
        let total = match width.checked_mul(height) {
            Some(total) if width <= MAX_SIDE && height <= MAX_SIDE && total <= MAX_PIXELS => total,
            _ => return Err(RleError::TooLarge { width, height }),
        };
        let mut counts: Vec<u32> = Vec::new();
        let mut covered = 0u32;
        let (mut value, mut shift) = (0i64, 0u32);
        for (position, byte) in self.counts.bytes().enumerate() {
            let digit = match byte {
                b'0'..=b'o' => i64::from(byte - b'0'),
                _ => return Err(RleError::BadCharacter { position }),
            };
            let run = counts.len();
            // Seven digits can hold any difference of two 32-bit numbers.
            if shift >= 35 {
                return Err(RleError::Overflow { run });
            }
            value |= (digit & 0x1f) << shift;
            shift += 5;
            if digit & 0x20 != 0 {
                continue;
            }
            if digit & 0x10 != 0 {
                value |= -1i64 << shift;
            }
            if run > 2 {
                value += i64::from(counts[run - 2]);
            }
            let count = u32::try_from(value)
                .ok()
                .filter(|&c| c <= total)
                .ok_or(RleError::Overflow { run })?;
            covered = covered.saturating_add(count);
            if covered > total {
                return Err(RleError::WrongTotal { expected: total, got: covered });
            }
            counts.push(count);
            (value, shift) = (0, 0);
        }
        if shift != 0 {
            return Err(RleError::Truncated);
        }
        if covered != total {
            return Err(RleError::WrongTotal { expected: total, got: covered });
        }
        Ok(counts)
    }
}

/// The runs of ones, as half-open ranges of column-major positions.
fn ones(counts: &[u32]) -> impl Iterator<Item = (u32, u32)> + '_ {
    let mut position = 0;
    counts.iter().enumerate().filter_map(move |(i, &count)| {
        let start = position;
        position += count;
        (i % 2 == 1).then_some((start, position))
    })
}

/// The column-major positions at which the value changes, in ascending order.
///
/// Each row is compared word by word with the row above. The cost is therefore the words of the
/// bounding box plus the length of the outline. A counting sort then brings the changes into column
/// order.
fn column_toggles(mask: &BitMask) -> Vec<u32> {
    let Some(bbox) = mask.bbox() else {
        return Vec::new();
    };
    let height = mask.height();
    let words = bbox.x as usize / 64..(bbox.right() as usize).div_ceil(64);
    let mut above = vec![0u64; words.len()];
    let mut changes: Vec<(u32, u32)> = Vec::new();
    let mut starts = vec![0usize; bbox.width as usize + 1];
    for y in bbox.y..=bbox.bottom().min(height - 1) {
        for ((i, above), &word) in words.clone().zip(&mut above).zip(&mask.row(y)[words.clone()]) {
            let mut changed = word ^ *above;
            *above = word;
            while changed != 0 {
                let column = i as u32 * 64 + changed.trailing_zeros() - bbox.x;
                changes.push((column, y));
                starts[column as usize + 1] += 1;
                changed &= changed - 1;
            }
        }
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut rows = vec![0u32; changes.len()];
    for (column, y) in changes {
        let slot = &mut next[column as usize];
        rows[*slot] = y;
        *slot += 1;
    }
    let mut toggles: Vec<u32> = Vec::with_capacity(rows.len() + 2);
    for column in 0..bbox.width as usize {
        let top = (bbox.x + column as u32) * height;
        let rows = &rows[starts[column]..starts[column + 1]];
        let mut rows = rows.iter().map(|y| top + y).peekable();
        // A run that reaches the bottom of a column continues at the top of the next one.
        if rows.peek() == toggles.last() && toggles.last().is_some() {
            toggles.pop();
            rows.next();
        }
        toggles.extend(rows);
        if toggles.len() % 2 == 1 {
            toggles.push(top + height);
        }
    }
    toggles
}

/// The compressed text of run lengths.
fn write_counts(counts: &[u32]) -> String {
    let mut text = String::with_capacity(counts.len() * 2);
    for (i, &count) in counts.iter().enumerate() {
        let mut value = i64::from(count);
        if i > 2 {
            value -= i64::from(counts[i - 2]);
        }
        loop {
            let digit = (value & 0x1f) as u8;
            value >>= 5;
            // The highest bit of the last digit is the sign of the number.
            let more = if digit & 0x10 != 0 { value != -1 } else { value != 0 };
            text.push(char::from(b'0' + digit + if more { 0x20 } else { 0 }));
            if !more {
                break;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::testing::arb_mask;
    use proptest::prelude::*;

    /// Masks and their encodings as pycocotools writes them. `tests/golden/make_rle.py` makes the
    /// file.
    const GOLDEN: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rle_pycocotools.json"));

    #[derive(Deserialize)]
    struct Golden {
        name: String,
        /// The mask is the XOR of these `[x, y, width, height]` rectangles.
        rects: Vec<[u32; 4]>,
        area: u32,
        rle: Rle,
    }

    impl Golden {
        fn mask(&self) -> BitMask {
            let mut mask = BitMask::new(self.rle.width(), self.rle.height());
            for &[x, y, w, h] in &self.rects {
                for py in y..y + h {
                    for px in x..x + w {
                        mask.set(px, py, !mask.get(px, py));
                    }
                }
            }
            mask
        }
    }

    #[test]
    fn equals_pycocotools() {
        let cases: Vec<Golden> = serde_json::from_str(GOLDEN).expect("golden file");
        assert!(cases.len() >= 10);
        for case in cases {
            let mask = case.mask();
            assert_eq!(Rle::encode(&mask), case.rle, "encode {}", case.name);
            assert_eq!(case.rle.decode().as_ref(), Ok(&mask), "decode {}", case.name);
            assert_eq!(case.rle.area(), Ok(case.area), "area {}", case.name);
        }
    }

    fn rle(size: [u32; 2], counts: &str) -> Rle {
        Rle { size, counts: counts.into() }
    }

    #[test]
    fn damaged_codes_are_refused() {
        use RleError::*;
        let cases = [
            (rle([0, 3], "0"), EmptySize { width: 3, height: 0 }),
            (rle([u32::MAX, u32::MAX], "0"), TooLarge { width: u32::MAX, height: u32::MAX }),
            (rle([70_000, 1], "0"), TooLarge { width: 1, height: 70_000 }),
            (rle([65_535, 65_535], "0"), TooLarge { width: 65_535, height: 65_535 }),
            (rle([2, 2], "4 "), BadCharacter { position: 1 }),
            (rle([2, 2], "é"), BadCharacter { position: 0 }),
            (rle([2, 2], "T"), Truncated),
            (rle([2, 2], "3"), WrongTotal { expected: 4, got: 3 }),
            (rle([2, 2], "33"), WrongTotal { expected: 4, got: 6 }),
            (rle([2, 2], ""), WrongTotal { expected: 4, got: 0 }),
            (rle([2, 2], "O"), Overflow { run: 0 }),
            (rle([2, 2], "5"), Overflow { run: 0 }),
            (rle([2, 2], "oooooooooooooooo0"), Overflow { run: 0 }),
        ];
        for (code, error) in cases {
            assert_eq!(code.decode(), Err(error), "{code:?}");
            assert_eq!(code.area(), Err(error), "{code:?}");
            assert!(!error.to_string().is_empty());
        }
        let (a, b) = (rle([1, 2], "2"), rle([2, 1], "2"));
        assert_eq!(a.union(&b), Err(SizeMismatch { a: [1, 2], b: [2, 1] }));
    }

    #[test]
    fn zero_runs_inside_are_read() {
        // The runs are 1, 1, 0, 1 and 1. Counted from 0, run 3 is written as 0 more than run 1, and
        // run 4 as 1 more than run 2.
        assert_eq!(
            rle([4, 1], "11001").decode(),
            Ok(BitMask::from_fn(1, 4, |_, y| y == 1 || y == 2))
        );
    }

    #[test]
    fn json_form() {
        let json = serde_json::to_string(&Rle::encode(&BitMask::full(3, 2))).expect("valid JSON");
        assert_eq!(json, r#"{"size":[2,3],"counts":"06"}"#);
    }

    proptest! {
        #[test]
        fn round_trip(mask in arb_mask(140, 40)) {
            let code = Rle::encode(&mask);
            prop_assert_eq!(code.decode(), Ok(mask.clone()));
            prop_assert_eq!(code.area(), Ok(mask.area()));
        }

        #[test]
        fn union_on_runs_equals_union_on_bits((a, b) in (1u32..90, 1u32..30).prop_flat_map(|(w, h)| {
            use crate::mask::testing::arb_mask_sized;
            (arb_mask_sized(w, h), arb_mask_sized(w, h))
        })) {
            let code = Rle::encode(&a).union(&Rle::encode(&b)).expect("valid encodings");
            let mut both = a;
            both.union_with(&b);
            prop_assert_eq!(code, Rle::encode(&both));
        }

        #[test]
        fn any_text_is_read_or_refused(w in 0u32..9, h in 0u32..9, counts in "[0-o]{0,12}|\\PC{0,6}") {
            if let Ok(mask) = rle([h, w], &counts).decode() {
                prop_assert_eq!(mask.size(), (w, h));
            }
        }
    }
}
