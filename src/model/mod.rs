//! The network: MobileSAM's image encoder, prompt encoder and mask decoder, one definition for every device.
//!
//! Reference: the PyTorch code of MobileSAM and SAM (both Apache-2.0). Activations are channels-last
//! (`[batch, height, width, channels]`), unlike the reference.

mod aims;
mod bands;
mod config;
mod layers;
mod mask_decoder;
mod prompt_encoder;
mod sam;
mod tiny_vit;
mod transformer;
mod upscale;
pub(crate) mod weights;

pub use aims::{Aims, AimsConfig, AimsOutput, LevelOutput, sigmoid};
pub use config::HEAD_CHANNELS;
pub use mask_decoder::MaskPrediction;
pub use prompt_encoder::{PointLabel, PromptEncoder, PromptPoint};
pub use sam::{Embedding, Sam};
pub use tiny_vit::ImageFeatures;
pub use weights::{FORMAT_VERSION, MANIFEST_KEY, Manifest, Weights, data_sha256};
