//! A run-length code is refused, or it is a mask: its area, its shortest code and its algebra agree with the mask's pixels.

#![no_main]

use aims_web::mask::Rle;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|code: (u16, u16, &str)| -> Corpus {
    let (width, height, counts) = code;
    if u32::from(width) * u32::from(height) > 1 << 20 {
        return Corpus::Reject; // slow, and the same as small ones
    }
    let code = Rle { size: [height.into(), width.into()], counts: counts.to_string() };
    let Ok(mask) = code.decode() else {
        assert!(code.area().is_err());
        return Corpus::Keep;
    };
    let shortest = Rle::encode(&mask);
    assert_eq!(mask.size(), (width.into(), height.into()));
    assert_eq!(code.area(), Ok(mask.area()));
    assert_eq!(shortest.decode(), Ok(mask));
    assert_eq!(code.union(&code), Ok(shortest));
    Corpus::Keep
});
