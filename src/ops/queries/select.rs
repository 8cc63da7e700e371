//! The choice of places.

use burn::tensor::Tensor;

use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op};
use crate::ops::params::params;
use crate::ops::run::run;
use crate::ops::shader::{Kernel, Settings, Shader, Vectors};

/// The `count` places of an image of `size` places, `[height, width]`, that are worth most, one after the other, then how much the first of them is worth:
/// `[count + 1]`.
///
/// `original` and `objectness` are `[levels, height * width]`, `excluded` is `[height * width]` with 1 for places that should not be chosen, `earlier` has places
/// that were chosen before. A place is worth its objectness at its hottest level; less by 100 if a neighbour (of eight) outdid it there
/// at first (in `original`); by 1,000 if it is excluded, or was chosen earlier or is a neighbour of one that was; and by 10,000 for each of
/// its neighbours, and itself, that is chosen now. The first of equals wins. `training/aims/decoder.py` has the same.
pub fn select_queries(
    original: Tensor<2>,
    objectness: Tensor<2>,
    excluded: Tensor<1>,
    earlier: Option<Tensor<1>>,
    [height, width]: [usize; 2],
    count: usize,
) -> Tensor<1> {
    let [levels, places] = objectness.dims();
    assert!(
        height * width == places && excluded.dims() == [places],
        "an objectness for each place"
    );
    let earlier_count = earlier.as_ref().map_or(0, |earlier| earlier.dims()[0]);
    let op = SelectQueries { levels, width, height, count, earlier: earlier_count };
    // The binding is there always: without earlier places, those that are excluded stand in.
    let earlier = earlier.unwrap_or_else(|| excluded.clone());
    run(op, [original.into(), objectness.into(), excluded.into(), earlier.into()], [count + 1])
}

/// See [`select_queries`]. The inputs are original and present objectness, excluded and earlier places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectQueries {
    pub levels: usize,
    /// Places of the image, row by row.
    pub width: usize,
    pub height: usize,
    pub count: usize,
    /// How many were chosen before.
    pub earlier: usize,
}

params! {
    /// See `shaders/select_queries.wgsl`.
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
        name: "select_queries",
        wgsl: include_str!("../../../shaders/select_queries.wgsl"),
        vectors: Vectors::Never,
        settings: Settings::none,
    }];

    fn name(&self) -> &'static str {
        "queries"
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
        // Its threads wait for each other.
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
    let places = width * height;
    let near = |at: usize| around(at, width, height);
    let mut excluded = excluded.to_vec();
    earlier[..spec.earlier]
        .iter()
        .flat_map(|&at| near(at as usize))
        .for_each(|at| excluded[at] = 1.0);
    let mut ranks: Vec<Rank> = (0..places)
        .map(|at| {
            let levels = objectness.chunks(places).zip(original.chunks(places));
            let of_level = |(objectness, original): (&[f32], &[f32])| {
                let is_maximum = near(at).all(|other| original[other] <= original[at]);
                Rank { penalty: if is_maximum { 0.0 } else { 100.0 }, objectness: objectness[at] }
            };
            let lowest = Rank { penalty: 10_000.0, objectness: 0.0 };
            let mut best = levels
                .map(of_level)
                .fold(lowest, |best, own| if own.beats(&best) { own } else { best });
            best.penalty += 1000.0 * excluded[at];
            best
        })
        .collect();
    let (out, first) = out.split_at_mut(count);
    for (i, out) in out.iter_mut().enumerate() {
        let best =
            (1..places).fold(0, |best, at| if ranks[at].beats(&ranks[best]) { at } else { best });
        if i == 0 {
            first[0] = ranks[best].objectness - ranks[best].penalty;
        }
        near(best).for_each(|at| ranks[at].penalty += 10_000.0);
        *out = best as f32;
    }
}

/// The lower penalty counts first, then the higher objectness: apart, as their difference would lose digits.
#[derive(Clone, Copy)]
struct Rank {
    penalty: f32,
    objectness: f32,
}

impl Rank {
    fn beats(&self, other: &Self) -> bool {
        self.penalty < other.penalty
            || (self.penalty == other.penalty && self.objectness > other.objectness)
    }
}

/// A place and its neighbours.
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

    /// The places, and what the first of them is worth.
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
        let mut places = vec![0.0; count + 1];
        op.cpu([&original, objectness, excluded, earlier], &mut places);
        let worth = places.pop().expect("one more than places");
        (places, worth)
    }

    #[test]
    fn peaks_come_before_hotter_slopes() {
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[], 3), (vec![0.0, 12.0, 7.0], 9.0));
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[], 100).0.len(), 100);
    }

    #[test]
    fn neither_a_place_nor_its_neighbours_are_chosen_again() {
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[0.0], 2), (vec![12.0, 7.0], 5.0));
        assert_eq!(chosen(&OBJECTNESS, &[0.0; 16], &[0.0, 5.0, 12.0], 1), (vec![7.0], 2.0));
    }

    #[test]
    fn closed_places_come_last() {
        let upper: Vec<f32> = (0..16).map(|at| f32::from(u8::from(at < 8))).collect();
        assert_eq!(chosen(&OBJECTNESS, &upper, &[], 1), (vec![12.0], 5.0));
    }

    #[test]
    fn the_hottest_level_counts() {
        let mut both = OBJECTNESS.to_vec();
        both.extend([0.0; 16]);
        both[16 + 10] = 8.5;
        assert_eq!(chosen(&both, &[0.0; 16], &[], 3), (vec![0.0, 10.0, 12.0], 9.0));
    }
}
