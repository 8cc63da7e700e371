//! Prompts that SAM's mask decoder answers with one mask: points, a box, strokes of a brush, or a
//! lasso.

use super::EncodedPhoto;
use super::by_head::{self, Heads};
use super::encoded::MASK_THRESHOLD;
use super::pick::{AnswerScores, PickRule, pick};
use super::previous::MaskLogits;
use super::request::{GridOptions, Point, PointPrompt, Stroke, box_mask};
use crate::candidates::{Found, Kind};
use crate::error::{Error, Result};
use crate::levels::Candidate;
use crate::mask::polygon::upright_box;
use crate::mask::{BBox, BitMask, Rle};
use crate::model::{MaskValues, PointLabel, PromptPoint, Sam};
use serde::Serialize;

const MAX_STROKES: usize = 16;
/// The strokes of a label become this many points, or one for each stroke if there are more
/// strokes. SAM takes a line of many points for a stripe.
const STROKE_POINTS: usize = 4;

/// One of the four masks with which the decoder answers a prompt.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The mask. Its score is the predicted IoU.
    pub candidate: Candidate,
    /// What is known about the mask.
    pub scores: AnswerScores,
    /// Whether this is the decoder's answer for prompts that mean only one thing. The other three
    /// are what a single point may mean.
    pub is_single: bool,
}

/// An answer in the form that callers get.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CandidateMask {
    /// The predicted IoU, from 0 to 1.
    pub score: f32,
    /// SAM's stability score, from 0 to 1.
    pub stability: f32,
    /// Whether this is the answer that `segment` returns.
    pub chosen: bool,
    /// The number of pixels of the mask.
    pub area: u32,
    /// The smallest box around the mask, `[x, y, width, height]` in pixels of the photo.
    pub bbox: BBox,
    /// The pixels of the mask, at the photo's size.
    pub rle: Rle,
    /// The logits of the mask. A caller can give them back together with more points.
    pub logits: MaskLogits,
}

/// The mask that points, a box or both mean.
///
/// # Errors
/// Those of [`answers`].
pub(super) async fn by_points(
    sam: &Sam,
    heads: Option<Heads<'_>>,
    photo: &EncodedPhoto,
    prompt: &PointPrompt,
) -> Result<Candidate> {
    let answers = answers(sam, heads, photo, prompt).await?;
    choose(PickRule::default(), &answers, prompt.is_ambiguous())
        .map(|answer| answer.candidate.clone())
        .ok_or_else(|| Error::Internal("the mask decoder gave no mask".to_string()))
}

/// The answer to take. If the prompt is ambiguous, the rule chooses among the three nested answers;
/// otherwise it is the single one.
pub fn choose(rule: PickRule, answers: &[Answer], is_ambiguous: bool) -> Option<&Answer> {
    let taking_part: Vec<&Answer> =
        answers.iter().filter(|answer| answer.is_single != is_ambiguous).collect();
    let all: Vec<AnswerScores> = taking_part.iter().map(|answer| answer.scores).collect();
    pick(rule, &all).map(|index| taking_part[index])
}

/// The answers to a prompt as masks at the photo's size, smaller ones first. If the prompt is
/// ambiguous, the decoder's single answer is not among them.
pub(super) fn described(
    answers: &[Answer],
    prompt: &PointPrompt,
    (width, height): (u32, u32),
) -> Vec<CandidateMask> {
    let is_ambiguous = prompt.is_ambiguous();
    let chosen = choose(PickRule::default(), answers, is_ambiguous);
    let offered = answers.iter().filter(|answer| !(is_ambiguous && answer.is_single));
    let candidate = |answer: &Answer| {
        let pixels = answer.candidate.render(width, height, MASK_THRESHOLD);
        Some(CandidateMask {
            score: answer.scores.predicted_iou.clamp(0.0, 1.0),
            stability: answer.scores.stability,
            chosen: chosen.is_some_and(|chosen| std::ptr::eq(chosen, answer)),
            area: pixels.area(),
            bbox: pixels.bbox()?,
            rle: Rle::encode(&pixels),
            logits: MaskLogits::from(&answer.candidate.logits),
        })
    };
    let mut candidates: Vec<CandidateMask> = offered.filter_map(candidate).collect();
    candidates.sort_by_key(|candidate| candidate.area);
    candidates
}

/// The four masks with which the decoder answers points, a box or both, smaller ones first. If the
/// prompt is a click, the scene head says which of them is meant.
///
/// # Errors
/// [`Error::EmptyPrompt`], [`Error::InvalidPrompt`], [`Error::DeviceLost`].
pub(super) async fn answers(
    sam: &Sam,
    heads: Option<Heads<'_>>,
    photo: &EncodedPhoto,
    prompt: &PointPrompt,
) -> Result<Vec<Answer>> {
    prompt.check()?;
    let embedding = photo.view.embedding();
    let points = prompt_points(photo, &prompt.points, prompt.r#box)?;
    let previous = prompt.previous.as_ref();
    let mask =
        previous.map(|logits| logits.prompt(embedding.mask_size(), sam.device())).transpose()?;
    let MaskValues { iou, logits, tokens } = sam.decode(embedding, &[points], mask).read().await?;
    let (length, channels) = (logits.len() / iou.len(), tokens.len() / iou.len());
    // This is the default of SAM's automatic mask generator.
    let offset = GridOptions::default().stability_score_offset;
    let mut answers = Vec::with_capacity(iou.len());
    let mut nested = Vec::new();
    for (index, (&score, values)) in iou.iter().zip(logits.chunks(length)).enumerate() {
        let logits = photo.view.logits(values.to_vec())?;
        let cells = logits.to_low_res_mask(MASK_THRESHOLD);
        let scores = AnswerScores {
            predicted_iou: score,
            stability: logits.stability_score(MASK_THRESHOLD, offset),
            area: cells.area() as f32 / (cells.width() * cells.height()) as f32,
            click_score: score,
        };
        if let Some(kind) = index.checked_sub(1).and_then(|index| Kind::NESTED.get(index)) {
            let token = tokens[index * channels..][..channels].to_vec();
            let stability = scores.stability;
            nested.push(Found {
                cells,
                predicted_iou: score,
                score,
                stability,
                kind: *kind,
                token,
            });
        }
        let candidate = Candidate { logits, frame: photo.view.frame(), score };
        answers.push(Answer { candidate, scores, is_single: index == 0 });
    }
    let heads = heads.and_then(|heads| {
        Some((heads, heads.scene.config().clicks.as_ref()?, photo.view.features()?))
    });
    if let (Some((heads, pick, features)), true) = (heads, prompt.is_ambiguous()) {
        let click_scores =
            by_head::click_scores(heads, pick, &photo.view, features, nested).await?;
        let nested = answers.iter_mut().filter(|answer| !answer.is_single);
        nested.zip(click_scores).for_each(|(answer, score)| answer.scores.click_score = score);
    }
    answers.sort_by(|a, b| a.scores.area.total_cmp(&b.scores.area));
    Ok(answers)
}

/// The points and the corners of the box that the decoder is asked about, in pixels of its input.
fn prompt_points(
    photo: &EncodedPhoto,
    points: &[Point],
    shape: Option<[f64; 4]>,
) -> Result<Vec<PromptPoint>> {
    let (width, height) = (f64::from(photo.width), f64::from(photo.height));
    let place = |x: f64, y: f64, label| {
        let (x, y) = photo.view.to_input(x, y);
        PromptPoint { x, y, label }
    };
    let mut prompt = Vec::with_capacity(points.len() + 2);
    for point in points {
        let inside = (0.0..=width).contains(&point.x) && (0.0..=height).contains(&point.y);
        if !inside {
            return Err(Error::InvalidPrompt(format!(
                "the point ({}, {}) is outside the {width} x {height} photo",
                point.x, point.y
            )));
        }
        let label =
            if is_inside(point.label)? { PointLabel::Foreground } else { PointLabel::Background };
        prompt.push(place(point.x, point.y, label));
    }
    if let Some(shape) = shape {
        // This checks that the box is valid and covers something.
        box_mask(shape, photo.width, photo.height)?;
        let [x, y, w, h] = upright_box(shape);
        prompt.push(place(x.max(0.0), y.max(0.0), PointLabel::BoxTopLeft));
        prompt.push(place((x + w).min(width), (y + h).min(height), PointLabel::BoxBottomRight));
    }
    Ok(prompt)
}

/// The thing that a loose outline is drawn around: the mask that SAM finds for the outline's box.
///
/// # Errors
/// [`Error::EmptyPrompt`], [`Error::DeviceLost`].
pub(super) async fn by_lasso(
    sam: &Sam,
    heads: Option<Heads<'_>>,
    photo: &EncodedPhoto,
    lasso: &BitMask,
) -> Result<Candidate> {
    let bbox = lasso.bbox().ok_or(Error::EmptyPrompt)?;
    let shape = [bbox.x, bbox.y, bbox.width, bbox.height].map(f64::from);
    by_points(sam, heads, photo, &PointPrompt::around(shape)).await
}

/// Points along the strokes of each label, spread evenly by length, with at least one on each
/// stroke.
///
/// # Errors
/// [`Error::InvalidPrompt`] if there are too many strokes, if a stroke has no points or numbers
/// that are not finite, or if no stroke is inside what is wanted.
pub(super) fn along(strokes: &[Stroke]) -> Result<Vec<Point>> {
    let invalid = |why: &str| Err(Error::InvalidPrompt(why.to_string()));
    if strokes.len() > MAX_STROKES {
        return invalid(&format!("there are {} strokes; use at most {MAX_STROKES}", strokes.len()));
    }
    if strokes.iter().any(|stroke| stroke.points.is_empty()) {
        return invalid("a stroke has no points");
    }
    if strokes
        .iter()
        .flat_map(|stroke| stroke.points.iter().flatten())
        .any(|value| !value.is_finite())
    {
        return invalid("a stroke has a coordinate that is not a finite number");
    }
    let labels =
        strokes.iter().map(|stroke| is_inside(stroke.label)).collect::<Result<Vec<_>>>()?;
    if !labels.contains(&true) {
        return invalid("no stroke marks what is wanted; give one the label 1");
    }
    let mut points = Vec::new();
    for label in [1, 0] {
        let strokes = || strokes.iter().filter(|stroke| stroke.label == label);
        let total =
            strokes().map(|stroke| length(&stroke.points)).sum::<f64>().max(f64::MIN_POSITIVE);
        let spare = STROKE_POINTS.saturating_sub(strokes().count()) as f64;
        for stroke in strokes() {
            let length = length(&stroke.points);
            let count = 1 + (spare * length / total).round() as usize;
            // The points are the middles of `count` pieces of equal length.
            let at = |i: usize| at_length(&stroke.points, length * (i as f64 + 0.5) / count as f64);
            points.extend((0..count).map(at).map(|[x, y]| Point { x, y, label }));
        }
    }
    Ok(points)
}

fn is_inside(label: u8) -> Result<bool> {
    match label {
        0 => Ok(false),
        1 => Ok(true),
        other => {
            Err(Error::InvalidPrompt(format!("a label is 0 (outside) or 1 (inside), not {other}")))
        }
    }
}

fn length(line: &[[f64; 2]]) -> f64 {
    line.windows(2).map(|pair| distance(pair[0], pair[1])).sum()
}

fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (b[0] - a[0]).hypot(b[1] - a[1])
}

/// The point at the distance `left` along a line from its start.
fn at_length(line: &[[f64; 2]], mut left: f64) -> [f64; 2] {
    for pair in line.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        let step = distance(a, b);
        if left < step {
            let share = left / step;
            return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
        }
        left -= step;
    }
    line[line.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stroke(points: &[[f64; 2]], label: u8) -> Stroke {
        Stroke { points: points.to_vec(), label }
    }

    #[test]
    fn strokes_become_points_by_length() {
        let long = stroke(&[[0.0, 0.0], [30.0, 0.0], [30.0, 50.0]], 1);
        let (dot, short) = (stroke(&[[5.0, 5.0]], 0), stroke(&[[7.0, 0.0], [9.0, 0.0]], 0));
        let points = along(&[dot, long, short]).expect("all are sound");
        let places: Vec<_> = points.iter().map(|point| (point.x, point.y, point.label)).collect();
        let inside = [(10.0, 0.0, 1), (30.0, 0.0, 1), (30.0, 20.0, 1), (30.0, 40.0, 1)];
        let outside =
            [(5.0, 5.0, 0), (7.0 + 1.0 / 3.0, 0.0, 0), (8.0, 0.0, 0), (9.0 - 1.0 / 3.0, 0.0, 0)];
        for (place, expected) in places.iter().zip(inside.iter().chain(&outside)) {
            assert!(
                (place.0 - expected.0).abs() < 1e-9 && (place.1 - expected.1).abs() < 1e-9,
                "{places:?}"
            );
            assert_eq!(place.2, expected.2);
        }
        assert_eq!(places.len(), inside.len() + outside.len());
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let good = stroke(&[[1.0, 1.0]], 1);
        for bad in [
            vec![],
            vec![stroke(&[], 1)],
            vec![stroke(&[[1.0, 1.0]], 0)],
            vec![stroke(&[[1.0, f64::NAN]], 1)],
            vec![stroke(&[[1.0, 1.0]], 2)],
            vec![good.clone(); MAX_STROKES + 1],
        ] {
            assert!(matches!(along(&bad), Err(Error::InvalidPrompt(_))), "{bad:?}");
        }
        assert_eq!(along(&vec![good; MAX_STROKES]).expect("as many as allowed").len(), MAX_STROKES);
    }
}
