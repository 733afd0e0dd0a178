//! The `tls` probe.

use super::secure::{CA, private};
use super::server::*;
use super::*;

const TRUSTED: &str =
    "host: shop.example.internal\nsecrets: { ca: 'ssm:/ca' }\nca_certificates: '{{ ca }}'";

#[tokio::test]
async fn a_good_certificate_passes() {
    assert!(CA.contains("CERTIFICATE"));
    let base = private().await;
    for check in [
        "tls: {}",
        "tls: { expires_in: '> 14d', min_version: 1.3, names: [shop.example.internal] }",
        "tls: { expires_in: '>= 0d' }, expect: [{ latency: '< 2s' }]",
    ] {
        let outcome = checked(&base, Stage::PreTraffic, check, TRUSTED).await;
        assert!(outcome.verdict.passed, "{check}: {}", summary(&outcome));
        let first = &outcome.report.checks[0].rounds[0].tries[0].expectations[0];
        assert_eq!(
            first.expected,
            "a trusted certificate for shop.example.internal"
        );
        assert!(
            first.got.starts_with("valid for ") && first.got.ends_with(" days"),
            "{}",
            first.got
        );
    }
}

#[tokio::test]
async fn what_a_certificate_lacks_fails_with_the_reason() {
    let base = private().await;
    insta::assert_snapshot!(summary_of(&base, "tls: {}", "host: shop.example.internal").await, @r#"
    failed
    check "it" failed: no connection to shop.example.internal:PORT: invalid peer certificate: UnknownIssuer; if a private certificate authority has signed it, name that one in `ca_certificates:` of the suite
    "#);
    let check = "tls: { names: [shop.example.internal, www.example.com] }";
    insta::assert_snapshot!(summary_of(&base, check, TRUSTED).await, @r#"
    failed
    check "it" failed: expected a certificate for www.example.com, got invalid peer certificate: certificate not valid for name "www.example.com"; certificate is only valid for DnsName("shop.example.internal")
    "#);
    let summary = summary_of(&base, "tls: { expires_in: '> 60000d' }", TRUSTED).await;
    assert!(
        summary.starts_with("failed\ncheck \"it\" failed: expected expires in > 60000 days, got 3"),
        "{summary}"
    );
    let by_address = "secrets: { ca: 'ssm:/ca' }\nca_certificates: '{{ ca }}'";
    let summary = summary_of(&base, "tls: {}", by_address).await;
    assert!(summary.contains("not valid for name"), "{summary}");
}

#[tokio::test]
async fn an_old_version_is_told_from_a_new_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("https://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = secure::only_tls_1_2();
            tokio::spawn(async move {
                let Ok(_socket) = acceptor.accept(socket).await else {
                    return;
                };
                tokio::time::sleep(Duration::from_secs(5)).await;
            });
        }
    });
    insta::assert_snapshot!(summary_of(&base, "tls: { min_version: 1.3 }", TRUSTED).await, @r#"
    failed
    check "it" failed: expected TLS 1.3 or later, got TLS 1.2
    "#);
    let summary = summary_of(&base, "tls: { min_version: 1.2 }", TRUSTED).await;
    assert!(summary.starts_with("passed"), "{summary}");
}

#[tokio::test]
async fn what_speaks_no_tls_fails() {
    let check = "tls: {}";
    insta::assert_snapshot!(summary_of(&refusing(), check, "").await, @r#"
    failed
    check "it" failed: no connection to 127.0.0.1:PORT: Connection refused (os error 111)
    "#);
    insta::assert_snapshot!(summary_of(&silent().await, "timeout: 300ms, tls: {}", "").await, @r#"
    failed
    check "it" failed: no complete answer within 300ms
    "#);
    insta::assert_snapshot!(summary_of(&resetting().await, check, "").await, @r#"
    failed
    check "it" failed: no connection to 127.0.0.1:PORT: Connection reset by peer (os error 104)
    "#);
    insta::assert_snapshot!(summary_of(&flooding().await, check, "").await, @r#"
    failed
    check "it" failed: no connection to 127.0.0.1:PORT: received corrupt message of type InvalidContentType; what answers there does not speak TLS: correct the port, or write http instead of https
    "#);
    insta::assert_snapshot!(summary_of(&garbling().await, check, "").await, @r#"
    failed
    check "it" failed: no connection to 127.0.0.1:PORT: received corrupt message of type InvalidContentType; what answers there does not speak TLS: correct the port, or write http instead of https
    "#);
}

#[tokio::test]
async fn a_secret_in_a_certificate_is_masked() {
    let base = private().await;
    let more = format!("{TRUSTED}\nvars: {{ x: y }}");
    let text = more.replace("secrets: {", "secrets: { hidden: 'ssm:/x', ");
    // The certificate is for shop.example.internal, which the reason would name.
    let text = text.replace("host: shop.example.internal\n", "");
    let mut outcome = checked(&base, Stage::PreTraffic, "tls: {}", &text).await;
    assert!(
        summary(&outcome).contains("shop.example.internal"),
        "{}",
        summary(&outcome)
    );
    let secrets = BTreeMap::from([
        ("hidden".to_owned(), "example.internal".to_owned()),
        ("ca".to_owned(), CA.to_owned()),
    ]);
    let suite =
        format!("version: 1\nname: s\n{text}\nchecks: [{{ name: it, retries: 0, tls: {{}} }}]");
    outcome = run(Run {
        suite: Suite::parse("s", &suite).unwrap(),
        stage: Stage::PreTraffic,
        target: Target {
            base_url: Some(base),
            ..Target::default()
        },
        secrets,
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await;
    assert!(!outcome.verdict.passed);
    assert!(
        !report::json(&outcome.report).contains("example.internal"),
        "{}",
        summary(&outcome)
    );
}

#[tokio::test]
async fn another_place_before_traffic_is_refused() {
    let base = private().await;
    let summary = summary_of(&base, "tls: { host: www.example.com }", TRUSTED).await;
    assert!(
        summary.contains("nothing says that www.example.com:443 is the release under test"),
        "{summary}"
    );
}
