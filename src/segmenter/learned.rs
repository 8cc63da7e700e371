//! The learned levels: all three levels in one pass of the AIMS head.

use burn::tensor::{Shape, Tensor, TensorData};

use super::encoded::View;
use super::grid::low_res;
use crate::error::Result;
use crate::levels::{Candidate, Prediction};
use crate::mask::BitMask;
use crate::model::{Aims, AimsOutput, ImageFeatures, LevelOutput};
use crate::ops;
use crate::progress::Progress;

/// Queries below this score are not worth reading their mask.
const MIN_SCORE: f32 = 0.05;

/// Parts, entities and relations of the photo, or inside a region of it (a mask of the photo's size).
///
/// # Errors
/// [`crate::Error::Aborted`] from `progress`, [`crate::Error::DeviceLost`].
pub async fn predict(
    aims: &Aims,
    features: &ImageFeatures,
    view: &View,
    region: Option<&BitMask>,
    progress: &Progress<'_>,
) -> Result<Prediction> {
    // The full image is no prompt.
    let region = region.filter(|region| u64::from(region.area()) < view.frame().area());
    let prompt = region.map(|region| {
        let size = view.embedding().input_size();
        let data = TensorData::new(view.input_mask(region), Shape::new([1, size, size, 1]));
        Tensor::from_data(data, &features.embedding.device())
    });
    let AimsOutput { levels: [part, entity, relation], entity_part, relation_entity } =
        aims.forward(features, prompt, &progress.piece(0.0, 0.9)).await?;
    let part = read_level(view, part).await?;
    let entity = read_level(view, entity).await?;
    let relation = read_level(view, relation).await?;
    let entity_part = ops::read(entity_part).await?;
    let relation_entity = ops::read(relation_entity).await?;
    progress.checkpoint(1.0).await?;
    Ok(Prediction {
        entity_part: links(&entity_part, &entity, &part),
        relation_entity: links(&relation_entity, &relation, &entity),
        parts: part.candidates,
        entities: entity.candidates,
        relations: relation.candidates,
    })
}

/// The queries of a level that found something.
struct Found {
    candidates: Vec<Candidate>,
    /// Of each candidate.
    queries: Vec<usize>,
    query_count: usize,
}

async fn read_level(view: &View, level: LevelOutput) -> Result<Found> {
    let score = ops::read(level.score).await?;
    let quality = ops::read(level.quality).await?;
    let logits = ops::read(level.logits).await?;
    let query_count = score.len();
    let length = logits.len() / query_count;
    let mut found = Found { candidates: Vec::new(), queries: Vec::new(), query_count };
    for (query, (score, quality)) in score.into_iter().zip(quality).enumerate() {
        // As in training: `training/aims/postprocess.py`.
        let score = (sigmoid(score) * sigmoid(quality)).sqrt();
        if score >= MIN_SCORE {
            let logits = low_res(view, logits[query * length..][..length].to_vec())?;
            found.candidates.push(Candidate { logits, frame: view.frame(), score });
            found.queries.push(query);
        }
    }
    Ok(found)
}

/// Probabilities between the candidates of two levels, from logits between all their queries.
fn links(logits: &[f32], coarse: &Found, fine: &Found) -> Vec<f32> {
    let columns = fine.query_count;
    let row =
        |&query: &usize| fine.queries.iter().map(move |&other| sigmoid(logits[query * columns + other]));
    coarse.queries.iter().flat_map(row).collect()
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
