//! What ECS says of a service deployment, as far as people are told of it.

use aws_sdk_ecs::types::{
    DeploymentConfiguration, DeploymentLifecycleHookDetail, ServiceDeployment as Described,
    ServiceDeploymentRollbackMonitorsStatus as Monitor,
};
use common::arn::{function_name, last_name};
use jiff::Timestamp;

/// The stages that ECS says a deployment is at, in their order. `PRE_PRODUCTION_TRAFFIC_SHIFT` is not among them.
pub const LIFECYCLE_STAGES: [&str; 10] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    PRODUCTION_SHIFT,
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
];
const PRODUCTION_SHIFT: &str = "PRODUCTION_TRAFFIC_SHIFT";

/// A service deployment at one instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deployment {
    /// Its ARN.
    pub arn: String,
    /// `SUCCESSFUL`, as ECS writes it.
    pub status: String,
    /// `statusReason`.
    pub reason: Option<String>,
    /// Whether ECS has noted an end.
    pub is_finished: bool,
    /// `lifecycleStage`, one of [`LIFECYCLE_STAGES`] as far as they are known here.
    pub stage: Option<String>,
    /// How traffic moves.
    pub strategy: Strategy,
    /// Percent of production traffic that the new revision is to have.
    pub production: Option<f64>,
    /// The same of test traffic.
    pub test: Option<f64>,
    /// Of the new revision: those that run, and those that should.
    pub tasks: (i32, i32),
    /// The hooks that were called so far.
    pub hooks: Vec<Hook>,
    /// Why it is rolled back.
    pub rollback: Option<String>,
    /// Alarms that went off.
    pub alarms: Vec<String>,
    /// Failed tasks that the circuit breaker has counted, and how many are too many.
    pub failed_tasks: Option<(i32, i32)>,
}

/// How traffic moves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Strategy {
    /// `CANARY`, as ECS writes it.
    pub name: String,
    /// Of a canary the first step, of a linear deployment each.
    pub percent: Option<f64>,
    /// Minutes between steps.
    pub pause: Option<i32>,
    /// Minutes at 100 %.
    pub bake: Option<i32>,
}

/// A lifecycle hook that was called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hook {
    /// `hookId`.
    pub id: String,
    /// The function's name; none of a PAUSE.
    pub function: Option<String>,
    /// `AWAITING_ACTION`, as ECS writes it.
    pub status: String,
    /// When its time is over.
    pub expires: Option<Timestamp>,
    /// What happens then: `ROLLBACK` or `CONTINUE`.
    pub at_timeout: Option<String>,
}

impl Deployment {
    /// Of ECS's description.
    pub fn of(described: &Described) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let filled = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let new = described.target_service_revision();
        let breaker = described
            .deployment_circuit_breaker()
            .filter(|breaker| !matches!(breaker.status(), Some(Monitor::Disabled)));
        Self {
            arn: text(described.service_deployment_arn()),
            status: text(
                described
                    .status()
                    .map(aws_sdk_ecs::types::ServiceDeploymentStatus::as_str),
            ),
            reason: filled(described.status_reason()),
            is_finished: described.finished_at().is_some() || described.stopped_at().is_some(),
            stage: filled(
                described
                    .lifecycle_stage()
                    .map(aws_sdk_ecs::types::ServiceDeploymentLifecycleStage::as_str),
            ),
            strategy: described
                .deployment_configuration()
                .map(Strategy::of)
                .unwrap_or_default(),
            production: new.and_then(
                aws_sdk_ecs::types::ServiceRevisionSummary::requested_production_traffic_weight,
            ),
            test: new.and_then(
                aws_sdk_ecs::types::ServiceRevisionSummary::requested_test_traffic_weight,
            ),
            tasks: new.map_or((0, 0), |new| {
                (new.running_task_count(), new.requested_task_count())
            }),
            hooks: described
                .lifecycle_hook_details()
                .iter()
                .map(Hook::of)
                .collect(),
            rollback: described.rollback().map(|rollback| text(rollback.reason())),
            alarms: described
                .alarms()
                .map(|alarms| alarms.triggered_alarm_names().to_vec())
                .unwrap_or_default(),
            failed_tasks: breaker.map(|breaker| (breaker.failure_count(), breaker.threshold())),
        }
    }

    /// The last part of its ARN.
    pub fn id(&self) -> &str {
        last_name(&self.arn)
    }

    /// `production/shop`
    pub fn service(&self) -> &str {
        let service = self.arn.split_once('/').map_or("", |(_, rest)| rest);
        service.rsplit_once('/').map_or(service, |(place, _)| place)
    }

    /// Whether it goes back, or has gone.
    pub fn is_rollback(&self) -> bool {
        self.status.starts_with("ROLLBACK")
    }

    /// Which step of how many the shift of production traffic is at.
    pub fn step(&self) -> Option<(u32, u32)> {
        let (percent, share) = (self.strategy.percent?, self.production?);
        if self.stage.as_deref() != Some(PRODUCTION_SHIFT) || percent <= 0.0 || share <= 0.0 {
            return None;
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of 100 in steps of 3 % at least"
        )]
        let steps = |share: f64| (share / percent).ceil() as u32;
        match self.strategy.name.as_str() {
            "CANARY" => Some((if share > percent { 2 } else { 1 }, 2)),
            "LINEAR" => Some((steps(share), steps(100.0))),
            _ => None,
        }
    }
}

impl Strategy {
    fn of(configuration: &DeploymentConfiguration) -> Self {
        let name = configuration
            .strategy()
            .map_or("ROLLING", |strategy| strategy.as_str());
        let (percent, pause) = match name {
            "CANARY" => configuration
                .canary_configuration()
                .map_or((None, None), |canary| {
                    (
                        canary.canary_percent(),
                        canary.canary_bake_time_in_minutes(),
                    )
                }),
            "LINEAR" => configuration
                .linear_configuration()
                .map_or((None, None), |linear| {
                    (linear.step_percent(), linear.step_bake_time_in_minutes())
                }),
            _ => (None, None),
        };
        Self {
            name: name.to_owned(),
            percent,
            pause,
            bake: configuration.bake_time_in_minutes(),
        }
    }
}

impl Hook {
    fn of(described: &DeploymentLifecycleHookDetail) -> Self {
        let name = |arn: &str| function_name(arn).to_owned();
        let target = described.target_arn().filter(|arn| !arn.is_empty());
        Self {
            id: described.hook_id().unwrap_or_default().to_owned(),
            function: target.map(name),
            status: described
                .status()
                .map_or("", |status| status.as_str())
                .to_owned(),
            expires: described
                .expires_at()
                .and_then(|at| Timestamp::from_second(at.secs()).ok()),
            at_timeout: described
                .timeout_action()
                .map(|action| action.as_str().to_owned()),
        }
    }

    /// `hook checkout-gate`, `pause ecs-pause-1`
    pub fn name(&self) -> String {
        match &self.function {
            Some(function) => format!("hook {function}"),
            None => format!("pause {}", self.id),
        }
    }

    /// Whether it holds the deployment up for good.
    pub fn has_failed(&self) -> bool {
        let lets_pass = self.at_timeout.as_deref() == Some("CONTINUE");
        self.status == "FAILED" || (self.status == "TIMED_OUT" && !lets_pass)
    }
}
