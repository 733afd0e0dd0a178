//! Pages as people use them, and what keeps them from it.

use std::time::Duration;

use browser::{IntendedAction, Key, Locator, NotActionable, ProblemKind, TextMatch};
use tokio::time::Instant;

use super::{Bench, DESKTOP, PHONE, PLENTY, button, click, css, problems, seen, text_comes};

#[tokio::test]
async fn a_page_is_used_as_people_use_it() {
    let bench = Bench::new().await;
    let mut page = bench.at("/").await;
    assert!(page.product().starts_with("Chrome/"), "{}", page.product());
    assert_eq!(seen(&mut page, &button("Buy now")).await, (1, 1));
    assert_eq!(seen(&mut page, &button("Ghost")).await, (0, 0));
    assert_eq!(seen(&mut page, &css("button")).await, (3, 2));
    let part = TextMatch::Contains("Welc".to_owned());
    assert_eq!(seen(&mut page, &Locator::Text(part)).await, (1, 1));
    let all = TextMatch::Equals("Welc".to_owned());
    assert_eq!(seen(&mut page, &Locator::Text(all)).await, (0, 0));

    let mail = Locator::Role {
        role: "textbox".to_owned(),
        name: Some(TextMatch::Equals("Mail".to_owned())),
    };
    assert_eq!(seen(&mut page, &mail).await, (1, 1));
    assert!(page.ready(IntendedAction::Type).await.unwrap().is_ok());
    assert!(page.enter(false).await.unwrap());
    page.type_text("a Reader+ü@example.com").await.unwrap();
    assert_eq!(
        page.look(None).await.unwrap(),
        [Some("a Reader+ü@example.com".to_owned())]
    );
    assert_eq!(seen(&mut page, &css("#country")).await, (1, 1));
    assert_eq!(page.choose("France").await.unwrap(), Ok(()));
    assert_eq!(
        page.choose("Spain").await.unwrap(),
        Err(NotActionable::NoOption("Germany, France".to_owned()))
    );
    click(&mut page, &button("Buy now")).await;
    text_comes(&mut page, "Thank you, a Reader+ü@example.com of fr").await;
    seen(&mut page, &mail).await;
    page.enter(false).await.unwrap();
    page.press(&Key::parse("Enter").unwrap()).await.unwrap();
    text_comes(&mut page, "entered").await;

    assert!(page.settle(Instant::now() + PLENTY).await.unwrap());
    let view = page.view().await.unwrap();
    assert_eq!(
        (view.title.as_str(), view.lang.as_str(), view.ready),
        ("Shop", "en", true)
    );
    assert!(
        view.ttfb.is_some_and(|ttfb| ttfb >= 0.0) && view.cls < 0.1,
        "{view:?}"
    );
    let tree = page.tree().await.unwrap();
    assert!(tree.iter().any(|node| node.role == "main"));
    assert!(
        tree.iter()
            .any(|node| node.role == "button" && node.name == "Sold out")
    );
    assert_eq!(page.log().problems, [], "{:?}", page.log());
    let first = &page.log().requests[0];
    assert_eq!(
        first.answered_by.as_deref(),
        Some(bench.site.to_string().as_str())
    );
    assert_eq!(first.outcome.as_deref(), Some("200"));
    page.close().await;
}

#[tokio::test]
async fn what_can_not_be_used_is_said_with_what_is_in_the_way() {
    let bench = Bench::new().await;
    let mut page = bench.at("/covered").await;
    seen(&mut page, &button("Buy")).await;
    assert_eq!(
        page.ready(IntendedAction::Click)
            .await
            .unwrap()
            .unwrap_err(),
        NotActionable::Covered("div#cookies \"Cookies?\"".to_owned())
    );
    bench.go(&mut page, "/moving").await;
    seen(&mut page, &button("Buy")).await;
    assert_eq!(
        page.ready(IntendedAction::Click)
            .await
            .unwrap()
            .unwrap_err(),
        NotActionable::Moving
    );
    let chosen_from = page.ready(IntendedAction::Select).await.unwrap();
    assert!(chosen_from.is_ok(), "a choice needs no press");
    bench.go(&mut page, "/").await;
    seen(&mut page, &button("Sold out")).await;
    assert_eq!(
        page.ready(IntendedAction::Click)
            .await
            .unwrap()
            .unwrap_err(),
        NotActionable::Disabled
    );
    assert!(matches!(
        page.ready(IntendedAction::Type).await.unwrap(),
        Err(NotActionable::Disabled)
    ));
    seen(&mut page, &css("h1")).await;
    assert!(matches!(
        page.ready(IntendedAction::Type).await.unwrap(),
        Err(NotActionable::NoField(_))
    ));
    assert!(page.locate(&css("div[")).await.unwrap().invalid);
    // What is far down is brought onto the screen first.
    bench.go(&mut page, "/far").await;
    click(&mut page, &button("Buy")).await;
    assert_eq!(page.view().await.unwrap().title, "clicked");
}

#[tokio::test]
async fn dialogs_windows_and_files_do_not_keep_a_page_waiting() {
    let bench = Bench::new().await;
    let mut page = bench.at("/dialog").await;
    click(&mut page, &button("Ask")).await;
    assert_eq!(page.view().await.unwrap().title, "false");
    assert_eq!(problems(&page, ProblemKind::Dialog), ["confirm: \"Sure?\""]);
    bench.go(&mut page, "/popup").await;
    click(&mut page, &button("Open")).await;
    page.wait(Duration::from_millis(300)).await.unwrap();
    assert_eq!(
        problems(&page, ProblemKind::PopUp),
        [format!("http://{}/gone", bench.site)]
    );
    bench.go(&mut page, "/download").await;
    click(&mut page, &css("a")).await;
    page.wait(Duration::from_millis(300)).await.unwrap();
    assert_eq!(
        problems(&page, ProblemKind::Download),
        [format!("bill.pdf from http://{}/file", bench.site)]
    );
    let mut page = bench.opened(DESKTOP, true, Duration::from_secs(20)).await;
    bench.go(&mut page, "/dialog").await;
    click(&mut page, &button("Ask")).await;
    assert_eq!(page.view().await.unwrap().title, "true");
    assert_eq!(page.log().problems, []);
}

#[tokio::test]
async fn a_phone_has_a_narrow_screen() {
    let bench = Bench::new().await;
    let mut page = bench.page(PHONE).await;
    bench.go(&mut page, "/").await;
    assert_eq!(page.overflow().await.unwrap(), None);
    let shot = page.screenshot(&[], &[]).await.unwrap();
    assert_eq!((shot.width, shot.height), (390, 844));
    bench.go(&mut page, "/wide").await;
    let overflow = page.overflow().await.unwrap().unwrap();
    assert!(
        overflow.width >= 700 && overflow.by == "div#banner \"b\"",
        "{overflow:?}"
    );
}

#[tokio::test]
async fn a_page_rests_once_nothing_has_come_of_what_was_done() {
    let bench = Bench::new().await;
    let mut page = bench.at("/deferred").await;
    let end = Instant::now() + PLENTY;
    assert!(page.settle(end).await.unwrap());
    click(&mut page, &button("Pay")).await;
    assert!(page.settle(end).await.unwrap());
    assert_eq!(page.view().await.unwrap().title, "done");
}

#[tokio::test]
async fn the_scripts_of_a_page_do_not_reach_ours() {
    let bench = Bench::new().await;
    let mut page = bench.at("/hostile").await;
    assert_eq!(page.view().await.unwrap().text.trim(), "x");
    assert_eq!(seen(&mut page, &css("p")).await, (1, 1));
}
