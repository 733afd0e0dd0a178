//! What the source actions brought. Pure.
//!
//! Two sources say it, each its part: the execution's artifact revisions (id, summary, link), and the
//! output variables of the source actions (author, message), which have other names with each provider.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html>

use approvals::Revision;
use approvals::pipeline::timestamp;
use aws_sdk_codepipeline::types::ArtifactRevision;
use jiff::Timestamp;
use serde::Deserialize;

use crate::actions::{Action, Actions, Kind};
use crate::text;

/// Revisions that are kept; a pipeline has few sources.
const MAX_REVISIONS: usize = 20;
const MAX_NAME_CHARS: usize = 128;
const MAX_ID_CHARS: usize = 256;
const MAX_SUMMARY_CHARS: usize = 1_000;

/// The revisions of an execution, with what its source actions know of them.
pub(crate) fn of(
    artifacts: Option<&[ArtifactRevision]>,
    actions: Option<&Actions>,
) -> Vec<Revision> {
    let sources: Vec<&Action> = actions
        .map(|actions| actions.all.as_slice())
        .unwrap_or_default()
        .iter()
        .filter(|action| action.kind == Kind::Source)
        .collect();
    let mut revisions: Vec<Revision> = match artifacts {
        Some(artifacts) => artifacts
            .iter()
            .map(|artifact| revision(artifact, source_of(artifact, &sources)))
            .collect(),
        None => sources.iter().filter_map(|source| lone(source)).collect(),
    };
    revisions.truncate(MAX_REVISIONS);
    revisions
}

fn source_of<'a>(artifact: &ArtifactRevision, sources: &[&'a Action]) -> Option<&'a Action> {
    let name = artifact.name()?;
    sources
        .iter()
        .find(|source| source.artifacts.iter().any(|made| made == name))
        .copied()
}

fn revision(artifact: &ArtifactRevision, source: Option<&Action>) -> Revision {
    let description = Description::of(artifact.revision_summary(), source);
    let id = artifact.revision_id().or_else(|| source.and_then(id));
    Revision {
        artifact: text::line(artifact.name().unwrap_or_default(), MAX_NAME_CHARS),
        id: text::line(id.unwrap_or_default(), MAX_ID_CHARS),
        summary: description.summary,
        author: description.author,
        url: description
            .url
            .or_else(|| text::https(artifact.revision_url()))
            .or_else(|| source.and_then(page)),
        created: artifact
            .created()
            .and_then(timestamp)
            .or_else(|| source.and_then(made_at)),
    }
}

/// What a source action alone shows, where the execution could not be read.
fn lone(source: &Action) -> Option<Revision> {
    let id = id(source)?;
    let description = Description::of(None, Some(source));
    let artifact = source.artifacts.first().unwrap_or(&source.name);
    Some(Revision {
        artifact: text::line(artifact, MAX_NAME_CHARS),
        id: text::line(id, MAX_ID_CHARS),
        summary: description.summary,
        author: description.author,
        url: description.url.or_else(|| page(source)),
        created: made_at(source),
    })
}

struct Description {
    summary: Option<String>,
    author: Option<String>,
    url: Option<String>,
}

/// The summary of connections is itself JSON.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ConnectionSummary {
    commit_message: Option<String>,
}

impl Description {
    fn of(summary: Option<&str>, source: Option<&Action>) -> Self {
        let variable = |name| source.and_then(|source| output(source, name));
        let wrapped = summary
            .and_then(|summary| serde_json::from_str::<ConnectionSummary>(summary).ok())
            .and_then(|wrapped| wrapped.commit_message);
        let message = variable("CommitMessage")
            .or(wrapped.as_deref())
            .or(summary)
            .or_else(|| variable("ImageURI"));
        let author = variable("AuthorDisplayName")
            .or_else(|| variable("AuthorId"))
            .or_else(|| variable("AuthorEmail"));
        Self {
            summary: text::some_prose(message, MAX_SUMMARY_CHARS),
            author: text::some_line(author, MAX_NAME_CHARS),
            url: text::https(variable("CommitUrl")),
        }
    }
}

fn output<'a>(source: &'a Action, name: &str) -> Option<&'a str> {
    source
        .outputs
        .get(name)
        .map(|value| value.trim())
        .filter(|value| !value.is_empty())
}

/// Commit, image or object.
fn id(source: &Action) -> Option<&str> {
    ["CommitId", "ImageDigest", "VersionId", "ETag"]
        .into_iter()
        .find_map(|name| output(source, name))
}

fn made_at(source: &Action) -> Option<Timestamp> {
    output(source, "AuthorDate")
        .or_else(|| output(source, "CommitterDate"))?
        .parse()
        .ok()
}

/// The commit's page with the providers that have one address for all.
fn page(source: &Action) -> Option<String> {
    let repository = output(source, "FullRepositoryName")?;
    let commit = output(source, "CommitId")?;
    let place = match output(source, "ProviderType")? {
        "GitHub" => format!("https://github.com/{repository}/commit/{commit}"),
        "Bitbucket" => format!("https://bitbucket.org/{repository}/commits/{commit}"),
        "GitLab" => format!("https://gitlab.com/{repository}/-/commit/{commit}"),
        _ => return None,
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let plain = repository.chars().chain(commit.chars()).all(legal) && !repository.contains("..");
    plain
        .then_some(place)
        .and_then(|place| text::https(Some(&place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(artifact: &str, outputs: &[(&str, &str)]) -> Action {
        Action {
            kind: Kind::Source,
            name: "Source".into(),
            artifacts: vec![artifact.into()],
            outputs: outputs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..Action::default()
        }
    }

    fn found_in(artifacts: Option<&[ArtifactRevision]>, source: Action) -> String {
        let actions = Actions {
            all: vec![source],
            tokens: Vec::new(),
        };
        let found = of(artifacts, Some(&actions));
        serde_json::to_string(&found).unwrap()
    }

    #[test]
    fn a_connection_shows_author_message_and_page() {
        let source = source(
            "Code",
            &[
                ("AuthorDate", "2026-03-01T10:00:00Z"),
                ("AuthorDisplayName", "release manager"),
                ("CommitId", "1a2b3c"),
                ("CommitMessage", "Pay by invoice\n\nwith password=hunter2"),
                ("FullRepositoryName", "shop/shop"),
                ("ProviderType", "GitHub"),
            ],
        );
        let artifact = ArtifactRevision::builder()
            .name("Code")
            .revision_id("1a2b3c")
            .revision_summary(r#"{"ProviderType":"GitHub","CommitMessage":"old"}"#)
            .build();
        insta::assert_snapshot!(found_in(Some(&[artifact]), source.clone()), @r#"[{"artifact":"Code","id":"1a2b3c","summary":"Pay by invoice\n\nwith password=***","author":"release manager","url":"https://github.com/shop/shop/commit/1a2b3c","created":"2026-03-01T10:00:00Z"}]"#);
        insta::assert_snapshot!(found_in(None, source), @r#"[{"artifact":"Code","id":"1a2b3c","summary":"Pay by invoice\n\nwith password=***","author":"release manager","url":"https://github.com/shop/shop/commit/1a2b3c","created":"2026-03-01T10:00:00Z"}]"#);
    }

    #[test]
    fn a_summary_may_be_json_and_a_link_must_be_https() {
        let artifact = ArtifactRevision::builder()
            .name("Code")
            .revision_id("1a2b3c")
            .revision_summary(r#"{"ProviderType":"GitHub","CommitMessage":"Pay by invoice"}"#)
            .revision_url("javascript:alert(1)")
            .build();
        insta::assert_snapshot!(found_in(Some(&[artifact]), source("Other", &[])), @r#"[{"artifact":"Code","id":"1a2b3c","summary":"Pay by invoice","author":null,"url":null,"created":null}]"#);
    }

    #[test]
    fn images_and_objects_have_ids_too() {
        let image = [
            ("ImageDigest", "sha256:ab"),
            ("ImageTag", "1.2.0"),
            ("ImageURI", "r/shop@sha256:ab"),
        ];
        insta::assert_snapshot!(found_in(None, source("Image", &image)), @r#"[{"artifact":"Image","id":"sha256:ab","summary":"r/shop@sha256:ab","author":null,"url":null,"created":null}]"#);
        let object = [("ETag", "e"), ("VersionId", "v1")];
        insta::assert_snapshot!(found_in(None, source("Suite", &object)), @r#"[{"artifact":"Suite","id":"v1","summary":null,"author":null,"url":null,"created":null}]"#);
        let github = [
            ("CommitId", "c"),
            ("CommitUrl", "https://github.com/s/s/commit/c"),
            ("CommitMessage", "m"),
        ];
        insta::assert_snapshot!(found_in(None, source("Code", &github)), @r#"[{"artifact":"Code","id":"c","summary":"m","author":null,"url":"https://github.com/s/s/commit/c","created":null}]"#);
        assert_eq!(found_in(None, source("Nothing", &[])), "[]");
    }
}
