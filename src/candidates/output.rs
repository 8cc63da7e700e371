//! The output of the scene head.

/// What the scene head says of all candidates of a photo. Each array of three has the values of the
/// levels in the order part, entity, relation.
#[derive(Clone, Debug)]
pub struct SceneOutput {
    /// The number of candidates.
    pub count: usize,
    /// For each candidate and level, the probability that it is a thing of the level, with an IoU
    /// of one half or more.
    pub level: Vec<[f32; 3]>,
    /// For each candidate and level, the probability that it is such a thing and the best candidate
    /// for it.
    pub chosen: Vec<[f32; 3]>,
    /// For each candidate and level, the expected IoU with that thing, 0 to 1.
    pub iou: Vec<[f32; 3]>,
    /// The probabilities of all pairs, row-major `[count, count]`; see [`Self::pair`].
    pub pairs: Vec<PairOutput>,
}

/// The probabilities of an ordered pair of candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairOutput {
    /// The probability that both belong to one part.
    pub same_part: f32,
    /// The probability that both belong to one entity.
    pub same_entity: f32,
    /// The probability that the first is a part of the second.
    pub part_of: f32,
    /// The probability that the two are related.
    pub related: f32,
}

impl SceneOutput {
    /// The probabilities of the pair of candidates with the indices `first` and `second`.
    pub fn pair(&self, first: usize, second: usize) -> PairOutput {
        self.pairs[first * self.count + second]
    }
}
