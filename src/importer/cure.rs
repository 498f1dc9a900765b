//! What to do about a page that did not come.

use crate::gitlab::{self, Class};

use super::Error;
use super::context::{Context, Patience};

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// Ask for the same again.
    Again,
    /// Ask for less at once, until what is to blame stands alone.
    Less,
    /// Nothing; GitLab will say the same about everything in this project.
    GiveUp,
    /// Nothing; the run's patience is at its end.
    TooLate,
}

/// What has gone wrong with one page so far.
#[derive(Debug)]
pub(super) struct Troubles {
    patience: Patience,
    slow: u32,
    failed: u32,
}

impl Troubles {
    pub(super) fn new() -> Troubles {
        Troubles { patience: Patience::new(), slow: 0, failed: 0 }
    }

    /// What helps against one more trouble. Where that is to wait, it has waited.
    ///
    /// # Errors
    /// The trouble itself where the whole run would meet it, and when the run is to stop.
    pub(super) async fn cure(&mut self, ctx: &Context, error: &gitlab::Error) -> Result<Cure, Error> {
        match error.class() {
            // GraphQL hides by silence: a 403 is about the token's user.
            Class::Fatal | Class::Hidden => return Err(error.clone().into()),
            Class::TooBig | Class::Refused => return Ok(Cure::Less),
            Class::Outdated => return Ok(Cure::GiveUp),
            Class::Slow => {
                self.slow += 1;
                // Once says little, twice speaks of the size.
                if self.slow > 1 {
                    self.slow = 0;
                    return Ok(Cure::Less);
                }
            }
            Class::Failed => {
                self.failed += 1;
                if self.failed > 1 && ctx.is_alive().await {
                    return Ok(Cure::Less);
                }
            }
            Class::Unwell => {}
        }
        Ok(if self.wait(ctx).await? { Cure::Again } else { Cure::TooLate })
    }

    /// Waits before the next try. False where there should be none.
    pub(super) async fn wait(&mut self, ctx: &Context) -> Result<bool, Error> {
        self.patience.wait(ctx).await
    }
}
