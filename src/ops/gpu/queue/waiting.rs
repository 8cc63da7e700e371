//! Waiting for what a device was asked to do.

#[cfg(not(target_family = "wasm"))]
use std::time::Duration;

use burn::tensor::wgpu::wgpu;
use burn_cubecl::tensor::CubeTensor;

use super::{Queue, lock};
#[cfg(not(target_family = "wasm"))]
use crate::ops::gpu::timer::Timer;

/// Work that was sent to the GPU, and the message that it is done.
pub(super) struct Sent {
    index: Option<wgpu::SubmissionIndex>,
    done: async_channel::Receiver<()>,
}

impl Queue {
    /// Reads the values of tensors, in one read-back.
    ///
    /// # Errors
    /// What went wrong on the device, now or before.
    pub(crate) async fn read(&self, tensors: &[CubeTensor]) -> Result<Vec<Vec<f32>>, String> {
        let sizes: Vec<_> =
            tensors.iter().map(|tensor| tensor.meta.num_elements() * size_of::<f32>()).collect();
        let copy = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("results"),
            size: sizes.iter().sum::<usize>() as u64,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let resources: Result<Vec<_>, ()> =
            tensors.iter().map(|tensor| self.resource(tensor)).collect();
        if let Ok(resources) = resources {
            let recorded = &mut *lock(&self.recorded);
            recorded.counters.reads += 1;
            self.submit(recorded, |encoder| {
                let mut at = 0;
                for (from, &size) in resources.iter().zip(&sizes) {
                    encoder.copy_buffer_to_buffer(
                        &from.buffer,
                        from.offset,
                        &copy,
                        at,
                        size as u64,
                    );
                    at += size as u64;
                }
            });
        }
        let (done, wait) = async_channel::bounded(1);
        copy.map_async(wgpu::MapMode::Read, .., move |result| {
            done.try_send(result.map_err(|error| error.to_string())).ok();
        });
        self.poll(None);
        let mapped = wait.recv().await.map_err(|_| "the device is gone".to_string());
        self.check()?;
        mapped??;
        let range = copy.get_mapped_range(..).map_err(|error| error.to_string())?;
        let mut rest = &range[..];
        let values = sizes.iter().map(|&size| {
            let (own, others) = rest.split_at(size);
            rest = others;
            bytemuck::pod_collect_to_vec(own)
        });
        let values = values.collect();
        drop(range);
        copy.unmap();
        Ok(values)
    }

    /// Sends what is recorded, and waits until what the previous call sent is done.
    ///
    /// # Errors
    /// What has gone wrong on the device so far.
    pub(crate) async fn throttle(&self) -> Result<(), String> {
        let sent = self.send();
        let before = lock(&self.recorded).throttled.replace(sent);
        match before {
            Some(before) => self.wait(before).await,
            None => self.check(),
        }
    }

    /// Sends what is recorded, and waits until everything is done.
    ///
    /// # Errors
    /// What went wrong on the device, now or before.
    pub(crate) async fn finish(&self) -> Result<(), String> {
        let sent = self.send();
        lock(&self.recorded).throttled = None;
        self.wait(sent).await
    }

    fn send(&self) -> Sent {
        let recorded = &mut *lock(&self.recorded);
        if recorded.open.is_some() {
            self.submit(recorded, |_| ());
        }
        let (done, wait) = async_channel::bounded(1);
        self.queue.on_submitted_work_done(move || {
            done.try_send(()).ok();
        });
        Sent { index: recorded.last.clone(), done: wait }
    }

    async fn wait(&self, sent: Sent) -> Result<(), String> {
        self.poll(sent.index);
        if sent.done.is_empty() {
            // The message comes only with a later submission, which is one of burn's.
            self.poll(None);
        }
        let finished = sent.done.recv().await.map_err(|_| "the device is gone".to_string());
        self.check()?;
        finished
    }

    /// Does `work`, and measures how long the device takes for what it records. The time is taken
    /// from the device's clock. If there is none, it is the time until everything is done.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn timed<T>(&self, work: impl FnOnce() -> T) -> (T, Duration) {
        pollster::block_on(self.finish()).ok();
        lock(&self.recorded).timer = Timer::new(&self.device);
        let start = std::time::Instant::now();
        let result = work();
        pollster::block_on(self.finish()).ok();
        let elapsed = start.elapsed();
        let timer = lock(&self.recorded).timer.take();
        let own = timer.and_then(|timer| timer.elapsed(&self.device, &self.queue));
        (result, own.unwrap_or(elapsed))
    }

    /// Waits until a submission (without one, the last) is done. Natively, callbacks are called
    /// from here; a browser calls them by itself.
    fn poll(&self, _submission: Option<wgpu::SubmissionIndex>) {
        #[cfg(not(target_family = "wasm"))]
        if let Err(error) =
            self.device.poll(wgpu::PollType::Wait { submission_index: _submission, timeout: None })
        {
            self.fail(&error);
        }
    }
}
