//! What operations cost, for the profile.

/// The least that an operation has to compute, read and write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of multiplications and additions.
    pub flops: u64,
    /// The size of all tensors, each read or written once. The weights of products count as they
    /// are stored, without their scales.
    pub bytes: u64,
}
