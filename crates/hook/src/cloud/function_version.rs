//! What Lambda says of a version of a function.

use common::aws::Aws;
use common::json_api::CallError;
use common::rest_api::{self, LAMBDA, path_segment};
use serde_json::Value;

/// Its configuration, as `GetFunctionConfiguration` has it.
pub(super) async fn configuration(
    aws: &Aws,
    name: &str,
    version: &str,
) -> Result<Value, CallError> {
    let (name, version) = (path_segment(name), path_segment(version));
    let path = format!("/2015-03-31/functions/{name}/configuration?Qualifier={version}");
    let route = ("GET", path.as_str());
    rest_api::call(aws, LAMBDA, "GetFunctionConfiguration", route, Value::Null).await
}
