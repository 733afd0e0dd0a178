//! What somebody hears who waits beside a run, and how they end it.

use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::progress::{Observer, Progress};

/// A run of these checks that bakes; what it says, and what ends it.
fn begin(
    shop: &Shop,
    checks: &str,
) -> (
    impl Future<Output = Outcome> + use<>,
    mpsc::UnboundedReceiver<Progress>,
    oneshot::Sender<()>,
) {
    let text = format!(
        "version: 1\nname: shop\nsecrets: {{ password: \"env:PASSWORD\" }}\n\
         traffic: {{ bake: 10s, every: 200ms, failure_limit: 100 }}\nchecks:\n{checks}\n"
    );
    let (progress, happens) = mpsc::unbounded_channel();
    let (end, stopped) = oneshot::channel();
    let run = Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}")),
        stage: Stage::PostTraffic,
        target: Target {
            base_url: Some(shop.url.clone()),
            ..Target::default()
        },
        secrets: BTreeMap::from([("password".to_owned(), "hunter22".to_owned())]),
        http: HttpOptions::default(),
        cloud: None,
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(30),
    };
    let observer = Observer {
        progress,
        stop: stopped,
    };
    (run_observed(run, observer), happens, end)
}

#[tokio::test]
async fn each_round_and_each_check_is_said_without_secrets() {
    let shop = Shop::open().await;
    let checks = "  - { name: home, http: GET / }\n  - name: echo\n    retries: 0\n    \
        http: { url: \"/echo?password={{ password }}\" }\n    expect: [{ body: { equals: \"{{ password }}\" } }]";
    let (run, mut happens, end) = begin(&shop, checks);
    let running = tokio::spawn(run);
    let mut reported = Vec::new();
    while reported
        .iter()
        .filter(|one| matches!(one, Progress::RoundBegun { .. }))
        .count()
        < 3
    {
        reported.push(happens.recv().await.unwrap());
    }
    end.send(()).unwrap();
    let outcome = running.await.unwrap();
    assert!(!outcome.verdict.passed);
    assert!(matches!(
        reported[0],
        Progress::RoundBegun { number: 1, .. }
    ));
    let done: Vec<_> = reported[1..3]
        .iter()
        .map(|one| match one {
            Progress::CheckDone {
                name,
                measurement,
                detail,
                ..
            } => {
                assert!(!detail.contains("hunter22"), "{detail}");
                (name.as_str(), *measurement, detail.is_empty())
            }
            Progress::RoundBegun { .. } => panic!("two checks are measured in a round"),
        })
        .collect();
    assert!(
        done.contains(&("home", Measurement::Passed, true)),
        "{done:?}"
    );
    assert!(
        done.contains(&("echo", Measurement::Failed, false)),
        "{done:?}"
    );
}

#[tokio::test]
async fn a_run_that_is_stopped_is_no_pass_and_keeps_what_was_measured() {
    let shop = Shop::open().await;
    let (run, mut happens, end) = begin(&shop, "  - { name: home, http: GET / }");
    let running = tokio::spawn(run);
    while !matches!(
        happens.recv().await,
        Some(Progress::RoundBegun { number: 3, .. })
    ) {}
    let begun = Instant::now();
    end.send(()).unwrap();
    let outcome = running.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(outcome.verdict.conclusion, Conclusion::Inconclusive);
    assert!(strip(&outcome, 0).starts_with("PP"));
}

#[tokio::test]
async fn nobody_has_to_listen() {
    let shop = Shop::open().await;
    let (run, happens, end) = begin(&shop, "  - { name: home, http: GET /down, retries: 0 }");
    drop((happens, end));
    let run = tokio::time::timeout(Duration::from_millis(900), run).await;
    // Dropping what ends it is no wish to end it.
    assert!(run.is_err());
}
