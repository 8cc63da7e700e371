use super::activation::activate;
use super::lanes::Lanes;
use super::parallel::for_each_chunk;
use crate::ops::DepthwiseSpec;

/// Channels summed at a time.
const LANES: usize = REGISTERS * Lanes::COUNT;
const REGISTERS: usize = 4;

/// See [`DepthwiseSpec`]; `x` is `[batch, height, width, channels]`, `w` is `[9, channels]`.
pub fn depthwise(x: &[f32], w: &[f32], bias: &[f32], spec: &DepthwiseSpec) -> Vec<f32> {
    let DepthwiseSpec { in_height, in_width, channels, stride, .. } = *spec;
    let (out_height, out_width) = (spec.out_height(), spec.out_width());
    let mut out = vec![0.0; spec.batch * out_height * out_width * channels];
    if out.is_empty() {
        return out;
    }
    for_each_chunk(&mut out, out_width * channels, |line, out| {
        let (batch, y) = (line / out_height, line % out_height);
        let image = &x[batch * in_height * in_width * channels..];
        for (x, out) in out.chunks_mut(channels).enumerate() {
            // The pixels under the window that lie in the image, each with its weights.
            let mut taps = [(bias, bias); 9];
            let mut count = 0;
            for (tap, w) in w.chunks(channels).enumerate() {
                // Shifted by the padding: valid input lines are 1..=in_height.
                let (in_y, in_x) = (y * stride + tap / 3, x * stride + tap % 3);
                if (1..=in_height).contains(&in_y) && (1..=in_width).contains(&in_x) {
                    let from = ((in_y - 1) * in_width + in_x - 1) * channels;
                    taps[count] = (&image[from..][..channels], w);
                    count += 1;
                }
            }
            out.copy_from_slice(bias);
            add_products(out, &taps[..count]);
        }
        activate(out, spec.activation);
    });
    out
}

/// Adds to each channel the products of pixels and weights, `LANES` channels at a time: their sums stay in registers.
fn add_products(out: &mut [f32], taps: &[(&[f32], &[f32])]) {
    let (chunks, rest) = out.as_chunks_mut::<LANES>();
    let whole = chunks.len() * LANES;
    for (i, out) in chunks.iter_mut().enumerate() {
        let mut sums: [Lanes; REGISTERS] = std::array::from_fn(|register| Lanes::load(out, register));
        for (pixel, w) in taps {
            let chunk = |values: &[f32]| -> [f32; LANES] {
                values[i * LANES..][..LANES].try_into().expect("cut to this length")
            };
            let (pixel, w) = (chunk(pixel), chunk(w));
            for (register, sum) in sums.iter_mut().enumerate() {
                *sum = Lanes::load(&pixel, register).mul_add(Lanes::load(&w, register), *sum);
            }
        }
        sums.iter().enumerate().for_each(|(register, sum)| sum.store(out, register));
    }
    for (pixel, w) in taps {
        let products = pixel[whole..].iter().zip(&w[whole..]);
        rest.iter_mut().zip(products).for_each(|(sum, (value, w))| *sum += value * w);
    }
}
