//! Measures how well a click and a box find one human mask.

use aims_web::levels::LevelRules;
use aims_web::mask::{BitMask, deepest};
use aims_web::segmenter::{Answer, PickRule, choose};
use aims_web::{EncodedPhoto, Point, PointPrompt, Segmenter};
use anyhow::{Context, Result};

use super::super::eval::matching::{Shape, THRESHOLDS, threshold};
use super::super::eval::size::Size;
use super::rules::RULES;

/// How well the decoder's answers match one human mask. Each figure is the share of the ten IoU
/// thresholds that an answer reaches.
#[derive(Clone)]
pub struct Judged {
    /// The size of the human mask.
    pub size: Size,
    /// The answer to a click that is picked.
    pub click: f64,
    /// The best of the three answers to a click.
    pub click_best: f64,
    /// The answer to a box that is picked, which is the decoder's single one.
    pub box_picked: f64,
    /// The best of the three other answers to a box.
    pub box_best: f64,
    /// The answers to a click that each of [`RULES`] picks.
    pub rules: Vec<f64>,
}

/// The figures of all human masks of one photo.
#[derive(Clone, Default)]
pub struct PhotoClicks {
    /// One entry for each mask.
    pub masks: Vec<Judged>,
}

/// Prompts the decoder with a click at the deepest point of `mask` and with the box around it, and
/// compares the answers with the mask. Returns `None` if the mask is empty.
pub async fn judge(
    segmenter: &Segmenter,
    photo: &EncodedPhoto,
    mask: BitMask,
) -> Result<Option<Judged>> {
    let (Some(place), Some(bbox)) = (deepest(&mask), mask.bbox()) else { return Ok(None) };
    let target = Shape::new(mask);
    let size = target.size_class();
    let point = Point { x: f64::from(place.0) + 0.5, y: f64::from(place.1) + 0.5, label: 1 };
    let click = segmenter.answers(photo, &PointPrompt::at(vec![point])).await?;
    let shape = [bbox.x, bbox.y, bbox.width, bbox.height].map(f64::from);
    let boxed = segmenter.answers(photo, &PointPrompt::around(shape)).await?;
    let picked = |answers: &[Answer], is_click: bool| {
        let answer =
            choose(PickRule::default(), answers, is_click).context("the decoder gave no mask")?;
        Ok::<_, anyhow::Error>(reached(answer, photo, &target))
    };
    let best = |answers: &[Answer]| {
        let three = answers.iter().filter(|answer| !answer.is_single);
        three.map(|answer| reached(answer, photo, &target)).fold(0.0, f64::max)
    };
    let by_rule = RULES.iter().filter_map(|(_, rule)| rule(&click));
    Ok(Some(Judged {
        size,
        click: picked(&click, true)?,
        click_best: best(&click),
        box_picked: picked(&boxed, false)?,
        box_best: best(&boxed),
        rules: by_rule.map(|answer| reached(answer, photo, &target)).collect(),
    }))
}

/// The share of the thresholds that the IoU of an answer with the target reaches.
fn reached(answer: &Answer, photo: &EncodedPhoto, target: &Shape) -> f64 {
    let mask =
        answer.candidate.render(photo.width, photo.height, LevelRules::default().mask_threshold);
    thresholds_reached(Shape::new(mask).iou(target))
}

fn thresholds_reached(iou: f64) -> f64 {
    (0..THRESHOLDS).filter(|&level| iou >= threshold(level)).count() as f64 / THRESHOLDS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_counts_a_tenth() {
        assert_eq!(
            [0.0, 0.49, 0.5, 0.72, 0.95, 1.0].map(thresholds_reached),
            [0.0, 0.0, 0.1, 0.5, 1.0, 1.0]
        );
    }
}
