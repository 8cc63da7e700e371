//! Attention as an operation: what it computes, and its GPU twin.

use super::cpu;
use crate::ops::cost::Cost;
use crate::ops::op::{Launch, Op, THREADS};
use crate::ops::params::params;
use crate::ops::shader::{Kernel, Network, Settings, Shader, Vectors};

/// Multi-head attention over `batch` independent sets of tokens; the output is `[batch, queries, heads * dim]`.
///
/// The inputs are queries, keys, values and the bias on scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
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

params! {
    /// See `shaders/attention_operands.wgsl`: strides and offsets are in vectors of four.
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

/// So few queries leave threads without work; from so many keys on it pays to share them among the threads instead.
const FEW_QUERIES: usize = 16;
const MANY_KEYS: usize = 128;
/// Memory of a workgroup that WebGPU guarantees.
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

/// Keys, with their values, that a workgroup shares at a time.
fn tile_keys(dim: usize) -> usize {
    // Half of the memory, and no more than are worth it.
    (WORKGROUP_BYTES / 2 / (dim * size_of::<f32>())).min(32)
}

/// Whether threads that share the keys of a query, with heads of so many channels, have room to put their sums together.
fn shares_keys(dim: usize) -> bool {
    THREADS * (dim + 2) * size_of::<f32>() <= WORKGROUP_BYTES
}
