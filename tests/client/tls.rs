//! Certificates: the connection's own CA is trusted, an unknown one is named as such.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use gitlab_connector::gitlab::{Error, Instance, install_tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use super::client_of;

/// A server with a certificate for `localhost` by a CA of its own; gives URL and CA.
fn https_server() -> (Url, Vec<u8>) {
    install_tls();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &authority).unwrap();

    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = BufReader::new(rustls::StreamOwned::new(connection, stream));
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|length| length > 2) {
                line.clear();
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{\"id\":1}";
            let _ = stream.get_mut().write_all(answer);
        }
    });
    (Url::parse(&url).unwrap(), authority.pem().into_bytes())
}

#[tokio::test]
async fn an_unknown_ca_is_a_tls_failure_and_not_repeated() {
    let (url, _) = https_server();
    let client = client_of(&Instance::at(url), &["primary"]);

    let answer = client.current_user().await;

    assert!(matches!(answer, Err(Error::Tls { .. })), "{answer:?}");
    assert_eq!(client.stats().requests, 1);
}

#[tokio::test]
async fn the_connections_own_ca_is_trusted() {
    let (url, authority) = https_server();
    let instance = Instance { ca_bundle: Some(authority), ..Instance::at(url) };

    assert_eq!(client_of(&instance, &["primary"]).current_user().await.unwrap().id, 1);
}

#[tokio::test]
async fn verification_can_be_switched_off() {
    let (url, _) = https_server();
    let instance = Instance { insecure_skip_verify: true, ..Instance::at(url) };

    assert!(client_of(&instance, &["primary"]).current_user().await.is_ok());
}

#[tokio::test]
async fn the_ca_of_another_server_is_a_tls_failure() {
    let (url, _) = https_server();
    let (_, other) = https_server();
    let instance = Instance { ca_bundle: Some(other), ..Instance::at(url) };

    let answer = client_of(&instance, &["primary"]).current_user().await;

    assert!(matches!(answer, Err(Error::Tls { .. })), "{answer:?}");
}
