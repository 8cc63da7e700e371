//! Query selection and suppression on the device itself, so that nobody has to wait for a read-back
//! between one round of queries and the next. This folder also has the positional encodings of the
//! selected queries.

mod positional_encoding;
mod select;
mod suppress;

pub use positional_encoding::{PositionalEncoding, positional_encoding};
pub use select::{SelectQueries, select_queries};
pub use suppress::{Suppress, suppress};
