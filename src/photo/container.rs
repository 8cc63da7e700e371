//! What files say about themselves. It is checked before a decoder takes memory for it.

/// The width and height in the header of a PNG.
pub(super) fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(12..24).filter(|header| header.starts_with(b"IHDR"))?;
    let side = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    Some((side(4), side(8)))
}

/// Checks that the palette of a PNG consists of whole colours. The decoder panics at other
/// palettes.
///
/// # Errors
/// A text that says what is wrong.
pub(super) fn check_png(bytes: &[u8]) -> Result<(), String> {
    // The first chunk comes after the signature. A chunk is a length, a name, data and a checksum.
    // The palette comes before the pixels.
    let mut at = 8;
    while let Some(&[a, b, c, d, ref name @ ..]) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([a, b, c, d]);
        if name == b"IDAT" {
            break;
        }
        if name == b"PLTE" && (!length.is_multiple_of(3) || length > 3 * 256) {
            return Err(format!("its palette of {length} bytes is invalid"));
        }
        at = at.saturating_add(length as usize).saturating_add(12).min(bytes.len());
    }
    Ok(())
}

/// A WebP file without the bytes that follow it.
pub(super) fn webp_file(bytes: &[u8]) -> &[u8] {
    let length = bytes.get(4..8).map_or(0, length);
    &bytes[..bytes.len().min(length.saturating_add(8))]
}

/// Checks that each chunk of a WebP file of this `size` (width and height) lies in the file, and
/// that a lossy image has this size too. The decoder takes as much memory as they say.
///
/// # Errors
/// A text that says what is wrong.
pub(super) fn check_webp(bytes: &[u8], size: (u32, u32)) -> Result<(), String> {
    // The first chunk comes after "RIFF", a length and "WEBP".
    let mut at = 12;
    while let Some(header) = bytes.get(at..at + 8) {
        let data = &bytes[at + 8..];
        let length = length(&header[4..]);
        let data = data.get(..length).ok_or("it ends too early")?;
        if header.starts_with(b"VP8 ") {
            // The sides come after three bytes of flags and three that are always the same. Each
            // side has 14 bits, followed by two bits for scaling.
            let sides = data.get(6..10).ok_or("it ends too early")?;
            let side =
                |at: usize| u32::from(u16::from_le_bytes([sides[at], sides[at + 1]]) & 0x3FFF);
            if (side(0), side(2)) != size {
                return Err("its pixels have another size than its header says".to_string());
            }
        }
        at += 8 + length + length % 2;
    }
    Ok(())
}

/// Four bytes as a number, the lowest byte first.
fn length(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte))
}
