//! No secret is in a picture.

use browser::{Error, Locator, TextMatch};

use super::{Bench, DESKTOP, css, seen};

#[tokio::test]
async fn secrets_are_not_in_a_picture() {
    let bench = Bench::new().await;
    let mut page = bench.at("/").await;
    let shot = |png: &str| data_encoding::BASE64.decode(png.as_bytes()).unwrap();
    seen(&mut page, &css("#mail")).await;
    page.enter(false).await.unwrap();
    page.type_text("first-planted").await.unwrap();
    let bare = page.screenshot(&[], &[]).await.unwrap();
    let masked = page
        .screenshot(&[], &["first-planted".to_owned()])
        .await
        .unwrap();
    assert_ne!(shot(&bare.png), shot(&masked.png));
    // The same picture whatever the secret is: nothing of it shows.
    seen(&mut page, &css("#mail")).await;
    page.enter(false).await.unwrap();
    page.type_text("other-planted").await.unwrap();
    let other = page
        .screenshot(&[], &["other-planted".to_owned()])
        .await
        .unwrap();
    assert_eq!(shot(&masked.png), shot(&other.png));
    // A mask that a suite names.
    let named = page.screenshot(&["#mail".to_owned()], &[]).await.unwrap();
    assert_eq!(shot(&named.png), shot(&other.png));
    assert!(page.screenshot(&["div[".to_owned()], &[]).await.is_err());
    // It leaves nothing behind.
    assert_eq!(seen(&mut page, &css("#deploy-hooks-mask")).await, (0, 0));
}

#[tokio::test]
async fn secrets_in_the_shadow_are_not_in_a_picture() {
    let bench = Bench::new().await;
    let field = Locator::Role {
        role: "textbox".to_owned(),
        name: Some(TextMatch::Equals("Code".to_owned())),
    };
    let mut page = bench.page(DESKTOP).await;
    // In an open one by what it shows, and in a closed one by what was typed.
    for (path, secret) in [("/shadow", false), ("/closed", true)] {
        let mut pictures = Vec::new();
        for typed in ["first-planted", "other-planted"] {
            bench.go(&mut page, path).await;
            assert_eq!(seen(&mut page, &field).await, (1, 1));
            assert!(page.enter(secret).await.unwrap(), "{path}");
            page.type_text(typed).await.unwrap();
            let bare = page.screenshot(&[], &[]).await.unwrap();
            let secrets = [typed.to_owned()];
            let masked = page.screenshot(&[], &secrets).await.unwrap();
            pictures.push((bare.png, masked.png));
        }
        assert!(pictures[0].1 == pictures[1].1, "{path}");
        // Without its word the one that is told shows.
        assert_eq!(pictures[0].0 == pictures[1].0, secret, "{path}");
    }
    // A mask that a suite names.
    bench.go(&mut page, "/shadow").await;
    let bare = page.screenshot(&[], &[]).await.unwrap();
    let masked = page.screenshot(&["input".to_owned()], &[]).await.unwrap();
    assert!(bare.png != masked.png);
}

#[tokio::test]
async fn where_not_all_can_be_covered_there_is_no_picture() {
    let bench = Bench::new().await;
    let mut page = bench.at("/places").await;
    let many = page.screenshot(&["b".to_owned()], &[]).await;
    assert!(
        matches!(&many, Err(Error::Script(why)) if why.contains("600")),
        "{many:?}"
    );
    // What is not on the screen is in no picture.
    assert!(page.screenshot(&["i".to_owned()], &[]).await.is_ok());
}
