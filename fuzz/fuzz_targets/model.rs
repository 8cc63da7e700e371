//! Reads a small model file with changes anywhere: it is accepted, or refused with an error about
//! the model. The checksum is corrected, so that the code behind it is reached.

#![no_main]

#[path = "../../tests/input/model_file.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod model_file;
#[path = "../../tests/input/small_model.rs"]
mod small_model;

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

/// Replaces bytes by others.
#[derive(Arbitrary, Debug)]
struct Change {
    at: u16,
    removed: u8,
    inserted: Vec<u8>,
}

static UNDAMAGED: LazyLock<Vec<u8>> = LazyLock::new(small_model::small);

fuzz_target!(|changes: Vec<Change>| {
    let mut file = UNDAMAGED.clone();
    for Change { at, removed, inserted } in changes {
        let start = usize::from(at) % (file.len() + 1);
        let end = (start + usize::from(removed)).min(file.len());
        file.splice(start..end, inserted);
    }
    model_file::mend(&mut file);
    if let Err(error) = small_model::read(&file) {
        assert!(error.code().starts_with("model-"), "{error:?}");
    }
});
