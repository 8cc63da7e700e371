//! Compiling shaders to compute pipelines, one by one or many at the same time.

use burn::tensor::wgpu::wgpu;

use crate::ops::shader::Shader;

/// A compiled shader, and the layout of its bindings.
pub(super) struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// Everything that a pipeline is made from. A draft is quick to make, but compiling it may take
/// long.
pub(super) struct Draft {
    name: &'static str,
    module: wgpu::ShaderModule,
    group_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
}

impl Draft {
    /// The draft of a shader that reads `inputs` tensors.
    pub(super) fn new(device: &wgpu::Device, shader: &Shader, inputs: usize) -> Self {
        let name = shader.name();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(shader.text().into()),
        });
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let types = std::iter::repeat_n(storage(true), inputs);
        let types = types.chain([storage(false), wgpu::BufferBindingType::Uniform]);
        let entries: Vec<_> = (0..)
            .zip(types)
            .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        let group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(name),
            entries: &entries,
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(name),
            bind_group_layouts: &[Some(&group_layout)],
            immediate_size: 0,
        });
        Self { name, module, group_layout, layout }
    }

    /// Compiles the pipeline.
    pub(super) fn compile(&self, device: &wgpu::Device) -> Pipeline {
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(self.name),
            layout: Some(&self.layout),
            module: &self.module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        Pipeline { pipeline, layout: self.group_layout.clone() }
    }
}

/// Compiles many pipelines at the same time.
///
/// # Errors
/// None: natively, errors reach the device's handler.
#[cfg(not(target_family = "wasm"))]
pub(super) async fn compile_all(
    device: &wgpu::Device,
    drafts: &[Draft],
) -> Result<Vec<Pipeline>, String> {
    use rayon::prelude::*;
    Ok(drafts.par_iter().map(|draft| draft.compile(device)).collect())
}

/// Compiles many pipelines at the same time.
///
/// Only the asynchronous call of a browser does so; the other one compiles them one after the
/// other. `wgpu` does not offer the asynchronous call. So this function replaces the browser's
/// `createComputePipeline` and lets `wgpu` call it twice for each pipeline: first it starts the
/// asynchronous call and answers with a stand-in, and then it answers with the finished pipeline.
///
/// # Errors
/// What the browser reports.
#[cfg(target_family = "wasm")]
pub(super) async fn compile_all(
    device: &wgpu::Device,
    drafts: &[Draft],
) -> Result<Vec<Pipeline>, String> {
    use js_sys::{Array, Function, Object, Promise, Reflect};
    use wasm_bindgen::prelude::*;
    use wasm_bindgen_futures::JsFuture;

    type Answer = Closure<dyn FnMut(JsValue) -> JsValue>;
    let message = |error: JsValue| String::from(Object::from(error).to_string());
    let device_object: JsValue =
        device.as_webgpu().ok_or("this is not a browser's device")?.clone().into();
    let method = JsValue::from("createComputePipeline");
    let object: &Object = device_object.unchecked_ref();
    let answer = |with: &Answer| {
        Reflect::set(&device_object, &method, with.as_ref()).map(drop).map_err(message)
    };
    let restore = || Reflect::delete_property(object, &method).map(drop).map_err(message);
    let compile = || drafts.iter().map(|draft| draft.compile(device)).collect::<Vec<_>>();

    let asynchronous: Function = Reflect::get(&device_object, &"createComputePipelineAsync".into())
        .map_err(message)?
        .unchecked_into();
    let promises = Array::new();
    let (asked, this) = (promises.clone(), device_object.clone());
    let ask: Answer = Closure::new(move |descriptor: JsValue| {
        let promise = asynchronous.call1(&this, &descriptor);
        asked.push(&promise.unwrap_or_else(|error| Promise::reject(&error).into()));
        Object::new().into()
    });
    answer(&ask)?;
    drop(compile());
    restore()?;
    let ready: Array =
        JsFuture::from(Promise::all(&promises)).await.map_err(message)?.unchecked_into();

    let mut next = 0;
    let hand_over: Answer = Closure::new(move |_| {
        next += 1;
        ready.get(next - 1)
    });
    answer(&hand_over)?;
    let pipelines = compile();
    restore()?;
    Ok(pipelines)
}
