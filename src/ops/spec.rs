//! What the own operations compute, apart from their tensors: plain numbers that both twins (GPU and CPU) read.

use super::profile::Cost;

/// Non-linearity applied to each output value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    None,
    Relu,
    /// `x * Φ(x)`, the exact form (not the tanh approximation).
    Gelu,
}

impl Activation {
    /// As the shaders know it.
    pub fn code(self) -> usize {
        match self {
            Activation::None => 0,
            Activation::Relu => 1,
            Activation::Gelu => 2,
        }
    }
}

/// How many bits a quantised weight has. Values are signed (two's complement).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bits {
    Four,
    Eight,
}

impl Bits {
    pub const fn count(self) -> usize {
        match self {
            Bits::Four => 4,
            Bits::Eight => 8,
        }
    }

    /// Weights in a 32-bit word.
    pub const fn per_word(self) -> usize {
        32 / self.count()
    }
}

impl Default for MatmulSpec {
    /// One batch of nothing: for struct update syntax.
    fn default() -> Self {
        Self {
            batch: 1,
            rows: 0,
            cols: 0,
            depth: 0,
            weight_batched: false,
            has_bias: true,
            residual_length: 0,
            activation: Activation::None,
            patches: None,
        }
    }
}

/// A convolution's sliding window, for the implicit GEMM: `A` is an image `[batch, height, width, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    pub in_height: usize,
    pub in_width: usize,
    pub channels: usize,
    pub out_width: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

/// `C[b, m, n] = activation(sum_k A[b, m, k] W[b, n, k] + bias[n] + residual[b, m, n])`; both operands have `k` innermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatmulSpec {
    pub batch: usize,
    /// `m` runs over `rows`, `n` over `cols`, `k` over `depth`.
    pub rows: usize,
    pub cols: usize,
    pub depth: usize,
    /// Whether `W` has a batch axis of its own; else all batches share it.
    pub weight_batched: bool,
    /// Without one, or without a residual, any tensor may stand in.
    pub has_bias: bool,
    /// Values of the residual: as many as in the result, or fewer for each so many of them. 0 is none.
    pub residual_length: usize,
    pub activation: Activation,
    pub patches: Option<Patches>,
}

impl MatmulSpec {
    /// With weights of so many bits.
    pub fn cost(&self, weight_bits: usize) -> Cost {
        let Self { batch, rows, cols, depth, .. } = *self;
        let inputs = self.patches.map_or(rows * depth, |p| p.in_height * p.in_width * p.channels);
        let floats = batch * (inputs + rows * cols) + self.residual_length;
        let weights = cols * depth * if self.weight_batched { batch } else { 1 };
        Cost {
            flops: (2 * batch * rows * cols * depth) as u64,
            bytes: (4 * floats + weights * weight_bits / 8) as u64,
        }
    }
}

/// Where one of attention's operands keeps its heads: `data[token * stride + offset + head * head_stride ..][..dim]`,
/// tokens counted through all batches, or through one that all share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLayout {
    pub stride: usize,
    pub offset: usize,
    pub head_stride: usize,
    /// Whether all batches read the same tokens.
    pub shared: bool,
}

/// What is added to attention's scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreBias {
    None,
    /// `[queries, keys]`, the same for all heads.
    Shared,
    /// `[heads, queries, keys]`.
    PerHead,
}

/// Multi-head attention over `batch` independent sets of tokens; the output is `[batch, queries, heads * dim]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionSpec {
    pub batch: usize,
    pub queries: usize,
    pub keys: usize,
    pub heads: usize,
    /// Channels of one head: a multiple of 4.
    pub dim: usize,
    pub scale: f32,
    pub bias: ScoreBias,
    pub q: HeadLayout,
    pub k: HeadLayout,
    pub v: HeadLayout,
}

impl AttentionSpec {
    pub fn cost(&self) -> Cost {
        let Self { batch, queries, keys, heads, dim, .. } = *self;
        let own = |layout: HeadLayout| if layout.shared { 1 } else { batch };
        let tokens = queries * (own(self.q) + batch) + keys * (own(self.k) + own(self.v));
        let bias = match self.bias {
            ScoreBias::None => 0,
            ScoreBias::Shared => queries * keys,
            ScoreBias::PerHead => heads * queries * keys,
        };
        Cost {
            flops: (4 * batch * heads * queries * keys * dim) as u64,
            bytes: (4 * (tokens * heads * dim + bias)) as u64,
        }
    }
}

/// Depthwise 3 x 3 convolution with one pixel of zero padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseSpec {
    pub batch: usize,
    pub in_height: usize,
    pub in_width: usize,
    pub channels: usize,
    pub stride: usize,
    pub activation: Activation,
}

impl DepthwiseSpec {
    pub fn out_height(&self) -> usize {
        (self.in_height - 1) / self.stride + 1
    }

    pub fn out_width(&self) -> usize {
        (self.in_width - 1) / self.stride + 1
    }

    pub fn cost(&self) -> Cost {
        let inputs = self.batch * self.in_height * self.in_width * self.channels;
        let outputs = self.batch * self.out_height() * self.out_width() * self.channels;
        Cost { flops: 18 * outputs as u64, bytes: 4 * (inputs + outputs) as u64 }
    }
}

/// Max pooling of 2 x 2 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl PoolSpec {
    pub fn out_length(&self) -> usize {
        self.batch * (self.height / 2) * (self.width / 2) * self.channels
    }

    pub fn cost(&self) -> Cost {
        let outputs = self.out_length() as u64;
        Cost { flops: 3 * outputs, bytes: 20 * outputs }
    }
}

/// Layer norm over the last axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormSpec {
    pub rows: usize,
    pub channels: usize,
    pub epsilon: f32,
    pub activation: Activation,
}

impl NormSpec {
    pub fn cost(&self) -> Cost {
        let values = (self.rows * self.channels) as u64;
        Cost { flops: 8 * values, bytes: 8 * values }
    }
}

/// `out[i] = scale * a[i] + b[i % period]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddSpec {
    pub count: usize,
    pub period: usize,
    pub scale: f32,
}

impl AddSpec {
    pub fn cost(&self) -> Cost {
        let values = (2 * self.count + self.period) as u64;
        Cost { flops: 2 * self.count as u64, bytes: 4 * values }
    }
}

/// Axes of a [`Move`].
pub const AXES: usize = 8;

/// Copies a block of values: `to[to_offset + Σ i·to] = from[from_offset + Σ i·from]` for all `i` below `sizes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub sizes: [usize; AXES],
    /// Strides.
    pub from: [usize; AXES],
    pub to: [usize; AXES],
    pub from_offset: usize,
    pub to_offset: usize,
}

impl Move {
    /// From `(size, stride from, stride to)` of each axis, the outermost first.
    pub fn new(axes: &[(usize, usize, usize)], from_offset: usize, to_offset: usize) -> Self {
        let mut new = Self { sizes: [1; AXES], from: [0; AXES], to: [0; AXES], from_offset, to_offset };
        for (i, &(size, from, to)) in axes.iter().enumerate() {
            let at = AXES - axes.len() + i;
            (new.sizes[at], new.from[at], new.to[at]) = (size, from, to);
        }
        new
    }

    /// The same in units of four values, where they stay together.
    pub fn in_fours(&self) -> Option<Self> {
        const LAST: usize = AXES - 1;
        let all = self.from[..LAST].iter().chain(&self.to[..LAST]);
        let counted = all.chain([&self.sizes[LAST], &self.from_offset, &self.to_offset]);
        let together = (self.from[LAST], self.to[LAST]) == (1, 1);
        if !together || !counted.into_iter().all(|count| count.is_multiple_of(4)) {
            return None;
        }
        let mut fours = *self;
        fours.sizes[LAST] /= 4;
        fours.from[..LAST].iter_mut().chain(&mut fours.to[..LAST]).for_each(|stride| *stride /= 4);
        (fours.from_offset, fours.to_offset) = (self.from_offset / 4, self.to_offset / 4);
        Some(fours)
    }

    pub fn cost(&self) -> Cost {
        Cost { flops: 0, bytes: 8 * self.sizes.iter().product::<usize>() as u64 }
    }
}

/// An image `[batch, height, width, channels]` in square windows `[batch * rows * cols, side², channels]` or, to `merge`, back.
/// Windows that reach out of the image hold zeros there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSpec {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub side: usize,
    pub merge: bool,
}

impl WindowSpec {
    pub fn rows(&self) -> usize {
        self.height.div_ceil(self.side)
    }

    pub fn cols(&self) -> usize {
        self.width.div_ceil(self.side)
    }

    pub fn image_length(&self) -> usize {
        self.batch * self.height * self.width * self.channels
    }

    pub fn windows_length(&self) -> usize {
        self.batch * self.rows() * self.cols() * self.side * self.side * self.channels
    }

    pub fn cost(&self) -> Cost {
        Cost { flops: 0, bytes: 4 * (self.image_length() + self.windows_length()) as u64 }
    }
}

/// See [`crate::ops::choose_places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChooseSpec {
    pub levels: usize,
    /// Places of the image, row by row.
    pub width: usize,
    pub height: usize,
    pub count: usize,
    /// How many were chosen before.
    pub earlier: usize,
}

/// See [`crate::ops::cover`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoverSpec {
    pub levels: usize,
    /// Places of the image; masks have twice as many cells along each axis.
    pub width: usize,
    pub height: usize,
    pub queries: usize,
    pub outputs: usize,
    /// By level: a bit for each output whose masks are of it.
    pub outputs_of: [u32; 4],
    /// From which on a mask covers.
    pub confidence: f32,
    /// What a covered place loses.
    pub covered: f32,
}

/// See [`crate::ops::place_codes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeSpec {
    pub count: usize,
    pub channels: usize,
    /// Places of a row.
    pub width: usize,
    pub height: usize,
}

impl CodeSpec {
    pub fn cost(&self) -> Cost {
        let values = (self.count * self.channels) as u64;
        Cost { flops: 4 * values, bytes: 4 * (values + ((self.width + self.height) * self.channels) as u64) }
    }
}
