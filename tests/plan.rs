//! What a GPU would be asked for at an input of 1024 pixels, which a software adapter does not compute in a test's time: planned, not run.
//! By itself, as a device that plans computes nothing any more.

use aims_web::photo::Photo;
use aims_web::segmenter::Mode;
use aims_web::{DeviceKind, Point, Progress, Prompt, Request, Segmenter};

const MODEL: &[u8] = include_bytes!("../models/aims-tiny-q8.safetensors");
/// GPU memory that burn's pages may take.
const BUDGET: u64 = 400 << 20;

#[test]
fn calls_at_1024_fit_their_budgets() {
    pollster::block_on(async {
        let none = Progress::none();
        let segmenter =
            Segmenter::new(DeviceKind::Gpu, MODEL, Some(1024)).await.expect("npm test installs an adapter");
        assert!(segmenter.plan_only());
        let middle = Point { x: 512.0, y: 512.0, label: 1 };
        let point = Prompt::Points { points: vec![middle], r#box: None };
        let levels = Request { mode: Some(Mode::Fast), ..Request::default() };
        let requests = [levels, Request { prompt: point, ..Request::default() }];
        // The second photo takes what the first one gave back.
        for _ in 0..2 {
            let photo = Photo { width: 1024, height: 1024, rgb: vec![128; 1024 * 1024 * 3] };
            let before = segmenter.counters();
            let encoded = segmenter.encode(photo, &none).await.expect("nothing aborts");
            let after = segmenter.counters();
            assert!(after.submissions - before.submissions <= 20, "setImage: {before:?} {after:?}");
            assert_eq!(after.reads, before.reads, "setImage reads nothing back");
            for request in &requests {
                let before = segmenter.counters();
                segmenter.segment(&encoded, request, &none).await.expect("nothing aborts");
                let after = segmenter.counters();
                assert!(after.submissions - before.submissions <= 20, "{request:?}: {before:?} {after:?}");
                assert_eq!(after.reads - before.reads, 1, "{request:?}");
            }
            let reserved = segmenter.memory().reserved;
            assert!((1..=BUDGET).contains(&reserved), "{reserved} bytes");
        }
        assert_eq!(segmenter.counters().late_pipelines, 0, "a shader was not compiled ahead");
    });
}
