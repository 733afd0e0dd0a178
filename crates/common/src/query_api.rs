//! Services that speak AWS's older protocol, a form in and XML out, of which a few calls are needed: see
//! [`crate::json_api`], which does everything but the shapes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use aws_sdk_sns::error::ErrorMetadata;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::form_urlencoded::Serializer;

use crate::aws::Aws;
pub use crate::json_api::Page;
use crate::json_api::{endless, posted};
use crate::service::{AwsService, FipsInGovCloud};
use crate::signed_call::{CallError, ServiceError, invoke, unreadable};

/// Such a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryService {
    at: AwsService,
    version: &'static str,
}

impl QueryService {
    /// The same service, each call made once: for who has retries of their own.
    #[must_use]
    pub const fn without_retries(self) -> Self {
        Self {
            at: self.at.without_retries(),
            ..self
        }
    }
}

/// Amazon EC2 Auto Scaling.
pub const AUTO_SCALING: QueryService = QueryService {
    at: AwsService {
        fips_in_gov_cloud: FipsInGovCloud::SingleStack,
        ..AwsService::named("Auto Scaling", "autoscaling", "")
    },
    version: "2011-01-01",
};

/// AWS CloudFormation.
pub const CLOUD_FORMATION: QueryService = QueryService {
    at: AwsService {
        fips_in_gov_cloud: FipsInGovCloud::SingleStack,
        ..AwsService::named("CloudFormation", "cloudformation", "")
    },
    version: "2010-05-15",
};

/// Amazon EC2.
pub const EC2: QueryService = QueryService {
    at: AwsService {
        fips_in_gov_cloud: FipsInGovCloud::SingleStack,
        ..AwsService::named("EC2", "ec2", "")
    },
    version: "2016-11-15",
};

/// Elastic Load Balancing.
pub const ELASTIC_LOAD_BALANCING: QueryService = QueryService {
    at: AwsService {
        fips_in_gov_cloud: FipsInGovCloud::SingleStack,
        ..AwsService::named("Elastic Load Balancing v2", "elasticloadbalancing", "")
    },
    version: "2015-12-01",
};

/// Amazon RDS.
pub const RDS: QueryService = QueryService {
    at: AwsService {
        fips_in_gov_cloud: FipsInGovCloud::SingleStack,
        ..AwsService::named("RDS", "rds", "")
    },
    version: "2014-10-31",
};

/// A parameter of a call.
pub fn parameter(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// A parameter that is a list: `Names.member.1`, `Names.member.2`.
pub fn list_parameter(name: &str, values: &[impl AsRef<str>]) -> Vec<(String, String)> {
    let numbered = (1..).zip(values);
    numbered
        .map(|(number, value)| parameter(&format!("{name}.member.{number}"), value.as_ref()))
        .collect()
}

/// A list within an answer, for `deserialize_with`: see [`List`].
pub fn members<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    List::deserialize(deserializer).map(|list| list.0)
}

/// A list within an answer, whatever its members are called: `<TagList><Tag>…</Tag></TagList>`.
#[derive(Debug)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name.starts_with('@') {
                        // An attribute.
                        map.next_value::<IgnoredAny>()?;
                    } else if name.starts_with('$') {
                        return Err(serde::de::Error::custom("a list has text in it"));
                    } else {
                        members.push(map.next_value()?);
                    }
                }
                Ok(List(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// All that `operation` lists with these parameters.
pub async fn list<P: Page>(
    aws: &Aws,
    service: QueryService,
    operation: &'static str,
    parameters: &[(String, String)],
) -> Result<Vec<P::Item>, CallError> {
    let mut listed = Vec::new();
    let mut parameters = parameters.to_vec();
    let length = parameters.len();
    loop {
        let form = form(service, operation, &parameters);
        let page = invoke((aws, service.at, operation), form, write, read_result::<P>);
        let (items, next) = page.await?.into_parts();
        listed.extend(items);
        match next.filter(|next| !next.is_empty()) {
            Some(next) => {
                let next = parameter(P::NEXT, next);
                if parameters[length..].contains(&next) {
                    return Err(endless());
                }
                parameters.truncate(length);
                parameters.push(next);
            }
            None => return Ok(listed),
        }
    }
}

/// Calls `operation` with these parameters; returns what it answers, or its first page.
pub async fn read<T>(
    aws: &Aws,
    service: QueryService,
    operation: &'static str,
    parameters: &[(String, String)],
) -> Result<T, CallError>
where
    T: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    let form = form(service, operation, parameters);
    invoke((aws, service.at, operation), form, write, read_result).await
}

/// Calls `operation` with these parameters; returns the XML of the answer.
pub async fn call(
    aws: &Aws,
    service: QueryService,
    operation: &'static str,
    parameters: &[(String, String)],
) -> Result<String, CallError> {
    let form = form(service, operation, parameters);
    let root = format!("<{operation}Response");
    let read = move |response: &HttpResponse| {
        let text = read_text(response)?;
        if text.contains(&root) {
            return Ok(text);
        }
        let error = format!("this is no answer to {operation}");
        Err(unreadable(error))
    };
    invoke((aws, service.at, operation), form, write, read).await
}

fn form(service: QueryService, operation: &'static str, parameters: &[(String, String)]) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("Action", operation);
    form.append_pair("Version", service.version);
    form.extend_pairs(parameters);
    form.finish()
}

fn write(form: String) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(form));
    let content_type = "application/x-www-form-urlencoded; charset=utf-8";
    let headers = request.headers_mut();
    headers.try_insert("content-type", content_type)?;
    posted(request)
}

fn read_result<T: DeserializeOwned>(
    response: &HttpResponse,
) -> Result<T, OrchestratorError<ServiceError>> {
    let text = read_text(response)?;
    let answer: Result<Answer<T>, _> = quick_xml::de::from_str(&text);
    let Answer(result) = answer.map_err(unreadable)?;
    Ok(result)
}

/// `<XResponse><XResult>…</XResult><ResponseMetadata>…</ResponseMetadata></XResponse>`
struct Answer<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Answer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResultVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ResultVisitor<T> {
            type Value = Answer<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer with a result")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut result = None;
                while let Some(name) = map.next_key::<String>()? {
                    if result.is_none() && name.ends_with("Result") {
                        result = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                let missing = || serde::de::Error::custom("the answer has no result");
                result.map(Answer).ok_or_else(missing)
            }
        }

        deserializer.deserialize_map(ResultVisitor(PhantomData))
    }
}

fn read_text(response: &HttpResponse) -> Result<String, OrchestratorError<ServiceError>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        let text = String::from_utf8(body.to_vec());
        return text.map_err(unreadable);
    }
    let text = String::from_utf8_lossy(body);
    let between = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        Some(quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), Cow::into_owned))
    };
    let mut error = ErrorMetadata::builder();
    if let Some(code) = between("Code") {
        error = error.code(code);
    }
    if let Some(message) = between("Message") {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(ServiceError(error.build())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Cause, Failure};
    use crate::replay::replay;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Groups {
        auto_scaling_groups: List<Group>,
        next_token: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Group {
        auto_scaling_group_name: String,
    }

    impl Page for Groups {
        type Item = String;
        const NEXT: &'static str = "NextToken";

        fn into_parts(self) -> (Vec<String>, Option<String>) {
            let groups = self.auto_scaling_groups.0.into_iter();
            let names = groups.map(|group| group.auto_scaling_group_name);
            (names.collect(), self.next_token)
        }
    }

    fn page(names: &[&str], next: &str) -> String {
        let member = |name| {
            format!(
                "<member><AutoScalingGroupName>{name}</AutoScalingGroupName><Instances/></member>"
            )
        };
        let members: Vec<String> = names.iter().map(member).collect();
        let members = members.concat();
        format!(
            "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
             <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
             <DescribeAutoScalingGroupsResult><AutoScalingGroups>{members}</AutoScalingGroups>{next}\
             </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
        )
    }

    #[tokio::test]
    async fn all_pages_are_read() {
        let first = page(&["a", "b &amp; c"], "<NextToken>t 1</NextToken>");
        let pages = [(200, first.as_str()), (200, &page(&[], ""))];
        let (aws, client) = replay(&pages);
        let parameters = [parameter("MaxRecords", "100")];
        let operation = "DescribeAutoScalingGroups";
        let listed = list::<Groups>(&aws, AUTO_SCALING, operation, &parameters).await;
        assert_eq!(listed.unwrap(), ["a", "b & c"]);
        let forms: Vec<_> = client
            .actual_requests()
            .map(|request| String::from_utf8_lossy(request.body().bytes().unwrap()).into_owned())
            .collect();
        let form = "Action=DescribeAutoScalingGroups&Version=2011-01-01&MaxRecords=100";
        assert_eq!(forms, [form.to_owned(), format!("{form}&NextToken=t+1")]);
    }

    #[tokio::test]
    async fn what_is_no_answer_is_no_empty_list() {
        let text_in_list = page(&[], "").replace("</AutoScalingGroups>", "a</AutoScalingGroups>");
        for body in [
            "",
            "<html/>",
            "<A><B>",
            "<A><XResult><Y/></XResult></A>",
            &text_in_list,
        ] {
            let (aws, _client) = replay(&[(200, body)]);
            let answer = list::<Groups>(&aws, AUTO_SCALING, "DescribeAutoScalingGroups", &[]).await;
            let failure = Failure::of(&answer.unwrap_err());
            assert_eq!(failure.cause, Cause::NoAnswer, "{body}");
        }
        let (aws, _client) = replay(&[(200, "<html/>")]);
        let answer = call(&aws, RDS.without_retries(), "StopDBInstance", &[]).await;
        let failure = Failure::of(&answer.unwrap_err());
        assert_eq!(failure.cause, Cause::NoAnswer);
    }

    #[tokio::test]
    async fn an_attribute_is_no_member_and_no_list_is_without_an_end() {
        let empty =
            page(&[], "").replace("<AutoScalingGroups>", r#"<AutoScalingGroups xmlns="b">"#);
        let (aws, _client) = replay(&[(200, empty.as_str())]);
        let operation = "DescribeAutoScalingGroups";
        let listed = list::<Groups>(&aws, AUTO_SCALING, operation, &[]).await;
        assert!(listed.unwrap().is_empty());
        let again = page(&["a"], "<NextToken>t</NextToken>");
        let (aws, _client) = replay(&[(200, again.as_str()), (200, &again), (200, &again)]);
        let listed = list::<Groups>(&aws, AUTO_SCALING, operation, &[]).await;
        let failure = Failure::of(&listed.unwrap_err());
        assert!(failure.detail.contains("same page"), "{}", failure.detail);
    }

    #[tokio::test]
    async fn an_error_has_its_code_and_is_not_retried_where_that_is_not_wanted() {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>\
                    <Message>Rate exceeded</Message></Error></ErrorResponse>";
        let (aws, client) = replay(&[(400, body)]);
        let answer = call(&aws, RDS.without_retries(), "StopDBInstance", &[]).await;
        let failure = Failure::of(&answer.unwrap_err());
        assert_eq!(failure.cause, Cause::Throttled);
        assert!(
            failure.detail.contains("Rate exceeded"),
            "{}",
            failure.detail
        );
        assert_eq!(client.actual_requests().count(), 1);
    }
}
