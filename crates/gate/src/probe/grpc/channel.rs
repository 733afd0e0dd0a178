//! A connection to a server of gRPC, and calls with one message each way over it.
//!
//! Over HTTP/2, which gRPC always is; without TLS it is begun unasked. What comes is read up to a bound.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;

use super::super::client::Clients;
use super::super::http_limits::MAX_HEADER_BYTES;
use super::super::request_url::RequestUrl;
use super::super::{ProbeContext, ProbeError};

/// Before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
const WINDOW_BYTES: u32 = 64 * 1024;

/// Ends its connection when it is dropped.
pub(super) struct Channel<'a> {
    url: RequestUrl,
    headers: HeaderMap,
    clients: &'a Clients,
    sender: SendRequest<Full<Bytes>>,
    _driver: JoinSet<()>,
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) trailers: HeaderMap,
    body: Vec<u8>,
    /// The bound at which reading was stopped, if it was.
    pub(super) cut_at: Option<usize>,
}

impl<'a> Channel<'a> {
    /// To the server at `url`; `headers` go with each call.
    pub(super) async fn open(
        url: &RequestUrl,
        mut headers: HeaderMap,
        context: &'a ProbeContext,
    ) -> Result<Self, ProbeError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        let place = url.host_and_port();
        let failed = |error: hyper::Error| ProbeError::of_http2(&error, &place);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .max_header_list_size(MAX_HEADER_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .initial_stream_window_size(WINDOW_BYTES);
        let mut driver = JoinSet::new();
        let stream = context.clients.dial(&url.origin).await?;
        let sender = if url.origin.secure {
            let stream = context
                .clients
                .secure(stream, &url.origin, &[b"h2"])
                .await?;
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            if !is_http2 {
                let message = format!("{place} does not offer HTTP/2, which gRPC needs");
                return Err(ProbeError::failed(message));
            }
            let made = builder.handshake(TokioIo::new(stream)).await;
            let (sender, driving) = made.map_err(failed)?;
            driver.spawn(async move { driving.await.unwrap_or_default() });
            sender
        } else {
            let made = builder.handshake(TokioIo::new(stream)).await;
            let (sender, driving) = made.map_err(failed)?;
            driver.spawn(async move { driving.await.unwrap_or_default() });
            sender
        };
        Ok(Self {
            url: url.clone(),
            headers,
            clients: &context.clients,
            sender,
            _driver: driver,
        })
    }

    /// Sends one message, and reads at most `most` bytes of what comes.
    pub(super) async fn call(
        &mut self,
        method: &str,
        message: &[u8],
        most: usize,
    ) -> Result<Answer, ProbeError> {
        let unbuilt = |error: http::Error| {
            ProbeError::errored(format!("the request could not be built: {error}"))
        };
        let url = RequestUrl {
            path: method.to_owned(),
            ..self.url.clone()
        };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url.uri().map_err(unbuilt)?)
            .body(Full::new(framed(message)))
            .map_err(unbuilt)?;
        self.clients
            .meets_rule(&Method::POST, &url, &self.headers)?;
        request.headers_mut().clone_from(&self.headers);
        let place = self.url.host_and_port();
        let failed = |error: hyper::Error| ProbeError::of_http2(&error, &place);
        self.sender.ready().await.map_err(failed)?;
        let response = self.sender.send_request(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let mut answer = Answer {
            status: head.status,
            headers: head.headers,
            trailers: HeaderMap::new(),
            body: Vec::new(),
            cut_at: None,
        };
        answer.read(body, most).await.map_err(failed)?;
        Ok(answer)
    }
}

impl Answer {
    async fn read(&mut self, mut body: Incoming, most: usize) -> Result<(), hyper::Error> {
        while let Some(frame) = body.frame().await {
            match frame?.into_data() {
                Ok(data) if self.body.len() + data.len() > most + PREFIX_BYTES => {
                    self.cut_at = Some(most);
                    return Ok(());
                }
                Ok(data) => self.body.extend_from_slice(&data),
                Err(frame) => self
                    .trailers
                    .extend(frame.into_trailers().unwrap_or_default()),
            }
        }
        Ok(())
    }

    /// A header that comes at the end, or in the head of an answer without a message.
    pub(super) fn trailing(&self, name: &str) -> Option<&HeaderValue> {
        self.trailers.get(name).or_else(|| self.headers.get(name))
    }

    /// Its one message.
    pub(super) fn message(&self) -> Result<&[u8], &'static str> {
        let Some((prefix, message)) = self.body.split_at_checked(PREFIX_BYTES) else {
            return Err("an answer without a message");
        };
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
        match usize::try_from(length).map(|length| length.cmp(&message.len())) {
            _ if prefix[0] != 0 => Err("a compressed message, which nobody asked for"),
            Ok(std::cmp::Ordering::Equal) => Ok(message),
            Ok(std::cmp::Ordering::Less) => Err("more than one message"),
            _ => Err("a message that breaks off"),
        }
    }
}

/// A message in its frame.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut framed = vec![0];
    framed.extend(length.to_be_bytes());
    framed.extend(message);
    framed.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8]) -> Answer {
        Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            trailers: HeaderMap::new(),
            body: body.to_vec(),
            cut_at: None,
        }
    }

    #[test]
    fn a_frame_has_one_whole_message() {
        assert_eq!(framed(b"shop").as_ref(), b"\0\0\0\0\x04shop");
        assert_eq!(answer(&framed(b"shop")).message(), Ok(&b"shop"[..]));
        assert_eq!(answer(&framed(b"")).message(), Ok(&b""[..]));
        for (body, why) in [
            (&b""[..], "an answer without a message"),
            (b"\0\0\0\0", "an answer without a message"),
            (
                b"\x01\0\0\0\x01a",
                "a compressed message, which nobody asked for",
            ),
            (b"\0\0\0\0\x09a", "a message that breaks off"),
            (b"\0\0\0\0\x01a\0\0\0\0\0", "more than one message"),
        ] {
            assert_eq!(answer(body).message(), Err(why));
        }
    }
}
