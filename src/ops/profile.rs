//! What each operation costs, by layer, for the command `profile`. As long as nobody measures, this
//! costs only the check of a flag.

use std::cell::RefCell;
use std::time::Duration;

use burn_cubecl::CubeDevice;

pub use super::cost::Cost;
use super::gpu::Memory;
#[cfg(not(target_family = "wasm"))]
use super::gpu::{self, Queue};

/// One operation that was computed.
#[derive(Clone, Debug)]
pub struct Record {
    /// The names of the layers around it (see [`layer`]), the outermost first.
    pub layers: Vec<&'static str>,
    /// The name of the operation.
    pub kernel: &'static str,
    /// The least that it has to compute, read and write.
    pub cost: Cost,
    /// How long it took.
    pub time: Duration,
    /// The GPU's memory after it; zeros on the CPU.
    pub memory: Memory,
}

#[derive(Default)]
struct Profile {
    layers: Vec<&'static str>,
    records: Vec<Record>,
}

thread_local! {
    static PROFILE: RefCell<Option<Profile>> = const { RefCell::new(None) };
}

/// Starts to measure what this thread computes, each operation by itself. A GPU is measured by its
/// own timestamps if it has them.
pub fn start() {
    PROFILE.set(Some(Profile::default()));
}

/// Stops measuring, and returns what was computed since [`start`], in order.
pub fn finish() -> Vec<Record> {
    PROFILE.take().map(|profile| profile.records).unwrap_or_default()
}

/// Gives a name to everything that is computed until the guard is dropped.
pub fn layer(name: &'static str) -> LayerGuard {
    PROFILE.with_borrow_mut(|profile| {
        if let Some(profile) = profile {
            profile.layers.push(name);
        }
    });
    LayerGuard(())
}

/// The guard of a [`layer`].
#[must_use = "a layer ends where its guard is dropped"]
pub struct LayerGuard(());

impl Drop for LayerGuard {
    fn drop(&mut self) {
        PROFILE.with_borrow_mut(|profile| {
            if let Some(profile) = profile {
                profile.layers.pop();
            }
        });
    }
}

/// Does `work`, which is one operation on a GPU or the CPU, and records it if somebody measures.
#[cfg(not(target_family = "wasm"))]
pub(super) fn measured<T>(
    kernel: &'static str,
    gpu: Option<&CubeDevice>,
    cost: impl FnOnce() -> Cost,
    work: impl FnOnce() -> T,
) -> T {
    if PROFILE.with_borrow(Option::is_none) {
        return work();
    }
    let (result, time) = match gpu {
        Some(device) => Queue::of(device).timed(work),
        None => {
            let start = std::time::Instant::now();
            (work(), start.elapsed())
        }
    };
    PROFILE.with_borrow_mut(|profile| {
        if let Some(Profile { layers, records }) = profile {
            let memory = gpu.map(gpu::memory).unwrap_or_default();
            records.push(Record { layers: layers.clone(), kernel, cost: cost(), time, memory });
        }
    });
    result
}

/// Only does `work`: a browser has its own profiler.
#[cfg(target_family = "wasm")]
pub(super) fn measured<T>(
    _kernel: &'static str,
    _gpu: Option<&CubeDevice>,
    _cost: impl FnOnce() -> Cost,
    work: impl FnOnce() -> T,
) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Activation, Device, Tensor, Weight, linear};

    #[test]
    fn operations_are_noted_with_their_layers_while_someone_measures() {
        let device = Device::flex();
        let (x, bias) = (Tensor::<2>::ones([3, 5], &device), Tensor::ones([7], &device));
        let weight = Weight::F32(Tensor::ones([7, 5], &device));
        let run = || linear(x.clone(), &weight, &bias, Activation::None);
        run();
        start();
        let outer = layer("outer");
        {
            let _inner = layer("inner");
            run();
        }
        run();
        drop(outer);
        let records = finish();
        run();
        let paths: Vec<_> = records.iter().map(|record| record.layers.clone()).collect();
        assert_eq!(paths, [vec!["outer", "inner"], vec!["outer"]]);
        assert_eq!(records[0].kernel, "linear");
        assert_eq!(
            records[0].cost,
            Cost { flops: 2 * 3 * 5 * 7, bytes: 4 * (3 * 5 + 3 * 7 + 7 * 5) }
        );
        assert!(finish().is_empty());
    }
}
