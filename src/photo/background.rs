//! The background that transparent pixels are put on.

/// The greys that are tried, the usual one first.
const BACKGROUNDS: [u8; 3] = [255, 0, 128];
/// A pixel is hard to see on a background if all its channels differ by less than this from the background.
const NEAR: u8 = 64;
/// A pixel whose alpha is below this is not seen at all.
const SEEN: u8 = 16;
/// White is kept unless more than this share of the visible pixels is hard to see on it.
const HIDDEN: f64 = 0.05;

/// The background for RGBA pixels on which most of what is opaque can be seen. It is white, unless much
/// of what is opaque is nearly white itself.
pub(super) fn choose(rgba: &[u8]) -> u8 {
    if rgba.chunks_exact(4).all(|pixel| pixel[3] == 255) {
        return BACKGROUNDS[0];
    }
    let mut seen = 0u64;
    let mut hidden = [0u64; BACKGROUNDS.len()];
    for pixel in rgba.chunks_exact(4).filter(|pixel| pixel[3] >= SEEN) {
        seen += 1;
        for (count, background) in hidden.iter_mut().zip(BACKGROUNDS) {
            let is_near = pixel[..3].iter().all(|&channel| channel.abs_diff(background) < NEAR);
            *count += u64::from(is_near);
        }
    }
    if hidden[0] as f64 <= HIDDEN * seen as f64 {
        return BACKGROUNDS[0];
    }
    let least = BACKGROUNDS.into_iter().zip(hidden).min_by_key(|&(_, count)| count);
    least.map_or(BACKGROUNDS[0], |(background, _)| background)
}

/// An RGBA pixel (not premultiplied) as it looks on `background`.
pub(super) fn blend(background: u8, [r, g, b, alpha]: [u8; 4]) -> [u8; 3] {
    let alpha = u32::from(alpha);
    [r, g, b].map(|value| {
        ((u32::from(value) * alpha + u32::from(background) * (255 - alpha) + 127) / 255) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels: as many of each colour as its count says.
    fn pixels(colours: &[([u8; 4], usize)]) -> Vec<u8> {
        colours.iter().flat_map(|(colour, count)| colour.repeat(*count)).collect()
    }

    #[test]
    fn what_is_opaque_is_seen() {
        const NONE: [u8; 4] = [0; 4];
        let on = |colour: [u8; 4]| choose(&pixels(&[(NONE, 9), (colour, 9)]));
        assert_eq!(on([0, 0, 0, 255]), 255);
        assert_eq!(on([255, 255, 255, 255]), 0);
        assert_eq!(on([255, 255, 255, 100]), 0);
        assert_eq!(on([230, 225, 200, 255]), 0);
        assert_eq!(on([255, 255, 0, 255]), 255, "yellow is seen on white");
        let [white, black] = [[255, 255, 255, 255], [9, 9, 9, 255]];
        assert_eq!(choose(&pixels(&[(NONE, 9), (white, 9), (black, 9)])), 128);
        assert_eq!(
            choose(&pixels(&[(NONE, 9), (white, 1), ([90, 40, 20, 255], 99)])),
            255,
            "a highlight"
        );
        assert_eq!(choose(&pixels(&[(white, 9)])), 255, "nothing is transparent");
        assert_eq!(choose(&pixels(&[(NONE, 9)])), 255, "nothing is opaque");
    }

    #[test]
    fn alpha_mixes() {
        assert_eq!(blend(255, [10, 20, 30, 255]), [10, 20, 30]);
        assert_eq!(blend(0, [10, 20, 30, 0]), [0, 0, 0]);
        assert_eq!(blend(0, [200, 100, 50, 51]), [40, 20, 10]);
    }
}
