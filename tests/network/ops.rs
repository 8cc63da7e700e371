//! Each GPU kernel against its CPU twin, at odd sizes and at the edges of tiles and workgroups; and the CPU twins
//! against burn's own operations.

use crate::common::{self, everywhere, floats, relative_errors};
use aims_web::DeviceKind;
use aims_web::ops::{self, Activation, Bits, ConvWindow, Weight};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// Deterministic values in -1..1.
pub fn noise(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

pub fn tensor<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(noise(seed, shape.iter().product()), shape), device)
}

pub fn quantised(bits: Bits, seed: u64, outputs: usize, inputs: usize, device: &Device) -> Weight {
    let bytes: Vec<i8> =
        noise(seed, outputs * inputs * bits.count() / 8).iter().map(|v| (v * 128.0) as i8).collect();
    let words: Vec<i32> = bytemuck::pod_collect_to_vec(&bytes);
    let largest = f32::powi(2.0, bits.count() as i32 - 1);
    let scales = noise(seed + 1, outputs * inputs / 32).iter().map(|v| v / largest).collect::<Vec<_>>();
    Weight::Quantised {
        bits,
        words: Tensor::<2, Int>::from_data(
            TensorData::new(words, [outputs, inputs / bits.per_word()]),
            (device, DType::I32),
        ),
        scales: Tensor::from_data(TensorData::new(scales, [outputs, inputs / 32]), device),
    }
}

/// Runs on both devices; the GPU must agree with the CPU.
async fn agree<const D: usize>(name: &str, run: impl Fn(&Device) -> Tensor<D>) {
    let gpu = floats(run(&common::device(DeviceKind::Gpu).await)).await;
    let cpu = floats(run(&common::device(DeviceKind::Cpu).await)).await;
    let (norm, largest) = relative_errors(&gpu, &cpu);
    assert!(norm < 1e-5 && largest < 1e-4, "{name}: {norm} {largest}");
}

everywhere!(linear_with_float_weights, async {
    for (rows, inputs, outputs) in [(1, 1, 1), (7, 27, 33), (63, 64, 65), (257, 255, 64), (64, 16, 256)] {
        for activation in [Activation::None, Activation::Relu, Activation::Gelu] {
            agree(&format!("linear {rows}x{inputs}x{outputs} {activation:?}"), |device| {
                let weight = Weight::F32(tensor(2, [outputs, inputs], device));
                let (x, bias) = (tensor(1, [rows, inputs], device), tensor(3, [outputs], device));
                ops::linear(x, &weight, &bias, activation)
            })
            .await;
        }
    }
});

everywhere!(linear_with_quantised_weights, async {
    for (rows, inputs, outputs) in [(1, 32, 1), (65, 96, 63), (256, 256, 257)] {
        for bits in [Bits::Four, Bits::Eight] {
            agree(&format!("{bits:?} bits {rows}x{inputs}x{outputs}"), |device| {
                let weight = quantised(bits, 2, outputs, inputs, device);
                let (x, bias) = (tensor(1, [rows, inputs], device), tensor(3, [outputs], device));
                let residual = tensor(4, [rows, outputs], device);
                ops::linear_add(x, &weight, &bias, residual, Activation::Gelu)
            })
            .await;
        }
    }
});

everywhere!(
    /// Not only alike on both devices, but the values that were packed.
    quantised_weights_are_unpacked_in_order,
    async {
        for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
            let device = common::device(kind).await;
            for bits in [Bits::Four, Bits::Eight] {
                let inputs = 64;
                let value = |i: usize| (i as i32 * 5) % 16 - 8;
                let words: Vec<i32> = (0..inputs / bits.per_word())
                    .map(|word| {
                        let mask = (1_u32 << bits.count()) - 1;
                        let packed = (0..bits.per_word()).map(|i| {
                            (value(word * bits.per_word() + i) as u32 & mask) << (i * bits.count())
                        });
                        packed.sum::<u32>() as i32
                    })
                    .collect();
                let weight = Weight::Quantised {
                    bits,
                    words: Tensor::<2, Int>::from_data(
                        TensorData::new(words, [1, inputs / bits.per_word()]),
                        (&device, DType::I32),
                    ),
                    scales: Tensor::from_data(TensorData::new(vec![0.5_f32, -2.0], [1, 2]), &device),
                };
                // A row for each input, with a one at its place.
                let ones = (0..inputs * inputs).map(|i| f32::from(u8::from(i % (inputs + 1) == 0)));
                let x = TensorData::new(ones.collect::<Vec<_>>(), [inputs, inputs]);
                let x = Tensor::<2>::from_data(x, &device);
                let read = floats(ops::linear(x, &weight, &Tensor::zeros([1], &device), Activation::None)).await;
                let scale = |i: usize| if i < 32 { 0.5 } else { -2.0 };
                let expected: Vec<f32> = (0..inputs).map(|i| value(i) as f32 * scale(i)).collect();
                assert_eq!(read, expected, "{kind:?} {bits:?}");
            }
        }
    }
);

everywhere!(batched_product, async {
    for (batch, rows, cols, depth) in [(1, 1, 1, 1), (3, 4, 257, 32), (2, 65, 63, 31)] {
        agree(&format!("product {batch}x{rows}x{cols}x{depth}"), |device| {
            let (a, b) = (tensor(1, [batch, rows, depth], device), tensor(2, [batch, cols, depth], device));
            ops::matmul_transposed(a, b)
        })
        .await;
    }
});

everywhere!(convolution, async {
    let same = ConvWindow { kernel: 3, stride: 1, padding: 1 };
    let halve = ConvWindow { kernel: 3, stride: 2, padding: 1 };
    let cells = ConvWindow { kernel: 2, stride: 2, padding: 0 };
    for (size, inputs, outputs, window) in
        [(16, 3, 32, halve), (9, 32, 65, same), (8, 1, 4, cells), (5, 5, 7, halve)]
    {
        agree(&format!("convolution {size} {inputs} {outputs} {window:?}"), |device| {
            let depth = window.kernel * window.kernel * inputs;
            let weight = if depth % 32 == 0 {
                quantised(Bits::Eight, 2, outputs, depth, device)
            } else {
                Weight::F32(tensor(2, [outputs, depth], device))
            };
            let x = tensor(1, [2, size, size + 3, inputs], device);
            ops::conv2d(x, &weight, &tensor(3, [outputs], device), window, Activation::Gelu)
        })
        .await;
    }
});

everywhere!(depthwise_convolution, async {
    for (height, width, channels, stride) in [(1, 1, 1, 1), (7, 9, 65, 1), (8, 6, 64, 2), (5, 5, 3, 2)] {
        agree(&format!("depthwise {height}x{width}x{channels} / {stride}"), |device| {
            let x = tensor(1, [2, height, width, channels], device);
            let (weight, bias) = (tensor(2, [9, channels], device), tensor(3, [channels], device));
            ops::depthwise3x3(x, &weight, &bias, stride, Activation::Gelu)
        })
        .await;
    }
});

everywhere!(layer_norm, async {
    for (rows, channels) in [(1, 2), (65, 63), (3, 257), (66_000, 4)] {
        agree(&format!("layer norm {rows}x{channels}"), |device| {
            let x = tensor(1, [rows, channels], device) * 3.0 + 5.0;
            let (gamma, beta) = (tensor(2, [channels], device), tensor(3, [channels], device));
            ops::layer_norm(x, &gamma, &beta, 1e-5, Activation::Gelu)
        })
        .await;
    }
});

everywhere!(attention_with_shared_operands, async {
    for (batch, queries, keys, heads, dim) in [(1, 1, 1, 1, 4), (3, 7, 257, 8, 16), (2, 65, 33, 4, 32)] {
        for shared in [false, true] {
            agree(&format!("attention {batch}x{queries}x{keys}x{heads}x{dim} {shared}"), |device| {
                let width = heads * dim;
                let own = if shared { 1 } else { batch };
                let q = tensor(1, [batch, queries, width], device) * 4.0;
                let (k, v) = (tensor(2, [own, keys, width], device), tensor(3, [own, keys, width], device));
                ops::attention(q, k, v, heads)
            })
            .await;
        }
    }
});

everywhere!(attention_with_shared_bias, async {
    for (queries, keys, heads) in [(1, 1, 1), (65, 257, 5)] {
        agree(&format!("biased attention {queries}x{keys}x{heads}"), |device| {
            let width = heads * 32;
            let q = tensor(1, [2, queries, width], device) * 3.0;
            let (k, v) = (tensor(2, [1, keys, width], device), tensor(3, [1, keys, width], device));
            // Keys that are hidden from some queries, and for a third of the queries all of them.
            let hidden = tensor::<2>(4, [queries, keys], device).lower_elem(0.3).float() * -1000.0;
            ops::biased_attention(q, k, v, hidden, heads)
        })
        .await;
    }
});

everywhere!(window_attention_with_bias, async {
    for (batch, tokens, heads) in [(2, 49, 4), (1, 196, 5), (1, 1, 2)] {
        agree(&format!("window attention {batch}x{tokens}x{heads}"), |device| {
            let qkv = tensor(1, [batch, tokens, heads * 3 * 32], device) * 3.0;
            ops::self_attention(qkv, &tensor(2, [heads, tokens, tokens], device), heads)
        })
        .await;
    }
});

everywhere!(
    /// The CPU twins are right: burn's own operations, in their own layout, give the same.
    cpu_agrees_with_burn,
    async {
        let device = common::device(DeviceKind::Cpu).await;
        let close = |name: &str, ours: Vec<f32>, theirs: Vec<f32>| {
            let (norm, largest) = relative_errors(&ours, &theirs);
            assert!(norm < 1e-5 && largest < 1e-4, "{name}: {norm} {largest}");
        };

        let (x, weight, bias) = (tensor(1, [37, 29], &device), tensor(2, [41, 29], &device), tensor(3, [41], &device));
        let theirs = burn::tensor::activation::gelu(x.clone().matmul(weight.clone().transpose()) + bias.clone().unsqueeze());
        close("linear", floats(ops::linear(x, &Weight::F32(weight), &bias, Activation::Gelu)).await, floats(theirs).await);

        // Kernels: burn has [outputs, inputs, ky, kx], we have [outputs, (ky, kx, inputs)].
        let options = |stride, groups| burn::tensor::ops::ConvOptions::new([stride, stride], [1, 1], [1, 1], groups);
        let (x, kernel) = (tensor(4, [2, 5, 11, 9], &device), tensor(5, [7, 5, 3, 3], &device));
        let theirs = burn::tensor::module::conv2d(x.clone(), kernel.clone(), None, options(2, 1));
        let weight = Weight::F32(kernel.permute([0, 2, 3, 1]).reshape([7, 45]));
        let window = ConvWindow { kernel: 3, stride: 2, padding: 1 };
        let zeros = Tensor::zeros([7], &device);
        let ours = ops::conv2d(x.permute([0, 2, 3, 1]), &weight, &zeros, window, Activation::None);
        close("convolution", floats(ours).await, floats(theirs.permute([0, 2, 3, 1])).await);

        let (x, kernel) = (tensor(6, [1, 6, 8, 7], &device), tensor(7, [6, 1, 3, 3], &device));
        let theirs = burn::tensor::module::conv2d(x.clone(), kernel.clone(), None, options(1, 6));
        let weight = kernel.reshape([6, 9]).transpose();
        let ours = ops::depthwise3x3(x.permute([0, 2, 3, 1]), &weight, &Tensor::zeros([6], &device), 1, Activation::None);
        close("depthwise", floats(ours).await, floats(theirs.permute([0, 2, 3, 1])).await);

        let q: Tensor<4> = tensor(8, [2, 3, 10, 8], &device);
        let (k, v) = (tensor(9, [2, 3, 12, 8], &device), tensor(10, [2, 3, 12, 8], &device));
        let scores = q.clone().matmul(k.clone().swap_dims(2, 3)) / 8.0_f32.sqrt();
        let theirs = burn::tensor::activation::softmax(scores, 3).matmul(v.clone());
        let tokens = |x: Tensor<4>| {
            let [batch, heads, tokens, dim] = x.dims();
            x.swap_dims(1, 2).reshape([batch, tokens, heads * dim])
        };
        let ours = ops::attention(tokens(q), tokens(k), tokens(v), 3);
        close("attention", floats(ours).await, floats(tokens(theirs)).await);
    }
);

everywhere!(
    /// A number that is none must not become one.
    nan_stays_nan,
    async {
        for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
            let device = common::device(kind).await;
            let mut values = noise(1, 64 * 64);
            values[0] = f32::NAN;
            let x: Tensor<2> = Tensor::from_data(TensorData::new(values, [64, 64]), &device);
            let weight = Weight::F32(tensor(2, [64, 64], &device));
            let out = floats(ops::linear(x, &weight, &tensor(3, [64], &device), Activation::None)).await;
            assert!(out[..64].iter().all(|value| value.is_nan()), "{kind:?}: the first row must be NaN");
            assert!(out[64..].iter().all(|value| value.is_finite()), "{kind:?}: the other rows must not");
        }
    }
);
