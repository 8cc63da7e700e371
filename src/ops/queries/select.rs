//! Query selection.

use burn::tensor::Tensor;

use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op};
use crate::ops::params::params;
use crate::ops::run::run;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// Selects the `count` positions of an objectness map that are best for queries, one after the
/// other. The result, `[count + 1]`, has these positions, counted row by row, and then the value of
/// the first of them.
///
/// `original` and `objectness` are `[levels, height * width]`: the objectness before and after
/// suppression. `excluded`, `[height * width]`, is 1 at positions that should not be selected.
/// `earlier` has the positions that were selected before.
///
/// The value of a position is its objectness at the level where it is best, less these penalties:
///
/// * 100 if one of its eight neighbours has a higher objectness at that level in `original`;
/// * 1,000 if it is excluded, was selected earlier, or is a neighbour of a position that was;
/// * 10,000 for each position selected now that is itself or a neighbour.
///
/// Of positions with equal values, the first one is selected. `training/aims/decoder.py` does the
/// same.
pub fn select_queries(
    original: Tensor<2>,
    objectness: Tensor<2>,
    excluded: Tensor<1>,
    earlier: Option<Tensor<1>>,
    [height, width]: [usize; 2],
    count: usize,
) -> Tensor<1> {
    let [levels, positions] = objectness.dims();
    assert!(
        height * width == positions && excluded.dims() == [positions],
        "each position must have an objectness"
    );
    let earlier_count = earlier.as_ref().map_or(0, |earlier| earlier.dims()[0]);
    let op = SelectQueries { levels, width, height, count, earlier: earlier_count };
    // There is always a binding for the earlier positions. If there are none, `excluded` is bound
    // there.
    let earlier = earlier.unwrap_or_else(|| excluded.clone());
    run(op, [original.into(), objectness.into(), excluded.into(), earlier.into()], [count + 1])
}

/// Query selection as an operation; see [`select_queries`]. The inputs are the original and the
/// present objectness, and the excluded and the earlier positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SelectQueries {
    pub levels: usize,
    /// The number of positions in a row.
    pub width: usize,
    /// The number of rows.
    pub height: usize,
    /// How many positions are selected.
    pub count: usize,
    /// How many positions were selected before.
    pub earlier: usize,
}

params! {
    /// The parameters of `shaders/select_queries.wgsl`.
    struct SelectQueriesParams {
        levels: u32,
        width: u32,
        height: u32,
        count: u32,
        earlier: u32,
    }
}

impl Op<4> for SelectQueries {
    type Params = SelectQueriesParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "select queries",
        wgsl: include_str!("../../../shaders/select_queries.wgsl"),
        vectors: Vectors::Never,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "query selection"
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }

    fn launch(&self, _f16: bool) -> Launch<SelectQueriesParams> {
        let params = SelectQueriesParams {
            levels: self.levels as u32,
            width: self.width as u32,
            height: self.height as u32,
            count: self.count as u32,
            earlier: self.earlier as u32,
        };
        let shader = Shader { kernel: &Self::KERNELS[0], vectors: false, settings: Settings::NONE };
        // There is only one workgroup, because its threads wait for each other.
        Launch { shader, params, workgroups: [1, 1, 1] }
    }

    fn cpu(&self, [original, objectness, excluded, earlier]: [&[f32]; 4], out: &mut [f32]) {
        select(original, objectness, excluded, earlier, self, out);
    }
}

/// The CPU twin.
fn select(
    original: &[f32],
    objectness: &[f32],
    excluded: &[f32],
    earlier: &[f32],
    spec: &SelectQueries,
    out: &mut [f32],
) {
    let SelectQueries { width, height, count, .. } = *spec;
    let positions = width * height;
    let near = |at: usize| around(at, width, height);
    let mut excluded = excluded.to_vec();
    earlier[..spec.earlier]
        .iter()
        .flat_map(|&at| near(at as usize))
        .for_each(|at| excluded[at] = 1.0);
    let mut ranks: Vec<QueryValue> = (0..positions)
        .map(|at| {
            let levels = objectness.chunks(positions).zip(original.chunks(positions));
            let of_level = |(objectness, original): (&[f32], &[f32])| {
                let is_maximum = near(at).all(|other| original[other] <= original[at]);
                QueryValue {
                    penalty: if is_maximum { 0.0 } else { 100.0 },
                    objectness: objectness[at],
                }
            };
            let lowest = QueryValue { penalty: 10_000.0, objectness: 0.0 };
            let mut best = levels
                .map(of_level)
                .fold(lowest, |best, own| if own.beats(&best) { own } else { best });
            best.penalty += 1000.0 * excluded[at];
            best
        })
        .collect();
    let (out, first) = out.split_at_mut(count);
    for (i, out) in out.iter_mut().enumerate() {
        let best = (1..positions)
            .fold(0, |best, at| if ranks[at].beats(&ranks[best]) { at } else { best });
        if i == 0 {
            first[0] = ranks[best].objectness - ranks[best].penalty;
        }
        near(best).for_each(|at| ranks[at].penalty += 10_000.0);
        *out = best as f32;
    }
}

/// The value of a position. The lower penalty wins, then the higher objectness. They are kept apart
/// because their difference would lose digits.
#[derive(Clone, Copy)]
struct QueryValue {
    penalty: f32,
    objectness: f32,
}

impl QueryValue {
    fn beats(&self, other: &Self) -> bool {
        self.penalty < other.penalty
            || (self.penalty == other.penalty && self.objectness > other.objectness)
    }
}

/// A position and its neighbours.
fn around(at: usize, width: usize, height: usize) -> impl Iterator<Item = usize> {
    let near = move |i: usize, end: usize| i.saturating_sub(1)..(i + 2).min(end);
    near(at / width, height).flat_map(move |y| near(at % width, width).map(move |x| y * width + x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const OBJECTNESS: [f32; 16] = [
        9.0, 8.0, 0.0, 0.0,
        7.0, 1.0, 0.0, 2.0,
        0.0, 0.0, 0.0, 0.0,
        5.0, 0.0, 0.0, 0.0,
    ];

    /// The selected positions, and the value of the first one.
    fn chosen(
        objectness: &[f32],
        excluded: &[f32],
        earlier: &[f32],
        count: usize,
    ) -> (Vec<f32>, f32) {
        let original: Vec<f32> = objectness
            .iter()
            .map(|objectness| objectness + if *objectness < -10.0 { 20.0 } else { 0.0 })
            .collect();
        let op = SelectQueries {
            levels: objectness.len() / 16,
            width: 4,
            height: 4,
            count,
            earlier: earlier.len(),
        };
        let mut positions = vec![0.0; count + 1];
        op.cpu([&original, objectness, excluded, earlier], &mut positions);
        let value = positions.pop().expect("the value follows the positions");
        (positions, value)
    }

    #[test]
    fn maxima_come_before_higher_slopes() {
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[], 3), (vec![0.0, 12.0, 7.0], 9.0));
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[], 100).0.len(), 100);
    }

    #[test]
    fn positions_and_their_neighbours_are_selected_once() {
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[0.0], 2), (vec![12.0, 7.0], 5.0));
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[0.0, 5.0, 12.0], 1), (vec![7.0], 2.0));
    }

    #[test]
    fn excluded_positions_come_last() {
        let upper: Vec<f32> = (0..16).map(|at| f32::from(u8::from(at < 8))).collect();
        assert_eq!(chosen(&OBJECTNESS, &upper, &[], 1), (vec![12.0], 5.0));
    }

    #[test]
    fn the_best_level_counts() {
        let mut both = OBJECTNESS.to_vec();
        both.extend([0.0; 16]);
        both[16 + 10] = 8.5;
        assert_eq!(chosen(&both, &[0.0; 16], &[], 3), (vec![0.0, 10.0, 12.0], 9.0));
    }
}
