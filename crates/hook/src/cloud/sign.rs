//! Signs requests of checks with the credentials of the function (AWS Signature Version 4), for APIs behind IAM.
//!
//! The credentials stay here: a check gets the headers, which are good for its own request, for some minutes.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use common::aws::Aws;
use gate::cloud::{CloudError, SigningRequest};

/// The headers that sign `request`.
pub(super) async fn headers(
    aws: &Aws,
    request: &SigningRequest,
) -> Result<Vec<(String, String)>, CloudError> {
    let config = aws.config();
    let own = config.region().map(AsRef::as_ref);
    let region = request.region.as_deref().or(own).ok_or_else(|| {
        CloudError("aws_sigv4: no AWS region is set; write one under `region`".to_owned())
    })?;
    let provider = config
        .credentials_provider()
        .ok_or_else(|| CloudError("aws_sigv4: no AWS credentials are set".to_owned()))?;
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| CloudError(format!("aws_sigv4: there are no AWS credentials: {error}")))?;
    signed(request, credentials, region, SystemTime::now())
}

pub(crate) fn signed(
    request: &SigningRequest,
    credentials: Credentials,
    region: &str,
    now: SystemTime,
) -> Result<Vec<(String, String)>, CloudError> {
    let wrong = |why: String| CloudError(format!("aws_sigv4: the request can't be signed: {why}"));
    // Without a host the signer panics.
    if !url::Url::parse(&request.url).is_ok_and(|url| url.has_host()) {
        return Err(wrong(format!("{:?} has no host", request.url)));
    }
    let mut settings = SigningSettings::default();
    if request.service == "s3" {
        // <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(&request.service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| wrong(error.to_string()))?
        .into();
    let headers = request.headers.iter();
    let signable = SignableRequest::new(
        &request.method,
        &request.url,
        headers.map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::Bytes(&request.body),
    )
    .map_err(|error| wrong(error.to_string()))?;
    let output = sign(signable, &params).map_err(|error| wrong(error.to_string()))?;
    let (instructions, _) = output.into_parts();
    let headers = instructions.headers();
    Ok(headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn request(service: &str, method: &str, url: &str, body: &'static str) -> SigningRequest {
        SigningRequest {
            service: service.to_owned(),
            region: None,
            method: method.to_owned(),
            url: url.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.into(),
        }
    }

    fn authorization(request: &SigningRequest) -> String {
        // 2026-01-02T03:04:05Z
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI",
            Some("TOKEN".to_owned()),
            None,
            "test",
        );
        let headers = signed(request, credentials, "eu-central-1", now).unwrap();
        let of = |name: &str| {
            headers
                .iter()
                .find(|(it, _)| it == name)
                .map(|(_, it)| it.clone())
        };
        assert_eq!(of("x-amz-date").as_deref(), Some("20260102T030405Z"));
        assert_eq!(of("x-amz-security-token").as_deref(), Some("TOKEN"));
        of("authorization").unwrap()
    }

    /// As botocore signs the same requests.
    #[test]
    fn signatures_are_those_of_aws_s_own_clients() {
        let api = "https://abc.execute-api.eu-central-1.amazonaws.com/prod/books%20old?b=2&a=1";
        assert_eq!(
            authorization(&request("execute-api", "POST", api, "{}")),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-central-1/execute-api/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=d041d986a9428fe9b79c0375c098816fc7cdcd280769403e5d0d6e8ad94275bd"
        );
        let bucket = "https://shop.s3.eu-central-1.amazonaws.com/a/../b%20c";
        assert_eq!(
            authorization(&request("s3", "PUT", bucket, "{}")),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-central-1/s3/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=18315013a1e224c5907e1212e9838b10c31054eb21e4d9820df8559183b3aa58"
        );
    }

    #[test]
    fn what_is_no_url_is_not_signed() {
        let wrong = request("execute-api", "GET", "/path", "");
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let why = signed(&wrong, credentials, "eu-central-1", SystemTime::UNIX_EPOCH);
        assert!(
            why.unwrap_err()
                .0
                .starts_with("aws_sigv4: the request can't be signed")
        );
    }
}
