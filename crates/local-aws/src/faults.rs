//! Faults to order: the next calls of an operation fail, hang, or are cut off, as AWS does on a bad
//! day. They take effect at the front door, before the service sees the call, or, where that was ordered,
//! after it was performed: then only the answer is lost.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::error::AwsError;
use crate::sync::lock;

/// What is to go wrong, as the control API takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// The service, by its signing name (`codedeploy`, `ecs`, `s3`, …), or `*`.
    pub service: String,
    /// The operation, or `*`.
    #[serde(default = "any")]
    pub operation: String,
    /// Only calls whose body contains this text, such as the name of one service. It never matches
    /// calls that are passed on unread.
    pub containing: Option<String>,
    /// How often it strikes; without it, until it is removed.
    pub times: Option<u32>,
    /// Calls that are let through first.
    #[serde(default)]
    pub skip: u32,
    /// Status of the error answered; 0 closes the connection without an answer; without it the call
    /// is only delayed.
    pub status: Option<u16>,
    /// The error code; `ThrottlingException` when there is a status and no code.
    pub code: Option<String>,
    /// The error message; `Rate exceeded` when there is none.
    pub message: Option<String>,
    /// Real time before anything else happens. A very large one is a call that hangs.
    #[serde(default)]
    pub delay_ms: u64,
    /// The call is performed first; then its answer is late, replaced or dropped.
    #[serde(default)]
    pub after: bool,
    /// Headers of the error answer, such as `Retry-After`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

fn any() -> String {
    "*".to_owned()
}

/// What happens to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedFault {
    /// Waited first, in real time.
    pub delay: Duration,
    /// What happens then.
    pub outcome: FaultOutcome,
    /// The call is performed before all that.
    pub after: bool,
    /// Headers of the error answer.
    pub headers: BTreeMap<String, String>,
}

/// How a call that a fault strikes ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultOutcome {
    /// As it would without the fault, only later.
    DelayOnly,
    /// With an error, in the protocol of the service.
    Error(AwsError),
    /// Without an answer: the connection is closed.
    Disconnect,
}

/// A fault that has been ordered.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// For its removal.
    pub id: String,
    /// How often it has struck.
    pub struck: u32,
    /// What was ordered; `skip` and `times` count down.
    #[serde(flatten)]
    pub spec: FaultSpec,
}

/// Why a fault is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// It would change nothing.
    #[error("a fault needs `status` (0 closes the connection) or `delay_ms`")]
    NoEffect,
    /// The status is not one of an error.
    #[error("`status` must be 0 or from 400 to 599; for slack also 200")]
    Status,
    /// A header that HTTP does not allow.
    #[error("'{name}: {value}' is not a header")]
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// It would never strike.
    #[error("`times` must be 1 or more; leave it out for always")]
    Never,
}

/// The faults in force. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    shared: Arc<Mutex<(u64, Vec<Fault>)>>,
}

impl Faults {
    /// Orders a fault and gives its id. Refuses one that would do nothing.
    pub fn add(&self, spec: FaultSpec) -> Result<String, FaultError> {
        if spec.status.is_none() && spec.delay_ms == 0 {
            return Err(FaultError::NoEffect);
        }
        if spec.status.is_some_and(|status| !spec.may_answer(status)) {
            return Err(FaultError::Status);
        }
        for (name, value) in &spec.headers {
            if HeaderName::from_str(name).is_err() || HeaderValue::from_str(value).is_err() {
                let (name, value) = (name.clone(), value.clone());
                return Err(FaultError::Header { name, value });
            }
        }
        if spec.times == Some(0) {
            return Err(FaultError::Never);
        }
        let service = canonical(&spec.service).to_owned();
        let spec = FaultSpec { service, ..spec };
        let mut faults = self.lock();
        faults.0 += 1;
        let id = format!("fault-{}", faults.0);
        faults.1.push(Fault {
            id: id.clone(),
            struck: 0,
            spec,
        });
        Ok(id)
    }

    /// The faults in force.
    pub fn all(&self) -> Vec<Fault> {
        self.lock().1.clone()
    }

    /// Removes a fault; false when there is none with that id.
    pub fn remove(&self, id: &str) -> bool {
        let mut faults = self.lock();
        let before = faults.1.len();
        faults.1.retain(|fault| fault.id != id);
        faults.1.len() < before
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.lock().1.clear();
    }

    /// What happens to this call: the first fault that matches and has nothing left to skip.
    pub fn next_for(&self, service: &str, operation: &str, body: &[u8]) -> Option<InjectedFault> {
        let mut faults = self.lock();
        let mut injected = None;
        for fault in &mut faults.1 {
            let spec = &mut fault.spec;
            if !matches(&spec.service, canonical(service)) || !matches(&spec.operation, operation) {
                continue;
            }
            if !spec
                .containing
                .as_ref()
                .is_none_or(|text| is_in(text, body))
            {
                continue;
            }
            if spec.skip > 0 {
                spec.skip -= 1;
                continue;
            }
            spec.times = spec.times.map(|times| times - 1);
            fault.struck += 1;
            injected = Some(fault.spec.injected());
            break;
        }
        faults.1.retain(|fault| fault.spec.times != Some(0));
        injected
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Fault>)> {
        lock(&self.shared)
    }
}

impl FaultSpec {
    fn injected(&self) -> InjectedFault {
        let outcome = match self.status {
            None => FaultOutcome::DelayOnly,
            Some(0) => FaultOutcome::Disconnect,
            Some(status) => FaultOutcome::Error(AwsError {
                status,
                code: self
                    .code
                    .clone()
                    .unwrap_or_else(|| "ThrottlingException".to_owned()),
                message: self
                    .message
                    .clone()
                    .unwrap_or_else(|| "Rate exceeded".to_owned()),
            }),
        };
        InjectedFault {
            delay: Duration::from_millis(self.delay_ms),
            outcome,
            after: self.after,
            headers: self.headers.clone(),
        }
    }

    /// Slack's errors have status 200.
    fn may_answer(&self, status: u16) -> bool {
        status == 0 || (400..600).contains(&status) || (status == 200 && self.service == "slack")
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == "*" || pattern.eq_ignore_ascii_case(name)
}

fn is_in(text: &str, body: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|part| part == text.as_bytes())
}

/// The signing name of a service that people know by the name of its client.
pub(crate) fn canonical(service: &str) -> &str {
    match service {
        "elbv2" | "elb" => "elasticloadbalancing",
        "applicationautoscaling" | "appautoscaling" => "application-autoscaling",
        "cloudwatch" => "monitoring",
        "eventbridge" => "events",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> FaultSpec {
        serde_json::from_str(json).unwrap()
    }

    fn code(fault: Option<InjectedFault>) -> Option<String> {
        match fault?.outcome {
            FaultOutcome::Error(error) => Some(error.code),
            _ => None,
        }
    }

    #[test]
    fn a_fault_strikes_its_operation_as_often_as_ordered() {
        let faults = Faults::default();
        let json = r#"{"service":"ecs","operation":"DescribeServices","times":2,"status":400}"#;
        faults.add(spec(json)).unwrap();
        assert_eq!(faults.next_for("ecs", "ListTasks", b""), None);
        assert_eq!(faults.next_for("codedeploy", "DescribeServices", b""), None);
        for _ in 0..2 {
            let fault = faults.next_for("ecs", "DescribeServices", b"");
            assert_eq!(code(fault).as_deref(), Some("ThrottlingException"));
        }
        assert_eq!(faults.next_for("ecs", "DescribeServices", b""), None);
        assert!(faults.all().is_empty());
    }

    #[test]
    fn skipped_calls_are_let_through_first() {
        let faults = Faults::default();
        faults
            .add(spec(r#"{"service":"*","skip":1,"status":0}"#))
            .unwrap();
        assert_eq!(faults.next_for("s3", "GetObject", b""), None);
        let fault = faults.next_for("lambda", "Invoke", b"").unwrap();
        assert_eq!(fault.outcome, FaultOutcome::Disconnect);
    }

    #[test]
    fn a_fault_may_be_for_calls_about_one_thing_only() {
        let faults = Faults::default();
        let json = r#"{"service":"applicationautoscaling","containing":"dev/web\"","status":500}"#;
        faults.add(spec(json)).unwrap();
        let strikes = |body: &[u8]| {
            let (service, operation) = ("application-autoscaling", "RegisterScalableTarget");
            faults.next_for(service, operation, body).is_some()
        };
        assert!(strikes(br#"{"ResourceId":"service/dev/web"}"#));
        assert!(!strikes(br#"{"ResourceId":"service/dev/webshop"}"#));
        assert!(!strikes(b""));
    }

    #[test]
    fn a_delay_alone_only_delays() {
        let faults = Faults::default();
        faults
            .add(spec(r#"{"service":"elbv2","delay_ms":50}"#))
            .unwrap();
        let fault = faults
            .next_for("elasticloadbalancing", "DescribeListeners", b"")
            .unwrap();
        let expected = InjectedFault {
            delay: Duration::from_millis(50),
            outcome: FaultOutcome::DelayOnly,
            after: false,
            headers: BTreeMap::new(),
        };
        assert_eq!(fault, expected);
    }

    #[test]
    fn a_fault_may_strike_after_the_deed_and_carry_headers() {
        let faults = Faults::default();
        let json = r#"{"service":"slack","status":429,"after":true,"headers":{"Retry-After":"2"}}"#;
        faults.add(spec(json)).unwrap();
        let fault = faults.next_for("slack", "chat.postMessage", b"").unwrap();
        assert!(fault.after);
        assert_eq!(fault.headers["Retry-After"], "2");
        let ok_false = r#"{"service":"slack","status":200,"code":"fatal_error"}"#;
        assert!(faults.add(spec(ok_false)).is_ok());
    }

    #[test]
    fn faults_are_taken_back_by_id_or_all_at_once() {
        let faults = Faults::default();
        let id = faults
            .add(spec(r#"{"service":"ecs","status":500}"#))
            .unwrap();
        faults
            .add(spec(r#"{"service":"s3","status":500}"#))
            .unwrap();
        assert!(faults.remove(&id));
        assert!(!faults.remove(&id));
        assert_eq!(faults.next_for("ecs", "ListTasks", b""), None);
        faults.clear();
        assert_eq!(faults.next_for("s3", "GetObject", b""), None);
    }

    #[test]
    fn a_fault_that_would_do_nothing_is_refused() {
        let faults = Faults::default();
        for json in [
            r#"{"service":"ecs"}"#,
            r#"{"service":"ecs","status":200}"#,
            r#"{"service":"ecs","status":400,"times":0}"#,
            r#"{"service":"ecs","status":500,"headers":{"a b":"c"}}"#,
        ] {
            assert!(faults.add(spec(json)).is_err(), "{json}");
        }
        assert!(serde_json::from_str::<FaultSpec>(r#"{"service":"ecs","staus":1}"#).is_err());
    }
}
