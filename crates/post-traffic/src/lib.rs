//! The post-traffic gate: may this release keep its traffic, or must it roll back?
//!
//! Runs the suite's post-traffic stage against the production listener, in rounds over the bake
//! window, within the function's own time.

use common::aws::Aws;
use common::settings::Lookup;
use hook::GateFunction;
use hook::settings::Settings;

/// The function, from its settings; nothing is called and no client is built yet.
pub fn function(lookup: Lookup<'_>) -> GateFunction {
    GateFunction {
        stage: gate::Stage::PostTraffic,
        settings: Settings::read(lookup),
        aws: Aws::new(lookup),
    }
}
