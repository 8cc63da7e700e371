//! Which of SAM's answers to a prompt is taken.

/// What is known of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// What the decoder expects of it, 0 to 1.
    pub predicted_iou: f32,
    /// SAM's stability score, 0 to 1.
    pub stability: f32,
    /// As a share of the photo.
    pub area: f32,
    /// What the scene head makes of an answer to a click, 0 to 1; where there is no scene head, the predicted IoU.
    pub worth: f32,
}

/// How to choose among answers to a prompt that can mean several things.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum PickRule {
    /// The highest worth.
    #[default]
    Worth,
    /// The highest predicted IoU, as SAM's authors do.
    PredictedIou,
    /// The highest stability score.
    Stability,
    /// The highest product of both.
    Product,
    /// The largest of those whose predicted IoU is at most `margin` below the highest.
    Larger { margin: f32 },
    /// The smallest of those.
    Smaller { margin: f32 },
}

/// The index of the answer to take; `None` if there is none.
pub fn pick(rule: PickRule, answers: &[Quality]) -> Option<usize> {
    let best = |value: &dyn Fn(&Quality) -> f32| {
        (0..answers.len()).max_by(|&a, &b| value(&answers[a]).total_cmp(&value(&answers[b])))
    };
    let highest =
        answers.iter().map(|answer| answer.predicted_iou).fold(f32::NEG_INFINITY, f32::max);
    // Answers that are out of question rank below all others.
    let near = |answer: &Quality, margin: f32, value: f32| {
        if answer.predicted_iou >= highest - margin { value } else { f32::NEG_INFINITY }
    };
    match rule {
        PickRule::Worth => best(&|answer| answer.worth),
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

    fn quality(predicted_iou: f32, stability: f32, area: f32) -> Quality {
        Quality { predicted_iou, stability, area, worth: 1.0 - area }
    }

    #[test]
    fn each_rule_takes_what_it_says() {
        let answers =
            [quality(0.80, 0.99, 0.1), quality(0.90, 0.80, 0.2), quality(0.86, 0.93, 0.6)];
        let larger = |margin| PickRule::Larger { margin };
        let smaller = |margin| PickRule::Smaller { margin };
        for (rule, expected) in [
            (PickRule::Worth, 0),
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
        assert_eq!(PickRule::default(), PickRule::Worth);
    }

    #[test]
    fn nothing_is_picked_of_nothing() {
        assert_eq!(pick(PickRule::Product, &[]), None);
        assert_eq!(pick(PickRule::Larger { margin: 0.1 }, &[quality(0.0, 0.0, 0.0)]), Some(0));
    }
}
