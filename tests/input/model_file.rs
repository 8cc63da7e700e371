//! Takes model files apart and puts them together again.

use aims_web::model::{MANIFEST_KEY, data_sha256};
use serde_json::Value;

/// The header's text and the data behind it, or `None` if the file has no such header.
pub fn split(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u64::from_le_bytes(file.get(..8)?.try_into().ok()?);
    file[8..].split_at_checked(usize::try_from(length).ok()?)
}

/// The file with this header and this data.
pub fn joined(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// Corrects the checksum, if the file has a place for one.
pub fn mend(file: &mut [u8]) {
    const KEY: &[u8] = b"dataSha256\\\":\\\"";
    let Some((header, data)) = split(file) else { return };
    let checksum = data_sha256(data);
    let Some(at) = header.windows(KEY.len()).position(|window| window == KEY) else { return };
    let start = 8 + at + KEY.len();
    if let Some(place) = file.get_mut(start..start + 64) {
        place.copy_from_slice(checksum.as_bytes());
    }
}

/// The file with its manifest changed. Its tensors stay as they are.
pub fn with_manifest(file: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (header, data) = split(file).expect("a valid file");
    let mut header: Value = serde_json::from_slice(header).expect("a valid file");
    let text = &mut header["__metadata__"][MANIFEST_KEY];
    let mut manifest: Value =
        serde_json::from_str(text.as_str().expect("a valid file")).expect("a valid file");
    change(&mut manifest);
    *text = manifest.to_string().into();
    joined(header.to_string().as_bytes(), data)
}
