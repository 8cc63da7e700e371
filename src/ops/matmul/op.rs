//! The matrix product as an operation: what it computes, and its kernel.

use super::cpu;
use crate::ops::activation::Activation;
use crate::ops::bits::Bits;
use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op};
use crate::ops::params::params;
use crate::ops::shader::{Kernel, Network, Settings, Shader, Vectors};

/// `C[b, m, n] = activation(sum_k A[b, m, k] W[b, n, k] + bias[n] + residual[b, m, n])`. In both
/// operands, `k` is the innermost axis.
///
/// The inputs are `A`, `W`, the scales, the bias and the residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Matmul {
    pub batch: usize,
    /// `m` is below `rows`, `n` below `cols`, and `k` below `depth`.
    pub rows: usize,
    pub cols: usize,
    pub depth: usize,
    /// How `W` is packed, or `None` for floats. The scales are read only if it is packed.
    pub bits: Option<Bits>,
    /// Whether `W` has a batch axis. If not, all batches share it.
    pub weight_batched: bool,
    pub has_bias: bool,
    /// The number of values of the residual, or 0 if there is none. If it has fewer than the
    /// result, it is repeated.
    pub residual_length: usize,
    pub activation: Activation,
    /// The window of a convolution, or `None` for a plain product.
    pub patches: Option<Patches>,
}

/// The sliding window of a convolution, computed as an implicit GEMM. `A` is a feature map
/// `[batch, height, width, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patches {
    pub in_height: usize,
    pub in_width: usize,
    pub channels: usize,
    pub out_width: usize,
    /// The side of the square kernel.
    pub kernel: usize,
    /// The distance from one window to the next.
    pub stride: usize,
    /// The width of the zeros around the map.
    pub padding: usize,
}

impl Default for Matmul {
    /// A product of nothing, for struct update syntax.
    fn default() -> Self {
        Self {
            batch: 1,
            rows: 0,
            cols: 0,
            depth: 0,
            bits: None,
            weight_batched: false,
            has_bias: true,
            residual_length: 0,
            activation: Activation::None,
            patches: None,
        }
    }
}

params! {
    /// The parameters of `shaders/matmul.wgsl`.
    struct MatmulParams {
        rows: u32,
        cols: u32,
        depth: u32,
        activation: u32,
        has_bias: u32,
        residual_length: u32,
        weight_stride: u32,
        in_height: u32,
        in_width: u32,
        channels: u32,
        out_width: u32,
        kernel: u32,
        stride: u32,
        padding: u32,
    }
}

/// The side of the tile of the output that one workgroup computes.
const TILE: usize = 64;

impl Op<5> for Matmul {
    type Params = MatmulParams;

    const KERNELS: &'static [Kernel] = &[Kernel {
        name: "matmul",
        wgsl: include_str!("../../../shaders/matmul.wgsl"),
        vectors: Vectors::Both,
        settings: |network: &Network| {
            let bits = network.bits.iter().copied().map(Some).chain([None]);
            bits.flat_map(|bits| [false, true].map(|patches| settings(bits, patches, network.f16)))
                .collect()
        },
    }];

    fn name(&self) -> &'static str {
        match self {
            Self { patches: Some(_), .. } => "convolution",
            Self { weight_batched: true, .. } => "product of tensors",
            _ => "linear",
        }
    }

    fn cost(&self) -> Cost {
        let Self { batch, rows, cols, depth, .. } = *self;
        let inputs = self.patches.map_or(rows * depth, |p| p.in_height * p.in_width * p.channels);
        let floats = batch * (inputs + rows * cols) + self.residual_length;
        let weights = cols * depth * if self.weight_batched { batch } else { 1 };
        let weight_bits = self.bits.map_or(32, Bits::count);
        Cost {
            flops: (2 * batch * rows * cols * depth) as u64,
            bytes: (4 * floats + weights * weight_bits / 8) as u64,
        }
    }

    fn launch(&self, f16: bool) -> Launch<MatmulParams> {
        let Self { batch, rows, cols, depth, residual_length, .. } = *self;
        let window = self.patches.unwrap_or(Patches::NONE);
        let (shader, _) = Shader::fitting(
            &Self::KERNELS[0],
            settings(self.bits, self.patches.is_some(), f16),
            &[depth, cols, residual_length, window.channels],
        );
        let params = MatmulParams {
            rows: rows as u32,
            cols: cols as u32,
            depth: depth as u32,
            activation: self.activation.code(),
            has_bias: u32::from(self.has_bias),
            residual_length: residual_length as u32,
            weight_stride: if self.weight_batched { (cols * depth) as u32 } else { 0 },
            in_height: window.in_height as u32,
            in_width: window.in_width as u32,
            channels: window.channels as u32,
            out_width: window.out_width as u32,
            kernel: window.kernel as u32,
            stride: window.stride as u32,
            padding: window.padding as u32,
        };
        Launch { shader, params, workgroups: [cols.div_ceil(TILE), rows.div_ceil(TILE), batch] }
    }

    fn cpu(&self, [a, w, scales, bias, residual]: [&[f32]; 5], out: &mut [f32]) {
        let w = match self.bits {
            None => cpu::Operand::Floats(w),
            Some(bits) => cpu::Operand::Packed { packed: bytemuck::cast_slice(w), bits, scales },
        };
        cpu::matmul(a, w, bias, residual, self, out);
    }
}

impl Patches {
    /// Stands for no window; the shader does not read these.
    const NONE: Self = Self {
        in_height: 0,
        in_width: 0,
        channels: 0,
        out_width: 0,
        kernel: 0,
        stride: 0,
        padding: 0,
    };
}

fn settings(bits: Option<Bits>, patches: bool, f16: bool) -> Settings {
    Settings::new(&[
        ("bits", bits.map_or(32, Bits::count)),
        ("packed", usize::from(bits.is_some())),
        ("patches", usize::from(patches)),
        ("f16", usize::from(f16)),
    ])
}
