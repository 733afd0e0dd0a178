//! What is deployed, looked at by hand: its wiring, and its release as a gate would measure it. Nothing is answered,
//! stored or published.

mod release;
mod wiring;

use std::sync::Arc;
use std::time::Duration;

use common::aws::Aws;
use gate::Stage;

pub use self::release::{DeployedRelease, NotMeasurable, deployed_release};
pub use self::wiring::{last_app_spec, wiring_facts};
use crate::cloud::{Cloud, DescribedRelease};
use crate::facts::KnownFacts;
use crate::gate_function::GateFunction;
use crate::settings::Settings;

/// For a look-up that costs a fact if it fails.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(20);

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentQuery {
    /// One deployment of CodeDeploy.
    Deployment {
        /// `d-…`
        id: String,
    },
    /// The last deployment of a group of CodeDeploy.
    Group {
        /// The application.
        application: String,
        /// The deployment group.
        group: String,
    },
    /// The last deployment of a service by ECS itself.
    Service {
        /// The cluster.
        cluster: String,
        /// The service.
        service: String,
    },
}

/// AWS, asked about the release by whoever has these clients.
fn cloud(
    stage: Stage,
    aws: Aws,
    settings: Settings,
    release: DescribedRelease,
    known: KnownFacts,
) -> Cloud {
    Cloud {
        function: Arc::new(GateFunction {
            stage,
            settings: Ok(settings.without_places_to_write()),
            aws,
        }),
        release,
        known,
    }
}
