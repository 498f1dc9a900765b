//! The clients that deliver webhooks. They are made for the first delivery, as reading the system's certificates would take
//! longer than all else of a start.

use std::sync::OnceLock;

use reqwest::{Client, Result, redirect};

/// One client that verifies certificates, and one that does not.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    careful: OnceLock<Client>,
    careless: OnceLock<Client>,
}

impl Clients {
    pub(super) fn get(&self, verify: bool) -> Result<&Client> {
        let client = if verify { &self.careful } else { &self.careless };
        if let Some(known) = client.get() {
            return Ok(known);
        }
        let builder = Client::builder().no_proxy().redirect(redirect::Policy::none());
        let made = builder.danger_accept_invalid_certs(!verify).build()?;
        Ok(client.get_or_init(|| made))
    }
}
