//! Compares each GPU kernel with its CPU twin, at odd sizes and at the edges of tiles and
//! workgroups, and the CPU twins with burn's own operations.

use crate::common::{self, everywhere, floats, relative_errors};
use aims_web::DeviceKind;
use aims_web::ops::{self, Activation, Bits, ConvWindow, Weight};
use burn::tensor::{Device, Tensor};

/// Deterministic values from -1 to 1.
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

/// A tensor of deterministic values.
pub fn tensor<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    ops::tensor(noise(seed, shape.iter().product()), shape, device)
}

/// A quantised weight of deterministic values, `[outputs, inputs]`.
pub fn quantised(bits: Bits, seed: u64, outputs: usize, inputs: usize, device: &Device) -> Weight {
    let bytes: Vec<i8> = noise(seed, outputs * inputs * bits.count() / 8)
        .iter()
        .map(|v| (v * 128.0) as i8)
        .collect();
    let words: Vec<i32> = bytemuck::pod_collect_to_vec(&bytes);
    let largest = f32::powi(2.0, bits.count() as i32 - 1);
    let scales =
        noise(seed + 1, outputs * inputs / 32).iter().map(|v| v / largest).collect::<Vec<_>>();
    Weight::quantised(bits, words, scales, [outputs, inputs], device)
}

/// Runs an operation on both devices, and checks that the results agree.
pub async fn agree<const D: usize>(name: &str, run: impl Fn(&Device) -> Tensor<D>) {
    let gpu = floats(run(&common::device(DeviceKind::Gpu).await)).await;
    let cpu = floats(run(&common::device(DeviceKind::Cpu).await)).await;
    let (norm, largest) = relative_errors(&gpu, &cpu);
    assert!(norm < 1e-5 && largest < 1e-4, "{name}: {norm} {largest}");
}

everywhere!(linear_with_float_weights, async {
    for (rows, inputs, outputs) in
        [(1, 1, 1), (7, 27, 33), (63, 64, 65), (257, 255, 64), (64, 16, 256), (255, 36, 68)]
    {
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
    for (rows, inputs, outputs) in [(1, 32, 1), (65, 96, 63), (256, 256, 257), (257, 64, 256)] {
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
    /// The weights are the same on both devices, and they are the values that were packed.
    quantised_weights_are_unpacked_in_order,
    async {
        for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
            let device = common::device(kind).await;
            for bits in [Bits::Four, Bits::Eight] {
                let inputs = 64;
                let value = |i: usize| (i as i32 * 5) % 16 - 8;
                let words: Vec<i32> = (0..inputs / bits.per_u32())
                    .map(|word| {
                        let mask = (1_u32 << bits.count()) - 1;
                        let packed = (0..bits.per_u32()).map(|i| {
                            (value(word * bits.per_u32() + i) as u32 & mask) << (i * bits.count())
                        });
                        packed.sum::<u32>() as i32
                    })
                    .collect();
                let weight = Weight::quantised(bits, words, vec![0.5, -2.0], [1, inputs], &device);
                // There is a row for each input, with a one at the index of that input.
                let ones = (0..inputs * inputs).map(|i| f32::from(u8::from(i % (inputs + 1) == 0)));
                let x: Tensor<2> = ops::tensor(ones.collect(), [inputs, inputs], &device);
                let zero = ops::tensor(vec![0.0], [1], &device);
                let read = floats(ops::linear(x, &weight, &zero, Activation::None)).await;
                let scale = |i: usize| if i < 32 { 0.5 } else { -2.0 };
                let expected: Vec<f32> = (0..inputs).map(|i| value(i) as f32 * scale(i)).collect();
                assert_eq!(read, expected, "{kind:?} {bits:?}");
            }
        }
    }
);

everywhere!(batched_product, async {
    for (batch, rows, cols, depth) in
        [(1, 1, 1, 1), (3, 4, 257, 32), (2, 65, 63, 31), (2, 63, 68, 36)]
    {
        agree(&format!("product {batch}x{rows}x{cols}x{depth}"), |device| {
            let (a, b) =
                (tensor(1, [batch, rows, depth], device), tensor(2, [batch, cols, depth], device));
            ops::matmul_transposed(a, b)
        })
        .await;
    }
});

everywhere!(convolution, async {
    let same = ConvWindow { kernel: 3, stride: 1, padding: 1 };
    let halve = ConvWindow { kernel: 3, stride: 2, padding: 1 };
    let cells = ConvWindow { kernel: 2, stride: 2, padding: 0 };
    let patches = ConvWindow { kernel: 7, stride: 4, padding: 3 };
    for (size, inputs, outputs, window) in [
        (16, 3, 32, halve),
        (9, 32, 65, same),
        (8, 1, 4, cells),
        (5, 5, 7, halve),
        (17, 32, 64, same),
        (9, 4, 16, halve),
        (18, 3, 33, patches),
    ] {
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
    let after = ConvWindow { kernel: 3, stride: 2, padding: 0 };
    let uneven = ConvWindow { kernel: 5, stride: 2, padding: 1 };
    for (height, width, channels, window) in [
        (1, 1, 1, ConvWindow::centred(3, 1)),
        (7, 9, 65, ConvWindow::centred(3, 1)),
        (8, 6, 64, ConvWindow::centred(3, 2)),
        (5, 5, 3, ConvWindow::centred(3, 2)),
        (17, 15, 68, ConvWindow::centred(3, 1)),
        (8, 6, 32, after),
        (3, 1, 5, ConvWindow::centred(5, 1)),
        (9, 12, 64, ConvWindow::centred(5, 2)),
        (12, 7, 4, uneven),
    ] {
        agree(&format!("depthwise {height}x{width}x{channels} {window:?}"), |device| {
            let x = tensor(1, [2, height, width, channels], device);
            let taps = window.kernel * window.kernel;
            let weight = tensor(2, [taps, channels], device);
            ops::depthwise(x, &weight, &tensor(3, [channels], device), window, Activation::Relu6)
        })
        .await;
    }
});

everywhere!(max_pooling, async {
    // A row or column that is left over is dropped.
    for (height, width, channels) in [(2, 2, 1), (7, 9, 65), (8, 6, 64), (17, 16, 96)] {
        agree(&format!("max pooling {height}x{width}x{channels}"), |device| {
            ops::max_pool(tensor(1, [2, height, width, channels], device))
        })
        .await;
    }
});

everywhere!(nearest_upsampling, async {
    for (height, width, channels) in [(1, 1, 1), (3, 5, 7), (4, 2, 64)] {
        agree(&format!("upsampling {height}x{width}x{channels}"), |device| {
            ops::upsample_nearest(tensor(1, [2, height, width, channels], device))
        })
        .await;
    }
});

everywhere!(layer_norm, async {
    for (rows, channels) in [(1, 2), (65, 63), (3, 257), (66_000, 4), (255, 68), (257, 256)] {
        agree(&format!("layer norm {rows}x{channels}"), |device| {
            let x = tensor(1, [rows, channels], device) * 3.0 + 5.0;
            let (gamma, beta) = (tensor(2, [channels], device), tensor(3, [channels], device));
            ops::layer_norm(x, &gamma, &beta, 1e-5, Activation::Gelu)
        })
        .await;
    }
});

everywhere!(attention_with_shared_operands, async {
    for (batch, queries, keys, heads, dim) in [
        (1, 1, 1, 1, 4),
        (3, 7, 257, 8, 16),
        (2, 65, 33, 4, 32),
        (2, 16, 128, 2, 32),
        (1, 1, 1023, 1, 32),
    ] {
        for shared in [false, true] {
            agree(
                &format!("attention {batch}x{queries}x{keys}x{heads}x{dim} {shared}"),
                |device| {
                    let width = heads * dim;
                    let own = if shared { 1 } else { batch };
                    let q = tensor(1, [batch, queries, width], device) * 4.0;
                    let (k, v) = (
                        tensor(2, [own, keys, width], device),
                        tensor(3, [own, keys, width], device),
                    );
                    ops::attention(q, k, v, heads)
                },
            )
            .await;
        }
    }
});

everywhere!(attention_with_shared_bias, async {
    for (queries, keys, heads) in [(1, 1, 1), (65, 257, 5), (9, 255, 2)] {
        agree(&format!("biased attention {queries}x{keys}x{heads}"), |device| {
            let width = heads * 32;
            let q = tensor(1, [2, queries, width], device) * 3.0;
            let (k, v) = (tensor(2, [1, keys, width], device), tensor(3, [1, keys, width], device));
            // About two thirds of the keys are hidden from each query.
            let hidden = tensor::<2>(4, [queries, keys], device).lower_elem(0.3).float() * -1000.0;
            ops::biased_attention(q, k, v, hidden, heads)
        })
        .await;
    }
});

everywhere!(attention_on_a_fused_projection, async {
    // The sizes are those of Hiera's windows and whole images. Each is tested with its own queries
    // and with pooled ones.
    for (batch, tokens, heads, dim) in
        [(2, 64, 1, 96), (3, 196, 2, 96), (1, 1, 4, 96), (1, 1024, 1, 96), (2, 16, 3, 8)]
    {
        for pooled in [false, true] {
            agree(&format!("fused attention {batch}x{tokens}x{heads}x{dim} {pooled}"), |device| {
                let qkv = tensor(1, [batch, tokens, 3 * heads * dim], device) * 2.0;
                let queries = pooled
                    .then(|| tensor(2, [batch, tokens.div_ceil(4), heads * dim], device) * 2.0);
                ops::fused_attention(queries, qkv, heads)
            })
            .await;
        }
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
    /// The CPU twins are right, because burn's own operations, in their own layout, give the same.
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

        // burn's kernels are [outputs, inputs, ky, kx], and ours are [outputs, (ky, kx, inputs)].
        let options = |stride, groups| burn::tensor::ops::ConvOptions::new([stride, stride], [1, 1], [1, 1], groups);
        let (x, kernel) = (tensor(4, [2, 5, 11, 9], &device), tensor(5, [7, 5, 3, 3], &device));
        let theirs = burn::tensor::module::conv2d(x.clone(), kernel.clone(), None, options(2, 1));
        let weight = Weight::F32(kernel.permute([0, 2, 3, 1]).reshape([7, 45]));
        let window = ConvWindow { kernel: 3, stride: 2, padding: 1 };
        let zeros = Tensor::zeros([7], &device);
        let ours = ops::conv2d(x.permute([0, 2, 3, 1]), &weight, &zeros, window, Activation::None);
        close("convolution", floats(ours).await, floats(theirs.permute([0, 2, 3, 1])).await);

        for (kernel, stride) in [(3, 1), (3, 2), (5, 2)] {
            let (x, weight) = (tensor(6, [1, 6, 9, 7], &device), tensor(7, [6, 1, kernel, kernel], &device));
            let half = kernel / 2;
            let options = burn::tensor::ops::ConvOptions::new([stride, stride], [half, half], [1, 1], 6);
            let theirs = burn::tensor::module::conv2d(x.clone(), weight.clone(), None, options);
            let weight = weight.reshape([6, kernel * kernel]).transpose();
            let (window, zeros) = (ConvWindow::centred(kernel, stride), Tensor::zeros([6], &device));
            let ours = ops::depthwise(x.permute([0, 2, 3, 1]), &weight, &zeros, window, Activation::None);
            close("depthwise", floats(ours).await, floats(theirs.permute([0, 2, 3, 1])).await);
        }

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

        let (heads, dim) = (3, 8);
        let qkv: Tensor<3> = tensor(21, [2, 12, 3 * heads * dim], &device);
        let queries: Tensor<3> = tensor(22, [2, 5, heads * dim], &device);
        let split = |x: Tensor<3>| {
            let [batch, tokens, _] = x.dims();
            x.reshape([batch, tokens, heads, dim]).swap_dims(1, 2)
        };
        let part = |i: usize| split(qkv.clone().slice([0..2, 0..12, i * heads * dim..(i + 1) * heads * dim]));
        for own in [true, false] {
            let q = if own { part(0) } else { split(queries.clone()) };
            let scores = q.matmul(part(1).swap_dims(2, 3)) / (dim as f32).sqrt();
            let theirs = tokens(burn::tensor::activation::softmax(scores, 3).matmul(part(2)));
            let ours = ops::fused_attention((!own).then(|| queries.clone()), qkv.clone(), heads);
            close("fused attention", floats(ours).await, floats(theirs).await);
        }

        let same = async |name: &str, ours: Tensor<4>, theirs: Tensor<4>| {
            assert_eq!(ours.dims(), theirs.dims(), "{name}");
            assert_eq!(floats(ours).await, floats(theirs).await, "{name}");
        };
        let (x, y): (Tensor<4>, _) = (tensor(11, [2, 5, 3, 7], &device), tensor(12, [2, 5, 4, 7], &device));
        same("slice", ops::slice(&x, 1, 2..4), x.clone().slice([0..2, 2..4, 0..3, 0..7])).await;
        let three = vec![x.clone(), y.clone(), x.clone()];
        same("cat", ops::concat(three.clone(), 2), Tensor::cat(three, 2)).await;
        same("repeat", ops::repeat(x.clone(), 1, 3), x.clone().repeat_dim(1, 3)).await;
        same("permute", ops::permute(x.clone(), [2, 0, 3, 1]), x.clone().permute([2, 0, 3, 1])).await;
        let row: Tensor<4> = tensor(13, [1, 1, 3, 7], &device);
        same("add", ops::scale_add(x.clone(), 2.0, row.clone()), x.clone() * 2.0 + row).await;
        let channels_first = |x: Tensor<4>| x.permute([0, 3, 1, 2]);
        let pooled = burn::tensor::module::max_pool2d(channels_first(x.clone()), burn::tensor::ops::MaxPoolOptions::new([2, 2]));
        same("max pooling", ops::max_pool(x.clone()), pooled.permute([0, 2, 3, 1])).await;
        let twice = x.clone().reshape([10, 1, 3, 7]).repeat_dim(1, 2).reshape([60, 1, 1, 7]).repeat_dim(1, 2);
        same("upsampling", ops::upsample_nearest(x.clone()), twice.reshape([2, 10, 6, 7])).await;
        let padded = x.clone().pad([(0, 0), (0, 1), (0, 0), (0, 0)], 0.0);
        let windows = padded.reshape([2, 2, 3, 1, 3, 7]).swap_dims(2, 3).reshape([1, 4, 9, 7]);
        same("windows", ops::reshape(ops::to_windows(x.clone(), 3), [1, 4, 9, 7]), windows).await;
        same("windows and back", ops::from_windows(ops::to_windows(x.clone(), 3), 3, x.dims()), x).await;
    }
);

everywhere!(copies_and_sums, async {
    agree("slice", |device| ops::slice(&tensor(1, [3, 257, 5], device), 1, 254..257)).await;
    agree("cat", |device| {
        let part = |seed, length| tensor::<3>(seed, [3, length, 255], device);
        ops::concat(vec![part(1, 1), part(2, 4), part(3, 2)], 1)
    })
    .await;
    agree("repeat", |device| ops::repeat(tensor::<3>(1, [2, 3, 65], device), 0, 7)).await;
    agree("permute", |device| {
        ops::permute(tensor(1, [2, 3, 5, 2, 2, 3, 2], device), [0, 1, 3, 5, 2, 4, 6])
    })
    .await;
    agree("add", |device| {
        let (a, b): (Tensor<3>, Tensor<3>) =
            (tensor(1, [4, 85, 3], device), tensor(2, [1, 85, 3], device));
        ops::scale_add(a, -0.5, b)
    })
    .await;
    for (height, width, side) in [(7, 7, 7), (16, 13, 7), (1, 20, 3)] {
        let image = |device: &Device| tensor(1, [2, height, width, 33], device);
        agree("windows", |device| ops::to_windows(image(device), side)).await;
        agree("windows and back", |device| {
            let windows = ops::to_windows(image(device), side);
            ops::from_windows(windows, side, [2, height, width, 33])
        })
        .await;
    }
    // There are more threads than one axis of workgroups has.
    let large = |device: &Device| ops::repeat(tensor::<2>(1, [1, 4_195_000], device), 0, 2);
    agree("many values", |device| ops::slice(&large(device), 1, 4_194_900..4_195_000)).await;
});

everywhere!(places, async {
    for (width, height, levels) in [(4, 4, 1), (17, 9, 2), (8, 21, 1), (64, 64, 3)] {
        let places = width * height;
        let objectness = |device: &Device| tensor::<2>(1, [levels, places], device);
        let excluded = |device: &Device| {
            let shut = noise(2, places).into_iter().map(|value| f32::from(u8::from(value > 0.5)));
            ops::tensor(shut.collect(), [places], device)
        };
        agree("selected queries", |device| {
            let earlier = ops::tensor(vec![3.0, (places - 1) as f32], [2], device);
            let lower =
                ops::scale_add(objectness(device), 1.0, tensor::<2>(3, [levels, places], device));
            ops::select_queries(
                objectness(device),
                lower,
                excluded(device),
                Some(earlier),
                [height, width],
                16,
            )
        })
        .await;
        agree("the first queries", |device| {
            ops::select_queries(
                objectness(device),
                objectness(device),
                excluded(device),
                None,
                [height, width],
                3,
            )
        })
        .await;
        let spec = ops::Suppress {
            levels,
            width,
            height,
            queries: 3,
            outputs: 4,
            outputs_of: [0b1, 0b1010, 0b100, 0],
            confidence: 0.5,
            covered: 20.0,
        };
        agree("suppressed objectness", |device| {
            let logits = tensor(4, [3, 4, 2 * height, 2 * width], device);
            ops::suppress(objectness(device), logits, tensor(5, [3, 8], device), spec)
        })
        .await;
    }
    for channels in [6, 256] {
        agree("positional encoding", |device| {
            let index = ops::tensor(vec![48.0, 0.0, 2.0, 99.0], [4], device);
            let axis = |seed, length| tensor(seed, [length, channels], device);
            ops::positional_encoding(
                axis(1, 8),
                axis(2, 7),
                tensor(3, [channels], device),
                index,
                3,
            )
        })
        .await;
    }
});

everywhere!(
    /// Several tensors are read at once, with one read-back.
    read_together,
    async {
        for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
            let device = common::device(kind).await;
            let lengths = [1, 257, 64];
            let before = ops::counters(&device).reads;
            let tensors = lengths.map(|length| tensor::<1>(length as u64, [length], &device));
            let read = ops::read_all(tensors.to_vec()).await.expect("the device computes");
            assert_eq!(read, lengths.map(|length| noise(length as u64, length)), "{kind:?}");
            assert!(ops::counters(&device).reads <= before + 1, "{kind:?}: more than one read-back");
        }
    }
);

everywhere!(
    /// Memory that becomes free is given to other tensors only after all kernels that read it.
    order_is_kept,
    async {
        for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
            let device = common::device(kind).await;
            let one = |value: f32| ops::tensor::<2>(vec![value; 64], [1, 64], &device);
            let mut sum = one(0.0);
            for i in 0..300 {
                sum = ops::add(sum, one(i as f32));
            }
            assert_eq!(floats(sum).await, [44_850.0; 64], "{kind:?}");
        }
    }
);

everywhere!(
    /// NaN must not become a number.
    nan_stays_nan,
    async {
        for kind in [DeviceKind::Cpu, DeviceKind::Gpu] {
            let device = common::device(kind).await;
            let mut values = noise(1, 64 * 64);
            values[0] = f32::NAN;
            let x: Tensor<2> = ops::tensor(values, [64, 64], &device);
            let weight = Weight::F32(tensor(2, [64, 64], &device));
            let out = floats(ops::linear(x, &weight, &tensor(3, [64], &device), Activation::None)).await;
            assert!(out[..64].iter().all(|value| value.is_nan()), "{kind:?}: the first row must be NaN");
            assert!(out[64..].iter().all(|value| value.is_finite()), "{kind:?}: no other row may be NaN");
        }
    }
);

everywhere!(
    /// Work that the device refuses gives an error and not a wrong result. Here it needs more
    /// workgroups than WebGPU guarantees. Nothing computed on the device counts afterwards, and the
    /// next call that opens a device gets another one.
    #[cfg_attr(not(target_family = "wasm"), ignore = "spoils the device that the tests of a process share")]
    refused_work_is_an_error,
    async {
        let device = common::device(DeviceKind::Gpu).await;
        let x: Tensor<2> = ops::tensor(vec![1.0; 64 * 65_536], [64 * 65_536, 1], &device);
        let weight = Weight::F32(ops::tensor(vec![1.0], [1, 1], &device));
        let out = ops::linear(x, &weight, &ops::tensor(vec![0.0], [1], &device), Activation::None);
        let error = ops::read(out).await.expect_err("65,536 workgroups are too many");
        assert_eq!(error.code(), "device-lost");
        assert!(!ops::is_sound(&device));
        let other = aims_web::segmenter::open_device(DeviceKind::Gpu).await.expect("another one").0;
        assert_eq!(floats(ops::tensor(vec![2.0], [1], &other)).await, [2.0]);
    }
);
