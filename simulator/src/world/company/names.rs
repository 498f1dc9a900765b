//! Names of commits that tell which commit they name.

use super::Company;
use crate::world::Sha;

/// Odd, so that multiplying can be undone.
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// Which commit of a merge request a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// One of its own, from the first on.
    Own(u64),
    /// The squashed one.
    Squashed,
    /// The one that merged it.
    Merge,
}

impl Part {
    fn of(number: u64) -> Part {
        match number {
            253 => Part::Squashed,
            255 => Part::Merge,
            number => Part::Own(number),
        }
    }

    fn number(self) -> u64 {
        match self {
            Part::Own(number) => number.min(200),
            Part::Squashed => 253,
            Part::Merge => 255,
        }
    }
}

impl Company {
    /// The name of a commit of a merge request.
    pub(crate) fn sha(&self, place: usize, iid: i64, part: Part) -> Sha {
        let which = iid as u64 * self.plans.len() as u64 + place as u64;
        named(self.seed, which << 8 | part.number())
    }

    /// The place of the project, the merge request's number and the part that a name names.
    pub(crate) fn named(&self, sha: Sha) -> Option<(usize, i64, Part)> {
        let first: [u8; 8] = sha.0[..8].try_into().ok()?;
        let name = unscrambled(u64::from_be_bytes(first)) ^ self.seed;
        let projects = (self.plans.len() as u64).max(1);
        let (place, iid) = (((name >> 8) % projects) as usize, ((name >> 8) / projects) as i64);
        (named(self.seed, name) == sha).then_some((place, iid, Part::of(name & 255)))
    }
}

fn named(seed: u64, name: u64) -> Sha {
    let mut sha = Sha::from_seed(name ^ seed.rotate_left(17));
    sha.0[..8].copy_from_slice(&scrambled(name ^ seed).to_be_bytes());
    sha
}

fn scrambled(name: u64) -> u64 {
    (0..2).fold(name, |name, _| {
        let name = name.wrapping_mul(FACTOR);
        name ^ (name >> 32)
    })
}

fn unscrambled(name: u64) -> u64 {
    // Newton's method doubles the number of right bits.
    let inverse = (0..6).fold(FACTOR, |near, _| near.wrapping_mul(2_u64.wrapping_sub(FACTOR.wrapping_mul(near))));
    (0..2).fold(name, |name, _| (name ^ (name >> 32)).wrapping_mul(inverse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrambling_can_be_undone() {
        for name in [0, 1, 77, u64::MAX, 0x1234_5678_9abc_def0] {
            assert_eq!(unscrambled(scrambled(name)), name);
        }
    }
}
