//! Invokes the version of a function that is under test.

use std::time::Instant;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use common::aws::CONNECT_TIMEOUT;
use data_encoding::BASE64;
use gate::cloud::{CloudError, Invocation};

use super::Cloud;

/// Invokes the target version and waits: the check's own time-out cuts it. It is not tried again, as it may have changed something.
pub(super) async fn version(cloud: &Cloud, payload: String) -> Result<Invocation, CloudError> {
    let (name, version) = (cloud.needed("function")?, cloud.needed("target_version")?);
    let function = format!("{name}:{version}");
    let aws = cloud.aws();
    let patient = aws_sdk_lambda::config::Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .disable_operation_attempt_timeout()
                .disable_operation_timeout()
                .disable_read_timeout()
                .build(),
        );
    let call = aws
        .lambda()
        .invoke()
        .function_name(name)
        .qualifier(version)
        .invocation_type(InvocationType::RequestResponse)
        .log_type(LogType::Tail)
        .payload(Blob::new(payload))
        .customize()
        .config_override(patient);
    let permission =
        format!("lambda:InvokeFunction on {function}: name it in the parameter FunctionsUnderTest");
    let begun = Instant::now();
    let answer = call.send().await;
    let took = begun.elapsed();
    let answer = answer.map_err(super::failed(
        aws,
        format!("Invoke {function}"),
        &permission,
        "the version does not exist; publish it, or correct the AppSpec's TargetVersion",
    ))?;
    let executed = answer.executed_version().unwrap_or(version);
    if executed != version {
        return Err(CloudError(format!(
            "Invoke {function} ran the version {executed}, which is not the one under test"
        )));
    }
    let tail = answer.log_result().unwrap_or_default();
    let tail = BASE64.decode(tail.as_bytes()).unwrap_or_default();
    Ok(Invocation {
        executed_version: executed.to_owned(),
        error: answer.function_error().map(str::to_owned),
        log_tail: String::from_utf8_lossy(&tail).into_owned(),
        payload: answer.payload.map(Blob::into_inner).unwrap_or_default(),
        function,
        took,
    })
}
