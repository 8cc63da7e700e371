//! The operations of the network and of matting, on burn's tensors. Each has a WGSL kernel
//! (`shaders/`) and a CPU twin.
//!
//! burn's own kernels are not used: without autotune they are slow in a browser, and some panic on
//! adapters with wide subgroups. Here everything is channels-last and 32-bit float, except that
//! weights may have 8 or 4 bits. burn keeps the tensors. Code outside this folder only passes them
//! on, so it does not need to know burn.
//!
//! An operation is a file or a folder in here. It implements `op::Op` and is listed in `OPERATIONS`,
//! or in `OF_MATTING`. `docs/recipes.md` shows how to add one.

mod activation;
mod add;
mod arrange;
mod attention;
mod axpy;
mod backend;
mod bits;
#[cfg(all(test, not(target_family = "wasm")))]
mod check;
mod cost;
mod cpu;
mod depthwise;
mod device;
mod dot;
mod gpu;
mod layer_norm;
mod matmul;
mod matting;
mod max_pool;
mod op;
mod open;
mod params;
pub mod profile;
mod queries;
mod registry;
mod run;
mod shader;
mod template;
mod tensor;
mod weight;
mod windows;

pub use burn::tensor::{Device, Tensor};

use crate::error::Result;
pub use activation::Activation;
pub use add::{add, scale_add};
pub use arrange::{collect, concat, permute, repeat, slice, upsample_nearest};
pub use attention::{attention, biased_attention, fused_attention, self_attention};
pub use axpy::{Quotient, axpy};
pub use bits::{Bits, GROUP};
pub use depthwise::depthwise;
pub(crate) use device::plan_only;
pub use device::{counters, finish, is_sound, memory, throttle, use_f16, working_bytes};
pub use dot::dot;
pub use gpu::{Counters, Memory};
pub use layer_norm::layer_norm;
pub use matmul::{ConvWindow, conv2d, linear, linear_add, matmul_transposed};
pub use matting::{MattingInput, MattingSystem};
pub use max_pool::max_pool;
pub use open::{Gpu, cpu, register_gpu};
pub use queries::{Suppress, positional_encoding, select_queries, suppress};
use registry::{Entry, entry};
#[cfg(all(test, not(target_family = "wasm")))]
pub(crate) use shader::broken;
pub use tensor::{flattened, read, read_all, ready, reshape, tensor};
pub use weight::Weight;
pub use windows::{from_windows, to_windows};

/// The operations of networks. This list says which kernels are compiled ahead, and which the tests
/// check.
static OPERATIONS: &[Entry] = &[
    entry::<_, matmul::Matmul>(),
    entry::<_, attention::Attention>(),
    entry::<_, depthwise::Depthwise>(),
    entry::<_, max_pool::MaxPool>(),
    entry::<_, layer_norm::LayerNorm>(),
    entry::<_, add::Add>(),
    entry::<_, arrange::Arrange>(),
    entry::<_, windows::Windows>(),
    entry::<_, queries::SelectQueries>(),
    entry::<_, queries::Suppress>(),
    entry::<_, queries::PositionalEncoding>(),
];

/// The operations that only matting needs. The tests check them like those of networks. They are not
/// compiled when a network is loaded, because most users of a network make no careful mattes.
static OF_MATTING: &[Entry] = &[
    entry::<_, matting::Equations>(),
    entry::<_, matting::Product>(),
    entry::<_, dot::Dot>(),
    entry::<_, axpy::Axpy>(),
];

/// Compiles the kernels that a network runs on a GPU before they are needed, all at the same time.
/// On the CPU there is nothing to do.
///
/// The network has weights of these `bits` (and floats), attention heads with these numbers of
/// channels, and max pooling if `pools` is set. A kernel that is missing from these is compiled
/// when it is first needed.
///
/// # Errors
/// [`crate::Error::NoGpu`] if the device rejects one of the shaders.
pub async fn prepare(
    device: &Device,
    bits: &[Bits],
    head_channels: &[usize],
    pools: bool,
) -> Result<()> {
    let (bits, head_channels) = (bits.to_vec(), head_channels.to_vec());
    let network = shader::Network { bits, head_channels, pools, f16: false };
    device::compile(device, OPERATIONS, network).await
}

/// Compiles the kernels of matting on a GPU, all at the same time. Each is compiled only once, so
/// later calls return at once. On the CPU there is nothing to do.
///
/// # Errors
/// [`crate::Error::NoGpu`] if the device rejects one of the shaders.
pub async fn prepare_matting(device: &Device) -> Result<()> {
    device::compile(device, OF_MATTING, shader::Network::default()).await
}
