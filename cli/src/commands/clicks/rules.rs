//! The rules that `clicks --rules` compares. Each picks one of the answers to a click.

use aims_web::levels::LevelRules;
use aims_web::mask::BitMask;
use aims_web::segmenter::{Answer, AnswerScores, PickRule, choose, pick};

type Rule = fn(&[Answer]) -> Option<&Answer>;

/// The rules and their names. The first rule is the one in use, with which the others are compared.
pub const RULES: &[(&str, Rule)] = &[
    ("in use", |answers| among_three(PickRule::default(), answers)),
    ("highest predicted IoU", |answers| among_three(PickRule::PredictedIou, answers)),
    ("highest stability", |answers| among_three(PickRule::Stability, answers)),
    ("highest predicted IoU x stability", |answers| among_three(PickRule::Product, answers)),
    ("largest within 0.02 of the highest predicted IoU", |answers| larger(0.02, answers)),
    ("largest within 0.05", |answers| larger(0.05, answers)),
    ("largest within 0.1", |answers| larger(0.1, answers)),
    ("largest within 0.2", |answers| larger(0.2, answers)),
    ("largest", |answers| larger(f32::INFINITY, answers)),
    ("smallest within 0.02", |answers| smaller(0.02, answers)),
    ("smallest within 0.05", |answers| smaller(0.05, answers)),
    ("smallest within 0.1", |answers| smaller(0.1, answers)),
    ("the decoder's fourth answer, for prompts that mean one thing", |answers| {
        choose(PickRule::default(), answers, false)
    }),
    ("highest predicted IoU of all four", |answers| among_four(PickRule::PredictedIou, answers)),
    ("highest predicted IoU x stability of all four", |answers| {
        among_four(PickRule::Product, answers)
    }),
    ("most like the other three, of all four", |answers| by_agreement(answers, |_, others| others)),
    ("highest predicted IoU x stability x likeness to the other three, of all four", |answers| {
        by_agreement(answers, |scores, others| scores.predicted_iou * scores.stability * others)
    }),
    (
        "highest predicted IoU x stability + half the likeness to the other three, of all four",
        |answers| {
            by_agreement(answers, |scores, others| {
                scores.predicted_iou * scores.stability + 0.5 * others
            })
        },
    ),
];

fn among_three(rule: PickRule, answers: &[Answer]) -> Option<&Answer> {
    choose(rule, answers, true)
}

fn among_four(rule: PickRule, answers: &[Answer]) -> Option<&Answer> {
    let all: Vec<AnswerScores> = answers.iter().map(|answer| answer.scores).collect();
    pick(rule, &all).map(|index| &answers[index])
}

/// Picks the answer with the highest `value`, which is computed from the answer's quality and from
/// the mean IoU of its mask with the other three.
fn by_agreement(answers: &[Answer], value: fn(&AnswerScores, f32) -> f32) -> Option<&Answer> {
    let threshold = LevelRules::default().mask_threshold;
    let masks: Vec<BitMask> =
        answers.iter().map(|answer| answer.candidate.logits.to_low_res_mask(threshold)).collect();
    let likeness = |i: usize| {
        let others = (0..masks.len()).filter(|&j| j != i);
        others.map(|j| masks[i].iou(&masks[j])).sum::<f32>() / (masks.len() - 1) as f32
    };
    let values: Vec<f32> =
        (0..answers.len()).map(|i| value(&answers[i].scores, likeness(i))).collect();
    (0..answers.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).map(|i| &answers[i])
}

fn larger(margin: f32, answers: &[Answer]) -> Option<&Answer> {
    among_three(PickRule::Larger { margin }, answers)
}

fn smaller(margin: f32, answers: &[Answer]) -> Option<&Answer> {
    among_three(PickRule::Smaller { margin }, answers)
}
