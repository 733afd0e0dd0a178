//! The pre-traffic gate: may this release have traffic?
//!
//! Runs the suite's pre-traffic stage against the test listener, which reaches the new version
//! before any customer does.

use common::aws::Aws;
use common::settings::Lookup;
use hook::GateFunction;
use hook::settings::Settings;

/// The function, from its settings; nothing is called and no client is built yet.
pub fn function(lookup: Lookup<'_>) -> GateFunction {
    GateFunction {
        stage: gate::Stage::PreTraffic,
        settings: Settings::read(lookup),
        aws: Aws::new(lookup),
    }
}
