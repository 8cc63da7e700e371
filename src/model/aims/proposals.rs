//! Where to look: the places that become queries.

use burn::tensor::Tensor;

use super::{AimsConfig, LayerNorm, Mlp};
use crate::error::Result;
use crate::model::weights::Weights;
use crate::ops::Activation;

/// The heat of one level.
pub struct Proposals {
    norm: LayerNorm,
    heat: Mlp,
}

impl Proposals {
    pub fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        let width = config.width;
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), width, LayerNorm::EPSILON)?,
            heat: Mlp::load(weights, &format!("{name}.heat"), &[width, width, 1])?,
        })
    }

    /// `[1, side, side, width]` to logits of a place being in the middle of a mask, `[1, side, side, 1]`.
    pub fn forward(&self, map8: Tensor<4>) -> Tensor<4> {
        self.heat.forward(self.norm.forward(map8, Activation::None), Activation::Gelu)
    }
}

/// What is taken from a covered place's heat: it comes after all that are free.
const COVERED: f32 = 20.0;

/// The places that queries may be at, a square of `side * side`, and how hot they are.
pub struct Places {
    side: usize,
    /// By level that is sought.
    heat: Vec<Vec<f32>>,
    /// The places that no neighbour (of eight) outdoes, as long as nothing is covered.
    peaks: Vec<Vec<bool>>,
    allowed: Vec<bool>,
}

impl Places {
    /// `heat` has the logits of each level that is sought. `prompt` holds 0 and 1 for each pixel of a square input; without
    /// one, all places may be chosen, otherwise those that are at least half inside it, or, if none is, those that are
    /// nearest to that.
    pub fn new(heat: Vec<Vec<f32>>, prompt: Option<&[f32]>) -> Self {
        let side = heat[0].len().isqrt();
        let allowed = match prompt {
            None => vec![true; side * side],
            Some(prompt) => {
                let shares = shares(prompt, side);
                let enough = shares.iter().copied().fold(0.0, f32::max).min(0.5);
                shares.into_iter().map(|share| share >= enough).collect()
            }
        };
        let is_peak = |heat: &[f32], at: usize| around(at, side).all(|other| heat[other] <= heat[at]);
        let peaks = heat.iter().map(|heat| (0..heat.len()).map(|at| is_peak(heat, at)).collect()).collect();
        Self { side, heat, peaks, allowed }
    }

    /// The `count` hottest places, at whichever level, that no neighbour (of eight) outdoes; if there are too few, the hottest
    /// of the others follow. No two are neighbours, and none of them nor a neighbour is chosen again if it can be helped.
    /// `None` if all are colder than `least`.
    pub fn choose(&mut self, count: usize, least: f64) -> Option<Vec<usize>> {
        // The weights put what comes last behind all that comes before; `training/aims/decoder.py` has the same.
        let mut worth: Vec<f64> = (0..self.allowed.len())
            .map(|at| {
                let levels = self.heat.iter().zip(&self.peaks);
                let worth =
                    levels.map(|(heat, peaks)| f64::from(heat[at]) - if peaks[at] { 0.0 } else { 100.0 });
                let hottest = worth.fold(f64::NEG_INFINITY, f64::max);
                hottest - if self.allowed[at] { 0.0 } else { 1000.0 }
            })
            .collect();
        if worth.iter().all(|&worth| worth < least) {
            return None;
        }
        let mut chosen = Vec::with_capacity(count);
        for _ in 0..count {
            let best = (1..worth.len()).fold(0, |best, at| if worth[at] > worth[best] { at } else { best });
            around(best, self.side).for_each(|at| worth[at] -= 10_000.0);
            chosen.push(best);
        }
        for &at in &chosen {
            for near in around(at, self.side) {
                self.allowed[near] = false;
            }
        }
        Some(chosen)
    }

    /// The masks found so far cover these places; `level` counts those that are sought.
    pub fn cover(&mut self, level: usize, covered: &[bool]) {
        for (heat, &covered) in self.heat[level].iter_mut().zip(covered) {
            *heat -= if covered { COVERED } else { 0.0 };
        }
    }
}

/// A place and its neighbours.
fn around(at: usize, side: usize) -> impl Iterator<Item = usize> {
    let near = move |i: usize| i.saturating_sub(1)..(i + 2).min(side);
    near(at / side).flat_map(move |y| near(at % side).map(move |x| y * side + x))
}

/// How much of each place is inside the mask.
fn shares(mask: &[f32], side: usize) -> Vec<f32> {
    let size = mask.len().isqrt();
    let cell = size / side;
    let mut shares = vec![0.0; side * side];
    for (y, row) in mask.chunks(size).enumerate() {
        for (x, value) in row.iter().enumerate() {
            shares[y / cell * side + x / cell] += value;
        }
    }
    shares.iter().map(|sum| sum / (cell * cell) as f32).collect()
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

    fn places(prompt: Option<&[f32]>) -> Places {
        Places::new(vec![HEAT.to_vec()], prompt)
    }

    fn choose(places: &mut Places, count: usize) -> Vec<usize> {
        places.choose(count, f64::NEG_INFINITY).expect("any heat will do")
    }

    #[test]
    fn peaks_come_before_hotter_slopes() {
        assert_eq!(choose(&mut places(None), 3), [0, 12, 7]);
        assert_eq!(choose(&mut places(None), 100).len(), 100);
    }

    #[test]
    fn a_place_is_not_chosen_twice() {
        let mut places = places(None);
        assert_eq!(choose(&mut places, 1), [0]);
        assert_eq!(choose(&mut places, 2), [12, 7]);
    }

    #[test]
    fn covered_places_come_last() {
        let mut places = places(None);
        let upper: Vec<_> = (0..16).map(|at| at < 8).collect();
        places.cover(0, &upper);
        assert_eq!(choose(&mut places, 1), [12]);
    }

    #[test]
    fn cold_places_are_not_chosen() {
        assert_eq!(places(None).choose(2, 9.5), None);
        assert_eq!(places(None).choose(2, 8.5), Some(vec![0, 12]));
        let mut places = places(None);
        places.cover(0, &[true; 16]);
        assert_eq!(places.choose(2, -2.0), None);
    }

    #[test]
    fn the_hottest_level_counts() {
        let mut other = [0.0; 16];
        other[10] = 8.5;
        let mut places = Places::new(vec![HEAT.to_vec(), other.to_vec()], None);
        assert_eq!(choose(&mut places, 3), [0, 10, 12]);
    }

    #[test]
    fn a_prompt_confines_the_choice() {
        // Two pixels a place and axis; the lower right quarter, and a thin line.
        let mask = |inside: fn(usize, usize) -> bool| -> Vec<f32> {
            (0..64).map(|i| f32::from(u8::from(inside(i % 8, i / 8)))).collect()
        };
        let quarter = mask(|x, y| x >= 4 && y >= 4);
        assert!(choose(&mut places(Some(&quarter)), 1).iter().all(|at| at % 4 >= 2 && at / 4 >= 2));
        let line = mask(|x, _| x == 7);
        assert_eq!(choose(&mut places(Some(&line)), 1), [7]);
    }
}
