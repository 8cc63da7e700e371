//! Where queries look: places are chosen, and covered by masks, on the device itself, so that nobody waits for a read-back
//! between one round of queries and the next.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::extension::SegmentationOps;
use super::layout::shaped;
use super::profile::measured;
use super::spec::{ChooseSpec, CodeSpec, CoverSpec};

/// The `count` places of an image of `size` places, `[height, width]`, that are worth most, one after the other, then how much the first of them is worth:
/// `[count + 1]`.
///
/// `original` and `heat` are `[levels, height * width]`, `closed` is `[height * width]` with 1 for places that should not be chosen, `earlier` has places
/// that were chosen before. A place is worth its heat at its hottest level; less by 100 if a neighbour (of eight) outdid it there
/// at first (in `original`); by 1,000 if it is closed, or was chosen earlier or is a neighbour of one that was; and by 10,000 for each of
/// its neighbours, and itself, that is chosen now. The first of equals wins. `training/aims/decoder.py` has the same.
pub fn choose_places(
    original: Tensor<2>,
    heat: Tensor<2>,
    closed: Tensor<1>,
    earlier: Option<Tensor<1>>,
    [height, width]: [usize; 2],
    count: usize,
) -> Tensor<1> {
    let [levels, places] = heat.dims();
    assert!(height * width == places && closed.dims() == [places], "a heat for each place");
    let earlier_count = earlier.as_ref().map_or(0, |earlier| earlier.dims()[0]);
    let spec = ChooseSpec { levels, width, height, count, earlier: earlier_count };
    // The binding is there always: without earlier places, those that are closed stand in.
    let earlier = earlier.unwrap_or_else(|| closed.clone()).into_dispatch();
    let device = heat.device();
    let (original, heat, closed) = (original.into_dispatch(), heat.into_dispatch(), closed.into_dispatch());
    let run = || Dispatch::seg_choose(original, heat, closed, earlier, spec);
    shaped(measured("places", &device, Default::default, run), [count + 1])
}

/// What is left of `heat`, `[levels, height * width]`, where masks of a level cover its places: `spec.covered` less. A mask that is sure enough
/// covers the places that are at least half in it.
///
/// `logits` are `[queries, outputs, 2 height, 2 width]`, `judged` `[queries, 2 · outputs]`: logits of scores, then of predicted IoUs. A mask is as
/// sure as the geometric mean of its two probabilities.
pub fn cover(heat: Tensor<2>, logits: Tensor<4>, judged: Tensor<2>, spec: CoverSpec) -> Tensor<2> {
    let shape = heat.dims();
    let CoverSpec { levels, width, height, queries, outputs, .. } = spec;
    assert_eq!(shape, [levels, width * height], "a heat for each level and place");
    assert_eq!(logits.dims(), [queries, outputs, 2 * height, 2 * width], "a mask for each query and output");
    assert_eq!(judged.dims(), [queries, 2 * outputs], "two judgements for each mask");
    let device = heat.device();
    let (heat, logits, judged) = (heat.into_dispatch(), logits.into_dispatch(), judged.into_dispatch());
    let run = || Dispatch::seg_cover(heat, logits, judged, spec);
    shaped(measured("places", &device, Default::default, run), shape)
}

/// Codes of the places that the first `count` values of `index` name, counted row by row: `[count, channels]`. A code is sines, then
/// cosines, of sums of an angle of the row and one of the column, plus `added`, `[channels]`; `rows`, `[height, channels]`, and `columns`,
/// `[width, channels]`, have the sines, then the cosines of theirs.
pub fn place_codes(
    rows: Tensor<2>,
    columns: Tensor<2>,
    added: Tensor<1>,
    index: Tensor<1>,
    count: usize,
) -> Tensor<2> {
    let ([height, channels], [width, _]) = (rows.dims(), columns.dims());
    assert_eq!(columns.dims()[1], channels, "rows and columns have codes of the same length");
    assert!(added.dims() == [channels] && channels.is_multiple_of(2), "a cosine for each sine");
    assert!(count <= index.dims()[0], "an index for each code");
    let spec = CodeSpec { count, channels, width, height };
    let device = rows.device();
    let (rows, columns) = (rows.into_dispatch(), columns.into_dispatch());
    let (added, index) = (added.into_dispatch(), index.into_dispatch());
    let run = || Dispatch::seg_place_codes(rows, columns, added, index, spec);
    shaped(measured("places", &device, || spec.cost(), run), [count, channels])
}
