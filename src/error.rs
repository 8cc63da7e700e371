//! What can go wrong, in words for the person in front of the screen and codes for programs.

use thiserror::Error;

/// Every failure of this crate. [`Error::code`] is stable and the same in Rust and JavaScript.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    #[error("This is not a JPEG, PNG or WebP image. Convert it to one of these and try again.")]
    UnsupportedImage,
    #[error("The image file is damaged or cut short ({0}). Try another copy of it.")]
    CorruptImage(String),
    #[error(
        "The image is {width} x {height} pixels; at most {limit_megapixels} megapixels and 65535 pixels a side can be handled. Scale it down and try again."
    )]
    ImageTooLarge { width: u32, height: u32, limit_megapixels: u32 },
    #[error("The image has no pixels.")]
    EmptyImage,
    #[error("The image is animated. Save one frame as a still image and try again.")]
    AnimatedImage,
    #[error("The image has 16 bits a channel. Save it with 8 bits a channel and try again.")]
    SixteenBitImage,
    #[error("The model file was not found: {0}")]
    ModelMissing(String),
    #[error("The model file is damaged or incomplete ({0}). Download it again.")]
    ModelCorrupt(String),
    #[error(
        "The model file is of another version: it has {found}, but this program reads {expected}. Use the model file that came with it."
    )]
    ModelVersion { found: String, expected: String },
    #[error("No usable GPU: {0}. Use the CPU instead.")]
    NoGpu(String),
    #[error("The GPU stopped working ({0}). Start again; if it happens again, use the CPU.")]
    DeviceLost(String),
    #[error("An option has a value that cannot be used: {0}.")]
    InvalidOption(String),
    #[error("The prompt cannot be used: {0}")]
    InvalidPrompt(String),
    #[error("The prompt covers no pixel of the image. Choose a region inside it.")]
    EmptyPrompt,
    #[error(
        "The prompt's mask is {mask_width} x {mask_height} pixels but the image is {width} x {height}."
    )]
    SizeMismatch { mask_width: u32, mask_height: u32, width: u32, height: u32 },
    #[error("The work was cancelled.")]
    Aborted,
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A short name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Error::UnsupportedImage => "unsupported-image",
            Error::CorruptImage(_) => "corrupt-image",
            Error::ImageTooLarge { .. } => "image-too-large",
            Error::EmptyImage => "empty-image",
            Error::AnimatedImage => "animated-image",
            Error::SixteenBitImage => "sixteen-bit-image",
            Error::ModelMissing(_) => "model-missing",
            Error::ModelCorrupt(_) => "model-corrupt",
            Error::ModelVersion { .. } => "model-version",
            Error::NoGpu(_) => "no-webgpu",
            Error::DeviceLost(_) => "device-lost",
            Error::InvalidOption(_) => "invalid-option",
            Error::InvalidPrompt(_) => "invalid-prompt",
            Error::EmptyPrompt => "empty-prompt",
            Error::SizeMismatch { .. } => "size-mismatch",
            Error::Aborted => "aborted",
            Error::Internal(_) => "internal",
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
