//! Who was first, of invocations that know nothing of each other: whoever stored a claim in the report bucket.

use aws_sdk_s3::primitives::ByteStream;
use common::aws::Aws;
use common::location::Object;

use super::report_store::hashed;
use crate::settings::Settings;

/// An id is short.
const MAX_ID_BYTES: usize = 256;

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// By this invocation, now or in an earlier try of it.
    Ours,
    /// Another invocation has it.
    Theirs,
    /// It could be neither stored nor read.
    Unknown,
}

/// Claims `name` for the invocation `id`.
pub(crate) async fn claim(aws: &Aws, settings: &Settings, name: &str, id: &str) -> Claim {
    match first(aws, settings, name, id).await {
        StoredFirst::Ours => Claim::Ours,
        StoredFirst::Theirs(holder) if holder == id.as_bytes() => Claim::Ours,
        StoredFirst::Theirs(_) => Claim::Theirs,
        StoredFirst::Unknown => Claim::Unknown,
    }
}

/// What lies under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredFirst {
    /// What was stored now.
    Ours,
    /// What was stored before; it stays.
    Theirs(Vec<u8>),
    /// It could be neither stored nor read.
    Unknown,
}

/// Stores a short text under `name`, unless there is one.
pub(crate) async fn first(aws: &Aws, settings: &Settings, name: &str, text: &str) -> StoredFirst {
    let prefix = &settings.report_prefix;
    let key = format!("{prefix}/claims/{}", hashed(name));
    let key = key.trim_start_matches('/');
    let put = aws
        .s3()
        .put_object()
        .bucket(&settings.report_bucket)
        .key(key)
        .if_none_match("*")
        .body(ByteStream::from(text.as_bytes().to_vec()));
    let Err(error) = put.send().await else {
        return StoredFirst::Ours;
    };
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    if !matches!(status, Some(409 | 412)) {
        tracing::error!("a claim could not be stored: {error}");
        return StoredFirst::Unknown;
    }
    let object = Object::new(&settings.report_bucket, key);
    match object.read(aws, MAX_ID_BYTES).await {
        Ok(holder) => StoredFirst::Theirs(holder),
        Err(error) => {
            tracing::error!("a claim could not be read: {error:?}");
            StoredFirst::Unknown
        }
    }
}
