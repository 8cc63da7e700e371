//! Attention as an operation: what it computes, and its kernels.

use super::cpu;
use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, THREADS};
use crate::ops::params::params;
use crate::ops::shader::{Kernel, Network, Settings, Shader, Vectors};

/// Multi-head attention over `batch` independent sets of tokens. The output is
/// `[batch, queries, heads * dim]`.
///
/// The inputs are the queries, the keys, the values and the bias of the scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Attention {
    pub batch: usize,
    pub queries: usize,
    pub keys: usize,
    pub heads: usize,
    /// The number of channels of one head, a multiple of 4.
    pub dim: usize,
    /// The factor of the scores.
    pub scale: f32,
    pub bias: ScoreBias,
    /// Where the heads of the queries, keys and values are.
    pub q: HeadLayout,
    pub k: HeadLayout,
    pub v: HeadLayout,
}

/// Where one operand of attention has its heads:
/// `data[token * stride + offset + head * head_stride ..][..dim]`. Tokens are counted through all
/// batches, or through the one that all batches share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadLayout {
    pub stride: usize,
    pub offset: usize,
    pub head_stride: usize,
    /// Whether all batches read the same tokens.
    pub shared: bool,
}

impl HeadLayout {
    /// The index at which the channels of a token begin in one head.
    pub(super) fn start(&self, token: usize, head: usize) -> usize {
        token * self.stride + self.offset + head * self.head_stride
    }

    /// The channels of a token in one head.
    pub(super) fn token<'a, const DIM: usize>(
        &self,
        data: &'a [f32],
        token: usize,
        head: usize,
    ) -> &'a [f32; DIM] {
        data[self.start(token, head)..].first_chunk().expect("all tokens are there")
    }
}

/// The bias that is added to the scores of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScoreBias {
    None,
    /// The bias is `[queries, keys]`, the same for all heads.
    Shared,
    /// The bias is `[heads, queries, keys]`.
    PerHead,
}

params! {
    /// The parameters of `shaders/attention_operands.wgsl`. Strides and offsets are in vectors of
    /// four.
    struct AttentionParams {
        queries: u32,
        keys: u32,
        heads: u32,
        bias_kind: u32,
        q_stride: u32,
        q_offset: u32,
        q_head: u32,
        q_batched: u32,
        k_stride: u32,
        k_offset: u32,
        k_head: u32,
        k_batched: u32,
        v_stride: u32,
        v_offset: u32,
        v_head: u32,
        v_batched: u32,
        scale: f32,
    }
}

/// With at most this many queries, most threads would have no work. If there are many keys, it then
/// pays to share the keys of each query among the threads.
const FEW_QUERIES: usize = 16;
/// The least number of keys that are shared.
const MANY_KEYS: usize = 128;
/// The memory of a workgroup that WebGPU guarantees, in bytes.
const WORKGROUP_BYTES: usize = 16_384;

impl Op<4> for Attention {
    type Params = AttentionParams;

    const KERNELS: &'static [Kernel] = &[
        Kernel {
            name: "attention",
            wgsl: include_str!("../../../shaders/attention.wgsl"),
            vectors: Vectors::Always,
            settings: |network: &Network| {
                network.head_channels.iter().copied().map(settings).collect()
            },
        },
        Kernel {
            name: "attention of few queries",
            wgsl: include_str!("../../../shaders/attention_few.wgsl"),
            vectors: Vectors::Always,
            settings: |network: &Network| {
                let all = network.head_channels.iter().copied();
                all.filter(|&dim| shares_keys(dim)).map(settings).collect()
            },
        },
    ];

    fn name(&self) -> &'static str {
        "attention"
    }

    fn cost(&self) -> Cost {
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

    fn launch(&self, _f16: bool) -> Launch<AttentionParams> {
        let Self { batch, queries, keys, heads, dim, .. } = *self;
        let few = queries <= FEW_QUERIES && keys >= MANY_KEYS && shares_keys(dim);
        let vectors = |floats: usize| (floats / 4) as u32;
        let batched = |layout: HeadLayout| u32::from(!layout.shared);
        let params = AttentionParams {
            queries: queries as u32,
            keys: keys as u32,
            heads: heads as u32,
            bias_kind: match self.bias {
                ScoreBias::None => 0,
                ScoreBias::Shared => 1,
                ScoreBias::PerHead => 2,
            },
            q_stride: vectors(self.q.stride),
            q_offset: vectors(self.q.offset),
            q_head: vectors(self.q.head_stride),
            q_batched: batched(self.q),
            k_stride: vectors(self.k.stride),
            k_offset: vectors(self.k.offset),
            k_head: vectors(self.k.head_stride),
            k_batched: batched(self.k),
            v_stride: vectors(self.v.stride),
            v_offset: vectors(self.v.offset),
            v_head: vectors(self.v.head_stride),
            v_batched: batched(self.v),
            scale: self.scale,
        };
        let shader = Shader {
            kernel: &Self::KERNELS[usize::from(few)],
            vectors: true,
            settings: settings(dim),
        };
        let along_x = if few { queries } else { queries.div_ceil(THREADS) };
        Launch { shader, params, workgroups: [along_x, heads, batch] }
    }

    fn cpu(&self, [q, k, v, bias]: [&[f32]; 4], out: &mut [f32]) {
        cpu::attention(q, k, v, bias, self, out);
    }
}

fn settings(dim: usize) -> Settings {
    Settings::new(&[("dim", dim), ("dim4", dim / 4), ("keys", tile_keys(dim))])
}

/// The number of keys, with their values, that a workgroup shares at a time.
fn tile_keys(dim: usize) -> usize {
    // They take at most half of the memory. More than 32 gain nothing.
    (WORKGROUP_BYTES / 2 / (dim * size_of::<f32>())).min(32)
}

/// Whether threads that share the keys of a query have room for their sums in the memory of a
/// workgroup, with heads of this many channels.
fn shares_keys(dim: usize) -> bool {
    THREADS * (dim + 2) * size_of::<f32>() <= WORKGROUP_BYTES
}
