//! The way of kernels to the GPU: recorded into one command buffer, submitted when somebody wants a result.
//!
//! burn owns the device and the memory of its tensors. Its own launcher is not used: it takes the compiler of burn's stock
//! kernels along, half of the browser module, and reports a failed shader on the console only.

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

/// Kernels in a command buffer: enough to be few submissions, few enough that the GPU starts while the next are recorded.
const KERNELS: usize = 192;
/// From one kernel's parameters to the next's: WebGPU's default alignment.
const PARAMS_STRIDE: usize = 256;

/// One device's work. All of it goes through here in order, so that memory which burn gives to another tensor is not
/// written before it was read.
pub struct Queue {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// What went wrong first; nothing computed since can be trusted.
    failure: Arc<Mutex<Option<String>>>,
    recorded: Mutex<Recorded>,
    f16: AtomicBool,
    /// Whether kernels are only planned: recorded with their memory, and not run.
    planning: AtomicBool,
}

struct Recorded {
    pipelines: HashMap<Shader, Pipeline>,
    /// The parameters of all kernels since the last submission, and the buffer that gets them.
    params: Vec<u8>,
    params_buffer: wgpu::Buffer,
    open: Option<(wgpu::CommandEncoder, wgpu::ComputePass<'static>)>,
    last: Option<wgpu::SubmissionIndex>,
    /// What [`Queue::pace`] has sent off and not waited for.
    paced: Option<Sent>,
    counters: Counters,
    #[cfg(not(target_family = "wasm"))]
    timer: Option<Timer>,
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
            f16: AtomicBool::new(false),
            planning: AtomicBool::new(false),
        };
        lock(&QUEUES).push((device.clone(), Arc::new(new)));
    }

    /// Gives back what is no longer of use once something has gone wrong.
    fn release(&self) {
        let recorded = &mut *lock(&self.recorded);
        recorded.open = None;
        recorded.pipelines = HashMap::new();
        recorded.params = Vec::new();
    }

    /// # Panics
    /// If nobody has registered the device.
    pub fn of(device: &CubeDevice) -> Arc<Self> {
        let queues = lock(&QUEUES);
        let found = queues.iter().find(|(registered, _)| registered == device);
        found.expect("a GPU is opened with `open_device` or registered").1.clone()
    }

    /// Records a kernel: bindings are the inputs, the output, then the parameters.
    pub fn record<P: Params>(
        &self,
        shader: Shader,
        workgroups: [usize; 3],
        inputs: &[CubeTensor],
        out: &CubeTensor,
        params: &P,
    ) {
        const { assert!(size_of::<P>() <= PARAMS_STRIDE, "a kernel's parameters must fit their place") };
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
        // A binding of vectors is a multiple of theirs; pages are of at least 256 bytes.
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

    /// So many floats on the device of another tensor.
    pub fn empty(like: &CubeTensor, length: usize) -> CubeTensor {
        let (client, device) = (like.client.clone(), like.device.clone());
        let handle = client.empty(length * size_of::<f32>());
        CubeTensor::new_contiguous(client, device, Shape::new([length]), handle, DType::F32)
    }

    /// Compiles shaders, each with its number of inputs, before they are needed, at the same time.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub async fn prepare(&self, mut shaders: Vec<(Shader, usize)>) -> Result<(), String> {
        shaders.retain(|(shader, _)| !lock(&self.recorded).pipelines.contains_key(shader));
        let drafts =
            shaders.iter().map(|(shader, inputs)| Draft::new(&self.device, shader, *inputs));
        let pipelines = compile_all(&self.device, &drafts.collect::<Vec<_>>()).await?;
        let shaders = shaders.into_iter().map(|(shader, _)| shader);
        lock(&self.recorded).pipelines.extend(shaders.zip(pipelines));
        self.check()
    }

    /// Whether products are of 16-bit floats.
    pub fn f16(&self) -> bool {
        self.f16.load(Ordering::Relaxed)
    }

    /// From now on; `false` if the device has none.
    pub fn use_f16(&self, f16: bool) -> bool {
        let f16 = f16 && self.device.features().contains(wgpu::Features::SHADER_F16);
        self.f16.store(f16, Ordering::Relaxed);
        f16
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
        let resource =
            tensor.client.get_resource::<WgpuServer<AutoCompiler>>(tensor.handle.clone());
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

    /// # Errors
    /// What went wrong first.
    pub fn check(&self) -> Result<(), String> {
        lock(&self.failure).clone().map_or(Ok(()), Err)
    }
}
