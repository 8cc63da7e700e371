//! Where queries look: places are chosen, and covered by masks, on the device itself, so that nobody waits for a read-back
//! between one round of queries and the next.

mod positional_encoding;
mod select;
mod suppress;

pub use positional_encoding::{PositionalEncoding, positional_encoding};
pub use select::{SelectQueries, select_queries};
pub use suppress::{Suppress, suppress};
