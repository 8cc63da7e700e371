// erf by Abramowitz and Stegun 7.1.26, |error| <= 1.5e-7. The CPU twin has another approximation of
// GELU (`src/ops/cpu/activation.rs`).
fn erf(x: vec4<f32>) -> vec4<f32> {
    let t = 1.0 / (1.0 + 0.3275911 * abs(x));
    let poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    return sign(x) * (1.0 - poly * exp(-x * x));
}

// `kind` is 0 for none, 1 for ReLU, 2 for GELU, and 3 for ReLU6.
fn activate(x: vec4<f32>, kind: u32) -> vec4<f32> {
    if (kind == 1u) {
        return max(x, vec4<f32>(0.0));
    }
    if (kind == 3u) {
        return clamp(x, vec4<f32>(0.0), vec4<f32>(6.0));
    }
    if (kind == 2u) {
        return 0.5 * x * (1.0 + erf(x * 0.70710678));
    }
    return x;
}
