//! Why a delivery is not answered with success, and with what instead.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{authenticate::Refusal, inbox::Unavailable};

/// Why a delivery is not answered with success.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the delivery is not authentic; compare the hook's secret token with the connection's")]
    Forged(Refusal),
    #[error("the secret of the connection could not be read yet; the next import reads what this delivery said")]
    Unlearnt,
    #[error("the body is larger than 25 MB")]
    TooLarge,
    #[error("the body did not arrive in time")]
    Slow,
    #[error("the body did not arrive")]
    Broken,
    #[error("the database is away; GitLab does not repeat deliveries, the next import reads what this one said")]
    Unavailable,
}

impl From<Unavailable> for Failure {
    fn from(_: Unavailable) -> Failure {
        Failure::Unavailable
    }
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Failure::Forged(_) => StatusCode::UNAUTHORIZED,
            Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::Slow => StatusCode::REQUEST_TIMEOUT,
            Failure::Broken => StatusCode::BAD_REQUEST,
            Failure::Unlearnt | Failure::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Failure::Forged(_) => "forged",
            Failure::Unlearnt => "unlearnt",
            Failure::TooLarge => "too_large",
            Failure::Slow => "slow",
            Failure::Broken => "broken",
            Failure::Unavailable => "unavailable",
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Failure::Forged(refusal) = self {
            // Anybody can cause it, as often as they like: alerts look at the counter.
            tracing::debug!(reason = refusal.reason(), "refused a delivery that is not authentic");
        }
        (self.status(), format!("{self}\n")).into_response()
    }
}
