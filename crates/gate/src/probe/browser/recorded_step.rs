//! What a model does, as steps of a suite: each in one line of YAML, which is done again without a model.
//!
//! An element is named as people find it, where that finds it alone; else by a CSS selector. What is typed from the task's
//! data is a reference, so that no value of a secret is recorded.

use agent::{Action, TypedInput};
use url::Url;

use super::agent_task::{AgentTask, SeenPage};
use super::page_session::PageSession;
use crate::probe::ProbeContext;
use crate::probe::request_url::Origin;
use crate::redact::MASK;

/// Characters of a step.
const MAX_STEP: usize = 4_000;

/// How an action is recorded.
pub(super) enum RecordedStep {
    /// By this step.
    As(String),
    /// By the page that it leads to.
    AsPage,
    /// It needs no step.
    Needless,
    /// It can't be, for this reason.
    Not(&'static str),
}

/// The step for what is about to be done.
pub(super) async fn step(
    going: &mut PageSession<'_>,
    task: &AgentTask,
    action: &Action,
    seen: &SeenPage,
) -> Result<RecordedStep, browser::Error> {
    let (index, kind) = match action {
        Action::Navigate(url) => return Ok(opened(url, going.context)),
        Action::Back => return Ok(RecordedStep::AsPage),
        // Elements are brought onto the screen by themselves.
        Action::Scroll(_) | Action::Read => return Ok(RecordedStep::Needless),
        Action::Click(index) => (*index, Kind::Click),
        Action::Select(index, option) => (*index, Kind::Select(option.clone())),
        Action::Type(index, TypedInput::Text(text)) => (*index, Kind::Type(text.clone())),
        Action::Type(index, TypedInput::Datum(name)) => {
            let mut data = task.data.iter();
            let Some(datum) = data.find(|datum| datum.name == *name) else {
                return Ok(RecordedStep::Needless);
            };
            (*index, Kind::TypeTemplate(datum.value.written()))
        }
    };
    let Some(element) = element(going, index, seen).await? else {
        return Ok(RecordedStep::Not("nothing finds its element alone"));
    };
    let line = match &kind {
        Kind::Click => format!("click: {element}"),
        Kind::Type(text) | Kind::Select(text) if has_reference(text) => {
            return Ok(RecordedStep::Not(
                "its text would be a reference of the suite",
            ));
        }
        Kind::Type(text) | Kind::TypeTemplate(text) => {
            format!("type: {{ into: {element}, text: {} }}", quoted(text))
        }
        Kind::Select(option) => {
            format!("select: {{ from: {element}, option: {} }}", quoted(option))
        }
    };
    Ok(if line.chars().count() > MAX_STEP {
        RecordedStep::Not("it is too long")
    } else {
        RecordedStep::As(line)
    })
}

enum Kind {
    Click,
    Type(String),
    TypeTemplate(String),
    Select(String),
}

/// How the element is found, and no other one.
async fn element(
    going: &mut PageSession<'_>,
    index: usize,
    seen: &SeenPage,
) -> Result<Option<String>, browser::Error> {
    let elements = &seen.state.elements;
    let Some(element) = elements.get(index) else {
        return Ok(None);
    };
    let name = element
        .name
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let like_it = |other: &&agent::Element| {
        other.role == element.role
            && other
                .name
                .split_whitespace()
                .eq(element.name.split_whitespace())
    };
    let is_alone = elements.iter().filter(like_it).count() == 1;
    let can_be_written = !name.is_empty() && !name.contains("{{") && !name.contains(MASK);
    if is_alone && can_be_written && crate::suite::is_role(&element.role) {
        return Ok(Some(format!(
            "{{ role: {}, name: {} }}",
            element.role,
            quoted(&name)
        )));
    }
    let Some(backend) = seen.backends.get(index).copied().flatten() else {
        return Ok(None);
    };
    going.page.take_node(backend).await?;
    let selector = going.page.selector().await?;
    Ok(selector.map(|selector| format!("{{ css: {} }}", quoted(&selector))))
}

/// The step that opens the page at `url`: of the release by its path, so that it leads to the next one as well.
pub(super) fn opened(url: &str, context: &ProbeContext) -> RecordedStep {
    let parsed = Url::parse(url).ok();
    let of_release = parsed
        .filter(|url| Origin::of(url).is_some_and(|origin| context.clients.release.is_at(&origin)));
    let place = of_release.map_or_else(
        || url.to_owned(),
        |url| url[url::Position::BeforePath..].to_owned(),
    );
    let line = format!("go: {}", quoted(&place));
    if has_reference(&place) {
        RecordedStep::Not("its URL would be a reference of the suite")
    } else if place.contains(MASK) {
        RecordedStep::Not("its URL has a secret in it")
    } else if line.chars().count() > MAX_STEP {
        RecordedStep::Not("it is too long")
    } else {
        RecordedStep::As(line)
    }
}

fn has_reference(text: &str) -> bool {
    text.contains("{{")
}

/// A text of YAML, which JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_of_yaml_whatever_is_in_it() {
        assert_eq!(quoted("a \"b\"\n: #"), r#""a \"b\"\n: #""#);
    }
}
