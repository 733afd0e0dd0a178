//! Invokes the version of a function that is under test.

use std::time::Instant;

use common::lambda_invoke;
use data_encoding::BASE64;
use gate::cloud::{CloudError, Invocation};

use super::Cloud;

/// Invokes the target version and waits: the check's own time-out cuts it. It is not tried again, as it may have changed something.
pub(super) async fn version(cloud: &Cloud, payload: String) -> Result<Invocation, CloudError> {
    let (name, version) = (cloud.needed("function")?, cloud.needed("target_version")?);
    let function = format!("{name}:{version}");
    let aws = cloud.aws();
    let permission =
        format!("lambda:InvokeFunction on {function}: name it in the parameter FunctionsUnderTest");
    let begun = Instant::now();
    let answer = lambda_invoke::invoke_version(aws, name, version, payload).await;
    let took = begun.elapsed();
    let answer = answer.map_err(super::failed(
        aws,
        format!("Invoke {function}"),
        &permission,
        "the version does not exist; publish it, or correct the AppSpec's TargetVersion",
    ))?;
    let executed = answer.executed_version.as_deref().unwrap_or(version);
    if executed != version {
        return Err(CloudError(format!(
            "Invoke {function} ran the version {executed}, which is not the one under test"
        )));
    }
    let tail = answer.log_tail.unwrap_or_default();
    let tail = BASE64.decode(tail.as_bytes()).unwrap_or_default();
    Ok(Invocation {
        executed_version: executed.to_owned(),
        error: answer.error,
        log_tail: String::from_utf8_lossy(&tail).into_owned(),
        payload: answer.payload,
        function,
        took,
    })
}
