//! Numbers that look random and come again with the seed.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose calls by.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The seed of this run: `ASSETD_TEST_SEED` where it is set, else a new one each time. Printed, so that a failing
    /// run can be had again.
    pub fn seed(test: &str) -> u64 {
        let seed = match std::env::var("ASSETD_TEST_SEED") {
            Ok(seed) => seed.parse().expect("ASSETD_TEST_SEED is a number"),
            Err(_) => getrandom::u64().expect("the system's random numbers"),
        };
        println!("{test}: ASSETD_TEST_SEED={seed}");
        seed
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end` − 1.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
