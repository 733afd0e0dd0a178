//! Every log line of a test, at every level and of every crate, with all its fields.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<String>>);

/// Keeps the lines of this thread until it is dropped.
pub struct Logs {
    kept: Kept,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Logs {
    pub fn start() -> Self {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::registry().with(kept.clone());
        Self {
            kept,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    pub fn text(&self) -> String {
        self.kept.0.lock().unwrap().clone()
    }
}

struct Line<'a>(&'a mut String);

impl tracing::field::Visit for Line<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: tracing::Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        // What the SDK traces about its own requests holds their bodies; telemetry never writes it, at
        // any level (see common::telemetry).
        let own = ["approval", "common", "channels", "briefing", "gate"];
        let ours = own.iter().any(|own| metadata.target().starts_with(own));
        if !ours && *metadata.level() > tracing::Level::WARN {
            return;
        }
        let mut text = self.0.lock().unwrap();
        write!(text, "{} {}", metadata.level(), metadata.target()).unwrap();
        event.record(&mut Line(&mut text));
        text.push('\n');
    }
}
