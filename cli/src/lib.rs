//! What the terminal's commands and the tests share: how model files are made.

pub mod convert;
