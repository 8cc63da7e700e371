//! Where queries look: places are chosen, and covered by masks, on the device itself, so that nobody waits for a read-back
//! between one round of queries and the next.

mod choose;
mod codes;
mod cover;

pub use choose::{Choose, choose_places};
pub use codes::{Codes, place_codes};
pub use cover::{Cover, cover};
