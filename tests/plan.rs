//! What a GPU would be asked for at an input of 1024 pixels, which a software adapter does not compute in a test's time: planned, not run.
//! By itself, as a device that plans computes nothing any more.

mod weights;

use aims_web::convert::Precision;
use aims_web::ops::Bits;
use aims_web::photo::Photo;
use aims_web::segmenter::Mode;
use aims_web::{DeviceKind, Point, PointPrompt, Progress, Prompt, Request, Segmenter};

const TINY: &[u8] = include_bytes!("../models/aims-tiny-q8.safetensors");
const BASE: &[u8] = include_bytes!("../models/aims-base-q4.safetensors");

#[test]
fn calls_at_1024_fit_their_budgets() {
    fits(TINY, 1024, &[levels(), point()], Most { submissions: 20, reads: 1, reserved: 400 << 20 });
}

#[test]
fn sam2_at_768_fits_its_budgets() {
    let sam = weights::base_model(Precision::Quantised(Bits::Eight));
    fits(&sam, 768, &[point()], Most { submissions: 20, reads: 1, reserved: 400 << 20 });
}

#[test]
fn aims_base_at_768_fits_its_budgets() {
    // What the decoder says; what the scene head reads of the photo, once; what it says.
    fits(BASE, 768, &[levels(), point()], Most { submissions: 30, reads: 3, reserved: 410 << 20 });
}

fn levels() -> Request {
    Request { mode: Some(Mode::Fast), ..Request::default() }
}

fn point() -> Request {
    let middle = Point { x: 512.0, y: 512.0, label: 1 };
    Request { prompt: Prompt::Points(PointPrompt::at(vec![middle])), ..Request::default() }
}

/// This is how often a call may submit command buffers, how often a request may read back, and how many bytes of GPU memory burn's pages may take.
struct Most {
    submissions: usize,
    reads: usize,
    reserved: u64,
}

/// One photo after another, each with all requests.
fn fits(model: &[u8], input_size: u32, requests: &[Request], most: Most) {
    pollster::block_on(async {
        let none = Progress::none();
        let segmenter = Segmenter::new(DeviceKind::Gpu, model, Some(input_size)).await;
        let segmenter = segmenter.expect("npm test installs an adapter");
        assert!(segmenter.plan_only());
        // The second photo takes what the first one gave back.
        for _ in 0..2 {
            let photo = Photo { width: 1024, height: 1024, rgb: vec![128; 1024 * 1024 * 3] };
            let before = segmenter.counters();
            let encoded = segmenter.encode(photo, &none).await.expect("nothing aborts");
            let after = segmenter.counters();
            let submissions = after.submissions - before.submissions;
            assert!(submissions <= most.submissions, "setImage: {before:?} {after:?}");
            assert_eq!(after.reads, before.reads, "setImage reads nothing back");
            for request in requests {
                let before = segmenter.counters();
                segmenter.segment(&encoded, request, &none).await.expect("nothing aborts");
                let after = segmenter.counters();
                let submissions = after.submissions - before.submissions;
                assert!(submissions <= most.submissions, "{request:?}: {before:?} {after:?}");
                let reads = after.reads - before.reads;
                assert!((1..=most.reads).contains(&reads), "{request:?}: {reads} times");
            }
            let reserved = segmenter.memory().reserved;
            println!("{input_size}: {reserved} bytes reserved");
            assert!((1..=most.reserved).contains(&reserved), "{reserved} bytes");
        }
        assert_eq!(segmenter.counters().late_pipelines, 0, "a shader was not compiled ahead");
    });
}
