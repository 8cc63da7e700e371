//! `--set NAME=VALUE` changes a threshold of either mode for one run.

use aims_web::levels::LevelRules;
use aims_web::model::MANIFEST_KEY;
use aims_web::{GridOptions, Segmenter};
use anyhow::{Context, Result, anyhow};
use safetensors::SafeTensors;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A threshold and its new value. The name is a path: `grid.…` is a field of [`GridOptions`],
/// `rules.…` is a field of [`LevelRules`], and everything else is an entry of the model file's
/// manifest, such as `scene.entities.visible` or `levels.thresholds.minObjectness`.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    path: Vec<String>,
    value: Value,
}

impl Override {
    /// Reads `NAME=VALUE`, where the value is JSON.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
        let value = serde_json::from_str(value).map_err(|error| format!("{value}: {error}"))?;
        Ok(Self { path: name.split('.').map(str::to_string).collect(), value })
    }

    /// Replaces the value at `path` in `root`.
    fn apply(&self, root: &mut Value, path: &[String]) -> Result<()> {
        let entry = path.iter().try_fold(root, |entry, key| entry.get_mut(key));
        *entry.ok_or_else(|| anyhow!("there is no setting {}", self.path.join(".")))? =
            self.value.clone();
        Ok(())
    }
}

/// The options of the grid, changed by the overrides whose names begin with `grid`.
pub fn grid(options: &GridOptions, overrides: &[Override]) -> Result<GridOptions> {
    changed(options, "grid", overrides)
}

/// Gives the segmenter the rules, changed by the overrides whose names begin with `rules`.
pub fn set_rules(segmenter: &mut Segmenter, overrides: &[Override]) -> Result<()> {
    segmenter.set_rules(changed(&LevelRules::default(), "rules", overrides)?);
    Ok(())
}

fn changed<T: Serialize + DeserializeOwned>(
    settings: &T,
    name: &str,
    overrides: &[Override],
) -> Result<T> {
    let mut json = serde_json::to_value(settings)?;
    for entry in overrides.iter().filter(|entry| entry.path[0] == name) {
        entry.apply(&mut json, &entry.path[1..])?;
    }
    serde_json::from_value(json).with_context(|| format!("cannot change the settings of {name}"))
}

/// The model file with its manifest changed by the other overrides. Its tensors stay as they are.
pub fn model(file: Vec<u8>, overrides: &[Override]) -> Result<Vec<u8>> {
    let mut own = overrides
        .iter()
        .filter(|entry| !["grid", "rules"].contains(&entry.path[0].as_str()))
        .peekable();
    if own.peek().is_none() {
        return Ok(file);
    }
    let (length, _) = SafeTensors::read_metadata(&file)?;
    let (header, data) = file[8..].split_at(length);
    let mut header: Value = serde_json::from_slice(header)?;
    let entry = header.pointer_mut(&format!("/__metadata__/{MANIFEST_KEY}"));
    let entry = entry.context("the model file has no manifest")?;
    let mut manifest: Value = serde_json::from_str(entry.as_str().unwrap_or_default())?;
    for change in own {
        change.apply(&mut manifest, &change.path)?;
    }
    *entry = manifest.to_string().into();
    let header = serde_json::to_vec(&header)?;
    Ok([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aims_web::model::Manifest;

    fn overrides(texts: &[&str]) -> Vec<Override> {
        texts.iter().map(|text| Override::parse(text).expect("well formed")).collect()
    }

    fn manifest(file: &[u8]) -> Manifest {
        let (_, metadata) = SafeTensors::read_metadata(file).expect("a model file");
        let metadata = metadata.metadata().clone().expect("it has metadata");
        serde_json::from_str(&metadata[MANIFEST_KEY]).expect("a manifest")
    }

    #[test]
    fn a_threshold_of_each_place_changes() {
        let all = overrides(&[
            "grid.predIouThresh=0.5",
            "rules.partMaxArea=0.25",
            "scene.entities.visible=0.125",
        ]);
        let grid = grid(&GridOptions::default(), &all).expect("known names");
        assert_eq!(grid, GridOptions { pred_iou_thresh: 0.5, ..GridOptions::default() });
        let rules: LevelRules = changed(&LevelRules::default(), "rules", &all).expect("known");
        assert_eq!(rules, LevelRules { part_max_area: 0.25, ..LevelRules::default() });

        let file = std::fs::read("../models/aims-tiny-q4.safetensors").expect("in the checkout");
        let other = model(file.clone(), &all).expect("known names");
        let mut expected = manifest(&file);
        let scene = expected.description.scene.as_mut().expect("it has a scene head");
        scene.entities.visible = 0.125;
        assert_eq!(manifest(&other), expected);
        let tensors =
            |file: &[u8]| file[8 + SafeTensors::read_metadata(file).unwrap().0..].to_vec();
        assert!(tensors(&file) == tensors(&other), "the tensors are the same");
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let grid_error = grid(&GridOptions::default(), &overrides(&["grid.predIou=0.5"]));
        assert!(grid_error.unwrap_err().to_string().contains("grid.predIou"));
        let text = overrides(&["grid.predIouThresh=\"high\""]);
        assert!(grid(&GridOptions::default(), &text).is_err());
        let file = std::fs::read("../models/aims-tiny-q4.safetensors").expect("in the checkout");
        assert!(model(file, &overrides(&["scene.entities.seen=1"])).is_err());
        for text in ["scene.most", "scene.most=", "scene.most=ten"] {
            assert!(Override::parse(text).is_err(), "{text}");
        }
    }
}
