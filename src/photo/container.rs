//! What the files say about themselves, checked before a decoder takes memory for it.

/// Checks that a JPEG's own end marker is there, as the decoder fills what is missing with grey and calls it a success, and that
/// its colours are ones that files have: it makes noise of two components. Segments are skipped by their length, so that the
/// end of an embedded thumbnail does not count.
///
/// # Errors
/// What is wrong.
pub fn check_jpeg(bytes: &[u8]) -> Result<(), String> {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut at = 2;
    let mut in_scan = false;
    while let Some(&[first, marker]) = bytes.get(at..at + 2) {
        let has_no_length = matches!(marker, 0x00 | 0x01 | 0xD0..=0xD7 | 0xFF);
        if first != 0xFF || (in_scan && has_no_length) {
            // Compressed data, a stuffed zero or a restart marker; between segments: padding.
            at += 1;
        } else if marker == END_OF_IMAGE {
            return Ok(());
        } else if has_no_length {
            at += 1;
        } else {
            let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { break };
            // The frame's header: a length, bits a sample, height, width, and then the number of components.
            if matches!(marker, 0xC0..=0xC2) && bytes.get(at + 9) == Some(&2) {
                return Err("it has two colour components".to_string());
            }
            in_scan = marker == START_OF_SCAN;
            at += 2 + usize::from(u16::from_be_bytes([high, low]));
        }
    }
    Err("it ends too early".to_string())
}

/// Width and height by a PNG's header.
pub fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(12..24).filter(|header| header.starts_with(b"IHDR"))?;
    let side = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    Some((side(4), side(8)))
}

/// Checks that a PNG's palette is one of whole colours: the decoder panics at others.
///
/// # Errors
/// What is wrong.
pub fn check_png(bytes: &[u8]) -> Result<(), String> {
    // Behind the signature. A chunk is a length, a name, data and a checksum; palettes come before pixels.
    let mut at = 8;
    while let Some(&[a, b, c, d, ref name @ ..]) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([a, b, c, d]);
        if name == b"IDAT" {
            break;
        }
        if name == b"PLTE" && (!length.is_multiple_of(3) || length > 3 * 256) {
            return Err(format!("its palette has {length} bytes"));
        }
        at = at.saturating_add(length as usize).saturating_add(12).min(bytes.len());
    }
    Ok(())
}

/// A WebP without what follows it.
pub fn webp_file(bytes: &[u8]) -> &[u8] {
    let length = bytes.get(4..8).map_or(0, length);
    &bytes[..bytes.len().min(length.saturating_add(8))]
}

/// Checks that each chunk of a WebP of that width and height lies in the file and that a lossy picture has the file's size:
/// the decoder takes memory for both as they say.
///
/// # Errors
/// What is wrong.
pub fn check_webp(bytes: &[u8], size: (u32, u32)) -> Result<(), String> {
    // Behind "RIFF", a length and "WEBP".
    let mut at = 12;
    while let Some(header) = bytes.get(at..at + 8) {
        let data = &bytes[at + 8..];
        let length = length(&header[4..]);
        let data = data.get(..length).ok_or("it ends too early")?;
        if header.starts_with(b"VP8 ") {
            // Behind three bytes of flags and three that are always the same: 14 bits each, then two for scaling.
            let sides = data.get(6..10).ok_or("it ends too early")?;
            let side = |at: usize| u32::from(u16::from_le_bytes([sides[at], sides[at + 1]]) & 0x3FFF);
            if (side(0), side(2)) != size {
                return Err("its picture has another size than it says".to_string());
            }
        }
        at += 8 + length + length % 2;
    }
    Ok(())
}

/// Four bytes as a number.
fn length(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte))
}
