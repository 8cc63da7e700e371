//! Suppression: lowering the objectness where the masks of a round lie.

use burn::tensor::Tensor;

use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, THREADS};
use crate::ops::params::params;
use crate::ops::run::run;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// The `objectness`, `[levels, height * width]`, lowered by `op.covered` where masks of the same
/// level lie. A mask counts if its confidence is high enough, and it lies at a position if at least
/// half of the position's four cells are inside the mask.
///
/// `logits` are `[queries, outputs, 2 height, 2 width]`. `scores` are `[queries, 2 · outputs]`: the
/// logits of the scores and then those of the predicted IoUs. The confidence of a mask is the
/// geometric mean of these two probabilities.
pub fn suppress(
    objectness: Tensor<2>,
    logits: Tensor<4>,
    scores: Tensor<2>,
    op: Suppress,
) -> Tensor<2> {
    let shape = objectness.dims();
    let Suppress { levels, width, height, queries, outputs, .. } = op;
    assert_eq!(shape, [levels, width * height], "each level and position must have an objectness");
    assert_eq!(
        logits.dims(),
        [queries, outputs, 2 * height, 2 * width],
        "each query and output must have a mask"
    );
    assert_eq!(scores.dims(), [queries, 2 * outputs], "each mask needs a score and an IoU");
    run(op, [objectness.into(), logits.into(), scores.into()], shape)
}

/// Suppression as an operation; see [`suppress`]. The inputs are the objectness, the logits and the
/// scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppress {
    /// The number of levels.
    pub levels: usize,
    /// The number of positions in a row of the objectness. Masks have twice as many cells along
    /// each axis.
    pub width: usize,
    /// The number of rows of the objectness.
    pub height: usize,
    /// The number of queries of the round.
    pub queries: usize,
    /// The number of masks of each query.
    pub outputs: usize,
    /// For each level, a bit for each output whose masks belong to it.
    pub outputs_of: [u32; 4],
    /// The least confidence of a mask that suppresses.
    pub confidence: f32,
    /// How much the objectness is lowered.
    pub covered: f32,
}

params! {
    /// The parameters of `shaders/suppress.wgsl`.
    struct SuppressParams {
        outputs_of: [u32; 4],
        levels: u32,
        width: u32,
        height: u32,
        queries: u32,
        outputs: u32,
        /// The square of `Suppress::confidence`.
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
        "suppression"
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
    let (positions, cells) = (width * height, 4 * width * height);
    let probability = |logit: f32| 1.0 / (1.0 + (-logit).exp());
    out.copy_from_slice(objectness);
    for (level, out) in out.chunks_mut(positions).enumerate() {
        let mut covered = vec![false; positions];
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
    fn confident_masks_suppress_what_they_half_fill() {
        // There are two queries with two outputs each. Only the second output belongs to the level
        // that is sought. Masks have 4 x 4 cells, and there are 2 x 2 positions.
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
        // The second mask of the first query has two cells in the first position, and one in the
        // second.
        let logits = [mask(&all), mask(&[0, 5, 2]), mask(&all), mask(&all)].concat();
        // The first query is sure of both of its masks, the second one only of its first.
        let scores = [4.0, 4.0, 4.0, 4.0, 4.0, -4.0, 4.0, 4.0];
        let mut left = [0.0; 4];
        op.cpu([&[1.0, 2.0, 3.0, 4.0], &logits, &scores], &mut left);
        assert_eq!(left, [-19.0, 2.0, 3.0, 4.0]);
    }
}
