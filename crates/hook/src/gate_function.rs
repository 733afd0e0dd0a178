//! A gate function as all its invocations share it.

use common::aws::Aws;
use common::settings::SettingsError;
use gate::Stage;

use crate::settings::Settings;

/// One gate function, alive for many invocations.
#[derive(Debug)]
pub struct GateFunction {
    /// Which question it asks.
    pub stage: Stage,
    /// Wrong settings are an answer too (`Failed`, with all problems), not a crash at start that
    /// nobody hears of.
    pub settings: Result<Settings, SettingsError>,
    /// The clients.
    pub aws: Aws,
}

impl AsRef<Aws> for GateFunction {
    fn as_ref(&self) -> &Aws {
        &self.aws
    }
}
