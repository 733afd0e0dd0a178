//! Application revisions: the AppSpec itself, or where in S3 it is.
//!
//! Text is fetched when a deployment runs, never when it is created: AWS too accepts a deployment
//! of an object that is not there, and fails it.

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::outcome::Halt;
use crate::emulator;
use crate::error::AwsError;

/// A revision of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Revision {
    /// The text came with the call.
    Inline {
        kind: Inline,
        content: String,
        sha256: String,
    },
    /// The text is an object.
    S3(S3Location),
}

/// The two members an inline AppSpec can come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inline {
    AppSpecContent,
    RawString,
}

/// `s3Location`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct S3Location {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) bundle_type: Option<String>,
    pub(super) version: Option<String>,
    pub(super) e_tag: Option<String>,
}

/// A revision as a caller names it, perhaps by its hash alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    Inline {
        kind: Inline,
        content: Option<String>,
        sha256: Option<String>,
    },
    S3(S3Location),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    revision_type: Option<String>,
    s3_location: Option<S3Location>,
    string: Option<WireText>,
    app_spec_content: Option<WireText>,
}

#[derive(Deserialize)]
struct WireText {
    content: Option<String>,
    sha256: Option<String>,
}

impl Inline {
    const fn kind(self) -> &'static str {
        match self {
            Self::AppSpecContent => "AppSpecContent",
            Self::RawString => "String",
        }
    }

    const fn member(self) -> &'static str {
        match self {
            Self::AppSpecContent => "appSpecContent",
            Self::RawString => "string",
        }
    }
}

impl Reference {
    /// Reads a `RevisionLocation`.
    pub(super) fn read(given: &Value) -> Result<Self, AwsError> {
        let wire = Wire::deserialize(given).map_err(|error| invalid(error.to_string()))?;
        let inline = |kind: Inline, text: Option<WireText>| match text {
            Some(WireText { content, sha256 }) if content.is_some() || sha256.is_some() => {
                Ok(Self::Inline {
                    kind,
                    content,
                    sha256,
                })
            }
            _ => Err(invalid(format!("{} needs a content", kind.member()))),
        };
        match wire.revision_type.as_deref() {
            Some("AppSpecContent") => inline(Inline::AppSpecContent, wire.app_spec_content),
            Some("String") => inline(Inline::RawString, wire.string),
            Some("S3") => wire
                .s3_location
                .map(Self::S3)
                .ok_or_else(|| invalid("s3Location is missing")),
            Some("GitHub") => Err(invalid("GitHub holds revisions for EC2/On-premises only")),
            other => Err(invalid(format!(
                "revisionType is {}; it has to be AppSpecContent, String or S3",
                other.unwrap_or("missing")
            ))),
        }
    }

    /// The revision itself, which needs its content.
    pub(super) fn revision(self) -> Result<Revision, AwsError> {
        match self {
            Self::S3(location) => Ok(Revision::S3(location)),
            Self::Inline { content: None, .. } => Err(invalid("the content is missing")),
            Self::Inline {
                kind,
                content: Some(content),
                sha256,
            } => {
                let hash = sha256_of(&content);
                if sha256.is_some_and(|given| !given.eq_ignore_ascii_case(&hash)) {
                    return Err(invalid("the sha256 is not the one of the content"));
                }
                Ok(Revision::Inline {
                    kind,
                    content,
                    sha256: hash,
                })
            }
        }
    }

    /// Whether this names the revision.
    pub(super) fn names(&self, revision: &Revision) -> bool {
        match (self, revision) {
            (
                Self::Inline {
                    kind,
                    content,
                    sha256,
                },
                Revision::Inline {
                    kind: own_kind,
                    content: own,
                    sha256: own_hash,
                },
            ) => {
                kind == own_kind
                    && content.as_ref().is_none_or(|content| content == own)
                    && sha256
                        .as_ref()
                        .is_none_or(|hash| hash.eq_ignore_ascii_case(own_hash))
            }
            (Self::S3(given), Revision::S3(own)) => {
                given.bucket == own.bucket
                    && given.key == own.key
                    && (given.version.is_none() || given.version == own.version)
                    && (given.e_tag.is_none() || given.e_tag == own.e_tag)
            }
            _ => false,
        }
    }
}

impl Revision {
    /// As `GetApplicationRevision` shows it.
    pub(super) fn to_wire(&self) -> Value {
        self.wire(true)
    }

    /// As everything else shows it: "the content property of the appSpecContent object is always
    /// null", the hash leads to it.
    pub(super) fn to_wire_without_content(&self) -> Value {
        self.wire(false)
    }

    fn wire(&self, with_content: bool) -> Value {
        match self {
            Self::Inline {
                kind,
                content,
                sha256,
            } => {
                let mut text = json!({ "sha256": sha256 });
                if with_content || *kind == Inline::RawString {
                    text["content"] = json!(content);
                }
                json!({ "revisionType": kind.kind(), kind.member(): text })
            }
            Self::S3(location) => {
                let mut wire = json!({ "bucket": location.bucket, "key": location.key });
                for (name, value) in [
                    ("bundleType", &location.bundle_type),
                    ("version", &location.version),
                    ("eTag", &location.e_tag),
                ] {
                    if let Some(value) = value {
                        wire[name] = json!(value);
                    }
                }
                json!({ "revisionType": "S3", "s3Location": wire })
            }
        }
    }
}

fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::client(
        "InvalidRevisionException",
        format!("The revision is not valid: {why}"),
    )
}

fn sha256_of(content: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}

/// Reads the objects of revisions from S3.
#[derive(Clone)]
pub(super) struct Bucket(aws_sdk_s3::Client);

impl Bucket {
    /// S3 at `endpoint`.
    pub(super) fn new(endpoint: &Url, region: &str) -> Self {
        Self(emulator::s3(endpoint, region))
    }

    /// The AppSpec text of a revision.
    pub(super) async fn text(&self, revision: &Revision) -> Result<String, Halt> {
        let location = match revision {
            Revision::Inline { content, .. } => return Ok(content.clone()),
            Revision::S3(location) => location,
        };
        if let Some(bundle) = location.bundle_type.as_deref()
            && !["yaml", "json"]
                .iter()
                .any(|known| bundle.eq_ignore_ascii_case(known))
        {
            return Err(Halt::InvalidRevision(format!(
                "The bundle type {bundle} holds no AppSpec of an ECS or Lambda deployment; it has to be YAML \
                 or JSON."
            )));
        }
        let missing = |why: String| {
            Halt::RevisionMissing(format!("s3://{}/{}: {why}", location.bucket, location.key))
        };
        let object = self
            .0
            .get_object()
            .bucket(&location.bucket)
            .key(&location.key)
            .set_version_id(location.version.clone())
            .set_if_match(location.e_tag.clone())
            .send()
            .await
            .map_err(|error| missing(emulator::reason(&error)))?;
        let bytes = object
            .body
            .collect()
            .await
            .map_err(|error| missing(error.to_string()))?;
        String::from_utf8(bytes.to_vec())
            .map_err(|_| Halt::InvalidRevision("The AppSpec file is not UTF-8.".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(content: &str) -> Value {
        json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": content } })
    }

    #[test]
    fn the_content_is_shown_only_where_it_is_asked_for() {
        let revision = Reference::read(&inline("abc")).unwrap().revision().unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            revision.to_wire_without_content(),
            json!({ "revisionType": "AppSpecContent", "appSpecContent": { "sha256": hash } })
        );
        assert_eq!(revision.to_wire()["appSpecContent"]["content"], "abc");
        let named = Reference::read(&revision.to_wire_without_content()).unwrap();
        assert!(named.names(&revision));
        let other = Reference::read(&inline("abd")).unwrap().revision().unwrap();
        assert!(!named.names(&other));
    }

    #[test]
    fn a_wrong_hash_is_refused() {
        let mut given = inline("abc");
        given["appSpecContent"]["sha256"] = json!("00");
        let refused = Reference::read(&given).unwrap().revision().unwrap_err();
        assert_eq!(refused.code, "InvalidRevisionException");
    }

    #[test]
    fn an_object_is_named_by_bucket_and_key_and_by_what_else_is_said() {
        let location = json!({
            "revisionType": "S3",
            "s3Location": { "bucket": "b", "key": "k", "bundleType": "YAML", "eTag": "1" },
        });
        let revision = Reference::read(&location).unwrap().revision().unwrap();
        assert_eq!(revision.to_wire(), location);
        let named = |given: Value| {
            Reference::read(&json!({ "revisionType": "S3", "s3Location": given }))
                .unwrap()
                .names(&revision)
        };
        assert!(named(json!({ "bucket": "b", "key": "k" })));
        assert!(!named(json!({ "bucket": "b", "key": "other" })));
        assert!(!named(json!({ "bucket": "b", "key": "k", "eTag": "2" })));
    }

    #[test]
    fn other_revisions_are_refused() {
        for wrong in [
            json!({}),
            json!({ "revisionType": "GitHub" }),
            json!({ "revisionType": "S3" }),
            json!({ "revisionType": "AppSpecContent", "appSpecContent": {} }),
        ] {
            let refused = Reference::read(&wrong).unwrap_err();
            assert_eq!(refused.code, "InvalidRevisionException", "{wrong}");
        }
    }
}
