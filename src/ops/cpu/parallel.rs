//! Work split over threads where there are threads: natively. In a browser tab everything runs in one.

/// Calls `work(index, chunk)` for each chunk of `size` values (the last may be shorter).
#[cfg(not(target_family = "wasm"))]
pub fn for_each_chunk(values: &mut [f32], size: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    use rayon::prelude::*;
    values.par_chunks_mut(size).enumerate().for_each(|(index, chunk)| work(index, chunk));
}

#[cfg(target_family = "wasm")]
pub fn for_each_chunk(values: &mut [f32], size: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    // A function of its own for each chunk: a browser replaces its first, slow translation of a function only between calls, and
    // otherwise the first layers of the first photo would run in that to their ends.
    #[inline(never)]
    fn call(work: &impl Fn(usize, &mut [f32]), index: usize, chunk: &mut [f32]) {
        work(index, chunk);
    }
    values.chunks_mut(size).enumerate().for_each(|(index, chunk)| call(&work, index, chunk));
}
