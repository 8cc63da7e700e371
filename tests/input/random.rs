//! Random numbers that are the same everywhere: a failure names its seed.

use rayon::prelude::*;

/// Marsaglia's xorshift with the multiplier of Vigna's `xorshift64*`.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Seeds that follow each other must not give numbers that do; zero would give nothing but zeros.
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From 0 to below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (((self.next() >> 32) * limit as u64) >> 32) as usize
    }

    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Whether one of `in_so_many` throws hits.
    pub fn chance(&mut self, in_so_many: usize) -> bool {
        self.below(in_so_many) == 0
    }

    /// Flips bits, sets, removes, inserts or repeats bytes, at most eight times.
    pub fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(8) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(16)).min(bytes.len());
            match self.below(7) {
                0 | 1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes[at] = self.next() as u8,
                3 => bytes[at..end].fill(*self.pick(&[0, 0x7F, 0x80, 0xFF])),
                4 => drop(bytes.drain(at..end)),
                5 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ if self.chance(4) => bytes.truncate(at),
                _ => bytes.insert(at, self.next() as u8),
            }
        }
    }
}

/// Runs a case for each of `count` seeds, on all cores. `FUZZ_SEED=n` runs one seed alone, `FUZZ_TIMES=n` so many times as
/// many.
pub fn fuzz(name: &str, count: u64, case: impl Fn(&mut Random) + Sync) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("FUZZ_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..count * number("FUZZ_TIMES").unwrap_or(1),
    };
    seeds.into_par_iter().for_each(|seed| {
        let _named = Named { name, seed };
        case(&mut Random::new(seed));
    });
}

/// Says which case it was that panics.
struct Named<'a> {
    name: &'a str,
    seed: u64,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} failed with FUZZ_SEED={}", self.name, self.seed);
        }
    }
}
