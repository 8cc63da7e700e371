//! Everything that can go wrong: a text for the person in front of the screen and a code for
//! programs.

use thiserror::Error;

/// Every failure of this crate. Its [`code`](Error::code) is stable and the same in Rust and
/// JavaScript.
#[derive(Debug, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the message of each variant describes it and its fields")]
pub enum Error {
    /// The file is not an image, or not one of a kind that is decoded.
    #[error(
        "This is not a JPEG, PNG or WebP image, or it is of an unusual kind that cannot be read. Convert it to one of these formats and try again."
    )]
    UnsupportedImage,
    /// The image file is damaged. The text says how.
    #[error("The image file is damaged or cut short ({0}). Try another copy of it.")]
    CorruptImage(String),
    /// The image has too many pixels. The sizes are in pixels.
    #[error(
        "The image has {width} x {height} pixels. The limits are {limit_megapixels} megapixels and 65535 pixels per side. Scale it down and try again."
    )]
    ImageTooLarge { width: u32, height: u32, limit_megapixels: u32 },
    /// The file is empty, or a side of the image is 0.
    #[error("The image has no pixels.")]
    EmptyImage,
    /// The image has several frames.
    #[error("The image is animated. Save one frame as a still image and try again.")]
    AnimatedImage,
    /// The image has more than 8 bits per channel.
    #[error("The image has 16 bits per channel. Save it with 8 bits per channel and try again.")]
    SixteenBitImage,
    /// The model file does not exist or cannot be read. The text is its path and what is wrong.
    #[error("The model file was not found: {0}")]
    ModelMissing(String),
    /// The model file is damaged, or not a model file. The text says how.
    #[error("The model file is damaged or incomplete ({0}). Download it again.")]
    ModelCorrupt(String),
    /// The model file has a version that this crate does not read.
    #[error(
        "The model file has another version: it has {found}, but this program reads {expected}. Use the model file that came with this program."
    )]
    ModelVersion { found: String, expected: String },
    /// There is no GPU, or it does not compute. The text says why.
    #[error("There is no usable GPU: {0}. Use the CPU instead.")]
    NoGpu(String),
    /// The GPU stopped during the work. The text says why.
    #[error("The GPU stopped working ({0}). Start again. If it happens again, use the CPU.")]
    DeviceLost(String),
    /// An option has an invalid value. The text names the option and its range.
    #[error("An option has a value that cannot be used: {0}.")]
    InvalidOption(String),
    /// The prompt is invalid. The text says what is wrong with it.
    #[error("The prompt cannot be used: {0}.")]
    InvalidPrompt(String),
    /// The prompt is empty, or lies outside the photo.
    #[error(
        "The prompt is empty or covers no pixel of the photo. Choose a point or a region inside the photo."
    )]
    EmptyPrompt,
    /// The mask of the prompt does not have the size of the photo. All sizes are in pixels.
    #[error(
        "The mask of the prompt has {mask_width} x {mask_height} pixels, but the photo has {width} x {height}. Use a mask that was made for this photo."
    )]
    SizeMismatch { mask_width: u32, mask_height: u32, width: u32, height: u32 },
    /// The caller ended the work.
    #[error("The work was cancelled.")]
    Aborted,
    /// A defect of this crate. The text says what happened.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Checks that a mask has the width and height of its photo.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`].
    pub(crate) fn unless_same_size(mask: (u32, u32), photo: (u32, u32)) -> Result<()> {
        let ((mask_width, mask_height), (width, height)) = (mask, photo);
        if mask == photo {
            return Ok(());
        }
        Err(Error::SizeMismatch { mask_width, mask_height, width, height })
    }

    /// The short name of the error, for programs.
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

/// A result with the [`Error`](enum@Error) of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
