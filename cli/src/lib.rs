//! The terminal's commands and the tests share the making of model files.

pub mod convert;
