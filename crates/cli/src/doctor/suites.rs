//! The suites that the callers would read, with the secrets that these name, and the configurations.

use std::collections::BTreeMap;

use ::doctor::facts::{Configuration, Fact, Secret, Stack, Suite, SuiteContent};
use common::aws::Aws;
use common::failure::{Cause, Failure as AwsFailure};
use common::json_api::{self, SECRETS_MANAGER, SSM};
use common::location::{LoadError, Location, MAX_FILE_BYTES, Object, ObjectError};
use gate::{SecretRef, Stage};
use hook::SuiteLocation;
use serde_json::{Value, json};

use super::deployments::FoundDeployment;
use super::failed;

/// The suites of those that call the gates, and the secrets that they name.
pub(super) async fn read(
    aws: &Aws,
    stack: &Stack,
    deployments: &Fact<Vec<FoundDeployment>>,
) -> (Vec<Suite>, Vec<Secret>) {
    let callers = deployments.as_ref().map_or(&[][..], Vec::as_slice);
    let callers = callers
        .iter()
        .filter(|it| it.deployment.calls_gates == Ok(true));
    let written = stack.parameter("SuiteLocation");
    let mut places = BTreeMap::new();
    for caller in callers {
        let Ok(location) = SuiteLocation::parse(written, ".") else {
            continue;
        };
        let place = location
            .filled(&caller.application, &caller.group)
            .to_string();
        places
            .entry(place)
            .or_insert_with(|| caller.deployment.place.clone());
    }
    // A suite for all is read by whoever calls next.
    if places.is_empty()
        && written.starts_with("s3://")
        && !written.contains('{')
        && !written.ends_with('/')
    {
        places.insert(written.to_owned(), "whatever calls a gate".to_owned());
    }
    let mut suites = Vec::new();
    let mut named: BTreeMap<String, (String, SecretRef)> = BTreeMap::new();
    for (place, for_what) in places {
        let (content, secrets) = content(aws, &place).await;
        for secret in secrets {
            named
                .entry(secret.to_string())
                .or_insert_with(|| (place.clone(), secret));
        }
        suites.push(Suite {
            place,
            for_what,
            content,
        });
    }
    let mut secrets = Vec::new();
    for (written, (suite, reference)) in named {
        if let Some(arn) = arn(aws, &reference).await {
            secrets.push(Secret {
                written,
                suite,
                arn,
            });
        }
    }
    (suites, secrets)
}

async fn content(aws: &Aws, place: &str) -> (Fact<Option<SuiteContent>>, Vec<SecretRef>) {
    let Some((bucket, key)) = place
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
    else {
        let why = format!(
            "the suite {place} lies in the function's package or a layer, which is not looked into"
        );
        return (Err(why), Vec::new());
    };
    let bytes = match Object::new(bucket, key).read(aws, MAX_FILE_BYTES).await {
        Ok(bytes) => bytes,
        Err(ObjectError::Call(failure)) if failure.cause == Cause::Absent => {
            return (Ok(None), Vec::new());
        }
        Err(error) => {
            let why = error.sentence(aws, "it is not there");
            return (
                Err(format!("the suite {place} could not be read: {why}")),
                Vec::new(),
            );
        }
    };
    let of = |problems: String| {
        let content = SuiteContent {
            problems: Some(text::clean::line(&problems)),
            ..SuiteContent::default()
        };
        (Ok(Some(content)), Vec::new())
    };
    if std::str::from_utf8(&bytes).is_err() {
        return of("it is not UTF-8".to_owned());
    }
    let location = match SuiteLocation::parse(place, ".") {
        Ok(location) => location,
        Err(why) => return (Err(format!("the suite {place}: {why}")), Vec::new()),
    };
    // As the gates read it, with what it includes and the files that it names.
    match location.load(aws).await {
        Err(LoadError::Invalid(problems)) => of(problems.to_string()),
        Err(LoadError::Unreadable(unreadable)) => (Err(unreadable.to_string()), Vec::new()),
        Ok(suite) => {
            let content = SuiteContent {
                problems: None,
                asks_people: suite.asks_people(),
                required: [Stage::PreTraffic, Stage::PostTraffic]
                    .map(|stage| suite.required_checks_at(stage)),
                bake_seconds: suite.bake().window.as_secs(),
            };
            (Ok(Some(content)), suite.secrets.into_values().collect())
        }
    }
}

/// The ARN of a secret or parameter; never its value. None for a variable of the function.
async fn arn(aws: &Aws, reference: &SecretRef) -> Option<Fact<Option<String>>> {
    let (service, operation, permission, input, pointer) = match reference {
        SecretRef::Env(_) => return None,
        // DescribeParameters says no ARN; without decryption a SecureString's value stays encrypted.
        SecretRef::Ssm(name) => (
            SSM,
            "GetParameter",
            "ssm:GetParameter",
            json!({ "Name": name, "WithDecryption": false }),
            "/Parameter/ARN",
        ),
        SecretRef::SecretsManager { id, .. } => (
            SECRETS_MANAGER,
            "DescribeSecret",
            "secretsmanager:DescribeSecret",
            json!({ "SecretId": id }),
            "/ARN",
        ),
    };
    Some(match json_api::call(aws, service, operation, input).await {
        Ok(answer) => {
            let arn = answer.pointer(pointer).and_then(Value::as_str);
            Ok(arn.map(str::to_owned))
        }
        Err(error) => {
            let failure = AwsFailure::of(&error);
            if failure.cause == Cause::Absent {
                return Some(Ok(None));
            }
            Err(failed(
                aws,
                &format!("{operation} {reference}"),
                permission,
                &failure,
            ))
        }
    })
}

/// The configurations of approvals and environments.
pub(super) async fn configurations(aws: &Aws, stack: &Stack) -> Vec<Configuration> {
    let mut found = Vec::new();
    for parameter in ["ApprovalsConfig", "EnvironmentsConfig"] {
        let place = stack.parameter(parameter);
        if place.is_empty() {
            continue;
        }
        found.push(Configuration {
            parameter: parameter.to_owned(),
            place: place.to_owned(),
            problem: problem(aws, parameter, place).await,
        });
    }
    found
}

async fn problem(aws: &Aws, parameter: &str, place: &str) -> Fact<Option<String>> {
    if place.starts_with("file:") {
        return Err(format!(
            "{parameter} is {place}, in the function's package or a layer, which is not looked into"
        ));
    }
    let location =
        Location::parse(place, ".").map_err(|why| format!("{parameter} is {place}: {why}"))?;
    let error = if parameter == "ApprovalsConfig" {
        approvals::config::load(aws, &location).await.err()
    } else {
        environments::config::load(aws, &location).await.err()
    };
    Ok(error.map(|error| text::clean::line(&error.to_string())))
}

#[cfg(test)]
mod tests {
    use test_support::scripted::{Scripted, ok, refused};

    use super::*;

    /// The object that is looked for and read, and what lies beside it.
    async fn of(suite: &str, beside: Vec<test_support::scripted::Answer>) -> SuiteContent {
        let answers = [vec![ok(suite), ok(suite)], beside].concat();
        let aws = Scripted::start([("GetObject", answers)]).await;
        let (content, _) = content(&aws.clients(), "s3://suites/shop/live.yaml").await;
        content.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_suite_is_read_with_what_lies_beside_it() {
        let including = "version: 1\nname: shop\ninclude: [shared.yaml]\n";
        let included = "checks:\n  - { name: a, http: GET / }\n";
        let whole = of(including, vec![ok(included)]).await;
        assert_eq!((whole.problems, whole.required), (None, [1, 1]));
        let wrong = of(
            including,
            vec![ok("checks:\n  - { name: a, http: GETT / }\n")],
        )
        .await;
        assert!(wrong.problems.unwrap().contains("shared.yaml:2:22"));
        let carrying = "version: 1\nname: shop\nchecks:\n  - { name: a, http: { method: POST, url: /, body_file: order.json } }\n";
        assert_eq!(of(carrying, vec![ok("{}")]).await.problems, None);
        let gone = of(carrying, vec![refused("NoSuchKey")]).await;
        assert!(
            gone.problems
                .unwrap()
                .contains("order.json could not be read")
        );
    }
}
