//! Which tokens become queries.

use burn::tensor::Tensor;

use super::{AimsConfig, LayerNorm, Linear, Mlp};
use crate::error::Result;
use crate::model::weights::Weights;
use crate::ops::Activation;

pub struct Proposals {
    norm: LayerNorm,
    heat: Mlp,
    query: Linear,
    place: Linear,
}

pub struct Proposed {
    /// `[1, tokens, 1]`, logits: whether a token is in the middle of a mask.
    pub heat: Tensor<3>,
    /// A query at each token, `[1, tokens, width]`.
    pub queries: Tensor<3>,
}

impl Proposals {
    pub fn load(weights: &Weights, name: &str, config: &AimsConfig) -> Result<Self> {
        let width = config.width;
        Ok(Self {
            norm: LayerNorm::load(weights, &format!("{name}.norm"), width, LayerNorm::EPSILON)?,
            heat: Mlp::load(weights, &format!("{name}.heat"), &[width, width, 1])?,
            query: Linear::load(weights, &format!("{name}.query"), width, width)?,
            place: Linear::load(weights, &format!("{name}.place"), width, width)?,
        })
    }

    /// Both arguments are `[1, tokens, width]`.
    pub fn forward(&self, tokens: Tensor<3>, positions: Tensor<3>) -> Proposed {
        let x = self.norm.forward(tokens, Activation::None);
        let places = self.place.forward(positions, Activation::None);
        Proposed {
            heat: self.heat.forward(x.clone(), Activation::Gelu),
            queries: self.query.forward_add(x, places, Activation::None),
        }
    }
}

/// The `count` hottest tokens that no neighbour (of eight) outdoes; if there are fewer, the hottest of the others follow.
pub fn hottest(heat: &[f32], side: usize, count: usize) -> Vec<usize> {
    let height = heat.len() / side;
    let is_peak = |token: usize| {
        let (y, x) = (token / side, token % side);
        (y.saturating_sub(1)..(y + 2).min(height)).all(|ny| {
            let row = &heat[ny * side..][x.saturating_sub(1)..(x + 2).min(side)];
            row.iter().all(|&other| other <= heat[token])
        })
    };
    let mut tokens: Vec<_> = (0..heat.len()).map(|token| (is_peak(token), token)).collect();
    tokens.sort_by(|a, b| b.0.cmp(&a.0).then(heat[b.1].total_cmp(&heat[a.1])).then(a.1.cmp(&b.1)));
    tokens.into_iter().take(count).map(|(_, token)| token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_come_before_hotter_slopes() {
        #[rustfmt::skip]
        let heat = [
            9.0, 8.0, 0.0, 0.0,
            7.0, 1.0, 0.0, 2.0,
        ];
        assert_eq!(hottest(&heat, 4, 3), [0, 7, 1]);
        assert_eq!(hottest(&heat, 4, 100).len(), 8);
    }
}
