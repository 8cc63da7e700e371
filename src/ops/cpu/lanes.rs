//! Four floats in one register: the browser's 128-bit SIMD. Elsewhere an array, for tests.

#[cfg(target_family = "wasm")]
use std::arch::wasm32::{f32x4_splat, v128, v128_load, v128_store};

#[derive(Clone, Copy)]
pub struct Lanes(#[cfg(target_family = "wasm")] v128, #[cfg(not(target_family = "wasm"))] [f32; Self::COUNT]);

#[cfg(target_family = "wasm")]
impl Lanes {
    pub const COUNT: usize = 4;

    pub fn splat(value: f32) -> Self {
        Self(f32x4_splat(value))
    }

    /// The values from `index * COUNT` on.
    pub fn load<const N: usize>(values: &[f32; N], index: usize) -> Self {
        let values = &values[index * Self::COUNT..][..Self::COUNT];
        // SAFETY: there are as many, and the load needs no alignment.
        Self(unsafe { v128_load(values.as_ptr().cast()) })
    }

    pub fn store<const N: usize>(self, values: &mut [f32; N], index: usize) {
        let values = &mut values[index * Self::COUNT..][..Self::COUNT];
        // SAFETY: as for `load`.
        unsafe { v128_store(values.as_mut_ptr().cast(), self.0) }
    }

    /// `self * factor + sum`, in one step where the module is built for browsers that have it.
    #[cfg(target_feature = "relaxed-simd")]
    pub fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self(std::arch::wasm32::f32x4_relaxed_madd(self.0, factor.0, sum.0))
    }

    /// `self * factor + sum`.
    #[cfg(not(target_feature = "relaxed-simd"))]
    pub fn mul_add(self, factor: Self, sum: Self) -> Self {
        use std::arch::wasm32::{f32x4_add, f32x4_mul};
        Self(f32x4_add(f32x4_mul(self.0, factor.0), sum.0))
    }
}

#[cfg(not(target_family = "wasm"))]
impl Lanes {
    pub const COUNT: usize = 4;

    pub fn splat(value: f32) -> Self {
        Self([value; Self::COUNT])
    }

    pub fn load<const N: usize>(values: &[f32; N], index: usize) -> Self {
        Self(std::array::from_fn(|i| values[index * Self::COUNT + i]))
    }

    pub fn store<const N: usize>(self, values: &mut [f32; N], index: usize) {
        values[index * Self::COUNT..][..Self::COUNT].copy_from_slice(&self.0);
    }

    pub fn mul_add(self, factor: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + sum.0[i]))
    }
}
