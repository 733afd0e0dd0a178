//! Services that speak AWS's older protocol, a form in and XML out, of which one or two calls are needed: see
//! [`crate::json_api`], which does everything but the shapes.

use aws_sdk_sns::error::ErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use url::form_urlencoded::Serializer;

use crate::aws::Aws;
use crate::json_api::{CallError, JsonError, JsonService, invoke, posted};

/// Such a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryService {
    at: JsonService,
    version: &'static str,
}

/// Amazon EC2.
pub const EC2: QueryService = QueryService {
    at: JsonService {
        fips_in_gov_cloud: true,
        ..JsonService::named("ec2", "")
    },
    version: "2016-11-15",
};

/// Calls `operation` with these parameters; returns the XML of the answer.
pub async fn call(
    aws: &Aws,
    service: QueryService,
    operation: &'static str,
    parameters: &[(String, String)],
) -> Result<String, CallError> {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", operation);
    form.append_pair("Version", service.version);
    for (name, value) in parameters {
        form.append_pair(name, value);
    }
    let write = |form: String| {
        let mut request = HttpRequest::new(SdkBody::from(form));
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        request
            .headers_mut()
            .try_insert("content-type", content_type)?;
        posted(request)
    };
    invoke((aws, service.at, operation), form.finish(), write, read).await
}

fn read(response: &HttpResponse) -> Result<String, OrchestratorError<JsonError>> {
    let body = response.body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(body).into_owned();
    if response.status().is_success() {
        return Ok(text);
    }
    let between = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>"))
            .map(|(value, _)| value)
    };
    let mut error = ErrorMetadata::builder();
    if let Some(code) = between("Code") {
        error = error.code(code);
    }
    if let Some(message) = between("Message") {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(JsonError(error.build())))
}
