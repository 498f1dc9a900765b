//! `gitlab-connector controller`.

use super::{DONE, Failure, stop_signal};
use crate::controller::{self, Args};

pub(super) async fn run(args: Args) -> Result<u8, Failure> {
    controller::run(args, stop_signal()).await.map_err(Failure::failed)?;
    Ok(DONE)
}
