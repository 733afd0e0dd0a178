//! Where a gate's browser runs: at an address that the stack names, in Amazon Bedrock `AgentCore`, or as a task of ECS.
//!
//! What is opened for a run is ended with it, whatever ends the run, and ends by itself soon after if even that fails. That
//! something could not be ended is only logged: what came of the checks is known.

mod agentcore;
pub(crate) mod place;
mod task;

use std::sync::Arc;
use std::time::Duration;

use common::aws::Aws;
use gate::browsers::{Browsers, RemoteBrowser};
use tokio::time::Instant;

pub use self::agentcore::AgentCore;
pub use self::place::{BrowserId, BrowserPlace};
pub(crate) use self::task::BrowserTask;
use crate::cloud::Cloud;
use crate::settings::Settings;

/// How long the end of a run waits until its browsers are ended; they go on being ended afterwards.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whose calls are made: held as long as something may have to be ended.
pub type Clients = Arc<dyn AsRef<Aws> + Send + Sync>;

/// What gives checks their browser.
pub(crate) fn of(
    settings: &Settings,
    cloud: &Arc<Cloud>,
    ends: Instant,
) -> Option<Arc<dyn Browsers>> {
    let place = settings.browser.as_ref()?;
    let browsers: Arc<dyn Browsers> = match place {
        BrowserPlace::At(endpoint) => Arc::new(RemoteBrowser(endpoint.clone())),
        BrowserPlace::AgentCore(id) => {
            let clients: Clients = cloud.function.clone();
            Arc::new(AgentCore::new(clients, id.clone(), ends))
        }
        BrowserPlace::Task(definition) => Arc::new(BrowserTask::new(
            Arc::clone(cloud),
            definition.clone(),
            ends,
        )),
    };
    Some(browsers)
}

/// What `running` comes to, once its browsers are ended, as far as the time of the run allows to wait for that.
pub(crate) async fn ended_after<T>(
    running: impl Future<Output = T>,
    browsers: Option<Arc<dyn Browsers>>,
    until: Instant,
) -> T {
    let end = running.await;
    if let Some(browsers) = browsers {
        let left = until.saturating_duration_since(Instant::now());
        let closing = tokio::time::timeout(CLOSE_TIMEOUT.min(left / 2), browsers.close());
        if closing.await.is_err() {
            tracing::warn!("browsers of checks are still being ended");
        }
    }
    end
}
