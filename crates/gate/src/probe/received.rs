//! Whether what has come so far meets the conditions on it.

use super::ProbeError;
use crate::expect::{Finding, TextCondition, evaluate_text};
use crate::template::Values;

/// Off the runtime's threads where a pattern is matched.
pub(super) async fn judge(
    subject: &'static str,
    text: String,
    tests: &[TextCondition],
    values: &Values,
) -> Result<Vec<Finding>, ProbeError> {
    if !tests.iter().any(TextCondition::is_pattern) {
        return Ok(evaluate_text(subject, tests, &[&text], values));
    }
    let (tests, values) = (tests.to_vec(), values.clone());
    let judging =
        tokio::task::spawn_blocking(move || evaluate_text(subject, &tests, &[&text], &values));
    let judged = judging.await;
    judged.map_err(|error| ProbeError::errored(format!("judging {subject} broke: {error}")))
}
