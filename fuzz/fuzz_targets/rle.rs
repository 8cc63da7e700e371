//! Decodes any run-length encoding: it is refused, or it is a mask. Then its area, its shortest
//! encoding and its union with itself agree with the pixels of the mask.

#![no_main]

use aims_web::mask::Rle;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|code: (u16, u16, &str)| -> Corpus {
    let (width, height, counts) = code;
    if u32::from(width) * u32::from(height) > 1 << 20 {
        return Corpus::Reject; // large masks are slow, and show nothing else than small ones
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
