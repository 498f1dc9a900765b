//! How sure a commit must be of the disk.

/// How sure a commit must be of the disk before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Survives a crash of the process. A power cut of the machine with the database may undo the latest commits, rows and
    /// progress alike: an import goes on from there. Waits for no disk, where the other kind takes a millisecond or more.
    Process,
    /// Survives a power cut: GitLab never sends a delivery again that we acknowledged.
    Disk,
}
