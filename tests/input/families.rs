//! Tests model files of two families: each with the other's manifest, cut, and with manifests that
//! contradict the tensors.

use aims_web::ops::Bits;
use aims_web::{DeviceKind, Error, Segmenter};
use aims_web_cli::convert::Precision;
use serde_json::{Value, json};

use crate::model_file::with_manifest;
use crate::weights::base_model;

const TINY: &[u8] = include_bytes!("../../models/aims-tiny-q8.safetensors");

fn load(file: &[u8]) -> aims_web::Result<Segmenter> {
    pollster::block_on(Segmenter::new(DeviceKind::Cpu, file, Some(64)))
}

/// Checks that a file is refused as damaged, with a message that has all these words.
fn refused(file: &[u8], words: &[&str]) {
    let Err(error) = load(file) else { panic!("accepted instead of refused with {words:?}") };
    assert!(matches!(error, Error::ModelCorrupt(_)), "{error}");
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
}

fn manifest_of(file: &[u8]) -> Value {
    let mut found = Value::Null;
    with_manifest(file, |manifest| found = manifest.clone());
    found
}

/// All cases are in one test, because each test is a program and converting takes seconds.
#[test]
fn files_that_contradict_themselves() {
    let base = base_model(Precision::Quantised(Bits::Eight));
    load(&base).expect("it is as it should be");
    let (tiny_says, base_says) = (manifest_of(TINY), manifest_of(&base));
    let wearing = |file: &[u8], other: &Value| {
        with_manifest(file, |manifest| {
            // Each file keeps its own checksum, so that only the description is wrong.
            let checksum = manifest["dataSha256"].take();
            *manifest = other.clone();
            manifest["dataSha256"] = checksum;
        })
    };
    refused(&wearing(TINY, &base_says), &["'aims-base'", "'hiera'", "'image_encoder."]);
    refused(&wearing(&base, &tiny_says), &["'aims-tiny'", "'tiny-vit'", "'image_encoder."]);

    for kept in [0, 7, 8, 5000, base.len() / 2, base.len() - 1] {
        refused(&base[..kept], &["damaged or incomplete"]);
    }

    for (place, value, tensor) in [
        ("/encoder/stages/0/channels", json!(64), "image_encoder."),
        ("/encoder/stages/2/depth", json!(8), "blocks."),
        ("/encoder/stages/2/depth", json!(6), "blocks."),
        // The described network has less than the file.
        ("/encoder/stages/3/depth", json!(1), "blocks.11."),
        ("/encoder/positionSide", json!(14), "pos_embed"),
        ("/decoder/masks", json!(3), "mask_decoder."),
        ("/decoder/hidden", json!(1024), "mlp"),
        ("/decoder/depth", json!(1), "layers.1."),
        ("/decoder/objectToken", json!(false), "obj_score_token"),
        ("/levels", tiny_says["levels"].clone(), "aims."),
    ] {
        let wrong = with_manifest(&base, |manifest| match manifest.pointer_mut(place) {
            Some(field) => *field = value.clone(),
            None => manifest[&place[1..]] = value.clone(),
        });
        refused(&wrong, &["'aims-base'", tensor]);
    }
    // The network of this file has levels, but the description has none.
    refused(
        &with_manifest(TINY, |manifest| manifest["levels"] = Value::Null),
        &["'aims-tiny'", "'aims."],
    );
}
