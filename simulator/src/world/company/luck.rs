//! Chance that can be repeated: every thing has its own, made of the seed and of what the thing is.

use fastrand::Rng;

/// The chance of one thing.
pub(super) fn of(seed: u64, kind: u64, project: usize, number: i64) -> Rng {
    let mut mixed = seed ^ kind.rotate_left(56);
    for part in [project as u64, number.unsigned_abs()] {
        mixed = (mixed ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^= mixed >> 29;
        mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^= mixed >> 32;
    }
    Rng::with_seed(mixed)
}

/// How long things take: most are short, few are very long. Half of them take less than `typical`.
pub(super) fn duration(random: &mut Rng, typical: f64, spread: f64) -> i64 {
    let normal = (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos();
    (typical * (spread * normal).exp()) as i64
}

/// True in so many of a hundred cases.
pub(super) fn percent(random: &mut Rng, of_hundred: u32) -> bool {
    random.u32(..100) < of_hundred
}

/// One of several.
pub(super) fn pick<T: Copy>(random: &mut Rng, from: &[T]) -> T {
    from[random.usize(..from.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_all_waits_are_shorter_than_what_is_typical() {
        let mut random = of(1, 2, 3, 4);
        let short = (0..10_000).filter(|_| duration(&mut random, 1000.0, 1.3) < 1000).count();

        assert!((4_700..5_300).contains(&short), "{short}");
    }
}
