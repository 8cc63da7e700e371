//! What each operation costs, by layer: for `aims-web profile`. Where nobody measures, it costs a look at a flag.

use std::cell::RefCell;
use std::time::Duration;

#[cfg(not(target_family = "wasm"))]
use burn::backend::DispatchDevice;
use burn::tensor::Device;

use super::Memory;
#[cfg(not(target_family = "wasm"))]
use super::gpu::Queue;

/// One operation.
#[derive(Clone, Debug)]
pub struct Record {
    /// The names of [`layer`]s around it, the outermost first.
    pub layers: Vec<&'static str>,
    pub kernel: &'static str,
    pub cost: Cost,
    pub time: Duration,
    /// Of a GPU, after it.
    pub memory: Memory,
}

/// What an operation has to do at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiplications and additions.
    pub flops: u64,
    /// Of tensors, read and written once; weights of products as they are stored, without scales.
    pub bytes: u64,
}

#[derive(Default)]
struct Profile {
    layers: Vec<&'static str>,
    records: Vec<Record>,
}

thread_local! {
    static PROFILE: RefCell<Option<Profile>> = const { RefCell::new(None) };
}

/// Measures what this thread computes from now on: on a GPU by its timestamps where it has them, each operation by itself.
pub fn start() {
    PROFILE.set(Some(Profile::default()));
}

/// What was computed since [`start`], in order.
pub fn finish() -> Vec<Record> {
    PROFILE.take().map(|profile| profile.records).unwrap_or_default()
}

/// Names what is computed until the guard is dropped.
pub fn layer(name: &'static str) -> LayerGuard {
    PROFILE.with_borrow_mut(|profile| {
        if let Some(profile) = profile {
            profile.layers.push(name);
        }
    });
    LayerGuard(())
}

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

/// Does `work`, one operation on `device`, and notes it where somebody measures.
#[cfg(not(target_family = "wasm"))]
pub fn measured<T>(
    kernel: &'static str,
    device: &Device,
    cost: impl FnOnce() -> Cost,
    work: impl FnOnce() -> T,
) -> T {
    if PROFILE.with_borrow(Option::is_none) {
        return work();
    }
    let (result, time) = match device.as_dispatch() {
        DispatchDevice::Cube(device) => Queue::of(device).timed(work),
        _ => {
            let start = std::time::Instant::now();
            (work(), start.elapsed())
        }
    };
    PROFILE.with_borrow_mut(|profile| {
        if let Some(Profile { layers, records }) = profile {
            let memory = super::memory(device);
            records.push(Record { layers: layers.clone(), kernel, cost: cost(), time, memory });
        }
    });
    result
}

/// A browser has its own profiler.
#[cfg(target_family = "wasm")]
pub fn measured<T>(
    _kernel: &'static str,
    _device: &Device,
    _cost: impl FnOnce() -> Cost,
    work: impl FnOnce() -> T,
) -> T {
    work()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::ops::{Activation, Weight, linear};

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
        assert_eq!(records[0].cost, Cost { flops: 2 * 3 * 5 * 7, bytes: 4 * (3 * 5 + 3 * 7 + 7 * 5) });
        assert!(finish().is_empty());
    }
}
