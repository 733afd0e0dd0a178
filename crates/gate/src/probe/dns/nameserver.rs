//! Asks the system's name servers, one after the other.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustls::crypto::ring;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::super::ProbeError;
use super::message::{self, Answer, RecordType};

/// As large as a message can be.
pub(super) const MAX_MESSAGE: usize = 65_535;

/// What the system has says where.
const FILE: &str = "/etc/resolv.conf";
const DNS_PORT: u16 = 53;
/// As many as the system itself asks.
const MAX_SERVERS: usize = 3;
/// How often each is asked.
const MAX_TRIES: usize = 2;
/// How long one question waits.
const QUERY_TIMEOUT: Duration = Duration::from_secs(1);

/// The records of a name. `servers` are asked in place of the system's, if there are any.
pub(super) async fn ask(
    name: &str,
    record_type: RecordType,
    servers: &[SocketAddr],
) -> Result<Vec<String>, ProbeError> {
    let of_system;
    let servers = if servers.is_empty() {
        let text = std::fs::read_to_string(FILE).unwrap_or_default();
        of_system = of_file(&text);
        &of_system
    } else {
        servers
    };
    let mut why = String::new();
    for _ in 0..MAX_TRIES {
        for server in servers.iter().take(MAX_SERVERS) {
            match timeout(QUERY_TIMEOUT, one(name, record_type, *server)).await {
                Ok(Ok(Answer::Records(records))) => return Ok(records),
                Ok(Ok(Answer::Refused(code))) => {
                    why = format!("{server} answers {}", meaning(code));
                }
                Ok(Ok(Answer::Cut)) => why = format!("{server} cuts its answer"),
                Ok(Err(error)) => why = format!("{server}: {error}"),
                Err(_) => why = format!("{server} does not answer"),
            }
        }
    }
    Err(ProbeError::errored(format!(
        "the name {name:?} could not be looked up: {why}; check the network that the gate runs in"
    )))
}

/// One question by UDP, and by TCP if the answer does not fit.
async fn one(name: &str, record_type: RecordType, server: SocketAddr) -> io::Result<Answer> {
    let question = message::question(random_id()?, name, record_type);
    let from: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(from).await?;
    // Only what this server sends arrives.
    socket.connect(server).await?;
    socket.send(&question).await?;
    let mut bytes = vec![0; 4096];
    loop {
        let length = socket.recv(&mut bytes).await?;
        match message::answer(&bytes[..length], &question, record_type) {
            Some(Answer::Cut) => break,
            Some(answer) => return Ok(answer),
            // Late, forged or garbage.
            None => {}
        }
    }
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).unwrap_or_default();
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(&question).await?;
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    let answer = message::answer(&bytes, &question, record_type);
    answer.ok_or_else(|| io::Error::other("what came by TCP is no answer"))
}

/// Not to be guessed, so that nobody else can answer.
fn random_id() -> io::Result<u16> {
    let mut bytes = [0; 2];
    let random = ring::default_provider().secure_random;
    let filled = random.fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(u16::from_be_bytes(bytes))
}

/// The `nameserver` lines; the machine itself if there are none, as the system does.
fn of_file(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| -> Option<SocketAddr> {
        let mut words = line.split_whitespace();
        let is_server = words.next() == Some("nameserver");
        // An address of this link has its interface behind it.
        let address = words.next()?.split('%').next()?;
        let address: IpAddr = address.parse().ok()?;
        is_server.then(|| (address, DNS_PORT).into())
    };
    let servers: Vec<SocketAddr> = text.lines().filter_map(address).collect();
    if servers.is_empty() {
        return vec![(Ipv4Addr::LOCALHOST, DNS_PORT).into()];
    }
    servers
}

/// As RFC 1035 and its successors name them.
fn meaning(code: u8) -> String {
    match code {
        1 => "FORMERR".to_owned(),
        2 => "SERVFAIL".to_owned(),
        4 => "NOTIMP".to_owned(),
        5 => "REFUSED".to_owned(),
        code => format!("with the code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_those_of_the_systems_file() {
        let text = "# nameserver 1.1.1.1\nsearch internal\nnameserver 169.254.78.1\nnameserver fd00::2\nnameserver x";
        let addresses: Vec<String> = of_file(text).iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["169.254.78.1:53", "[fd00::2]:53"]);
        assert_eq!(of_file("")[0].to_string(), "127.0.0.1:53");
    }
}
