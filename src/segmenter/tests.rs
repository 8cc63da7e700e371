//! What must never happen with a segmenter, whatever its device does.

use super::{DeviceKind, PointPrompt, Prompt, Request, Segmenter};
use crate::error::{Error, Result};
use crate::levels::Scene;
use crate::ops::broken::{BROKEN, Fault};
use crate::photo::{Photo, decode};
use crate::progress::Progress;
use crate::segmenter::Point;

const TINY: &[u8] = include_bytes!("../../models/aims-tiny-q4.safetensors");
const BASE: &[u8] = include_bytes!("../../models/aims-base-q4.safetensors");

async fn scenes(model: &[u8]) -> Result<Vec<Scene>> {
    let none = Progress::none();
    let segmenter = Segmenter::new(DeviceKind::Gpu, model, Some(64)).await?;
    let photo = Photo {
        width: 64,
        height: 48,
        rgb: (0..64 * 48 * 3).map(|i| (i * 7 % 251) as u8).collect(),
    };
    let photo = segmenter.encode(photo, &none).await?;
    let point = PointPrompt::at(vec![Point { x: 32.0, y: 24.0, label: 1 }]);
    let mut scenes = Vec::new();
    for prompt in [Prompt::Full, Prompt::Points(point)] {
        let request = Request { prompt, ..Request::default() };
        scenes.push(segmenter.segment(&photo, &request, &none).await?);
    }
    Ok(scenes)
}

/// Scores are those that callers see. No other mask takes the place of one that `min_score` leaves
/// out.
#[test]
fn no_mask_scores_below_the_least_score() {
    pollster::block_on(async {
        let none = Progress::none();
        for model in [TINY, BASE] {
            let segmenter =
                Segmenter::new(DeviceKind::Cpu, model, Some(256)).await.expect("a sound file");
            let photo =
                decode(include_bytes!("../../www/public/samples/astronaut.jpg")).expect("a photo");
            let photo = segmenter.encode(photo, &none).await.expect("a sound photo");
            let mut counts = Vec::new();
            for min_score in [None, Some(0.3), Some(1.0)] {
                let request = Request { min_score, ..Request::default() };
                let scene =
                    segmenter.segment(&photo, &request, &none).await.expect("a sound request");
                let least = scene.masks.iter().map(|mask| mask.score).fold(1.0, f32::min);
                assert!(least >= min_score.unwrap_or(0.0), "{least} is below {min_score:?}");
                counts.push(scene.masks.len());
            }
            assert!(counts[0] > counts[1] && counts[1] > counts[2], "{counts:?}");
        }
    });
}

/// If a driver rejects a shader, or takes it for another one, the result is an error. If the shader
/// is compiled ahead, the error comes before the first photo.
#[test]
fn a_broken_shader_never_gives_a_mask() {
    let kernels = [
        "matmul",
        "attention",
        "attention of few queries",
        "depthwise",
        "max pool",
        "layer norm",
        "add",
        "arrange",
        "windows",
        "select queries",
        "suppress",
        "positional encoding",
    ];
    pollster::block_on(async {
        for name in kernels {
            // Each family of models has kernels that the other does not have.
            let model =
                if ["max pool", "windows", "attention"].contains(&name) { BASE } else { TINY };
            for fault in [Fault::Syntax, Fault::Bindings] {
                BROKEN.set(Some((name, fault)));
                let result = scenes(model).await;
                BROKEN.set(None);
                match result {
                    Err(Error::NoGpu(_) | Error::DeviceLost(_)) => {}
                    other => panic!("{name}, {fault:?}: {other:?}"),
                }
            }
        }
        // The next user gets another device.
        let sound = scenes(TINY).await.expect("npm test installs an adapter");
        assert_eq!(sound.len(), 2);
    });
}
