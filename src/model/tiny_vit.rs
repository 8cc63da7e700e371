//! TinyViT-5M as MobileSAM uses it: a convolutional stage, three stages of windowed attention, and
//! SAM's neck.

use super::bands::{Reach, in_bands};
use super::encoder::ImageFeatures;
use super::layers::{Conv, Depthwise, LayerNorm, Linear, NormedMlp};
use super::manifest::{Stage, TinyVitConfig};
use super::weights::Weights;
use crate::error::Result;
use crate::ops::profile::layer;
use crate::ops::{self, Activation, ConvWindow, Tensor};
use crate::progress::Progress;

const STAGE_NAMES: [&str; 4] = ["stage 1", "stage 2", "stage 3", "stage 4"];

/// MobileSAM's image encoder with its weights.
pub(super) struct TinyVit {
    patch_embed: [Conv; 2],
    first_stage: Vec<MbConv>,
    stages: Vec<Vec<Block>>,
    /// The layers between one stage and the next.
    downsample: Vec<PatchMerging>,
    neck: Neck,
    /// The number of blocks of all stages.
    depth: usize,
}

impl TinyVit {
    /// Loads the encoder from the tensors under `name`. `embedding` is the number of channels of
    /// the image embedding.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        config: &TinyVitConfig,
        embedding: usize,
    ) -> Result<Self> {
        let window = ConvWindow::centred(3, 2);
        let [first, rest @ ..] = &config.stages;
        let blocks = |(i, stage): (usize, &Stage)| -> Result<Vec<Block>> {
            (0..stage.depth)
                .map(|j| {
                    Block::load(weights, &format!("{name}.layers.{}.blocks.{j}", i + 1), stage)
                })
                .collect()
        };
        Ok(Self {
            patch_embed: [
                Conv::load(
                    weights,
                    &format!("{name}.patch_embed.seq.0"),
                    3,
                    first.channels / 2,
                    window,
                )?,
                Conv::load(
                    weights,
                    &format!("{name}.patch_embed.seq.2"),
                    first.channels / 2,
                    first.channels,
                    window,
                )?,
            ],
            first_stage: (0..first.depth)
                .map(|j| {
                    MbConv::load(weights, &format!("{name}.layers.0.blocks.{j}"), first.channels)
                })
                .collect::<Result<_>>()?,
            stages: rest.iter().enumerate().map(blocks).collect::<Result<_>>()?,
            downsample: config
                .stages
                .windows(2)
                .enumerate()
                .map(|(i, pair)| {
                    let name = format!("{name}.layers.{i}.downsample");
                    // The last stage keeps the resolution.
                    let stride = if i + 2 < config.stages.len() { 2 } else { 1 };
                    PatchMerging::load(weights, &name, pair[0].channels, pair[1].channels, stride)
                })
                .collect::<Result<_>>()?,
            neck: Neck::load(
                weights,
                &format!("{name}.neck"),
                config.stages[3].channels,
                embedding,
            )?,
            depth: config.stages.iter().map(|stage| stage.depth).sum(),
        })
    }

    /// Encodes an image. See [`super::encoder::ImageEncoder::forward`].
    ///
    /// # Errors
    /// [`crate::Error::Aborted`] from `progress`, which is asked after every block;
    /// [`crate::Error::DeviceLost`].
    pub(super) async fn forward(
        &self,
        image: Tensor<4>,
        progress: &Progress<'_>,
    ) -> Result<ImageFeatures> {
        let steps = (2 + self.depth) as f32;
        let mut done = 0.0;
        let device = image.device();
        let _encoder = layer("encoder");
        let [conv1, conv2] = &self.patch_embed;
        let named = layer("patch embedding");
        let mut x = conv2.forward(conv1.forward(image, Activation::Gelu), Activation::None);
        drop(named);
        done += 1.0;
        progress.checkpoint(done / steps).await?;

        let mut named = layer(STAGE_NAMES[0]);
        for block in &self.first_stage {
            x = block.forward(x);
            done += 1.0;
            progress.checkpoint(done / steps).await?;
        }
        ops::throttle(&device).await?;
        let mut features = vec![x.clone()];
        for ((stage, downsample), name) in
            self.stages.iter().zip(&self.downsample).zip(&STAGE_NAMES[1..])
        {
            drop(named);
            named = layer(name);
            x = downsample.forward(x);
            for block in stage {
                x = block.forward(x);
                done += 1.0;
                progress.checkpoint(done / steps).await?;
            }
            ops::throttle(&device).await?;
            features.push(x.clone());
        }
        drop(named);
        let _neck = layer("neck");
        let embedding = self.neck.forward(x.clone());
        ops::finish(&device).await?;
        progress.checkpoint(1.0).await?;
        let mut features = features.into_iter();
        let mut next = || features.next().expect("a map of each of the four stages");
        Ok(ImageFeatures {
            stride4: next(),
            stride8: next(),
            deepest: x,
            embedding,
            efficient: None,
        })
    }
}

/// An inverted bottleneck: it expands the channels four times, convolves (depthwise 3 x 3),
/// projects, and adds its input.
struct MbConv {
    expand: Linear,
    depthwise: Depthwise,
    project: Linear,
}

impl MbConv {
    fn load(weights: &Weights, name: &str, channels: usize) -> Result<Self> {
        let hidden = 4 * channels;
        Ok(Self {
            expand: Linear::load(weights, &format!("{name}.conv1"), channels, hidden)?,
            depthwise: Depthwise::load(
                weights,
                &format!("{name}.conv2"),
                hidden,
                ConvWindow::centred(3, 1),
            )?,
            project: Linear::load(weights, &format!("{name}.conv3"), hidden, channels)?,
        })
    }

    /// Runs the block in bands, because the values between its convolutions are the largest of the
    /// whole network.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let channels = x.dims()[3];
        in_bands(&x, Reach::of(ConvWindow::centred(3, 1)), 2 * 4 * channels, |rows, band| {
            let hidden = self.expand.forward(rows, Activation::Gelu);
            let hidden = band.inner(self.depthwise.forward(hidden, Activation::Gelu));
            self.project.forward_add(hidden, band.of(&x), Activation::Gelu)
        })
    }
}

/// Changes the number of channels and, if the stride is 2, halves the resolution.
struct PatchMerging {
    expand: Linear,
    depthwise: Depthwise,
    project: Linear,
}

impl PatchMerging {
    fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        outputs: usize,
        stride: usize,
    ) -> Result<Self> {
        Ok(Self {
            expand: Linear::load(weights, &format!("{name}.conv1"), inputs, outputs)?,
            depthwise: Depthwise::load(
                weights,
                &format!("{name}.conv2"),
                outputs,
                ConvWindow::centred(3, stride),
            )?,
            project: Linear::load(weights, &format!("{name}.conv3"), outputs, outputs)?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.expand.forward(x, Activation::Gelu);
        let x = self.depthwise.forward(x, Activation::Gelu);
        self.project.forward(x, Activation::None)
    }
}

/// Windowed attention, a local convolution and an MLP.
struct Block {
    attention: WindowAttention,
    local_conv: Depthwise,
    mlp: NormedMlp,
}

impl Block {
    fn load(weights: &Weights, name: &str, stage: &Stage) -> Result<Self> {
        let width = stage.channels;
        Ok(Self {
            attention: WindowAttention::load(weights, &format!("{name}.attn"), stage)?,
            local_conv: Depthwise::load(
                weights,
                &format!("{name}.local_conv"),
                width,
                ConvWindow::centred(3, 1),
            )?,
            mlp: NormedMlp::load(
                weights,
                &format!("{name}.mlp"),
                ["norm", "fc1", "fc2"],
                [width, 4 * width],
                LayerNorm::EPSILON,
            )?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = ops::add(self.attention.forward(x.clone()), x);
        let x = self.local_conv.forward(x, Activation::None);
        self.mlp.forward_add(x.clone(), x)
    }
}

/// Self-attention inside square windows, with a learnt bias for each relative distance.
struct WindowAttention {
    norm: LayerNorm,
    qkv: Linear,
    proj: Linear,
    /// The bias of the attention, `[heads, window², window²]`.
    bias: Tensor<3>,
    heads: usize,
    window: usize,
}

impl WindowAttention {
    fn load(weights: &Weights, name: &str, stage: &Stage) -> Result<Self> {
        let Stage { channels, heads, window, .. } = *stage;
        let tokens = window * window;
        let table = weights.float_vec(&format!("{name}.attention_biases"), heads * tokens)?;
        // The table holds one value for each head and each |dy|, |dx|.
        let mut bias = Vec::with_capacity(heads * tokens * tokens);
        for head in table.chunks(tokens) {
            for a in 0..tokens {
                for b in 0..tokens {
                    let dy = (a / window).abs_diff(b / window);
                    let dx = (a % window).abs_diff(b % window);
                    bias.push(head[dy * window + dx]);
                }
            }
        }
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), channels, LayerNorm::EPSILON)?,
            qkv: Linear::load(weights, &format!("{name}.qkv"), channels, 3 * channels)?,
            proj: Linear::load(weights, &format!("{name}.proj"), channels, channels)?,
            bias: ops::tensor(bias, [heads, tokens, tokens], weights.device()),
            heads,
            window,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shape = x.dims();
        // The reference pads with zeros *before* the norm, so padding tokens become the norm's bias
        // and take part in the attention.
        let windows = self.norm.forward(ops::to_windows(x, self.window), Activation::None);
        let qkv = self.qkv.forward(windows, Activation::None);
        let windows =
            self.proj.forward(ops::self_attention(qkv, &self.bias, self.heads), Activation::None);
        ops::from_windows(windows, self.window, shape)
    }
}

/// Makes SAM's image embedding from the map of the last stage.
struct Neck {
    reduce: Linear,
    norm1: LayerNorm,
    conv: Conv,
    norm2: LayerNorm,
}

impl Neck {
    fn load(weights: &Weights, name: &str, inputs: usize, outputs: usize) -> Result<Self> {
        let window = ConvWindow::centred(3, 1);
        let norm =
            |i| LayerNorm::load(weights, &format!("{name}.{i}"), outputs, LayerNorm::EPSILON_2D);
        Ok(Self {
            reduce: Linear::load(weights, &format!("{name}.0"), inputs, outputs)?,
            norm1: norm(1)?,
            conv: Conv::load(weights, &format!("{name}.2"), outputs, outputs, window)?,
            norm2: norm(3)?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.norm1.forward(self.reduce.forward(x, Activation::None), Activation::None);
        self.norm2.forward(self.conv.forward(x, Activation::None), Activation::None)
    }
}
