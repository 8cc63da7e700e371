//! EfficientNet-Lite, a classifier of ImageNet, without its last layers. SAM's encoder learnt to cut
//! photos into pieces, not what these are called; this network learnt what things are called, and
//! the semantic head and the scene head read its maps. Its PyTorch twin is
//! `training/aims/efficient_net.py`.

use super::bands::{Reach, in_bands};
use super::layers::{Conv, Depthwise, Linear};
use super::manifest::{BottleneckStage, EfficientNetConfig};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, ConvWindow, Tensor};
use crate::progress::Progress;

/// The maps that EfficientNet gives for one image, each
/// `[1, height / stride, width / stride, channels]`.
#[derive(Clone)]
pub struct EfficientMaps {
    /// The features of stride 16.
    pub stride16: Tensor<4>,
    /// The features of stride 32.
    pub stride32: Tensor<4>,
}

/// EfficientNet with its weights.
pub struct EfficientNet {
    stem: Conv,
    /// The blocks up to the last one of stride 16, and the others.
    halves: [Vec<Bottleneck>; 2],
}

impl EfficientNet {
    /// Loads the network from the tensors under `name`, if the model file has it.
    ///
    /// # Errors
    /// [`crate::Error::ModelCorrupt`] if a tensor is missing or has another shape than the manifest
    /// says.
    pub fn load(weights: &Weights, name: &str) -> Result<Option<Self>> {
        let Some(config) = &weights.manifest().description.efficient_net else { return Ok(None) };
        let EfficientNetConfig { stem, stages } = config;
        // The classifier has a window of 3 x 3 without padding before the image. Here the window has
        // one more row and column before it, with weights of zero, and one more row and column of
        // padding.
        let window = ConvWindow { kernel: 4, stride: 2, padding: 1 };
        let (mut inputs, mut number) = (*stem, 0);
        let mut load = |stages: &[BottleneckStage]| -> Result<Vec<_>> {
            let windows = stages.iter().flat_map(|stage| stage.windows().map(move |x| (stage, x)));
            let blocks = windows.map(|(stage, window)| {
                let name = format!("{name}.blocks.{number}");
                number += 1;
                let channels = std::mem::replace(&mut inputs, stage.channels);
                Bottleneck::load(weights, &name, channels, stage, window)
            });
            blocks.collect()
        };
        let (first, rest) = stages.split_at(config.last_of_stride(16) + 1);
        Ok(Some(Self {
            stem: Conv::load(weights, &format!("{name}.stem"), 3, *stem, window)?,
            halves: [load(first)?, load(rest)?],
        }))
    }

    /// Computes the maps of `image`, `[1, height, width, 3]`, which is normalised as for SAM's image
    /// encoder and has sides that are multiples of 64.
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, which is asked after every half;
    /// [`crate::Error::DeviceLost`].
    pub async fn forward(
        &self,
        image: Tensor<4>,
        progress: &Progress<'_>,
    ) -> Result<EfficientMaps> {
        let _named = layer("EfficientNet");
        let device = image.device();
        let through = |blocks: &[Bottleneck], x| blocks.iter().fold(x, |x, block| block.forward(x));
        let [first, rest] = &self.halves;
        let stride16 = through(first, self.stem.forward(image, Activation::Relu6));
        ops::throttle(&device).await?;
        progress.checkpoint(0.5).await?;
        let stride32 = through(rest, stride16.clone());
        ops::throttle(&device).await?;
        progress.checkpoint(1.0).await?;
        Ok(EfficientMaps { stride16, stride32 })
    }
}

/// An inverted bottleneck: it expands the channels, convolves each by itself, and projects. Where
/// this keeps the shape, the input is added.
struct Bottleneck {
    expand: Option<Linear>,
    depthwise: Depthwise,
    project: Linear,
    window: ConvWindow,
    hidden: usize,
    adds: bool,
}

impl Bottleneck {
    fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        stage: &BottleneckStage,
        window: ConvWindow,
    ) -> Result<Self> {
        let hidden = inputs * stage.expand;
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        Ok(Self {
            expand: (stage.expand > 1).then(|| linear("expand", inputs, hidden)).transpose()?,
            depthwise: Depthwise::load(weights, &format!("{name}.depthwise"), hidden, window)?,
            project: linear("project", hidden, stage.channels)?,
            window,
            hidden,
            adds: window.stride == 1 && inputs == stage.channels,
        })
    }

    /// Runs the block in bands, because the values between its layers take much memory.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        in_bands(&x, Reach::of(self.window), 2 * self.hidden, |rows, band| {
            let hidden = match &self.expand {
                Some(expand) => expand.forward(rows, Activation::Relu6),
                None => rows,
            };
            let hidden = band.inner(self.depthwise.forward(hidden, Activation::Relu6));
            if self.adds {
                self.project.forward_add(hidden, band.of(&x), Activation::None)
            } else {
                self.project.forward(hidden, Activation::None)
            }
        })
    }
}
