//! AWS clients, each built at its first use: a client costs milliseconds of start-up, and most
//! invocations need few of them.
//!
//! Every call has a time limit here. A call without one could hold a gate until its function is
//! killed, and a killed gate answers nobody.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sns::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

/// One try of a call, from connecting to the last byte of the answer.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
/// A call with all its retries (the SDK's standard retry: three tries with back-off).
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Connecting alone.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The clients of one function, shared by all its invocations.
#[derive(Debug, Default)]
pub struct Aws {
    config: OnceCell<SdkConfig>,
    codedeploy: OnceCell<aws_sdk_codedeploy::Client>,
    ecs: OnceCell<aws_sdk_ecs::Client>,
    elb: OnceCell<aws_sdk_elasticloadbalancingv2::Client>,
    s3: OnceCell<aws_sdk_s3::Client>,
    secretsmanager: OnceCell<aws_sdk_secretsmanager::Client>,
    sns: OnceCell<aws_sdk_sns::Client>,
    ssm: OnceCell<aws_sdk_ssm::Client>,
}

/// One accessor a client, all of one shape.
macro_rules! client {
    ($name:ident, $sdk:ident, $service:literal) => {
        #[doc = concat!("The client of ", $service, ".")]
        pub async fn $name(&self) -> &$sdk::Client {
            self.$name
                .get_or_init(async || $sdk::Client::new(self.config().await))
                .await
        }
    };
}

impl Aws {
    /// Clients of the account and region that the environment names (also a local endpoint in
    /// `AWS_ENDPOINT_URL` or `AWS_ENDPOINT_URL_<SERVICE>`). Reads nothing until the first call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Clients over a given configuration: for tests and replays.
    pub fn from_config(config: SdkConfig) -> Self {
        Self {
            config: OnceCell::new_with(Some(config)),
            ..Self::default()
        }
    }

    client!(codedeploy, aws_sdk_codedeploy, "AWS CodeDeploy");
    client!(ecs, aws_sdk_ecs, "Amazon ECS");
    client!(
        elb,
        aws_sdk_elasticloadbalancingv2,
        "Elastic Load Balancing"
    );
    client!(s3, aws_sdk_s3, "Amazon S3");
    client!(
        secretsmanager,
        aws_sdk_secretsmanager,
        "AWS Secrets Manager"
    );
    client!(sns, aws_sdk_sns, "Amazon SNS");
    client!(ssm, aws_sdk_ssm, "AWS Systems Manager Parameter Store");

    /// The region in use, where one is known.
    pub async fn region(&self) -> Option<String> {
        self.config()
            .await
            .region()
            .map(|region| region.as_ref().to_owned())
    }

    async fn config(&self) -> &SdkConfig {
        self.config
            .get_or_init(async || {
                aws_config::defaults(BehaviorVersion::v2026_01_12())
                    .timeout_config(timeouts())
                    .load()
                    .await
            })
            .await
    }
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
        SdkError::ServiceError(context) => {
            let service = context.err();
            let status = context.raw().status().as_u16();
            match (service.code(), service.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                _ => format!("HTTP status {status} without an error code"),
            }
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            format!("the connection failed ({})", innermost(error))
        }
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
