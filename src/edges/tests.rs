//! Tests refined edges on composites, whose alpha is known: a disc on a background.

use super::*;
use crate::ops;

const SIZE: (u32, u32) = (120, 90);

/// The alpha of a disc whose edge is a ramp of one pixel.
fn disc(x: u32, y: u32, shift: f32) -> f32 {
    let (dx, dy) = (x as f32 - 60.0 - shift, y as f32 - 45.0 - shift);
    (30.5 - dx.hypot(dy)).clamp(0.0, 1.0)
}

/// A number from 0 to 1 for each place, as good as random.
fn noise(x: u32, y: u32, channel: u32) -> f32 {
    let mut hash = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B) ^ (channel << 13);
    hash = (hash ^ (hash >> 15)).wrapping_mul(0xC2B2_AE35);
    (hash >> 8) as f32 / (1 << 24) as f32
}

type Texture = fn(x: u32, y: u32) -> [f32; 3];

fn composite(front: Texture, back: Texture) -> Photo {
    let rgb = (0..SIZE.0 * SIZE.1).flat_map(|i| {
        let (x, y) = (i % SIZE.0, i / SIZE.0);
        let (own, front, back) = (disc(x, y, 0.0), front(x, y), back(x, y));
        [0, 1, 2].map(|c| (own * front[c] + (1.0 - own) * back[c]).round() as u8)
    });
    Photo { width: SIZE.0, height: SIZE.1, rgb: rgb.collect() }
}

/// The mask that a network might find: it is off by some pixels.
fn found() -> BitMask {
    BitMask::from_fn(SIZE.0, SIZE.1, |x, y| disc(x, y, 2.5) > 0.5)
}

fn refined(photo: &Photo, mask: &BitMask, hair: bool) -> Alpha {
    let options = RefineOptions { radius: Some(8.0), hair };
    let (device, none) = (ops::cpu(), Progress::none());
    pollster::block_on(refine(photo, mask, &options, &device, &none)).expect("it fits")
}

fn error(alpha: &Alpha) -> f32 {
    let of = |(i, &value): (u32, &u8)| {
        (f32::from(value) / 255.0 - disc(i % SIZE.0, i / SIZE.0, 0.0)).powi(2)
    };
    (0..).zip(&alpha.values).map(of).sum()
}

const GREY: Texture = |_, _| [128.0; 3];
const RED: Texture = |x, y| [200.0, 60.0 + 20.0 * noise(x, y, 1), 40.0];
const BLUE: Texture = |x, y| [60.0, 90.0, 150.0 + 40.0 * noise(x, y, 2)];
const GRAIN: Texture = |x, y| [0, 1, 2].map(|c| 80.0 + 100.0 * noise(x, y, c));
const STRIPES: Texture = |x, _| if x / 9 % 2 == 0 { [210.0; 3] } else { [40.0; 3] };
const BLOTS: Texture = |x, y| [0, 1, 2].map(|c| 40.0 + 180.0 * noise(x / 7, y / 7, c));

#[test]
fn an_edge_that_the_photo_shows_is_found() {
    let (hard, photo) = (error(&hard(&found())), composite(RED, BLUE));
    for hair in [false, true] {
        let refined = error(&refined(&photo, &found(), hair));
        assert!(refined < 0.3 * hard, "hair {hair}: {refined} of {hard}");
    }
}

#[test]
fn without_contrast_the_mask_is_softened() {
    let mask = found();
    for hair in [false, true] {
        let alpha = refined(&composite(GREY, GREY), &mask, hair);
        assert!(error(&alpha) < error(&hard(&mask)), "hair {hair}");
        for (i, &value) in (0..).zip(&alpha.values) {
            let (x, y) = (i % SIZE.0, i / SIZE.0);
            let distance = disc(x, y, 2.5) - 0.5;
            assert!(value == 0 || value == 255 || distance.abs() <= 0.5, "{value} at {x}, {y}");
        }
    }
}

#[test]
fn a_refined_edge_is_never_worse_than_a_softened_one() {
    let alike: [(&str, Texture, Texture); 3] =
        [("grain", GRAIN, GRAIN), ("stripes", STRIPES, STRIPES), ("blots", BLOTS, BLOTS)];
    let unlike: [(&str, Texture, Texture); 4] = [
        ("red on grain", RED, GRAIN),
        ("grain on blue", GRAIN, BLUE),
        ("red on stripes", RED, STRIPES),
        ("red on blots", RED, BLOTS),
    ];
    for hair in [false, true] {
        let softened = error(&refined(&composite(GREY, GREY), &found(), hair));
        let share =
            |front, back| error(&refined(&composite(front, back), &found(), hair)) / softened;
        for (name, front, back) in alike {
            let share = share(front, back);
            assert!(share < 1.01, "{name}, hair {hair}: {share}");
        }
        for (name, front, back) in unlike {
            let share = share(front, back);
            assert!(share < 0.75, "{name}, hair {hair}: {share}");
        }
    }
}

#[test]
fn colours_are_in_the_smallest_box_of_soft_pixels() {
    let photo = composite(RED, BLUE);
    let colours = |alpha: &Alpha| {
        pollster::block_on(subject_colours(&photo, alpha, &Progress::none())).expect("no abort")
    };
    assert_eq!(colours(&hard(&found())), None, "no pixel is soft");
    let mut alpha = hard(&found());
    for (x, y, value) in [(30_u32, 45_u32, 254), (31, 40, 1), (90, 47, 100)] {
        alpha.values[(y * SIZE.0 + x) as usize] = value;
    }
    let found = colours(&alpha).expect("three pixels are soft");
    assert_eq!(<[u32; 4]>::from(found.bbox), [30, 40, 61, 8]);
    assert_eq!(found.rgba.len(), 4 * 61 * 8);
    let painted = found.rgba.chunks_exact(4).filter(|pixel| pixel[3] == 255).count();
    assert_eq!(painted, 3);
    assert!(found.rgba.chunks_exact(4).all(|pixel| pixel[3] == 255 || pixel == [0; 4]));
}

#[test]
fn large_photos_and_radii_take_a_bounded_number_of_cells() {
    let (width, height) = (3000, 2000);
    let photo = Photo { width, height, rgb: vec![99; 3 * (width * height) as usize] };
    let mask = BitMask::from_fn(width, height, |x, y| (x / 8 + y / 8) % 2 == 0);
    for (radius, careful) in [(1.0, false), (1.0, true), (30.0, true), (3000.0, false)] {
        let work = Work::new(&photo, &mask, radius, careful).expect("the mask has edges");
        let (cells, unknown) = work.cells();
        assert!(cells <= 1_010_000, "{cells} cells for {radius}");
        assert!(!careful || unknown <= 250_000, "{unknown} unknown cells for {radius}");
    }
}
