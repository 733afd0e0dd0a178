//! The `lambda` probe: invokes the version under test, and judges what it returns.
//!
//! Before traffic an alias still leads to the version that serves: only the version itself may be invoked.

use futures::FutureExt;

use super::{Execution, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Subject, Trace};
use crate::body::Body;
use crate::cloud::Invocation;
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Actual, Finding};
use crate::json_template::JsonTemplate;
use crate::measurement::Measurement;
use crate::template::Template;
use crate::words::MAX_RAW_BYTES;

/// What a function may return at most, with what the call takes around it.
const MAX_RECEIVED: usize = 7 * 1024 * 1024;
/// How much of it is judged.
const MAX_JUDGED: usize = 1024 * 1024;
/// How much of the log's end is kept.
const MAX_LOG_TAIL: usize = 2 * 1024;

/// An invocation of the version under test.
#[derive(Clone, Debug)]
pub(crate) struct Lambda {
    pub(crate) payload: JsonTemplate,
}

impl ProbeKind for Lambda {
    fn profile(&self) -> Profile {
        Profile {
            key: "lambda",
            answer: &[Facet::Body, Facet::Latency],
            received: MAX_RECEIVED,
            judged: 0,
            needs_traffic: false,
            sampling: Sampling::Unshared,
            silence: Measurement::Failed,
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        self.payload.templates(see);
    }

    fn subject(&self, _: &ProbeContext) -> Subject {
        Subject::Release
    }

    fn asks(&self) -> Vec<String> {
        vec!["an invocation of the version under test".to_owned()]
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        async move {
            let payload = self.payload.render(&context.values)?.to_string();
            let known = |key: &str| context.values.target.get(key).map_or("?", String::as_str);
            trace.request = Some(format!(
                "invoke {}:{}",
                known("function"),
                known("target_version")
            ));
            let cloud = context.cloud("an invocation of the function")?;
            let invocation = cloud.invoke(payload).await?;
            trace.request = Some(format!("invoke {}", invocation.function));
            observed(invocation, trace)
        }
        .boxed()
    }
}

fn observed(invocation: Invocation, trace: &mut Trace) -> Result<Observation, ProbeError> {
    if let Some(kind) = &invocation.error {
        let tail = &invocation.log_tail;
        if !tail.trim().is_empty() {
            let from = tail.ceil_char_boundary(tail.len().saturating_sub(MAX_LOG_TAIL));
            trace
                .notes
                .push(format!("the end of its log: {}", tail[from..].trim()));
        }
        return Err(ProbeError::failed(function_error(
            kind,
            &invocation.payload,
        )));
    }
    let ran = format!("it was run by the version {}", invocation.executed_version);
    let mut payload = invocation.payload;
    let cut = payload.len() > MAX_JUDGED;
    payload.truncate(MAX_JUDGED);
    Ok(Observation {
        findings: vec![Finding::new(
            "no error of the function",
            Actual::Words(ran),
            true,
        )],
        answer: Some(Evidence {
            status: None,
            headers: http::HeaderMap::new(),
            body: Body::new(payload, MAX_JUDGED, &http::HeaderMap::new()),
            body_cut_at: cut.then_some(MAX_JUDGED),
            latency: invocation.took,
            exchange: None,
        }),
        of_release: true,
    })
}

/// `the function returned an error (Unhandled): TypeError: x is not a function`
fn function_error(kind: &str, payload: &[u8]) -> String {
    let head = &payload[..payload.len().min(MAX_RAW_BYTES)];
    let parsed: serde_json::Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |key: &str| parsed.get(key).and_then(serde_json::Value::as_str);
    let reported = match (text("errorType"), text("errorMessage")) {
        (Some(class), Some(message)) => format!("{class}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::from_utf8_lossy(head).into_owned(),
    };
    let mut reported = format!("the function failed ({kind}): {reported}");
    reported.truncate(reported.floor_char_boundary(MAX_RAW_BYTES));
    reported
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn invocation(payload: &[u8], error: Option<&str>) -> Invocation {
        Invocation {
            function: "checkout:8".to_owned(),
            executed_version: "8".to_owned(),
            payload: payload.to_vec(),
            error: error.map(str::to_owned),
            log_tail: format!("{}END RequestId: 1\n", "é".repeat(4_000)),
            took: Duration::from_millis(120),
        }
    }

    #[test]
    fn an_error_of_the_function_fails_with_its_type_and_the_end_of_its_log() {
        let mut trace = Trace::default();
        let payload = br#"{"errorType":"TypeError","errorMessage":"x is not a function"}"#;
        let error = observed(invocation(payload, Some("Unhandled")), &mut trace).unwrap_err();
        assert_eq!(error.measurement, Measurement::Failed);
        insta::assert_snapshot!(error.message, @"the function failed (Unhandled): TypeError: x is not a function");
        let note = &trace.notes[0];
        assert!(note.ends_with("END RequestId: 1"), "{note}");
        assert!(note.len() < MAX_LOG_TAIL + 40);
        let odd = observed(invocation(b"\xffkilled", Some("Unhandled")), &mut trace);
        assert!(odd.unwrap_err().message.ends_with("killed"));
    }

    #[test]
    fn a_payload_beyond_what_is_judged_is_cut_and_says_so() {
        let mut trace = Trace::default();
        let large = observed(invocation(&vec![b' '; MAX_JUDGED + 1], None), &mut trace).unwrap();
        assert_eq!(large.answer.unwrap().body_cut_at, Some(MAX_JUDGED));
        let small = observed(invocation(b"{}", None), &mut trace).unwrap();
        assert_eq!(small.answer.unwrap().body_cut_at, None);
        assert!(trace.notes.is_empty());
    }
}
