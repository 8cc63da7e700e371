//! The queue of a GPU. Kernels are recorded into a command buffer, which is submitted when it is
//! full or when somebody wants a result.
//!
//! burn owns the device and the memory of its tensors. Its own launcher is not used: it pulls in
//! the compiler of burn's own kernels, which is half of the browser module, and it reports a failed
//! shader only on the console.

mod waiting;

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::tensor::wgpu::{WgpuSetup, wgpu};
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::wgpu::{AutoCompiler, WgpuResource, WgpuServer};
use burn_cubecl::tensor::CubeTensor;

use super::pipeline::{Draft, Pipeline, compile_all};
#[cfg(not(target_family = "wasm"))]
use super::timer::Timer;
use crate::ops::params::Params;
use crate::ops::shader::Shader;
use waiting::Sent;

/// The number of kernels in a command buffer. It is large enough that there are few submissions,
/// and small enough that the GPU starts while the next kernels are recorded.
const KERNELS: usize = 192;
/// The distance in bytes from one kernel's parameters to the next: WebGPU's default alignment.
const PARAMS_STRIDE: usize = 256;

/// The work of one device. All of it goes through here in order, so that memory which burn gives to
/// another tensor is not written before it has been read.
pub(crate) struct Queue {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// What went wrong first. Nothing computed since can be trusted.
    failure: Arc<Mutex<Option<String>>>,
    recorded: Mutex<Recorded>,
    f16: AtomicBool,
    /// Whether kernels are only planned, which means recorded with their memory but not run.
    planning: AtomicBool,
}

struct Recorded {
    pipelines: HashMap<Shader, Pipeline>,
    /// The parameters of all kernels since the last submission, and the buffer that they are
    /// written to.
    params: Vec<u8>,
    params_buffer: wgpu::Buffer,
    open: Option<(wgpu::CommandEncoder, wgpu::ComputePass<'static>)>,
    last: Option<wgpu::SubmissionIndex>,
    /// What [`Queue::throttle`] has sent and not yet waited for.
    throttled: Option<Sent>,
    counters: Counters,
    #[cfg(not(target_family = "wasm"))]
    timer: Option<Timer>,
}

/// What a device was asked to do so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The number of command buffers that were submitted.
    pub submissions: usize,
    /// The number of read-backs of results.
    pub reads: usize,
    /// The number of shaders that were compiled only when they were needed.
    pub late_pipelines: usize,
}

static QUEUES: Mutex<Vec<(CubeDevice, Arc<Queue>)>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the first error of a device in `failure`.
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
    /// Prepares `device`, which burn opened on `setup`, for the kernels of this program. `beside`
    /// is another device on the same setup.
    pub(crate) fn register(device: &CubeDevice, setup: &WgpuSetup, beside: Option<&CubeDevice>) {
        // A wgpu device has one error handler, and burn sets it each time it opens the device. So
        // an error concerns everything that is open there.
        let failure = beside.map_or_else(Arc::default, |other| Self::of(other).failure.clone());
        watch(&setup.device, &failure);
        let params_buffer = setup.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("kernels' parameters"),
            size: (KERNELS * PARAMS_STRIDE) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let recorded = Mutex::new(Recorded {
            pipelines: HashMap::new(),
            params: Vec::new(),
            params_buffer,
            open: None,
            last: None,
            throttled: None,
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
            f16: AtomicBool::new(false),
            planning: AtomicBool::new(false),
        };
        lock(&QUEUES).push((device.clone(), Arc::new(new)));
    }

    /// Frees what is no longer of use after a failure.
    fn release(&self) {
        let recorded = &mut *lock(&self.recorded);
        recorded.open = None;
        recorded.pipelines = HashMap::new();
        recorded.params = Vec::new();
    }

    /// The queue of a device.
    ///
    /// # Panics
    /// If the device has not been registered.
    pub(crate) fn of(device: &CubeDevice) -> Arc<Self> {
        let queues = lock(&QUEUES);
        let found = queues.iter().find(|(registered, _)| registered == device);
        found.expect("a GPU must be opened with `open_device` or registered").1.clone()
    }

    /// Records a kernel. Its bindings are the inputs, the output and the parameters, in this order.
    /// If there is no memory for a tensor, nothing is recorded, and the next call that reads or
    /// waits reports the error.
    pub(crate) fn record<P: Params>(
        &self,
        shader: Shader,
        workgroups: [usize; 3],
        inputs: &[CubeTensor],
        out: &CubeTensor,
        params: &P,
    ) {
        const { assert!(size_of::<P>() <= PARAMS_STRIDE, "a kernel's parameters are too large") };
        let resources: Result<Vec<_>, _> =
            inputs.iter().chain([out]).map(|tensor| self.resource(tensor)).collect();
        let Ok(resources) = resources else { return };
        let recorded = &mut *lock(&self.recorded);
        let offset = recorded.params.len();
        recorded.params.extend_from_slice(bytemuck::bytes_of(params));
        recorded.params.resize(offset + PARAMS_STRIDE, 0);
        let binding = |buffer, offset, size| {
            wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: NonZeroU64::new(size),
            })
        };
        // A binding of vectors must be a multiple of 16 bytes. Rounding up is safe, because pages
        // have at least 256 bytes.
        let mut entries: Vec<_> = resources
            .iter()
            .map(|r| binding(&r.buffer, r.offset, r.size.next_multiple_of(16)))
            .collect();
        let size = size_of::<P>().next_multiple_of(16) as u64;
        entries.push(binding(&recorded.params_buffer, offset as u64, size));
        let entries: Vec<_> = (0..)
            .zip(entries)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        let counters = &mut recorded.counters;
        let pipeline = recorded.pipelines.entry(shader).or_insert_with_key(|shader| {
            counters.late_pipelines += 1;
            Draft::new(&self.device, shader, inputs.len()).compile(&self.device)
        });
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.layout,
            entries: &entries,
        });
        let (_, pass) = recorded.open.get_or_insert_with(|| {
            let mut encoder =
                self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
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
            let [x, y, z] = workgroups.map(|count| count as u32);
            pass.dispatch_workgroups(x, y, z);
        }
        if recorded.params.len() == KERNELS * PARAMS_STRIDE {
            self.submit(recorded, |_| ());
        }
    }

    /// A new tensor of `length` floats, on the device of another tensor. Its values are undefined.
    pub(crate) fn empty(like: &CubeTensor, length: usize) -> CubeTensor {
        let (client, device) = (like.client.clone(), like.device.clone());
        let handle = client.empty(length * size_of::<f32>());
        CubeTensor::new_contiguous(client, device, Shape::new([length]), handle, DType::F32)
    }

    /// Compiles shaders, each given with its number of inputs, before they are needed and all at
    /// the same time.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) async fn prepare(&self, mut shaders: Vec<(Shader, usize)>) -> Result<(), String> {
        shaders.retain(|(shader, _)| !lock(&self.recorded).pipelines.contains_key(shader));
        let drafts =
            shaders.iter().map(|(shader, inputs)| Draft::new(&self.device, shader, *inputs));
        let pipelines = compile_all(&self.device, &drafts.collect::<Vec<_>>()).await?;
        let shaders = shaders.into_iter().map(|(shader, _)| shader);
        lock(&self.recorded).pipelines.extend(shaders.zip(pipelines));
        self.check()
    }

    /// Whether matrix products use 16-bit floats.
    pub(crate) fn f16(&self) -> bool {
        self.f16.load(Ordering::Relaxed)
    }

    /// Sets whether matrix products use 16-bit floats from now on, and returns whether they do. The
    /// answer is `false` if the device does not have them.
    pub(crate) fn use_f16(&self, f16: bool) -> bool {
        let f16 = f16 && self.device.features().contains(wgpu::Features::SHADER_F16);
        self.f16.store(f16, Ordering::Relaxed);
        f16
    }

    /// Stops kernels from running: from now on they are only recorded, and results mean nothing.
    pub(crate) fn plan_only(&self) {
        self.planning.store(true, Ordering::Relaxed);
    }

    /// What the device was asked to do so far.
    pub(crate) fn counters(&self) -> Counters {
        lock(&self.recorded).counters
    }

    fn resource(&self, tensor: &CubeTensor) -> Result<WgpuResource, ()> {
        let resource =
            tensor.client.get_resource::<WgpuServer<AutoCompiler>>(tensor.handle.clone());
        // The device is out of memory or lost. Whoever reads a result is told.
        resource.map(|managed| managed.resource().clone()).map_err(|error| self.fail(&error))
    }

    fn fail(&self, error: &dyn std::fmt::Debug) {
        lock(&self.failure).get_or_insert_with(|| format!("{error:?}"));
    }

    /// Submits what is recorded, followed by what `more` adds after the compute pass.
    fn submit(&self, recorded: &mut Recorded, more: impl FnOnce(&mut wgpu::CommandEncoder)) {
        let mut encoder = match recorded.open.take() {
            Some((encoder, pass)) => {
                drop(pass);
                encoder
            }
            None => self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()),
        };
        more(&mut encoder);
        if !recorded.params.is_empty() {
            self.queue.write_buffer(&recorded.params_buffer, 0, &recorded.params);
            recorded.params.clear();
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

    /// A tensor that holds these bytes, which are values of four bytes each.
    pub(crate) fn upload(&self, device: &CubeDevice, bytes: &[u8], dtype: DType) -> CubeTensor {
        let client = device.client();
        let handle = client.empty(bytes.len());
        let shape = Shape::new([bytes.len() / 4]);
        let tensor = CubeTensor::new_contiguous(client, device.clone(), shape, handle, dtype);
        if let Ok(resource) = self.resource(&tensor) {
            // Kernels that are recorded may still have to read what was in this memory before.
            self.flush();
            self.queue.write_buffer(&resource.buffer, resource.offset, bytes);
        }
        tensor
    }

    /// Whether the device has worked so far.
    ///
    /// # Errors
    /// What went wrong first.
    pub(crate) fn check(&self) -> Result<(), String> {
        lock(&self.failure).clone().map_or(Ok(()), Err)
    }
}
