//! Splits work over threads. Natively there are several; in a browser everything runs in one.

/// Calls `work(index, chunk)` for each chunk of `size` values. The last chunk may be shorter.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn for_each_chunk(
    values: &mut [f32],
    size: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    use rayon::prelude::*;
    values.par_chunks_mut(size).enumerate().for_each(|(index, chunk)| work(index, chunk));
}

/// Calls `work(index, chunk)` for each chunk of `size` values. The last chunk may be shorter.
#[cfg(target_family = "wasm")]
pub(crate) fn for_each_chunk(
    values: &mut [f32],
    size: usize,
    work: impl Fn(usize, &mut [f32]) + Sync,
) {
    // Each chunk gets a function call of its own. A browser replaces its first, slow translation of
    // a function only between calls, so without this the first layers of the first photo would run
    // slowly to their ends.
    #[inline(never)]
    fn call(work: &impl Fn(usize, &mut [f32]), index: usize, chunk: &mut [f32]) {
        work(index, chunk);
    }
    values.chunks_mut(size).enumerate().for_each(|(index, chunk)| call(&work, index, chunk));
}
