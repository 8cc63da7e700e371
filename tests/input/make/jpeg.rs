//! Makes JPEG files of flat blocks, 8 x 8 pixels each, with any number of components. Every pixel
//! has exactly the given value.

/// How the components make a colour, as Adobe's marker says.
#[derive(Clone, Copy, PartialEq)]
pub enum Transform {
    /// RGB, or CMYK that is stored inverted (255 means no ink).
    None = 0,
    /// YCbCr.
    YCbCr = 1,
    /// CMYK whose first three components are stored as YCbCr.
    Ycck = 2,
}

/// What a file has apart from its pixels.
pub struct Jpeg {
    /// The width in pixels, as the header states it.
    pub width: u16,
    /// The height in pixels, as the header states it.
    pub height: u16,
    /// The number of components.
    pub components: u8,
    /// What Adobe's marker says, if there is one.
    pub transform: Option<Transform>,
    /// The EXIF block, if there is one.
    pub exif: Option<Vec<u8>>,
    /// Whether each component has its own scan; otherwise all share one.
    pub separate_scans: bool,
}

impl Jpeg {
    /// A file without markers of Adobe and EXIF, with one scan.
    pub fn new(width: u16, height: u16, components: u8) -> Self {
        Self { width, height, components, transform: None, exif: None, separate_scans: false }
    }

    /// The file with the given values. `value` takes the column and row of a block and the
    /// component.
    pub fn file(&self, value: impl Fn(u16, u16, u8) -> u8) -> Vec<u8> {
        let mut file = self.headers();
        let components: Vec<u8> = (0..self.components).collect();
        let scans = if self.separate_scans { components.chunks(1) } else { components.chunks(4) };
        for scan in scans {
            let mut header = vec![scan.len() as u8];
            header.extend(scan.iter().flat_map(|component| [component + 1, 0]));
            header.extend([0, 63, 0]);
            segment(&mut file, 0xDA, &header);
            let mut writer = Writer::default();
            for y in 0..self.height.div_ceil(8) {
                for x in 0..self.width.div_ceil(8) {
                    scan.iter()
                        .for_each(|&component| writer.block(component, value(x, y, component)));
                }
            }
            file.extend(writer.finish());
        }
        file.extend([0xFF, 0xD9]);
        file
    }

    /// A file without any pixels.
    pub fn headers_and_end(&self) -> Vec<u8> {
        let mut file = self.headers();
        file.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0xFF, 0xD9]);
        file
    }

    /// Everything before the first scan.
    pub fn headers(&self) -> Vec<u8> {
        let mut file = vec![0xFF, 0xD8];
        if let Some(exif) = &self.exif {
            segment(&mut file, 0xE1, &[b"Exif\0\0", &exif[..]].concat());
        }
        if let Some(transform) = self.transform {
            segment(&mut file, 0xEE, &[b"Adobe\0\x64\0\0\0\0", &[transform as u8][..]].concat());
        }
        // The quantum is 8, which is the scale of the constant term.
        segment(&mut file, 0xDB, &[&[0][..], &[8; 64]].concat());
        let [width, height] = [self.width.to_be_bytes(), self.height.to_be_bytes()];
        let mut frame = vec![8, height[0], height[1], width[0], width[1], self.components];
        frame.extend((1..=self.components).flat_map(|component| [component, 0x11, 0]));
        segment(&mut file, 0xC0, &frame);
        // Constant terms have 9 lengths with codes of 4 bits. The other terms have only the end of
        // the block, with a code of 1 bit.
        let codes = |kind: u8, length: usize, symbols: &[u8]| {
            let mut counts = [0; 16];
            counts[length - 1] = symbols.len() as u8;
            [&[kind], &counts[..], symbols].concat()
        };
        segment(&mut file, 0xC4, &codes(0x00, 4, &[0, 1, 2, 3, 4, 5, 6, 7, 8]));
        segment(&mut file, 0xC4, &codes(0x10, 1, &[0]));
        file
    }
}

/// Appends a marker and its data.
pub fn segment(file: &mut Vec<u8>, marker: u8, data: &[u8]) {
    file.extend([0xFF, marker]);
    file.extend((data.len() as u16 + 2).to_be_bytes());
    file.extend(data);
}

/// Writes compressed data, the highest bit of each byte first.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
    /// The last constant term of each component.
    previous: [i32; 4],
}

impl Writer {
    fn block(&mut self, component: u8, value: u8) {
        let term = i32::from(value) - 128;
        let difference = term - std::mem::replace(&mut self.previous[usize::from(component)], term);
        let length = 32 - difference.unsigned_abs().leading_zeros();
        self.put(length, 4);
        // A negative number is written as one less, without its sign.
        let bits = if difference < 0 { difference - 1 } else { difference };
        self.put(bits as u32 & ((1 << length) - 1), length);
        self.put(0, 1);
    }

    fn put(&mut self, value: u32, count: u32) {
        self.held = self.held << count | value;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.held >> self.count) as u8;
            self.bytes.push(byte);
            // A marker would start with this byte.
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0x7F, 7);
        self.bytes
    }
}
