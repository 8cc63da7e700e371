//! Chooses the masks of a scene by the scene head's output, so that their expected value is large.
//! The choice is greedy: it always takes the candidate of the highest value, and each mask that is
//! taken lowers the value of those that it hides or repeats. Then it is revised: a mask is dropped
//! if the others have a larger value without it. One mask of a group often hides the masks of its
//! members, each of which is worth less than the group, but which are worth more together.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{Candidate, SceneOutput};
use crate::mask::BitMask;

/// The settings for one level. They are tuned on photos kept aside from training
/// (`training/judge.py`) and stored in the manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The weight, 0 to 1, of the probability that a candidate is the best mask of its thing. The
    /// probability that it is such a thing at all has the rest of the weight. The score contains
    /// the weighted geometric mean of the two.
    pub chosen: f32,
    /// The exponent of the expected IoU in the score.
    pub iou: f32,
    /// How much a candidate loses if it is the same thing as a mask that was taken: its score is
    /// multiplied by one minus this factor times the probability that they are the same.
    pub same: f32,
    /// The share of a candidate that the masks taken before must leave uncovered. A candidate with
    /// less has no value.
    pub visible: f32,
    /// The exponent of this share in the value.
    pub hidden: f32,
    /// The lowest value of a candidate that is chosen.
    pub floor: f32,
}

/// The settings for choosing one of SAM's answers to a click, tuned in the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pick {
    /// See [`Choice::chosen`].
    pub chosen: f32,
    /// See [`Choice::iou`].
    pub iou: f32,
    /// The factor of the score as a part, when it is compared with the score as an entity.
    pub part: f32,
    /// The exponent of the decoder's own predicted IoU.
    pub quality: f32,
    /// Whether the scene head has learnt what the semantic head says of the answers to a click.
    /// Otherwise the semantic head is not asked about them.
    #[serde(default)]
    pub classes: bool,
}

impl Pick {
    /// Says what each answer to a click is worth: its score as a part or as an entity, whichever is
    /// higher, times its predicted IoU, with the factor and the exponents of these settings.
    pub fn click_scores(&self, candidates: &[Candidate], said: &SceneOutput) -> Vec<f32> {
        let score = |level: usize, i: usize| score(said, level, i, self.chosen, self.iou);
        let worth = |(i, candidate): (usize, &Candidate)| {
            (score(0, i) * self.part).max(score(1, i))
                * candidate.found.predicted_iou.powf(self.quality)
        };
        candidates.iter().enumerate().map(worth).collect()
    }
}

/// A candidate that was chosen for the scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// The index of the candidate.
    pub candidate: usize,
    /// Its expected value when it was chosen, 0 to 1.
    pub value: f32,
}

/// Chooses at most `most` candidates of one level (0 for parts, 1 for entities) for the scene. They
/// are returned in the order in which they were chosen.
pub fn choose(
    candidates: &[Candidate],
    said: &SceneOutput,
    level: usize,
    choice: &Choice,
    most: usize,
) -> Vec<Chosen> {
    let rivals = Rivals::new(candidates, said, level, choice, most);
    let mut open = vec![true; rivals.all.len()];
    let mut tried = vec![false; rivals.all.len()];
    let mut best = rivals.choose(&open);
    loop {
        // A large mask may hide several others, so the largest are tried first.
        let untried = best.iter().map(|chosen| chosen.candidate).filter(|&i| !tried[i]);
        let Some(i) = untried.min_by_key(|&i| Reverse(rivals.all[i].area)) else { break };
        (tried[i], open[i]) = (true, false);
        let others = rivals.choose(&open);
        if total(&others) > total(&best) {
            best = others;
        } else {
            open[i] = true;
        }
    }
    let in_all =
        |chosen: Chosen| Chosen { candidate: rivals.all[chosen.candidate].index, ..chosen };
    best.into_iter().map(in_all).collect()
}

/// The candidates that may be chosen for a level. They are numbered by their places in `all`.
struct Rivals<'a> {
    all: Vec<Rival<'a>>,
    said: &'a SceneOutput,
    level: usize,
    choice: &'a Choice,
    most: usize,
}

struct Rival<'a> {
    /// The index among all candidates.
    index: usize,
    cells: &'a BitMask,
    area: u32,
    score: f32,
    /// The rivals whose masks overlap with this one.
    overlapping: Vec<usize>,
}

impl<'a> Rivals<'a> {
    fn new(
        candidates: &'a [Candidate],
        said: &'a SceneOutput,
        level: usize,
        choice: &'a Choice,
        most: usize,
    ) -> Self {
        let scored = candidates.iter().enumerate().map(|(index, candidate)| {
            let cells = &candidate.found.cells;
            let score = score(said, level, index, choice.chosen, choice.iou);
            Rival { index, cells, area: cells.area(), score, overlapping: Vec::new() }
        });
        let mut all: Vec<_> = scored.filter(|rival| rival.score >= choice.floor).collect();
        for i in 0..all.len() {
            let overlaps = |&j: &usize| all[i].cells.intersection_area(all[j].cells) > 0;
            all[i].overlapping = (0..all.len()).filter(overlaps).collect();
        }
        Self { all, said, level, choice, most }
    }

    /// Chooses greedily among the rivals that are `open`.
    fn choose(&self, open: &[bool]) -> Vec<Chosen> {
        let Some(first) = self.all.first() else { return Vec::new() };
        let (width, height) = first.cells.size();
        let mut free = BitMask::full(width, height);
        let mut open = open.to_vec();
        let mut score: Vec<f32> = self.all.iter().map(|rival| rival.score).collect();
        // Masks that were taken hide rivals. This is the share of its value that each rival keeps.
        let mut left = vec![1.0; self.all.len()];
        let mut taken: Vec<Chosen> = Vec::new();
        while taken.len() < self.most {
            // If several are equal, the first is taken, as in training.
            let best = (0..self.all.len()).filter(|&i| open[i]).fold(None, |best, candidate| {
                let value = score[candidate] * left[candidate];
                best.filter(|best: &Chosen| best.value >= value)
                    .or(Some(Chosen { candidate, value }))
            });
            let Some(best) = best.filter(|best| best.value >= self.choice.floor) else { break };
            let rival = &self.all[best.candidate];
            taken.push(best);
            open[best.candidate] = false;
            free.subtract(rival.cells);
            for (i, other) in self.all.iter().enumerate() {
                let pair = self.said.pair(rival.index, other.index);
                let same = if self.level == 0 { pair.same_part } else { pair.same_entity };
                score[i] *= 1.0 - same * self.choice.same;
            }
            for &i in &rival.overlapping {
                let visible = self.all[i].cells.contained_in(&free);
                let is_visible = visible >= self.choice.visible;
                left[i] = if is_visible { visible.powf(self.choice.hidden) } else { 0.0 };
            }
        }
        taken
    }
}

/// The expected value of a scene.
fn total(scene: &[Chosen]) -> f64 {
    scene.iter().map(|chosen| f64::from(chosen.value)).sum()
}

/// The score of a candidate at a level, before masks compete.
fn score(said: &SceneOutput, level: usize, i: usize, chosen: f32, iou: f32) -> f32 {
    let mixed = said.chosen[i][level].powf(chosen) * said.level[i][level].powf(1.0 - chosen);
    mixed * said.iou[i][level].powf(iou)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates::{Found, Kind, PairOutput};

    fn columns(range: std::ops::Range<u32>) -> Candidate {
        let cells = BitMask::from_fn(40, 10, |x, _| range.contains(&x));
        let found = Found {
            cells,
            predicted_iou: 1.0,
            score: 1.0,
            stability: 1.0,
            kind: Kind::Large,
            token: Vec::new(),
        };
        Candidate { found, index: 0, repeats: 1 }
    }

    #[test]
    fn an_answer_is_worth_what_it_is_as_a_part_or_as_an_entity() {
        let mut answers = [columns(0..20), columns(0..30)];
        answers[1].found.predicted_iou = 0.5;
        let all = vec![[0.81, 0.2, 1.0], [0.1, 0.64, 1.0]];
        let said = SceneOutput {
            count: 2,
            level: all.clone(),
            chosen: all,
            iou: vec![[0.5; 3]; 2],
            pairs: vec![],
        };
        let pick = Pick { chosen: 0.5, iou: 1.0, part: 0.5, quality: 2.0, classes: false };
        let worth = pick.click_scores(&answers, &said);
        assert!(
            (worth[0] - 0.81 * 0.5 * 0.5).abs() < 1e-6
                && (worth[1] - 0.64 * 0.5 * 0.25).abs() < 1e-6
        );
    }

    #[test]
    fn what_others_hide_or_repeat_goes() {
        let candidates = [columns(0..20), columns(10..30), columns(25..40), columns(20..40)];
        let scores = [0.9, 0.8, 0.5, 0.4];
        let all = scores.map(|score| [0.0, score, 0.0]).to_vec();
        let mut pairs = vec![PairOutput::default(); 16];
        // The last two are the same thing.
        (pairs[2 * 4 + 3].same_entity, pairs[3 * 4 + 2].same_entity) = (1.0, 1.0);
        let said = SceneOutput {
            count: 4,
            level: all.clone(),
            chosen: all,
            iou: vec![[1.0; 3]; 4],
            pairs,
        };
        let choice =
            Choice { chosen: 1.0, iou: 1.0, same: 1.0, visible: 0.6, hidden: 1.0, floor: 0.05 };
        let of = |choice: &Choice| -> Vec<_> {
            choose(&candidates, &said, 1, choice, 10)
                .iter()
                .map(|chosen| chosen.candidate)
                .collect()
        };
        assert_eq!(of(&choice), [0, 2]);
        // Without the third, the second and the fourth have more of their values.
        assert_eq!(of(&Choice { visible: 0.5, ..choice.clone() }), [0, 1, 3]);
        assert_eq!(of(&Choice { visible: 0.5, hidden: 0.0, ..choice.clone() }), [0, 1, 2]);
        assert_eq!(of(&Choice { same: 0.0, visible: 0.2, ..choice }), [0, 2, 1]);
    }

    #[test]
    fn a_group_goes_if_its_members_are_worth_more() {
        let candidates = [columns(0..30), columns(0..10), columns(10..20), columns(20..30)];
        let of = |scores: [f32; 4]| -> Vec<_> {
            let all = scores.map(|score| [0.0, score, 0.0]).to_vec();
            let (level, chosen) = (all.clone(), all);
            let pairs = vec![PairOutput::default(); 16];
            let said = SceneOutput { count: 4, level, chosen, iou: vec![[1.0; 3]; 4], pairs };
            let choice =
                Choice { chosen: 1.0, iou: 1.0, same: 0.0, visible: 0.6, hidden: 1.0, floor: 0.05 };
            choose(&candidates, &said, 1, &choice, 10).iter().map(|one| one.candidate).collect()
        };
        assert_eq!(of([0.8, 0.5, 0.4, 0.1]), [1, 2, 3]);
        assert_eq!(of([0.8, 0.3, 0.3, 0.1]), [0]);
    }
}
