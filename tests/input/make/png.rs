//! PNG files of every kind of pixel, interlaced or not, and of more pixels than anyone wants.

use super::Bits;

pub const GREY: u8 = 0;
pub const RGB: u8 = 2;
pub const PALETTE: u8 = 3;
pub const GREY_ALPHA: u8 = 4;
pub const RGBA: u8 = 6;

/// The header of a PNG, and the chunks between it and the pixels.
pub struct Png {
    pub width: u32,
    pub height: u32,
    /// Bits a sample.
    pub depth: u8,
    pub colour: u8,
    pub interlaced: bool,
    pub chunks: Vec<([u8; 4], Vec<u8>)>,
}

impl Png {
    pub fn new(width: u32, height: u32, colour: u8, depth: u8) -> Self {
        Self { width, height, depth, colour, interlaced: false, chunks: Vec::new() }
    }

    pub fn with(mut self, name: &[u8; 4], data: Vec<u8>) -> Self {
        self.chunks.push((*name, data));
        self
    }

    pub fn channels(&self) -> u32 {
        match self.colour {
            RGB => 3,
            GREY_ALPHA => 2,
            RGBA => 4,
            _ => 1,
        }
    }

    /// Bytes of the unpacked pixels, each row with its filter's byte; not interlaced.
    pub fn raw_length(&self) -> u64 {
        let bits = u64::from(self.width) * u64::from(self.channels()) * u64::from(self.depth);
        (bits.div_ceil(8) + 1) * u64::from(self.height)
    }

    /// The file with the given samples (column, row, channel), 8 bits or fewer.
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

    /// The file with the given packed pixels.
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

pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// A zlib stream that packs nothing.
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

/// A zlib stream of so many zeros, 13 bits for every 258 of them.
pub fn zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits { bytes: vec![0x78, 0x01], ..Bits::default() };
    // The last block, with the fixed codes; codes stand with their highest bit first, lengths and distances do not.
    bits.put(0b011, 3);
    let zero = |bits: &mut Bits| bits.put(0b0000_1100, 8);
    let repeats = count.saturating_sub(1) / 258;
    (0..count.min(1)).for_each(|_| zero(&mut bits));
    // A length of 258, the byte before.
    (0..repeats).for_each(|_| bits.put(0b1010_0011, 8 + 5));
    (0..count.saturating_sub(1) % 258).for_each(|_| zero(&mut bits));
    bits.put(0, 7);
    let mut zlib = bits.finish();
    zlib.extend(((count % 65_521) as u32).to_be_bytes()[2..].iter().chain(&[0, 1]));
    zlib
}
