//! Makes PNG files of every kind of pixel, interlaced or not, and with more pixels than anyone
//! wants.

use super::Bits;

/// The colour type of grey pixels.
pub const GREY: u8 = 0;
/// The colour type of RGB pixels.
pub const RGB: u8 = 2;
/// The colour type of pixels that are indices into a palette.
pub const PALETTE: u8 = 3;
/// The colour type of grey pixels with alpha.
pub const GREY_ALPHA: u8 = 4;
/// The colour type of RGB pixels with alpha.
pub const RGBA: u8 = 6;

/// The header of a PNG file, and the chunks between it and the pixels.
pub struct Png {
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The number of bits per sample.
    pub depth: u8,
    /// The colour type.
    pub colour: u8,
    /// Whether the pixels are interlaced.
    pub interlaced: bool,
    /// The names and data of the chunks.
    pub chunks: Vec<([u8; 4], Vec<u8>)>,
}

impl Png {
    /// A file without further chunks.
    pub fn new(width: u32, height: u32, colour: u8, depth: u8) -> Self {
        Self { width, height, depth, colour, interlaced: false, chunks: Vec::new() }
    }

    /// Adds a chunk.
    pub fn with(mut self, name: &[u8; 4], data: Vec<u8>) -> Self {
        self.chunks.push((*name, data));
        self
    }

    /// The number of samples per pixel.
    pub fn channels(&self) -> u32 {
        match self.colour {
            RGB => 3,
            GREY_ALPHA => 2,
            RGBA => 4,
            _ => 1,
        }
    }

    /// The number of bytes of the unpacked pixels if they are not interlaced. Each row has a byte
    /// for its filter.
    pub fn raw_length(&self) -> u64 {
        let bits = u64::from(self.width) * u64::from(self.channels()) * u64::from(self.depth);
        (bits.div_ceil(8) + 1) * u64::from(self.height)
    }

    /// The file with the given samples of 8 bits or fewer. `sample` takes the column, row and
    /// channel.
    pub fn file(&self, sample: impl Fn(u32, u32, u32) -> u8) -> Vec<u8> {
        // Adam7: where the columns and rows of each pass start, and how far apart they are.
        const PASSES: [[u32; 4]; 7] = [
            [0, 0, 8, 8],
            [4, 0, 8, 8],
            [0, 4, 4, 8],
            [2, 0, 4, 4],
            [0, 2, 2, 4],
            [1, 0, 2, 2],
            [0, 1, 1, 2],
        ];
        let passes = if self.interlaced { &PASSES[..] } else { &[[0, 0, 1, 1]][..] };
        let mut raw = Vec::new();
        for &[left, top, across, down] in passes {
            if left >= self.width {
                continue;
            }
            for y in (top..self.height).step_by(down as usize) {
                raw.push(0);
                let columns = (left..self.width).step_by(across as usize);
                let samples =
                    columns.flat_map(|x| (0..self.channels()).map(move |channel| (x, channel)));
                let samples: Vec<u8> = samples.map(|(x, channel)| sample(x, y, channel)).collect();
                // The first sample of a byte is in its highest bits.
                let line = samples.chunks(8 / usize::from(self.depth)).map(|samples| {
                    let shifts = (0..8).rev().step_by(usize::from(self.depth));
                    samples.iter().zip(shifts).fold(0, |byte, (sample, shift)| {
                        byte | sample << (shift + 1 - u32::from(self.depth))
                    })
                });
                raw.extend(line);
            }
        }
        self.packed(&stored(&raw))
    }

    /// The file with the given compressed pixels.
    pub fn packed(&self, zlib: &[u8]) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut header = [self.width.to_be_bytes(), self.height.to_be_bytes()].concat();
        header.extend([self.depth, self.colour, 0, 0, u8::from(self.interlaced)]);
        chunk(&mut file, b"IHDR", &header);
        for (name, data) in &self.chunks {
            chunk(&mut file, name, data);
        }
        chunk(&mut file, b"IDAT", zlib);
        chunk(&mut file, b"IEND", &[]);
        file
    }
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(name);
    file.extend(data);
    let checksum = crc32(&file[start..]);
    file.extend(checksum.to_be_bytes());
}

/// The checksum of a chunk.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// A zlib stream that stores bytes without compression.
fn stored(raw: &[u8]) -> Vec<u8> {
    let mut zlib = vec![0x78, 0x01];
    let count = raw.chunks(0xFFFF).count();
    for (i, piece) in raw.chunks(0xFFFF).enumerate() {
        let length = piece.len() as u16;
        zlib.push(u8::from(i + 1 == count));
        zlib.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        zlib.extend(piece);
    }
    let sums = raw.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    zlib.extend((sums.1 << 16 | sums.0).to_be_bytes());
    zlib
}

/// A zlib stream of `count` zeros, which takes 13 bits for every 258 of them.
pub fn zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x78, 0x01], ..Bits::default() };
    // This is the last block, with fixed codes. Codes are written with their highest bit first,
    // lengths and distances are not.
    bits.put(0b011, 3);
    let zero = |bits: &mut Bits| bits.put(0b0000_1100, 8);
    let repeats = count.saturating_sub(1) / 258;
    (0..count.min(1)).for_each(|_| zero(&mut bits));
    // This repeats the byte before, 258 times.
    (0..repeats).for_each(|_| bits.put(0b1010_0011, 8 + 5));
    (0..count.saturating_sub(1) % 258).for_each(|_| zero(&mut bits));
    bits.put(0, 7);
    let mut zlib = bits.finish();
    zlib.extend(((count % 65_521) as u32).to_be_bytes()[2..].iter().chain(&[0, 1]));
    zlib
}
