//! The box head: for each cell of the photo, the box of the part and of the entity that the cell
//! belongs to. The boxes are prompts for SAM's mask decoder, which finds a thing far more often by
//! its box than by a point in it. Its PyTorch twin is `training/aims/boxes.py`.

use super::encoder::ImageFeatures;
use super::layers::{Conv, LayerNorm, Linear};
use super::manifest::BoxesConfig;
use super::sigmoid;
use super::weights::Weights;
use crate::candidates::{BOX_LEVELS, BoxOutput, CellBox};
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, ConvWindow, Tensor};

/// The side of a cell of the box head, in pixels of the network's input.
pub const BOX_STRIDE: usize = 8;
/// The number of outputs for each level: the quality, then how far the box reaches to the left, to
/// the top, to the right and to the bottom.
const OUTPUTS: usize = 5;
/// The logarithms of how far a box reaches, in cells, are limited to this range.
const REACH: (f32, f32) = (-4.0, 6.0);

/// The box head with its weights.
pub struct BoxHead {
    from_deepest: Linear,
    from_embedding: Linear,
    from_stride8: Linear,
    from_stride4: Conv,
    blocks: Vec<Block>,
    norm: LayerNorm,
    say: Linear,
    config: BoxesConfig,
}

impl BoxHead {
    /// Loads the box head from the tensors under `name`, if the model file has one.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
    pub fn load(weights: &Weights, name: &str) -> Result<Option<Self>> {
        let description = &weights.manifest().description;
        let Some(config) = &description.boxes else { return Ok(None) };
        let width = config.width;
        let [stride4, stride8, deepest] = ImageFeatures::channels(description);
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        let halves = ConvWindow { kernel: 2, stride: 2, padding: 0 };
        Ok(Some(Self {
            from_deepest: linear("from_deepest", deepest, width)?,
            from_embedding: linear("from_embedding", description.decoder.channels, width)?,
            from_stride8: linear("from_stride8", stride8, width)?,
            from_stride4: {
                let name = format!("{name}.from_stride4");
                Conv::load(weights, &name, stride4, width, halves)?
            },
            blocks: (0..config.blocks)
                .map(|i| Block::load(weights, &format!("{name}.blocks.{i}"), width))
                .collect::<Result<_>>()?,
            norm: LayerNorm::load(weights, &format!("{name}.norm"), width, LayerNorm::EPSILON)?,
            say: linear("say", width, OUTPUTS * BOX_LEVELS.len())?,
            config: config.clone(),
        }))
    }

    /// The sizes of the head, and how boxes are chosen.
    pub fn config(&self) -> &BoxesConfig {
        &self.config
    }

    /// Finds the boxes of all cells.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub async fn forward(&self, features: &ImageFeatures) -> Result<BoxOutput> {
        let _named = layer("box head");
        let deepest = self.from_deepest.forward(features.deepest.clone(), Activation::None);
        let coarse = self.from_embedding.forward_add(
            features.embedding.clone(),
            ops::upsample_nearest(deepest),
            Activation::None,
        );
        let x = ops::upsample_nearest(coarse);
        let x = self.from_stride8.forward_add(features.stride8.clone(), x, Activation::None);
        let fine = self.from_stride4.forward(features.stride4.clone(), Activation::None);
        let mut x = ops::add(x, fine);
        for block in &self.blocks {
            x = block.forward(x);
        }
        let said = self.say.forward(self.norm.forward(x, Activation::None), Activation::None);
        let [_, rows, columns, _] = said.dims();
        let read = ops::read_all(vec![ops::flattened(said)]).await?;
        let cells = read[0].chunks(OUTPUTS).enumerate();
        let cells = cells.map(|(i, said)| {
            let cell = i / BOX_LEVELS.len();
            let (x, y) = ((cell % columns) as f32 + 0.5, (cell / columns) as f32 + 0.5);
            let reach = |i: usize| said[1 + i].clamp(REACH.0, REACH.1).exp();
            CellBox {
                quality: sigmoid(said[0]),
                corners: [x - reach(0), y - reach(1), x + reach(2), y + reach(3)],
            }
        });
        Ok(BoxOutput { rows, columns, cells: cells.collect() })
    }
}

/// A convolution whose result is added.
struct Block {
    norm: LayerNorm,
    conv: Conv,
    project: Linear,
}

impl Block {
    fn load(weights: &Weights, name: &str, width: usize) -> Result<Self> {
        let window = ConvWindow { kernel: 3, stride: 1, padding: 1 };
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), width, LayerNorm::EPSILON)?,
            conv: Conv::load(weights, &format!("{name}.conv"), width, width, window)?,
            project: Linear::load(weights, &format!("{name}.project"), width, width)?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let local =
            self.conv.forward(self.norm.forward(x.clone(), Activation::None), Activation::Gelu);
        self.project.forward_add(local, x, Activation::None)
    }
}
