//! `deploy-hooks wiring`: the rules of a deployment's wiring, asked from a laptop. Only reads.

use std::collections::BTreeSet;

use ::wiring::{Finding, Options, Outcome, Rule, judge};
use hook::{DeploymentQuery, wiring_facts};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::table::{self, Cell};
use crate::{clients, deployed, findings};

/// Check a deployment's configuration in AWS against the wiring rules
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// A deployment of CodeDeploy, in progress or over; APPLICATION/GROUP is the last one of a group
    #[arg(long, value_name = "ID", value_parser = deployed::deployment, conflicts_with_all = ["application", "cluster"])]
    deployment: Option<DeploymentQuery>,
    /// The application of CodeDeploy
    #[arg(
        long,
        value_name = "NAME",
        requires = "deployment_group",
        conflicts_with = "cluster"
    )]
    application: Option<String>,
    /// Its deployment group
    #[arg(long, value_name = "NAME", requires = "application")]
    deployment_group: Option<String>,
    /// The cluster of a service that ECS deploys itself
    #[arg(long, value_name = "NAME", requires = "service")]
    cluster: Option<String>,
    /// The service
    #[arg(long, value_name = "NAME", requires = "cluster")]
    service: Option<String>,
    /// A rule that is not judged; may be given several times
    #[arg(long, value_name = "RULE", value_parser = rule)]
    except: Vec<Rule>,
    /// An older version may be deployed
    #[arg(long)]
    allow_downgrade: bool,
}

const HELP: &str = "\
The rules are those of the check `wiring` (docs/wiring.md), over the last deployment of the group or service, or over the one \
that --deployment names. A fact that can't be read makes a rule \
unknown, never right.

Your AWS credentials need the rights that the gates have for `wiring`: describing and listing in CodeDeploy, ECS, ECR, Elastic Load Balancing, Lambda, \
CloudWatch and EventBridge.

Exit codes: 0 everything fits, 1 something does not, 2 a rule could not be judged or the deployment was not found, 3 the call is wrong.

Examples:
  deploy-hooks wiring --application shop --deployment-group production
  deploy-hooks wiring --deployment d-ABCDEF123
  deploy-hooks wiring --cluster production --service shop --except image-tag
  deploy-hooks wiring --cluster production --service shop --json";

fn rule(written: &str) -> Result<Rule, String> {
    Rule::of_name(written).ok_or_else(|| {
        let known = Rule::ALL.iter().map(|rule| rule.name());
        format!(
            "there is no such rule; there are {}",
            text::words::list(known)
        )
    })
}

/// Judges.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    judge_deployed(args, screen)
        .await
        .map_err(Failure::into_verdict)
}

async fn judge_deployed(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let named = named(args)?;
    let aws = clients::aws().await?;
    let (deployment, facts) = wiring_facts(aws, deployed::settings()?, &named)
        .await
        .map_err(Failure::Unknown)?;
    let options = Options {
        allow_downgrade: args.allow_downgrade,
        except: args.except.iter().copied().collect::<BTreeSet<Rule>>(),
        ..Options::default()
    };
    let findings = judge(&facts, &options);
    if screen.json {
        let as_json = |it: &Finding| findings::as_json(it.rule.name(), &it.outcome, "mismatch");
        let findings: Vec<Value> = findings.iter().map(as_json).collect();
        screen.value(&json!({ "deployment": deployment, "findings": findings }))?;
    } else {
        show(&deployment, &findings, screen)?;
    }
    let any = |is: fn(&Outcome) -> bool| findings.iter().any(|finding| is(&finding.outcome));
    if any(|outcome| matches!(outcome, Outcome::Mismatch(_))) {
        return Err(Failure::Told(1));
    }
    let is_judged = any(|outcome| matches!(outcome, Outcome::Held));
    if any(|outcome| matches!(outcome, Outcome::Unknown(_))) || !is_judged {
        return Err(Failure::Told(2));
    }
    Ok(())
}

fn named(args: &Args) -> Result<DeploymentQuery, Failure> {
    let group = args.application.clone().zip(args.deployment_group.clone());
    let group = group.map(|(application, group)| DeploymentQuery::Group { application, group });
    let service = args.cluster.clone().zip(args.service.clone());
    let service = service.map(|(cluster, service)| DeploymentQuery::Service { cluster, service });
    args.deployment.clone().or(group).or(service).ok_or_else(|| {
        Failure::Wrong(
            "name what is deployed: --deployment, --application and --deployment-group, or --cluster and --service"
                .to_owned(),
        )
    })
}

fn show(deployment: &str, findings: &[Finding], screen: &mut Screen) -> Result<(), Failure> {
    let title = format!(
        "The wiring of the deployment {}",
        text::clean::line(deployment)
    );
    screen.line(screen.styled(Style::Heading, &title))?;
    let row = |it: &Finding| findings::row(it.rule.name(), &it.outcome, ["fits", "does not fit"]);
    let rows: Vec<[Cell; 3]> = findings.iter().map(row).collect();
    for line in table::lines(["rule", "outcome", "why, and what to do"], &rows, screen) {
        screen.line(line)?;
    }
    Ok(())
}
