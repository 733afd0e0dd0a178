//! Asks a model of Amazon Bedrock, for agents.

use common::aws::Aws;
use common::rest_api::{self, BEDROCK_RUNTIME, path_segment};
use gate::cloud::{CloudError, ModelQuery};
use serde_json::Value;

use super::failed;

/// What the model answers, as Converse has it.
pub(crate) async fn answer(aws: &Aws, query: &ModelQuery) -> Result<Value, CloudError> {
    let model = &query.model;
    let path = format!("/model/{}/converse", path_segment(model));
    let permission = "bedrock:InvokeModel on the model, and on the inference profile that leads to it: name them in the \
                      parameter AgentModelArns";
    let absent = "there is no such model in this region, or the account has no access to it";
    let route = ("POST", path.as_str());
    let answer = rest_api::call(aws, BEDROCK_RUNTIME, "Converse", route, query.body.clone()).await;
    answer.map_err(failed(aws, format!("Converse {model}"), permission, absent))
}
