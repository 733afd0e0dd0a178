//! What is passed on to the emulator arrives byte for byte, and so does its answer.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use std::time::Duration;

use local_aws::{Server, WorldOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The upstream's answer, with header names in a case of their own.
const ANSWER: &str = "HTTP/1.1 418 Teapot\r\nETag: \"abc\"\r\nX-Amz-Mixed-CASE: kept\r\n\
                      Content-Length: 5\r\n\r\n\x00\x01\x02\r\n";

/// Sends raw bytes through the front door; gives what the emulator saw and what the client got.
async fn exchange(request: &[u8], ends_with: &[u8]) -> (String, String) {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = upstream.local_addr().unwrap();
    let options = WorldOptions {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        upstream: format!("http://{address}").parse().unwrap(),
        data_dir: std::env::temp_dir(),
        images: std::collections::BTreeMap::default(),
    };
    let server = Server::start("127.0.0.1:0".parse().unwrap(), options)
        .await
        .unwrap();
    let end = ends_with.to_vec();
    let seen = tokio::spawn(async move {
        let (mut stream, _) = upstream.accept().await.unwrap();
        let seen = read_until(&mut stream, &end).await;
        stream.write_all(ANSWER.as_bytes()).await.unwrap();
        seen
    });
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client.write_all(request).await.unwrap();
    let got = read_until(&mut client, b"\x00\x01\x02\r\n").await;
    let seen = seen.await.unwrap();
    server.stop().await;
    (seen, got)
}

async fn read_until(stream: &mut TcpStream, end: &[u8]) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !bytes.ends_with(end) {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "ended early");
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(10), reading).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(done.is_ok(), "never came: {text}");
    text
}

#[tokio::test]
async fn a_signed_chunked_upload_keeps_host_headers_and_body() {
    let body = "4;chunk-signature=00ff\r\nda\r\n\r\n0;chunk-signature=ee\r\n\
                x-amz-checksum-crc32:AAAA==\r\n\r\n";
    let request = format!(
        "PUT /key%20with+signs//twice?X=%2F&y HTTP/1.1\r\nHost: bucket.localhost:4566\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/s3/aws4_request, \
         SignedHeaders=host, Signature=00\r\nX-Amz-Content-SHA256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n\
         Content-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: 4\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (seen, got) = exchange(request.as_bytes(), body.as_bytes()).await;
    let sorted = |head: &str| {
        let mut lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (head, seen_body) = seen.split_once("\r\n\r\n").unwrap();
    let (sent_head, _) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(sorted(head), sorted(sent_head));
    assert_eq!(seen_body, body);

    assert!(got.starts_with("HTTP/1.1 418 "), "{got}");
    assert!(got.contains("\r\nX-Amz-Mixed-CASE: kept\r\n"), "{got}");
    assert!(got.contains("\r\nETag: \"abc\"\r\n"), "{got}");
    assert!(got.ends_with("\r\n\r\n\0\u{1}\u{2}\r\n"), "{got:?}");
}

#[tokio::test]
async fn a_form_is_read_for_its_action_and_passed_on_as_it_was() {
    let body = "Action=Publish&Message=%C3%A4+%26&Empty=&Message=again";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AK/20261121/us-east-1/sns/aws4_request\r\n\
         Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (seen, _) = exchange(request.as_bytes(), body.as_bytes()).await;
    assert!(seen.ends_with(&format!("\r\n\r\n{body}")), "{seen}");
    assert!(
        seen.contains(&format!("Content-Length: {}\r\n", body.len())),
        "{seen}"
    );
}
