//! Makes image files by hand: those that no encoder writes, or none that the tests have.

pub mod jpeg;
pub mod png;
pub mod webp;

/// Collects bits, the lowest bit of each byte first.
#[derive(Default)]
pub struct Bits {
    /// The whole bytes.
    pub bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    /// Appends the lowest `count` bits of a value, lowest first.
    pub fn put(&mut self, value: u32, count: u32) {
        self.held |= u64::from(value) << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Fills up the last byte, and returns the bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

/// An EXIF block that has only an orientation.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec();
    block[19] = orientation;
    block
}
