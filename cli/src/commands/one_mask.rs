//! The one mask that a prompt means, for commands that cut it out.

use aims_web::edges::default_radius;
use aims_web::mask::BitMask;
use aims_web::photo::Photo;
use aims_web::{Progress, Prompt, Request, Segmenter};
use anyhow::{Result, bail};

/// A mask of the photo's size, and the radius with which its edge is refined if the user gives
/// none, in pixels of the photo.
pub struct OneMask {
    pub mask: BitMask,
    pub radius: f32,
}

/// Finds the mask that `prompt` means, or None if there is none. With `zoom`, a thing that is small
/// in the photo is looked for again at full detail. Several masks are an error.
pub async fn find(
    segmenter: &Segmenter,
    photo: &Photo,
    prompt: Prompt,
    zoom: bool,
) -> Result<Option<OneMask>> {
    let none = Progress::none();
    let encoded = segmenter.encode(photo.clone(), &none).await?;
    let request = Request { prompt, ..Request::default() };
    let scene = segmenter.segment(&encoded, &request, &none).await?;
    let mask = match &scene.masks[..] {
        [] => return Ok(None),
        [mask] => mask.rle.decode()?,
        masks => bail!(
            "{} masks were found there. Give a prompt that means one of them, such as \
             {{\"kind\":\"points\",\"box\":[x,y,width,height]}}",
            masks.len()
        ),
    };
    if zoom && let Some(found) = segmenter.zoom(photo, &mask, &none).await? {
        return Ok(Some(OneMask { radius: found.default_radius(), mask: found.mask }));
    }
    Ok(Some(OneMask { mask, radius: default_radius(photo.width, photo.height) }))
}
