//! Query selection and suppression on the device itself, so that nobody has to wait for a read-back
//! between one round of queries and the next. This folder also has the positional encodings of the
//! selected queries.

mod positional_encoding;
mod select;
mod suppress;

pub(super) use positional_encoding::PositionalEncoding;
pub use positional_encoding::positional_encoding;
pub(super) use select::SelectQueries;
pub use select::select_queries;
pub use suppress::{Suppress, suppress};
