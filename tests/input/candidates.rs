//! Tests all answers to a click, and prompts with the logits of an earlier answer.

use aims_web::mask::{BitMask, Rle};
use aims_web::photo::decode;
use aims_web::segmenter::{CandidateMask, MaskLogits};
use aims_web::{
    DeviceKind, EncodedPhoto, Point, PointPrompt, Progress, Prompt, Request, Segmenter,
};

use crate::prompts::SHIPPED;

/// The photo of a cup of coffee.
const PHOTO: &[u8] = include_bytes!("../data/photo.png");
const SIZE: (u32, u32) = (512, 384);

fn opened() -> (Segmenter, EncodedPhoto) {
    let segmenter =
        pollster::block_on(Segmenter::new(DeviceKind::Cpu, SHIPPED, Some(512))).expect("it loads");
    let photo = decode(PHOTO).expect("a photo");
    let photo = pollster::block_on(segmenter.encode(photo, &Progress::none())).expect("it runs");
    (segmenter, photo)
}

/// A click on the coffee.
fn click(label: u8, previous: Option<MaskLogits>) -> PointPrompt {
    let coffee = Point { x: 230.0, y: 150.0, label };
    PointPrompt { points: vec![coffee], previous, ..PointPrompt::default() }
}

fn candidates(
    (segmenter, photo): &(Segmenter, EncodedPhoto),
    prompt: &PointPrompt,
) -> Vec<CandidateMask> {
    pollster::block_on(segmenter.candidates(photo, prompt)).expect("it runs")
}

fn segmented((segmenter, photo): &(Segmenter, EncodedPhoto), prompt: &PointPrompt) -> Vec<Rle> {
    let request = Request { prompt: Prompt::Points(prompt.clone()), ..Request::default() };
    let scene =
        pollster::block_on(segmenter.segment(photo, &request, &Progress::none())).expect("it runs");
    scene.masks.into_iter().map(|mask| mask.rle).collect()
}

fn pixels(rle: &Rle) -> BitMask {
    rle.decode().expect("a mask")
}

fn chosen(candidates: &[CandidateMask]) -> &CandidateMask {
    let mut chosen = candidates.iter().filter(|candidate| candidate.chosen);
    let first = chosen.next().expect("one is chosen");
    assert!(chosen.next().is_none(), "only one is chosen");
    first
}

#[test]
fn a_click_has_three_and_other_prompts_one_more() {
    let opened = opened();
    let logits = candidates(&opened, &click(1, None))[0].logits.clone();
    let boxed = PointPrompt::around([112.0, 16.0, 236.0, 292.0]);
    for (prompt, most) in [(click(1, None), 3), (click(1, Some(logits)), 4), (boxed, 4)] {
        let found = candidates(&opened, &prompt);
        assert!((1..=most).contains(&found.len()), "{} answers to {prompt:?}", found.len());
        assert!(found.is_sorted_by_key(|candidate| candidate.area));
        assert_eq!(segmented(&opened, &prompt), [chosen(&found).rle.clone()]);
        for candidate in &found {
            let pixels = pixels(&candidate.rle);
            assert_eq!((pixels.width(), pixels.height()), SIZE);
            assert_eq!((Some(candidate.bbox), candidate.area), (pixels.bbox(), pixels.area()));
            assert!(
                (0.0..=1.0).contains(&candidate.score)
                    && (0.0..=1.0).contains(&candidate.stability)
            );
            assert_eq!((candidate.logits.columns, candidate.logits.rows), (128, 128));
        }
    }
}

#[test]
fn logits_given_back_keep_what_they_meant() {
    let opened = opened();
    let first = candidates(&opened, &click(1, None));
    let coffee = chosen(&first);
    let again = candidates(&opened, &click(1, Some(coffee.logits.clone())));
    let iou = pixels(&coffee.rle).iou(&pixels(&chosen(&again).rle));
    assert!(iou > 0.8, "{iou}");
    // The point alone does not decide.
    let largest = first.last().expect("three answers");
    let other = candidates(&opened, &click(1, Some(largest.logits.clone())));
    assert_ne!(chosen(&again).rle, chosen(&other).rle);
}
