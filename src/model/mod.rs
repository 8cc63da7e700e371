//! The network: SAM's image encoder, prompt encoder and mask decoder, EfficientNet, the AIMS head,
//! the semantic head and the scene head. There is one definition for all devices. The manifest of a
//! model file says which encoder it has and how large everything is.
//!
//! Reference: the PyTorch code of MobileSAM, SAM and SAM 2 (all Apache-2.0). Unlike there,
//! activations are channels-last (`[batch, height, width, channels]`).

mod aims;
mod attention;
mod bands;
mod efficient_net;
mod encoder;
mod hiera;
#[cfg(not(target_family = "wasm"))]
pub mod inputs;
mod layers;
pub(crate) mod manifest;
mod mask_decoder;
mod prompt_encoder;
mod sam;
mod scene_head;
mod semantic_head;
mod tiny_vit;
mod transformer;
mod upscale;
mod weights;

pub use aims::{Aims, AimsOutput, LevelOutput};
pub use efficient_net::{EfficientMaps, EfficientNet};
pub use encoder::{ImageFeatures, InputSize};
pub use manifest::{
    BottleneckStage, Description, EfficientNetConfig, FORMAT_VERSION, INPUT_SIZES, LevelsConfig,
    MANIFEST_KEY, Manifest, SceneConfig, SemanticConfig, is_input_size,
};
pub use mask_decoder::{MaskDecoder, MaskPrediction, MaskValues};
pub use prompt_encoder::{PointLabel, PromptEncoder, PromptPoint};
pub use sam::{Embedding, Sam};
pub use scene_head::{SceneHead, SceneInput};
pub use semantic_head::SemanticHead;
pub use weights::{Weights, data_sha256, floats};

/// The logistic function.
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
