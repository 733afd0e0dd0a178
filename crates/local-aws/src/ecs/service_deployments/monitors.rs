//! What ends a deployment from outside: a request, an alarm, a circuit breaker.

use std::time::Duration;

use tokio::time::Instant;

use super::driver::Driver;
use super::outcome::Halt;
use super::record::Monitor;
use crate::upstream::Upstream;

/// How often failed tasks are counted, in real time.
const BREAKER_INTERVAL: Duration = Duration::from_millis(100);
/// How often alarms are looked at, in real time; they are also looked at at the end of each wait.
const ALARM_INTERVAL: Duration = Duration::from_secs(1);

impl Driver {
    /// Waits for whatever ends the deployment before it is done.
    pub(super) async fn interrupted(&self) -> Halt {
        let mut changes = self.read(|deployment| deployment.changes.subscribe());
        let mut next_alarms = Instant::now() + ALARM_INTERVAL;
        loop {
            if let Some(stop) = self.read(|deployment| deployment.stop) {
                return Halt::Stopped(stop);
            }
            if self.breaks() {
                return Halt::CircuitBreaker;
            }
            if Instant::now() >= next_alarms {
                if let Err(halt) = self.check_alarms().await {
                    return halt;
                }
                next_alarms = Instant::now() + ALARM_INTERVAL;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(BREAKER_INTERVAL) => {}
            }
        }
    }

    /// Alarms that are on before a deployment begins say nothing about it: they are left out of account.
    pub(super) async fn ignore_old_alarms(&self) {
        let active = self.active_alarms().await;
        if active.is_empty() {
            return;
        }
        self.change(|deployment| deployment.alarms = Monitor::Disabled);
        let message = format!(
            "Alarms are not monitored, as some are on already: {}.",
            active.join(", ")
        );
        self.record(
            "deployment",
            message,
            serde_json::json!({ "alarms": active }),
        );
    }

    /// Fails when an alarm has gone off.
    pub(super) async fn check_alarms(&self) -> Result<(), Halt> {
        if self.read(|deployment| deployment.alarms) != Monitor::Monitoring {
            return Ok(());
        }
        let active = self.active_alarms().await;
        if active.is_empty() {
            return Ok(());
        }
        self.change(|deployment| {
            deployment.alarms = Monitor::Triggered;
            deployment.triggered_alarms = active;
        });
        Err(Halt::Alarms)
    }

    async fn active_alarms(&self) -> Vec<String> {
        let Some(alarms) = &self.configuration.alarms else {
            return Vec::new();
        };
        let _held = self.clock().hold();
        active(self.upstream(), &alarms.names).await
    }

    /// Whether too many tasks of the new revision have failed; counts them.
    fn breaks(&self) -> bool {
        let Some(breaker) = self.configuration.breaker else {
            return false;
        };
        let target = self.target_set();
        let mut state = self.ecs.state();
        let service = &state.services[self.service];
        let desired = service.desired;
        let set = service.task_sets.iter().find(|set| set.id == target);
        let failures = set.map_or(0, |set| set.failures);
        let deployment = &mut state.service_deployments[self.at];
        deployment.failures = deployment.failures.max(failures);
        let breaks = failures >= breaker.threshold(desired);
        if breaks {
            deployment.breaker = Monitor::Triggered;
        }
        breaks
    }
}

/// Which of these alarms are on. Where nobody can be asked, none is.
async fn active(upstream: &Upstream, names: &[String]) -> Vec<String> {
    let keys: Vec<String> = (1..=names.len())
        .map(|n| format!("AlarmNames.member.{n}"))
        .collect();
    let mut params = vec![("Version", "2010-08-01"), ("StateValue", "ALARM")];
    let asked = keys.iter().zip(names);
    params.extend(asked.map(|(key, name)| (key.as_str(), name.as_str())));
    match upstream
        .query("monitoring", "DescribeAlarms", &params)
        .await
    {
        Ok(answer) => {
            let on = |name: &&String| answer.contains(&format!("<AlarmName>{name}</AlarmName>"));
            names.iter().filter(on).cloned().collect()
        }
        Err(error) => {
            tracing::warn!(%error, "cannot look at alarms");
            Vec::new()
        }
    }
}
