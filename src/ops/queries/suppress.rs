//! What masks leave of the objectness of places.

use burn::tensor::Tensor;

use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, THREADS};
use crate::ops::params::params;
use crate::ops::run::run;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// What is left of `objectness`, `[levels, height * width]`, where masks of a level cover its places: `op.covered` less. A mask that is sure enough
/// covers the places that are at least half in it.
///
/// `logits` are `[queries, outputs, 2 height, 2 width]`, `scores` `[queries, 2 · outputs]`: logits of scores, then of predicted IoUs. A mask is as
/// sure as the geometric mean of its two probabilities.
pub fn suppress(
    objectness: Tensor<2>,
    logits: Tensor<4>,
    scores: Tensor<2>,
    op: Suppress,
) -> Tensor<2> {
    let shape = objectness.dims();
    let Suppress { levels, width, height, queries, outputs, .. } = op;
    assert_eq!(shape, [levels, width * height], "an objectness for each level and place");
    assert_eq!(
        logits.dims(),
        [queries, outputs, 2 * height, 2 * width],
        "a mask for each query and output"
    );
    assert_eq!(scores.dims(), [queries, 2 * outputs], "two judgements for each mask");
    run(op, [objectness.into(), logits.into(), scores.into()], shape)
}

/// See [`suppress`]. The inputs are objectness, logits and judgements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppress {
    pub levels: usize,
    /// Places of the image; masks have twice as many cells along each axis.
    pub width: usize,
    pub height: usize,
    pub queries: usize,
    pub outputs: usize,
    /// By level: a bit for each output whose masks are of it.
    pub outputs_of: [u32; 4],
    /// From which on a mask covers.
    pub confidence: f32,
    /// What a covered place loses.
    pub covered: f32,
}

params! {
    /// See `shaders/suppress.wgsl`.
    struct SuppressParams {
        outputs_of: [u32; 4],
        levels: u32,
        width: u32,
        height: u32,
        queries: u32,
        outputs: u32,
        /// Squared.
        confidence: f32,
        covered: f32,
    }
}

impl Op<3> for Suppress {
    type Params = SuppressParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "suppress",
        wgsl: include_str!("../../../shaders/suppress.wgsl"),
        vectors: Vectors::Never,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "queries"
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }

    fn launch(&self, _f16: bool) -> Launch<SuppressParams> {
        let params = SuppressParams {
            outputs_of: self.outputs_of,
            levels: self.levels as u32,
            width: self.width as u32,
            height: self.height as u32,
            queries: self.queries as u32,
            outputs: self.outputs as u32,
            confidence: self.confidence * self.confidence,
            covered: self.covered,
        };
        let shader = Shader { kernel: &Self::KERNELS[0], vectors: false, settings: Settings::NONE };
        let values = self.levels * self.width * self.height;
        Launch { shader, params, workgroups: [values.div_ceil(THREADS), 1, 1] }
    }

    fn cpu(&self, [objectness, logits, scores]: [&[f32]; 3], out: &mut [f32]) {
        suppressed(objectness, logits, scores, self, out);
    }
}

/// The CPU twin.
fn suppressed(
    objectness: &[f32],
    logits: &[f32],
    scores: &[f32],
    spec: &Suppress,
    out: &mut [f32],
) {
    let Suppress { width, height, queries, outputs, .. } = *spec;
    let (places, cells) = (width * height, 4 * width * height);
    let probability = |logit: f32| 1.0 / (1.0 + (-logit).exp());
    out.copy_from_slice(objectness);
    for (level, out) in out.chunks_mut(places).enumerate() {
        let mut covered = vec![false; places];
        for mask in 0..queries * outputs {
            let (query, output) = (mask / outputs, mask % outputs);
            let at = query * 2 * outputs + output;
            let sure = probability(scores[at]) * probability(scores[at + outputs]);
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
        for (objectness, covered) in out.iter_mut().zip(covered) {
            *objectness -= if covered { spec.covered } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_cover_what_they_fill_by_half_if_they_are_sure() {
        // Two queries with two outputs each; only the second output is of the level that is sought. 4 x 4 cells, 2 x 2 places.
        let op = Suppress {
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
        let scores = [4.0, 4.0, 4.0, 4.0, 4.0, -4.0, 4.0, 4.0];
        let mut left = [0.0; 4];
        op.cpu([&[1.0, 2.0, 3.0, 4.0], &logits, &scores], &mut left);
        assert_eq!(left, [-19.0, 2.0, 3.0, 4.0]);
    }
}
