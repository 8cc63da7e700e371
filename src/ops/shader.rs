//! Kernels and their variants. A kernel is a WGSL template; a variant is the template filled in as
//! a network and a device need it.

use std::hash::{Hash, Hasher};

use super::bits::Bits;
use super::template::fill;

/// A WGSL template of `shaders/`, and what variants of it there are.
///
/// Workgroup sizes are fixed in the text and stay within WebGPU's default limits, whatever the
/// adapter reports.
#[derive(Debug)]
pub(super) struct Kernel {
    /// The name, which is different for each kernel.
    pub name: &'static str,
    /// The template. The entry point is `main`. The bindings are the inputs, the output, and the
    /// parameters as the uniform `info`.
    pub wgsl: &'static str,
    /// Whether there are variants that read and write four values at a time.
    pub vectors: Vectors,
    /// The settings for which a network needs variants.
    pub settings: fn(&Network) -> Vec<Settings>,
}

impl Kernel {
    /// The variants that a network needs, one for each entry of `vectors` and each of its settings.
    pub(super) fn shaders(&'static self, network: &Network, vectors: &[bool]) -> Vec<Shader> {
        let variants = (self.settings)(network).into_iter();
        let of = |settings| {
            vectors.iter().map(move |&vectors| Shader { kernel: self, vectors, settings })
        };
        variants.flat_map(of).collect()
    }
}

/// Whether a kernel reads and writes four values at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vectors {
    Always,
    Never,
    /// It does if the sizes are multiples of four. Networks need both variants.
    Both,
    /// It does if the sizes are multiples of four, which they are in all current networks. The
    /// other variant is compiled when it is first needed.
    Mostly,
}

impl Vectors {
    /// The values of [`Shader::vectors`] for the variants that are compiled ahead.
    pub(super) fn ahead(self) -> &'static [bool] {
        match self {
            Vectors::Always | Vectors::Mostly => &[true],
            Vectors::Never => &[false],
            Vectors::Both => &[true, false],
        }
    }

    /// The values of [`Shader::vectors`] for all variants.
    #[cfg(test)]
    pub(super) fn all(self) -> &'static [bool] {
        if self == Vectors::Mostly { &[true, false] } else { self.ahead() }
    }
}

/// What the variants of kernels depend on.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    /// The bits of quantised weights. Every network also has weights that are floats.
    pub bits: Vec<Bits>,
    /// The numbers of channels of attention heads.
    pub head_channels: Vec<usize>,
    /// Whether the network has max pooling.
    pub pools: bool,
    /// Whether matrix products use 16-bit floats on this device.
    pub f16: bool,
}

/// The numbers that a variant puts into its template, by name. A setting that is not 0 is also a
/// flag for `//#if`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Settings([(&'static str, u32); 4]);

impl Settings {
    /// The settings of a kernel that has none.
    pub(super) const NONE: Self = Self([("", 0); 4]);

    /// Settings from pairs of name and value.
    ///
    /// # Panics
    /// If there are more than four.
    pub(super) fn new(settings: &[(&'static str, usize)]) -> Self {
        let mut new = Self::NONE;
        for (i, &(name, value)) in settings.iter().enumerate() {
            new.0[i] = (name, value as u32);
        }
        new
    }

    /// The value of [`Kernel::settings`] for a kernel that has none and that every network needs.
    pub(super) fn none(_: &Network) -> Vec<Self> {
        vec![Self::NONE]
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.0.into_iter().filter(|(name, _)| !name.is_empty())
    }
}

/// One variant of a kernel. Its text depends only on this value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shader {
    /// The kernel that it is a variant of.
    pub kernel: &'static Kernel,
    /// Whether tensors are read and written four values at a time.
    pub vectors: bool,
    /// The numbers and flags that fill in the template.
    pub settings: Settings,
}

impl Shader {
    /// The variant for these settings, and how many values it reads at a time. It reads four at a
    /// time if all `counts` (the lengths of runs of adjacent values) are multiples of four.
    pub(super) fn fitting(
        kernel: &'static Kernel,
        settings: Settings,
        counts: &[usize],
    ) -> (Self, usize) {
        let vectors = counts.iter().all(|count| count.is_multiple_of(4));
        (Self { kernel, vectors, settings }, if vectors { 4 } else { 1 })
    }

    /// The name of the kernel.
    pub(super) fn name(&self) -> &'static str {
        self.kernel.name
    }

    /// The WGSL text.
    pub(super) fn text(&self) -> String {
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

    /// What distinguishes variants.
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

/// Lets tests break a shader, to check that it yields an error instead of a result.
#[cfg(test)]
pub(crate) mod broken {
    use std::cell::Cell;

    /// What is wrong with a broken shader.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Fault {
        /// The text is not valid WGSL.
        Syntax,
        /// The bindings of the entry point are wrong.
        Bindings,
    }

    thread_local! {
        /// The name of the shader that is broken in this thread, and its fault.
        pub static BROKEN: Cell<Option<(&'static str, Fault)>> = const { Cell::new(None) };
    }

    /// The text of a shader, broken if a test asked for it.
    pub(crate) fn or_broken(name: &str, text: String) -> String {
        match BROKEN.get() {
            Some((broken, fault)) if broken == name => match fault {
                Fault::Syntax => text + "}",
                Fault::Bindings => text.replace("@binding(0)", "@binding(9)"),
            },
            _ => text,
        }
    }
}
