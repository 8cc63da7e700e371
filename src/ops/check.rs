//! Tests that every variant of every shader is valid WGSL and takes what its operation passes to
//! it. No device is needed, so they run in milliseconds.

use std::collections::HashMap;

use naga::proc::Layouter;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ScalarKind, StorageAccess, TypeInner};

use super::bits::Bits;
use super::params::{Field, Layout, Params, Scalar, params};
use super::registry::Entry;
use super::shader::{Network, Shader};
use super::template::SHARED;
use super::{OF_MATTING, OPERATIONS};

/// WebGPU's guaranteed number of threads in a workgroup.
const MOST_THREADS: u32 = 256;
/// WebGPU's guaranteed memory of a workgroup, in bytes.
const WORKGROUP_BYTES: u32 = 16_384;

/// All operations.
fn operations() -> impl Iterator<Item = &'static Entry> {
    OPERATIONS.iter().chain(OF_MATTING)
}

/// All variants of all kernels, each once, with its number of inputs and its parameters.
fn variants() -> HashMap<Shader, (usize, Layout)> {
    let mut all = HashMap::new();
    for is_f16 in [false, true] {
        // Heads of 64 channels are the smallest that are too large to share keys.
        let head_channels = vec![4, 16, 32, 64, 96, 128];
        let network = Network {
            bits: vec![Bits::Four, Bits::Eight],
            head_channels,
            pools: true,
            f16: is_f16,
        };
        for entry in operations() {
            for kernel in entry.kernels {
                let shaders = kernel.shaders(&network, kernel.vectors.all());
                all.extend(
                    shaders.into_iter().map(|shader| (shader, (entry.inputs, entry.params))),
                );
            }
        }
    }
    all
}

/// Checks that a device with WebGPU's default limits accepts the shader, and that it reads `inputs`
/// tensors and these parameters.
fn check(text: &str, inputs: usize, params: Layout) -> Result<(), String> {
    let module = naga::front::wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16);
    validator.validate(&module).map_err(|error| error.emit_to_string(text))?;
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).map_err(|error| error.to_string())?;

    let [entry] = &module.entry_points[..] else { return Err("it needs one entry point".into()) };
    let threads: u32 = entry.workgroup_size.iter().product();
    if entry.name != "main" || threads > MOST_THREADS {
        return Err(format!("the entry point {} has {threads} threads", entry.name));
    }
    let mut shared = 0;
    let mut bindings = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        if variable.space == AddressSpace::WorkGroup {
            shared += layouter[variable.ty].size;
        }
        if let Some(place) = &variable.binding {
            bindings.push((place.binding as usize, variable));
        }
    }
    if shared > WORKGROUP_BYTES {
        return Err(format!("a workgroup shares {shared} bytes, which is too much"));
    }
    bindings.sort_by_key(|(place, _)| *place);
    let reading = AddressSpace::Storage { access: StorageAccess::LOAD };
    let writing = AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
    let expected = std::iter::repeat_n(reading, inputs).chain([writing, AddressSpace::Uniform]);
    let found = bindings.iter().map(|(place, variable)| (*place, variable.space));
    if !found.clone().eq(expected.enumerate()) {
        return Err(format!("bindings {:?} for {inputs} inputs", found.collect::<Vec<_>>()));
    }
    let info = bindings[inputs + 1].1.ty;
    same_layout(&module, info, layouter[info].alignment.round_up(params.size as u32), params)
}

/// Checks that a struct of the shader has the same fields as one in Rust, at the same offsets, and
/// this size in bytes.
fn same_layout(
    module: &Module,
    info: naga::Handle<naga::Type>,
    size: u32,
    params: Layout,
) -> Result<(), String> {
    let TypeInner::Struct { members, span } = &module.types[info].inner else {
        return Err("the parameters are not a struct".into());
    };
    let mut found = Vec::new();
    for member in members {
        found.push((
            member.name.clone().unwrap_or_default(),
            member.offset as usize,
            module.types[member.ty].inner.size(module.to_ctx()) as usize,
            scalar(module, member.ty).ok_or("a field must consist of u32 or f32")?,
        ));
    }
    let of = |field: &Field| (field.name.to_string(), field.offset, field.size, field.scalar);
    let expected: Vec<_> = params.fields.iter().map(of).collect();
    if let Some((found, expected)) =
        found.iter().zip(&expected).find(|(found, expected)| found != expected)
    {
        return Err(format!("field {found:?} is {expected:?} in Rust"));
    }
    if (found.len(), *span) != (expected.len(), size) {
        return Err(format!(
            "{} fields, {span} bytes; in Rust {} fields, {size} bytes",
            found.len(),
            expected.len()
        ));
    }
    Ok(())
}

fn scalar(module: &Module, ty: naga::Handle<naga::Type>) -> Option<Scalar> {
    match module.types[ty].inner {
        TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. } => {
            match (scalar.kind, scalar.width) {
                (ScalarKind::Uint, 4) => Some(Scalar::U32),
                (ScalarKind::Float, 4) => Some(Scalar::F32),
                _ => None,
            }
        }
        TypeInner::Array { base, .. } => scalar(module, base),
        _ => None,
    }
}

#[test]
fn every_variant_takes_what_its_operation_hands_over() {
    for (shader, (inputs, params)) in variants() {
        let text = shader.text();
        assert!(
            !text.contains("{{") && !text.contains("//#"),
            "the template was not filled in completely: {text}"
        );
        if let Err(error) = check(&text, inputs, params) {
            panic!("{shader:?}: {error}");
        }
    }
}

/// A shader that belongs to no operation was forgotten in the registry.
#[test]
fn every_file_is_of_an_operation() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
    for file in std::fs::read_dir(folder).expect("the folder exists") {
        let path = file.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("the file is text");
        let kernels =
            operations().flat_map(|entry| entry.kernels).filter(|kernel| kernel.wgsl == text);
        let shared = SHARED.iter().filter(|(_, shared)| *shared == text);
        assert_eq!(kernels.count() + shared.count(), 1, "{}", path.display());
    }
}

#[test]
fn names_tell_kernels_apart() {
    let mut names: Vec<_> =
        operations().flat_map(|entry| entry.kernels).map(|kernel| kernel.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}

mod wrong {
    //! Tests that the check finds what it is meant to find.

    use super::*;

    const SHADER: &str = "
        struct Info { sizes: vec4<u32>, count: u32, scale: f32 }
        @group(0) @binding(0) var<storage, read> x: array<f32>;
        @group(0) @binding(1) var<storage, read_write> out: array<f32>;
        @group(0) @binding(2) var<uniform> info: Info;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
            if (i < info.count) { out[i] = info.scale * x[i] * f32(info.sizes.x); }
        }";

    params! {
        struct Right {
            sizes: [u32; 4],
            count: u32,
            scale: f32,
        }
    }

    params! {
        struct Swapped {
            sizes: [u32; 4],
            scale: f32,
            count: u32,
        }
    }

    params! {
        struct OtherType {
            sizes: [u32; 4],
            count: u32,
            scale: u32,
        }
    }

    params! {
        struct Shifted {
            sizes: [u32; 3],
            count: u32,
            scale: f32,
        }
    }

    params! {
        struct Short {
            sizes: [u32; 4],
            count: u32,
        }
    }

    params! {
        struct Long {
            sizes: [u32; 4],
            count: u32,
            scale: f32,
            more: u32,
        }
    }

    #[track_caller]
    fn refused(text: &str, inputs: usize, params: Layout, why: &str) {
        let error = check(text, inputs, params).expect_err(why);
        assert!(error.contains(why), "{error} instead of {why}");
    }

    #[test]
    fn layouts_are_refused() {
        check(SHADER, 1, Right::LAYOUT).expect("the layouts are the same");
        refused(
            SHADER,
            1,
            Swapped::LAYOUT,
            "(\"count\", 16, 4, U32) is (\"scale\", 16, 4, F32) in Rust",
        );
        refused(
            SHADER,
            1,
            OtherType::LAYOUT,
            "(\"scale\", 20, 4, F32) is (\"scale\", 20, 4, U32) in Rust",
        );
        refused(
            SHADER,
            1,
            Shifted::LAYOUT,
            "(\"sizes\", 0, 16, U32) is (\"sizes\", 0, 12, U32) in Rust",
        );
        refused(SHADER, 1, Short::LAYOUT, "3 fields, 32 bytes; in Rust 2 fields");
        refused(SHADER, 1, Long::LAYOUT, "3 fields, 32 bytes; in Rust 4 fields");
    }

    #[test]
    fn shaders_are_refused() {
        refused(SHADER, 2, Right::LAYOUT, "for 2 inputs");
        refused(&SHADER.replace("info.count", "info.number"), 1, Right::LAYOUT, "number");
        refused(&SHADER.replace("size(64)", "size(512)"), 1, Right::LAYOUT, "512 threads");
        let shared = "var<workgroup> sums: array<f32, 8192>;";
        let sharing = SHADER
            .replace("@compute", &format!("{shared} @compute"))
            .replace("x[i]", "(x[i] + sums[i])");
        refused(&sharing, 1, Right::LAYOUT, "32768 bytes");
    }
}
