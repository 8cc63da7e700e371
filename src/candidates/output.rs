//! What the scene head says.

/// Probabilities of `count` candidates; of levels in the order part, entity, relation.
#[derive(Clone, Debug)]
pub struct SceneOutput {
    pub count: usize,
    /// That it is a thing of the level, with an IoU of one half or more.
    pub level: Vec<[f32; 3]>,
    /// That it is so, and the best candidate of this thing.
    pub chosen: Vec<[f32; 3]>,
    /// Expected IoU with the thing.
    pub iou: Vec<[f32; 3]>,
    pub pairs: Vec<PairOutput>,
}

/// Probabilities of two candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PairOutput {
    pub same_part: f32,
    pub same_entity: f32,
    /// That the first is a part of the second.
    pub part_of: f32,
    pub related: f32,
}

impl SceneOutput {
    pub fn pair(&self, first: usize, second: usize) -> PairOutput {
        self.pairs[first * self.count + second]
    }
}
