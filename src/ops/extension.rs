//! The own operations as a backend extension: one trait, a GPU and a CPU implementation.

use burn::backend::{
    Backend, Flex, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::{DType, Shape, TensorData};
use burn_cubecl::CubeBackend;
use burn_flex::FlexTensor;

use super::spec::{
    AddSpec, AttentionSpec, Bits, ChooseSpec, CoverSpec, DepthwiseSpec, GatherSpec, MatmulSpec, Move,
    NormSpec, WindowSpec,
};
use super::{cpu, gpu};

/// Operations that burn's stock kernels would run slowly or not at all in a browser.
///
/// All tensors are contiguous 32-bit floats; `words` are signed 8-bit or 4-bit weights packed into 32-bit integers,
/// the first in the lowest bits. Outputs come flat: the caller reshapes. Burn's own operations are for tests only: on a GPU they
/// are not in the order of these.
#[backend_extension(Cube, Flex)]
pub trait SegmentationOps: Backend {
    /// `residual` is shaped like the output, or anything where the specification says that there is none.
    fn seg_matmul(
        a: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        spec: MatmulSpec,
    ) -> FloatTensor<Self>;

    fn seg_matmul_quantised(
        a: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        bits: Bits,
        spec: MatmulSpec,
    ) -> FloatTensor<Self>;

    /// `bias` is `[heads, queries, keys]`, or anything where the specification says that there is none.
    fn seg_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self>;

    /// `w` is `[9, channels]`, taps in reading order.
    fn seg_depthwise(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: DepthwiseSpec,
    ) -> FloatTensor<Self>;

    fn seg_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        spec: NormSpec,
    ) -> FloatTensor<Self>;

    /// `b` may be shorter by leading axes.
    fn seg_add(a: FloatTensor<Self>, b: FloatTensor<Self>, spec: AddSpec) -> FloatTensor<Self>;

    /// `length` values: some of `x`, the rest anything.
    fn seg_arrange(x: FloatTensor<Self>, movement: Move, length: usize) -> FloatTensor<Self>;

    /// Moves values of `x` into `out`, which nothing else may use.
    fn seg_place(out: FloatTensor<Self>, x: FloatTensor<Self>, movement: Move) -> FloatTensor<Self>;

    fn seg_windows(x: FloatTensor<Self>, spec: WindowSpec) -> FloatTensor<Self>;

    fn seg_reshape(x: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self>;

    fn seg_choose(
        original: FloatTensor<Self>,
        heat: FloatTensor<Self>,
        closed: FloatTensor<Self>,
        earlier: FloatTensor<Self>,
        spec: ChooseSpec,
    ) -> FloatTensor<Self>;

    fn seg_cover(
        heat: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        judged: FloatTensor<Self>,
        spec: CoverSpec,
    ) -> FloatTensor<Self>;

    fn seg_gather(table: FloatTensor<Self>, index: FloatTensor<Self>, spec: GatherSpec) -> FloatTensor<Self>;
}

impl SegmentationOps for CubeBackend {
    fn seg_matmul(
        a: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        spec: MatmulSpec,
    ) -> FloatTensor<Self> {
        gpu::matmul(a, w, None, bias, residual, &spec)
    }

    fn seg_matmul_quantised(
        a: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        bits: Bits,
        spec: MatmulSpec,
    ) -> FloatTensor<Self> {
        gpu::matmul(a, words, Some((bits, scales)), bias, residual, &spec)
    }

    fn seg_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        gpu::attention(q, k, v, bias, &spec)
    }

    fn seg_depthwise(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: DepthwiseSpec,
    ) -> FloatTensor<Self> {
        gpu::depthwise(x, w, bias, &spec)
    }

    fn seg_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        spec: NormSpec,
    ) -> FloatTensor<Self> {
        gpu::layer_norm(x, gamma, beta, &spec)
    }

    fn seg_add(a: FloatTensor<Self>, b: FloatTensor<Self>, spec: AddSpec) -> FloatTensor<Self> {
        gpu::add(a, b, &spec)
    }

    fn seg_arrange(x: FloatTensor<Self>, movement: Move, length: usize) -> FloatTensor<Self> {
        gpu::arrange(x, &movement, length)
    }

    fn seg_place(out: FloatTensor<Self>, x: FloatTensor<Self>, movement: Move) -> FloatTensor<Self> {
        gpu::place(out, x, &movement)
    }

    fn seg_windows(x: FloatTensor<Self>, spec: WindowSpec) -> FloatTensor<Self> {
        gpu::windows(x, &spec)
    }

    fn seg_reshape(x: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self> {
        gpu::reshape(x, shape)
    }

    fn seg_choose(
        original: FloatTensor<Self>,
        heat: FloatTensor<Self>,
        closed: FloatTensor<Self>,
        earlier: FloatTensor<Self>,
        spec: ChooseSpec,
    ) -> FloatTensor<Self> {
        gpu::choose(original, heat, closed, earlier, &spec)
    }

    fn seg_cover(
        heat: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        judged: FloatTensor<Self>,
        spec: CoverSpec,
    ) -> FloatTensor<Self> {
        gpu::cover(heat, logits, judged, &spec)
    }

    fn seg_gather(table: FloatTensor<Self>, index: FloatTensor<Self>, spec: GatherSpec) -> FloatTensor<Self> {
        gpu::gather(table, index, &spec)
    }
}

impl SegmentationOps for Flex {
    fn seg_matmul(
        a: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        spec: MatmulSpec,
    ) -> FloatTensor<Self> {
        let (a, w) = (contiguous(a), contiguous(w));
        let (bias, residual) = (contiguous(bias), contiguous(residual));
        flat(cpu::matmul(floats(&a), floats(&w), floats(&bias), floats(&residual), &spec))
    }

    fn seg_matmul_quantised(
        a: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        bits: Bits,
        spec: MatmulSpec,
    ) -> FloatTensor<Self> {
        let (a, words, scales) = (contiguous(a), contiguous(words), contiguous(scales));
        let (bias, residual) = (contiguous(bias), contiguous(residual));
        let w = cpu::dequantise(words.storage::<i32>(), bits, floats(&scales));
        flat(cpu::matmul(floats(&a), &w, floats(&bias), floats(&residual), &spec))
    }

    fn seg_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        let (q, k, v, bias) = (contiguous(q), contiguous(k), contiguous(v), contiguous(bias));
        flat(cpu::attention(floats(&q), floats(&k), floats(&v), floats(&bias), &spec))
    }

    fn seg_depthwise(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: DepthwiseSpec,
    ) -> FloatTensor<Self> {
        let (x, w, bias) = (contiguous(x), contiguous(w), contiguous(bias));
        flat(cpu::depthwise(floats(&x), floats(&w), floats(&bias), &spec))
    }

    fn seg_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        spec: NormSpec,
    ) -> FloatTensor<Self> {
        let (x, gamma, beta) = (contiguous(x), contiguous(gamma), contiguous(beta));
        flat(cpu::layer_norm(floats(&x), floats(&gamma), floats(&beta), &spec))
    }

    fn seg_add(a: FloatTensor<Self>, b: FloatTensor<Self>, spec: AddSpec) -> FloatTensor<Self> {
        let (a, b) = (contiguous(a), contiguous(b));
        flat(cpu::add(floats(&a), floats(&b), &spec))
    }

    fn seg_arrange(x: FloatTensor<Self>, movement: Move, length: usize) -> FloatTensor<Self> {
        let x = contiguous(x);
        let mut out = vec![0.0; length];
        cpu::place(&mut out, floats(&x), &movement);
        flat(out)
    }

    fn seg_place(mut out: FloatTensor<Self>, x: FloatTensor<Self>, movement: Move) -> FloatTensor<Self> {
        let x = contiguous(x);
        cpu::place(out.storage_mut(), floats(&x), &movement);
        out
    }

    fn seg_windows(x: FloatTensor<Self>, spec: WindowSpec) -> FloatTensor<Self> {
        let x = contiguous(x);
        flat(cpu::windows(floats(&x), &spec))
    }

    fn seg_reshape(x: FloatTensor<Self>, shape: Shape) -> FloatTensor<Self> {
        x.reshape(shape)
    }

    fn seg_choose(
        original: FloatTensor<Self>,
        heat: FloatTensor<Self>,
        closed: FloatTensor<Self>,
        earlier: FloatTensor<Self>,
        spec: ChooseSpec,
    ) -> FloatTensor<Self> {
        let (original, heat) = (contiguous(original), contiguous(heat));
        let (closed, earlier) = (contiguous(closed), contiguous(earlier));
        flat(cpu::choose(floats(&original), floats(&heat), floats(&closed), floats(&earlier), &spec))
    }

    fn seg_cover(
        heat: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        judged: FloatTensor<Self>,
        spec: CoverSpec,
    ) -> FloatTensor<Self> {
        let (heat, logits, judged) = (contiguous(heat), contiguous(logits), contiguous(judged));
        flat(cpu::cover(floats(&heat), floats(&logits), floats(&judged), &spec))
    }

    fn seg_gather(table: FloatTensor<Self>, index: FloatTensor<Self>, spec: GatherSpec) -> FloatTensor<Self> {
        let (table, index) = (contiguous(table), contiguous(index));
        flat(cpu::gather(floats(&table), floats(&index), &spec))
    }
}

pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

pub(super) fn floats(tensor: &FlexTensor) -> &[f32] {
    &tensor.storage::<f32>()[..tensor.layout().num_elements()]
}

fn flat(values: Vec<f32>) -> FlexTensor {
    debug_assert_eq!(DType::F32.size(), size_of::<f32>());
    let shape = Shape::new([values.len()]);
    FlexTensor::from_data(TensorData::new(values, shape))
}
