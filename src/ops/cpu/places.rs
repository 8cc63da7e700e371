//! Choosing places and covering them.

use crate::ops::spec::{ChooseSpec, CodeSpec, CoverSpec};

/// See [`crate::ops::choose_places`].
pub fn choose(
    original: &[f32],
    heat: &[f32],
    closed: &[f32],
    earlier: &[f32],
    spec: &ChooseSpec,
) -> Vec<f32> {
    let ChooseSpec { width, height, count, .. } = *spec;
    let places = width * height;
    let near = |at: usize| around(at, width, height);
    let mut closed = closed.to_vec();
    earlier[..spec.earlier].iter().flat_map(|&at| near(at as usize)).for_each(|at| closed[at] = 1.0);
    let mut worth: Vec<Worth> = (0..places)
        .map(|at| {
            let levels = heat.chunks(places).zip(original.chunks(places));
            let of_level = |(heat, original): (&[f32], &[f32])| {
                let is_peak = near(at).all(|other| original[other] <= original[at]);
                Worth { penalty: if is_peak { 0.0 } else { 100.0 }, heat: heat[at] }
            };
            let coldest = Worth { penalty: 10_000.0, heat: 0.0 };
            let mut best =
                levels.map(of_level).fold(coldest, |best, own| if own.beats(&best) { own } else { best });
            best.penalty += 1000.0 * closed[at];
            best
        })
        .collect();
    let mut out = Vec::with_capacity(count + 1);
    let mut first = None;
    for _ in 0..count {
        let best = (1..places).fold(0, |best, at| if worth[at].beats(&worth[best]) { at } else { best });
        first.get_or_insert(worth[best].heat - worth[best].penalty);
        near(best).for_each(|at| worth[at].penalty += 10_000.0);
        out.push(best as f32);
    }
    out.extend(first);
    out
}

/// The lower penalty counts first, then the higher heat: apart, as their difference would lose digits.
#[derive(Clone, Copy)]
struct Worth {
    penalty: f32,
    heat: f32,
}

impl Worth {
    fn beats(&self, other: &Self) -> bool {
        self.penalty < other.penalty || (self.penalty == other.penalty && self.heat > other.heat)
    }
}

/// A place and its neighbours.
fn around(at: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let near = move |i: usize, end: usize| i.saturating_sub(1)..(i + 2).min(end);
    near(at / width, height).flat_map(move |y| near(at % width, width).map(move |x| y * width + x))
}

/// See [`crate::ops::cover`].
pub fn cover(heat: &[f32], logits: &[f32], judged: &[f32], spec: &CoverSpec) -> Vec<f32> {
    let CoverSpec { width, height, queries, outputs, .. } = *spec;
    let (places, cells) = (width * height, 4 * width * height);
    let probability = |logit: f32| 1.0 / (1.0 + (-logit).exp());
    let mut out = heat.to_vec();
    for (level, out) in out.chunks_mut(places).enumerate() {
        let mut covered = vec![false; places];
        for mask in 0..queries * outputs {
            let (query, output) = (mask / outputs, mask % outputs);
            let at = query * 2 * outputs + output;
            let sure = probability(judged[at]) * probability(judged[at + outputs]);
            if spec.outputs_of[level] >> output & 1 == 0
                || sure < spec.confidence * spec.confidence
                || sure.is_nan()
            {
                continue;
            }
            let mask = &logits[mask * cells..][..cells];
            for (at, covered) in covered.iter_mut().enumerate() {
                let corner = at / width * 4 * width + at % width * 2;
                let below = corner + 2 * width;
                let cells = [corner, corner + 1, below, below + 1];
                *covered |= cells.into_iter().filter(|&cell| mask[cell] > 0.0).count() >= 2;
            }
        }
        for (heat, covered) in out.iter_mut().zip(covered) {
            *heat -= if covered { spec.covered } else { 0.0 };
        }
    }
    out
}

/// See [`crate::ops::place_codes`].
pub fn codes(rows: &[f32], columns: &[f32], added: &[f32], index: &[f32], spec: &CodeSpec) -> Vec<f32> {
    let CodeSpec { count, channels, width, .. } = *spec;
    let mut out = vec![0.0; count * channels];
    for (out, &place) in out.chunks_mut(channels).zip(index) {
        let (row, column) = (place as usize / width, place as usize % width);
        let (y_sin, y_cos) = rows[row * channels..][..channels].split_at(channels / 2);
        let (x_sin, x_cos) = columns[column * channels..][..channels].split_at(channels / 2);
        let (sines, cosines) = out.split_at_mut(channels / 2);
        for i in 0..channels / 2 {
            sines[i] = y_sin[i] * x_cos[i] + y_cos[i] * x_sin[i] + added[i];
            cosines[i] = y_cos[i] * x_cos[i] - y_sin[i] * x_sin[i] + added[channels / 2 + i];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const HEAT: [f32; 16] = [
        9.0, 8.0, 0.0, 0.0,
        7.0, 1.0, 0.0, 2.0,
        0.0, 0.0, 0.0, 0.0,
        5.0, 0.0, 0.0, 0.0,
    ];

    /// The places, and what the first of them is worth.
    fn chosen(heat: &[f32], closed: &[f32], earlier: &[f32], count: usize) -> (Vec<f32>, f32) {
        let original: Vec<f32> =
            heat.iter().map(|heat| heat + if *heat < -10.0 { 20.0 } else { 0.0 }).collect();
        let spec = ChooseSpec { levels: heat.len() / 16, width: 4, height: 4, count, earlier: earlier.len() };
        let mut places = choose(&original, heat, closed, earlier, &spec);
        let worth = places.pop().expect("one more than places");
        (places, worth)
    }

    #[test]
    fn peaks_come_before_hotter_slopes() {
        assert_eq!(chosen(&HEAT, &[0.0; 16], &[], 3), (vec![0.0, 12.0, 7.0], 9.0));
        assert_eq!(chosen(&HEAT, &[0.0; 16], &[], 100).0.len(), 100);
    }

    #[test]
    fn neither_a_place_nor_its_neighbours_are_chosen_again() {
        assert_eq!(chosen(&HEAT, &[0.0; 16], &[0.0], 2), (vec![12.0, 7.0], 5.0));
        assert_eq!(chosen(&HEAT, &[0.0; 16], &[0.0, 5.0, 12.0], 1), (vec![7.0], 2.0));
    }

    #[test]
    fn closed_places_come_last() {
        let upper: Vec<f32> = (0..16).map(|at| f32::from(u8::from(at < 8))).collect();
        assert_eq!(chosen(&HEAT, &upper, &[], 1), (vec![12.0], 5.0));
    }

    #[test]
    fn the_hottest_level_counts() {
        let mut both = HEAT.to_vec();
        both.extend([0.0; 16]);
        both[16 + 10] = 8.5;
        assert_eq!(chosen(&both, &[0.0; 16], &[], 3), (vec![0.0, 10.0, 12.0], 9.0));
    }

    #[test]
    fn codes_are_sines_and_cosines_of_sums() {
        let (side, angles) = (3, [0.3_f32, -2.0]);
        let axis = |scale: f32| -> Vec<f32> {
            let at = |i: usize| angles.map(|angle| angle * scale * i as f32);
            (0..side).flat_map(|i| at(i).map(f32::sin).into_iter().chain(at(i).map(f32::cos))).collect()
        };
        let spec = CodeSpec { count: 2, channels: 4, width: side, height: side };
        let found = codes(&axis(1.0), &axis(0.5), &[10.0, 20.0, 30.0, 40.0], &[5.0, 6.0, 0.0], &spec);
        // Places 5 and 6 are (row 1, column 2) and (row 2, column 0).
        let expected = [(1.0, 2.0), (2.0, 0.0)].map(|(y, x): (f32, f32)| {
            let [a, b] = angles.map(|angle| angle * (y + 0.5 * x));
            [10.0 + a.sin(), 20.0 + b.sin(), 30.0 + a.cos(), 40.0 + b.cos()]
        });
        for (found, expected) in found.iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-5, "{found} instead of {expected}");
        }
    }

    #[test]
    fn masks_cover_what_they_fill_by_half_if_they_are_sure() {
        // Two queries with two outputs each; only the second output is of the level that is sought. 4 x 4 cells, 2 x 2 places.
        let spec = CoverSpec {
            levels: 1,
            width: 2,
            height: 2,
            queries: 2,
            outputs: 2,
            outputs_of: [0b10, 0, 0, 0],
            confidence: 0.5,
            covered: 20.0,
        };
        let mask = |cells: &[usize]| -> Vec<f32> {
            (0..16).map(|cell| if cells.contains(&cell) { 3.0 } else { -3.0 }).collect()
        };
        let all: Vec<_> = (0..16).collect();
        // Of the first query's second mask two cells are in the first place, one in the second.
        let logits = [mask(&all), mask(&[0, 5, 2]), mask(&all), mask(&all)].concat();
        // Sure of both of its masks; the second query is sure of its first only.
        let judged = [4.0, 4.0, 4.0, 4.0, 4.0, -4.0, 4.0, 4.0];
        assert_eq!(cover(&[1.0, 2.0, 3.0, 4.0], &logits, &judged, &spec), [-19.0, 2.0, 3.0, 4.0]);
    }
}
