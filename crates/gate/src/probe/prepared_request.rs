//! A request ready to be sent.

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::connect_options::ConnectOptions;
use super::request_url::RequestUrl;

/// A request ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct PreparedRequest {
    pub(crate) method: Method,
    pub(crate) url: RequestUrl,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Nobody vouches for this URL: it must have a public address.
    pub(crate) guarded: bool,
    /// It must go over a connection of its own, whose times are judged.
    pub(crate) new_connection: bool,
    pub(crate) connect: ConnectOptions,
}
