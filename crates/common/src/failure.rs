//! Why a call of AWS failed, and what to do about it.
//!
//! One classification for all look-ups: a message that asks for a permission where the call was
//! throttled sends people to the wrong place. Here the cause decides the remedy, and nothing else
//! does. Control flow matches on [`Cause`], never on a text.

use std::fmt;

use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};

use crate::aws::{Identity, MAX_TRIES, explain};

/// Why a call failed, by what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The caller may not do this.
    Denied,
    /// The caller is not who it says, or no longer: expired, unknown or missing credentials.
    Credentials,
    /// What was asked for does not exist.
    Absent,
    /// AWS asks to be called less often; all tries met this.
    Throttled,
    /// The service was reached, or may have been, and no answer came that could be read.
    NoAnswer,
    /// No connection came about.
    Unreachable,
    /// A fault of the service (5xx); all tries met one.
    Service,
    /// The request was refused for what it says.
    Refused,
    /// Nothing was sent.
    Client,
}

/// A failed call without its context: the cause and AWS's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Decides the remedy.
    pub cause: Cause,
    /// AWS's code and message, or what happened on the way.
    pub detail: String,
}

/// What the remedies name.
#[derive(Debug, Clone, Copy)]
pub struct Hints<'a> {
    /// The IAM action, with what it is for if that helps: `s3:GetObject on it`.
    pub permission: &'a str,
    /// What to do where the thing does not exist, as a sentence's end: `check its name`.
    pub absent: &'a str,
}

/// Codes of the services, beyond those that end in `AccessDenied…`.
const DENIED_CODES: &[&str] = &[
    "AllAccessDisabled",
    "AuthorizationError",
    "AuthorizationErrorException",
    "ForbiddenException",
    "KMSAccessDeniedException",
    "NotAuthorized",
    "NotAuthorizedException",
    "UnauthorizedOperation",
];
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>
const CREDENTIAL_CODES: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotSignedUp",
    "OptInRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
/// Those that the SDK repeats as throttling.
const THROTTLE_CODES: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

impl Failure {
    /// Reads an error of the SDK.
    pub fn of<E>(error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        Self {
            cause: cause(error),
            detail: explain(error),
        }
    }

    /// What the caller can do about it. Empty where AWS's own words are all there is.
    pub fn remedy(&self, caller: Identity, hints: Hints<'_>) -> String {
        let Hints { permission, absent } = hints;
        let service = permission.split(':').next().unwrap_or("the service");
        match self.cause {
            Cause::Denied => self.denied(caller, permission),
            Cause::Credentials => caller.credentials_remedy().to_owned(),
            Cause::Absent => absent.to_owned(),
            Cause::Throttled => format!(
                "AWS throttled all {MAX_TRIES} tries; other callers of {service} in this account use up its rate: try again later, or raise the quota"
            ),
            Cause::NoAnswer => format!("if this repeats, {}", caller.network_remedy(service)),
            Cause::Unreachable => caller.network_remedy(service),
            Cause::Service => {
                format!("a fault of {service} in all {MAX_TRIES} tries; try again later")
            }
            Cause::Refused | Cause::Client => String::new(),
        }
    }

    /// AWS's words, then the remedy.
    pub fn sentence(&self, caller: Identity, hints: Hints<'_>) -> String {
        let remedy = self.remedy(caller, hints);
        if remedy.is_empty() {
            return self.detail.clone();
        }
        format!("{}; {remedy}", self.detail)
    }

    fn denied(&self, caller: Identity, permission: &str) -> String {
        // Often another action than the one called: kms:Decrypt behind a secret, for one.
        let action = denied_action(&self.detail)
            .filter(|action| !permission.starts_with(action))
            .unwrap_or(permission);
        if self.detail.contains("explicit deny") {
            return format!(
                "a policy denies {action} to {caller} explicitly, so that no further permission helps: change that policy"
            );
        }
        format!("{caller} needs {action}")
    }
}

/// The action in `… is not authorized to perform: s3:GetObject on resource: …`.
fn denied_action(detail: &str) -> Option<&str> {
    let (_, rest) = detail.split_once("not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?.trim_end_matches(['.', ',']);
    let (service, name) = action.split_once(':')?;
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    (word(&service.replace('-', "")) && word(name)).then_some(action)
}

fn cause<E>(error: &SdkError<E>) -> Cause
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let service = context.err();
            let status = context.raw().status().as_u16();
            of_code(
                service.code().unwrap_or_default(),
                service.message().unwrap_or_default(),
                status,
            )
        }
        SdkError::TimeoutError(_) => Cause::NoAnswer,
        SdkError::DispatchFailure(failure) => {
            // No credentials is a failure to dispatch, too.
            let text = explain(error).to_ascii_lowercase();
            if !failure.is_timeout() && !failure.is_io() && text.contains("credential") {
                Cause::Credentials
            } else {
                Cause::Unreachable
            }
        }
        SdkError::ResponseError(context) => match context.raw().status().as_u16() {
            500.. => Cause::Service,
            _ => Cause::NoAnswer,
        },
        _ => Cause::Client,
    }
}

/// Pure: from the service's answer.
fn of_code(code: &str, message: &str, status: u16) -> Cause {
    // Some protocols put a namespace before it, or a URL behind.
    let code = code.rsplit('#').next().unwrap_or(code);
    let code = code.split(':').next().unwrap_or(code);
    let absent = |text: &str| text.contains("does not exist") || text.contains("not found");
    if code.starts_with("AccessDenied") || DENIED_CODES.contains(&code) {
        Cause::Denied
    } else if CREDENTIAL_CODES.contains(&code) {
        Cause::Credentials
    } else if THROTTLE_CODES.contains(&code) || status == 429 {
        Cause::Throttled
    } else if status >= 500 {
        Cause::Service
    } else if code.starts_with("NoSuch")
        || code.contains("NotFound")
        || code.contains("DoesNotExist")
        || status == 404
        // Of services with one code for all: CloudFormation's ValidationError, ECS's ClientException.
        || absent(&message.to_ascii_lowercase())
        || message == "Unable to describe task definition."
    {
        Cause::Absent
    } else if code.is_empty() && status == 403 {
        // S3 answers HEAD without a body.
        Cause::Denied
    } else {
        Cause::Refused
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Function => "the function's role",
            Self::Person => "your AWS identity",
        })
    }
}

impl Identity {
    fn credentials_remedy(self) -> &'static str {
        match self {
            Self::Function => {
                "the function's credentials are not accepted: check the clock, the region, and that its role still exists"
            }
            Self::Person => {
                "your AWS credentials are missing, expired or of another account: sign in again, or choose another profile"
            }
        }
    }

    fn network_remedy(self, service: &str) -> String {
        match self {
            Self::Function => format!(
                "check that the function reaches {service}: in a VPC it needs a NAT gateway or a VPC endpoint for {service}, and a security group that lets port 443 out"
            ),
            Self::Person => format!(
                "check your network, proxy, region and AWS_ENDPOINT_URL: {service} was not reached"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HINTS: Hints<'_> = Hints {
        permission: "codedeploy:GetDeployment",
        absent: "check the id and the region",
    };

    fn failure(code: &str, message: &str, status: u16) -> Failure {
        Failure {
            cause: of_code(code, message, status),
            detail: format!("{code}: {message}"),
        }
    }

    fn sentence_of(code: &str, message: &str, status: u16) -> String {
        failure(code, message, status).sentence(Identity::Function, HINTS)
    }

    #[test]
    fn the_remedy_fits_the_cause() {
        insta::assert_snapshot!(sentence_of("AccessDeniedException", "not you", 400), @"AccessDeniedException: not you; the function's role needs codedeploy:GetDeployment");
        insta::assert_snapshot!(sentence_of("DeploymentDoesNotExistException", "d-1", 400), @"DeploymentDoesNotExistException: d-1; check the id and the region");
        insta::assert_snapshot!(sentence_of("ThrottlingException", "Rate exceeded", 400), @"ThrottlingException: Rate exceeded; AWS throttled all 4 tries; other callers of codedeploy in this account use up its rate: try again later, or raise the quota");
        insta::assert_snapshot!(sentence_of("ExpiredTokenException", "old", 400), @"ExpiredTokenException: old; the function's credentials are not accepted: check the clock, the region, and that its role still exists");
        insta::assert_snapshot!(sentence_of("InternalFailure", "oops", 500), @"InternalFailure: oops; a fault of codedeploy in all 4 tries; try again later");
        insta::assert_snapshot!(sentence_of("InvalidDeploymentIdException", "d_1", 400), @"InvalidDeploymentIdException: d_1");
    }

    #[test]
    fn causes_are_recognised_across_services() {
        for (code, message, status, cause) in [
            ("AccessDenied", "", 403, Cause::Denied),
            ("AuthorizationError", "", 403, Cause::Denied),
            ("", "", 403, Cause::Denied),
            ("NoSuchKey", "", 404, Cause::Absent),
            ("NoSuchBucket", "", 404, Cause::Absent),
            ("ParameterNotFound", "", 400, Cause::Absent),
            ("ResourceNotFoundException", "", 400, Cause::Absent),
            ("ListenerNotFound", "", 400, Cause::Absent),
            (
                "ValidationError",
                "Stack with id x does not exist",
                400,
                Cause::Absent,
            ),
            (
                "ClientException",
                "Unable to describe task definition.",
                400,
                Cause::Absent,
            ),
            ("ValidationError", "too long", 400, Cause::Refused),
            ("SlowDown", "", 503, Cause::Throttled),
            ("", "", 429, Cause::Throttled),
            ("ServiceUnavailable", "", 503, Cause::Service),
            ("InvalidClientTokenId", "", 403, Cause::Credentials),
            (
                "com.amazonaws.ecs#ThrottlingException",
                "",
                400,
                Cause::Throttled,
            ),
        ] {
            assert_eq!(
                of_code(code, message, status),
                cause,
                "{code} {message} {status}"
            );
        }
    }

    #[test]
    fn silence_points_to_the_network() {
        use aws_sdk_sns::operation::publish::PublishError;
        let error: SdkError<PublishError> = SdkError::timeout_error("too slow");
        let failure = Failure::of(&error);
        assert_eq!(failure.cause, Cause::NoAnswer);
        insta::assert_snapshot!(failure.sentence(Identity::Function, HINTS), @"no answer in time; if this repeats, check that the function reaches codedeploy: in a VPC it needs a NAT gateway or a VPC endpoint for codedeploy, and a security group that lets port 443 out");
        let error: SdkError<PublishError> = SdkError::construction_failure("no region");
        assert_eq!(Failure::of(&error).cause, Cause::Client);
    }

    #[test]
    fn the_action_that_was_denied_is_named_where_it_is_another() {
        let kms = "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: kms:Decrypt on resource: k";
        let sentence_of = |message| {
            failure("AccessDeniedException", message, 400).remedy(Identity::Function, HINTS)
        };
        assert_eq!(sentence_of(kms), "the function's role needs kms:Decrypt");
        let denied = format!("{kms} with an explicit deny in a service control policy");
        assert!(sentence_of(&denied).starts_with("a policy denies kms:Decrypt"));
        assert_eq!(
            sentence_of("not authorized to perform: everything"),
            "the function's role needs codedeploy:GetDeployment"
        );
    }

    #[test]
    fn a_person_is_not_told_of_a_role() {
        for code in [
            "AccessDenied",
            "ExpiredToken",
            "ThrottlingException",
            "NoSuchKey",
        ] {
            let sentence_of = failure(code, "m", 400).sentence(Identity::Person, HINTS);
            assert!(!sentence_of.contains("function"), "{sentence_of}");
        }
    }
}
