//! Checks what is true for every scene, whatever was asked.

use aims_web::{Level, Prompt, Request, Scene};

/// Panics if the scene of a photo of this width and height breaks a promise of the documentation.
pub fn keeps_its_promises(request: &Request, scene: &Scene, size: (u32, u32)) {
    assert_eq!((scene.width, scene.height), size);
    let has_levels = matches!(
        request.prompt,
        Prompt::Full
            | Prompt::Box { .. }
            | Prompt::Polygon { .. }
            | Prompt::Mask { .. }
            | Prompt::Relation { .. }
    );
    for mask in &scene.masks {
        assert!((0.0..=1.0).contains(&mask.score), "{}", mask.score);
        let pixels = mask.rle.decode().expect("a valid RLE");
        assert_eq!((pixels.size(), pixels.area()), (size, mask.area));
        assert!(mask.area > 0);
        assert!(!has_levels || request.levels.contains(&mask.level), "{:?}", mask.level);
        let level = |id: u32| scene.masks.iter().find(|mask| mask.id == id).map(|mask| mask.level);
        assert!(mask.parent.is_none_or(|id| level(id) == Some(Level::Entity)));
        assert!(mask.members.iter().all(|&id| level(id) == Some(Level::Entity)));
    }
}
