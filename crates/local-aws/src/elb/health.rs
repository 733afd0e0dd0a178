//! Health checks: one watcher for each registration, in real time.
//!
//! Two things are unlike AWS, on purpose. Checks come at least twice a second whatever the interval
//! says, so that a local process does not take half a minute. And a target is checked also while
//! no listener forwards to its group, so that a new task set is known to be healthy before it gets
//! traffic.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Elb;
use super::model::{Health, HealthCheck, Target};

/// The longest pause between two checks.
const MAX_CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// The wait before the first check: a local program needs a moment until it listens, and a check
/// that comes too early costs the whole pause.
const FIRST_CHECK_DELAY: Duration = Duration::from_millis(50);

/// Whom to check.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) target_group_arn: String,
    pub(crate) id: String,
    pub(crate) port: u16,
    pub(crate) registration: u64,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    Pass,
    WrongStatus(u16),
    TimedOut,
    Refused,
}

/// Checks a target until its registration ends.
pub(crate) async fn watch(elb: Elb, watched: Watched) {
    tokio::time::sleep(FIRST_CHECK_DELAY).await;
    while let Some(check) = elb.check_for(&watched) {
        let finding = examine(&watched, &check).await;
        elb.note_health(&watched, &finding);
        tokio::time::sleep(check.interval.min(MAX_CHECK_INTERVAL)).await;
    }
}

async fn examine(watched: &Watched, check: &HealthCheck) -> Finding {
    match tokio::time::timeout(check.timeout, get(watched, check)).await {
        Err(_) => Finding::TimedOut,
        Ok(None) => Finding::Refused,
        Ok(Some(status)) if check.matcher.accepts(status) => Finding::Pass,
        Ok(Some(status)) => Finding::WrongStatus(status),
    }
}

/// The status of the answer; none when there was no answer.
async fn get(watched: &Watched, check: &HealthCheck) -> Option<u16> {
    let ip: IpAddr = watched.id.parse().ok()?;
    let address = SocketAddr::new(ip, check.port.parse().unwrap_or(watched.port));
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(&check.path)
        .header(header::HOST, address.to_string())
        .header(header::USER_AGENT, "ELB-HealthChecker/2.0")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.ok()?;
    Some(answer.status().as_u16())
}

/// What a finding makes of a target's health; `None` when it stays as it is.
///
/// As an application load balancer has it: the first pass makes a new target healthy; after that it
/// takes as many findings in a row as the thresholds say.
pub(crate) fn judge(target: &mut Target, check: &HealthCheck, found: &Finding) -> Option<Health> {
    let passed = *found == Finding::Pass;
    let (contrary, threshold) = match &target.health {
        Health::Draining => return None,
        Health::Initial if passed => (true, 1),
        Health::Initial | Health::Healthy => (!passed, check.unhealthy_threshold),
        Health::Unhealthy { .. } => (passed, check.healthy_threshold),
    };
    target.contrary = if contrary { target.contrary + 1 } else { 0 };
    if target.contrary < threshold || !contrary {
        return None;
    }
    target.contrary = 0;
    target.health = if passed {
        Health::Healthy
    } else {
        unhealthy(found)
    };
    Some(target.health.clone())
}

fn unhealthy(found: &Finding) -> Health {
    let (reason, description) = match found {
        Finding::WrongStatus(status) => (
            "Target.ResponseCodeMismatch",
            format!("Health checks failed with these codes: [{status}]"),
        ),
        Finding::TimedOut => ("Target.Timeout", "Request timed out".to_owned()),
        Finding::Pass | Finding::Refused => (
            "Target.FailedHealthChecks",
            "Health checks failed".to_owned(),
        ),
    };
    Health::Unhealthy {
        reason,
        description,
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{InFlight, Matcher};
    use super::*;

    fn check() -> HealthCheck {
        HealthCheck {
            path: "/health".to_owned(),
            port: "traffic-port".to_owned(),
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            healthy_threshold: 3,
            unhealthy_threshold: 2,
            matcher: Matcher::parse("200").unwrap(),
        }
    }

    fn target() -> Target {
        Target {
            id: "127.0.0.1".to_owned(),
            port: 1,
            registration: 1,
            health: Health::Initial,
            contrary: 0,
            in_flight: InFlight::default(),
        }
    }

    fn after(findings: &[Finding]) -> Health {
        let mut target = target();
        for finding in findings {
            judge(&mut target, &check(), finding);
        }
        target.health
    }

    #[test]
    fn one_pass_makes_a_new_target_healthy() {
        assert_eq!(after(&[Finding::Pass]), Health::Healthy);
        assert_eq!(after(&[Finding::Refused, Finding::Pass]), Health::Healthy);
    }

    #[test]
    fn failures_in_a_row_make_it_unhealthy_and_one_pass_between_does_not() {
        let wrong = || Finding::WrongStatus(503);
        assert_eq!(
            after(&[Finding::Pass, wrong(), Finding::Pass, wrong()]),
            Health::Healthy
        );
        let Health::Unhealthy {
            reason,
            description,
        } = after(&[Finding::Pass, wrong(), wrong()])
        else {
            panic!("still healthy");
        };
        assert_eq!(reason, "Target.ResponseCodeMismatch");
        assert_eq!(description, "Health checks failed with these codes: [503]");
    }

    #[test]
    fn an_unhealthy_target_needs_its_passes_in_a_row() {
        let mut findings = vec![
            Finding::TimedOut,
            Finding::TimedOut,
            Finding::Pass,
            Finding::Pass,
        ];
        assert!(matches!(after(&findings), Health::Unhealthy { .. }));
        findings.push(Finding::Pass);
        assert_eq!(after(&findings), Health::Healthy);
    }

    #[test]
    fn matchers_are_codes_and_ranges() {
        let matcher = Matcher::parse("200,301-303").unwrap();
        let accepted: Vec<u16> = (200..400)
            .filter(|&status| matcher.accepts(status))
            .collect();
        assert_eq!(accepted, [200, 301, 302, 303]);
        assert_eq!(matcher.to_string(), "200,301-303");
        assert_eq!(Matcher::parse("2xx"), None);
        assert_eq!(Matcher::parse("299-200"), None);
    }
}
