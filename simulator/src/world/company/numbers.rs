//! Ids that tell what they name, as a company's whole history is made only where it is looked at.
//!
//! The projects of a company take turns: the first merge requests of all projects come before the second ones.
//! What belongs to a merge request or a pipeline has a stretch of ids of its own.

/// What has ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    MergeRequest,
    Note,
    /// Changes of state, labels and milestones; they have tables of their own, and so may share numbers.
    Event,
    Version,
    Award,
    Rule,
    Pipeline,
    Job,
    Deployment,
}

impl Kind {
    /// Where its ids begin. No kind begins where another does, so that one cannot be taken for another.
    fn base(self) -> i64 {
        match self {
            Kind::MergeRequest => 310_000,
            Kind::Note => 52_000_000,
            Kind::Event => 8_100_000,
            Kind::Version => 1_470_000,
            Kind::Award => 930_000,
            Kind::Rule => 640_000,
            Kind::Pipeline => 4_700_000,
            Kind::Job => 91_000_000,
            Kind::Deployment => 2_200_000,
        }
    }

    /// How many ids a merge request (or pipeline) has for what belongs to it.
    pub(crate) fn room(self) -> i64 {
        match self {
            Kind::MergeRequest | Kind::Pipeline | Kind::Deployment => 1,
            Kind::Note => 64,
            Kind::Event | Kind::Version | Kind::Award => 16,
            Kind::Rule => 4,
            Kind::Job => 32,
        }
    }
}

/// The ids of a company with so many projects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) projects: i64,
}

impl Numbers {
    /// The id of the thing with this number (from 1) in the project at a place.
    pub(crate) fn id(self, kind: Kind, project: usize, number: i64) -> i64 {
        self.part(kind, project, number, 0)
    }

    /// The id of a part of that thing.
    pub(crate) fn part(self, kind: Kind, project: usize, number: i64, part: i64) -> i64 {
        kind.base() + (number * self.projects + project as i64) * kind.room() + part
    }

    /// The project's place, the thing's number and the part that an id names. Numbers can be larger than what there is.
    pub(crate) fn named(self, kind: Kind, id: i64) -> Option<(usize, i64, i64)> {
        let beyond = id.checked_sub(kind.base()).filter(|beyond| *beyond >= 0 && self.projects > 0)?;
        let (thing, part) = (beyond / kind.room(), beyond % kind.room());
        let (number, project) = (thing / self.projects, thing % self.projects);
        (number > 0).then_some((project as usize, number, part))
    }

    /// The first id behind all of a kind, if no project has more of it than this.
    pub(crate) fn free(self, kind: Kind, most: i64) -> i64 {
        self.id(kind, 0, most + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_what_they_name() {
        let numbers = Numbers { projects: 7 };
        for (project, number, part) in [(0, 1, 0), (6, 1, 63), (3, 1_400_000, 17)] {
            let id = numbers.part(Kind::Note, project, number, part);
            assert_eq!(numbers.named(Kind::Note, id), Some((project, number, part)));
        }
        let id = numbers.id(Kind::MergeRequest, 2, 9);
        assert_eq!(numbers.named(Kind::MergeRequest, id), Some((2, 9, 0)));
        assert_eq!(numbers.named(Kind::MergeRequest, 5), None);
        assert!(numbers.free(Kind::MergeRequest, 9) > numbers.id(Kind::MergeRequest, 6, 9));
    }

    #[test]
    fn notes_of_a_big_company_have_ids_beyond_32_bits() {
        assert!(Numbers { projects: 1_000 }.id(Kind::Note, 0, 200_000) > i64::from(u32::MAX));
    }
}
