//! Plain connections, for the probes that speak no HTTP through the shared clients: to the same addresses, by the same
//! names, with the same trust.

use std::sync::Arc;

use http::Uri;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use super::client::Clients;
use super::connect::Router;
use super::error::ProbeError;
use super::request_url::Origin;

impl Clients {
    /// A new connection; a name of the release leads to the target's address.
    pub(super) async fn dial(&self, origin: &Origin) -> Result<TcpStream, ProbeError> {
        let place = format!("{}:{}", origin.host, origin.port);
        let uri = Uri::builder()
            .scheme(origin.scheme())
            .authority(place.as_str())
            .path_and_query("/")
            .build()
            .map_err(|error| {
                ProbeError::errored(format!("{place} can't be connected to: {error}"))
            })?;
        // Whoever wrote the check means its host, wherever that is.
        let mut router = Router::new(Arc::clone(&self.release), false);
        match router.call(uri).await {
            Ok(io) => Ok(io.stream.into_inner()),
            Err(error) => Err(ProbeError::of_connecting(error.as_ref(), &place)),
        }
    }

    /// TLS over a connection, with the certificate of `origin` verified.
    pub(super) async fn secure(
        &self,
        stream: TcpStream,
        origin: &Origin,
        protocols: &[&[u8]],
    ) -> Result<TlsStream<TcpStream>, ProbeError> {
        let mut config = self.trust()?.config;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let name = server_name(&origin.host)?;
        let connector = TlsConnector::from(Arc::new(config));
        let handshake = connector.connect(name, stream).await;
        handshake.map_err(|error| {
            let place = format!("{}:{}", origin.host, origin.port);
            ProbeError::of_connecting(&error, &place)
        })
    }

    /// The suite's name for the target, or its address.
    pub(super) fn own_name(&self, own: &Origin) -> String {
        let name = self.virtual_host.as_ref().unwrap_or(&own.host);
        name.to_lowercase()
    }
}

pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, ProbeError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).map_err(|_| {
        ProbeError::errored(format!("{host:?} is no name that a certificate can have"))
    })
}
