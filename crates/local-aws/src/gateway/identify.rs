//! Which service and which operation a request is for, found the way the services themselves do:
//! by the credential scope of the signature, by target header, form field or path.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, header};
use url::form_urlencoded;

use super::rest_names;
use crate::wire::Protocol;

/// The service of a call that does not say which it is for.
const UNKNOWN: &str = "-";

/// The service's signing name, such as `codedeploy`.
pub(super) fn service(parts: &Parts) -> String {
    let signed = header_text(&parts.headers, "authorization")
        .and_then(|authorization| {
            let scope = authorization.split_once("Credential=")?.1;
            in_scope(scope.split([',', ' ']).next()?)
        })
        .or_else(|| in_scope(&query(parts, "X-Amz-Credential")?));
    signed
        .or_else(|| unsigned(parts))
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The ARN of who calls, by the access key: a user of that name. The emulator gives functions the
/// account's number as their key; they are a session of a role.
pub(super) fn caller(parts: &Parts, account: &str) -> String {
    let signed = header_text(&parts.headers, "authorization")
        .and_then(|authorization| authorization.split_once("Credential="))
        .and_then(|(_, credential)| credential.split('/').next())
        .filter(|key| !key.is_empty());
    match signed {
        Some(key) if key == account => {
            format!("arn:aws:sts::{account}:assumed-role/function/function")
        }
        Some(key) => format!("arn:aws:iam::{account}:user/{key}"),
        None => format!("arn:aws:iam::{account}:root"),
    }
}

/// The account of who calls: the access key where that is an account's number, as the emulator gives it
/// to functions.
pub(super) fn account(parts: &Parts, own: &str) -> String {
    let key = credential(parts).and_then(|credential| credential.split('/').next());
    let numbered = |key: &&str| key.len() == 12 && key.bytes().all(|b| b.is_ascii_digit());
    key.filter(numbered).unwrap_or(own).to_owned()
}

/// The region in the credential scope.
pub(super) fn region(parts: &Parts) -> Option<String> {
    let scope = credential(parts)?.split([',', ' ']).next()?;
    let region = scope.split('/').rev().nth(2)?;
    (!region.is_empty()).then(|| region.to_owned())
}

/// `AK/date/region/…` and what follows.
fn credential(parts: &Parts) -> Option<&str> {
    let authorization = header_text(&parts.headers, "authorization")?;
    Some(authorization.split_once("Credential=")?.1)
}

/// `AK/date/region/SERVICE/aws4_request`; `SigV4A` has no region.
fn in_scope(credential: &str) -> Option<String> {
    let mut from_the_end = credential.rsplit('/');
    from_the_end.next().filter(|end| *end == "aws4_request")?;
    Some(from_the_end.next()?.to_owned())
}

fn unsigned(parts: &Parts) -> Option<String> {
    if let Some((prefix, _)) = target(&parts.headers) {
        // `AmazonEC2ContainerServiceV20141113`, `CodeDeploy_20141006`, `AWSEvents`, …
        let service = match prefix {
            prefix if prefix.starts_with("AmazonEC2ContainerService") => "ecs".to_owned(),
            "AnyScaleFrontendService" => "application-autoscaling".to_owned(),
            prefix => prefix.split('_').next()?.to_ascii_lowercase(),
        };
        return Some(service);
    }
    if query(parts, "Version").as_deref() == Some("2015-12-01") {
        return Some("elasticloadbalancing".to_owned());
    }
    // The signatures that came before version 4; some SDKs still sign S3 addresses so.
    let old_header = header_text(&parts.headers, "authorization");
    if old_header.is_some_and(|old| old.starts_with("AWS "))
        || query(parts, "AWSAccessKeyId").is_some()
    {
        return Some("s3".to_owned());
    }
    let of_lambda = parts.uri.path().starts_with("/2015-03-31/functions");
    of_lambda.then(|| "lambda".to_owned())
}

/// The protocol that the request speaks and its answer has to.
pub(super) fn protocol(parts: &Parts, service: &str) -> Protocol {
    let content_type = header_text(&parts.headers, "content-type").unwrap_or_default();
    if header_text(&parts.headers, "smithy-protocol") == Some("rpc-v2-cbor") {
        Protocol::Cbor
    } else if target(&parts.headers).is_some() {
        Protocol::Json {
            content_type: content_type.to_owned(),
        }
    } else if service == "s3" {
        Protocol::RestXml
    } else if content_type.starts_with("application/x-www-form-urlencoded")
        || query(parts, "Action").is_some()
    {
        Protocol::Query
    } else {
        Protocol::RestJson
    }
}

/// The operation; for REST services without a table of names, method and path.
pub(super) fn operation(parts: &Parts, service: &str, form: &[u8]) -> String {
    let path = parts.uri.path();
    if let Some((_, operation)) = target(&parts.headers) {
        return operation.to_owned();
    }
    if let Some((_, operation)) = path
        .strip_prefix("/service/")
        .and_then(|rest| rest.split_once("/operation/"))
    {
        return operation.to_owned();
    }
    if let Some(action) = query(parts, "Action").or_else(|| field(form, "Action")) {
        return action;
    }
    let queries: Vec<String> = form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect();
    let named = match service {
        "s3" => rest_names::s3(&rest_names::S3Call {
            method: &parts.method,
            path,
            bucket_in_host: bucket_in_host(&parts.headers),
            queries: &queries,
            copies: parts.headers.contains_key("x-amz-copy-source"),
        }),
        "bedrock-agentcore" => rest_names::agentcore(&parts.method, path).map(str::to_owned),
        "bedrock" => rest_names::bedrock(&parts.method, path).map(str::to_owned),
        "lambda" => rest_names::lambda(&parts.method, path).map(str::to_owned),
        _ => None,
    };
    named.unwrap_or_else(|| format!("{} {path}", parts.method))
}

/// `X-Amz-Target: prefix.operation`
fn target(headers: &HeaderMap) -> Option<(&str, &str)> {
    header_text(headers, "x-amz-target")?.rsplit_once('.')
}

fn bucket_in_host(headers: &HeaderMap) -> bool {
    let host = header_text(headers, header::HOST.as_str()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    !address && name.contains('.') && !name.starts_with("s3.") && !name.starts_with("s3-")
}

fn query(parts: &Parts, name: &str) -> Option<String> {
    field(parts.uri.query()?.as_bytes(), name)
}

fn field(form: &[u8], name: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(form);
    fields
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request = Request::builder().method(method).uri(uri);
        let request = headers
            .iter()
            .fold(request, |r, (name, value)| r.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn signed(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=00"
        )
    }

    #[test]
    fn the_credential_scope_names_the_service() {
        let header = signed("codedeploy");
        assert_eq!(
            service(&parts("POST", "/", &[("authorization", &header)])),
            "codedeploy"
        );
        let presigned = "/b/k?X-Amz-Credential=AK%2F20261121%2Fus-east-1%2Fs3%2Faws4_request";
        assert_eq!(service(&parts("GET", presigned, &[])), "s3");
    }

    #[test]
    fn the_access_key_names_the_caller() {
        let header = signed("codepipeline");
        let by = |header: &str| {
            caller(
                &parts("POST", "/", &[("authorization", header)]),
                "000000000000",
            )
        };
        assert_eq!(by(&header), "arn:aws:iam::000000000000:user/AK");
        let function = header.replace("=AK/", "=000000000000/");
        assert_eq!(
            by(&function),
            "arn:aws:sts::000000000000:assumed-role/function/function"
        );
        assert_eq!(
            caller(&parts("POST", "/", &[]), "000000000000"),
            "arn:aws:iam::000000000000:root"
        );
    }

    #[test]
    fn account_and_region_are_in_the_credential() {
        let header = signed("ecs");
        let of = |header: &str| {
            let parts = parts("POST", "/", &[("authorization", header)]);
            (account(&parts, "000000000000"), region(&parts))
        };
        let region = Some("us-east-1".to_owned());
        assert_eq!(of(&header), ("000000000000".to_owned(), region.clone()));
        let function = header.replace("=AK/", "=111122223333/");
        assert_eq!(of(&function), ("111122223333".to_owned(), region));
        assert_eq!(of("none"), ("000000000000".to_owned(), None));
    }

    #[test]
    fn without_a_signature_target_version_or_path_do() {
        let target = [("x-amz-target", "CodeDeploy_20141006.GetDeployment")];
        assert_eq!(service(&parts("POST", "/", &target)), "codedeploy");
        let target = [(
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.ListTasks",
        )];
        assert_eq!(service(&parts("POST", "/", &target)), "ecs");
        let target = [("x-amz-target", "AnyScaleFrontendService.TagResource")];
        let found = service(&parts("POST", "/", &target));
        assert_eq!(found, "application-autoscaling");
        let uri = "/?Action=DescribeListeners&Version=2015-12-01";
        assert_eq!(service(&parts("GET", uri, &[])), "elasticloadbalancing");
        assert_eq!(
            service(&parts("GET", "/2015-03-31/functions/f", &[])),
            "lambda"
        );
        let old = "/b/k?AWSAccessKeyId=test&Signature=x&Expires=1";
        assert_eq!(service(&parts("GET", old, &[])), "s3");
        assert_eq!(service(&parts("GET", "/", &[])), "-");
    }

    #[test]
    fn operations_are_found_in_target_form_query_and_path() {
        let json = parts(
            "POST",
            "/",
            &[("x-amz-target", "DynamoDB_20120810.GetItem")],
        );
        assert_eq!(operation(&json, "dynamodb", b""), "GetItem");
        let form = parts("POST", "/", &[]);
        assert_eq!(
            operation(&form, "sns", b"Action=Publish&Message=x"),
            "Publish"
        );
        let cbor = parts(
            "POST",
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            &[],
        );
        assert_eq!(operation(&cbor, "monitoring", b""), "PutMetricData");
        let rest = parts("GET", "/schedules/x", &[]);
        assert_eq!(operation(&rest, "scheduler", b""), "GET /schedules/x");
    }

    #[test]
    fn s3_buckets_are_found_in_path_and_host() {
        let path = parts("PUT", "/bucket/key", &[("host", "127.0.0.1:4566")]);
        assert_eq!(operation(&path, "s3", b""), "PutObject");
        let host = parts("PUT", "/key", &[("host", "bucket.localhost:4566")]);
        assert_eq!(operation(&host, "s3", b""), "PutObject");
        let bucket = parts("PUT", "/bucket", &[("host", "localhost:4566")]);
        assert_eq!(operation(&bucket, "s3", b""), "CreateBucket");
    }
}
