//! The semantic head: for each cell of a mask, the probabilities of the parts and of the entities
//! that people would name there. Connected cells of one class become candidates, and the
//! probabilities describe all candidates to the scene head. Its PyTorch twin is
//! `training/aims/semantic.py`.

use super::encoder::ImageFeatures;
use super::layers::{Conv, LayerNorm, Linear};
use super::manifest::{EfficientNetConfig, SemanticConfig};
use super::weights::Weights;
use crate::candidates::ClassMaps;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, ConvWindow, Tensor};

/// The semantic head with its weights.
pub struct SemanticHead {
    from_deepest: Linear,
    from_embedding: Linear,
    /// The layers that read the maps of EfficientNet of strides 16 and 32.
    from_efficient: Option<[Linear; 2]>,
    coarse: Vec<Block>,
    from_stride8: Linear,
    middle: Vec<Block>,
    to_fine: Linear,
    from_stride4: Linear,
    fine: Vec<Block>,
    norm: LayerNorm,
    say: Linear,
    config: SemanticConfig,
}

impl SemanticHead {
    /// Loads the semantic head from the tensors under `name`, if the model file has one.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
    pub fn load(weights: &Weights, name: &str) -> Result<Option<Self>> {
        let description = &weights.manifest().description;
        let Some(config) = &description.semantic else { return Ok(None) };
        let &SemanticConfig { width, fine, blocks, .. } = config;
        let [stride4, stride8, deepest] = ImageFeatures::channels(description);
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        let all = |part: &str, count: usize, width| -> Result<Vec<_>> {
            (0..count).map(|i| Block::load(weights, &format!("{name}.{part}.{i}"), width)).collect()
        };
        let efficient = description.efficient_net.as_ref().map(EfficientNetConfig::channels);
        let from_efficient = |[stride16, stride32]: [usize; 2]| -> Result<_> {
            Ok([
                linear("from_efficient16", stride16, width)?,
                linear("from_efficient32", stride32, width)?,
            ])
        };
        Ok(Some(Self {
            from_deepest: linear("from_deepest", deepest, width)?,
            from_embedding: linear("from_embedding", description.decoder.channels, width)?,
            from_efficient: efficient.map(from_efficient).transpose()?,
            coarse: all("coarse", blocks[0], width)?,
            from_stride8: linear("from_stride8", stride8, width)?,
            middle: all("middle", blocks[1], width)?,
            to_fine: linear("to_fine", width, fine)?,
            from_stride4: linear("from_stride4", stride4, fine)?,
            fine: all("fine", blocks[2], fine)?,
            norm: LayerNorm::load(weights, &format!("{name}.norm"), fine, LayerNorm::EPSILON)?,
            say: linear("say", fine, config.classes())?,
            config: config.clone(),
        }))
    }

    /// The sizes and the classes of the head.
    pub fn config(&self) -> &SemanticConfig {
        &self.config
    }

    /// Finds the probabilities of all classes in all cells of stride 4, including the padding.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub async fn forward(&self, features: &ImageFeatures) -> Result<ClassMaps> {
        let _named = layer("semantic head");
        let mut deepest = self.from_deepest.forward(features.deepest.clone(), Activation::None);
        let efficient = self.from_efficient.as_ref().map(|layers| {
            let maps = features.efficient.as_ref();
            (layers, maps.expect("the photo was encoded with EfficientNet"))
        });
        if let Some(([_, from32], maps)) = efficient {
            deepest = from32.forward_add(maps.stride32.clone(), deepest, Activation::None);
        }
        let mut x = self.from_embedding.forward_add(
            features.embedding.clone(),
            ops::upsample_nearest(deepest),
            Activation::None,
        );
        if let Some(([from16, _], maps)) = efficient {
            x = from16.forward_add(maps.stride16.clone(), x, Activation::None);
        }
        let x = ops::upsample_nearest(through(&self.coarse, x));
        let x = self.from_stride8.forward_add(features.stride8.clone(), x, Activation::None);
        let x = self.to_fine.forward(through(&self.middle, x), Activation::None);
        let x = ops::upsample_nearest(x);
        let x = self.from_stride4.forward_add(features.stride4.clone(), x, Activation::None);
        let x = self.norm.forward(through(&self.fine, x), Activation::None);
        let said = self.say.forward(x, Activation::None);
        let [_, rows, columns, classes] = said.dims();
        let mut values = ops::read_all(vec![ops::flattened(said)]).await?.remove(0);
        for cell in values.chunks_mut(classes) {
            let (parts, entities) = cell.split_at_mut(self.config.parts.len());
            softmax(parts);
            softmax(entities);
        }
        Ok(ClassMaps { rows, columns, classes, values })
    }
}

fn softmax(values: &mut [f32]) {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value = (*value - most).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
}

fn through(blocks: &[Block], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

/// A convolution whose result is added.
struct Block {
    norm: LayerNorm,
    conv: Conv,
    project: Linear,
}

impl Block {
    fn load(weights: &Weights, name: &str, width: usize) -> Result<Self> {
        let window = ConvWindow::centred(3, 1);
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
