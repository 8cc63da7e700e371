//! The pixel decoder: it makes maps of strides 16 and 8 and mask features of stride 4 from the
//! encoder's maps.

use super::prompt_encoder::Injection;
use super::{axis_encodings, positions};
use crate::error::Result;
use crate::model::attention::Attention;
use crate::model::bands::{Band, Reach, in_bands};
use crate::model::encoder::{ImageFeatures, STRIDE};
use crate::model::layers::{Depthwise, LayerNorm, Linear, NormedMlp};
use crate::model::manifest::LevelsConfig;
use crate::model::weights::Weights;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, ConvWindow, Tensor};

/// The pixel decoder with its weights.
pub(super) struct PixelDecoder {
    from_embedding: Linear,
    from_deepest: Linear,
    /// Whether the deepest map has half the resolution of the embedding.
    is_deepest_coarse: bool,
    from_stride8: Linear,
    from_stride4: Linear,
    norm: LayerNorm,
    context: Vec<ContextLayer>,
    up8: Upsample,
    refine8: Refine,
    up4: Upsample,
    refine4: Refine,
    /// The projections of the rows' and the columns' positional encodings. They are added to the
    /// mask features, so that a kernel can ask for a position and separate things that look the
    /// same.
    row4: Linear,
    column4: Linear,
}

/// The maps that the pixel decoder makes, each `[1, height / stride, width / stride, channels]`.
pub(super) struct Maps {
    /// The context, which the level decoders read.
    pub stride16: Tensor<4>,
    /// The map that the objectness is predicted from.
    pub stride8: Tensor<4>,
    /// The mask features. Mask logits are partly products of kernels with these.
    pub stride4: Tensor<4>,
}

impl PixelDecoder {
    /// Loads the pixel decoder from the tensors under `name`.
    pub(super) fn load(weights: &Weights, name: &str, config: &LevelsConfig) -> Result<Self> {
        let &LevelsConfig { width, mask_dim, .. } = config;
        let description = &weights.manifest().description;
        let [stride4, stride8, deepest] = ImageFeatures::channels(description);
        let deepest_stride = ImageFeatures::deepest_stride(description);
        let linear = |part: &str, inputs, outputs| {
            Linear::load(weights, &format!("{name}.{part}"), inputs, outputs)
        };
        Ok(Self {
            from_embedding: linear("from_embedding", description.decoder.channels, width)?,
            from_deepest: linear(&format!("from_stride{deepest_stride}"), deepest, width)?,
            is_deepest_coarse: deepest_stride > STRIDE,
            from_stride8: linear("from_stride8", stride8, width)?,
            from_stride4: linear("from_stride4", stride4, mask_dim)?,
            norm: LayerNorm::load(weights, &format!("{name}.norm"), width, LayerNorm::EPSILON)?,
            context: (0..config.context_layers)
                .map(|i| ContextLayer::load(weights, &format!("{name}.context.{i}"), config))
                .collect::<Result<_>>()?,
            up8: Upsample::load(weights, &format!("{name}.up8"), width, width)?,
            refine8: Refine::load(weights, &format!("{name}.refine8"), width)?,
            up4: Upsample::load(weights, &format!("{name}.up4"), width, mask_dim)?,
            refine4: Refine::load(weights, &format!("{name}.refine4"), mask_dim)?,
            row4: linear("row4", width / 2, mask_dim)?,
            column4: linear("column4", width / 2, mask_dim)?,
        })
    }

    /// Makes the maps. `prompt` is what a mask prompt adds to the features.
    pub(super) fn forward(&self, features: &ImageFeatures, prompt: Option<Injection>) -> Maps {
        let _named = layer("pixel decoder");
        let (add4, add8, add16) = match prompt {
            Some(prompt) => (Some(prompt.stride4), Some(prompt.stride8), Some(prompt.stride16)),
            None => (None, None, None),
        };
        let add = |x: Tensor<4>, added: Option<Tensor<4>>| match added {
            Some(added) => ops::add(x, added),
            None => x,
        };
        let x = self.from_embedding.forward(features.embedding.clone(), Activation::None);
        let deepest = features.deepest.clone();
        let x = if self.is_deepest_coarse {
            ops::add(x, ops::upsample_nearest(self.from_deepest.forward(deepest, Activation::None)))
        } else {
            self.from_deepest.forward_add(deepest, x, Activation::None)
        };
        let x = add(self.norm.forward(x, Activation::None), add16);
        let [batch, rows, cols, width] = x.dims();
        let places = positions([rows, cols], width, &x.device());
        let mut tokens = ops::reshape(x, [batch, rows * cols, width]);
        for layer in &self.context {
            tokens = layer.forward(tokens, places.clone());
        }
        let stride16 = ops::reshape(tokens, [batch, rows, cols, width]);
        let stride8 = {
            let up = self.up8.forward(stride16.clone());
            let up = self.from_stride8.forward_add(features.stride8.clone(), up, Activation::None);
            self.refine8.forward(&add(up, add8), |refined, _| refined)
        };
        let up = self.up4.forward(stride8.clone());
        let up = self.from_stride4.forward_add(features.stride4.clone(), up, Activation::None);
        let up = add(up, add4);
        let [_, rows, cols, _] = up.dims();
        let codes = |count: usize, shape: [usize; 4]| {
            ops::tensor(axis_encodings(count, rows.max(cols), width / 2), shape, &up.device())
        };
        let row_codes = self.row4.forward(codes(rows, [1, rows, 1, width / 2]), Activation::None);
        let column_codes =
            self.column4.forward(codes(cols, [1, 1, cols, width / 2]), Activation::None);
        let stride4 = self.refine4.forward(&up, |refined, band| {
            let placed = ops::add(refined, ops::repeat(band.of(&row_codes), 2, cols));
            ops::add(placed, column_codes.clone())
        });
        Maps { stride16, stride8, stride4 }
    }
}

/// Self-attention over all tokens, then an MLP.
struct ContextLayer {
    norm1: LayerNorm,
    attention: Attention,
    mlp: NormedMlp,
}

impl ContextLayer {
    fn load(weights: &Weights, name: &str, config: &LevelsConfig) -> Result<Self> {
        let width = config.width;
        Ok(Self {
            norm1: LayerNorm::load(weights, &format!("{name}.norm1"), width, LayerNorm::EPSILON)?,
            attention: Attention::load(
                weights,
                &format!("{name}.attention"),
                [width, width],
                config.heads,
            )?,
            mlp: NormedMlp::load(
                weights,
                name,
                ["norm2", "fc1", "fc2"],
                [width, 4 * width],
                LayerNorm::EPSILON,
            )?,
        })
    }

    fn forward(&self, x: Tensor<3>, positions: Tensor<3>) -> Tensor<3> {
        let normed = self.norm1.forward(x.clone(), Activation::None);
        let placed = ops::add(normed.clone(), positions);
        let x = self.attention.forward_add(placed.clone(), placed, normed, x);
        self.mlp.forward_add(x.clone(), x)
    }
}

/// A depthwise 3 x 3 convolution, then an MLP at each pixel.
struct Refine {
    local_conv: Depthwise,
    mlp: NormedMlp,
}

impl Refine {
    fn load(weights: &Weights, name: &str, width: usize) -> Result<Self> {
        Ok(Self {
            local_conv: Depthwise::load(
                weights,
                &format!("{name}.local_conv"),
                width,
                ConvWindow::centred(3, 1),
            )?,
            mlp: NormedMlp::load(
                weights,
                name,
                ["norm", "fc1", "fc2"],
                [width, 2 * width],
                LayerNorm::EPSILON,
            )?,
        })
    }

    /// Refines `x` band by band. `last` may change each band of the result.
    fn forward(&self, x: &Tensor<4>, last: impl Fn(Tensor<4>, &Band) -> Tensor<4>) -> Tensor<4> {
        let channels = x.dims()[3];
        in_bands(x, Reach::of(ConvWindow::centred(3, 1)), 6 * channels, |rows, band| {
            let local = band.inner(self.local_conv.forward(rows, Activation::None));
            last(self.mlp.forward_add(local, band.of(x)), band)
        })
    }
}

/// Doubles the resolution: a linear layer makes the four pixels of each cell, in the order (y, x).
struct Upsample {
    linear: Linear,
    outputs: usize,
}

impl Upsample {
    fn load(weights: &Weights, name: &str, inputs: usize, outputs: usize) -> Result<Self> {
        Ok(Self {
            linear: Linear::load(weights, &format!("{name}.linear"), inputs, 4 * outputs)?,
            outputs,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [batch, height, width, _] = x.dims();
        let cells = self.linear.forward(x, Activation::None);
        let pixels = ops::reshape(cells, [batch * height, width, 2, 2 * self.outputs]);
        ops::reshape(
            ops::permute(pixels, [0, 2, 1, 3]),
            [batch, 2 * height, 2 * width, self.outputs],
        )
    }
}
