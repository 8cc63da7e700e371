//! The WGSL templates of `shaders/` and how they are filled in.
//!
//! Workgroup sizes are fixed in the text and stay within WebGPU's default limits, whatever the adapter reports.

use burn_cubecl::cubecl::{CubeDim, prelude::KernelId};
use burn_cubecl::template::{KernelSource, SourceTemplate};

use super::spec::{Activation, Bits};

/// One specialisation of a shader: its text depends on nothing but this value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shader {
    Matmul { bits: Option<Bits>, patches: bool, activation: Activation },
    Attention { dim: usize },
    Depthwise { activation: Activation },
    LayerNorm { activation: Activation },
}

impl Shader {
    fn text(&self) -> String {
        let activation = |activation| ("activation", code(activation).to_string());
        match *self {
            Shader::Matmul { bits, patches, activation: kind } => fill(
                include_str!("../../shaders/matmul.wgsl"),
                &[
                    ("bits", bits.map_or(32, Bits::count).to_string()),
                    ("patches", patches.to_string()),
                    activation(kind),
                ],
            ),
            Shader::Attention { dim } => fill(
                include_str!("../../shaders/attention.wgsl"),
                &[("dim", dim.to_string()), ("dim4", (dim / 4).to_string())],
            ),
            Shader::Depthwise { activation: kind } => {
                fill(include_str!("../../shaders/depthwise.wgsl"), &[activation(kind)])
            }
            Shader::LayerNorm { activation: kind } => {
                fill(include_str!("../../shaders/layer_norm.wgsl"), &[activation(kind)])
            }
        }
    }

    pub fn workgroup(&self) -> CubeDim {
        match self {
            Shader::Matmul { .. } => CubeDim::new_2d(8, 8),
            _ => CubeDim::new_1d(64),
        }
    }
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(self.text())
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info(self.clone())
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

fn code(activation: Activation) -> u32 {
    match activation {
        Activation::None => 0,
        Activation::Relu => 1,
        Activation::Gelu => 2,
    }
}

/// Includes what is shared, puts in the values and unrolls.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = template.replace("//#include activation", include_str!("../../shaders/activation.wgsl"));
    for (name, value) in values {
        text = text.replace(&placeholder(name), value);
    }
    unroll(&text)
}

/// Repeats the lines between `//#repeat NAME COUNT` and `//#end`, with NAME in double braces counting from 0.
///
/// Values that a loop would keep in an array thus get names, and with them registers: compilers do not reliably unroll.
fn unroll(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(arguments) = line.trim().strip_prefix("//#repeat ") {
            let (name, count) = arguments.split_once(' ').expect("//#repeat NAME COUNT");
            let count: usize = count.parse().expect("COUNT is a number");
            let body: Vec<_> = lines.by_ref().take_while(|line| line.trim() != "//#end").collect();
            for i in 0..count {
                for line in &body {
                    out += &line.replace(&placeholder(name), &i.to_string());
                    out.push('\n');
                }
            }
        } else {
            out += line;
            out.push('\n');
        }
    }
    out
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
        assert_eq!(unroll(text), "a\n  x0 = 0u;\n  x1 = 1u;\nb\n");
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let activation = Activation::Gelu;
        for shader in [
            Shader::Matmul { bits: Some(Bits::Eight), patches: true, activation },
            Shader::Matmul { bits: Some(Bits::Four), patches: false, activation },
            Shader::Attention { dim: 32 },
            Shader::Depthwise { activation },
            Shader::LayerNorm { activation },
        ] {
            let text = shader.text();
            assert!(!text.contains("{{") && !text.contains("//#"), "{text}");
        }
    }
}
