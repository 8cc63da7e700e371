//! Chooses among SAM's answers to a prompt.

/// What is known about an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerScores {
    /// The decoder's own estimate of the mask's IoU, from 0 to 1.
    pub predicted_iou: f32,
    /// SAM's stability score, from 0 to 1.
    pub stability: f32,
    /// The area of the mask, as a share of the photo.
    pub area: f32,
    /// How good the scene head finds the mask as the answer to a click, from 0 to 1. If there is no
    /// scene head, it is the predicted IoU.
    pub click_score: f32,
}

/// How to choose among the answers to a prompt that may mean several things.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum PickRule {
    /// Take the answer of the highest click_score.
    #[default]
    ClickScore,
    /// Take the answer of the highest predicted IoU, as SAM's authors do.
    PredictedIou,
    /// Take the answer of the highest stability score.
    Stability,
    /// Take the answer with the highest product of predicted IoU and stability score.
    Product,
    /// Take the largest of the answers whose predicted IoU is at most `margin` below the highest.
    Larger {
        /// The largest difference, from 0 to 1.
        margin: f32,
    },
    /// Take the smallest of the answers whose predicted IoU is at most `margin` below the highest.
    Smaller {
        /// The largest difference, from 0 to 1.
        margin: f32,
    },
}

/// The index of the answer to take; `None` if there are no answers.
pub fn pick(rule: PickRule, answers: &[AnswerScores]) -> Option<usize> {
    let best = |value: &dyn Fn(&AnswerScores) -> f32| {
        (0..answers.len()).max_by(|&a, &b| value(&answers[a]).total_cmp(&value(&answers[b])))
    };
    let highest =
        answers.iter().map(|answer| answer.predicted_iou).fold(f32::NEG_INFINITY, f32::max);
    // Answers that are out of the question rank below all others.
    let near = |answer: &AnswerScores, margin: f32, value: f32| {
        if answer.predicted_iou >= highest - margin { value } else { f32::NEG_INFINITY }
    };
    match rule {
        PickRule::ClickScore => best(&|answer| answer.click_score),
        PickRule::PredictedIou => best(&|answer| answer.predicted_iou),
        PickRule::Stability => best(&|answer| answer.stability),
        PickRule::Product => best(&|answer| answer.predicted_iou * answer.stability),
        PickRule::Larger { margin } => best(&|answer| near(answer, margin, answer.area)),
        PickRule::Smaller { margin } => best(&|answer| near(answer, margin, -answer.area)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(predicted_iou: f32, stability: f32, area: f32) -> AnswerScores {
        AnswerScores { predicted_iou, stability, area, click_score: 1.0 - area }
    }

    #[test]
    fn each_rule_takes_what_it_says() {
        let answers = [scores(0.80, 0.99, 0.1), scores(0.90, 0.80, 0.2), scores(0.86, 0.93, 0.6)];
        let larger = |margin| PickRule::Larger { margin };
        let smaller = |margin| PickRule::Smaller { margin };
        for (rule, expected) in [
            (PickRule::ClickScore, 0),
            (PickRule::PredictedIou, 1),
            (PickRule::Stability, 0),
            (PickRule::Product, 2),
            (larger(0.0), 1),
            (larger(0.05), 2),
            (smaller(0.05), 1),
            (smaller(0.2), 0),
        ] {
            assert_eq!(pick(rule, &answers), Some(expected), "{rule:?}");
        }
        assert_eq!(PickRule::default(), PickRule::ClickScore);
    }

    #[test]
    fn nothing_is_picked_of_nothing() {
        assert_eq!(pick(PickRule::Product, &[]), None);
        assert_eq!(pick(PickRule::Larger { margin: 0.1 }, &[scores(0.0, 0.0, 0.0)]), Some(0));
    }
}
