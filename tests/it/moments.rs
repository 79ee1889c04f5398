//! Random moments for tests; a failure names their seed.

/// Random moments, which a seed repeats.
pub struct Moments(u64);

impl Moments {
    /// From `NODEWRIGHT_SEED`, or the clock.
    pub fn new() -> Self {
        let given = std::env::var("NODEWRIGHT_SEED").ok();
        let seed = given.map_or_else(
            || {
                let now = std::time::SystemTime::now();
                let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
                u64::from(since.subsec_nanos())
            },
            |text| text.parse().expect("NODEWRIGHT_SEED is a number"),
        );
        // Shown where the test fails.
        eprintln!("NODEWRIGHT_SEED={seed}");
        Self(seed)
    }

    /// A number from `least` to `most`.
    pub fn draw(&mut self, least: usize, most: usize) -> usize {
        // The constants of Knuth's MMIX; the low bits of such a generator are poor.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        least + (self.0 >> 33) as usize % (most - least + 1)
    }
}
