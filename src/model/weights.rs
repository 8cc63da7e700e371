//! The model file: safetensors whose metadata holds a [`Manifest`] with the version of the format
//! and a checksum.
//!
//! Tensors have the names of the PyTorch checkpoint. A matrix is `[outputs, inputs]`. If it is
//! quantised, it is stored as I8, or as U8 `[outputs, inputs / 2]` with two signed 4-bit values per
//! byte (the first in the low half), together with `<name>.scales` (F16, `[outputs, inputs / 32]`).
//! Everything else is F16 or F32.
//!
//! Rows of I8 whose length is no multiple of 32 are stored with zeros behind them up to the next
//! one. Such a matrix is 32-bit floats on the device, because products with packed weights take
//! whole groups.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use half::f16;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};

use super::manifest::{MANIFEST_KEY, Manifest};
use crate::error::{Error, Result};
use crate::ops::{self, Bits, Device, GROUP, Tensor, Weight};

/// A model file in memory. Its tensors go to the device one by one, packed as they are stored.
pub struct Weights<'a> {
    file: SafeTensors<'a>,
    manifest: Manifest,
    device: Device,
    /// The matrices that were asked for so far, because some layers share theirs.
    matrices: RefCell<HashMap<String, Weight>>,
    /// The names of the tensors that were asked for so far.
    read: RefCell<HashSet<String>>,
}

impl<'a> Weights<'a> {
    /// Opens a model file and checks its header, version and checksum.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`], [`Error::ModelVersion`].
    pub fn new(bytes: &'a [u8], device: &Device) -> Result<Self> {
        let (weights, data) = Self::parse(bytes, device)?;
        if weights.manifest.data_sha256 != data_sha256(data) {
            return Err(Error::ModelCorrupt("its checksum does not match".to_string()));
        }
        Ok(weights)
    }

    /// The same as [`Self::new`], for a file that is known to be undamaged: its checksum is not
    /// computed.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`], [`Error::ModelVersion`].
    pub fn trusted(bytes: &'a [u8], device: &Device) -> Result<Self> {
        Self::parse(bytes, device).map(|(weights, _)| weights)
    }

    /// Opens a model file without checking its checksum. Also returns all data after the header.
    fn parse(bytes: &'a [u8], device: &Device) -> Result<(Self, &'a [u8])> {
        let (header_length, header) = SafeTensors::read_metadata(bytes).map_err(corrupt)?;
        let entry = header.metadata().as_ref().and_then(|metadata| metadata.get(MANIFEST_KEY));
        let manifest = Manifest::parse(entry)?;
        let file = SafeTensors::deserialize(bytes).map_err(corrupt)?;
        let weights = Self {
            file,
            manifest,
            device: device.clone(),
            matrices: RefCell::default(),
            read: RefCell::default(),
        };
        // The length prefix is eight bytes.
        Ok((weights, &bytes[8 + header_length..]))
    }

    /// The manifest of the file.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The numbers of bits that the file's quantised matrices have.
    pub fn bits(&self) -> Vec<Bits> {
        let types: Vec<_> = self.file.iter().map(|(_, view)| view.dtype()).collect();
        let stored = [(Dtype::I8, Bits::Eight), (Dtype::U8, Bits::Four)];
        stored
            .into_iter()
            .filter(|(dtype, _)| types.contains(dtype))
            .map(|(_, bits)| bits)
            .collect()
    }

    /// The device that tensors go to.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A float tensor of the given shape, on the device.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`] if it is missing or has another type or shape.
    pub fn float<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let view = self.view(name)?;
        let values = floats(&view).filter(|_| view.shape() == shape);
        let values = values.ok_or_else(|| self.mismatch(name, &view, &shape))?;
        Ok(ops::tensor(values, shape, &self.device))
    }

    /// The values of a float tensor, in main memory. `length` is their number.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`] if it is missing or has another type or length.
    pub fn float_vec(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        let view = self.view(name)?;
        let is_as_long = view.shape().iter().product::<usize>() == length;
        floats(&view).filter(|_| is_as_long).ok_or_else(|| self.mismatch(name, &view, &[length]))
    }

    /// A matrix `[outputs, inputs]`, on the device, in the precision that the file has it in.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`] if it is missing or has another type or shape.
    pub fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Weight> {
        let known = self.matrices.borrow().get(name).cloned();
        if let Some(weight) = known.filter(|weight| weight.dims() == [outputs, inputs]) {
            return Ok(weight);
        }
        let weight = self.load_matrix(name, outputs, inputs)?;
        self.matrices.borrow_mut().insert(name.to_string(), weight.clone());
        Ok(weight)
    }

    fn load_matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Weight> {
        let view = self.view(name)?;
        let stored = inputs.next_multiple_of(GROUP);
        let (bits, row) = match view.dtype() {
            Dtype::I8 => (Bits::Eight, stored),
            Dtype::U8 if stored == inputs => (Bits::Four, inputs / 2),
            Dtype::F16 | Dtype::F32 => {
                return Ok(Weight::F32(self.float(name, [outputs, inputs])?));
            }
            _ => return Err(self.mismatch(name, &view, &[outputs, inputs])),
        };
        if view.shape() != [outputs, row] {
            return Err(self.mismatch(name, &view, &[outputs, row]));
        }
        let scales = self.float_vec(&format!("{name}.scales"), outputs * stored / GROUP)?;
        if stored != inputs {
            let values = expanded(view.data(), &scales, [stored, inputs]);
            return Ok(Weight::F32(ops::tensor(values, [outputs, inputs], &self.device)));
        }
        let packed = bytemuck::pod_collect_to_vec(view.data());
        Ok(Weight::quantised(bits, packed, scales, [outputs, inputs], &self.device))
    }

    /// Checks, once the network is loaded, that it has all tensors of the file. A tensor that it
    /// does not have shows that the manifest describes another network.
    ///
    /// # Errors
    /// [`Error::ModelCorrupt`], which names the family and the tensor.
    pub fn check_all_read(&self) -> Result<()> {
        let read = self.read.borrow();
        match self.file.names().into_iter().find(|name| !read.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(Error::ModelCorrupt(format!(
                "its manifest names {}, which has no tensor '{name}'",
                self.family()
            ))),
        }
    }

    fn view(&self, name: &str) -> Result<TensorView<'a>> {
        self.read.borrow_mut().insert(name.to_string());
        self.file.tensor(name).map_err(|_| {
            Error::ModelCorrupt(format!(
                "its manifest names {}, but the tensor '{name}' is missing",
                self.family()
            ))
        })
    }

    /// The error for a tensor that is not as the manifest says.
    fn mismatch(&self, name: &str, view: &TensorView, wanted: &[usize]) -> Error {
        Error::ModelCorrupt(format!(
            "its manifest names {}, whose tensor '{name}' has the shape {wanted:?}, \
             but here it is {:?} of the shape {:?}",
            self.family(),
            view.dtype(),
            view.shape()
        ))
    }

    fn family(&self) -> String {
        let description = &self.manifest.description;
        format!("'{}' with the encoder '{}'", description.model, description.encoder.kind())
    }
}

/// The values of a matrix that is stored in 8 bits with rows of `stored` values, of which the first
/// `inputs` count.
fn expanded(data: &[u8], scales: &[f32], [stored, inputs]: [usize; 2]) -> Vec<f32> {
    let rows = data.chunks_exact(stored).zip(scales.chunks_exact(stored / GROUP));
    rows.flat_map(|(row, scales)| {
        let values = row[..inputs].iter().enumerate();
        values.map(|(i, &value)| f32::from(value as i8) * scales[i / GROUP])
    })
    .collect()
}

/// The values of a tensor of 32-bit or 16-bit floats, or `None` if it has any other type.
pub fn floats(view: &TensorView) -> Option<Vec<f32>> {
    match view.dtype() {
        Dtype::F32 => Some(bytemuck::pod_collect_to_vec(view.data())),
        Dtype::F16 => {
            let halves: Vec<f16> = bytemuck::pod_collect_to_vec(view.data());
            Some(halves.into_iter().map(f16::to_f32).collect())
        }
        _ => None,
    }
}

fn corrupt(error: SafeTensorError) -> Error {
    Error::ModelCorrupt(error.to_string())
}

/// The SHA-256 of a file's tensor data (all that follows the header), in hexadecimal.
pub fn data_sha256(data: &[u8]) -> String {
    // The data is hashed in pieces. A browser replaces its first, slow translation of a function
    // only between calls, and hashing everything at once would be one call.
    const PIECE: usize = 1 << 16;
    let mut hasher = Sha256::new();
    data.chunks(PIECE).for_each(|piece| hasher.update(piece));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
