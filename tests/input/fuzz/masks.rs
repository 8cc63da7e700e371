//! Compares run-length encodings and polygons with slow implementations that are obviously right.

use aims_web::mask::{BitMask, Rle, ShapeError, rasterise_box, rasterise_polygon};

use crate::memory::peak;
use crate::random::{Random, fuzz};

/// Decodes a run-length encoding as COCO describes it, one pixel after another. `None` if it is not
/// valid.
fn slow_decode(rle: &Rle) -> Option<BitMask> {
    let (width, height) = (rle.width(), rle.height());
    let mut counts: Vec<i64> = Vec::new();
    let mut bytes = rle.counts.bytes().peekable();
    while bytes.peek().is_some() {
        let (mut value, mut shift) = (0_i64, 0);
        loop {
            let digit = i64::from(bytes.next()?) - 48;
            if !(0..64).contains(&digit) || shift > 30 {
                return None;
            }
            value |= (digit & 31) << shift;
            shift += 5;
            if digit & 32 == 0 {
                value -= if digit & 16 == 0 { 0 } else { 1 << shift };
                break;
            }
        }
        let before = if counts.len() > 2 { counts[counts.len() - 2] } else { 0 };
        counts.push(value + before);
    }
    let pixels = i64::from(width) * i64::from(height);
    if pixels == 0 || counts.iter().any(|count| *count < 0) || counts.iter().sum::<i64>() != pixels
    {
        return None;
    }
    let runs = counts.iter().enumerate();
    let bits: Vec<bool> = runs.flat_map(|(i, count)| vec![i % 2 == 1; *count as usize]).collect();
    Some(BitMask::from_fn(width, height, |x, y| bits[(x * height + y) as usize]))
}

fn random_mask(random: &mut Random, width: u32, height: u32) -> BitMask {
    let density = 1 + random.below(12);
    let mut is_set = false;
    BitMask::from_fn(width, height, |_, _| {
        is_set ^= random.chance(density);
        is_set
    })
}

#[test]
fn run_length_codes() {
    fuzz("run_length_codes", 40_000, |random| {
        let [width, height] = [1 + random.below(70) as u32, 1 + random.below(20) as u32];
        let mut code = Rle::encode(&random_mask(random, width, height));
        let mut counts = code.counts.into_bytes();
        match random.below(4) {
            0 => {}
            1 => counts = (0..random.below(30)).map(|_| b'0' + random.below(64) as u8).collect(),
            2 => (0..=random.below(3)).for_each(|_| {
                let at = random.below(counts.len());
                counts[at] = b'0' + random.below(64) as u8;
            }),
            _ => random.damage(&mut counts),
        }
        code.counts = String::from_utf8_lossy(&counts).into_owned();
        if random.chance(8) {
            code.size[random.below(2)] = *random.pick(&[0, 1, 65_535, 65_536, u32::MAX, 1 << 31]);
        }
        let (decoded, bytes) = peak(|| code.decode());
        // A mask takes one bit per pixel, in rows of whole words, and decoding takes one number per
        // run.
        let pixels = u64::from(code.width().div_ceil(64)) * 64 * u64::from(code.height());
        let mask_bytes = if decoded.is_ok() { pixels / 8 } else { 0 };
        assert!(
            bytes <= mask_bytes + 16 * code.counts.len() as u64 + 64,
            "{bytes} bytes for {code:?}"
        );
        if u64::from(code.width()) * u64::from(code.height()) > 1 << 21 {
            return;
        }
        let expected = slow_decode(&code);
        assert_eq!(decoded.as_ref().ok(), expected.as_ref(), "{code:?}: {decoded:?}");
        assert_eq!(code.area().is_ok(), decoded.is_ok());
        if let Ok(mask) = decoded {
            // This is the shortest encoding of the mask, which the union with itself also gives.
            let shortest = Rle::encode(&mask);
            assert_eq!(shortest.decode().as_ref(), Ok(&mask), "{code:?}");
            assert_eq!(code.area(), Ok(mask.area()), "{code:?}");
            assert_eq!(code.union(&code), Ok(shortest), "{code:?}");
        }
    });
}

/// The even-odd rule in whole numbers, with points in eighths of a pixel. `None` if the centre of
/// the pixel lies on an edge.
fn slow_contains(points: &[[i64; 2]], x: u32, y: u32) -> Option<bool> {
    let (x, y) = (i128::from(x) * 8 + 4, i128::from(y) * 8 + 4);
    let mut inside = false;
    for (i, a) in points.iter().enumerate() {
        let ([x0, y0], [x1, y1]) =
            (a.map(i128::from), points[(i + 1) % points.len()].map(i128::from));
        let side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0);
        let within = y0.min(y1) <= y && y <= y0.max(y1) && x0.min(x1) <= x && x <= x0.max(x1);
        if side == 0 && within {
            return None;
        }
        // The ray to the left crosses the edge.
        if (y0 <= y) != (y1 <= y) && ((side < 0) == (y1 > y0)) {
            inside = !inside;
        }
    }
    Some(inside)
}

#[test]
fn polygons() {
    fuzz("polygons", 30_000, |random| {
        let [width, height] = [1 + random.below(70) as u32, 1 + random.below(12) as u32];
        // Points are close, so that centres of pixels lie on edges, or far away.
        let reach = *random.pick(&[40, 200, 700, 100_000, 8_000_000]);
        let points: Vec<[i64; 2]> = (0..random.below(9))
            .map(|_| [0; 2].map(|_: i64| random.below(reach) as i64 - reach as i64 / 3))
            .collect();
        let floats: Vec<[f64; 2]> =
            points.iter().map(|point| point.map(|value| value as f64 / 8.0)).collect();
        let result = rasterise_polygon(&floats, width, height);
        if points.len() < 3 {
            assert_eq!(result, Err(ShapeError::TooFewPoints { got: points.len() }));
            return;
        }
        let mask = result.unwrap_or_else(|error| {
            assert_eq!(error, ShapeError::NothingCovered { width, height });
            BitMask::new(width, height)
        });
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            if let Some(inside) = slow_contains(&points, x, y) {
                assert_eq!(mask.get(x, y), inside, "pixel {x}, {y} of {floats:?}");
            }
        }
    });
}

#[test]
fn wild_shapes() {
    const WILD: [f64; 16] = [
        0.0,
        -0.0,
        0.5,
        -1.0,
        7.5,
        1e9,
        -1e9,
        4e9,
        1e300,
        -1e300,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    fuzz("wild_shapes", 20_000, |random| {
        // Half of the shapes have no number that must be refused.
        let choices = if random.chance(2) { &WILD[..] } else { &WILD[..13] };
        let points: Vec<[f64; 2]> =
            (0..random.below(8)).map(|_| [*random.pick(choices), *random.pick(choices)]).collect();
        let is_finite = points.iter().flatten().all(|value| value.is_finite());
        let (result, bytes) = peak(|| rasterise_polygon(&points, 65, 9));
        assert!(bytes <= 65_u64.div_ceil(64) * 8 * 9, "{bytes} bytes for {points:?}");
        match result {
            Ok(mask) => {
                assert!(is_finite && !mask.is_empty() && mask.size() == (65, 9), "{points:?}");
            }
            Err(ShapeError::NotFinite) => assert!(!is_finite, "{points:?}"),
            Err(ShapeError::TooFewPoints { got }) => assert_eq!(got, points.len()),
            Err(error) => assert_eq!(error, ShapeError::NothingCovered { width: 65, height: 9 }),
        }
        let shape = [0; 4].map(|_| *random.pick(choices));
        let [x, y, w, h] = shape;
        match rasterise_box(shape, 65, 9) {
            Ok(mask) => {
                let inside = |at: u32, start: f64, length: f64| {
                    let centre = f64::from(at) + 0.5;
                    let start = start + length.min(0.0);
                    start <= centre && centre < start + length.abs()
                };
                let expected =
                    BitMask::from_fn(65, 9, |px, py| inside(px, x, w) && inside(py, y, h));
                assert!(mask == expected, "{shape:?}");
            }
            Err(ShapeError::NotFinite) => assert!(shape.iter().any(|value| !value.is_finite())),
            Err(ShapeError::EmptyBox) => assert!(w == 0.0 || h == 0.0),
            Err(error) => assert_eq!(error, ShapeError::NothingCovered { width: 65, height: 9 }),
        }
    });
}
