//! The commands by which a person makes the hooks that we may not make. Pure.

use super::{Desired, Place, hook_url};
use crate::gitlab::Client;

/// More than a person would copy.
const MOST: usize = 10;

/// One command for each place. `$GITLAB_TOKEN` and `$WEBHOOK_SECRET` stand for the secrets.
pub(super) fn commands(client: &Client, desired: &Desired, places: &[Place]) -> Vec<String> {
    // Within double quotes a shell would put something else in the place of a dollar sign.
    let quoted = |url: &url::Url| url.as_str().replace('$', "%24");
    let url = quoted(&hook_url(&desired.receiver, &desired.uid));
    let command = |place: &Place| {
        let fields = [
            ("url", url.clone()),
            ("token", "$WEBHOOK_SECRET".to_owned()),
            ("merge_requests_events", desired.events.merge_requests.to_string()),
            ("note_events", desired.events.comments.to_string()),
            ("push_events", "false".to_owned()),
            ("enable_ssl_verification", desired.ssl_verification.to_string()),
        ];
        let fields: String =
            fields.iter().map(|(name, value)| format!(r#" --data-urlencode "{name}={value}""#)).collect();
        let address = quoted(&client.hooks_address(place.target));
        format!(r#"curl --fail-with-body --request POST --header "PRIVATE-TOKEN: $GITLAB_TOKEN"{fields} "{address}""#)
    };
    let mut commands: Vec<_> = places.iter().take(MOST).map(command).collect();
    if places.len() > MOST {
        commands.push(format!("# and the same for {} more", places.len() - MOST));
    }
    commands
}
