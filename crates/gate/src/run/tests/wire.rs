//! A server that says byte for byte what a test wants, and keeps what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// A request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// `GET /path HTTP/1.1`
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// On its connection, from 1.
    pub(super) number: usize,
    pub(super) connection: usize,
}

impl Asked {
    /// The value of a header; the name in lower case.
    pub(super) fn header(&self, wanted: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim())
    }

    pub(super) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// A running server; it ends with the test's runtime.
pub(super) struct Wire {
    pub(super) address: SocketAddr,
    pub(super) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Wire {
    /// `answer` gives the bytes to send, or nothing to hang up.
    pub(super) async fn open(
        answer: impl Fn(&Asked) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((socket, _)) = listener.accept().await {
                connection += 1;
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                tokio::spawn(async move { serve(socket, connection, &*answer, &log).await });
            }
        });
        let url = format!("http://{address}/").parse().unwrap();
        Self {
            address,
            url,
            asked,
        }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut socket: TcpStream,
    connection: usize,
    answer: &(dyn Fn(&Asked) -> Option<Vec<u8>> + Send + Sync),
    log: &Mutex<Vec<Asked>>,
) {
    for number in 1.. {
        let Some(mut asked) = read(&mut socket).await else {
            return;
        };
        (asked.number, asked.connection) = (number, connection);
        log.lock().unwrap().push(asked.clone());
        let Some(bytes) = answer(&asked) else { return };
        if socket.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read(socket: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (line, head) = head.split_once("\r\n").unwrap_or((&head, ""));
    let mut asked = Asked {
        line: line.to_owned(),
        head: head.to_owned(),
        body: bytes.split_off(end + 4),
        ..Asked::default()
    };
    let length = asked.header("content-length").unwrap_or("0");
    let length: usize = length.parse().unwrap();
    while asked.body.len() < length {
        if socket.read_buf(&mut asked.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(asked)
}

/// An answer with its length. `headers` are whole lines, without their ends.
pub(super) fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}
