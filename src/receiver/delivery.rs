//! From an HTTP request to an authentic delivery: bound, then authenticate, as an extractor.
//!
//! Handlers never see a request that is not authentic. A secret sent in clear is checked before the body is read, so that
//! strangers cannot make us hold megabytes; a signature needs the body.

use std::{sync::Arc, time::Duration};

use axum::{
    RequestPartsExt,
    body::{BodyDataStream, Bytes},
    extract::{FromRequest, Path, Request},
    http::{HeaderMap, HeaderValue, header::CONTENT_LENGTH},
};
use futures::StreamExt;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Destination, Route, Shared,
    authenticate::{ID, Proof, Refusal, authenticate, needs_body},
    failure::Failure,
    guests::{Guest, Served},
    room::Seat,
};

/// GitLab sends nothing larger.
const LARGEST_BODY: usize = 25 * 1024 * 1024;

/// Bodies up to this size are read at once, one a connection. Hardly any event is larger.
pub(super) const SMALL_BODY: usize = 256 * 1024;

/// What is left of GitLab's patience of 10 s for us, with a second each for the network's way there and back.
const PATIENCE: Duration = Duration::from_secs(8);

/// The longest that a sender of a request already refused is listened to, so that it hears the answer.
const LINGER: Duration = Duration::from_secs(5);

/// The longest id that is kept as it is. GitLab's have 36 characters.
const LONGEST_ID: usize = 128;

/// A request that one of our connections' GitLab sent.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Whose it is. More than one where connections share a secret and the hook's URL names none of them.
    pub(super) recipients: Vec<Recipient>,
    /// The same for every copy of the delivery.
    pub(super) id: String,
    /// `X-Gitlab-Event`.
    pub(super) event: String,
    pub(super) body: Bytes,
    /// Kept until the delivery is settled, where the body is large.
    pub(super) _seat: Option<Seat>,
    /// Whoever brings it stays connected until then.
    pub(super) _served: Option<Served>,
    /// When the sender stops waiting for an answer.
    pub(super) deadline: Instant,
}

/// A connection as far as a delivery matters to it.
#[derive(Clone, Debug)]
pub(super) struct Recipient {
    pub(super) uid: String,
    pub(super) text: bool,
    pub(super) destination: Destination,
}

impl FromRequest<Shared> for Delivery {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Shared) -> Result<Delivery, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let (mut parts, body) = request.into_parts();
        let mut body = body.into_data_stream();
        let uid: Option<Path<String>> = parts.extract().await.map_err(|_| Failure::Forged(Refusal::NoSecret))?;
        let uid = uid.map(|Path(uid)| uid);
        let guest = parts.extensions.get::<Arc<Guest>>().cloned();
        let routes = match known(shared, uid.as_deref(), &parts.headers, deadline).await {
            Ok(routes) => routes,
            Err(failure) => {
                linger(body);
                return Err(failure);
            }
        };
        let routes: Vec<&Route> = routes.iter().filter(|route| is_for(route, uid.as_deref())).collect();
        let headers = &parts.headers;

        let length = content_length(headers);
        if length.is_some_and(|length| length > LARGEST_BODY) {
            linger(body);
            return Err(Failure::TooLarge);
        }
        // What only the body can prove comes after it; who has nothing else to show is refused at once.
        let proof = Proof::of(headers);
        let waits =
            routes.iter().filter_map(|route| route.accepted.as_ref()).any(|accepted| needs_body(&proof, accepted));
        if !waits && let Err(failure) = recipients(&routes, &proof, &[]) {
            linger(body);
            return Err(failure);
        }

        let large = length.is_none_or(|length| length > SMALL_BODY);
        let served = if waits { None } else { guest.as_ref().map(Guest::serve) };
        let whom = uid.as_deref().unwrap_or_default();
        let seat = if large { Some(shared.room.enter(whom, deadline).await?) } else { None };
        let body = match timeout_at(deadline, read(&mut body, length.unwrap_or_default())).await {
            Ok(read) => read,
            Err(_) => Err(Failure::Slow),
        };
        let body = body?;

        let recipients = recipients(&routes, &proof, &body)?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Delivery {
            recipients,
            id: delivery_id(headers, &body),
            event: text("x-gitlab-event").unwrap_or_default().to_owned(),
            body,
            _seat: seat,
            _served: served.or_else(|| guest.as_ref().map(Guest::serve)),
            deadline,
        })
    }
}

/// The routes as they are known. A token that none of the named connection's secrets fits has those read again: they may have
/// changed, and GitLab switches a webhook off whose authentic deliveries are refused.
async fn known(
    shared: &Shared,
    uid: Option<&str>,
    headers: &HeaderMap,
    deadline: Instant,
) -> Result<Arc<Vec<Route>>, Failure> {
    let routes = shared.learnt(uid, deadline).await?;
    let Some(uid) = uid else { return Ok(routes) };
    let proof = Proof::of(headers);
    let accepted = routes.iter().find(|route| route.uid == uid).and_then(|route| route.accepted.as_ref());
    let looks_forged = accepted.is_some_and(|accepted| {
        !needs_body(&proof, accepted)
            && authenticate(&proof, &[], accepted, Timestamp::now()) == Err(Refusal::WrongToken)
    });
    if !looks_forged {
        return Ok(routes);
    }
    Ok(shared.read_again(uid, deadline).await?.unwrap_or(routes))
}

/// Whether the hook's URL names this connection, or none.
pub(super) fn is_for(route: &Route, uid: Option<&str>) -> bool {
    uid.is_none_or(|uid| uid == route.uid)
}

/// The connections for which the delivery is authentic.
fn recipients(routes: &[&Route], proof: &Proof<'_>, body: &[u8]) -> Result<Vec<Recipient>, Failure> {
    let now = Timestamp::now();
    let mut failure = Failure::Forged(Refusal::NoSecret);
    let mut recipients = Vec::new();
    for route in routes {
        match route.accepted.as_ref().map(|accepted| authenticate(proof, body, accepted, now)) {
            Some(Ok(())) => {
                let (uid, destination) = (route.uid.clone(), route.destination.clone());
                recipients.push(Recipient { uid, text: route.text, destination });
            }
            Some(Err(why)) if !matches!(failure, Failure::Unlearnt) => failure = Failure::Forged(why),
            Some(Err(_)) => {}
            // It may be authentic: who is refused for good is not heard of again.
            None => failure = Failure::Unlearnt,
        }
    }
    if recipients.is_empty() { Err(failure) } else { Ok(recipients) }
}

/// What copies of a delivery have in common.
///
/// `X-Gitlab-Event-UUID` alone is not it: recursive events share it. `X-Gitlab-Webhook-UUID` is not it: resent ones differ. An
/// old GitLab sends neither of the two that are; then deliveries of one event with the same content are the same delivery.
/// Content alone will not do: who approves, takes it back and approves again sends the same twice.
fn delivery_id(headers: &HeaderMap, body: &[u8]) -> String {
    let given = [ID.as_str(), "idempotency-key"]
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .find(|id| !id.is_empty() && id.len() <= LONGEST_ID);
    if let Some(id) = given {
        return id.to_owned();
    }
    let mut digest = Sha256::new();
    for name in ["x-gitlab-event", "x-gitlab-event-uuid"] {
        digest.update(headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default());
        digest.update(b"\n");
    }
    digest.update(body);
    digest.finalize().iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(body: &mut BodyDataStream, expected: usize) -> Result<Bytes, Failure> {
    let mut bytes = Vec::with_capacity(expected);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Failure::Broken)?;
        if bytes.len() + chunk.len() > LARGEST_BODY {
            return Err(Failure::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Lets a sender finish what it is sending, and forgets it. If we closed the connection at once, it might never see why.
fn linger(mut body: BodyDataStream) {
    tokio::spawn(timeout(LINGER, async move { while let Some(Ok(_)) = body.next().await {} }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(headers: &[(&'static str, &'static str)]) -> String {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        delivery_id(&headers.collect(), b"{}")
    }

    #[test]
    fn an_approval_given_again_is_another_delivery_even_of_an_old_gitlab() {
        let event = ("x-gitlab-event", "Merge Request Hook");
        let (first, second) = ([event, ("x-gitlab-event-uuid", "1")], [event, ("x-gitlab-event-uuid", "2")]);

        assert_eq!(id(&first), id(&first));
        assert_ne!(id(&first), id(&second));
        assert_eq!(id(&[event]), id(&[event]));
    }

    #[test]
    fn copies_that_gitlab_names_are_one_delivery_whatever_else_differs() {
        let copy = |uuid| id(&[("idempotency-key", "7"), ("x-gitlab-event-uuid", uuid)]);

        assert_eq!(copy("1"), copy("2"));
    }
}
