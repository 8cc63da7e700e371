//! What runs once when the module is loaded.

use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Reports the text of a panic. The host sets this function before it loads the module. After a
    /// panic, the text is all that is left to report.
    #[wasm_bindgen(js_namespace = globalThis, js_name = __aimsPanic, catch)]
    fn report_panic(text: &str) -> Result<(), JsValue>;
}

#[wasm_bindgen(start)]
fn start() {
    call_constructors();
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        // If nobody listens, the console already has the text.
        report_panic(&info.to_string()).ok();
    }));
}

/// Runs the static constructors of the module. cubecl registers its operations in thousands of
/// them. Unless somebody calls them by name, the linker wraps every export so that each call from
/// JavaScript runs them all again.
pub fn call_constructors() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.swap(true, Ordering::Relaxed) {
        // SAFETY: the linker makes this function. It takes no arguments, and it is called once,
        // before anything else runs.
        unsafe { __wasm_call_ctors() }
    }
}
