//! What a GPU would be asked for at an input of 1024 pixels, which a software adapter does not compute in a test's time: planned, not run.
//! By itself, as a device that plans computes nothing any more.

mod weights;

use aims_web::convert::Precision;
use aims_web::ops::Bits;
use aims_web::photo::Photo;
use aims_web::segmenter::Mode;
use aims_web::{DeviceKind, Point, PointPrompt, Progress, Prompt, Request, Segmenter};

const MODEL: &[u8] = include_bytes!("../models/aims-tiny-q8.safetensors");
/// GPU memory that burn's pages may take.
const BUDGET: u64 = 400 << 20;

#[test]
fn calls_at_1024_fit_their_budgets() {
    fits(MODEL, 1024, &[Request { mode: Some(Mode::Fast), ..Request::default() }, point()]);
}

#[test]
fn sam2_at_768_fits_its_budgets() {
    fits(&weights::base_model(Precision::Quantised(Bits::Eight)), 768, &[point()]);
}

fn point() -> Request {
    let middle = Point { x: 512.0, y: 512.0, label: 1 };
    Request { prompt: Prompt::Points(PointPrompt::at(vec![middle])), ..Request::default() }
}

/// One photo after another, each with all requests.
fn fits(model: &[u8], input_size: u32, requests: &[Request]) {
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
            assert!(after.submissions - before.submissions <= 20, "setImage: {before:?} {after:?}");
            assert_eq!(after.reads, before.reads, "setImage reads nothing back");
            for request in requests {
                let before = segmenter.counters();
                segmenter.segment(&encoded, request, &none).await.expect("nothing aborts");
                let after = segmenter.counters();
                assert!(after.submissions - before.submissions <= 20, "{request:?}: {before:?} {after:?}");
                assert_eq!(after.reads - before.reads, 1, "{request:?}");
            }
            let reserved = segmenter.memory().reserved;
            println!("{input_size}: {reserved} bytes reserved");
            assert!((1..=BUDGET).contains(&reserved), "{reserved} bytes");
        }
        assert_eq!(segmenter.counters().late_pipelines, 0, "a shader was not compiled ahead");
    });
}
