//! What the gates said of the deployments of an execution: the newest report of each stage.
//!
//! The places are those to which crate `hook` writes: `PREFIX/APPLICATION/DEPLOYMENT/STAGE[-EVENT].json`
//! with an HTML form beside it. A report that `CodeDeploy` never heard (`…-unheard`) decided nothing and
//! is left out.

use approvals::pipeline::PipelineError;
use approvals::{ApprovalAction, Gap, GateReport, Lookup};
use aws_sdk_s3::types::Object;
use common::aws::Aws;
use futures::future::join_all;
use gate::Stage;
use serde::Deserialize;

use crate::actions::{Action, Actions};
use crate::{Lookups, limits, text};

/// Deployments whose reports are read.
const MAX_DEPLOYMENTS: usize = 10;
/// A longer report is not read.
const MAX_REPORT_BYTES: i64 = 4 * 1024 * 1024;
/// Pages of 1,000 keys: a deployment has a few.
const MAX_PAGES: usize = 3;
const MAX_REASONS: usize = 10;
const MAX_REASON_CHARS: usize = 300;
const MAX_NAME_CHARS: usize = 128;

/// A deployment of `CodeDeploy` in an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    pub(crate) application: String,
    pub(crate) group: String,
    pub(crate) id: String,
    pub(crate) region: Option<String>,
}

/// The deployments among these actions; and how many more there are than are looked at.
pub(crate) fn deployments(actions: &[Action]) -> (Vec<Deployment>, usize) {
    let mut found: Vec<Deployment> = actions.iter().filter_map(of).collect();
    let more = found.len().saturating_sub(MAX_DEPLOYMENTS);
    found.truncate(MAX_DEPLOYMENTS);
    (found, more)
}

fn of(action: &Action) -> Option<Deployment> {
    if !matches!(action.provider.as_str(), "CodeDeploy" | "CodeDeployToECS") {
        return None;
    }
    let configured = |key: &str| action.configuration.get(key).cloned();
    let id = action.external_id.clone()?;
    // What is not a deployment's id must not become a part of a key.
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !(id.starts_with("d-") && id.chars().all(legal)) {
        return None;
    }
    Some(Deployment {
        application: configured("ApplicationName")?,
        group: configured("DeploymentGroupName").unwrap_or_default(),
        id,
        region: action.region.clone().filter(|region| !region.is_empty()),
    })
}

/// The reports of the deployments that ran before the approval, and what could not be read.
pub(crate) async fn before(
    lookups: &Lookups<'_>,
    approval: &ApprovalAction,
    actions: &Actions,
) -> (Vec<GateReport>, Vec<Gap>) {
    let (deployments, more) = deployments(actions.before(approval));
    let found = join_all(
        deployments
            .iter()
            .map(|deployment| reports(lookups, deployment)),
    )
    .await;
    let (mut reports, mut gaps) = (Vec::new(), Vec::new());
    for (its_reports, its_gaps) in found {
        reports.extend(its_reports);
        gaps.extend(its_gaps);
    }
    if more > 0 {
        gaps.push(gap(&format!(
            "{more} more deployments of the execution were not looked at"
        )));
    }
    (reports, gaps)
}

/// The newest report of each stage for one deployment.
pub(crate) async fn reports(
    lookups: &Lookups<'_>,
    deployment: &Deployment,
) -> (Vec<GateReport>, Vec<Gap>) {
    let Some(bucket) = lookups.report_bucket else {
        return (Vec::new(), Vec::new());
    };
    let folder = folder(lookups.report_prefix, deployment);
    let objects = match list(lookups.aws, bucket, &folder).await {
        Ok(objects) => objects,
        Err(error) => return (Vec::new(), vec![gap(&error.to_string())]),
    };
    let newest = newest(&folder, &objects);
    let found = join_all(
        newest
            .iter()
            .map(|object| read(lookups.aws, bucket, object, deployment)),
    )
    .await;
    let (mut reports, mut gaps) = (Vec::new(), Vec::new());
    for one in found {
        match one {
            Ok(report) => reports.push(report),
            Err(gap) => gaps.push(gap),
        }
    }
    (reports, gaps)
}

fn gap(why: &str) -> Gap {
    Gap {
        what: Lookup::GateReport,
        why: text::line(why, limits::MAX_WHY_CHARS),
    }
}

/// Where crate `hook` puts the reports of a deployment; ends in `/`.
fn folder(prefix: &str, deployment: &Deployment) -> String {
    let safe = |text: &str| -> String {
        let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.chars()
            .map(|c| if kept(c) { c } else { '_' })
            .collect()
    };
    let folder = format!(
        "{}/{}/",
        safe(&deployment.application),
        safe(&deployment.id)
    );
    if prefix.is_empty() {
        folder
    } else {
        format!("{prefix}/{folder}")
    }
}

async fn list(aws: &Aws, bucket: &str, folder: &str) -> Result<Vec<Object>, PipelineError> {
    let mut objects = Vec::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let page = aws
            .s3()
            .list_objects_v2()
            .bucket(bucket)
            .prefix(folder)
            .set_continuation_token(token.take())
            .send()
            .await
            .map_err(|error| {
                let what = format!("the list of gate reports in s3://{bucket}/{folder}");
                PipelineError::call(what, "s3:ListBucket", &error)
            })?;
        objects.extend(page.contents.unwrap_or_default());
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    Ok(objects)
}

/// Pure: the newest report of each stage, in the order of the stages.
fn newest<'a>(folder: &str, objects: &'a [Object]) -> Vec<&'a Object> {
    Stage::ALL
        .into_iter()
        .filter_map(|stage| {
            objects
                .iter()
                .filter(|object| is_report(folder, object.key().unwrap_or_default(), stage))
                .max_by_key(|object| {
                    let changed = object.last_modified();
                    let when = changed.map(|time| (time.secs(), time.subsec_nanos()));
                    (when, object.key())
                })
        })
        .collect()
}

fn is_report(folder: &str, key: &str, stage: Stage) -> bool {
    key.strip_prefix(folder)
        .and_then(|name| name.strip_suffix(".json"))
        .filter(|name| !name.contains('/') && !name.ends_with("-unheard"))
        .and_then(|name| name.strip_prefix(stage.as_str()))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// As much of a report as is shown.
#[derive(Deserialize)]
struct Report {
    stage: Stage,
    verdict: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    passed: bool,
    reasons: Vec<String>,
}

async fn read(
    aws: &Aws,
    bucket: &str,
    object: &Object,
    deployment: &Deployment,
) -> Result<GateReport, Gap> {
    let key = object.key().unwrap_or_default();
    let place = format!("the gate report s3://{bucket}/{key}");
    let too_long = || {
        let why = format!("{place} is longer than {MAX_REPORT_BYTES} bytes; open it by hand");
        gap(&why)
    };
    if object.size().unwrap_or_default() > MAX_REPORT_BYTES {
        return Err(too_long());
    }
    let answer = aws
        .s3()
        .get_object()
        .bucket(bucket)
        .key(key)
        .send()
        .await
        .map_err(|error| {
            let error = PipelineError::call(place.clone(), "s3:GetObject", &error);
            gap(&error.to_string())
        })?;
    if answer.content_length().unwrap_or_default() > MAX_REPORT_BYTES {
        return Err(too_long());
    }
    let bytes = answer
        .body
        .collect()
        .await
        .map_err(|_| gap(&format!("{place} broke off while it was read")))?
        .into_bytes();
    let report: Report = serde_json::from_slice(&bytes).map_err(|_| {
        gap(&format!(
            "{place} is not a report of a gate; was it overwritten?"
        ))
    })?;
    Ok(GateReport {
        stage: report.stage.to_string(),
        application: text::line(&deployment.application, MAX_NAME_CHARS),
        deployment: deployment.id.clone(),
        passed: report.verdict.passed,
        reasons: report
            .verdict
            .reasons
            .iter()
            .take(MAX_REASONS)
            .map(|reason| text::line(reason, MAX_REASON_CHARS))
            .collect(),
        report: format!("s3://{bucket}/{}.html", key.trim_end_matches(".json")),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::DateTime;

    use super::*;

    fn object(key: &str, at: i64) -> Object {
        Object::builder()
            .key(key)
            .last_modified(DateTime::from_secs(at))
            .build()
    }

    #[test]
    fn the_newest_of_each_stage_counts_and_what_nobody_heard_does_not() {
        let objects = [
            object("r/shop/d-1/post-traffic-AfterAllowTraffic.json", 3),
            object("r/shop/d-1/pre-traffic-AfterAllowTestTraffic.html", 9),
            object("r/shop/d-1/pre-traffic-AfterAllowTestTraffic.json", 1),
            object("r/shop/d-1/pre-traffic.json", 2),
            object("r/shop/d-1/pre-traffic-X-unheard.json", 8),
            object("r/shop/d-1/pre-trafficking.json", 8),
            object("r/shop/d-1/deep/pre-traffic.json", 8),
            object("r/shop/d-1/notes.json", 8),
        ];
        let keys: Vec<_> = newest("r/shop/d-1/", &objects)
            .iter()
            .filter_map(|object| object.key())
            .collect();
        assert_eq!(
            keys,
            [
                "r/shop/d-1/pre-traffic.json",
                "r/shop/d-1/post-traffic-AfterAllowTraffic.json"
            ]
        );
    }

    #[test]
    fn the_folder_is_the_one_that_the_gates_write_to() {
        let mut deployment = Deployment {
            application: "my shop/..".into(),
            group: String::new(),
            id: "d-1".into(),
            region: None,
        };
        assert_eq!(folder("reports", &deployment), "reports/my_shop_../d-1/");
        deployment.application = "shop".into();
        assert_eq!(folder("", &deployment), "shop/d-1/");
    }

    #[test]
    fn only_an_id_of_a_deployment_is_looked_up() {
        let action = |provider: &str, id: &str| Action {
            provider: provider.into(),
            external_id: Some(id.into()),
            configuration: [("ApplicationName".to_owned(), "shop".to_owned())].into(),
            ..Action::default()
        };
        let found = deployments(&[
            action("CodeDeploy", "d-ABC"),
            action("CodeDeployToECS", "d-DEF"),
            action("CodeDeploy", "d-../secrets"),
            action("CloudFormation", "d-GHI"),
        ]);
        let ids: Vec<_> = found.0.iter().map(|found| found.id.as_str()).collect();
        assert_eq!((ids, found.1), (vec!["d-ABC", "d-DEF"], 0));
    }
}
