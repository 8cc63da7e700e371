//! What is known of an operation without its numbers. This is enough to compile its kernels ahead
//! and to check them.

use super::op::Op;
#[cfg(test)]
use super::params::{Layout, Params};
use super::shader::{Kernel, Network, Shader};

/// One operation of the list.
pub(super) struct Entry {
    /// How many tensors the operation reads.
    pub inputs: usize,
    /// The kernels that it chooses from.
    pub kernels: &'static [Kernel],
    /// The layout of the kernels' parameters.
    #[cfg(test)]
    pub params: Layout,
}

/// The entry of an operation's type.
pub(super) const fn entry<const INPUTS: usize, T: Op<INPUTS>>() -> Entry {
    Entry {
        inputs: INPUTS,
        kernels: T::KERNELS,
        #[cfg(test)]
        params: T::Params::LAYOUT,
    }
}

/// The shaders that a network runs on a GPU and that are compiled ahead, each with its number of
/// inputs.
pub(super) fn ahead(operations: &[Entry], network: &Network) -> Vec<(Shader, usize)> {
    let mut shaders = Vec::new();
    for Entry { inputs, kernels, .. } in operations {
        let own = kernels.iter().flat_map(|kernel| kernel.shaders(network, kernel.vectors.ahead()));
        shaders.extend(own.map(|shader| (shader, *inputs)));
    }
    shaders
}
