//! `deploy-hooks install` and `uninstall`: a stack from packages that were built, with few questions.
//!
//! A question is asked only at a terminal, and only where nothing says the answer: the arguments, the stack as it is, or
//! what is found in the account. Nothing is changed before the change set was shown and somebody, or `--yes`, said yes;
//! but for the bucket of the packages, without which CloudFormation can't read them.

mod ask;
mod change_set;
mod cost;
mod lines;
mod packages;
mod uninstall;

use std::collections::BTreeMap;
use std::path::PathBuf;

use common::arn::Place;
use common::aws::Aws;
use common::cloud_formation::{Stack, Stacks};
use common::failure::{Failure as AwsFailure, Hints};
use common::query_api::{self, CLOUD_FORMATION, parameter};
use common::service::dns_suffix;
use serde_json::json;

use self::ask::{InstallRequest, Terminal};
use self::change_set::{ParameterSetting, Plan};
use self::packages::BuiltTemplate;
use crate::check::settings;
use crate::clients;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

pub(crate) use self::uninstall::{Args as UninstallArgs, run as run_uninstall};

/// The stack's usual name.
pub(super) const DEFAULT_STACK: &str = "deploy-hooks";
/// A suite that passes nothing by itself: it says what to write.
const STARTER_SUITE: &str = include_str!("starter.yaml");
const TEMPLATE_KEY: &str = "packages/template.yaml";
/// Beginning of the name of a change set. One of a run that was cut off is in nobody's way.
const CHANGE_SET: &str = "deploy-hooks-install";

/// Install the gates into your AWS account, or upgrade them
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Where the packages were built
    #[arg(long, value_name = "FOLDER", default_value = ".aws-sam/arm64")]
    built: PathBuf,
    /// The stack
    #[arg(long, value_name = "NAME", default_value = DEFAULT_STACK)]
    stack: String,
    /// Where suites lie: `s3://BUCKET/KEY`, with `{application}` and `{deployment_group}`
    #[arg(long, value_name = "PLACE")]
    suites: Option<String>,
    /// Subnets for the gates, separated by commas; `none`: outside of a VPC
    #[arg(long, value_name = "IDS")]
    subnets: Option<String>,
    /// Their security groups
    #[arg(long, value_name = "IDS", requires = "subnets")]
    security_groups: Option<String>,
    /// Any other parameter of the template; may be given several times
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = settings::pair)]
    parameters: Vec<(String, String)>,
    /// The bucket for packages and, unless said, suites; made if it isn't there
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// Show what would be done, and take it back
    #[arg(long)]
    dry_run: bool,
    /// Don't ask: for CI
    #[arg(long)]
    yes: bool,
}

const HELP: &str = "\
Build the packages first, in the checkout: `make build ARCH=arm64`. What is asked at most: where suites lie, and the subnets and security \
groups of the gates where a load balancer of yours is internal. Everything else keeps the template's default, or what the stack has; \
--parameter sets it. Before anything is created, it shows the changes by their risk, and the monthly charges.

With a new stack, a first suite is stored where suites lie, if there is none yet; it stops releases until you have written what yours must show. At the end \
it prints the lines for your AppSpec or your ECS services.

Without a terminal nothing is asked: --yes is needed, and an answer that can't be found is an error.

Exit codes: 0 it is installed, or a dry run was shown; 1 CloudFormation failed; 2 the call is wrong, or nobody said yes.

Examples:
  deploy-hooks install --dry-run
  deploy-hooks install
  deploy-hooks install --yes --suites 's3://suites/{application}.yaml' --parameter OutcomeEmail=ops@example.com";

/// Installs.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let built = BuiltTemplate::read(&args.built)?;
    let aws = clients::aws().await?;
    let place = place(&aws).await?;
    let found = stack_as_it_is(&aws, &args.stack).await?;
    let made_stack = matches!(found, StackBefore::Absent);
    let before = found.deployed();
    let bucket = args.bucket.clone();
    let bucket =
        bucket.unwrap_or_else(|| format!("deploy-hooks-{}-{}", place.account, place.region));
    let mut terminal = Terminal::of(args.yes || screen.json);
    let wish = InstallRequest {
        suites: args.suites.clone(),
        subnets: args.subnets.clone(),
        security_groups: args.security_groups.clone(),
        others: args.parameters.clone(),
    };
    let given = ask::answers(&aws, wish, before, &bucket, &mut terminal).await?;
    let parameters = parameters(&built, &args.built, given, before)?;
    packages::make_bucket(&aws, &bucket, &place).await?;
    let account = Some(place.account.as_str());
    let template = built.upload(&aws, &bucket, &place.account).await?;
    packages::put(&aws, &bucket, TEMPLATE_KEY, template.into_bytes(), account).await?;
    let plan = Plan {
        stack: &args.stack,
        is_new: before.is_none(),
        template_url: &template_url(&aws, &bucket, &place.region),
        parameters: parameters.clone(),
    };
    let is_new = plan.is_new;
    // Two runs of one second must not take each other's change set for their own.
    let name = format!("{CHANGE_SET}-{}", jiff::Timestamp::now().as_nanosecond());
    let made = match change_set::make(&aws, plan, &name).await {
        Ok(made) => made,
        Err(refused) => {
            let discarded = change_set::discard(&aws, &args.stack, made_stack, &name).await;
            return Err(match discarded {
                Ok(()) => refused,
                Err(stays) => Failure::Failed(format!("{refused}\n{stays}")),
            });
        }
    };
    let Some(set) = made else {
        change_set::discard(&aws, &args.stack, made_stack, &name).await?;
        return done(&aws, args, "nothing to change", screen).await;
    };
    let resources = set
        .changes
        .iter()
        .map(|it| (it.logical_id.as_str(), it.resource_type.as_str()));
    let estimate = cost::estimate(resources);
    if screen.json {
        screen.value(
            &json!({ "change_set": set, "monthly_usd": estimate.monthly, "parts": estimate.parts }),
        )?;
    } else {
        change_set::show(&set, screen)?;
        show_cost(&estimate, is_new, screen)?;
    }
    let agreed = !args.dry_run
        && (args.yes
            || terminal.confirms(&format!(
                "Deploy the stack {} into {} ({})?",
                args.stack, place.account, place.region
            ))?);
    if !agreed {
        change_set::discard(&aws, &args.stack, made_stack, &name).await?;
        if args.dry_run {
            screen.progress(
                "a dry run: the change set was taken back, and nothing was deployed",
                None,
            );
            return Ok(());
        }
        return Err(Failure::Wrong(
            "nothing was deployed: nobody said yes; --yes says it, for CI".to_owned(),
        ));
    }
    change_set::carry_out(&aws, &args.stack, &name, screen).await?;
    if is_new {
        let location = suites(&parameters, None);
        // Suites may lie in a bucket of another account, if somebody says so; those of this one's bucket are known.
        let owner = |of: &str| account.filter(|_| of == bucket);
        if let Err(why) = store_starter(&aws, &location, owner, screen).await {
            screen.error(&format!(
                "{why}; the stack is deployed all the same, without a first suite: `deploy-hooks init --url URL` writes one, to be \
                 stored where suites lie ({location})"
            ));
        }
    }
    done(&aws, args, "deployed", screen).await
}

/// The account and the region that it is installed in.
async fn place(aws: &Aws) -> Result<Place, Failure> {
    let answer = aws
        .sts()
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| {
            let hints = Hints {
                permission: "sts:GetCallerIdentity",
                absent: "",
            };
            Failure::Failed(format!(
                "who calls is not known: {}",
                AwsFailure::of(&error).sentence(aws.identity(), hints)
            ))
        })?;
    let region = aws.config().region().map(ToString::to_string);
    Ok(Place {
        account: answer.account().unwrap_or_default().to_owned(),
        region: region.unwrap_or_default(),
    })
}

/// The stack of this name, before this run.
enum StackBefore {
    Absent,
    /// Somebody has looked at change sets of it, and carried out none.
    InReview,
    Deployed(Stack),
}

impl StackBefore {
    fn deployed(&self) -> Option<&Stack> {
        match self {
            Self::Deployed(stack) => Some(stack),
            Self::Absent | Self::InReview => None,
        }
    }
}

async fn stack_as_it_is(aws: &Aws, name: &str) -> Result<StackBefore, Failure> {
    let parameters = [parameter("StackName", name)];
    let answer =
        query_api::read::<Stacks>(aws, CLOUD_FORMATION, "DescribeStacks", &parameters).await;
    let stack = match answer {
        Ok(answer) => answer.stacks.into_iter().next(),
        Err(error) => {
            let failure = AwsFailure::of(&error);
            if failure.detail.contains("does not exist") {
                return Ok(StackBefore::Absent);
            }
            let hints = Hints {
                permission: "cloudformation:DescribeStacks",
                absent: "",
            };
            return Err(Failure::Failed(format!(
                "the stack {name} could not be read: {}",
                failure.sentence(aws.identity(), hints)
            )));
        }
    };
    let Some(stack) = stack else {
        return Ok(StackBefore::Absent);
    };
    match stack.stack_status.as_deref().unwrap_or_default() {
        "DELETE_COMPLETE" => Ok(StackBefore::Absent),
        change_set::REVIEW_IN_PROGRESS => Ok(StackBefore::InReview),
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED" => Err(Failure::Failed(format!(
            "the stack {name} was never made, or could not be deleted; take it away first: deploy-hooks uninstall --stack {name}"
        ))),
        status if status.ends_with("_IN_PROGRESS") => Err(Failure::Failed(format!(
            "the stack {name} is {status}; wait until that is over"
        ))),
        _ => Ok(StackBefore::Deployed(stack)),
    }
}

/// What the stack is given: what was answered, and of the rest what it has.
fn parameters(
    built: &BuiltTemplate,
    folder: &std::path::Path,
    mut given: BTreeMap<String, String>,
    before: Option<&Stack>,
) -> Result<Vec<ParameterSetting>, Failure> {
    let known = built.parameters();
    let unknown: Vec<&str> = given
        .keys()
        .map(String::as_str)
        .filter(|name| !known.contains(name))
        .collect();
    if !unknown.is_empty() {
        return Err(Failure::Wrong(format!(
            "the template has no parameter {}; docs/operating.md lists them",
            unknown.join(", ")
        )));
    }
    // The folder is named after what its packages were built for.
    let architecture = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if ["arm64", "x86_64"].contains(&architecture) {
        given
            .entry("Architecture".to_owned())
            .or_insert_with(|| architecture.to_owned());
    }
    let has = |name: &str| {
        let mut parameters = before.into_iter().flat_map(|stack| &stack.parameters);
        parameters.any(|parameter| parameter.parameter_key.as_deref() == Some(name))
    };
    let made = known.into_iter().filter_map(|name| {
        let value = given.get(name).cloned();
        (value.is_some() || has(name)).then(|| ParameterSetting {
            name: name.to_owned(),
            value,
        })
    });
    Ok(made.collect())
}

/// As CloudFormation takes it; of a local AWS, that one's address.
fn template_url(aws: &Aws, bucket: &str, region: &str) -> String {
    let of_aws = || {
        let suffix = dns_suffix(region, false);
        format!("https://{bucket}.s3.{region}.{suffix}")
    };
    let local = |endpoint: &str| format!("{}/{bucket}", endpoint.trim_end_matches('/'));
    let folder = aws.config().endpoint_url().map_or_else(of_aws, local);
    format!("{folder}/{TEMPLATE_KEY}")
}

fn show_cost(estimate: &cost::Estimate, is_new: bool, screen: &mut Screen) -> Result<(), Failure> {
    let of = if is_new { "" } else { ", of what changes" };
    let head = format!(
        "Charged by the month, whether or not anything is deployed{of}: about {:.2} USD",
        estimate.monthly
    );
    screen.line(screen.styled(Style::Heading, &head))?;
    for part in &estimate.parts {
        screen.line(format!("  {part}"))?;
    }
    screen.line("  The rest is charged by use: functions while they run, logs and metrics by what is written (docs/metrics.md).")?;
    Ok(())
}

/// Where suites lie, after what was given and what the stack has.
fn suites(parameters: &[ParameterSetting], before: Option<&Stack>) -> String {
    let name = "SuiteLocation";
    let mut given = parameters.iter().filter(|it| it.name == name);
    let given = given.find_map(|it| it.value.as_deref());
    let had = before.into_iter().flat_map(|stack| &stack.parameters);
    let mut had = had.filter(|it| it.parameter_key.as_deref() == Some(name));
    let value = given.or_else(|| had.find_map(|it| it.parameter_value.as_deref()));
    value.unwrap_or_default().to_owned()
}

/// A first suite, where there is none: one that says what to write.
async fn store_starter<'a>(
    aws: &Aws,
    location: &str,
    owner: impl FnOnce(&str) -> Option<&'a str>,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let Some((bucket, key)) = location
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
    else {
        return Ok(());
    };
    // For an application that nobody has: to be copied.
    let folder = if key.ends_with('/') || key.is_empty() {
        format!("{key}{{application}}/{{deployment_group}}.yaml")
    } else {
        key.to_owned()
    };
    let key = folder
        .replace("{application}", "starter")
        .replace("{deployment_group}", "starter");
    if packages::is_there(aws, bucket, &key).await? {
        return Ok(());
    }
    let suite = STARTER_SUITE.as_bytes().to_vec();
    packages::put(aws, bucket, &key, suite, owner(bucket)).await?;
    screen.progress(
        &format!("a first suite lies at s3://{bucket}/{key}; copy it for each application"),
        None,
    );
    Ok(())
}

/// What is left to do.
async fn done(aws: &Aws, args: &Args, how: &str, screen: &mut Screen) -> Result<(), Failure> {
    let StackBefore::Deployed(stack) = stack_as_it_is(aws, &args.stack).await? else {
        screen.progress(how, None);
        return Ok(());
    };
    let suites = suites(&[], Some(&stack));
    let outputs = stack.outputs.into_iter();
    let outputs = outputs.filter_map(|output| Some((output.output_key?, output.output_value?)));
    let outputs: BTreeMap<String, String> = outputs.collect();
    if screen.json {
        screen.value(
            &json!({ "stack": args.stack, "result": how, "suites": suites, "outputs": outputs }),
        )?;
        return Ok(());
    }
    screen.line(screen.styled(Style::Good, &format!("{}: {how}", args.stack)))?;
    screen.line(lines::next_steps(&outputs, &suites))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_address_is_that_of_its_partition_or_of_a_local_aws() {
        let of = |region, endpoint: Option<&str>| {
            let mut config = aws_config::SdkConfig::builder();
            config.set_endpoint_url(endpoint.map(ToOwned::to_owned));
            template_url(&Aws::from_config(config.build()), "b", region)
        };
        for (region, host) in [
            ("eu-central-1", "b.s3.eu-central-1.amazonaws.com"),
            ("cn-north-1", "b.s3.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "b.s3.eusc-de-east-1.amazonaws.eu"),
            ("us-gov-west-1", "b.s3.us-gov-west-1.amazonaws.com"),
            ("us-iso-east-1", "b.s3.us-iso-east-1.c2s.ic.gov"),
        ] {
            assert_eq!(of(region, None), format!("https://{host}/{TEMPLATE_KEY}"));
        }
        let local = of("eu-central-1", Some("http://127.0.0.1:1/"));
        assert_eq!(local, format!("http://127.0.0.1:1/b/{TEMPLATE_KEY}"));
    }

    #[test]
    fn the_starter_is_a_suite_that_lets_nothing_pass_by_itself() {
        let suite = gate::Suite::parse("starter.yaml", STARTER_SUITE).unwrap();
        assert!(suite.required_checks_at(gate::Stage::PreTraffic) > 0);
        assert!(!suite.dry_run);
    }
}
