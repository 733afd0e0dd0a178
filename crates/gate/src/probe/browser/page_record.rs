//! What a page showed and did when something was not met: for the report, and bounded.

use browser::{Node, Page, RequestLine, Screenshot};

use super::Screen;

/// Lines of an accessibility tree that are kept.
const MAX_LINES: usize = 200;
/// Lines of the console, and requests, that are kept: the last ones.
const MAX_LOG: usize = 60;

/// A page, as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageRecord {
    /// `phone, 390 × 844, Chrome/156.0.8078.114`
    pub(crate) screen: String,
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) screenshot: Option<Screenshot>,
    /// Why there is none.
    pub(crate) no_screenshot: Option<String>,
    /// The accessibility tree, indented.
    pub(crate) snapshot: Vec<String>,
    pub(crate) console: Vec<String>,
    pub(crate) requests: Vec<String>,
}

impl PageRecord {
    /// What can be had of the page: where it answers no more, what is known of it.
    pub(crate) async fn of(
        page: &mut Page,
        screen: &Screen,
        cover: ScreenshotMask<'_>,
        is_lost: bool,
    ) -> Self {
        let viewport = page.viewport();
        let mut record = Self {
            screen: format!(
                "{}, {} × {}, {}",
                screen.name,
                viewport.width,
                viewport.height,
                page.product()
            ),
            ..Self::default()
        };
        let view = if is_lost {
            None
        } else {
            page.view().await.ok()
        };
        if let Some(view) = view {
            record.url = view.url;
            record.title = view.title;
            match page.screenshot(cover.mask, cover.secrets).await {
                Ok(shot) => record.screenshot = Some(shot),
                Err(why) => record.no_screenshot = Some(why.to_string()),
            }
            let tree = page.tree().await.unwrap_or_default();
            record.snapshot = lines(&tree);
        }
        let log = page.log();
        record.console = last(&log.console, String::clone);
        record.requests = last(&log.requests, request);
        record
    }

    /// Bytes of memory beside its own.
    pub(crate) fn size(&self) -> usize {
        let texts = [&self.screen, &self.url, &self.title];
        let lists = [&self.snapshot, &self.console, &self.requests];
        let lines = lists.into_iter().flatten().chain(texts);
        let picture = self.screenshot.as_ref().map_or(0, |shot| shot.png.len());
        size_of::<Self>() + picture + lines.map(String::len).sum::<usize>()
    }
}

/// What a picture must not show.
#[derive(Clone, Copy)]
pub(crate) struct ScreenshotMask<'a> {
    pub(crate) mask: &'a [String],
    pub(crate) secrets: &'a [String],
}

fn last<T>(all: &[T], line: impl Fn(&T) -> String) -> Vec<String> {
    let kept = &all[all.len().saturating_sub(MAX_LOG)..];
    kept.iter().map(line).collect()
}

/// `GET https://shop.example.com/: 200 from 10.0.0.7:8080`
fn request(line: &RequestLine) -> String {
    let outcome = line.outcome.as_deref().unwrap_or("no answer yet");
    match &line.answered_by {
        Some(by) => format!("{}: {outcome} from {by}", line.request),
        None => format!("{}: {outcome}", line.request),
    }
}

fn lines(tree: &[Node]) -> Vec<String> {
    let spoken = tree.iter().filter(|node| {
        // What an element is called is said with it.
        node.role != "StaticText" || !node.name.trim().is_empty()
    });
    let line = |node: &Node| {
        let role = match node.role.as_str() {
            "RootWebArea" => "page",
            "StaticText" => "text",
            role => role,
        };
        let indent = "  ".repeat(node.depth.min(20));
        if node.name.is_empty() {
            format!("{indent}{role}")
        } else {
            format!("{indent}{role} {:?}", node.name)
        }
    };
    spoken.take(MAX_LINES).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_reads_like_an_outline() {
        let node = |depth, role: &str, name: &str| Node {
            depth,
            role: role.to_owned(),
            name: name.to_owned(),
            ..Node::default()
        };
        let tree = [
            node(0, "RootWebArea", "Shop"),
            node(1, "main", ""),
            node(2, "button", "Buy"),
            node(3, "StaticText", " "),
            node(3, "StaticText", "Buy"),
        ];
        insta::assert_snapshot!(lines(&tree).join("\n"), @r#"
        page "Shop"
          main
            button "Buy"
              text "Buy"
        "#);
    }
}
