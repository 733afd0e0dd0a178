//! No approval token leaves AWS: not in a message, a link, a schedule, the table, a log or an error,
//! whatever goes wrong.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use approval_notifier::reminder_schedule::ESCALATION_NUMBER;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use support::Stage;
use support::events::{
    action_changed, approval, approval_message, execution_changed, notification, reminder, sns,
};
use support::server::{Call, Fault};
use support::world::{Phase, TOKEN};

/// Everything that is logged, by whatever crate, from DEBUG up for ours and from INFO up for others:
/// no package holds a call site below INFO.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let ours = ["approv", "channels", "briefing", "common", "gate"];
        let ours = ours.iter().any(|name| metadata.target().starts_with(name));
        if !ours && *metadata.level() > tracing::Level::INFO {
            return;
        }
        let mut log = self.0.lock().unwrap();
        log.push_str(metadata.target());
        event.record(&mut Text(&mut log));
        log.push('\n');
    }
}

/// Calls in which the token may stand: none of ours send it, as nothing here decides.
fn leaves(call: &Call) -> bool {
    call.body.to_string().contains(TOKEN) || call.path.contains(TOKEN)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_nowhere() {
    let log = Log::default();
    tracing_subscriber::registry().with(log.clone()).init();
    let mut errors = String::new();
    let faults: [(&str, Option<Fault>); 6] = [
        ("", None),
        ("GetPipelineState", Some(Fault::Status(500))),
        ("PutItem", Some(Fault::Denied)),
        ("chat.postMessage", Some(Fault::Status(500))),
        ("POST /hook/teams", Some(Fault::Lost)),
        ("GetSecretValue", Some(Fault::Denied)),
    ];
    for (operation, fault) in faults {
        let stage = Stage::start().await;
        // People paste what the console shows them.
        stage.world(|world| world.summary = format!("see https://console/#/approve/{TOKEN}"));
        stage
            .server
            .fail(move |call, _| fault.filter(|_| call.operation == operation));
        let id = "a".repeat(26);
        let mut spoiled = approval_message();
        spoiled["approval"]["stageName"] = json!(null);
        for event in [
            sns(&[
                spoiled.to_string(),
                format!("unknown {{\"token\": \"{TOKEN}\"}}"),
            ]),
            approval(),
            notification(),
            reminder(&id, 1),
        ] {
            errors += &stage.invoke(event).await.err().unwrap_or_default();
        }
        let keys = stage.world(|world| world.table.keys());
        let case = keys
            .iter()
            .find_map(|key| key.strip_prefix("approval#")?.strip_suffix("/case"));
        for phase in [Phase::Waiting, Phase::Deploying, Phase::RolledBack] {
            stage.now(phase);
            for event in [
                reminder(case.unwrap_or(&id), 1),
                reminder(case.unwrap_or(&id), ESCALATION_NUMBER),
                action_changed("SUCCEEDED"),
                execution_changed("FAILED"),
                approval(),
            ] {
                errors += &stage.invoke(event).await.err().unwrap_or_default();
            }
        }
        stage.world(|world| {
            assert!(
                !world.table.dump().contains(TOKEN),
                "{operation}: the table"
            );
            let schedules = format!("{:?}", world.schedules);
            assert!(!schedules.contains(TOKEN), "{operation}: the schedules");
        });
        for call in stage.server.calls() {
            assert!(
                !leaves(&call),
                "{operation}: {} {}",
                call.operation,
                call.body
            );
            assert_ne!(call.operation, "PutApprovalResult", "nothing here decides");
        }
        if fault.is_none() {
            assert!(
                stage.told("slack").len() >= 5,
                "there was something to search"
            );
        }
    }
    assert!(!errors.is_empty(), "the faults were met");
    assert!(!errors.contains(TOKEN), "{errors}");
    let log = log.0.lock().unwrap();
    assert!(
        log.contains("approval_notifier"),
        "something was logged: {log}"
    );
    assert!(!log.contains(TOKEN), "{log}");
}
