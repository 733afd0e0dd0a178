//! What people read while a deployment goes on. Pure: two descriptions in, lines out.

use jiff::Timestamp;

use crate::deployment::{Deployment, Hook, Strategy};
use crate::outcome::continue_command;

/// A line, and what kind of news it is; none is plain progress.
pub type Line = (String, Option<Tone>);

/// What kind of news a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// What the lines below belong to.
    Heading,
    /// Good news.
    Good,
    /// Bad news.
    Bad,
    /// Somebody has to look or to answer.
    Careful,
    /// Of less interest.
    Quiet,
}

/// What is new since `before`; at first, everything.
pub fn news(before: Option<&Deployment>, now: &Deployment) -> Vec<Line> {
    let mut lines = Vec::new();
    let first = Deployment::default();
    if before.is_none() {
        let heading = format!(
            "{}: service deployment {}, {}",
            now.service(),
            now.id(),
            strategy(&now.strategy)
        );
        lines.push((heading, Some(Tone::Heading)));
    }
    let before = before.unwrap_or(&first);
    lines.extend(alarms(before, now));
    lines.extend(status(before, now));
    lines.extend(place(before, now));
    lines.extend(tasks(before, now));
    for hook in &now.hooks {
        let known = before.hooks.iter().find(|old| old.id == hook.id);
        if known.is_none_or(|old| old.status != hook.status) {
            lines.extend(about_hook(hook, now));
        }
    }
    lines
}

/// `CANARY: 10 % for 10 min, then all; bake 5 min`
fn strategy(strategy: &Strategy) -> String {
    let minutes = |minutes: Option<i32>| minutes.unwrap_or_default();
    let mut said = strategy.name.clone();
    match (strategy.name.as_str(), strategy.percent) {
        ("CANARY", Some(percent)) => {
            let pause = minutes(strategy.pause);
            said = format!("{said}: {percent} % for {pause} min, then all");
        }
        ("LINEAR", Some(percent)) => {
            let pause = minutes(strategy.pause);
            said = format!("{said}: {percent} % every {pause} min");
        }
        _ => {}
    }
    match minutes(strategy.bake) {
        0 => said,
        bake => format!("{said}; bake time {bake} min"),
    }
}

fn alarms(before: &Deployment, now: &Deployment) -> Vec<Line> {
    let new = now
        .alarms
        .iter()
        .filter(|alarm| !before.alarms.contains(alarm));
    new.map(|alarm| (format!("alarm {alarm} went off"), Some(Tone::Bad)))
        .collect()
}

fn status(before: &Deployment, now: &Deployment) -> Option<Line> {
    if before.status == now.status {
        return None;
    }
    let said = match now.status.as_str() {
        "PENDING" => return Some(("waiting for ECS to begin".to_owned(), Some(Tone::Quiet))),
        "STOP_REQUESTED" => "somebody asked ECS to stop it".to_owned(),
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" if !before.is_rollback() => {
            let reason = now.rollback.as_deref().or(now.reason.as_deref());
            match reason.filter(|reason| !reason.is_empty()) {
                Some(reason) => format!("rolling back: {reason}"),
                None => "rolling back".to_owned(),
            }
        }
        // The end is the outcome's to say.
        _ => return None,
    };
    Some((said, Some(Tone::Bad)))
}

/// `PRODUCTION_TRAFFIC_SHIFT, step 1 of 2: 10 % of production traffic`
fn place(before: &Deployment, now: &Deployment) -> Option<Line> {
    let of = |it: &Deployment| (it.stage.clone(), it.production, it.test);
    if of(before) == of(now) || now.is_finished {
        return None;
    }
    let stage = now.stage.as_deref()?;
    let step = now
        .step()
        .filter(|_| !now.is_rollback())
        .map(|(step, steps)| format!(", step {step} of {steps}"));
    let share = now
        .production
        .map(|share| format!(": {share} % of production traffic"));
    let test = now
        .test
        .filter(|test| *test > 0.0)
        .map(|test| format!(", {test} % of test traffic"));
    let parts = [step, share, test].map(Option::unwrap_or_default);
    Some((format!("{stage}{}", parts.concat()), None))
}

fn tasks(before: &Deployment, now: &Deployment) -> Vec<Line> {
    let mut lines = Vec::new();
    let (running, wanted) = now.tasks;
    if before.tasks != now.tasks && !now.is_finished {
        lines.push((
            format!("{running} of {wanted} new tasks running"),
            Some(Tone::Quiet),
        ));
    }
    if let Some((failed, limit)) = now.failed_tasks
        && failed > before.failed_tasks.map_or(0, |(failed, _)| failed)
    {
        let said = format!("{failed} failed tasks; the circuit breaker acts at {limit}");
        lines.push((said, Some(Tone::Bad)));
    }
    lines
}

fn about_hook(hook: &Hook, now: &Deployment) -> Vec<Line> {
    let name = hook.name();
    let lets_pass = hook.at_timeout.as_deref() == Some("CONTINUE");
    let by = hook.expires.map(|at| format!(" by {}", minute(at)));
    let by = by.unwrap_or_default();
    let said = match hook.status.as_str() {
        "AWAITING_ACTION" => {
            let answer = format!("  to answer: {}", continue_command(now, &hook.id));
            return vec![
                (format!("{name} waits for an answer"), Some(Tone::Careful)),
                timeout(lets_pass, &format!("without one{by}")),
                (answer, None),
            ];
        }
        "IN_PROGRESS" => {
            return vec![
                (format!("{name} is running"), None),
                timeout(lets_pass, &format!("without a result{by}")),
            ];
        }
        "SUCCEEDED" => (format!("{name} succeeded"), Some(Tone::Good)),
        "FAILED" => (format!("{name} failed"), Some(Tone::Bad)),
        "TIMED_OUT" if lets_pass => {
            let said = format!("! {name} timed out, and ECS goes on all the same (CONTINUE)");
            (said, Some(Tone::Bad))
        }
        "TIMED_OUT" => (format!("{name} timed out"), Some(Tone::Bad)),
        other => (format!("{name}: {other}"), None),
    };
    vec![said]
}

/// CONTINUE stands out: it lets a release pass that nobody has measured or approved.
fn timeout(lets_pass: bool, without: &str) -> Line {
    if lets_pass {
        let said = format!("! {without}, ECS goes on all the same (CONTINUE)");
        return (said, Some(Tone::Bad));
    }
    (
        format!("  {without}, ECS rolls back (ROLLBACK)"),
        Some(Tone::Quiet),
    )
}

/// `2026-11-29 14:06Z`
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const ARN: &str =
        "arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc";

    pub(crate) fn deployment() -> Deployment {
        Deployment {
            arn: ARN.to_owned(),
            status: "IN_PROGRESS".to_owned(),
            strategy: Strategy {
                name: "CANARY".to_owned(),
                percent: Some(10.0),
                pause: Some(10),
                bake: Some(5),
            },
            ..Deployment::default()
        }
    }

    pub(crate) fn hook(id: &str, function: Option<&str>, status: &str) -> Hook {
        Hook {
            id: id.to_owned(),
            function: function.map(str::to_owned),
            status: status.to_owned(),
            expires: Some("2026-11-29T14:06:30Z".parse().unwrap()),
            at_timeout: Some("ROLLBACK".to_owned()),
        }
    }

    fn at(stage: &str, production: f64, test: f64) -> Deployment {
        Deployment {
            stage: Some(stage.to_owned()),
            production: Some(production),
            test: Some(test),
            tasks: (3, 3),
            ..deployment()
        }
    }

    /// The lines of each description after the one before.
    fn told(course: &[Deployment]) -> String {
        let mut before = None;
        let mut lines = Vec::new();
        for now in course {
            lines.extend(news(before, now).into_iter().map(|(text, _)| text));
            before = Some(now);
        }
        lines.join("\n")
    }

    #[test]
    fn a_canary_goes_by_stage_step_and_share() {
        let pending = Deployment {
            status: "PENDING".to_owned(),
            ..deployment()
        };
        let scaling = Deployment {
            tasks: (1, 3),
            ..at("SCALE_UP", 0.0, 0.0)
        };
        let gate = |status: &str| Deployment {
            hooks: vec![hook("ecs-lambda-1", Some("pre-traffic"), status)],
            ..at("POST_TEST_TRAFFIC_SHIFT", 0.0, 100.0)
        };
        let course = [
            pending,
            scaling,
            gate("IN_PROGRESS"),
            gate("SUCCEEDED"),
            gate("SUCCEEDED"),
            at("PRODUCTION_TRAFFIC_SHIFT", 10.0, 100.0),
            at("PRODUCTION_TRAFFIC_SHIFT", 100.0, 100.0),
            at("BAKE_TIME", 100.0, 100.0),
        ];
        insta::assert_snapshot!(told(&course), @"
        production/shop: service deployment abc, CANARY: 10 % for 10 min, then all; bake time 5 min
        waiting for ECS to begin
        SCALE_UP: 0 % of production traffic
        1 of 3 new tasks running
        POST_TEST_TRAFFIC_SHIFT: 0 % of production traffic, 100 % of test traffic
        3 of 3 new tasks running
        hook pre-traffic is running
          without a result by 2026-11-29 14:06Z, ECS rolls back (ROLLBACK)
        hook pre-traffic succeeded
        PRODUCTION_TRAFFIC_SHIFT, step 1 of 2: 10 % of production traffic, 100 % of test traffic
        PRODUCTION_TRAFFIC_SHIFT, step 2 of 2: 100 % of production traffic, 100 % of test traffic
        BAKE_TIME: 100 % of production traffic, 100 % of test traffic
        ");
    }

    #[test]
    fn a_linear_deployment_counts_its_steps() {
        let linear = |share| Deployment {
            strategy: Strategy {
                name: "LINEAR".to_owned(),
                percent: Some(30.0),
                pause: Some(6),
                bake: None,
            },
            ..at("PRODUCTION_TRAFFIC_SHIFT", share, 0.0)
        };
        insta::assert_snapshot!(told(&[linear(30.0), linear(90.0), linear(100.0)]), @"
        production/shop: service deployment abc, LINEAR: 30 % every 6 min
        PRODUCTION_TRAFFIC_SHIFT, step 1 of 4: 30 % of production traffic
        3 of 3 new tasks running
        PRODUCTION_TRAFFIC_SHIFT, step 3 of 4: 90 % of production traffic
        PRODUCTION_TRAFFIC_SHIFT, step 4 of 4: 100 % of production traffic
        ");
    }

    #[test]
    fn a_pause_says_how_to_answer_and_that_continue_lets_everything_pass() {
        let pause = hook("ecs-pause-1", None, "AWAITING_ACTION");
        let lax = Hook {
            at_timeout: Some("CONTINUE".to_owned()),
            ..hook("ecs-pause-2", None, "AWAITING_ACTION")
        };
        let gone = Hook {
            status: "TIMED_OUT".to_owned(),
            ..lax.clone()
        };
        let with = |hooks: &[Hook]| Deployment {
            hooks: hooks.to_vec(),
            ..at("POST_TEST_TRAFFIC_SHIFT", 0.0, 100.0)
        };
        insta::assert_snapshot!(told(&[with(&[pause.clone(), lax]), with(&[pause, gone])]), @"
        production/shop: service deployment abc, CANARY: 10 % for 10 min, then all; bake time 5 min
        POST_TEST_TRAFFIC_SHIFT: 0 % of production traffic, 100 % of test traffic
        3 of 3 new tasks running
        pause ecs-pause-1 waits for an answer
          without one by 2026-11-29 14:06Z, ECS rolls back (ROLLBACK)
          to answer: aws ecs continue-service-deployment --service-deployment-arn arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc --hook-id ecs-pause-1 --action CONTINUE --region eu-central-1  (or ROLLBACK)
        pause ecs-pause-2 waits for an answer
        ! without one by 2026-11-29 14:06Z, ECS goes on all the same (CONTINUE)
          to answer: aws ecs continue-service-deployment --service-deployment-arn arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc --hook-id ecs-pause-2 --action CONTINUE --region eu-central-1  (or ROLLBACK)
        ! pause ecs-pause-2 timed out, and ECS goes on all the same (CONTINUE)
        ");
    }

    #[test]
    fn a_rollback_says_why() {
        let before = at("BAKE_TIME", 100.0, 100.0);
        let after = Deployment {
            status: "ROLLBACK_IN_PROGRESS".to_owned(),
            rollback: Some("alarm(s) detected".to_owned()),
            alarms: vec!["errors".to_owned()],
            failed_tasks: Some((2, 3)),
            ..at("PRODUCTION_TRAFFIC_SHIFT", 0.0, 100.0)
        };
        insta::assert_snapshot!(told(&[before, after]), @"
        production/shop: service deployment abc, CANARY: 10 % for 10 min, then all; bake time 5 min
        BAKE_TIME: 100 % of production traffic, 100 % of test traffic
        3 of 3 new tasks running
        alarm errors went off
        rolling back: alarm(s) detected
        PRODUCTION_TRAFFIC_SHIFT: 0 % of production traffic, 100 % of test traffic
        2 failed tasks; the circuit breaker acts at 3
        ");
    }
}
