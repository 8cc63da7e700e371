//! Random numbers that are the same everywhere. A failure names its seed.

use rayon::prelude::*;

/// A generator of random numbers: Marsaglia's xorshift with the multiplier of Vigna's
/// `xorshift64*`.
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        // Consecutive seeds must not give similar numbers, and a state of zero would give only
        // zeros.
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 to below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (((self.next() >> 32) * limit as u64) >> 32) as usize
    }

    /// One of the choices.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Whether a throw hits, which it does once in `in_so_many` times.
    pub fn chance(&mut self, in_so_many: usize) -> bool {
        self.below(in_so_many) == 0
    }

    /// Flips bits, or sets, removes, inserts or repeats bytes, one to eight times.
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

/// Runs a case for each of `count` seeds, on all cores. `FUZZ_SEED=n` runs only one seed, and
/// `FUZZ_TIMES=n` runs n times as many seeds.
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

/// Prints which case it is that panics.
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
