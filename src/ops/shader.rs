//! The WGSL templates of `shaders/` and how they are filled in.
//!
//! Workgroup sizes are fixed in the text and stay within WebGPU's default limits, whatever the adapter reports.

use super::spec::Bits;

/// One specialisation of a shader: its text depends on nothing but this value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shader {
    pub kernel: Kernel,
    /// Whether tensors are read and written four values at a time.
    pub vectors: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    Matmul {
        bits: Option<Bits>,
        patches: bool,
        /// For devices that have 16-bit floats.
        half: bool,
    },
    /// Always in vectors. For `few` queries its threads share the keys.
    Attention {
        dim: usize,
        few: bool,
    },
    Depthwise,
    MaxPool,
    LayerNorm,
    Add,
    Arrange,
    Windows {
        merge: bool,
    },
    Choose,
    Cover,
    Codes,
}

impl Shader {
    pub fn name(&self) -> &'static str {
        match self.kernel {
            Kernel::Matmul { .. } => "matmul",
            Kernel::Attention { few: false, .. } => "attention",
            Kernel::Attention { few: true, .. } => "attention of few queries",
            Kernel::Depthwise => "depthwise",
            Kernel::MaxPool => "max pool",
            Kernel::LayerNorm => "layer norm",
            Kernel::Add => "add",
            Kernel::Arrange => "arrange",
            Kernel::Windows { .. } => "windows",
            Kernel::Choose => "choose",
            Kernel::Cover => "cover",
            Kernel::Codes => "codes",
        }
    }

    /// Tensors that are read: the first bindings. The output follows, then numbers.
    pub fn inputs(&self) -> u32 {
        match self.kernel {
            Kernel::Matmul { .. } => 5,
            Kernel::Attention { .. } | Kernel::Choose | Kernel::Codes => 4,
            Kernel::Depthwise | Kernel::LayerNorm | Kernel::Cover => 3,
            Kernel::Add => 2,
            Kernel::Arrange | Kernel::Windows { .. } | Kernel::MaxPool => 1,
        }
    }

    /// WGSL; the entry point is `main`.
    pub fn text(&self) -> String {
        let template = match self.kernel {
            Kernel::Matmul { .. } => include_str!("../../shaders/matmul.wgsl"),
            Kernel::Attention { few: false, .. } => include_str!("../../shaders/attention.wgsl"),
            Kernel::Attention { few: true, .. } => include_str!("../../shaders/attention_few.wgsl"),
            Kernel::Depthwise => include_str!("../../shaders/depthwise.wgsl"),
            Kernel::MaxPool => include_str!("../../shaders/max_pool.wgsl"),
            Kernel::LayerNorm => include_str!("../../shaders/layer_norm.wgsl"),
            Kernel::Add => include_str!("../../shaders/add.wgsl"),
            Kernel::Arrange => include_str!("../../shaders/arrange.wgsl"),
            Kernel::Windows { .. } => include_str!("../../shaders/windows.wgsl"),
            Kernel::Choose => include_str!("../../shaders/choose.wgsl"),
            Kernel::Cover => include_str!("../../shaders/cover.wgsl"),
            Kernel::Codes => include_str!("../../shaders/codes.wgsl"),
        };
        let (value, unit) = if self.vectors { ("vec4<f32>", 4) } else { ("f32", 1) };
        let mut flags = Vec::new();
        if self.vectors {
            flags.push("vectors");
        }
        let mut values = vec![("value", value.to_string()), ("unit", unit.to_string())];
        match self.kernel {
            Kernel::Matmul { bits, patches, half } => {
                values.push(("tile", if half { "vec4<f16>" } else { "vec4<f32>" }.to_string()));
                if half {
                    flags.push("half");
                }
                values.push(("bits", bits.map_or(32, Bits::count).to_string()));
                values.push(("weight", if bits.is_some() { "u32" } else { value }.to_string()));
                if bits.is_some() {
                    flags.push("packed");
                }
                if patches {
                    flags.push("patches");
                }
            }
            Kernel::Attention { dim, .. } => {
                values.push(("dim", dim.to_string()));
                values.push(("dim4", (dim / 4).to_string()));
                values.push(("keys", tile_keys(dim).to_string()));
            }
            Kernel::Windows { merge: true } => flags.push("merge"),
            _ => {}
        }
        let text = fill(template, &values, &flags);
        #[cfg(test)]
        let text = broken::or_broken(self.name(), text);
        text
    }
}

/// Tests break a shader, to see that no result comes of it.
#[cfg(test)]
pub mod broken {
    use std::cell::Cell;

    #[derive(Clone, Copy, Debug)]
    pub enum Fault {
        /// No WGSL.
        Syntax,
        /// WGSL whose entry point takes other bindings.
        Bindings,
    }

    thread_local! {
        /// The name of the shader that is broken in this thread.
        pub static BROKEN: Cell<Option<(&'static str, Fault)>> = const { Cell::new(None) };
    }

    pub fn or_broken(name: &str, text: String) -> String {
        match BROKEN.get() {
            Some((broken, fault)) if broken == name => match fault {
                Fault::Syntax => text + "}",
                Fault::Bindings => text.replace("@binding(0)", "@binding(9)"),
            },
            _ => text,
        }
    }
}

/// Keys, with their values, that a workgroup of attention shares at a time.
fn tile_keys(dim: usize) -> usize {
    // Half of the 16 KiB that every device has for a workgroup, and no more than are worth it.
    (WORKGROUP_BYTES / 2 / (dim * size_of::<f32>())).min(32)
}

/// Memory of a workgroup that WebGPU guarantees.
pub const WORKGROUP_BYTES: usize = 16_384;

/// What shaders share: a line `//#include NAME` stands for it.
const SHARED: [(&str, &str); 3] = [
    ("activation", include_str!("../../shaders/activation.wgsl")),
    ("attention_operands", include_str!("../../shaders/attention_operands.wgsl")),
    ("folded", include_str!("../../shaders/folded.wgsl")),
];

/// Includes what is shared, puts in the values, chooses and unrolls.
fn fill(template: &str, values: &[(&str, String)], flags: &[&str]) -> String {
    let mut text = template.to_string();
    for (name, shared) in SHARED {
        text = text.replace(&format!("//#include {name}\n"), shared);
    }
    for (name, value) in values {
        text = text.replace(&placeholder(name), value);
    }
    expand(&mut text.lines(), flags).0
}

/// Lines up to the `//#else` or `//#end` that belongs to them, and that directive. Inside:
///
/// * `//#if FLAG`, perhaps `//#else`, `//#end` keeps one of the two parts;
/// * `//#repeat NAME COUNT`, `//#end` writes the lines out with NAME in double braces counting from 0. Values that a loop would
///   keep in an array thus get names, and with them registers: compilers do not reliably unroll.
fn expand<'a>(lines: &mut std::str::Lines<'a>, flags: &[&str]) -> (String, &'a str) {
    let mut out = String::new();
    while let Some(line) = lines.next() {
        let directive = line.trim();
        if let Some(flag) = directive.strip_prefix("//#if ") {
            let (chosen, end) = expand(lines, flags);
            let other = if end == "//#else" { expand(lines, flags).0 } else { String::new() };
            out += if flags.contains(&flag) { &chosen } else { &other };
        } else if let Some(arguments) = directive.strip_prefix("//#repeat ") {
            let (name, count) = arguments.split_once(' ').expect("//#repeat NAME COUNT");
            let count: usize = count.parse().expect("COUNT is a number");
            let body = expand(lines, flags).0;
            (0..count).for_each(|i| out += &body.replace(&placeholder(name), &i.to_string()));
        } else if directive == "//#else" || directive == "//#end" {
            return (out, directive);
        } else {
            out += line;
            out.push('\n');
        }
    }
    (out, "")
}

fn placeholder(name: &str) -> String {
    format!("{{{{{name}}}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_written_out() {
        let text = "a\n  //#repeat i 2\n  x{{i}} = {{i}}u;\n  //#end\nb\n";
        assert_eq!(fill(text, &[], &[]), "a\n  x0 = 0u;\n  x1 = 1u;\nb\n");
    }

    #[test]
    fn parts_are_chosen() {
        let text = "//#if a\n1\n//#if b\n2\n//#else\n3\n//#end\n//#else\n4\n//#end\n5\n";
        assert_eq!(fill(text, &[], &["a", "b"]), "1\n2\n5\n");
        assert_eq!(fill(text, &[], &["a"]), "1\n3\n5\n");
        assert_eq!(fill(text, &[], &["b"]), "4\n5\n");
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for kernel in [
            Kernel::Matmul { bits: Some(Bits::Eight), patches: true, half: true },
            Kernel::Matmul { bits: Some(Bits::Four), patches: false, half: false },
            Kernel::Matmul { bits: None, patches: false, half: false },
            Kernel::Attention { dim: 32, few: false },
            Kernel::Attention { dim: 16, few: true },
            Kernel::Attention { dim: 96, few: false },
            Kernel::Depthwise,
            Kernel::MaxPool,
            Kernel::LayerNorm,
            Kernel::Add,
            Kernel::Arrange,
            Kernel::Windows { merge: true },
            Kernel::Choose,
            Kernel::Cover,
            Kernel::Codes,
        ] {
            for vectors in [false, true] {
                let text = Shader { kernel, vectors }.text();
                assert!(!text.contains("{{") && !text.contains("//#"), "{text}");
            }
        }
    }
}
