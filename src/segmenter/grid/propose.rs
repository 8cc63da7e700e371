//! Prompts SAM at every point of a grid and filters the masks. The procedure, its settings and
//! their defaults are those of SAM's automatic mask generator.

use super::super::encoded::{MASK_THRESHOLD, View};
use super::super::request::GridOptions;
use super::crops::touches_inner_edge;
use crate::error::Result;
use crate::levels::Candidate;
use crate::mask::nms::box_nms;
use crate::mask::{BBox, BitMask, Frame};
use crate::model::{MaskValues, PointLabel, PromptPoint, Sam};
use crate::progress::Progress;

/// The three masks for ambiguous prompts, such as a single point. The first of the four masks is
/// for prompts that mean only one thing.
const MULTIMASK: std::ops::Range<usize> = 1..4;

/// A mask of the mode `grid` before filtering, with its box on the photo in pixels.
pub(super) struct Proposal {
    pub candidate: Candidate,
    pub bbox: BBox,
}

/// The points of a regular grid over `frame`, in pixels of the photo: the middles of `per_side` by
/// `per_side` tiles. If there is a region, only the points inside it are kept. If a thin region
/// contains none of them, its pixel nearest to the middle of the frame is taken instead.
pub(super) fn points(frame: &BBox, per_side: u32, region: Option<&BitMask>) -> Vec<(f64, f64)> {
    let middle = |i: u32, start: u32, length: u32| {
        f64::from(start) + f64::from(length) * (f64::from(i) + 0.5) / f64::from(per_side)
    };
    let mut points = Vec::new();
    for row in 0..per_side {
        for column in 0..per_side {
            let point = (middle(column, frame.x, frame.width), middle(row, frame.y, frame.height));
            if region.is_none_or(|region| region.get(point.0 as u32, point.1 as u32)) {
                points.push(point);
            }
        }
    }
    if let (true, Some(region)) = (points.is_empty(), region) {
        let (x, y) = (
            f64::from(frame.x) + f64::from(frame.width) / 2.0,
            f64::from(frame.y) + f64::from(frame.height) / 2.0,
        );
        let distance = |&(px, py): &(f64, f64)| (px - x).powi(2) + (py - y).powi(2);
        let inside = (frame.y..frame.bottom())
            .flat_map(|py| (frame.x..frame.right()).map(move |px| (px, py)))
            .filter(|&(px, py)| region.get(px, py))
            .map(|(px, py)| (f64::from(px) + 0.5, f64::from(py) + 0.5));
        points.extend(inside.min_by(|a, b| distance(a).total_cmp(&distance(b))));
    }
    points
}

/// Prompts `view` at each of the points and keeps the masks whose predicted IoU and stability score
/// are high. Of masks that overlap strongly, only the best is kept.
///
/// # Errors
/// [`crate::Error::Aborted`], [`crate::Error::DeviceLost`].
pub(super) async fn propose(
    sam: &Sam,
    view: &View,
    points: &[(f64, f64)],
    photo_size: (u32, u32),
    options: &GridOptions,
    progress: &Progress<'_>,
) -> Result<Vec<Proposal>> {
    let mut found = Vec::new();
    let batch_size = options.points_per_batch as usize;
    for (index, batch) in points.chunks(batch_size).enumerate() {
        progress.checkpoint((index * batch_size) as f32 / points.len() as f32).await?;
        let prompts: Vec<_> = batch
            .iter()
            .map(|&(x, y)| {
                let (x, y) = view.to_input(x, y);
                vec![PromptPoint { x, y, label: PointLabel::Foreground }]
            })
            .collect();
        let prediction = sam.decode(view.embedding(), &prompts, None);
        let MaskValues { iou, logits, .. } = prediction.read().await?;
        let masks_per_prompt = iou.len() / batch.len();
        let mask_length = logits.len() / iou.len();
        for prompt in 0..batch.len() {
            for mask in MULTIMASK {
                let at = prompt * masks_per_prompt + mask;
                let logits = &logits[at * mask_length..][..mask_length];
                found.extend(keep(view, logits, iou[at], photo_size, options)?);
            }
        }
    }
    progress.checkpoint(1.0).await?;
    let boxes: Vec<_> = found.iter().map(|proposal| proposal.bbox).collect();
    let scores: Vec<_> = found.iter().map(|proposal| proposal.candidate.score).collect();
    Ok(pick(found, &box_nms(&boxes, &scores, options.box_nms_thresh)))
}

/// Of masks from different crops that overlap strongly, keeps the one from the smaller crop.
pub(super) fn merge_crops(found: Vec<Proposal>, options: &GridOptions) -> Vec<Proposal> {
    let boxes: Vec<_> = found.iter().map(|proposal| proposal.bbox).collect();
    let scores: Vec<_> =
        found.iter().map(|proposal| 1.0 / proposal.candidate.frame.area() as f32).collect();
    pick(found, &box_nms(&boxes, &scores, options.crop_nms_thresh))
}

fn pick(proposals: Vec<Proposal>, indices: &[usize]) -> Vec<Proposal> {
    let mut slots: Vec<_> = proposals.into_iter().map(Some).collect();
    indices.iter().filter_map(|&index| slots[index].take()).collect()
}

/// The proposal of a mask, if it is good enough and not cut off by its crop.
fn keep(
    view: &View,
    logits: &[f32],
    iou: f32,
    (width, height): (u32, u32),
    options: &GridOptions,
) -> Result<Option<Proposal>> {
    if iou.is_nan() || iou <= options.pred_iou_thresh {
        return Ok(None);
    }
    let logits = view.logits(logits.to_vec())?;
    if logits.stability_score(MASK_THRESHOLD, options.stability_score_offset)
        < options.stability_score_thresh
    {
        return Ok(None);
    }
    let crop = view.frame();
    let (columns, rows) = logits.valid_cells();
    let whole = Frame { x: 0.0, y: 0.0, width: f64::from(columns), height: f64::from(rows) };
    let Some(cells) = logits.render(whole, columns, rows, MASK_THRESHOLD).bbox() else {
        return Ok(None);
    };
    let scale = |cell: u32, length: u32, cells: u32| {
        (u64::from(cell) * u64::from(length)).div_ceil(u64::from(cells)) as u32
    };
    let (x, y) = (scale(cells.x, crop.width, columns), scale(cells.y, crop.height, rows));
    let bbox = BBox {
        x: crop.x + x,
        y: crop.y + y,
        width: scale(cells.right(), crop.width, columns) - x,
        height: scale(cells.bottom(), crop.height, rows) - y,
    };
    if touches_inner_edge(&bbox, &crop, width, height) {
        return Ok(None);
    }
    Ok(Some(Proposal { candidate: Candidate { logits, frame: crop, score: iou }, bbox }))
}
