//! One WebSocket to a browser: commands out, answers and events in, within bounds.
//!
//! There is no task behind it and no lock: whoever waits for an answer reads what comes meanwhile. So nothing goes on when
//! a connection is dropped, and the browser ends what was opened over it.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{HeaderValue as Value, Request, Uri};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Error;
use crate::limits::{MAX_MESSAGE_BYTES, MAX_MESSAGES, MAX_TOTAL_BYTES};

/// Bytes that are read of what a browser says of itself.
const MAX_VERSION_BYTES: u64 = 16 * 1024;
/// How long connecting may take, the handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the other side may refuse to take a command.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a farewell may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

/// Where a browser listens for the Chrome `DevTools` Protocol.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    uri: Uri,
    headers: HeaderMap,
}

// Written out: headers and the path may hold what lets anybody in.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Endpoint").field(&self.place()).finish()
    }
}

impl Endpoint {
    /// `ws://127.0.0.1:9222/devtools/browser/…`, or by `wss`: then its certificate is checked.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Endpoint {
            why: why.to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| wrong("it is no URL"))?;
        match uri.scheme_str() {
            Some("ws" | "wss") => {}
            Some(other) => {
                return Err(wrong(&format!(
                    "the scheme {other:?} is neither ws nor wss"
                )));
            }
            None => return Err(wrong("it has no scheme")),
        }
        let has_user = uri.authority().is_some_and(|at| at.as_str().contains('@'));
        if has_user || uri.host().is_none_or(str::is_empty) {
            return Err(wrong("it is not ws://HOST:PORT/PATH"));
        }
        Ok(Self {
            uri,
            headers: HeaderMap::new(),
        })
    }

    /// What a browser with its debugging port at `host` and `port` says of itself. `host` is an address: a browser answers
    /// to no other name.
    pub async fn of_port(host: &str, port: u16, until: Instant) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            web_socket_debugger_url: String,
        }
        let place = format!("{host}:{port}");
        let silent = |why: &dyn std::fmt::Display| Error::Connect {
            place: place.clone(),
            why: why.to_string(),
        };
        let asking = async {
            let mut stream = TcpStream::connect((host, port)).await?;
            let request =
                format!("GET /json/version HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            let mut reading = stream.take(MAX_VERSION_BYTES);
            // A browser may keep the connection: its answer ends with its JSON.
            while !answer.ends_with(b"}") && !answer.ends_with(b"}\n") {
                if reading.read_buf(&mut answer).await? == 0 {
                    break;
                }
            }
            Ok::<_, std::io::Error>(answer)
        };
        let until = until.min(Instant::now() + CONNECT_TIMEOUT);
        let answer = timeout_at(until, asking).await;
        let answer = answer.map_err(|_| silent(&"no answer in time"))?;
        let answer = answer.map_err(|error| silent(&error))?;
        let text = String::from_utf8_lossy(&answer);
        let body = text.find('{').map_or("", |at| &text[at..]);
        let version: Version = serde_json::from_str(body).map_err(|error| silent(&error))?;
        let said = Self::parse(&version.web_socket_debugger_url)?;
        // By the way that has just led there, whatever it calls itself.
        Self::parse(&format!("ws://{place}{}", said.uri.path()))
    }

    /// The same with a header of the handshake.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// All of it, also what nobody may be shown.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("wss")
    }

    fn host_and_port(&self) -> (&str, u16) {
        let host = self.uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let usual = if self.is_secure() { 443 } else { 80 };
        (bare, self.uri.port_u16().unwrap_or(usual))
    }

    /// `127.0.0.1:9222`: what may be shown of it.
    pub fn place(&self) -> String {
        format!(
            "{}:{}",
            self.uri.host().unwrap_or_default(),
            self.host_and_port().1
        )
    }

    fn request(&self) -> Result<Request<()>, Error> {
        let unbuilt = |error: &dyn std::fmt::Display| Error::Endpoint {
            why: error.to_string(),
        };
        let mut request = Request::builder()
            .uri(self.uri.clone())
            .body(())
            .map_err(|error| unbuilt(&error))?;
        let host = self.uri.authority().map_or("", |at| at.as_str());
        let headers = request.headers_mut();
        *headers = self.headers.clone();
        for (name, value) in [
            (http::header::HOST, host),
            (http::header::CONNECTION, "Upgrade"),
            (http::header::UPGRADE, "websocket"),
            (HeaderName::from_static("sec-websocket-version"), "13"),
            (
                HeaderName::from_static("sec-websocket-key"),
                &generate_key(),
            ),
        ] {
            let value = Value::from_str(value).map_err(|error| unbuilt(&error))?;
            headers.insert(name, value);
        }
        Ok(request)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// TLS by what this system trusts.
async fn secured(
    endpoint: &Endpoint,
    stream: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
    let place = endpoint.place();
    let unsafe_there = |why: &dyn std::fmt::Display| Error::Connect {
        place: place.clone(),
        why: why.to_string(),
    };
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(rustls::ConfigBuilder::with_platform_verifier)
        .map_err(|error| unsafe_there(&error))?
        .with_no_client_auth();
    let name = ServerName::try_from(endpoint.host_and_port().0.to_owned());
    let name = name.map_err(|error| unsafe_there(&error))?;
    let connector = TlsConnector::from(Arc::new(config));
    let handshake = connector.connect(name, stream).await;
    handshake.map_err(|error| unsafe_there(&error))
}

/// A connection to a browser.
pub(crate) struct Connection {
    socket: WebSocketStream<Box<dyn Stream>>,
    next_id: u64,
    messages: usize,
    bytes: usize,
}

/// What a browser sent.
pub(crate) struct Incoming {
    pub(crate) head: MessageHead,
    text: tungstenite::Utf8Bytes,
}

/// What every message has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageHead {
    /// Of an answer: the number of its command.
    pub(crate) id: Option<u64>,
    /// Of an event: its name.
    pub(crate) method: Option<String>,
    pub(crate) session_id: Option<String>,
    pub(crate) error: Option<Refusal>,
}

/// Why the browser did not do what a command says.
#[derive(Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) message: String,
}

impl Incoming {
    /// An answer to `method`, unless the browser refuses it.
    pub(crate) fn answered(mut self, method: &str) -> Result<Self, Error> {
        match self.head.error.take() {
            Some(refusal) => Err(Error::Refused {
                method: method.to_owned(),
                message: refusal.message,
            }),
            None => Ok(self),
        }
    }

    /// What an answer to `method` holds.
    pub(crate) fn answer<T: DeserializeOwned>(self, method: &str) -> Result<T, Error> {
        self.answered(method)?.result()
    }

    /// What an answer holds.
    pub(crate) fn result<T: DeserializeOwned>(&self) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Answer<T> {
            result: T,
        }
        let answer: Answer<T> =
            serde_json::from_str(&self.text).map_err(|error| Error::nonsense(&error))?;
        Ok(answer.result)
    }

    /// What an event says.
    pub(crate) fn params<T: DeserializeOwned>(&self) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Event<T> {
            params: T,
        }
        let event: Event<T> =
            serde_json::from_str(&self.text).map_err(|error| Error::nonsense(&error))?;
        Ok(event.params)
    }
}

impl Connection {
    pub(crate) async fn open(endpoint: &Endpoint, until: Instant) -> Result<Self, Error> {
        let place = endpoint.place();
        let connecting = async {
            let stream = TcpStream::connect(endpoint.host_and_port()).await;
            let stream = stream.map_err(|error| Error::Connect {
                place: place.clone(),
                why: error.to_string(),
            })?;
            // A command is one small packet, and waits for nothing.
            stream.set_nodelay(true).ok();
            let config = WebSocketConfig::default()
                .max_message_size(Some(MAX_MESSAGE_BYTES))
                .max_frame_size(Some(MAX_MESSAGE_BYTES))
                .read_buffer_size(64 * 1024);
            let stream: Box<dyn Stream> = if endpoint.is_secure() {
                Box::new(secured(endpoint, stream).await?)
            } else {
                Box::new(stream)
            };
            client_async_with_config(endpoint.request()?, stream, Some(config))
                .await
                .map(|(socket, _)| socket)
                .map_err(|error| Error::Connect {
                    place: place.clone(),
                    why: match error {
                        tungstenite::Error::Http(answer) => {
                            format!(
                                "the handshake is answered with status {}",
                                answer.status().as_u16()
                            )
                        }
                        other => other.to_string(),
                    },
                })
        };
        let until = until.min(Instant::now() + CONNECT_TIMEOUT);
        let socket = timeout_at(until, connecting)
            .await
            .map_err(|_| Error::Connect {
                place: place.clone(),
                why: "no answer in time".to_owned(),
            })??;
        Ok(Self {
            socket,
            next_id: 1,
            messages: 0,
            bytes: 0,
        })
    }

    /// Sends a command, and comes back with its number.
    pub(crate) async fn send(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: serde_json::Value,
    ) -> Result<u64, Error> {
        let id = self.next_id;
        self.next_id += 1;
        let mut command = serde_json::json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let sending = self.socket.send(Message::text(command.to_string()));
        match timeout(SEND_TIMEOUT, sending).await {
            Ok(sent) => sent.map_err(|error| Error::broken(&error))?,
            Err(_) => {
                return Err(Error::Silent {
                    method: method.to_owned(),
                });
            }
        }
        Ok(id)
    }

    /// The next message; none where none comes in time.
    pub(crate) async fn next(&mut self, until: Instant) -> Result<Option<Incoming>, Error> {
        loop {
            if self.messages >= MAX_MESSAGES || self.bytes >= MAX_TOTAL_BYTES {
                return Err(Error::Flood {
                    messages: self.messages,
                    bytes: self.bytes,
                });
            }
            let Ok(received) = timeout_at(until, self.socket.next()).await else {
                return Ok(None);
            };
            self.messages += 1;
            let text = match received {
                None | Some(Ok(Message::Close(_))) => return Err(Error::Closed),
                Some(Err(error)) => return Err(Error::broken(&error)),
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Binary(_))) => {
                    return Err(Error::Nonsense("a message of bytes".to_owned()));
                }
                // Answered by the library; but nobody may send nothing else for ever.
                Some(Ok(_)) => continue,
            };
            self.bytes += text.len();
            let head = serde_json::from_str(&text).map_err(|error| Error::nonsense(&error))?;
            return Ok(Some(Incoming { head, text }));
        }
    }

    /// A farewell. Whoever does not answer it is left.
    pub(crate) async fn close(mut self) {
        timeout(CLOSE_TIMEOUT, self.socket.close(None)).await.ok();
    }
}
