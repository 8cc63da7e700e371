//! The making of model files, which the commands for the terminal and the tests share.

pub mod convert;
