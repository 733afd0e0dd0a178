//! The `dns` probe, with a name server of the test's own.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::server::*;
use super::*;

/// How the name server behaves.
#[derive(Clone, Copy)]
enum Server {
    Good,
    /// Over UDP it always says that the answer does not fit.
    Cut,
    Silent,
    Failing,
    Garbling,
}

/// Two addresses for `shop.example.com`, and nothing else; any of its texts is a planted secret.
fn answer(question: &[u8], cut: bool) -> Vec<u8> {
    let mut bytes = question.to_vec();
    bytes[2] = if cut { 0x83 } else { 0x81 };
    bytes[3] = 0x80;
    let of_shop = question[12..17].eq_ignore_ascii_case(b"\x04shop");
    let of_type = question[question.len() - 3];
    let data: Vec<Vec<u8>> = match of_type {
        1 => vec![vec![10, 0, 0, 7], vec![10, 0, 0, 8]],
        16 => vec![b"\x0ePLANTED-SECRET".to_vec()],
        _ => vec![],
    };
    if !of_shop {
        bytes[3] = 0x83;
    } else if !cut {
        bytes[7] = u8::try_from(data.len()).unwrap();
        for one in data {
            bytes.extend([0xc0, 12, 0, of_type, 0, 1, 0, 0, 0, 60, 0]);
            bytes.push(u8::try_from(one.len()).unwrap());
            bytes.extend(one);
        }
    }
    bytes
}

async fn serve(server: Server) -> SocketAddr {
    // The same port for both.
    let (listener, address, socket) = loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if let Ok(socket) = UdpSocket::bind(address).await {
            break (listener, address, socket);
        }
    };
    tokio::spawn(async move {
        let mut bytes = [0; 600];
        while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
            let asked = &bytes[..length];
            let sent = match server {
                Server::Good => answer(asked, false),
                Server::Cut => answer(asked, true),
                Server::Silent => continue,
                Server::Failing => {
                    let mut bytes = asked.to_vec();
                    bytes[2..4].copy_from_slice(&[0x81, 0x82]);
                    bytes
                }
                Server::Garbling => vec![0xff; 40],
            };
            socket.send_to(&sent, from).await.ok();
        }
    });
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let Ok(length) = socket.read_u16().await else {
                continue;
            };
            let mut asked = vec![0; usize::from(length)];
            socket.read_exact(&mut asked).await.ok();
            let sent = answer(&asked, false);
            socket
                .write_u16(u16::try_from(sent.len()).unwrap())
                .await
                .ok();
            socket.write_all(&sent).await.ok();
        }
    });
    address
}

async fn asked(server: Server, check: &str) -> Outcome {
    let http = HttpOptions {
        nameservers: vec![serve(server).await],
        ..HttpOptions::default()
    };
    let base = "http://127.0.0.1:9/".parse().unwrap();
    let hidden = "secrets: { hidden: 'ssm:/x' }";
    measured(&base, Stage::PostTraffic, check, hidden, http).await
}

async fn reported(server: Server, check: &str) -> String {
    let outcome = asked(server, check).await;
    let text = summary(&outcome);
    // The port differs each time.
    let port = text.split("127.0.0.1:").nth(1).map(|rest| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    text.replace(&format!("127.0.0.1:{}", port.unwrap_or_default()), "SERVER")
}

#[tokio::test]
async fn records_are_compared() {
    for check in [
        "dns: { name: shop.example.com }",
        "dns: { name: Shop.Example.com., type: A, contains: 10.0.0.7, count: 2 }",
        "dns: { name: shop.example.com, equals: [10.0.0.8, 10.0.0.7], count: '> 1' }",
        "dns: { name: blog.example.com, count: 0 }",
        "dns: { name: shop.example.com, type: AAAA, count: 0 }",
    ] {
        for server in [Server::Good, Server::Cut] {
            let outcome = asked(server, check).await;
            assert!(outcome.verdict.passed, "{check}: {}", summary(&outcome));
        }
    }
    insta::assert_snapshot!(reported(Server::Good, "dns: { name: blog.example.com }").await, @r#"
    failed
    check "it" failed: expected a record A of blog.example.com, got none
    "#);
    insta::assert_snapshot!(reported(Server::Good, "dns: { name: shop.example.com, contains: [10.0.0.9], equals: [10.0.0.7], count: '>= 3' }").await, @r#"
    failed
    check "it" failed: expected A of shop.example.com containing "10.0.0.9", got 10.0.0.7, 10.0.0.8; expected A of shop.example.com equal to 10.0.0.7, got 10.0.0.7, 10.0.0.8; expected count >= 3 of A records of shop.example.com, got 2
    "#);
}

#[tokio::test]
async fn who_does_not_answer_is_the_name_server_and_not_the_release() {
    let check = "timeout: 10s, dns: { name: shop.example.com }";
    insta::assert_snapshot!(reported(Server::Failing, check).await, @r#"
    failed
    check "it" errored: the name "shop.example.com" could not be looked up: SERVER answers SERVFAIL; check the network that the gate runs in
    "#);
    insta::assert_snapshot!(reported(Server::Silent, check).await, @r#"
    failed
    check "it" errored: the name "shop.example.com" could not be looked up: SERVER does not answer; check the network that the gate runs in
    "#);
    insta::assert_snapshot!(reported(Server::Garbling, check).await, @r#"
    failed
    check "it" errored: the name "shop.example.com" could not be looked up: SERVER does not answer; check the network that the gate runs in
    "#);
    let check = "timeout: 300ms, dns: { name: shop.example.com }";
    insta::assert_snapshot!(reported(Server::Silent, check).await, @r#"
    failed
    check "it" errored: no complete answer within 300ms
    "#);
}

#[tokio::test]
async fn a_secret_among_the_records_is_masked() {
    for check in [
        "dns: { name: shop.example.com, type: TXT, contains: other }",
        "dns: { name: shop.example.com, type: TXT, equals: ['{{ hidden }}!'] }",
        "dns: { name: '{{ hidden }}.example.com' }",
    ] {
        let outcome = asked(Server::Good, check).await;
        assert!(
            !outcome.verdict.passed && is_masked(&outcome),
            "{}",
            summary(&outcome)
        );
    }
}
