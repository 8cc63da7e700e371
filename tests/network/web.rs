//! Tests what can go wrong only in a browser.

use std::sync::atomic::{AtomicU32, Ordering};

use aims_web::web::call_constructors;
use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

static RUNS: AtomicU32 = AtomicU32::new(0);

/// A static constructor, as cubecl has thousands of them.
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = {
    extern "C" fn count() {
        RUNS.fetch_add(1, Ordering::Relaxed);
    }
    count
};

/// An export that does nothing, so that a call of it costs only what the linker puts around every
/// export.
#[wasm_bindgen]
pub fn nop() {}

/// Calls from JavaScript cost next to nothing, because they do not run the static constructors
/// again (see `web::start`). The runs are counted and not timed, so that the machine's speed does
/// not matter.
#[wasm_bindgen_test]
fn a_thousand_calls_run_no_constructors() {
    call_constructors();
    let exports = wasm_bindgen::exports();
    let nop: Function =
        Reflect::get(&exports, &"nop".into()).expect("exports are readable").unchecked_into();
    for _ in 0..1_000 {
        Reflect::apply(&nop, &JsValue::UNDEFINED, &Array::new()).expect("nop does not throw");
    }
    assert_eq!(RUNS.load(Ordering::Relaxed), 1, "constructors must run once");
}
