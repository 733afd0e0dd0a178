//! What Lambda says of an invocation, and what a failed one reports to it.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic};
use tokio::time::Instant;
use tracing::Span;

use crate::arn::Place;
use crate::telemetry;

/// What Lambda says of an invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's name for it: the same for each try of an event, and for an event that is delivered twice.
    pub request_id: String,
    /// The function's ARN, with the version or alias that was invoked; empty outside of Lambda.
    pub function_arn: String,
    /// When Lambda ends it.
    pub deadline: Instant,
}

impl Invocation {
    /// The invocation of a context.
    pub fn of(context: &Context) -> Self {
        let left = context.deadline().duration_since(SystemTime::now());
        Self {
            request_id: context.request_id.clone(),
            function_arn: context.invoked_function_arn.clone(),
            deadline: Instant::now() + left.unwrap_or_default(),
        }
    }

    /// The time until Lambda ends it.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Where the function runs, if its ARN says so.
    pub fn place(&self) -> Option<Place> {
        Place::of_function(&self.function_arn)
    }

    /// By which name Lambda is asked for the function itself.
    pub fn function<'a>(&'a self, name: &'a str) -> &'a str {
        if self.function_arn.is_empty() {
            name
        } else {
            &self.function_arn
        }
    }
}

/// The span of an invocation, which stands in every line that is written inside it.
pub fn span(context: &Context) -> Span {
    let trace = context.xray_trace_id.as_deref();
    telemetry::invocation(&context.request_id, &context.invoked_function_arn, trace)
}

/// What an error of this type reports to Lambda.
pub fn diagnostic(error_type: &str, error: impl Display) -> Diagnostic {
    Diagnostic {
        error_type: error_type.to_owned(),
        error_message: error.to_string(),
    }
}
