//! What a prompt asks for, after it has been checked against the photo.

use super::points;
use super::request::{PointPrompt, Prompt, box_mask, polygon_mask, prompt_mask};
use crate::error::Result;
use crate::mask::BitMask;
use crate::progress::Progress;

/// What a prompt asks for on one photo. Its masks have the photo's size.
pub(super) enum Target {
    /// A scene of several masks.
    Scene(Area),
    /// The one mask that points, a box or both mean.
    Points(PointPrompt),
    /// The one thing that a loose outline is drawn around.
    Lasso(BitMask),
}

/// The part of the photo that a scene is made for, and what the scene has.
pub(super) enum Area {
    /// A scene of the whole photo.
    Photo,
    /// A scene of what lies in a region of the photo.
    Region(BitMask),
    /// The parts of one entity.
    Entity(BitMask),
    /// Two entities and their relation.
    Pair([BitMask; 2]),
}

/// Turns a prompt into masks of a photo of `width` x `height` pixels. A large polygon takes about a
/// second; `progress` can end it.
///
/// # Errors
/// [`crate::Error::EmptyPrompt`], [`crate::Error::InvalidPrompt`], [`crate::Error::SizeMismatch`],
/// [`crate::Error::Aborted`].
pub(super) async fn resolve(
    prompt: &Prompt,
    (width, height): (u32, u32),
    progress: &Progress<'_>,
) -> Result<Target> {
    let mask = |rle| prompt_mask(rle, width, height);
    Ok(match prompt {
        Prompt::Full => Target::Scene(Area::Photo),
        Prompt::Box { r#box } => Target::Scene(Area::Region(box_mask(*r#box, width, height)?)),
        Prompt::Polygon { points } => {
            Target::Scene(Area::Region(polygon_mask(points, (width, height), progress).await?))
        }
        Prompt::Mask { mask: rle } | Prompt::Relation { mask: rle } => {
            Target::Scene(Area::Region(mask(rle)?))
        }
        Prompt::Entity { mask: rle } => Target::Scene(Area::Entity(mask(rle)?)),
        Prompt::Entities { masks: [a, b] } => Target::Scene(Area::Pair([mask(a)?, mask(b)?])),
        Prompt::Points(prompt) => Target::Points(prompt.clone()),
        Prompt::Strokes { strokes } => Target::Points(PointPrompt::at(points::along(strokes)?)),
        Prompt::Lasso { points } => {
            Target::Lasso(polygon_mask(points, (width, height), progress).await?)
        }
    })
}
