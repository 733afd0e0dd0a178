//! Operation names of the REST services that matter here, from method, path and query.

use http::Method;

/// What distinguishes S3 operations.
pub(super) struct S3Call<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) bucket_in_host: bool,
    pub(super) queries: &'a [String],
    pub(super) copies: bool,
}

/// Sub-resources of buckets and objects: the query that names them and the part of the operation's
/// name they make.
const BUCKET_PARTS: &[(&str, &str)] = &[
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "BucketAcl"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("notification", "BucketNotificationConfiguration"),
    ("object-lock", "ObjectLockConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("replication", "BucketReplication"),
    ("requestPayment", "BucketRequestPayment"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
    ("website", "BucketWebsite"),
];
const OBJECT_PARTS: &[(&str, &str)] = &[
    ("acl", "ObjectAcl"),
    ("attributes", "ObjectAttributes"),
    ("legal-hold", "ObjectLegalHold"),
    ("retention", "ObjectRetention"),
    ("tagging", "ObjectTagging"),
];

/// The S3 operation of a request.
pub(super) fn s3(call: &S3Call) -> Option<String> {
    let path = call.path.trim_start_matches('/');
    let (bucket, key) = if call.bucket_in_host {
        (true, !path.is_empty())
    } else {
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        (!bucket.is_empty(), !key.is_empty())
    };
    let (part, name) = match (bucket, key) {
        (false, _) => (None, (call.method == Method::GET).then_some("ListBuckets")),
        (true, false) => (call.part(BUCKET_PARTS), of_bucket(call)),
        (true, true) => (call.part(OBJECT_PARTS), of_object(call)),
    };
    part.or_else(|| name.map(str::to_owned))
}

/// The operation of a call of Bedrock `AgentCore`.
pub(super) fn agentcore(method: &Method, path: &str) -> Option<&'static str> {
    let of_session = path.strip_prefix("/browsers/")?.split_once('/')?.1;
    match (method, of_session) {
        (&Method::PUT, "sessions/start") => Some("StartBrowserSession"),
        (&Method::PUT, "sessions/stop") => Some("StopBrowserSession"),
        (&Method::GET, "sessions/get") => Some("GetBrowserSession"),
        _ => None,
    }
}

/// The operation of a call of Bedrock's runtime.
pub(super) fn bedrock(method: &Method, path: &str) -> Option<&'static str> {
    let of_model = path.strip_prefix("/model/")?.split_once('/')?.1;
    (method == Method::POST && of_model == "converse").then_some("Converse")
}

impl S3Call<'_> {
    fn asks(&self, name: &str) -> bool {
        self.queries.iter().any(|query| query == name)
    }

    /// `GetBucketPolicy` and the like, when a sub-resource is named.
    fn part(&self, parts: &[(&str, &str)]) -> Option<String> {
        let (_, part) = parts.iter().find(|(query, _)| self.asks(query))?;
        let verb = match *self.method {
            Method::GET => "Get",
            Method::PUT => "Put",
            Method::DELETE => "Delete",
            _ => return None,
        };
        Some(format!("{verb}{part}"))
    }
}

fn of_bucket(call: &S3Call) -> Option<&'static str> {
    let name = match *call.method {
        Method::GET if call.asks("uploads") => "ListMultipartUploads",
        Method::GET if call.asks("versions") => "ListObjectVersions",
        Method::GET if call.asks("list-type") => "ListObjectsV2",
        Method::GET => "ListObjects",
        Method::HEAD => "HeadBucket",
        Method::PUT => "CreateBucket",
        Method::DELETE => "DeleteBucket",
        Method::POST if call.asks("delete") => "DeleteObjects",
        Method::POST => "PostObject",
        _ => return None,
    };
    Some(name)
}

fn of_object(call: &S3Call) -> Option<&'static str> {
    let name = match *call.method {
        Method::GET if call.asks("uploadId") => "ListParts",
        Method::GET => "GetObject",
        Method::HEAD => "HeadObject",
        Method::PUT if call.asks("partNumber") && call.copies => "UploadPartCopy",
        Method::PUT if call.asks("partNumber") => "UploadPart",
        Method::PUT if call.copies => "CopyObject",
        Method::PUT => "PutObject",
        Method::DELETE if call.asks("uploadId") => "AbortMultipartUpload",
        Method::DELETE => "DeleteObject",
        Method::POST if call.asks("uploads") => "CreateMultipartUpload",
        Method::POST if call.asks("uploadId") => "CompleteMultipartUpload",
        Method::POST if call.asks("select") => "SelectObjectContent",
        Method::POST if call.asks("restore") => "RestoreObject",
        _ => return None,
    };
    Some(name)
}

/// The Lambda operation of a request.
pub(super) fn lambda(method: &Method, path: &str) -> Option<&'static str> {
    let mut segments = path.trim_matches('/').split('/').skip(1);
    if segments.next()? != "functions" {
        return None;
    }
    let segments: Vec<&str> = segments.collect();
    let name = match (method.as_str(), segments.as_slice()) {
        ("POST", []) => "CreateFunction",
        ("GET", []) => "ListFunctions",
        ("GET", [_]) => "GetFunction",
        ("DELETE", [_]) => "DeleteFunction",
        ("POST", [_, "invocations"]) => "Invoke",
        ("POST", [_, "response-streaming-invocations"]) => "InvokeWithResponseStream",
        ("GET", [_, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", [_, "configuration"]) => "UpdateFunctionConfiguration",
        ("PUT", [_, "code"]) => "UpdateFunctionCode",
        ("POST", [_, "versions"]) => "PublishVersion",
        ("GET", [_, "versions"]) => "ListVersionsByFunction",
        ("POST", [_, "aliases"]) => "CreateAlias",
        ("GET", [_, "aliases"]) => "ListAliases",
        ("GET", [_, "aliases", _]) => "GetAlias",
        ("PUT", [_, "aliases", _]) => "UpdateAlias",
        ("DELETE", [_, "aliases", _]) => "DeleteAlias",
        ("POST", [_, "policy"]) => "AddPermission",
        ("GET", [_, "policy"]) => "GetPolicy",
        ("DELETE", [_, "policy", _]) => "RemovePermission",
        ("PUT", [_, "event-invoke-config"]) => "PutFunctionEventInvokeConfig",
        ("GET", [_, "event-invoke-config"]) => "GetFunctionEventInvokeConfig",
        ("PUT", [_, "concurrency"]) => "PutFunctionConcurrency",
        ("DELETE", [_, "concurrency"]) => "DeleteFunctionConcurrency",
        ("GET", [_, "concurrency"]) => "GetFunctionConcurrency",
        ("POST", [_, "url"]) => "CreateFunctionUrlConfig",
        ("GET", [_, "url"]) => "GetFunctionUrlConfig",
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3_name(method: &Method, path: &str, queries: &[&str]) -> Option<String> {
        let queries: Vec<String> = queries.iter().map(ToString::to_string).collect();
        let queries = queries.as_slice();
        s3(&S3Call {
            method,
            path,
            bucket_in_host: false,
            queries,
            copies: false,
        })
    }

    #[test]
    fn s3_operations_have_their_names() {
        for (method, path, queries, name) in [
            (Method::GET, "/", &[][..], "ListBuckets"),
            (Method::PUT, "/b", &[], "CreateBucket"),
            (Method::PUT, "/b/", &[], "CreateBucket"),
            (Method::GET, "/b", &["list-type", "prefix"], "ListObjectsV2"),
            (
                Method::PUT,
                "/b",
                &["publicAccessBlock"],
                "PutPublicAccessBlock",
            ),
            (Method::GET, "/b", &["location"], "GetBucketLocation"),
            (Method::POST, "/b", &["delete"], "DeleteObjects"),
            (Method::PUT, "/b/k/l", &[], "PutObject"),
            (Method::GET, "/b/k", &["versionId"], "GetObject"),
            (Method::HEAD, "/b/k", &[], "HeadObject"),
            (
                Method::PUT,
                "/b/k",
                &["partNumber", "uploadId"],
                "UploadPart",
            ),
            (Method::POST, "/b/k", &["uploads"], "CreateMultipartUpload"),
            (Method::PUT, "/b/k", &["tagging"], "PutObjectTagging"),
        ] {
            assert_eq!(
                s3_name(&method, path, queries),
                Some(name.to_owned()),
                "{path} {queries:?}"
            );
        }
    }

    #[test]
    fn lambda_operations_have_their_names() {
        let name = |method: Method, path: &str| lambda(&method, path);
        let function = "/2015-03-31/functions/CodeDeployHook_pre-traffic";
        assert_eq!(name(Method::GET, function), Some("GetFunction"));
        assert_eq!(
            name(Method::POST, &format!("{function}/invocations")),
            Some("Invoke")
        );
        assert_eq!(
            name(Method::POST, "/2015-03-31/functions"),
            Some("CreateFunction")
        );
        assert_eq!(name(Method::GET, "/2015-03-31/event-source-mappings"), None);
    }
}
