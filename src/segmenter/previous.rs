//! The logits of an earlier answer, which a caller gives back with more points.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::mask::LowResLogits;
use crate::ops::{self, Device, Tensor};

/// Logits are cut to the range from -32 to 32 before they go back into the network, as in SAM 2's
/// predictor.
const LIMIT: f32 = 32.0;

/// The logits of a mask on the decoder's grid, which also covers the padding of the photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskLogits {
    /// The number of columns of the grid.
    pub columns: u32,
    /// The number of rows of the grid.
    pub rows: u32,
    /// The logits, row by row from the top. A logit above 0 is inside the mask. They are serialised
    /// as little-endian bytes.
    #[serde(with = "as_bytes")]
    pub values: Vec<f32>,
}

impl From<&LowResLogits> for MaskLogits {
    fn from(logits: &LowResLogits) -> Self {
        let (columns, rows) = logits.size();
        Self { columns, rows, values: logits.values().to_vec() }
    }
}

impl MaskLogits {
    /// The logits as a mask prompt `[1, rows, columns, 1]` for a photo whose masks have
    /// `[rows, columns]`.
    ///
    /// # Errors
    /// [`Error::InvalidPrompt`] if the grid or the number of values differs, or if a value is NaN.
    pub fn prompt(&self, [rows, columns]: [usize; 2], device: &Device) -> Result<Tensor<4>> {
        let invalid = |why: String| Err(Error::InvalidPrompt(why));
        if (self.columns as usize, self.rows as usize) != (columns, rows) {
            return invalid(format!(
                "the logits in `previous` are {} x {}, but those of this photo are {columns} x {rows}; \
                 pass those of a candidate of the same photo and input size",
                self.columns, self.rows
            ));
        }
        if self.values.len() != rows * columns {
            let count = self.values.len();
            return invalid(format!("`previous` has {count} values, not {columns} x {rows}"));
        }
        if self.values.iter().any(|value| value.is_nan()) {
            return invalid("`previous` has values that are not numbers".to_string());
        }
        let values = self.values.iter().map(|value| value.clamp(-LIMIT, LIMIT)).collect();
        Ok(ops::tensor(values, [1, rows, columns, 1], device))
    }
}

/// Serialises floats as bytes, which go to JavaScript and back in one piece.
mod as_bytes {
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(
        values: &[f32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytemuck::cast_slice(values))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f32>, D::Error> {
        struct Floats;

        impl Visitor<'_> for Floats {
            type Value = Vec<f32>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the bytes of 32-bit floats")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<f32>, E> {
                if bytes.len().is_multiple_of(4) {
                    Ok(bytemuck::pod_collect_to_vec(bytes))
                } else {
                    Err(E::invalid_length(bytes.len(), &self))
                }
            }
        }

        deserializer.deserialize_bytes(Floats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(columns: u32, rows: u32, values: Vec<f32>) -> MaskLogits {
        MaskLogits { columns, rows, values }
    }

    #[test]
    fn logits_become_a_prompt() {
        let device = Device::flex();
        let given = logits(3, 2, vec![-99.0, -1.0, 0.0, 0.5, f32::INFINITY, 32.0]);
        let prompt = given.prompt([2, 3], &device).expect("they fit");
        assert_eq!(prompt.dims(), [1, 2, 3, 1]);
        let values: Vec<f32> = prompt.into_data().try_to_vec().expect("floats");
        assert_eq!(values, [-32.0, -1.0, 0.0, 0.5, 32.0, 32.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let device = Device::flex();
        for bad in [
            logits(2, 3, vec![0.0; 6]),
            logits(3, 2, vec![0.0; 5]),
            logits(3, 2, vec![0.0, 0.0, f32::NAN, 0.0, 0.0, 0.0]),
            logits(0, 0, vec![]),
        ] {
            assert!(matches!(bad.prompt([2, 3], &device), Err(Error::InvalidPrompt(_))), "{bad:?}");
        }
    }
}
