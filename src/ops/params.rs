//! A kernel's parameters: the numbers that it gets beside its tensors.
//!
//! They are a struct twice, in Rust and as `Info` in WGSL. The bytes are handed over as they are, so both must have the same fields in the
//! same places; `check.rs` compares them by name.

/// A struct that [`params`] defines. Any value of it is plain bytes.
pub trait Params: bytemuck::Pod {
    #[cfg(test)]
    const LAYOUT: Layout;
}

/// Defines the struct of a kernel's parameters, laid out as in C, and notes where its fields lie. A field is a `u32`, an `f32` or an array of them;
/// in WGSL, `vec4<u32>` or `array<vec4<u32>, 2>` are arrays of four and eight.
macro_rules! params {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::ops::params::Params for $name {
            #[cfg(test)]
            const LAYOUT: $crate::ops::params::Layout = $crate::ops::params::Layout {
                size: size_of::<$name>(),
                fields: &[$($crate::ops::params::Field::of::<$type>(
                    stringify!($field),
                    std::mem::offset_of!($name, $field),
                )),*],
            };
        }
    };
}
pub(super) use params;

#[cfg(test)]
pub use layout::{Field, Layout, Scalar};

/// What a test has to know of the structs.
#[cfg(test)]
mod layout {
    #[derive(Clone, Copy, Debug)]
    pub struct Layout {
        pub size: usize,
        pub fields: &'static [Field],
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Field {
        pub name: &'static str,
        pub offset: usize,
        pub size: usize,
        pub scalar: Scalar,
    }

    /// What a field consists of.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Scalar {
        U32,
        F32,
    }

    impl Field {
        pub const fn of<T: Value>(name: &'static str, offset: usize) -> Self {
            Self { name, offset, size: size_of::<T>(), scalar: T::SCALAR }
        }
    }

    pub trait Value {
        const SCALAR: Scalar;
    }

    impl Value for u32 {
        const SCALAR: Scalar = Scalar::U32;
    }

    impl Value for f32 {
        const SCALAR: Scalar = Scalar::F32;
    }

    impl<T: Value, const N: usize> Value for [T; N] {
        const SCALAR: Scalar = T::SCALAR;
    }
}
