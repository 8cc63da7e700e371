//! The own operations as a backend extension: one trait, a GPU and a CPU implementation.

use burn::backend::{
    Backend, Flex, backend_extension,
    tensor::{FloatTensor, IntTensor},
};
use burn::tensor::{DType, Shape, TensorData};
use burn_cubecl::CubeBackend;
use burn_flex::FlexTensor;

use super::spec::{AttentionSpec, Bits, DepthwiseSpec, MatmulSpec, NormSpec};
use super::{cpu, gpu};

/// Operations that burn's stock kernels would run slowly or not at all in a browser.
///
/// All tensors are contiguous 32-bit floats; `words` are signed 8-bit or 4-bit weights packed into 32-bit integers,
/// the first in the lowest bits. Outputs come flat: the caller reshapes.
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
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() && tensor.layout().start_offset() == 0 {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

fn floats(tensor: &FlexTensor) -> &[f32] {
    &tensor.storage::<f32>()[..tensor.layout().num_elements()]
}

fn flat(values: Vec<f32>) -> FlexTensor {
    debug_assert_eq!(DType::F32.size(), size_of::<f32>());
    let shape = Shape::new([values.len()]);
    FlexTensor::from_data(TensorData::new(values, shape))
}
