//! Own operations on burn tensors, each with a WGSL kernel (`shaders/`) and a twin on the CPU.
//!
//! burn's stock kernels are not used: without autotune they are slow in a browser, and some panic on adapters with wide subgroups. Everything here is
//! channels-last and 32-bit float; weights may be 8-bit or 4-bit. Outside of this folder nobody has to know of burn: tensors, which it keeps,
//! are only passed on.
//!
//! An operation is a file or a folder here, implements `op::Op` and stands in `OPERATIONS`; `docs/recipes.md` shows how to add one.

mod activation;
mod add;
mod arrange;
mod attention;
mod backend;
mod bits;
#[cfg(all(test, not(target_family = "wasm")))]
mod check;
mod cost;
mod cpu;
mod depthwise;
mod device;
mod gpu;
mod layer_norm;
mod matmul;
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
pub use bits::{Bits, GROUP};
pub use depthwise::depthwise3x3;
pub(crate) use device::plan_only;
pub use device::{counters, finish, is_sound, memory, throttle, use_f16, working_bytes};
pub use gpu::{Counters, Memory};
pub use layer_norm::layer_norm;
pub use matmul::{ConvWindow, conv2d, linear, linear_add, matmul_transposed};
pub use max_pool::max_pool;
pub use open::{Gpu, cpu, register_gpu};
pub use queries::{Suppress, positional_encoding, select_queries, suppress};
use registry::{Entry, entry};
#[cfg(all(test, not(target_family = "wasm")))]
pub(crate) use shader::broken;
pub use tensor::{flattened, read, read_all, ready, reshape, tensor};
pub use weight::Weight;
pub use windows::{from_windows, to_windows};

/// All operations: from here, their kernels are compiled ahead, and checked by tests.
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

/// Compiles what a network runs on a GPU, all at the same time, before it is needed: with weights of so many `bits` (beside floats),
/// attention heads of so many channels, and max pooling if it `pools`. What is left out is compiled when it is needed.
///
/// # Errors
/// [`crate::Error::NoGpu`] if the device does not take one of the shaders.
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
