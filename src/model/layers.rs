//! Layers: own operations with their weights.

use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation, ConvWindow, Tensor, Weight};

/// Fully connected layer over the last axis.
pub struct Linear {
    #[cfg(not(target_family = "wasm"))]
    name: String,
    weight: Weight,
    bias: Tensor<1>,
}

impl Linear {
    pub fn load(weights: &Weights, name: &str, inputs: usize, outputs: usize) -> Result<Self> {
        Ok(Self {
            #[cfg(not(target_family = "wasm"))]
            name: name.to_string(),
            weight: weights.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: weights.float(&format!("{name}.bias"), [outputs])?,
        })
    }

    pub fn forward<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        #[cfg(not(target_family = "wasm"))]
        super::inputs::seen(&self.name, &x);
        ops::linear(x, &self.weight, &self.bias, activation)
    }

    /// `activation(linear(x) + residual)`.
    pub fn forward_add<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Tensor<D>,
        activation: Activation,
    ) -> Tensor<D> {
        #[cfg(not(target_family = "wasm"))]
        super::inputs::seen(&self.name, &x);
        ops::linear_add(x, &self.weight, &self.bias, residual, activation)
    }
}

/// Square convolution, channels last.
pub struct Conv {
    weight: Weight,
    bias: Tensor<1>,
    window: ConvWindow,
}

impl Conv {
    pub fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        outputs: usize,
        window: ConvWindow,
    ) -> Result<Self> {
        let depth = window.kernel * window.kernel * inputs;
        Ok(Self {
            weight: weights.matrix(&format!("{name}.weight"), outputs, depth)?,
            bias: weights.float(&format!("{name}.bias"), [outputs])?,
            window,
        })
    }

    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        ops::conv2d(x, &self.weight, &self.bias, self.window, activation)
    }
}

/// Depthwise 3 x 3 convolution, channels last.
pub struct Depthwise {
    weight: Tensor<2>,
    bias: Tensor<1>,
    stride: usize,
}

impl Depthwise {
    pub fn load(weights: &Weights, name: &str, channels: usize, stride: usize) -> Result<Self> {
        Ok(Self {
            weight: weights.float(&format!("{name}.weight"), [9, channels])?,
            bias: weights.float(&format!("{name}.bias"), [channels])?,
            stride,
        })
    }

    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        ops::depthwise3x3(x, &self.weight, &self.bias, self.stride, activation)
    }
}

/// Layer norm over the last axis.
pub struct LayerNorm {
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
}

impl LayerNorm {
    /// PyTorch's default for `nn.LayerNorm`.
    pub const EPSILON: f32 = 1e-5;
    /// SAM's `LayerNorm2d`, over the channels of one pixel.
    pub const EPSILON_2D: f32 = 1e-6;

    pub fn load(weights: &Weights, name: &str, channels: usize, epsilon: f32) -> Result<Self> {
        Ok(Self {
            gamma: weights.float(&format!("{name}.weight"), [channels])?,
            beta: weights.float(&format!("{name}.bias"), [channels])?,
            epsilon,
        })
    }

    pub fn forward<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        ops::layer_norm(x, &self.gamma, &self.beta, self.epsilon, activation)
    }
}

/// A norm and two fully connected layers with GELU between them, as transformers have them beside a residual.
pub struct NormedMlp {
    norm: LayerNorm,
    expand: Linear,
    project: Linear,
}

impl NormedMlp {
    /// `names` are those of norm and layers below `name`; `hidden` is the width between the layers.
    pub fn load(
        weights: &Weights,
        name: &str,
        names: [&str; 3],
        [width, hidden]: [usize; 2],
        epsilon: f32,
    ) -> Result<Self> {
        let [norm, expand, project] = names.map(|part| format!("{name}.{part}"));
        Ok(Self {
            norm: LayerNorm::load(weights, &norm, width, epsilon)?,
            expand: Linear::load(weights, &expand, width, hidden)?,
            project: Linear::load(weights, &project, hidden, width)?,
        })
    }

    /// What the layers make of `x`, and the residual.
    pub fn forward_add<const D: usize>(&self, x: Tensor<D>, residual: Tensor<D>) -> Tensor<D> {
        let hidden = self.expand.forward(self.norm.forward(x, Activation::None), Activation::Gelu);
        self.project.forward_add(hidden, residual, Activation::None)
    }
}

/// Fully connected layers with a non-linearity between them.
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// `widths` are those of the input, between the layers, and of the output.
    pub fn load(weights: &Weights, name: &str, widths: &[usize]) -> Result<Self> {
        let layer = |(i, pair): (usize, &[usize])| {
            Linear::load(weights, &format!("{name}.layers.{i}"), pair[0], pair[1])
        };
        Ok(Self { layers: widths.windows(2).enumerate().map(layer).collect::<Result<_>>()? })
    }

    pub fn forward<const D: usize>(&self, mut x: Tensor<D>, between: Activation) -> Tensor<D> {
        for (i, layer) in self.layers.iter().enumerate() {
            let is_last = i + 1 == self.layers.len();
            x = layer.forward(x, if is_last { Activation::None } else { between });
        }
        x
    }
}
