//! The suites that the callers would read, with the secrets that these name, and the configurations.

use std::collections::BTreeMap;
use std::time::Duration;

use ::doctor::facts::{
    BakeFit, Configuration, Fact, Secret, Stack, Suite, SuiteCaller, SuiteContent,
};
use common::aws::Aws;
use common::failure::{Cause, Failure as AwsFailure};
use common::json_api::{self, SECRETS_MANAGER, SSM};
use common::location::{LoadError, Location, MAX_FILE_BYTES, Object, ObjectError};
use gate::{SecretRef, Stage};
use hook::SuiteLocation;
use serde_json::{Value, json};
use wiring::{FirstDeployment, Options};

use super::deployments::FoundDeployment;
use super::failed;

/// What Lambda gives a function at most, and the template unless it is told otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(15);

/// What the callers read.
pub(super) struct FoundSuites {
    pub(super) suites: Vec<Suite>,
    /// Those that the suites name.
    pub(super) secrets: Vec<Secret>,
    /// By the place of each caller, what its suite says about the rules of the wiring.
    pub(super) wiring: BTreeMap<String, Options>,
}

/// What was read of a suite.
struct ReadSuite {
    content: Fact<Option<SuiteContent>>,
    secrets: Vec<SecretRef>,
    wiring: Options,
}

impl ReadSuite {
    /// Where there is no suite whose secrets could be known.
    fn without_secrets(content: Fact<Option<SuiteContent>>) -> Self {
        Self {
            content,
            secrets: Vec::new(),
            wiring: Options::default(),
        }
    }
}

/// The suites of those that call the gates, and the secrets that they name.
pub(super) async fn read(
    aws: &Aws,
    stack: &Stack,
    deployments: &Fact<Vec<FoundDeployment>>,
) -> FoundSuites {
    let callers = deployments.as_ref().map_or(&[][..], Vec::as_slice);
    let callers = callers.iter().filter(|it| it.deployment.calls_gates());
    let written = stack.parameter("SuiteLocation");
    let time_out = stack.parameter("PostTrafficTimeout").parse();
    let time_out = time_out.map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let mut places: BTreeMap<String, Vec<SuiteCaller>> = BTreeMap::new();
    for caller in callers {
        let Ok(location) = SuiteLocation::parse(written, ".") else {
            continue;
        };
        let place = location
            .filled(&caller.application, &caller.group)
            .to_string();
        places.entry(place).or_default().push(SuiteCaller {
            place: caller.deployment.place.clone(),
            platform: caller.deployment.platform,
            gates: caller.deployment.gates.clone().unwrap_or_default(),
        });
    }
    // A suite for all is read by whoever calls next.
    if places.is_empty()
        && written.starts_with("s3://")
        && !written.contains('{')
        && !written.ends_with('/')
    {
        places.insert(written.to_owned(), Vec::new());
    }
    let mut suites = Vec::new();
    let mut named: BTreeMap<String, (String, SecretRef)> = BTreeMap::new();
    let mut wiring = BTreeMap::new();
    for (place, callers) in places {
        let ReadSuite {
            content,
            secrets,
            wiring: options,
        } = content(aws, &place, time_out).await;
        wiring.extend(
            callers
                .iter()
                .map(|caller| (caller.place.clone(), options.clone())),
        );
        for secret in secrets {
            named
                .entry(secret.to_string())
                .or_insert_with(|| (place.clone(), secret));
        }
        let first = callers.first();
        suites.push(Suite {
            place,
            for_what: first
                .map_or("whatever calls a gate", |caller| &caller.place)
                .to_owned(),
            callers,
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
    FoundSuites {
        suites,
        secrets,
        wiring,
    }
}

async fn content(aws: &Aws, place: &str, time_out: Duration) -> ReadSuite {
    let Some((bucket, key)) = place
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
    else {
        let why = format!(
            "the suite {place} lies in the function's package or a layer, which is not looked into"
        );
        return ReadSuite::without_secrets(Err(why));
    };
    let bytes = match Object::new(bucket, key).read(aws, MAX_FILE_BYTES).await {
        Ok(bytes) => bytes,
        Err(ObjectError::Call(failure)) if failure.cause == Cause::Absent => {
            return ReadSuite::without_secrets(Ok(None));
        }
        Err(error) => {
            let why = error.sentence(aws, "it is not there");
            let why = format!("the suite {place} could not be read: {why}");
            return ReadSuite::without_secrets(Err(why));
        }
    };
    let of = |problems: String| {
        let content = SuiteContent {
            problems: Some(text::clean::line(&problems)),
            ..SuiteContent::default()
        };
        ReadSuite::without_secrets(Ok(Some(content)))
    };
    if std::str::from_utf8(&bytes).is_err() {
        return of("it is not UTF-8".to_owned());
    }
    let location = match SuiteLocation::parse(place, ".") {
        Ok(location) => location,
        Err(why) => return ReadSuite::without_secrets(Err(format!("the suite {place}: {why}"))),
    };
    // As the gates read it, with what it includes and the files that it names.
    match location.load(aws).await {
        Err(LoadError::Invalid(problems)) => of(problems.to_string()),
        Err(LoadError::Unreadable(unreadable)) => {
            ReadSuite::without_secrets(Err(unreadable.to_string()))
        }
        Ok(suite) => {
            let content = SuiteContent {
                problems: None,
                asks_people: suite.asks_people(),
                required: [Stage::PreTraffic, Stage::PostTraffic]
                    .map(|stage| suite.required_checks_at(stage)),
                is_overridable: suite.overridable,
                bake: match hook::bake_fit(&suite, time_out) {
                    hook::BakeFit::Fits => BakeFit::Fits,
                    hook::BakeFit::HandedOn => BakeFit::HandedOn,
                    hook::BakeFit::TooLong { why, remedy } => BakeFit::TooLong {
                        why,
                        remedy: remedy.to_owned(),
                    },
                },
            };
            ReadSuite {
                content: Ok(Some(content)),
                wiring: of_all(&suite.wiring_options()),
                secrets: suite.secrets.into_values().collect(),
            }
        }
    }
}

/// What all `wiring` checks of a suite let pass; a suite without one judges every rule.
fn of_all(checks: &[&Options]) -> Options {
    let Some((first, others)) = checks.split_first() else {
        return Options::default();
    };
    let except = first.except.iter().copied();
    let by_all = except.filter(|rule| others.iter().all(|other| other.except.contains(rule)));
    let fails = |options: &&Options| options.first_deployment == FirstDeployment::Fail;
    Options {
        allow_downgrade: checks.iter().all(|options| options.allow_downgrade),
        first_deployment: if checks.iter().any(fails) {
            FirstDeployment::Fail
        } else {
            FirstDeployment::Allow
        },
        except: by_all.collect(),
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
        let clients = aws.clients();
        let read = content(&clients, "s3://suites/shop/live.yaml", DEFAULT_TIMEOUT);
        read.await.content.unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_its_wiring_checks_let_pass_is_let_pass_here_too() {
        let checks = |second: &str| {
            format!(
                "version: 1\nname: shop\nchecks:\n  - {{ name: a, wiring: {{ except: [image-tag, test-route], \
                 allow_downgrade: true }} }}\n{second}"
            )
        };
        let of = async |suite: String| {
            let answers = vec![ok(&suite), ok(&suite)];
            let aws = Scripted::start([("GetObject", answers)]).await;
            let clients = aws.clients();
            let read = content(&clients, "s3://suites/shop.yaml", DEFAULT_TIMEOUT);
            read.await.wiring
        };
        let one = of(checks("")).await;
        let names: Vec<&str> = one.except.iter().map(|rule| rule.name()).collect();
        assert_eq!(names, ["test-route", "image-tag"]);
        assert!(one.allow_downgrade);
        let second = "  - { name: b, wiring: { except: [image-tag] } }\n";
        let both = of(checks(second)).await;
        assert_eq!((both.except.len(), both.allow_downgrade), (1, false));
        let none = "version: 1\nname: shop\nchecks:\n  - { name: a, http: GET / }\n";
        assert_eq!(of(none.to_owned()).await, Options::default());
    }

    #[tokio::test]
    async fn a_bake_is_judged_as_the_gate_judges_it() {
        let of_bake = async |bake: &str| {
            let suite = format!(
                "version: 1\nname: shop\ntraffic: {{ bake: {bake}, every: 1m }}\nchecks:\n  - {{ name: a, http: GET / }}\n"
            );
            let read = of(&suite, Vec::new()).await;
            assert_eq!(read.problems, None);
            read.bake
        };
        assert_eq!(of_bake("5m").await, BakeFit::Fits);
        assert_eq!(of_bake("50m").await, BakeFit::HandedOn);
        let BakeFit::TooLong { why, remedy } = of_bake("51m").await else {
            panic!("CodeDeploy does not wait so long");
        };
        assert_eq!(
            why,
            "the bake of 51m does not fit into CodeDeploy's hour: 50m at most"
        );
        assert_eq!(remedy, "shorten traffic.bake");
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
