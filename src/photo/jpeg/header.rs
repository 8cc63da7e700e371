//! What a JPEG file says about how it is coded. The pixels are not decoded.

use crate::error::{Error, Result};

/// How an image is coded, as the marker of its frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Sequential,
    Progressive,
}

/// The sampling factors of a component: how many samples it has in each direction where a component
/// with the factor 1 has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sampling {
    pub horizontal: u8,
    pub vertical: u8,
}

/// The colour space of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    Rgb,
    YCbCr,
    Cmyk,
    /// CMYK whose first three components are stored as YCbCr.
    Ycck,
}

/// What the segments of a JPEG file say.
#[derive(Debug)]
pub(super) struct Header {
    pub coding: Coding,
    pub width: u32,
    pub height: u32,
    pub components: Vec<Sampling>,
    pub colours: Colours,
    /// Whether all readers agree about the colour space. JFIF's marker, Adobe's marker and the
    /// names of the components may contradict one another.
    pub has_clear_colours: bool,
    /// The number of components in the first scan.
    pub first_scan: usize,
    /// Whether the scans have all of each component.
    pub has_all_scans: bool,
    /// Whether the end marker of the file itself is there.
    pub has_end: bool,
    /// The position, in bytes, at which the pixels end at the latest.
    pub pixels_end: usize,
}

const JFIF: u8 = 0xE0;
const ADOBE: u8 = 0xEE;
const START_OF_SCAN: u8 = 0xDA;
const END_OF_IMAGE: u8 = 0xD9;
const COEFFICIENTS: usize = 64;

impl Header {
    /// Reads all segments. Each is skipped by its length, so that the end marker of an embedded
    /// thumbnail does not count.
    ///
    /// # Errors
    /// [`Error::UnsupportedImage`] for arithmetic coding, for lossless and hierarchical files, for
    /// samples of 12 bits, and for any number of components except 1, 3 and 4;
    /// [`Error::CorruptImage`] if there is no frame or no scan.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut frame: Option<Frame> = None;
        let mut first_scan = 0;
        let (mut has_jfif, mut adobe) = (false, None);
        let (mut at, mut in_scan, mut has_end, mut pixels_end) = (2, false, false, bytes.len());
        while let Some(&[first, marker]) = bytes.get(at..at + 2) {
            let has_no_length = matches!(marker, 0x00 | 0x01 | 0xD0..=0xD7 | 0xFF);
            if first != 0xFF || has_no_length {
                // This is compressed data, a stuffed zero, a restart marker, or padding between
                // segments.
                at += 1;
                continue;
            }
            if marker == END_OF_IMAGE {
                (has_end, pixels_end) = (true, at);
                break;
            }
            if in_scan && frame.as_ref().is_some_and(Frame::is_whole) {
                // What follows does not belong to the image: it is a block of the camera's maker,
                // or another file after one that was cut.
                pixels_end = at;
                break;
            }
            let length = match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
                _ => break,
            };
            // The length counts its own two bytes. Compressed data may look like a segment that
            // reaches beyond the file.
            let Some(content) = bytes.get(at + 4..at + 2 + length.max(2)) else { break };
            match marker {
                0xC0..=0xC2 if frame.is_none() => frame = Some(Frame::read(marker, content)?),
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if frame.is_none() => {
                    return Err(Error::UnsupportedImage);
                }
                JFIF if content.starts_with(b"JFIF\0") => has_jfif = true,
                ADOBE if content.starts_with(b"Adobe") => adobe = content.get(11).copied(),
                START_OF_SCAN => {
                    let frame =
                        frame.as_mut().ok_or_else(|| corrupt("its size follows its pixels"))?;
                    let components = frame.take_scan(content)?;
                    first_scan = if in_scan { first_scan } else { components };
                    in_scan = true;
                }
                _ => {}
            }
            at += 2 + length.max(2);
        }
        let frame = frame.filter(|_| in_scan).ok_or_else(|| corrupt("it ends too early"))?;
        Ok(Self {
            has_all_scans: frame.is_whole(),
            colours: frame.colours(has_jfif, adobe),
            has_clear_colours: frame.has_clear_colours(has_jfif, adobe),
            coding: frame.coding,
            width: frame.width,
            height: frame.height,
            components: frame.components.iter().map(|component| component.sampling).collect(),
            first_scan,
            has_end,
            pixels_end,
        })
    }
}

struct Frame {
    coding: Coding,
    width: u32,
    height: u32,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    sampling: Sampling,
    /// For each coefficient, how many of its lowest bits are in none of the scans so far; `u8::MAX`
    /// before the first scan of it.
    missing: [u8; COEFFICIENTS],
}

impl Frame {
    /// Reads a frame: the bits per sample, the height, the width, the number of components, and
    /// three bytes for each component.
    fn read(marker: u8, content: &[u8]) -> Result<Self> {
        let &[bits, h1, h0, w1, w0, count, ref components @ ..] = content else {
            return Err(corrupt("its frame header is cut short"));
        };
        if bits != 8 || !matches!(count, 1 | 3 | 4) {
            return Err(Error::UnsupportedImage);
        }
        let components: Vec<_> =
            components.chunks_exact(3).take(usize::from(count)).map(Component::read).collect();
        let is_sound = |component: &Component| {
            let Sampling { horizontal, vertical } = component.sampling;
            (1..=4).contains(&horizontal) && (1..=4).contains(&vertical)
        };
        if components.len() < usize::from(count) || !components.iter().all(is_sound) {
            return Err(corrupt("its frame header is invalid"));
        }
        Ok(Self {
            coding: if marker == 0xC2 { Coding::Progressive } else { Coding::Sequential },
            width: u32::from(u16::from_be_bytes([w1, w0])),
            height: u32::from(u16::from_be_bytes([h1, h0])),
            components,
        })
    }

    /// Notes what a scan has and returns its number of components. The header of a scan is this
    /// number, two bytes for each component, the first and the last coefficient, and one byte that
    /// says how many bits were missing before the scan and how many are missing after it.
    fn take_scan(&mut self, content: &[u8]) -> Result<usize> {
        let wrong = || corrupt("a scan header is invalid");
        let (&count, rest) = content.split_first().ok_or_else(wrong)?;
        let count = usize::from(count);
        let (ids, &[start, end, bits]) = rest.split_at_checked(2 * count).ok_or_else(wrong)? else {
            return Err(wrong());
        };
        let (coefficients, missing) = match self.coding {
            Coding::Sequential => (0..COEFFICIENTS, 0),
            Coding::Progressive => (usize::from(start)..usize::from(end) + 1, bits & 0x0F),
        };
        if coefficients.end > COEFFICIENTS || coefficients.is_empty() {
            return Err(wrong());
        }
        for id in ids.iter().step_by(2) {
            let component = self
                .components
                .iter_mut()
                .find(|component| component.id == *id)
                .ok_or_else(wrong)?;
            component.missing[coefficients.clone()].fill(missing);
        }
        Ok(count)
    }

    /// The colour space as libjpeg determines it. A file with JFIF's marker has YCbCr. For others,
    /// Adobe's marker says which of two spaces it is.
    fn colours(&self, has_jfif: bool, adobe: Option<u8>) -> Colours {
        match (self.components.len(), adobe) {
            (1, _) => Colours::Grey,
            (3, Some(0)) if !has_jfif => Colours::Rgb,
            (3, None) if !has_jfif && self.is_named_rgb() => Colours::Rgb,
            (3, _) => Colours::YCbCr,
            (_, None | Some(0)) => Colours::Cmyk,
            _ => Colours::Ycck,
        }
    }

    fn has_clear_colours(&self, has_jfif: bool, adobe: Option<u8>) -> bool {
        let contradict =
            has_jfif && adobe == Some(0) || self.is_named_rgb() && (has_jfif || adobe.is_some());
        let is_known = match self.components.len() {
            4 => matches!(adobe, None | Some(0 | 2)),
            _ => matches!(adobe, None | Some(0 | 1)),
        };
        is_known && !contradict
    }

    fn is_named_rgb(&self) -> bool {
        self.components.iter().map(|component| component.id).eq(*b"RGB")
    }

    fn is_whole(&self) -> bool {
        let mut components = self.components.iter();
        match self.coding {
            Coding::Sequential => components.all(|component| component.missing[0] == 0),
            Coding::Progressive => {
                components.all(|component| component.missing == [0; COEFFICIENTS])
            }
        }
    }
}

impl Component {
    fn read(bytes: &[u8]) -> Self {
        let sampling = Sampling { horizontal: bytes[1] >> 4, vertical: bytes[1] & 0x0F };
        Self { id: bytes[0], sampling, missing: [u8::MAX; COEFFICIENTS] }
    }
}

fn corrupt(why: &str) -> Error {
    Error::CorruptImage(why.to_string())
}
