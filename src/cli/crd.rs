//! `gitlab-connector crd`.

use super::{DONE, Failure, say};
use crate::api;

pub(super) fn run() -> Result<u8, Failure> {
    say(&api::crd_yaml().map_err(Failure::failed)?);
    Ok(DONE)
}
