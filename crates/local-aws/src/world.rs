//! The services of one local AWS, and what they share.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

use crate::agentcore::AgentCore;
use crate::autoscaling::AutoScaling;
use crate::bedrock::Bedrock;
use crate::clock::Clock;
use crate::ecs::Ecs;
use crate::elb::Elb;
use crate::timeline::Timeline;
use crate::upstream::Upstream;

/// How a world is set up.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// The account in every ARN.
    pub account: String,
    /// The region in every ARN.
    pub region: String,
    /// The emulator that serves the services this crate does not.
    pub upstream: Url,
    /// Where the tasks' logs go.
    pub data_dir: PathBuf,
    /// The local program that stands for an image, by the image's repository name.
    pub images: BTreeMap<String, PathBuf>,
}

/// One local AWS. Clones share all state.
#[derive(Clone, Debug)]
pub struct World {
    /// Virtual time.
    pub clock: Clock,
    /// What happened.
    pub timeline: Timeline,
    /// Services, task sets and tasks.
    pub ecs: Ecs,
    /// Bounds of services' desired counts.
    pub autoscaling: AutoScaling,
    /// Sessions of browsers.
    pub agentcore: AgentCore,
    /// A model that says what it was told to say.
    pub bedrock: Bedrock,
    /// Load balancers, listeners and target groups.
    pub elb: Elb,
    /// The account in every ARN.
    pub account: String,
    /// The region in every ARN.
    pub region: String,
    /// The emulator behind: the real Lambda Invoke API, S3 and the rest.
    pub upstream: Url,
}

impl World {
    /// A world with nothing in it. Needs a Tokio runtime.
    pub fn new(options: WorldOptions) -> Self {
        let clock = Clock::new();
        let timeline = Timeline::new(clock.clone());
        let elb = Elb::new(
            clock.clone(),
            timeline.clone(),
            &options.account,
            &options.region,
        );
        let ecs = Ecs::new(&options, clock.clone(), timeline.clone(), elb.clone());
        let autoscaling = AutoScaling::new(&options, clock.clone(), timeline.clone(), ecs.clone());
        let agentcore = AgentCore::new(options.images.get("chromium").cloned());
        let WorldOptions {
            account,
            region,
            upstream,
            ..
        } = options;
        Self {
            clock,
            timeline,
            ecs,
            agentcore,
            autoscaling,
            bedrock: Bedrock::default(),
            elb,
            account,
            region,
            upstream,
        }
    }

    /// A client of the emulator behind.
    pub(crate) fn upstream_client(&self) -> Upstream {
        Upstream::new(&self.upstream, &self.account, &self.region)
    }
}
