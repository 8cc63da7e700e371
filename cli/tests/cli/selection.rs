//! Tests which photos are segmented, and what is printed about those that cannot be.

use crate::program::Place;

#[test]
fn folders_files_and_duplicates() {
    let place = Place::new();
    for name in
        ["photos/b.PNG", "photos/a/z.jpeg", "photos/c.webp", "photos/.hidden/d.png", "e.jpg"]
    {
        place.photo(name);
    }
    place.file("photos/.f.jpg", b"hidden");
    place.file("photos/notes.txt", b"no photo");
    let said = place.segment(&["e.jpg", "./photos/", "photos/b.PNG", "photos/a", "./e.jpg"]);
    said.expect(0, &["4 photos done, 0 skipped, 0 failed"]);
    assert_eq!(place.photos(), ["e.jpg", "photos/a/z.jpeg", "photos/b.PNG", "photos/c.webp"]);
    let line = &place.lines("out/scenes.jsonl")[0];
    assert_eq!((line["width"].as_u64(), line["height"].as_u64()), (Some(64), Some(48)));
    assert!(
        place
            .read("out/scenes.jsonl")
            .starts_with(r#"{"photo":"e.jpg","width":64,"height":48,"masks":["#)
    );
}

#[test]
fn what_fails_is_listed_and_the_others_are_done() {
    let place = Place::new();
    place.photo("photos/good.png");
    place.photo("photos/damaged.png");
    place.photo("c.png");
    std::fs::rename(place.path("c.png"), place.path("named-otherwise.photo")).expect("it is there");
    let bytes = std::fs::read(place.path("photos/damaged.png")).expect("a photo");
    place.file("photos/damaged.png", &bytes[..bytes.len() / 2]);
    place.file("photos/text.jpg", b"This is a text.");
    let said = place.segment(&["photos", "missing.jpg", "named-otherwise.photo"]);
    said.expect(
        1,
        &[
            "failed: missing.jpg: No such file",
            "failed: photos/damaged.png: The image file is damaged",
            "failed: photos/text.jpg: This is not a JPEG",
            "2 photos done, 0 skipped, 3 failed",
        ],
    );
    assert_eq!(place.photos(), ["photos/good.png", "named-otherwise.photo"]);
    let failed: Vec<_> =
        place.lines("out/failures.jsonl").iter().map(|line| line["photo"].clone()).collect();
    assert_eq!(failed, ["missing.jpg", "photos/damaged.png", "photos/text.jpg"]);

    std::fs::remove_file(place.path("photos/text.jpg")).expect("it was there");
    place.photo("photos/damaged.png");
    place.segment(&["photos"]).expect(0, &["1 photo done, 1 skipped, 0 failed"]);
    assert!(!place.path("out/failures.jsonl").exists(), "nothing failed in the last run");
}

#[test]
fn results_are_not_taken_for_photos() {
    let place = Place::new();
    place.photo("a.png");
    place.segment(&[".", "--overlays"]).expect(0, &["1 photo done"]);
    place.segment(&[".", "--overlays"]).expect(0, &["0 photos done, 1 skipped"]);

    let place = Place::new();
    place.photo("a.png");
    place.segment(&[".", "--overlays", "--out", "."]).expect(0, &["1 photo done"]);
    place.segment(&["./", "--overlays", "--out", "."]).expect(0, &["0 photos done, 1 skipped"]);
}

#[test]
fn nothing_to_do_is_an_error_that_tells_what_to_do() {
    let place = Place::new();
    place.file("photos/notes.txt", b"no photo");
    place.segment(&["photos"]).expect(1, &["no photo was found", ".webp"]);
    place.segment(&[]).expect(2, &["PHOTO_OR_FOLDER"]);
    place.segment(&["a.png", "--input-size", "65"]).expect(2, &["--input-size"]);
    place.segment(&["photos", "--prompt", "{}"]).expect(1, &["the prompt is not valid"]);
    place.segment(&["photos", "--max-queries", "0"]).expect(1, &["maxQueries must be 1 to 192"]);
    assert!(!place.path("out").exists(), "a folder is left behind");
}
