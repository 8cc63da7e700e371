//! Limits what calls may ask of a GPU at large inputs. They are planned and not run, because a
//! software adapter would take too long for a test.

mod weights;

use aims_web::ops::Bits;
use aims_web::photo::Photo;
use aims_web::segmenter::Mode;
use aims_web::{
    Compute, DeviceKind, Plan, Point, PointPrompt, Precision, Progress, Prompt, Request, Segmenter,
};
use aims_web_cli::convert;

const TINY: &[u8] = include_bytes!("../models/aims-tiny-q8.safetensors");
const BASE: &[u8] = include_bytes!("../models/aims-base-q4.safetensors");

#[test]
fn calls_at_1024_fit_their_budgets() {
    fits(TINY, 1024, &[levels(), point()], Most { submissions: 30, reads: 3, reserved: 400 << 20 });
}

#[test]
fn sam2_at_768_fits_its_budgets() {
    let sam = weights::base_model(convert::Precision::Quantised(Bits::Eight));
    fits(&sam, 768, &[point()], Most { submissions: 20, reads: 1, reserved: 400 << 20 });
}

#[test]
fn aims_base_at_768_fits_its_budgets() {
    // There is a read-back of what the decoder says, one of what the semantic head says, one of what
    // the scene head reads of the photo, and one of what the scene head says.
    fits(BASE, 768, &[levels(), point()], Most { submissions: 30, reads: 4, reserved: 410 << 20 });
}

fn levels() -> Request {
    Request { mode: Some(Mode::Learned), ..Request::default() }
}

fn point() -> Request {
    let middle = Point { x: 512.0, y: 512.0, label: 1 };
    Request { prompt: Prompt::Points(PointPrompt::at(vec![middle])), ..Request::default() }
}

/// How often a call may submit command buffers, how often a request may read back, and how many
/// bytes of GPU memory burn's pages may take.
struct Most {
    submissions: usize,
    reads: usize,
    reserved: u64,
}

/// Plans one photo after another, each with all requests, and checks the limits.
fn fits(model: &[u8], input_size: u32, requests: &[Request], most: Most) {
    pollster::block_on(async {
        let plan = Plan::new(model, Some(input_size)).await.expect("npm test installs an adapter");
        // The second photo takes the memory that the first one gave back.
        for _ in 0..2 {
            let photo = Photo { width: 1024, height: 1024, rgb: vec![128; 1024 * 1024 * 3] };
            let before = plan.counters();
            let encoded = plan.encode(photo).await.expect("nothing aborts");
            let after = plan.counters();
            let submissions = after.submissions - before.submissions;
            assert!(submissions <= most.submissions, "setImage: {before:?} {after:?}");
            assert_eq!(after.reads, before.reads, "setImage must read nothing back");
            for request in requests {
                let before = plan.counters();
                plan.segment(&encoded, request).await.expect("nothing aborts");
                let after = plan.counters();
                let submissions = after.submissions - before.submissions;
                assert!(submissions <= most.submissions, "{request:?}: {before:?} {after:?}");
                let reads = after.reads - before.reads;
                assert!((1..=most.reads).contains(&reads), "{request:?}: {reads} times");
            }
            let reserved = plan.memory().reserved;
            println!("{input_size}: {reserved} bytes reserved");
            assert!((1..=most.reserved).contains(&reserved), "{reserved} bytes");
        }
        assert_eq!(plan.counters().late_pipelines, 0, "a shader was not compiled ahead");
    });
}

/// Plans and segmenters do not disturb each other, and each segmenter keeps its own precision.
#[test]
fn segmenters_keep_their_own_precision_beside_a_plan() {
    pollster::block_on(async {
        let none = Progress::none();
        let photo = || Photo {
            width: 64,
            height: 48,
            rgb: (0..64 * 48 * 3).map(|i| (i * 7 % 251) as u8).collect(),
        };
        let open = async |precision| {
            let compute = Compute { device: DeviceKind::Gpu, precision };
            Segmenter::new(compute, TINY, Some(64)).await.expect("npm test installs an adapter")
        };
        let exact = open(Precision::F32).await;
        let answer = async |segmenter: &Segmenter| {
            let encoded = segmenter.encode(photo(), &none).await.expect("nothing aborts");
            let prompt = PointPrompt::at(vec![Point { x: 32.0, y: 24.0, label: 1 }]);
            segmenter.candidates(&encoded, &prompt).await.expect("a point")
        };
        let before = answer(&exact).await;
        let plan = Plan::new(TINY, Some(64)).await.expect("an adapter");
        plan.encode(photo()).await.expect("nothing aborts");
        let half = open(Precision::F16).await;
        let again = open(Precision::F32).await;
        assert_eq!([exact.adapter().precision, again.adapter().precision], [Precision::F32; 2]);
        assert_eq!(answer(&exact).await, before);
        assert_eq!(answer(&again).await, before);
        // On an adapter without 16-bit floats, both give the same.
        assert_eq!(answer(&half).await == before, half.adapter().precision == Precision::F32);
    });
}
