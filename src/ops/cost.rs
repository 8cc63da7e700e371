//! What operations cost, for the profiler.

/// What an operation has to do at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiplications and additions.
    pub flops: u64,
    /// Of tensors, read and written once; weights of products as they are stored, without scales.
    pub bytes: u64,
}
