//! A schedule is read, in whichever grammar it is written.

use crate::custodian::Policy;
use crate::kube_downscaler::Dialect;
use crate::syntax::{Context, Syntax};
use crate::{Schedule, ScheduleError, custodian, kube_downscaler, parse};

impl Schedule {
    /// Reads our own grammar. A window may leave its zone out only where a default is given.
    pub fn parse(text: &str, default_zone: Option<&str>) -> Result<Self, ScheduleError> {
        let context = Context {
            default_zone,
            ..Context::default()
        };
        parse::parse(text, &context)
    }

    /// Reads any of the grammars. In our own, the names of configured schedules are resolved. What the reader
    /// should know before relying on it stands in [`Schedule::remarks`].
    pub fn parse_as(
        syntax: Syntax,
        text: &str,
        context: &Context<'_>,
    ) -> Result<Self, ScheduleError> {
        let uptime = |dialect| kube_downscaler::parse(text, dialect, context.default_zone);
        match syntax {
            Syntax::Windows => parse::parse(text, context),
            Syntax::KubeDownscaler => uptime(Dialect::Either),
            Syntax::PyKubeDownscaler => uptime(Dialect::Python),
            Syntax::GoKubeDownscaler => uptime(Dialect::Go),
            Syntax::Custodian => {
                let default = Policy::default();
                let policy = context.policy.unwrap_or(&default);
                custodian::parse(text, policy, context.default_zone)
            }
        }
    }
}
