//! Overlays and COCO files.

use std::collections::HashSet;

use serde_json::Value;

use crate::program::Place;

const LEVELS: [&str; 3] = ["part", "entity", "relation"];

#[test]
fn overlays_have_the_folders_and_names_of_the_photos() {
    let place = Place::new();
    let names = ["photos/a.png", "photos/a.jpg", "photos/sub/a.png", "other/a.png"];
    names.iter().for_each(|name| place.photo(name));
    place.segment(&["photos", "other"]).expect(0, &["4 photos done"]);
    assert!(!place.path("out/overlays").exists(), "overlays were not requested");

    // Photos that were done before get overlays too, without being computed again.
    place.photo("photos/new.png");
    place.segment(&["photos", "other", "--overlays"]).expect(0, &["1 photo done, 4 skipped"]);
    for name in names.into_iter().chain(["photos/new.png"]) {
        for level in LEVELS {
            let overlay = image::open(place.path(&format!("out/overlays/{name}-{level}.png")));
            let overlay = overlay.expect("an overlay").into_rgb8();
            assert_eq!(overlay.dimensions(), (64, 48));
        }
    }
    let outside = place.path("photos/a.png");
    let absolute = [outside.to_str().expect("text"), "--overlays", "--out", "other-out"];
    place.segment(&absolute).expect(0, &["1 photo done"]);
    let below = format!("other-out/overlays/_root{}-entity.png", outside.display());
    assert!(place.path(&below).exists(), "{below}");
}

#[test]
fn one_coco_file_of_all_photos() {
    let place = Place::new();
    place.photo("b.png");
    place.segment(&["b.png"]).expect(0, &["1 photo done", "entity"]);
    place.photo("a.png");
    place.file("c.png", b"no photo");
    place
        .segment(&["a.png", "c.png", "--coco", "made/coco.json"])
        .expect(1, &["1 photo done, 0 skipped, 1 failed"]);

    let coco: Value = serde_json::from_str(&place.read("made/coco.json")).expect("JSON");
    let images = coco["images"].as_array().expect("a list");
    let lines = place.lines("out/scenes.jsonl");
    assert_eq!(images.len(), 2);
    let annotations = coco["annotations"].as_array().expect("a list");
    let mut ids = HashSet::new();
    for (image, line) in images.iter().zip(&lines) {
        assert_eq!(image["file_name"], line["photo"]);
        let of_image =
            annotations.iter().filter(|annotation| annotation["image_id"] == image["id"]);
        let masks = line["masks"].as_array().expect("a list");
        assert_eq!(of_image.clone().count(), masks.len());
        for (annotation, mask) in of_image.zip(masks) {
            assert!(ids.insert(annotation["id"].as_u64().expect("a number")), "ids are unique");
            for (theirs, ours) in
                [("segmentation", "rle"), ("area", "area"), ("bbox", "bbox"), ("score", "score")]
            {
                assert_eq!(annotation[theirs], mask[ours]);
            }
            let category = annotation["category_id"].as_u64().expect("a number") as usize;
            assert_eq!(mask["level"], LEVELS[category - 1]);
        }
    }
    assert!(!ids.is_empty(), "something is found in these photos");
}
