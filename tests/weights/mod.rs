//! SAM 2's weights as model files, for the test programs that need them.
#![allow(dead_code, reason = "each of the test programs uses a part")]

use std::path::{Path, PathBuf};

use aims_web_cli::convert::{Family, Precision, Sources, convert};

/// The path of a file that the set-up of `npm test` downloads or makes.
pub fn cached(name: &str) -> PathBuf {
    let home = std::env::var_os("HOME").expect("HOME is set");
    Path::new(&home).join(".cache/aims-web").join(name)
}

/// The description of a family of models.
pub fn family(name: &str) -> Family {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Family::read(&root.join(format!("models/{name}.json"))).expect("a description")
}

/// The model file of aims-base without levels, whose weights are rounded one by one. `npm test`
/// downloads the weights.
pub fn base_model(precision: Precision) -> Vec<u8> {
    base_model_with(&[], precision)
}

/// The same with what was trained on top of SAM 2, from files in `training/weights`.
pub fn base_model_with(trained: &[&str], precision: Precision) -> Vec<u8> {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("training/weights");
    let trained: Vec<_> = trained.iter().map(|name| weights.join(name)).collect();
    let path = std::env::var_os("SAM2_WEIGHTS")
        .map_or_else(|| cached("sam2-hiera-tiny.safetensors"), PathBuf::from);
    assert!(path.exists(), "{} is missing: run `node scripts/sam2.mjs`", path.display());
    let sources = Sources { weights: &path, trained: &trained, calibration: None, photos: None };
    convert(&family("aims-base"), sources, precision).expect("the weights convert")
}
