//! The entry of a manifest for EfficientNet.

use serde::{Deserialize, Serialize};

use super::{is_count, require};
use crate::error::Result;
use crate::ops::ConvWindow;

/// The sizes of EfficientNet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EfficientNetConfig {
    /// The number of channels after the first convolution, which has stride 2.
    pub stem: usize,
    /// The stages, of which the last ends at stride 32.
    pub stages: Vec<BottleneckStage>,
}

/// A stage of EfficientNet: inverted bottlenecks, of which the first may have a stride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BottleneckStage {
    /// The number of channels of the stage's map.
    pub channels: usize,
    /// The number of blocks.
    pub depth: usize,
    /// How many times as many channels the inside of a block has as its input.
    pub expand: usize,
    /// The side of the window.
    pub kernel: usize,
    /// The distance from one window of the first block to the next.
    pub stride: usize,
    /// The width of the zeros before the map in the first block.
    pub padding: usize,
}

impl BottleneckStage {
    /// The window of each block.
    pub fn windows(&self) -> impl Iterator<Item = ConvWindow> + use<> {
        let &Self { depth, kernel, stride, padding, .. } = self;
        let first = ConvWindow { kernel, stride, padding };
        let other = ConvWindow { kernel, stride: 1, padding: kernel / 2 };
        std::iter::once(first).chain(std::iter::repeat_n(other, depth - 1))
    }

    fn is_sound(&self) -> bool {
        let &Self { channels, depth, expand, kernel, stride, padding } = self;
        is_count(channels, 4096)
            && channels.is_multiple_of(4)
            && is_count(depth, 64)
            && is_count(expand, 16)
            && (kernel == 3 || kernel == 5)
            && is_count(stride, 2)
            && padding <= kernel / 2
    }
}

impl EfficientNetConfig {
    /// The number of the last stage whose map has this stride.
    pub fn last_of_stride(&self, wanted: usize) -> usize {
        self.strides().iter().rposition(|&stride| stride == wanted).unwrap_or(0)
    }

    /// The numbers of channels of the maps of strides 16 and 32.
    pub fn channels(&self) -> [usize; 2] {
        [16, 32].map(|stride| self.stages[self.last_of_stride(stride)].channels)
    }

    /// The stride of each stage's map.
    fn strides(&self) -> Vec<usize> {
        let next = |stride: &mut usize, stage: &BottleneckStage| {
            *stride *= stage.stride;
            Some(*stride)
        };
        self.stages.iter().scan(2, next).collect()
    }

    pub(super) fn check(&self) -> Result<()> {
        require(is_count(self.stem, 4096) && self.stem.is_multiple_of(4), "efficientNet.stem")?;
        let sound = self.stages.len() <= 64 && self.stages.iter().all(BottleneckStage::is_sound);
        require(sound, "efficientNet.stages")?;
        let strides = self.strides();
        require(strides.contains(&16) && strides.last() == Some(&32), "efficientNet.stages")
    }
}
