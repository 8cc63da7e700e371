//! The way of kernels to the GPU: recorded into one command buffer, submitted when somebody wants a result.
//!
//! burn owns the device and the memory of its tensors. Its own launcher is not used: it takes the compiler of burn's stock
//! kernels along, half of the browser module, and reports a failed shader on the console only.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(not(target_family = "wasm"))]
use std::time::Duration;

use burn::tensor::wgpu::{WgpuSetup, wgpu};
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::wgpu::{AutoCompiler, WgpuResource, WgpuServer};
use burn_cubecl::tensor::CubeTensor;

use super::pipeline::{Draft, Pipeline, compile_all};
#[cfg(not(target_family = "wasm"))]
use super::timer::Timer;
use crate::ops::shader::Shader;

/// Kernels in a command buffer: enough to be few submissions, few enough that the GPU starts while the next are recorded.
const KERNELS: usize = 192;
/// From one kernel's numbers to the next's: WebGPU's default alignment.
const INFO_STRIDE: usize = 256;

/// One device's work. All of it goes through here in order, so that memory which burn gives to another tensor is not
/// written before it was read.
pub struct Queue {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// What went wrong first; nothing computed since can be trusted.
    failure: Arc<Mutex<Option<String>>>,
    recorded: Mutex<Recorded>,
    half: AtomicBool,
    /// Whether kernels are only planned: recorded with their memory, and not run.
    planning: AtomicBool,
}

struct Recorded {
    pipelines: HashMap<Shader, Pipeline>,
    /// The numbers of all kernels since the last submission, and the buffer that gets them.
    infos: Vec<u8>,
    info_buffer: wgpu::Buffer,
    open: Option<(wgpu::CommandEncoder, wgpu::ComputePass<'static>)>,
    last: Option<wgpu::SubmissionIndex>,
    /// What [`Queue::pace`] has sent off and not waited for.
    paced: Option<Sent>,
    counters: Counters,
    #[cfg(not(target_family = "wasm"))]
    timer: Option<Timer>,
}

/// Work on its way.
struct Sent {
    index: Option<wgpu::SubmissionIndex>,
    done: async_channel::Receiver<()>,
}

/// What a device was asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Command buffers.
    pub submissions: usize,
    /// Read-backs of results.
    pub reads: usize,
    /// Shaders that were compiled when they were needed, not ahead.
    pub late_pipelines: usize,
}

static QUEUES: Mutex<Vec<(CubeDevice, Arc<Queue>)>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes the first thing that goes wrong on a device.
fn watch(device: &wgpu::Device, failure: &Arc<Mutex<Option<String>>>) {
    let fail = || {
        let failure = failure.clone();
        move |text: String| {
            lock(&failure).get_or_insert(text);
        }
    };
    let (failed, lost) = (fail(), fail());
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| failed(error.to_string())));
    device.set_device_lost_callback(move |_, text| lost(format!("the device was lost: {text}")));
}

impl Queue {
    /// Makes `device`, which burn opened on `setup`, ready for own kernels. `beside` is another one on the same setup.
    pub fn register(device: &CubeDevice, setup: &WgpuSetup, beside: Option<&CubeDevice>) {
        // A wgpu device has one handler of errors, which burn sets whenever it opens the device: what goes wrong concerns all that is open there.
        let failure = beside.map_or_else(Arc::default, |other| Self::of(other).failure.clone());
        watch(&setup.device, &failure);
        let info_buffer = setup.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("kernels' numbers"),
            size: (KERNELS * INFO_STRIDE) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let recorded = Mutex::new(Recorded {
            pipelines: HashMap::new(),
            infos: Vec::new(),
            info_buffer,
            open: None,
            last: None,
            paced: None,
            counters: Counters::default(),
            #[cfg(not(target_family = "wasm"))]
            timer: None,
        });
        lock(&QUEUES)
            .iter()
            .filter(|(_, queue)| queue.check().is_err())
            .for_each(|(_, queue)| queue.release());
        let queue = setup.queue.clone();
        let new = Self {
            device: setup.device.clone(),
            queue,
            failure,
            recorded,
            half: AtomicBool::new(false),
            planning: AtomicBool::new(false),
        };
        lock(&QUEUES).push((device.clone(), Arc::new(new)));
    }

    /// Gives back what is no longer of use once something has gone wrong.
    fn release(&self) {
        let recorded = &mut *lock(&self.recorded);
        recorded.open = None;
        recorded.pipelines = HashMap::new();
        recorded.infos = Vec::new();
    }

    /// # Panics
    /// If nobody has registered the device.
    pub fn of(device: &CubeDevice) -> Arc<Self> {
        let queues = lock(&QUEUES);
        let found = queues.iter().find(|(registered, _)| registered == device);
        found.expect("a GPU is opened with `open_device` or registered").1.clone()
    }

    /// Records a kernel: bindings are the inputs, a fresh output of `length` floats, then `info`.
    pub fn record(
        &self,
        shader: Shader,
        groups: [usize; 3],
        inputs: &[&CubeTensor],
        length: usize,
        info: &[u32],
    ) -> CubeTensor {
        let out = Self::empty(inputs[0], length);
        self.record_into(shader, groups, inputs, &out, info);
        out
    }

    /// As [`Self::record`], but the output is there already.
    pub fn record_into(
        &self,
        shader: Shader,
        groups: [usize; 3],
        inputs: &[&CubeTensor],
        out: &CubeTensor,
        info: &[u32],
    ) {
        assert!(size_of_val(info) <= INFO_STRIDE, "a kernel's numbers must fit their place");
        let resources: Result<Vec<_>, _> =
            inputs.iter().copied().chain([out]).map(|tensor| self.resource(tensor)).collect();
        let Ok(resources) = resources else { return };
        let recorded = &mut *lock(&self.recorded);
        let offset = recorded.infos.len();
        recorded.infos.extend_from_slice(bytemuck::cast_slice(info));
        recorded.infos.resize(offset + INFO_STRIDE, 0);
        let binding = |buffer, offset, size| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: NonZeroU64::new(size) })
        };
        // A binding of vectors is a multiple of theirs; pages are of at least 256 bytes.
        let mut entries: Vec<_> =
            resources.iter().map(|r| binding(&r.buffer, r.offset, r.size.next_multiple_of(16))).collect();
        let size = size_of_val(info).next_multiple_of(16) as u64;
        entries.push(binding(&recorded.info_buffer, offset as u64, size));
        let entries: Vec<_> = (0..)
            .zip(entries)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        let counters = &mut recorded.counters;
        let pipeline = recorded.pipelines.entry(shader).or_insert_with_key(|shader| {
            counters.late_pipelines += 1;
            self.draft(shader).compile(&self.device)
        });
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.layout,
            entries: &entries,
        });
        let (_, pass) = recorded.open.get_or_insert_with(|| {
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            #[cfg(not(target_family = "wasm"))]
            let timestamp_writes = recorded.timer.as_ref().map(Timer::writes);
            #[cfg(target_family = "wasm")]
            let timestamp_writes = None;
            let wanted = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
            let pass = encoder.begin_compute_pass(&wanted).forget_lifetime();
            (encoder, pass)
        });
        pass.set_pipeline(&pipeline.pipeline);
        pass.set_bind_group(0, &group, &[]);
        if !self.planning.load(Ordering::Relaxed) {
            let [x, y, z] = groups.map(|count| count as u32);
            pass.dispatch_workgroups(x, y, z);
        }
        if recorded.infos.len() == KERNELS * INFO_STRIDE {
            self.submit(recorded, |_| ());
        }
    }

    /// So many floats on the device of another tensor.
    pub fn empty(like: &CubeTensor, length: usize) -> CubeTensor {
        let (client, device) = (like.client.clone(), like.device.clone());
        let handle = client.empty(length * size_of::<f32>());
        CubeTensor::new_contiguous(client, device, Shape::new([length]), handle, DType::F32)
    }

    /// Compiles shaders before they are needed, at the same time.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub async fn prepare(&self, mut shaders: Vec<Shader>) -> Result<(), String> {
        shaders.retain(|shader| !lock(&self.recorded).pipelines.contains_key(shader));
        let drafts: Vec<_> = shaders.iter().map(|shader| self.draft(shader)).collect();
        let pipelines = compile_all(&self.device, &drafts).await?;
        lock(&self.recorded).pipelines.extend(shaders.into_iter().zip(pipelines));
        self.check()
    }

    fn draft(&self, shader: &Shader) -> Draft {
        Draft::new(&self.device, shader)
    }

    /// Whether products are of 16-bit floats.
    pub fn half(&self) -> bool {
        self.half.load(Ordering::Relaxed)
    }

    /// From now on; `false` if the device has none.
    pub fn use_half(&self, half: bool) -> bool {
        let half = half && self.device.features().contains(wgpu::Features::SHADER_F16);
        self.half.store(half, Ordering::Relaxed);
        half
    }

    /// From now on no kernel runs: results mean nothing.
    pub fn plan_only(&self) {
        self.planning.store(true, Ordering::Relaxed);
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        lock(&self.recorded).counters
    }

    fn resource(&self, tensor: &CubeTensor) -> Result<WgpuResource, ()> {
        let resource = tensor.client.get_resource::<WgpuServer<AutoCompiler>>(tensor.handle.clone());
        // Out of memory, or lost: whoever reads a result hears of it.
        resource.map(|managed| managed.resource().clone()).map_err(|error| self.fail(&error))
    }

    fn fail(&self, error: &dyn std::fmt::Debug) {
        lock(&self.failure).get_or_insert_with(|| format!("{error:?}"));
    }

    /// Sends off what is recorded, then what `more` adds outside the pass.
    fn submit(&self, recorded: &mut Recorded, more: impl FnOnce(&mut wgpu::CommandEncoder)) {
        let mut encoder = match recorded.open.take() {
            Some((encoder, pass)) => {
                drop(pass);
                encoder
            }
            None => self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()),
        };
        more(&mut encoder);
        if !recorded.infos.is_empty() {
            self.queue.write_buffer(&recorded.info_buffer, 0, &recorded.infos);
            recorded.infos.clear();
        }
        recorded.last = Some(self.queue.submit([encoder.finish()]));
        recorded.counters.submissions += 1;
    }

    fn flush(&self) {
        let recorded = &mut *lock(&self.recorded);
        if recorded.open.is_some() {
            self.submit(recorded, |_| ());
        }
    }

    /// A tensor of four-byte values.
    pub fn upload(&self, device: &CubeDevice, bytes: &[u8], dtype: DType) -> CubeTensor {
        let client = device.client();
        let handle = client.empty(bytes.len());
        let shape = Shape::new([bytes.len() / 4]);
        let tensor = CubeTensor::new_contiguous(client, device.clone(), shape, handle, dtype);
        if let Ok(resource) = self.resource(&tensor) {
            // What is recorded may still read what the memory held before.
            self.flush();
            self.queue.write_buffer(&resource.buffer, resource.offset, bytes);
        }
        tensor
    }

    /// The values of tensors, in one read-back.
    ///
    /// # Errors
    /// What went wrong on the device, now or before.
    pub async fn read(&self, tensors: &[CubeTensor]) -> Result<Vec<Vec<f32>>, String> {
        let sizes: Vec<_> =
            tensors.iter().map(|tensor| tensor.meta.num_elements() * size_of::<f32>()).collect();
        let copy = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("results"),
            size: sizes.iter().sum::<usize>() as u64,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let resources: Result<Vec<_>, ()> = tensors.iter().map(|tensor| self.resource(tensor)).collect();
        if let Ok(resources) = resources {
            let recorded = &mut *lock(&self.recorded);
            recorded.counters.reads += 1;
            self.submit(recorded, |encoder| {
                let mut at = 0;
                for (from, &size) in resources.iter().zip(&sizes) {
                    encoder.copy_buffer_to_buffer(&from.buffer, from.offset, &copy, at, size as u64);
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

    /// Sends off what is recorded, and waits for what was sent off when this was called before.
    ///
    /// # Errors
    /// What went wrong on the device so far.
    pub async fn pace(&self) -> Result<(), String> {
        let sent = self.send();
        let before = lock(&self.recorded).paced.replace(sent);
        match before {
            Some(before) => self.wait(before).await,
            None => self.check(),
        }
    }

    /// Until all that was recorded is computed.
    ///
    /// # Errors
    /// What went wrong on the device, now or before.
    pub async fn finish(&self) -> Result<(), String> {
        let sent = self.send();
        lock(&self.recorded).paced = None;
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
            // The answer hangs on a later submission, of burn's.
            self.poll(None);
        }
        let finished = sent.done.recv().await.map_err(|_| "the device is gone".to_string());
        self.check()?;
        finished
    }

    /// How long the device takes for what `work` records: by its clock, or, without one, till it is finished.
    #[cfg(not(target_family = "wasm"))]
    pub fn timed<T>(&self, work: impl FnOnce() -> T) -> (T, Duration) {
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

    /// # Errors
    /// What went wrong first.
    pub fn check(&self) -> Result<(), String> {
        lock(&self.failure).clone().map_or(Ok(()), Err)
    }

    /// Natively callbacks are called from here, once a submission (or, of none, the last) is done; a browser calls them by itself.
    fn poll(&self, _submission: Option<wgpu::SubmissionIndex>) {
        #[cfg(not(target_family = "wasm"))]
        if let Err(error) =
            self.device.poll(wgpu::PollType::Wait { submission_index: _submission, timeout: None })
        {
            self.fail(&error);
        }
    }
}
