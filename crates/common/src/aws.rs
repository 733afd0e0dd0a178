//! AWS clients, each built at its first use: a client costs milliseconds of start-up, and most
//! invocations need few of them.
//!
//! Every call has a time limit here. A call without one could hold a gate until its function is
//! killed, and a killed gate gives no answer.
//!
//! The configuration is put together from what Lambda sets, and not by `aws-config`: its chain of
//! profiles, roles and metadata services weighs a megabyte in each package, and no Lambda function
//! needs it.

use std::sync::OnceLock;
use std::time::Duration;

use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_types::SdkConfig;

use crate::lookup::Lookup;

/// One try of a call, from connecting to the last byte of the answer.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
/// A call with all its retries.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
/// Tries of a call, with the SDK's standard back-off between them. One more than the SDK's own
/// default: the read limits are shared by the whole account, and a throttled look-up must not stop a
/// good release.
pub const MAX_TRIES: u32 = 4;
/// Connecting alone.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// As whom calls are made: decides which remedy an error names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// A Lambda function, with its role.
    Function,
    /// A person at a command line, with credentials of their own.
    Person,
}

/// The clients of one function, shared by all its invocations.
#[derive(Debug)]
pub struct Aws {
    identity: Identity,
    settings: ClientSettings,
    config: OnceLock<SdkConfig>,
    clients: Clients,
    clock_skew: OnceLock<SharedInterceptor>,
}

/// Where calls go, and as whom: what Lambda sets in each function's environment.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
#[derive(Debug, Default)]
struct ClientSettings {
    region: Option<String>,
    endpoint_url: Option<String>,
    use_fips: bool,
    use_dual_stack: bool,
    credentials: Option<Credentials>,
}

impl ClientSettings {
    fn read(lookup: Lookup<'_>) -> Self {
        let set = |name| lookup(name).filter(|value| !value.is_empty());
        let on = |name| set(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let keys = set("AWS_ACCESS_KEY_ID").zip(set("AWS_SECRET_ACCESS_KEY"));
        Self {
            region: set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")),
            endpoint_url: set("AWS_ENDPOINT_URL"),
            use_fips: on("AWS_USE_FIPS_ENDPOINT"),
            use_dual_stack: on("AWS_USE_DUALSTACK_ENDPOINT"),
            credentials: keys.map(|(id, secret)| {
                Credentials::new(id, secret, set("AWS_SESSION_TOKEN"), None, "Environment")
            }),
        }
    }

    fn config(&self) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(self.region.clone().map(Region::new))
            .use_fips(self.use_fips)
            .use_dual_stack(self.use_dual_stack)
            .http_client(http_client())
            .retry_config(RetryConfig::standard().with_max_attempts(MAX_TRIES))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .timeout_config(timeouts());
        config.set_endpoint_url(self.endpoint_url.clone());
        let credentials = self.credentials.clone().map(SharedCredentialsProvider::new);
        config.set_credentials_provider(credentials);
        config.build()
    }
}

/// The table of all clients: the accessor of [`Aws`], the crate of the SDK, and what AWS calls the service.
macro_rules! clients {
    ($($name:ident, $sdk:ident, $service:literal;)+) => {
        /// Each is built at its first use.
        #[derive(Debug, Default)]
        struct Clients {
            $($name: OnceLock<$sdk::Client>,)+
        }

        impl Aws {
            $(
                #[doc = concat!("The client of ", $service, ".")]
                pub fn $name(&self) -> &$sdk::Client {
                    self.clients.$name.get_or_init(|| $sdk::Client::new(self.config()))
                }
            )+
        }
    };
}

clients! {
    codedeploy, aws_sdk_codedeploy, "AWS CodeDeploy";
    codepipeline, aws_sdk_codepipeline, "AWS CodePipeline";
    ecs, aws_sdk_ecs, "Amazon ECS";
    s3, aws_sdk_s3, "Amazon S3";
    sns, aws_sdk_sns, "Amazon SNS";
    sts, aws_sdk_sts, "AWS Security Token Service";
}

impl Aws {
    /// Clients of the account and region that `lookup` names in `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and `AWS_ENDPOINT_URL` for a local AWS.
    pub fn new(lookup: Lookup<'_>) -> Self {
        Self::at(ClientSettings::read(lookup), OnceLock::new())
    }

    /// Clients over a given configuration: for tests and replays.
    pub fn from_config(config: SdkConfig) -> Self {
        Self::at(ClientSettings::default(), OnceLock::from(config))
    }

    /// Clients like these in another region, and in another account if credentials of it are given.
    #[must_use]
    pub fn in_region(&self, region: &str, credentials: Option<Credentials>) -> Self {
        let mut config = self
            .config()
            .to_builder()
            .region(Region::new(region.to_owned()));
        if let Some(credentials) = credentials {
            config = config.credentials_provider(SharedCredentialsProvider::new(credentials));
        }
        Self::from_config(config.build()).called_by(self.identity)
    }

    /// The same clients, used by `identity`. Without this it is a function.
    #[must_use]
    pub fn called_by(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Who calls.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    fn at(settings: ClientSettings, config: OnceLock<SdkConfig>) -> Self {
        Self {
            identity: Identity::Function,
            settings,
            config,
            clients: Clients::default(),
            clock_skew: OnceLock::new(),
        }
    }

    /// What corrects signatures for a clock that goes wrong here, of all calls that have no client of the SDK.
    pub(crate) fn clock_skew(&self) -> SharedInterceptor {
        let make = || SharedInterceptor::new(ServiceClockSkewInterceptor::new());
        self.clock_skew.get_or_init(make).clone()
    }

    /// What all clients are built from: for a client that only one crate needs.
    pub fn config(&self) -> &SdkConfig {
        self.config.get_or_init(|| self.settings.config())
    }
}

impl AsRef<Aws> for Aws {
    fn as_ref(&self) -> &Aws {
        self
    }
}

/// What carries the calls: HTTPS by rustls and ring, with the certificates that this system trusts.
pub fn http_client() -> SharedHttpClient {
    let ring = tls::rustls_provider::CryptoMode::Ring;
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(ring))
        .build_https()
}

/// The time limits of every call; public so that a replayed configuration has the same ones.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// An SDK error in one readable line: AWS's code and message, or what happened on the way.
///
/// The SDK's own texts are either too short ("service error") or a page of Rust structures.
pub fn explain<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => match (answer.err().code(), answer.err().message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => {
                let status = answer.raw().status().as_u16();
                format!("HTTP status {status} without an error code")
            }
        },
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => format!("the connection failed ({})", innermost(error)),
        SdkError::ResponseError(answer) => format!(
            "the answer, with HTTP status {}, broke off or could not be read ({})",
            answer.raw().status().as_u16(),
            innermost(error)
        ),
        _ => DisplayErrorContext(error).to_string(),
    }
}

/// The last error in the chain: the one that says what really happened.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    current.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_what_lambda_sets() {
        let settings = ClientSettings::read(&|name| match name {
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("key".to_owned()),
            "AWS_ENDPOINT_URL" => Some(String::new()),
            "AWS_USE_FIPS_ENDPOINT" => Some("True".to_owned()),
            _ => None,
        });
        assert_eq!(settings.region.as_deref(), Some("eu-central-1"));
        assert_eq!(settings.endpoint_url, None, "an empty value is none");
        assert!(settings.use_fips && !settings.use_dual_stack);
        assert!(settings.credentials.is_some());
        assert!(ClientSettings::read(&|_| None).credentials.is_none());
    }
}
