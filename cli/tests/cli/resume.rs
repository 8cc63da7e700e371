//! Runs that continue where another one stopped.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::program::{Place, Said};

#[test]
fn a_second_run_computes_only_what_is_new() {
    let place = Place::new();
    place.photo("photos/b.png");
    place.photo("photos/c.png");
    place.segment(&["photos"]).expect(0, &["device: CPU", "2 photos done, 0 skipped, 0 failed"]);
    let before = place.read("out/scenes.jsonl");
    let said = place.segment(&["photos"]);
    said.expect(0, &["0 photos done, 2 skipped, 0 failed"]);
    assert!(!said.text.contains("device"), "the model was opened: {}", said.text);
    assert_eq!(place.read("out/scenes.jsonl"), before);

    place.photo("photos/a.png");
    place.segment(&["photos"]).expect(0, &["1 photo done, 2 skipped, 0 failed"]);
    assert_eq!(place.photos(), ["photos/b.png", "photos/c.png", "photos/a.png"]);
    assert!(place.read("out/scenes.jsonl").starts_with(&before));
}

#[test]
fn a_cut_last_line_is_mended() {
    let place = Place::new();
    place.photo("a.png");
    place.photo("b.png");
    place.segment(&["a.png", "b.png"]).expect(0, &["2 photos done"]);
    let whole = place.read("out/scenes.jsonl");
    for cut in [1, 20] {
        place.file("out/scenes.jsonl", &whole.as_bytes()[..whole.len() - cut]);
        let said = place.segment(&["a.png", "b.png"]);
        said.expect(0, &["the last line was cut", "1 photo done, 1 skipped"]);
        assert_eq!(place.read("out/scenes.jsonl"), whole);
    }
    place.file("out/scenes.jsonl", format!("no JSON\n{whole}").as_bytes());
    place.segment(&["a.png"]).expect(1, &["line 1 is damaged", "--restart"]);
}

#[test]
fn another_question_needs_another_folder_or_a_restart() {
    let place = Place::new();
    place.photo("a.png");
    place.segment(&["a.png", "--overlays"]).expect(0, &["1 photo done"]);
    let refused = ["was begun with other settings", "--out", "--restart"];
    for (options, name) in [
        (&["--input-size", "128"][..], "inputSize was 64 and is 128 now"),
        (&["--mode", "grid"], "mode was"),
        (&["--points-per-side", "4"], "grid was"),
        (&["--max-queries", "8"], "maxQueries was null and is 8 now"),
        (&["--prompt", r#"{"kind":"box","box":[1,2,30,30]}"#], "prompt was"),
    ] {
        let said = place.segment(&[&["a.png"], options].concat());
        said.expect(1, &refused);
        said.expect(1, &[name]);
    }
    let other = place.segment(&["a.png", "--max-queries", "8", "--out", "other"]);
    other.expect(0, &["1 photo done"]);
    let again = place.segment(&["a.png", "--max-queries", "8", "--restart"]);
    again.expect(0, &["1 photo done, 0 skipped"]);
    assert_eq!(place.photos(), ["a.png"]);
    assert!(!place.path("out/overlays/a.png-part.png").exists(), "it belongs to the old question");

    std::fs::remove_file(place.path("out/settings.json")).expect("it is there");
    place.segment(&["a.png"]).expect(1, &["without settings.json"]);

    // If nothing has been found yet, nothing can get mixed up.
    place.file("text.png", b"no photo");
    place.segment(&["text.png", "--out", "none"]).expect(1, &["1 failed"]);
    place.segment(&["a.png", "--out", "none", "--max-queries", "8"]).expect(0, &["1 photo done"]);
    place.segment(&["a.png", "--out", "none"]).expect(1, &refused);
}

#[test]
fn the_input_size_that_the_device_decides_on_is_kept_too() {
    let place = Place::new();
    place.photo("a.png");
    place.photo("b.png");
    Said::of(place.command(&["a.png"])).expect(0, &["1 photo done"]);
    let settings = place.read("out/settings.json");
    let size = settings.lines().find(|line| line.contains("inputSize")).expect("it is kept");
    place.file("out/settings.json", settings.replace(size, r#"  "inputSize": 1984,"#).as_bytes());
    Said::of(place.command(&["a.png", "b.png"])).expect(1, &["inputSize was 1984 and is"]);
    assert_eq!(place.photos(), ["a.png"]);
}

#[test]
fn one_program_at_a_time() {
    let place = Place::new();
    place.photo("a.png");
    place.segment(&["a.png"]).expect(0, &[]);
    let file = OpenOptions::new().write(true).open(place.path("out/.lock")).expect("a lock file");
    file.lock().expect("nobody holds the lock");
    place.segment(&["a.png"]).expect(1, &["another aims-web is writing to out", "--out"]);
    drop(file);
    place.segment(&["a.png"]).expect(0, &["1 skipped"]);
}

#[test]
fn a_killed_run_is_finished_by_the_next() {
    let place = Place::new();
    let names: Vec<_> = (0..24).map(|number| format!("photos/{number:02}.png")).collect();
    names.iter().for_each(|name| place.photo(name));
    let mut running =
        place.command(&["photos", "--input-size", "64"]).spawn().expect("the program runs");
    let lines = || {
        std::fs::read_to_string(place.path("out/scenes.jsonl")).unwrap_or_default().lines().count()
    };
    let start = Instant::now();
    while lines() < 2 && start.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    place.segment(&["photos"]).expect(1, &["another aims-web is writing to out"]);
    running.kill().expect("it still runs");
    running.wait().expect("it has ended");
    assert!(lines() < names.len(), "the run was not killed on the way");
    // This line is cut as if the system had stopped in the middle of it.
    let mut file =
        OpenOptions::new().append(true).open(place.path("out/scenes.jsonl")).expect("the file");
    file.write_all(br#"{"photo":"photos/2"#).expect("it is written");
    place.segment(&["photos"]).expect(0, &["0 failed"]);
    assert_eq!(place.photos(), names);
}
