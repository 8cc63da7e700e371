//! Layers: own operations with their weights.

use burn::tensor::Tensor;

use super::weights::Weights;
use crate::error::Result;
use crate::ops::{self, Activation, ConvWindow, Weight};

/// Fully connected layer over the last axis.
pub struct Linear {
    weight: Weight,
    bias: Tensor<1>,
}

impl Linear {
    pub fn load(weights: &Weights, name: &str, inputs: usize, outputs: usize) -> Result<Self> {
        Ok(Self {
            weight: weights.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: weights.float(&format!("{name}.bias"), [outputs])?,
        })
    }

    pub fn forward<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        ops::linear(x, &self.weight, &self.bias, activation)
    }

    /// `activation(linear(x) + residual)`.
    pub fn forward_add<const D: usize>(
        &self,
        x: Tensor<D>,
        residual: Tensor<D>,
        activation: Activation,
    ) -> Tensor<D> {
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

/// Three fully connected layers with ReLU between them.
pub struct Mlp3 {
    layers: [Linear; 3],
}

impl Mlp3 {
    pub fn load(weights: &Weights, name: &str, width: usize, outputs: usize) -> Result<Self> {
        let layer = |i: usize, outputs| Linear::load(weights, &format!("{name}.layers.{i}"), width, outputs);
        Ok(Self { layers: [layer(0, width)?, layer(1, width)?, layer(2, outputs)?] })
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [first, second, last] = &self.layers;
        let x = first.forward(x, Activation::Relu);
        let x = second.forward(x, Activation::Relu);
        last.forward(x, Activation::None)
    }
}
