//! What of a suite decides once everything is measured: limits and weights, which may be varied to see what they do.

use std::time::Duration;

use crate::Stage;
use crate::bake::Bake;
use crate::expect::{LatencyLimit, Phase};
use crate::severity::Severity;
use crate::suite::Suite;
use crate::verdict::InconclusivePolicy;

/// The limits of a gate.
#[derive(Clone, Debug)]
pub struct GateLimits {
    /// The window and its limits.
    pub bake: Bake,
    /// What happens where the evidence is not enough.
    pub policy: InconclusivePolicy,
    /// Whether the gate only reports.
    pub dry_run: bool,
    /// The checks of the stage, in the order of the suite.
    pub checks: Vec<CheckLimits>,
}

/// What of a check decides.
#[derive(Clone, Debug)]
pub struct CheckLimits {
    /// Its name.
    pub name: String,
    /// Whether it may block.
    pub severity: Severity,
    /// What it measures.
    pub(super) definition: u64,
    /// Tries after the first.
    pub(super) retries: u32,
    /// How long its answers may take.
    pub(super) latency: Vec<LatencyLimit>,
}

impl Suite {
    /// What decides at `stage`.
    pub fn limits_at(&self, stage: Stage) -> GateLimits {
        let checks = self.checks.iter().filter(|check| check.on.contains(&stage));
        GateLimits {
            bake: match stage {
                Stage::PreTraffic => Bake::ONE_ROUND,
                Stage::PostTraffic => self.bake(),
            },
            policy: self.inconclusive,
            dry_run: self.dry_run,
            checks: checks
                .map(|check| CheckLimits {
                    name: check.name.clone(),
                    severity: check.severity,
                    definition: check.definition,
                    retries: check.retry.retries,
                    latency: check.latency_limits().collect(),
                })
                .collect(),
        }
    }
}

impl CheckLimits {
    /// How long its answers may take in all, if it has such a limit.
    pub fn latency(&self) -> Option<Duration> {
        let mut limits = self.latency.iter();
        let total = limits.find(|limit| limit.phase == Phase::Total);
        total.map(|limit| limit.limit)
    }

    /// Puts another limit in the place of [`CheckLimits::latency`].
    pub fn set_latency(&mut self, limit: Duration) {
        for one in &mut self.latency {
            if one.phase == Phase::Total {
                one.limit = limit;
            }
        }
    }
}
