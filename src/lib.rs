//! Part, entity and relation masks from a photo.
//!
//! A [`Segmenter`] loads the network on a device and encodes photos. On an encoded photo it answers
//! any number of prompts, each with a [`Scene`]. `docs/architecture.md` describes how a photo goes
//! through the folders.

#![warn(missing_docs, unreachable_pub)]

pub mod candidates;
pub mod edges;
pub mod error;
pub mod level;
pub mod levels;
pub mod mask;
pub mod model;
pub mod ops;
pub mod photo;
pub mod progress;
pub mod segmenter;
#[cfg(target_family = "wasm")]
pub mod web;

pub use error::{Error, Result};
pub use level::Level;
pub use levels::{Mask, Scene};
pub use progress::Progress;
pub use segmenter::{
    Adapter, Compute, DeviceKind, EncodedPhoto, GridOptions, Plan, Point, PointPrompt, Precision,
    Prompt, Request, Segmenter,
};
