//! Tests damaged model files. In many of them the checksum is corrected, so that the code behind it
//! is reached.

use aims_web::error::Result;
use aims_web::model::MANIFEST_KEY;
use aims_web::photo::Photo;
use aims_web::{DeviceKind, Progress, Request, Segmenter};
use serde_json::Value;

use crate::memory::peak;
use crate::model_file::{joined, mend, split};
use crate::random::{Random, fuzz};
use crate::small_model::{read, small};

const SHIPPED: &[u8] = include_bytes!("../../../models/aims-tiny-q4.safetensors");

/// Changes a value somewhere in the header.
fn damage_json(random: &mut Random, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !random.chance(12) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = random.pick(&names).clone();
            match random.below(12) {
                0 => drop(fields.remove(&name)),
                1 => {
                    let field = fields.remove(&name).unwrap_or_default();
                    fields.insert(
                        random.pick(&["", "floats", "four", "dtype", "__metadata__"]).to_string(),
                        field,
                    );
                }
                2 => {
                    let field = fields[random.pick(&names)].clone();
                    fields.insert(name, field);
                }
                _ => damage_json(random, &mut fields[&name]),
            }
        }
        Value::Array(items) if !items.is_empty() && !random.chance(8) => match random.below(8) {
            0 => drop(items.pop()),
            1 => items.push(1.into()),
            2 => items.reverse(),
            _ => {
                let at = random.below(items.len());
                damage_json(random, &mut items[at]);
            }
        },
        Value::Number(number) if !random.chance(4) => {
            let old = number.as_u64().unwrap_or_default();
            let near = [old.wrapping_add(1), old.wrapping_sub(1), old / 2, old * 2, old + 4];
            *value = (*random.pick(&near)).into();
        }
        Value::String(text) if random.chance(2) => {
            let mut bytes = text.clone().into_bytes();
            random.damage(&mut bytes);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        _ => {
            let deep = (0..200).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
            let choices: [Value; 16] = [
                Value::Null,
                true.into(),
                0.into(),
                (-1).into(),
                1.5.into(),
                u64::MAX.into(),
                (u64::MAX / 4).into(),
                (1_u64 << 32).into(),
                "F32".into(),
                "F16".into(),
                "I8".into(),
                "U8".into(),
                "F4".into(),
                "BOOL".into(),
                Value::Object(serde_json::Map::new()),
                deep,
            ];
            *value = random.pick(&choices).clone();
        }
    }
}

fn damaged_header(random: &mut Random, file: &[u8]) -> Vec<u8> {
    let (header, data) = split(file).expect("a valid file");
    let mut json: Value = serde_json::from_slice(header).expect("a valid file");
    for _ in 0..=random.below(2) {
        damage_json(random, &mut json);
    }
    if random.chance(4) {
        // The manifest is JSON inside a string.
        let text = json["__metadata__"][MANIFEST_KEY].as_str().unwrap_or_default();
        let mut manifest: Value = serde_json::from_str(text).unwrap_or_default();
        damage_json(random, &mut manifest);
        if let Some(place) = json.pointer_mut(&format!("/__metadata__/{MANIFEST_KEY}")) {
            *place = manifest.to_string().into();
        }
    }
    joined(json.to_string().as_bytes(), data)
}

#[test]
fn damaged_model_files() {
    let file = small();
    read(&file).expect("it is valid before it is damaged");
    fuzz("damaged_model_files", 20_000, |random| {
        let mut bad = match random.below(4) {
            0 => file[..random.below(file.len())].to_vec(),
            1 => damaged_header(random, &file),
            2 => {
                let (header, data) = split(&file).expect("a valid file");
                let mut header = header.to_vec();
                random.damage(&mut header);
                joined(&header, data)
            }
            _ => {
                let mut bad = file.clone();
                random.damage(&mut bad);
                bad
            }
        };
        if random.chance(10) {
            let wild = [0, 1, 99_999_999, 100_000_001, u64::MAX, u64::MAX - 7, 1 << 63];
            let length = random.pick(&wild).to_le_bytes();
            bad.splice(..bad.len().min(8), length);
        }
        if !random.chance(5) {
            mend(&mut bad);
        }
        let (result, bytes) = peak(|| read(&bad));
        assert!(
            bytes <= 32 * bad.len() as u64 + (64 << 10),
            "{bytes} bytes for a file of {}",
            bad.len()
        );
        if let Err(error) = result {
            assert!(error.code().starts_with("model-"), "{error:?}");
        }
    });
}

fn load(file: &[u8]) -> Result<Segmenter> {
    pollster::block_on(Segmenter::new(DeviceKind::Cpu, file, Some(64)))
}

#[test]
fn every_tensor_of_the_shipped_file_is_checked() {
    let (header, data) = split(SHIPPED).expect("a valid file");
    let json: Value = serde_json::from_slice(header).expect("a valid file");
    let fields = json.as_object().expect("a valid file");
    let names: Vec<&String> = fields.keys().filter(|name| *name != "__metadata__").collect();
    fuzz("every_tensor_of_the_shipped_file_is_checked", 40, |random| {
        let name = *random.pick(&names);
        let mut json = json.clone();
        let tensor = &mut json[name];
        match random.below(4) {
            // The tensor has another name.
            0 => {
                let tensor = tensor.take();
                let fields = json.as_object_mut().expect("as before");
                fields.remove(name);
                fields.insert("another".to_string(), tensor);
            }
            // The tensor has another type of the same size.
            1 => {
                let types = [["F16", "BF16"], ["F32", "I32"], ["I8", "F8_E4M3"], ["U8", "BOOL"]];
                let old = tensor["dtype"].clone();
                let other =
                    types.iter().find(|types| types[0] == old).expect("a type of model files");
                tensor["dtype"] = other[1].into();
            }
            // The tensor has another shape of the same size: reversed, or all in one row.
            2 => {
                let shape = tensor["shape"].as_array_mut().expect("a list");
                shape.reverse();
                shape.insert(0, 1.into());
            }
            _ => {
                let shape = tensor["shape"].as_array().expect("a list");
                let count: u64 = shape.iter().filter_map(Value::as_u64).product();
                tensor["shape"] = vec![1, 1, 1, count].into();
            }
        }
        match load(&joined(json.to_string().as_bytes(), data)) {
            // Scales are read as a list.
            Ok(_) => assert!(name.ends_with(".scales") || is_flat(name), "{name} is not missed"),
            Err(error) => assert_eq!(error.code(), "model-corrupt", "{name}"),
        }
    });
}

/// Whether a tensor is read as a list, whatever its shape is.
fn is_flat(name: &str) -> bool {
    name.ends_with("attention_biases") || name.starts_with("prompt_encoder.")
}

/// Weights that no training gives, some of them infinite or NaN, give poor masks but no panic.
#[test]
fn a_model_of_noise_does_no_harm() {
    let mut file = SHIPPED.to_vec();
    let length = split(SHIPPED).expect("a valid file").1.len();
    let start = file.len() - length;
    for seed in 0..4 {
        let mut random = Random::new(seed);
        for bytes in file[start..].chunks_mut(8) {
            bytes.copy_from_slice(&random.next().to_le_bytes()[..bytes.len()]);
        }
        if seed == 3 {
            file[start..].fill(0);
        }
        mend(&mut file);
        let segmenter = load(&file).expect("its checksum is right");
        let photo = Photo { width: 40, height: 30, rgb: vec![90; 40 * 30 * 3] };
        let photo =
            pollster::block_on(segmenter.encode(photo, &Progress::none())).expect("it runs");
        for request in [
            r#"{}"#,
            r#"{"prompt": {"kind": "points", "points": [{"x": 5, "y": 5, "label": 1}]}}"#,
            r#"{"prompt": {"kind": "box", "box": [3, 3, 20, 20]}}"#,
            r#"{"mode": "grid", "grid": {"pointsPerSide": 2, "predIouThresh": 0, "stabilityScoreThresh": 0}}"#,
        ] {
            let request: Request = serde_json::from_str(request).expect("a valid request");
            let result = pollster::block_on(segmenter.segment(&photo, &request, &Progress::none()));
            if let Err(error) = result {
                assert_eq!(error.code(), "device-lost", "{error:?}");
            }
        }
    }
}

#[test]
fn other_versions_are_told_apart() {
    let file = small();
    let (header, data) = split(&file).expect("a valid file");
    let header = String::from_utf8(header.to_vec()).expect("a valid file");
    for (from, to, code) in [
        ("\\\"format\\\":4", "\\\"format\\\":2", "model-version"),
        ("\\\"format\\\":4", "\\\"format\\\":3", "model-version"),
        ("\\\"format\\\":4", "\\\"format\\\":-3", "model-version"),
        ("\\\"format\\\":4", "\\\"format\\\":4.5", "model-version"),
        ("\\\"format\\\":4", "\\\"format\\\":\\\"3\\\"", "model-version"),
        (MANIFEST_KEY, "other-key", "model-version"),
        ("\\\"model\\\":", "\\\"name\\\":", "model-corrupt"),
        ("\\\"dataSha256\\\":", "\\\"sha\\\":", "model-corrupt"),
    ] {
        assert!(header.contains(from), "{header}");
        let error =
            read(&joined(header.replace(from, to).as_bytes(), data)).expect_err("it is another");
        assert_eq!(error.code(), code, "{to}");
    }
    for bytes in
        [&b""[..], b"PK\x03\x04", b"<!doctype html><title>404</title>", &[0xFF; 100], &[0; 100]]
    {
        assert_eq!(read(bytes).expect_err("no model").code(), "model-corrupt");
    }
}
