//! Cut-outs of one thing.

use crate::program::{Place, Said};

fn cutout(place: &Place, arguments: &[&str]) -> Said {
    let arguments = [&["photo.png", "--input-size", "256"], arguments].concat();
    Said::of(place.command_named("cutout", &arguments))
}

#[test]
fn a_disc_is_cut_out_of_its_background() {
    let place = Place::new();
    place.photo("photo.png");
    let photo = image::open(place.path("photo.png")).expect("a photo").into_rgb8();
    let is_disc = |x: u32, y: u32| photo.get_pixel(x, y).0[0] > 200;
    let columns: Vec<u32> = (0..64).filter(|&x| (0..48).any(|y| is_disc(x, y))).collect();
    let rows: Vec<u32> = (0..48).filter(|&y| (0..64).any(|x| is_disc(x, y))).collect();
    let (left, top) = (columns[0], rows[0]);
    let prompt =
        format!(r#"{{"kind":"points","box":[{left},{top},{},{}]}}"#, columns.len(), rows.len());
    for way in [&[][..], &["--hair"]] {
        cutout(&place, &[&["--prompt", &prompt], way].concat()).expect(0, &[]);
        let cut = image::open(place.path("cutout.png")).expect("a cut-out").into_rgba8();
        let opaque = cut.pixels().filter(|pixel| pixel.0[3] > 127).count();
        let disc = (0..64 * 48).filter(|i| is_disc(i % 64, i / 64)).count();
        let share = opaque as f32 / disc as f32;
        assert!((0.85..1.15).contains(&share), "{opaque} of {disc} pixels");
        // No opaque pixel has the colour of the background.
        let least = cut.pixels().filter(|pixel| pixel.0[3] > 250).map(|pixel| pixel.0[0]).min();
        assert!(least.is_some_and(|red| red > 120), "{least:?}");
    }
}

#[test]
fn a_prompt_that_gives_many_masks_is_refused() {
    let place = Place::new();
    place.photo("photo.png");
    let said = cutout(&place, &["--prompt", r#"{"kind":"full"}"#]);
    said.expect(1, &["masks were found there", r#"{"kind":"points","box":[x,y,width,height]}"#]);
    assert!(!place.path("cutout.png").exists());
}
