//! A PostgreSQL whose certificate is signed by an authority of its own.

use gitlab_connector::store::{Error, Place, Store};
use secrecy::{ExposeSecret as _, SecretString};

use super::File;
use crate::support::postgres;

/// A database, reached under this name, with these parameters.
async fn reached(host: &str, parameters: &str) -> SecretString {
    let url = postgres::by_network(&postgres::database().await);
    format!("{}{parameters}", url.expose_secret().replace("127.0.0.1", host)).into()
}

fn trusting(url: SecretString, authority: &str) -> Place {
    Place { ca_bundle: Some(authority.as_bytes().to_vec()), ..url.into() }
}

#[tokio::test]
async fn the_authority_that_a_connection_names_is_trusted_and_asked() {
    for parameters in ["", "?sslmode=verify-full", "?sslmode=require"] {
        let url = reached("127.0.0.1", parameters).await;

        Store::open_at(&trusting(url, &postgres::authority())).await.unwrap().migrate().await.unwrap();
    }
    // `require` takes any name that the authority signed.
    let url = reached("localhost", "?sslmode=require").await;
    Store::open_at(&trusting(url, &postgres::authority())).await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_is_given_no_password_and_the_remedy_is_named() {
    let another = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap().cert.pem();
    let stranger = Place::from(reached("127.0.0.1", "?sslmode=verify-full").await);
    let by_another = trusting(reached("127.0.0.1", "?sslmode=require").await, &another);
    let misnamed = trusting(reached("localhost", "").await, &postgres::authority());
    let no_bundle = trusting(reached("127.0.0.1", "").await, "no certificate");

    for place in [stranger, by_another, misnamed, no_bundle] {
        let error = Store::open_at(&place).await.unwrap_err();

        assert!(matches!(error, Error::Untrusted(_)) && !error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("spec.store.caBundle"), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_certificates_that_is_not_there_is_named_and_not_waited_for() {
    let missing = File::new();
    let parameters = format!("?sslmode=verify-full&sslrootcert={}", missing.0.display());

    let error = Store::open(&reached("127.0.0.1", &parameters).await).await.unwrap_err();

    assert!(
        !error.is_transient() && error.to_string().contains(&format!("sslrootcert={}", missing.0.display())),
        "{error}"
    );
}
