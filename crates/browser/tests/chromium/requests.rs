//! What pages ask for: what goes wrong, the policy, and where names lead.

use std::sync::Arc;
use std::time::Duration;

use browser::{Chromium, Navigation, ProblemKind};
use tokio::time::Instant;

use super::site::served;
use super::{Bench, DESKTOP, PLENTY, problems, program};

#[tokio::test]
async fn what_goes_wrong_behind_a_page_is_seen() {
    let bench = Bench::new().await;
    let mut page = bench.at("/faults").await;
    page.settle(Instant::now() + PLENTY).await.unwrap();
    let site = bench.site;
    let exceptions = problems(&page, ProblemKind::Exception);
    assert_eq!(exceptions.len(), 2, "{exceptions:?}");
    assert!(exceptions.iter().any(|text| text.contains("Error: thrown")));
    assert!(
        exceptions
            .iter()
            .any(|text| text.contains("(in promise) Error: rejected"))
    );
    let console = problems(&page, ProblemKind::Console);
    assert!(console[0].starts_with("it is bad (http://"), "{console:?}");
    let mut requests = problems(&page, ProblemKind::Request);
    requests.sort();
    assert!(
        requests[0].starts_with("GET http://127.0.0.1:1/x: "),
        "{requests:?}"
    );
    assert_eq!(requests[1], format!("GET http://{site}/gone.png: 404"));
    assert_eq!(
        problems(&page, ProblemKind::Refused),
        [format!("http://{site}/forbidden.js is not let out")]
    );
    bench.go(&mut page, "/policy").await;
    page.settle(Instant::now() + PLENTY).await.unwrap();
    let policy = problems(&page, ProblemKind::ContentPolicy);
    assert!(
        policy.len() == 1 && policy[0].contains("img-src"),
        "{policy:?}"
    );
}

#[tokio::test]
async fn requests_go_out_as_the_policy_says() {
    let bench = Bench::new().await;
    let mut page = bench.at("/marked").await;
    assert_eq!(page.view().await.unwrap().text.trim(), "a mark");
    bench.go(&mut page, "/agent").await;
    let agent = page.view().await.unwrap().text;
    assert!(
        agent.contains("deploy-hooks/test") && !agent.contains("Headless"),
        "{agent}"
    );
    let left = bench.go(&mut page, "/away").await;
    assert_eq!(
        left,
        Navigation::Failed("net::ERR_BLOCKED_BY_CLIENT".to_owned())
    );
    assert_eq!(problems(&page, ProblemKind::Refused).len(), 1);
    // A page that a script leaves before it is complete never is; where it leads is the page.
    assert_eq!(bench.go(&mut page, "/leads-on").await, Navigation::Loaded);
    assert_eq!(page.view().await.unwrap().text.trim(), "a mark");
    assert_eq!(page.log().page_status, Some(200));
    let nobody = page
        .go("http://127.0.0.1:1/", Instant::now() + PLENTY)
        .await;
    assert!(
        matches!(&nobody, Ok(Navigation::Failed(why)) if why.contains("ERR_")),
        "{nobody:?}"
    );
    let url = format!("http://{}/slow", bench.site);
    let late = page
        .go(&url, Instant::now() + Duration::from_millis(500))
        .await
        .unwrap();
    assert_eq!(late, Navigation::Unfinished);
}

#[tokio::test]
async fn names_lead_where_they_are_mapped() {
    let site = served().await;
    let hosts = [("shop.example.com:8443".to_owned(), site.to_string())];
    let chromium = Chromium::start(&program(), &hosts).await.unwrap();
    let bench = Bench {
        chromium: Arc::new(chromium),
        site,
    };
    let mut page = bench.page(DESKTOP).await;
    let url = "http://shop.example.com:8443/";
    let loaded = page.go(url, Instant::now() + PLENTY).await.unwrap();
    assert_eq!(loaded, Navigation::Loaded);
    assert_eq!(page.view().await.unwrap().url, url);
    assert_eq!(
        page.log().requests[0].answered_by.as_deref(),
        Some(site.to_string().as_str())
    );
}
