//! What runs once when the module is loaded.

use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Set by the worker before loading; a panic's text is all that is left to report after one.
    #[wasm_bindgen(js_namespace = globalThis, js_name = __aimsPanic, catch)]
    fn report_panic(text: &str) -> Result<(), JsValue>;
}

#[wasm_bindgen(start)]
fn start() {
    call_constructors();
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        // Without a listener the console has it already.
        report_panic(&info.to_string()).ok();
    }));
}

/// cubecl registers its operations in thousands of static constructors. Unless somebody calls them by name, the linker
/// wraps every export so that each call from JavaScript runs them all again.
pub fn call_constructors() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.swap(true, Ordering::Relaxed) {
        // SAFETY: the linker makes this function; it takes nothing and is called once, before anything else runs.
        unsafe { __wasm_call_ctors() }
    }
}
