//! What the files say about themselves, checked before a decoder takes memory for it.

/// Width and height by a PNG's header.
pub fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(12..24).filter(|header| header.starts_with(b"IHDR"))?;
    let side = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
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
            let side =
                |at: usize| u32::from(u16::from_le_bytes([sides[at], sides[at + 1]]) & 0x3FFF);
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
