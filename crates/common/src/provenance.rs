//! What a release came from, as a task definition's tags say it: written by whoever deploys, read by the gates.
//!
//! These stand in logs, reports, messages and events, so only what looks like one is ever taken for one.

/// The tag that names the commit.
pub const COMMIT_TAG: &str = "deploy-hooks:commit";
/// The tag that names the execution of `CodePipeline`.
pub const EXECUTION_TAG: &str = "deploy-hooks:pipeline-execution";

/// Whether it is a hash of Git, from its short form to SHA-256.
pub fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && is_hexadecimal(text)
}

/// Whether it is a UUID, as the executions of `CodePipeline` have them.
pub fn is_execution(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| is_hexadecimal(part))
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
