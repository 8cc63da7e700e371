//! Kernels and their variants: one WGSL template, filled in for what a network and a device need.

use std::hash::{Hash, Hasher};

use super::bits::Bits;
use super::template::fill;

/// A WGSL template of `shaders/` and the variants that it comes in.
///
/// Workgroup sizes are fixed in the text and stay within WebGPU's default limits, whatever the adapter reports.
#[derive(Debug)]
pub struct Kernel {
    /// No two kernels have the same.
    pub name: &'static str,
    /// The entry point is `main`. Its bindings are the inputs, the output, and the parameters as the uniform `info`.
    pub wgsl: &'static str,
    pub vectors: Vectors,
    /// The settings that a network needs variants for.
    pub settings: fn(&Network) -> Vec<Settings>,
}

impl Kernel {
    /// The variants for a network, with and without vectors as asked.
    pub fn shaders(&'static self, network: &Network, vectors: &[bool]) -> Vec<Shader> {
        let variants = (self.settings)(network).into_iter();
        let of = |settings| {
            vectors.iter().map(move |&vectors| Shader { kernel: self, vectors, settings })
        };
        variants.flat_map(of).collect()
    }
}

/// Whether a kernel reads and writes four values at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectors {
    Always,
    Never,
    /// Where sizes allow it. Networks need both variants.
    Both,
    /// Where sizes allow it, which is so in all networks that there are. The other variant is compiled when it is needed.
    Mostly,
}

impl Vectors {
    /// The variants that are compiled ahead, those in vectors being `true`.
    pub fn ahead(self) -> &'static [bool] {
        match self {
            Vectors::Always | Vectors::Mostly => &[true],
            Vectors::Never => &[false],
            Vectors::Both => &[true, false],
        }
    }

    /// All variants.
    #[cfg(test)]
    pub fn all(self) -> &'static [bool] {
        if self == Vectors::Mostly { &[true, false] } else { self.ahead() }
    }
}

/// What the variants of kernels depend on.
#[derive(Clone, Debug)]
pub struct Network {
    /// Of quantised weights; there are always floats beside them.
    pub bits: Vec<Bits>,
    /// Of attention's heads.
    pub head_channels: Vec<usize>,
    /// Whether there is max pooling.
    pub pools: bool,
    /// Whether products are of 16-bit floats, on this device.
    pub f16: bool,
}

/// The numbers that a variant puts into its template. A setting that is not 0 is a flag, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings([(&'static str, u32); 4]);

impl Settings {
    /// Of a kernel that has none.
    pub const NONE: Self = Self([("", 0); 4]);

    /// # Panics
    /// If there are more than four.
    pub fn new(settings: &[(&'static str, usize)]) -> Self {
        let mut new = Self::NONE;
        for (i, &(name, value)) in settings.iter().enumerate() {
            new.0[i] = (name, value as u32);
        }
        new
    }

    /// For a kernel that every network needs, and that has none.
    pub fn none(_: &Network) -> Vec<Self> {
        vec![Self::NONE]
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.0.into_iter().filter(|(name, _)| !name.is_empty())
    }
}

/// One variant of a kernel: its text depends on nothing but this value.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    pub kernel: &'static Kernel,
    /// Whether tensors are read and written four values at a time.
    pub vectors: bool,
    pub settings: Settings,
}

impl Shader {
    /// In vectors where all `counts` (of values that are next to one another) allow it, and how many values are then read at a time.
    pub fn fitting(kernel: &'static Kernel, settings: Settings, counts: &[usize]) -> (Self, usize) {
        let vectors = counts.iter().all(|count| count.is_multiple_of(4));
        (Self { kernel, vectors, settings }, if vectors { 4 } else { 1 })
    }

    pub fn name(&self) -> &'static str {
        self.kernel.name
    }

    /// WGSL.
    pub fn text(&self) -> String {
        let (value, unit) = if self.vectors { ("vec4<f32>", 4) } else { ("f32", 1) };
        let mut values = vec![("value", value.to_string()), ("unit", unit.to_string())];
        values.extend(self.settings.iter().map(|(name, value)| (name, value.to_string())));
        let set = self.settings.iter().filter(|&(_, value)| value != 0).map(|(name, _)| name);
        let flags: Vec<_> = self.vectors.then_some("vectors").into_iter().chain(set).collect();
        let text = fill(self.kernel.wgsl, &values, &flags);
        #[cfg(test)]
        let text = broken::or_broken(self.name(), text);
        text
    }

    /// What tells variants apart.
    fn key(&self) -> (&'static str, bool, Settings) {
        (self.kernel.name, self.vectors, self.settings)
    }
}

impl PartialEq for Shader {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Shader {}

impl Hash for Shader {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
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
