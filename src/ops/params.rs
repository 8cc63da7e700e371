//! A kernel's parameters: the numbers that it gets in addition to its tensors.
//!
//! The same struct exists twice: in Rust, and as `Info` in WGSL. Its bytes are copied unchanged, so
//! both must have the same fields at the same offsets. `check.rs` compares them by name.

/// A struct that [`params`] defines. All its values are plain bytes.
pub(super) trait Params: bytemuck::Pod {
    /// The fields of the struct and where they lie, which a test compares with `Info`.
    #[cfg(test)]
    const LAYOUT: Layout;
}

/// Defines the struct of a kernel's parameters, laid out as in C, and records where its fields lie.
/// A field is a `u32`, an `f32` or an array of them. An array of four or eight is `vec4<u32>` or
/// `array<vec4<u32>, 2>` in WGSL.
macro_rules! params {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name {
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
pub(super) use layout::{Field, Layout, Scalar};

/// What the tests need to know about the structs.
#[cfg(test)]
mod layout {
    /// The layout of a struct.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Layout {
        pub size: usize,
        pub fields: &'static [Field],
    }

    /// A field of a struct. Its offset and size are in bytes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Field {
        pub name: &'static str,
        pub offset: usize,
        pub size: usize,
        pub scalar: Scalar,
    }

    /// The type of a field's numbers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Scalar {
        U32,
        F32,
    }

    impl Field {
        /// A field of this name, type and offset.
        pub(crate) const fn of<T: Value>(name: &'static str, offset: usize) -> Self {
            Self { name, offset, size: size_of::<T>(), scalar: T::SCALAR }
        }
    }

    /// A type that a field can have.
    pub(crate) trait Value {
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
