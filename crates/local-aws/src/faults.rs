//! Faults to order: the next calls of an operation fail, hang, or are cut off, as AWS does on a bad
//! day. They strike at the front door, before the service sees the call, or, where that was ordered,
//! after it was performed: the answer is lost and the deed is done.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::error::AwsError;

/// What is to go wrong, as the control API takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// The service, by its signing name (`codedeploy`, `ecs`, `s3`, …), or `*`.
    pub service: String,
    /// The operation, or `*`.
    #[serde(default = "any")]
    pub operation: String,
    /// It strikes only calls whose body has this text in it, such as the name of one service. Calls
    /// that are passed on unread have no body to look into.
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
pub struct Strike {
    /// Waited first, in real time.
    pub delay: Duration,
    /// Then.
    pub end: StrikeEnd,
    /// The call is performed before all that.
    pub after: bool,
    /// Headers of the error answer.
    pub headers: BTreeMap<String, String>,
}

/// How a struck call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StrikeEnd {
    /// Normally, only later.
    Normally,
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

/// The faults in force. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    shared: Arc<Mutex<(u64, Vec<Fault>)>>,
}

impl Faults {
    /// Orders a fault and gives its id. Refuses one that would do nothing.
    pub fn add(&self, spec: FaultSpec) -> Result<String, String> {
        if spec.status.is_none() && spec.delay_ms == 0 {
            return Err(
                "a fault needs `status` (0 closes the connection) or `delay_ms`".to_owned(),
            );
        }
        if spec.status.is_some_and(|status| !spec.may_answer(status)) {
            return Err("`status` is 0, or between 400 and 599; for slack also 200".to_owned());
        }
        for (name, value) in &spec.headers {
            if HeaderName::from_str(name).is_err() || HeaderValue::from_str(value).is_err() {
                return Err(format!("'{name}: {value}' is no header"));
            }
        }
        if spec.times == Some(0) {
            return Err("`times` is 1 or more; leave it out for always".to_owned());
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

    /// Takes a fault back; false when there is no such one (any more).
    pub fn remove(&self, id: &str) -> bool {
        let mut faults = self.lock();
        let before = faults.1.len();
        faults.1.retain(|fault| fault.id != id);
        faults.1.len() < before
    }

    /// Takes all faults back.
    pub fn clear(&self) {
        self.lock().1.clear();
    }

    /// What is to happen to this call: the first fault that matches and skips no more strikes.
    pub fn strike(&self, service: &str, operation: &str, body: &[u8]) -> Option<Strike> {
        let mut faults = self.lock();
        let mut struck = None;
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
            struck = Some(fault.spec.strike());
            break;
        }
        faults.1.retain(|fault| fault.spec.times != Some(0));
        struck
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Fault>)> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultSpec {
    fn strike(&self) -> Strike {
        let end = match self.status {
            None => StrikeEnd::Normally,
            Some(0) => StrikeEnd::Disconnect,
            Some(status) => StrikeEnd::Error(AwsError {
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
        Strike {
            delay: Duration::from_millis(self.delay_ms),
            end,
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

    fn fault(json: &str) -> FaultSpec {
        serde_json::from_str(json).unwrap()
    }

    fn code(strike: Option<Strike>) -> Option<String> {
        match strike?.end {
            StrikeEnd::Error(error) => Some(error.code),
            _ => None,
        }
    }

    #[test]
    fn a_fault_strikes_its_operation_as_often_as_ordered() {
        let faults = Faults::default();
        let spec = r#"{"service":"ecs","operation":"DescribeServices","times":2,"status":400}"#;
        faults.add(fault(spec)).unwrap();
        assert_eq!(faults.strike("ecs", "ListTasks", b""), None);
        assert_eq!(faults.strike("codedeploy", "DescribeServices", b""), None);
        for _ in 0..2 {
            let strike = faults.strike("ecs", "DescribeServices", b"");
            assert_eq!(code(strike).as_deref(), Some("ThrottlingException"));
        }
        assert_eq!(faults.strike("ecs", "DescribeServices", b""), None);
        assert!(faults.all().is_empty());
    }

    #[test]
    fn skipped_calls_are_let_through_first() {
        let faults = Faults::default();
        faults
            .add(fault(r#"{"service":"*","skip":1,"status":0}"#))
            .unwrap();
        assert_eq!(faults.strike("s3", "GetObject", b""), None);
        let strike = faults.strike("lambda", "Invoke", b"").unwrap();
        assert_eq!(strike.end, StrikeEnd::Disconnect);
    }

    #[test]
    fn a_fault_may_be_for_calls_about_one_thing_only() {
        let faults = Faults::default();
        let spec = r#"{"service":"applicationautoscaling","containing":"dev/web\"","status":500}"#;
        faults.add(fault(spec)).unwrap();
        let strikes = |body: &[u8]| {
            let (service, operation) = ("application-autoscaling", "RegisterScalableTarget");
            faults.strike(service, operation, body).is_some()
        };
        assert!(strikes(br#"{"ResourceId":"service/dev/web"}"#));
        assert!(!strikes(br#"{"ResourceId":"service/dev/webshop"}"#));
        assert!(!strikes(b""));
    }

    #[test]
    fn a_delay_alone_only_delays() {
        let faults = Faults::default();
        faults
            .add(fault(r#"{"service":"elbv2","delay_ms":50}"#))
            .unwrap();
        let strike = faults
            .strike("elasticloadbalancing", "DescribeListeners", b"")
            .unwrap();
        let expected = Strike {
            delay: Duration::from_millis(50),
            end: StrikeEnd::Normally,
            after: false,
            headers: BTreeMap::new(),
        };
        assert_eq!(strike, expected);
    }

    #[test]
    fn a_fault_may_strike_after_the_deed_and_carry_headers() {
        let faults = Faults::default();
        let spec = r#"{"service":"slack","status":429,"after":true,"headers":{"Retry-After":"2"}}"#;
        faults.add(fault(spec)).unwrap();
        let strike = faults.strike("slack", "chat.postMessage", b"").unwrap();
        assert!(strike.after);
        assert_eq!(strike.headers["Retry-After"], "2");
        let ok_false = r#"{"service":"slack","status":200,"code":"fatal_error"}"#;
        assert!(faults.add(fault(ok_false)).is_ok());
    }

    #[test]
    fn faults_are_taken_back_by_id_or_all_at_once() {
        let faults = Faults::default();
        let id = faults
            .add(fault(r#"{"service":"ecs","status":500}"#))
            .unwrap();
        faults
            .add(fault(r#"{"service":"s3","status":500}"#))
            .unwrap();
        assert!(faults.remove(&id));
        assert!(!faults.remove(&id));
        assert_eq!(faults.strike("ecs", "ListTasks", b""), None);
        faults.clear();
        assert_eq!(faults.strike("s3", "GetObject", b""), None);
    }

    #[test]
    fn a_fault_that_would_do_nothing_is_refused() {
        let faults = Faults::default();
        for spec in [
            r#"{"service":"ecs"}"#,
            r#"{"service":"ecs","status":200}"#,
            r#"{"service":"ecs","status":400,"times":0}"#,
            r#"{"service":"ecs","status":500,"headers":{"a b":"c"}}"#,
        ] {
            assert!(faults.add(fault(spec)).is_err(), "{spec}");
        }
        assert!(serde_json::from_str::<FaultSpec>(r#"{"service":"ecs","staus":1}"#).is_err());
    }
}
