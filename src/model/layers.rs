//! Layers: operations together with their weights.

use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation, ConvWindow, Tensor, Weight};

/// A fully connected layer over the last axis.
pub(super) struct Linear {
    #[cfg(not(target_family = "wasm"))]
    name: String,
    weight: Weight,
    bias: Tensor<1>,
}

impl Linear {
    /// Loads the layer from the tensors under `name`. `inputs` and `outputs` are numbers of
    /// channels.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self> {
        Ok(Self {
            #[cfg(not(target_family = "wasm"))]
            name: name.to_string(),
            weight: weights.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: weights.float(&format!("{name}.bias"), [outputs])?,
        })
    }

    /// `activation(linear(x))`, where `x` is `[.., inputs]` and the result is `[.., outputs]`.
    pub(super) fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        activation: Activation,
    ) -> Tensor<D> {
        #[cfg(not(target_family = "wasm"))]
        super::inputs::seen(&self.name, &x);
        ops::linear(x, &self.weight, &self.bias, activation)
    }

    /// `activation(linear(x) + residual)`. `residual` has the shape of the result, or a batch axis
    /// of 1 if the whole batch shares it.
    pub(super) fn forward_add<const D: usize>(
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

/// A convolution with a square window; images are channels-last.
pub(super) struct Conv {
    weight: Weight,
    bias: Tensor<1>,
    window: ConvWindow,
}

impl Conv {
    /// Loads the layer from the tensors under `name`. `inputs` and `outputs` are numbers of
    /// channels.
    pub(super) fn load(
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

    /// `activation(convolution(x))`, where `x` is `[batch, height, width, inputs]`.
    pub(super) fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        ops::conv2d(x, &self.weight, &self.bias, self.window, activation)
    }
}

/// A depthwise convolution; images are channels-last.
pub(super) struct Depthwise {
    weight: Tensor<2>,
    bias: Tensor<1>,
    window: ConvWindow,
}

impl Depthwise {
    /// Loads the layer from the tensors under `name`.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        channels: usize,
        window: ConvWindow,
    ) -> Result<Self> {
        let taps = window.kernel * window.kernel;
        Ok(Self {
            weight: weights.float(&format!("{name}.weight"), [taps, channels])?,
            bias: weights.float(&format!("{name}.bias"), [channels])?,
            window,
        })
    }

    /// `activation(convolution(x))`, where `x` is `[batch, height, width, channels]`.
    pub(super) fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        ops::depthwise(x, &self.weight, &self.bias, self.window, activation)
    }
}

/// A layer norm over the last axis.
pub(super) struct LayerNorm {
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
}

impl LayerNorm {
    /// The epsilon of PyTorch's `nn.LayerNorm`, if none is given.
    pub(super) const EPSILON: f32 = 1e-5;
    /// The epsilon of SAM's `LayerNorm2d`, which works over the channels of one pixel.
    pub(super) const EPSILON_2D: f32 = 1e-6;

    /// Loads the layer from the tensors under `name`.
    pub(super) fn load(
        weights: &Weights,
        name: &str,
        channels: usize,
        epsilon: f32,
    ) -> Result<Self> {
        Ok(Self {
            gamma: weights.float(&format!("{name}.weight"), [channels])?,
            beta: weights.float(&format!("{name}.bias"), [channels])?,
            epsilon,
        })
    }

    /// `activation(norm(x))`, where `x` is `[.., channels]`.
    pub(super) fn forward<const D: usize>(
        &self,
        x: Tensor<D>,
        activation: Activation,
    ) -> Tensor<D> {
        ops::layer_norm(x, &self.gamma, &self.beta, self.epsilon, activation)
    }
}

/// A norm and two fully connected layers with a GELU between them, as transformers have them next
/// to a residual.
pub(super) struct NormedMlp {
    norm: LayerNorm,
    expand: Linear,
    project: Linear,
}

impl NormedMlp {
    /// Loads the norm and the two layers. `names` are their names under `name`, `width` is the
    /// number of channels outside, and `hidden` is that between the layers.
    pub(super) fn load(
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

    /// The result of the layers for `x`, plus `residual`.
    pub(super) fn forward_add<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Tensor<D>,
    ) -> Tensor<D> {
        let hidden = self.expand.forward(self.norm.forward(x, Activation::None), Activation::Gelu);
        self.project.forward_add(hidden, residual, Activation::None)
    }
}

/// Fully connected layers with a non-linearity between them.
pub(super) struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// Loads the layers from the tensors under `name`. `widths` are the numbers of channels of the
    /// input, between the layers, and of the output.
    pub(super) fn load(weights: &Weights, name: &str, widths: &[usize]) -> Result<Self> {
        let layer = |(i, pair): (usize, &[usize])| {
            Linear::load(weights, &format!("{name}.layers.{i}"), pair[0], pair[1])
        };
        Ok(Self { layers: widths.windows(2).enumerate().map(layer).collect::<Result<_>>()? })
    }

    /// Applies all layers to `x`, `[.., channels]`, with the non-linearity `between` between them.
    pub(super) fn forward<const D: usize>(
        &self,
        mut x: Tensor<D>,
        between: Activation,
    ) -> Tensor<D> {
        for (i, layer) in self.layers.iter().enumerate() {
            let is_last = i + 1 == self.layers.len();
            x = layer.forward(x, if is_last { Activation::None } else { between });
        }
        x
    }
}
