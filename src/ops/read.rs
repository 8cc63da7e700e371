//! Results back from the device.

use burn::tensor::Tensor;

use crate::error::{Error, Result};

/// A tensor's values, in order.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let lost = |error: &dyn std::fmt::Debug| Error::DeviceLost(format!("{error:?}"));
    let data = tensor.into_data_async().await.map_err(|error| lost(&error))?;
    data.try_into_vec::<f32>().map_err(|error| lost(&error))
}

/// Waits until `tensor` is computed: a GPU works behind the program, which else would report progress that is not made
/// and miss failures.
///
/// # Errors
/// [`Error::DeviceLost`] if the device failed on the way.
pub async fn wait<const D: usize>(tensor: &Tensor<D>) -> Result<()> {
    let first = [(); D].map(|()| 0..1);
    read(tensor.clone().slice(first)).await.map(drop)
}
