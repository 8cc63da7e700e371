//! Files of predictions, as JSON lines.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use aims_web::mask::Rle;
use aims_web::{Level, Scene};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A line of a file: what was found in one photo, or in one entity of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The name of the photo, such as `set/name.jpg`.
    pub image: String,
    /// The human mask that was given as prompt, as an index among the photo's labels; `None` for
    /// the whole photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<usize>,
    /// The masks that were found.
    pub masks: Vec<PredictedMask>,
}

/// A mask that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedMask {
    /// The pixels of the mask.
    pub rle: Rle,
    /// The score of the mask, 0 to 1.
    pub score: f32,
    /// The level of the mask.
    pub level: Level,
    /// The entity of a part, as an index among the masks.
    pub parent: Option<usize>,
    /// The entities of a relation, as indices among the masks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<usize>,
}

impl Prediction {
    /// Makes a line from a scene, in which links are ids.
    pub fn new(image: &str, entity: Option<usize>, scene: Scene) -> Self {
        let index_of: HashMap<u32, usize> =
            scene.masks.iter().enumerate().map(|(index, mask)| (mask.id, index)).collect();
        let masks = scene.masks.into_iter().map(|mask| PredictedMask {
            rle: mask.rle,
            score: mask.score,
            level: mask.level,
            parent: mask.parent.and_then(|id| index_of.get(&id).copied()),
            members: mask.members.iter().filter_map(|id| index_of.get(id).copied()).collect(),
        });
        Self { image: image.to_string(), entity, masks: masks.collect() }
    }
}

/// All predictions for one photo.
#[derive(Default)]
pub struct ImagePredictions {
    /// The prediction from the photo alone.
    pub full: Option<Prediction>,
    /// The predictions from human entity masks, one for each mask.
    pub prompted: Vec<Prediction>,
}

/// Reads files of predictions, and groups them by photo.
pub fn read(paths: &[PathBuf]) -> Result<HashMap<String, ImagePredictions>> {
    let mut images: HashMap<String, ImagePredictions> = HashMap::new();
    for path in paths {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        for (line, number) in BufReader::new(file).lines().zip(1..) {
            let at = || format!("{}, line {number}", path.display());
            let prediction: Prediction =
                serde_json::from_str(&line.with_context(at)?).with_context(at)?;
            let image = images.entry(prediction.image.clone()).or_default();
            match prediction.entity {
                Some(_) => image.prompted.push(prediction),
                None => image.full = Some(prediction),
            }
        }
    }
    Ok(images)
}

/// A file of predictions that is being written.
pub struct Writer {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Writer {
    /// Creates the file, and its folder if there is none.
    pub fn create(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        let create = || {
            std::fs::create_dir_all(folder)?;
            File::create(&path)
        };
        let file = create().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file: BufWriter::new(file), path })
    }

    /// Adds a line. It is in the file when this returns.
    pub fn add(&mut self, prediction: &Prediction) -> Result<()> {
        let line = serde_json::to_string(prediction)?;
        writeln!(self.file, "{line}")
            .and_then(|()| self.file.flush())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aims_web::Mask;
    use aims_web::mask::{BBox, BitMask};

    #[test]
    fn parents_become_indices() {
        let mask = |id, level, parent| Mask {
            id,
            level,
            score: 0.5,
            area: 4,
            bbox: BBox { x: 0, y: 0, width: 2, height: 2 },
            rle: Rle::encode(&BitMask::full(2, 2)),
            parent,
            members: Vec::new(),
        };
        let masks = vec![
            mask(7, Level::Entity, None),
            mask(3, Level::Entity, None),
            mask(9, Level::Part, Some(3)),
        ];
        let prediction = Prediction::new("a/b.jpg", None, Scene { width: 2, height: 2, masks });
        let line = serde_json::to_string(&prediction).expect("serialisable");
        assert!(line.ends_with(
            r#"{"rle":{"size":[2,2],"counts":"04"},"score":0.5,"level":"part","parent":1}]}"#
        ));
        assert_eq!(serde_json::from_str::<Prediction>(&line).expect("readable"), prediction);
    }
}
