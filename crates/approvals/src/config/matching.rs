//! What a route is for: approvals of pipelines, pauses of deployments, questions of gates, or all of them; or for what gates
//! have decided.

use std::fmt;

use super::Globs;
use crate::Source;
use crate::message::GateDecision;

/// What a route is for. A part that is not written matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matching {
    /// Whatever waits.
    Anything,
    /// Approvals of pipelines.
    Pipelines {
        /// The pipelines.
        pipeline: Globs,
        /// The stages.
        stage: Globs,
        /// The actions.
        action: Globs,
    },
    /// Whatever waits of an ECS service: its paused deployments, and the questions of its gates.
    Services {
        /// The clusters.
        cluster: Globs,
        /// The services.
        service: Globs,
    },
    /// Questions of gates, or what they have decided.
    Gates {
        /// The gates: `pre-traffic` or `post-traffic`.
        gate: Globs,
        /// The applications.
        application: Globs,
        /// The clusters.
        cluster: Globs,
        /// The services.
        service: Globs,
        /// Decisions that let nothing pass, and no questions.
        decisions: bool,
    },
}

impl Matching {
    /// Whether it is for this.
    pub fn matches(&self, source: &Source) -> bool {
        match (self, source) {
            (Self::Anything, _) => true,
            (
                Self::Pipelines {
                    pipeline,
                    stage,
                    action,
                },
                Source::Pipeline(of),
            ) => {
                pipeline.matches(&of.pipeline)
                    && stage.matches(&of.stage)
                    && action.matches(&of.action)
            }
            (Self::Services { cluster, service }, Source::Ecs(of)) => {
                cluster.matches(&of.cluster) && service.matches(&of.service)
            }
            // A gate of a service, by whatever it is deployed.
            (Self::Services { cluster, service }, Source::Gate(of)) => {
                !of.service.is_empty()
                    && cluster.matches(&of.cluster)
                    && service.matches(&of.service)
            }
            (
                Self::Gates {
                    gate,
                    application,
                    cluster,
                    service,
                    decisions: false,
                },
                Source::Gate(of),
            ) => {
                gate.matches(&of.gate)
                    && application.matches(&of.application)
                    && cluster.matches(&of.cluster)
                    && service.matches(&of.service)
            }
            (Self::Pipelines { .. }, Source::Ecs(_) | Source::Gate(_))
            | (Self::Services { .. }, Source::Pipeline(_))
            | (Self::Gates { .. }, _) => false,
        }
    }

    /// Whether it is for this decision of a gate, which let nothing pass.
    pub fn takes(&self, decision: &GateDecision) -> bool {
        match self {
            Self::Gates {
                gate,
                application,
                cluster,
                service,
                decisions: true,
            } => {
                gate.matches(&decision.gate)
                    && application.matches(&decision.application)
                    && cluster.matches(&decision.cluster)
                    && service.matches(&decision.service)
            }
            _ => false,
        }
    }

    fn is_for_decisions(&self) -> bool {
        matches!(
            self,
            Self::Gates {
                decisions: true,
                ..
            }
        )
    }

    /// Whether whatever `other` is for is matched by this, too. Never says so wrongly.
    pub(super) fn covers(&self, other: &Self) -> bool {
        if self.is_for_decisions() != other.is_for_decisions() {
            return false;
        }
        match (self.globs(), other.globs()) {
            (None, _) => true,
            (Some(_), None) => false,
            // Of one kind there are as many.
            (Some(wide), Some(narrow)) => {
                wide.len() == narrow.len()
                    && wide
                        .iter()
                        .zip(narrow)
                        .all(|(wide, narrow)| wide.cover(narrow))
            }
        }
    }

    fn globs(&self) -> Option<Vec<&Globs>> {
        match self {
            Self::Anything => None,
            Self::Pipelines {
                pipeline,
                stage,
                action,
            } => Some(vec![pipeline, stage, action]),
            Self::Services { cluster, service } => Some(vec![cluster, service]),
            Self::Gates {
                gate,
                application,
                cluster,
                service,
                ..
            } => Some(vec![gate, application, cluster, service]),
        }
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anything => f.write_str("everything"),
            Self::Pipelines {
                pipeline,
                stage,
                action,
            } => write!(f, "{pipeline} / {stage} / {action}"),
            Self::Services { cluster, service } => write!(f, "{cluster} / {service}"),
            Self::Gates {
                gate,
                application,
                cluster,
                service,
                decisions,
            } => {
                let what = if *decisions { ", not passed" } else { "" };
                write!(f, "{gate} / {application} / {cluster} / {service}{what}")
            }
        }
    }
}
