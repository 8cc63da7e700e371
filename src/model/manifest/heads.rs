//! The entries of a manifest for the heads that choose scenes: the semantic head and the scene head.

use serde::{Deserialize, Serialize};

use super::{is_count, is_split, require};
use crate::candidates::{Choice, Limits, Named, Pick};
use crate::error::Result;
use crate::level::Level;

/// The sizes of the scene head, and how scenes are made from its output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SceneConfig {
    /// The number of channels of a candidate.
    pub width: usize,
    /// The number of transformer layers.
    pub layers: usize,
    /// The number of attention heads.
    pub heads: usize,
    /// The number of channels to which the description of each two candidates is projected.
    pub pair_width: usize,
    /// The number of channels in which each two candidates are compared.
    pub pair_hidden: usize,
    /// Which masks become candidates.
    pub limits: Limits,
    /// How parts are chosen.
    pub parts: Choice,
    /// How entities are chosen.
    pub entities: Choice,
    /// How one of SAM's answers to a click is chosen. Absent if the head has not learnt from
    /// clicks; then the answer of the highest predicted IoU is taken.
    pub clicks: Option<Pick>,
    /// The largest number of masks of a level in a scene.
    pub most: usize,
    /// If a region is the prompt, the share of a candidate that must lie in it.
    pub inside: f32,
    /// Specks are removed: islands below this share of their mask.
    pub speck: f32,
    /// The lowest probability at which a part belongs to an entity.
    pub part_of: f32,
    /// The lowest probability at which two entities are a relation.
    pub related: f32,
}

/// The sizes of the semantic head, and its classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SemanticConfig {
    /// The number of channels at strides 16 and 8.
    pub width: usize,
    /// The number of channels at stride 4.
    pub fine: usize,
    /// The numbers of convolutions at strides 16, 8 and 4.
    pub blocks: [usize; 3],
    /// The most segments of a photo whose boxes SAM is asked about.
    pub refined: usize,
    /// The names of the classes of parts. The first stands for no part.
    pub parts: Vec<String>,
    /// Several classes of parts that people may name as one, such as both lips and what is between
    /// them.
    pub unions: Vec<Vec<String>>,
    /// The names of the classes of entities.
    pub entities: Vec<String>,
}

impl SceneConfig {
    pub(super) fn check(&self) -> Result<()> {
        require(is_split(self.width, self.heads), "scene.width")?;
        require(is_count(self.layers, 64), "scene.layers")?;
        require(is_count(self.pair_width, 1024), "scene.pairWidth")?;
        require(is_count(self.pair_hidden, 1024), "scene.pairHidden")?;
        require(self.limits.count <= 4096, "scene.limits")?;
        require(is_count(self.most, 4096), "scene.most")
    }
}

impl SemanticConfig {
    /// The number of classes: those of parts, then those of entities.
    pub fn classes(&self) -> usize {
        self.parts.len() + self.entities.len()
    }

    /// What a segment may be: each class by itself but "no part", and each union.
    pub fn named(&self) -> Vec<Named> {
        let index = |name: &String| self.parts.iter().position(|part| part == name);
        let parts = (1..self.parts.len()).map(|class| vec![class]);
        let unions = self.unions.iter().map(|union| union.iter().filter_map(index).collect());
        let parts = parts.chain(unions).map(|classes| Named { classes, level: Level::Part });
        let entities = (self.parts.len()..self.classes())
            .map(|class| Named { classes: vec![class], level: Level::Entity });
        parts.chain(entities).collect()
    }

    pub(super) fn check(&self) -> Result<()> {
        require(is_count(self.width, 1024), "semantic.width")?;
        require(is_count(self.fine, 1024), "semantic.fine")?;
        require(self.blocks.iter().all(|&count| count <= 64), "semantic.blocks")?;
        require(self.refined <= 1024, "semantic.refined")?;
        require(is_count(self.parts.len(), 1024), "semantic.parts")?;
        require(is_count(self.entities.len(), 1024), "semantic.entities")?;
        let is_known = |name| self.parts.contains(name);
        require(self.unions.iter().flatten().all(is_known), "semantic.unions")
    }
}
