//! The settings that the scenes in a folder were made with. All scenes of a folder are answers to
//! the same question.

use std::io::Write;
use std::path::Path;

use aims_web::Request;
use aims_web::model::data_sha256;
use aims_web::segmenter::Mode;
use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::files::write_whole;

/// The names and values of the settings. All are known from the start except `inputSize`: if the
/// caller does not give it, the device decides.
#[derive(Clone)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// The settings of a run.
    pub fn new(
        model: &[u8],
        input_size: Option<u32>,
        prompt: &str,
        request: &Request,
    ) -> Result<Self> {
        let mode = match request.mode {
            None => "default",
            Some(Mode::Learned) => "learned",
            Some(Mode::Grid) => "grid",
        };
        let values = [
            ("modelSha256", json!(data_sha256(model))),
            ("mode", json!(mode)),
            ("prompt", serde_json::from_str(prompt)?),
            // The conversion to text keeps 32-bit numbers as people write them.
            ("grid", serde_json::from_str(&serde_json::to_string(&request.grid)?)?),
            ("maxQueries", json!(request.max_queries)),
        ];
        let mut settings =
            Self(values.map(|(name, value)| (name.to_string(), value)).into_iter().collect());
        if let Some(size) = input_size {
            settings.set_input_size(size);
        }
        Ok(settings)
    }

    /// Sets the input size, in pixels.
    pub fn set_input_size(&mut self, size: u32) {
        self.0.insert("inputSize".to_string(), json!(size));
    }

    /// Reads the settings from a file, if it exists.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let map = serde_json::from_str(&text);
                let map = map.with_context(|| {
                    format!("{} is damaged. Start again with --restart", path.display())
                })?;
                Ok(Some(Self(map)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the settings to a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, |file| Ok(writeln!(file, "{}", serde_json::to_string_pretty(&self.0)?)?))
    }

    /// Compares the settings with those of an earlier run in the folder.
    ///
    /// # Errors
    /// If a setting differs. The error names it and both values.
    pub fn check_against(&self, before: &Self, folder: &Path) -> Result<()> {
        let other = |name: &&String| before.0.get(*name) != self.0.get(*name);
        let Some(name) = self.0.keys().find(other) else { return Ok(()) };
        let value =
            |settings: &Self| settings.0.get(name).map_or("nothing".to_string(), Value::to_string);
        bail!(
            "{} was begun with other settings: {name} was {} and is {} now. Name another folder \
             with --out, or start again with --restart",
            folder.display(),
            value(before),
            value(self)
        )
    }
}
