//! How long the GPU takes for a command buffer, measured by its own clock.

use std::time::Duration;

use burn::tensor::wgpu::wgpu;

/// The times at which a compute pass begins and ends, in ticks of the GPU's clock.
pub(super) struct Timer {
    queries: wgpu::QuerySet,
}

impl Timer {
    /// A timer, or `None` if the device has no clock.
    pub(super) fn new(device: &wgpu::Device) -> Option<Self> {
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let (label, ty) = (Some("timer"), wgpu::QueryType::Timestamp);
        Some(Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor { label, ty, count: 2 }),
        })
    }

    /// What a compute pass needs to write its times.
    pub(super) fn writes(&self) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    /// How long the pass took. It must have been submitted.
    pub(super) fn elapsed(&self, device: &wgpu::Device, queue: &wgpu::Queue) -> Option<Duration> {
        const SIZE: u64 = 16;
        let buffer = |usage| {
            let (label, mapped_at_creation) = (Some("timer"), false);
            device.create_buffer(&wgpu::BufferDescriptor {
                label,
                size: SIZE,
                usage,
                mapped_at_creation,
            })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let copy = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.resolve_query_set(&self.queries, 0..2, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &copy, 0, SIZE);
        queue.submit([encoder.finish()]);
        copy.map_async(wgpu::MapMode::Read, .., |_| ());
        device.poll(wgpu::PollType::wait_indefinitely()).ok()?;
        let range = copy.get_mapped_range(..).ok()?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&range);
        let nanoseconds =
            ticks[1].saturating_sub(ticks[0]) as f64 * f64::from(queue.get_timestamp_period());
        Some(Duration::from_nanos(nanoseconds as u64))
    }
}
