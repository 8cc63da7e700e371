//! Makes this project's model file from the weights of others and from what was trained on top of
//! them.

mod checkpoint;
mod file;
mod gptq;
mod observe;
mod quantise;
mod trained;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use aims_web::model::Description;
use aims_web::ops::Bits;
pub use checkpoint::Matrix;

/// The precision of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// All tensors are 32-bit floats.
    Float32,
    /// Matrices are quantised to this many bits, in groups; everything else has 16 bits.
    Quantised(Bits),
}

/// A family of models, as a file `models/*.json` describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Family {
    /// The network.
    #[serde(flatten)]
    pub description: Description,
    /// The exceptions in the precision of the weights.
    pub quantisation: Quantisation,
}

/// The matrices that keep more bits than the precision of the file says, given by the beginnings of
/// their names.
///
/// Those under `float` are the first layers of the encoder. They are a small share of the weights,
/// but every later layer sees their errors. With MobileSAM's as floats, the worst of the test's ten
/// masks has IoU 0.984 with the float model's; with 8 bits throughout, it has 0.973.
/// `docs/experiments.md` has what 8 bits give in the 4-bit file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantisation {
    /// These stay 16-bit floats.
    pub float: Vec<String>,
    /// These have no fewer than eight bits.
    pub eight_bits: Vec<String>,
}

impl Family {
    /// Reads a description.
    ///
    /// # Errors
    /// If the file cannot be read or is not such a description.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let family: Self =
            serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        family.description.check()?;
        Ok(family)
    }
}

/// The files and folders that a model file is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// A PyTorch checkpoint of MobileSAM, or a safetensors file that `training` wrote.
    pub weights: &'a Path,
    /// The files with the tensors that were trained on top of the weights.
    pub trained: &'a [PathBuf],
    /// A file with the mean square of each input of each matrix on some photos. The larger it is,
    /// the smaller errors should be.
    pub calibration: Option<&'a Path>,
    /// A folder of photos for which the weights of linear layers are rounded together (GPTQ), which
    /// takes minutes.
    pub photos: Option<&'a Path>,
}

/// What is known about the inputs of matrices, by the names of the matrices.
#[derive(Default)]
pub(crate) struct Calibration {
    squares: HashMap<String, Vec<f32>>,
    moments: observe::Moments,
}

/// Reads the sources, and returns the bytes of a model file.
///
/// # Errors
/// If a file cannot be read, or has other tensors than it should.
pub fn convert(
    family: &Family,
    Sources { weights, trained, calibration, photos }: Sources,
    precision: Precision,
) -> Result<Vec<u8>> {
    let mut tensors = BTreeMap::new();
    if weights.extension().is_some_and(|extension| extension == "safetensors") {
        trained::add(weights, &mut tensors)?;
    } else {
        tensors = checkpoint::read(weights)?;
    }
    for trained in trained {
        trained::add(trained, &mut tensors)?;
    }
    let mut family = family.clone();
    let Description { efficient_net, levels, scene, semantic, .. } = &mut family.description;
    let has = |part: &str| tensors.keys().any(|name| name.starts_with(part));
    only_where_trained(efficient_net, "EfficientNet", has("efficient_net."))?;
    only_where_trained(levels, "levels", has("aims."))?;
    only_where_trained(scene, "scene head", has("scene."))?;
    only_where_trained(semantic, "semantic head", has("semantic."))?;
    let squares = calibration.map(trained::squares).transpose()?.unwrap_or_default();
    let mut calibration = Calibration { squares, ..Calibration::default() };
    if let (Some(photos), Precision::Quantised(_)) = (photos, precision) {
        let mut asked = family.clone();
        if let Some(semantic) = &mut asked.description.semantic {
            // Many boxes of segments would outweigh clicks, whose masks would then get worse.
            semantic.refined = 0;
        }
        let floats = file::write(tensors.clone(), &asked, Precision::Float32, &calibration)?;
        calibration.moments = observe::moments(&floats, photos)?;
    }
    file::write(tensors, &family, precision, &calibration)
}

/// Keeps a part of the description only if the weights have it.
fn only_where_trained<T>(part: &mut Option<T>, name: &str, is_trained: bool) -> Result<()> {
    ensure!(!is_trained || part.is_some(), "the description has no {name}, but the weights do");
    if !is_trained {
        *part = None;
    }
    Ok(())
}
