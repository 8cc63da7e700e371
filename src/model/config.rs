//! Sizes of the one architecture that the weights fit.

/// Channels of the image embedding and of all prompt tokens.
pub const EMBED_DIM: usize = 256;
/// Input pixels for one position of the image embedding.
pub const STRIDE: usize = 16;
/// Masks for each prompt: one for unambiguous prompts, then three nested ones.
pub const MASK_TOKENS: usize = 4;
/// Low-resolution mask logits for one position of the image embedding, along each axis.
pub const MASK_UPSCALE: usize = 4;

/// TinyViT-5M's stages: channels, blocks, attention heads, window side. The first stage is convolutional.
pub struct Stage {
    pub channels: usize,
    pub depth: usize,
    pub heads: usize,
    pub window: usize,
}

pub const STAGES: [Stage; 4] = [
    Stage { channels: 64, depth: 2, heads: 0, window: 0 },
    Stage { channels: 128, depth: 2, heads: 4, window: 7 },
    Stage { channels: 160, depth: 6, heads: 5, window: 14 },
    Stage { channels: 320, depth: 2, heads: 10, window: 7 },
];

/// Heads of every attention in the mask decoder.
pub const DECODER_HEADS: usize = 8;
/// Channels of one attention head, wherever there is one.
pub const HEAD_CHANNELS: [usize; 2] = [16, 32];
/// Two-way blocks of the mask decoder.
pub const DECODER_DEPTH: usize = 2;

/// Mean and standard deviation of the training photos, RGB, 0..255.
pub const PIXEL_MEAN: [f32; 3] = [123.675, 116.28, 103.53];
pub const PIXEL_STD: [f32; 3] = [58.395, 57.12, 57.375];
