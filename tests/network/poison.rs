//! Tests inputs that are NaN, infinite or denormal. They may spoil only what is computed from them,
//! and nothing next to it. Kernels work in tiles and read past their edges, where a product of such
//! a value with zero would not be zero.

use crate::common::{self, everywhere, floats};
use crate::ops::{noise, quantised, tensor};
use aims_web::DeviceKind;
use aims_web::ops::{self, Activation, Bits, ConvWindow, Weight};
use burn::tensor::{Device, Tensor};

/// The values that spoil an input. The last one is denormal.
const POISONS: [f32; 5] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-40];

/// Spoils the value `at` of an input, and checks that only outputs that `may` change do. A NaN must
/// show in at least one output, and a denormal value must make none infinite.
async fn spoils<const D: usize, const E: usize>(
    name: &str,
    shape: [usize; D],
    at: usize,
    run: impl Fn(Tensor<D>, &Device) -> Tensor<E>,
    may: impl Fn(usize) -> bool,
) {
    for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
        let device = common::device(kind).await;
        let clean = noise(1, shape.iter().product());
        let run = async |values: Vec<f32>| {
            floats(run(ops::tensor(values, shape, &device), &device)).await
        };
        let expected = run(clean.clone()).await;
        for poison in POISONS {
            let mut values = clean.clone();
            values[at] = poison;
            let found = run(values).await;
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert!(
                    may(i) || found.to_bits() == expected.to_bits(),
                    "{name}, {kind:?}: {poison} at {at} makes {found} of {expected} at {i}"
                );
            }
            assert!(
                !poison.is_nan() || found.iter().any(|value| value.is_nan()),
                "{name}, {kind:?}: a NaN is lost"
            );
            assert!(
                !poison.is_subnormal() || found.iter().all(|value| value.is_finite()),
                "{name}"
            );
        }
    }
}

everywhere!(a_spoilt_row_of_a_product_stays_alone, async {
    let (rows, inputs, outputs) = (257, 256, 65);
    for row in [0, 127, 255, 256] {
        let (at, may) = (row * inputs + 77, |i| i / outputs == row);
        let float = |x: Tensor<2>, device: &Device| {
            let weight = Weight::F32(tensor(2, [outputs, inputs], device));
            ops::linear(x, &weight, &tensor(3, [outputs], device), Activation::None)
        };
        spoils("product", [rows, inputs], at, float, may).await;
        let packed = |x: Tensor<2>, device: &Device| {
            let weight = quantised(Bits::Four, 2, outputs, inputs, device);
            ops::linear(x, &weight, &tensor(3, [outputs], device), Activation::None)
        };
        spoils("4-bit product", [rows, inputs], at, packed, may).await;
    }
});

everywhere!(a_spoilt_row_of_a_product_of_tensors_stays_alone, async {
    let depth = 33;
    // There are fewer rows than columns, and then more.
    for (rows, cols) in [(5, 257), (257, 5)] {
        let product = |x: Tensor<3>, device: &Device| {
            ops::matmul_transposed(x, tensor(2, [2, cols, depth], device))
        };
        for row in [0, rows - 1, rows, 2 * rows - 1] {
            let at = row * depth + depth - 1;
            spoils("product of tensors", [2, rows, depth], at, product, |i| i / cols == row).await;
        }
    }
});

everywhere!(a_spoilt_angle_spoils_its_codes, async {
    let (side, channels) = (5, 8);
    // The spoilt value is a sine of row 3, where the positions 15 and 19 are.
    let codes = |rows: Tensor<2>, device: &Device| {
        let index = ops::tensor(vec![14.0, 15.0, 19.0, 20.0], [4], device);
        let (columns, added) = (tensor(2, [side, channels], device), tensor(3, [channels], device));
        ops::positional_encoding(rows, columns, added, index, 4)
    };
    let may = |i| [1, 2].contains(&(i / channels)) && i % (channels / 2) == 2;
    spoils("positional encoding", [side, channels], 3 * channels + 2, codes, may).await;
});

everywhere!(a_spoilt_row_of_a_norm_stays_alone, async {
    let channels = 65;
    let norm = |x: Tensor<2>, device: &Device| {
        let (gamma, beta) = (tensor(2, [channels], device), tensor(3, [channels], device));
        ops::layer_norm(x, &gamma, &beta, 1e-5, Activation::None)
    };
    for row in [0, 255, 256] {
        spoils("layer norm", [257, channels], row * channels + 64, norm, |i| i / channels == row)
            .await;
    }
});

everywhere!(a_spoilt_token_of_attention_stays_alone, async {
    let (queries, keys, width) = (257, 65, 32);
    let query = |q: Tensor<3>, device: &Device| {
        let (k, v) = (tensor(2, [2, keys, width], device), tensor(3, [2, keys, width], device));
        ops::attention(q, k, v, 2)
    };
    // A query in the second batch is spoilt, in its first head.
    for token in [queries, 2 * queries - 1] {
        let may = |i| i / width == token && i % width < width / 2;
        spoils("query", [2, queries, width], token * width + 5, query, may).await;
    }
    let key = |k: Tensor<3>, device: &Device| {
        let (q, v) = (tensor(2, [2, queries, width], device), tensor(3, [2, keys, width], device));
        ops::attention(q, k, v, 2)
    };
    let may = |i| i / width >= queries && i % width < width / 2;
    spoils("key", [2, keys, width], (2 * keys - 1) * width + 5, key, may).await;
});

everywhere!(a_spoilt_pixel_stays_in_its_window, async {
    let (height, width, channels) = (9, 17, 32);
    for (y, x) in [(0_usize, 0_usize), (4, 8), (8, 16)] {
        let at = (y * width + x) * channels + 3;
        let near = move |pixel: usize| {
            (pixel / width).abs_diff(y) <= 1 && (pixel % width).abs_diff(x) <= 1
        };
        let depthwise = |x: Tensor<4>, device: &Device| {
            let (weight, bias) = (tensor(2, [9, channels], device), tensor(3, [channels], device));
            ops::depthwise(x, &weight, &bias, ConvWindow::centred(3, 1), Activation::None)
        };
        let may = |i| near(i / channels) && i % channels == 3;
        spoils("depthwise convolution", [1, height, width, channels], at, depthwise, may).await;
        let convolution = |x: Tensor<4>, device: &Device| {
            let weight = Weight::F32(tensor(2, [7, 9 * channels], device));
            let window = ConvWindow { kernel: 3, stride: 1, padding: 1 };
            ops::conv2d(x, &weight, &tensor(3, [7], device), window, Activation::None)
        };
        spoils("convolution", [1, height, width, channels], at, convolution, |i| near(i / 7)).await;
    }
});

everywhere!(a_spoilt_pixel_stays_in_its_pool, async {
    let (height, width, channels) = (8, 6, 5);
    for (y, x) in [(0, 0), (3, 4), (7, 5)] {
        let at = (y * width + x) * channels + 2;
        let pool = |x: Tensor<4>, _: &Device| ops::max_pool(x);
        let may = |i| i == (y / 2 * (width / 2) + x / 2) * channels + 2;
        spoils("max pooling", [1, height, width, channels], at, pool, may).await;
    }
});

everywhere!(a_spoilt_token_of_a_fused_projection_stays_alone, async {
    let (tokens, dim) = (64, 96);
    let attend = |qkv: Tensor<3>, _: &Device| ops::fused_attention(None, qkv, 2);
    // A query in the second window is spoilt, in its first head.
    let token = tokens + 9;
    let may = |i| i / (2 * dim) == token && i % (2 * dim) < dim;
    spoils("fused query", [2, tokens, 6 * dim], token * 6 * dim + 7, attend, may).await;
});
