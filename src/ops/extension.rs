//! The own operations as a backend extension: one trait, a GPU and a CPU implementation.

use burn::backend::{
    Backend, Flex, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::{Shape, TensorData};
use burn_cubecl::CubeBackend;
use burn_flex::FlexTensor;

use super::spec::{
    AddSpec, AttentionSpec, Bits, ChooseSpec, CodeSpec, CoverSpec, DepthwiseSpec, MatmulSpec, Move, NormSpec,
    PoolSpec, WindowSpec,
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

    fn seg_max_pool(x: FloatTensor<Self>, spec: PoolSpec) -> FloatTensor<Self>;

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

    fn seg_place_codes(
        rows: FloatTensor<Self>,
        columns: FloatTensor<Self>,
        added: FloatTensor<Self>,
        index: FloatTensor<Self>,
        spec: CodeSpec,
    ) -> FloatTensor<Self>;
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

    fn seg_max_pool(x: FloatTensor<Self>, spec: PoolSpec) -> FloatTensor<Self> {
        gpu::max_pool(x, &spec)
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

    fn seg_place_codes(
        rows: FloatTensor<Self>,
        columns: FloatTensor<Self>,
        added: FloatTensor<Self>,
        index: FloatTensor<Self>,
        spec: CodeSpec,
    ) -> FloatTensor<Self> {
        gpu::codes(rows, columns, added, index, &spec)
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
        on_floats([a, w, bias, residual], |[a, w, bias, residual]| {
            cpu::matmul(a, cpu::Operand::Floats(w), bias, residual, &spec)
        })
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
        let words = contiguous(words);
        on_floats([a, scales, bias, residual], |[a, scales, bias, residual]| {
            let w = cpu::Operand::Packed { words: words.storage::<i32>(), bits, scales };
            cpu::matmul(a, w, bias, residual, &spec)
        })
    }

    fn seg_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: AttentionSpec,
    ) -> FloatTensor<Self> {
        on_floats([q, k, v, bias], |[q, k, v, bias]| cpu::attention(q, k, v, bias, &spec))
    }

    fn seg_depthwise(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        spec: DepthwiseSpec,
    ) -> FloatTensor<Self> {
        on_floats([x, w, bias], |[x, w, bias]| cpu::depthwise(x, w, bias, &spec))
    }

    fn seg_max_pool(x: FloatTensor<Self>, spec: PoolSpec) -> FloatTensor<Self> {
        on_floats([x], |[x]| cpu::max_pool(x, &spec))
    }

    fn seg_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        spec: NormSpec,
    ) -> FloatTensor<Self> {
        on_floats([x, gamma, beta], |[x, gamma, beta]| cpu::layer_norm(x, gamma, beta, &spec))
    }

    fn seg_add(a: FloatTensor<Self>, b: FloatTensor<Self>, spec: AddSpec) -> FloatTensor<Self> {
        on_floats([a, b], |[a, b]| cpu::add(a, b, &spec))
    }

    fn seg_arrange(x: FloatTensor<Self>, movement: Move, length: usize) -> FloatTensor<Self> {
        on_floats([x], |[x]| {
            let mut out = vec![0.0; length];
            cpu::place(&mut out, x, &movement);
            out
        })
    }

    fn seg_place(mut out: FloatTensor<Self>, x: FloatTensor<Self>, movement: Move) -> FloatTensor<Self> {
        let x = contiguous(x);
        cpu::place(out.storage_mut(), floats(&x), &movement);
        out
    }

    fn seg_windows(x: FloatTensor<Self>, spec: WindowSpec) -> FloatTensor<Self> {
        on_floats([x], |[x]| cpu::windows(x, &spec))
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
        on_floats([original, heat, closed, earlier], |[original, heat, closed, earlier]| {
            cpu::choose(original, heat, closed, earlier, &spec)
        })
    }

    fn seg_cover(
        heat: FloatTensor<Self>,
        logits: FloatTensor<Self>,
        judged: FloatTensor<Self>,
        spec: CoverSpec,
    ) -> FloatTensor<Self> {
        on_floats([heat, logits, judged], |[heat, logits, judged]| cpu::cover(heat, logits, judged, &spec))
    }

    fn seg_place_codes(
        rows: FloatTensor<Self>,
        columns: FloatTensor<Self>,
        added: FloatTensor<Self>,
        index: FloatTensor<Self>,
        spec: CodeSpec,
    ) -> FloatTensor<Self> {
        on_floats([rows, columns, added, index], |[rows, columns, added, index]| {
            cpu::codes(rows, columns, added, index, &spec)
        })
    }
}

/// Runs a CPU twin on tensors' values; what it gives is flat.
fn on_floats<const N: usize>(
    tensors: [FlexTensor; N],
    work: impl FnOnce([&[f32]; N]) -> Vec<f32>,
) -> FlexTensor {
    let tensors = tensors.map(contiguous);
    let values = work(tensors.each_ref().map(floats));
    let shape = Shape::new([values.len()]);
    FlexTensor::from_data(TensorData::new(values, shape))
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
