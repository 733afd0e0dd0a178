//! The few answers that an installation needs, from wherever they can be had.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use common::aws::Aws;
use common::cloud_formation::Stack;
use common::load_balancing::{LoadBalancer, LoadBalancers};
use common::query_api::{self, ELASTIC_LOAD_BALANCING};

use crate::failure::Failure;

/// What the call says.
pub(super) struct InstallRequest {
    pub(super) suites: Option<String>,
    pub(super) subnets: Option<String>,
    pub(super) security_groups: Option<String>,
    pub(super) others: Vec<(String, String)>,
}

/// Somebody who can be asked, or nobody.
pub(super) struct Terminal {
    asks: bool,
}

impl Terminal {
    /// Nobody is asked where `silent`, and where standard input is no terminal.
    pub(super) fn of(silent: bool) -> Self {
        let asks = !silent && io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { asks }
    }

    /// Asks; nothing is the default.
    fn ask(&self, question: &str, default: &str) -> Result<Option<String>, Failure> {
        if !self.asks {
            return Ok(None);
        }
        // Results go to standard output.
        let mut out = io::stderr();
        write!(out, "{question} [{default}]: ")?;
        out.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(Failure::Wrong(
                "nothing was answered, and nothing was deployed".to_owned(),
            ));
        }
        let answer = line.trim();
        Ok(Some(
            if answer.is_empty() { default } else { answer }.to_owned(),
        ))
    }

    /// Whether somebody says yes; nobody doesn't.
    pub(super) fn confirms(&mut self, question: &str) -> Result<bool, Failure> {
        let answer = self.ask(question, "no")?;
        Ok(answer.is_some_and(|answer| ["y", "yes"].contains(&answer.to_lowercase().as_str())))
    }
}

/// The parameters that are set. What the stack has is kept unless the call says otherwise.
pub(super) async fn answers(
    aws: &Aws,
    wish: InstallRequest,
    before: Option<&Stack>,
    bucket: &str,
    terminal: &mut Terminal,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut given: BTreeMap<String, String> = wish.others.into_iter().collect();
    let is_new = before.is_none();
    if let Some(suites) = wish.suites {
        given.insert("SuiteLocation".to_owned(), suites);
    } else if is_new && !given.contains_key("SuiteLocation") {
        let default = format!("s3://{bucket}/suites/{{application}}.yaml");
        let asked = terminal.ask("Where do suites lie?", &default)?;
        given.insert("SuiteLocation".to_owned(), asked.unwrap_or(default));
    }
    match (wish.subnets.as_deref(), wish.security_groups) {
        (Some("none"), _) => {
            given.insert("SubnetIds".to_owned(), String::new());
            given.insert("SecurityGroupIds".to_owned(), String::new());
        }
        (Some(subnets), Some(groups)) => {
            given.insert("SubnetIds".to_owned(), subnets.to_owned());
            given.insert("SecurityGroupIds".to_owned(), groups);
        }
        (Some(_), None) => {
            return Err(Failure::Wrong(
                "--subnets needs --security-groups: a function in a VPC has some".to_owned(),
            ));
        }
        (None, _) if is_new && !given.contains_key("SubnetIds") => {
            given.extend(network(aws, terminal).await?);
        }
        (None, _) => {}
    }
    Ok(given)
}

/// Subnets are needed where a load balancer is internal, and only then asked for.
async fn network(aws: &Aws, terminal: &Terminal) -> Result<BTreeMap<String, String>, Failure> {
    let internal = internal_load_balancers(aws).await;
    let mut given = BTreeMap::new();
    let Some((name, subnets, groups)) = internal else {
        return Ok(given);
    };
    let question = format!(
        "The load balancer {name} is internal, so the gates must run in its VPC to ask it. Subnets for them (`none`: outside)"
    );
    let Some(answer) = terminal.ask(&question, &subnets)? else {
        return Err(Failure::Wrong(format!(
            "the load balancer {name} is internal, so it must be said where the gates run: --subnets {subnets} --security-groups {groups} \
             (subnets with a way to the APIs of AWS, and groups that the load balancer lets in), or --subnets none"
        )));
    };
    if answer == "none" {
        return Ok(given);
    }
    given.insert("SubnetIds".to_owned(), answer);
    let asked = terminal.ask("Their security groups, which its own must let in", &groups)?;
    given.insert("SecurityGroupIds".to_owned(), asked.unwrap_or(groups));
    Ok(given)
}

/// The first internal load balancer, with its subnets and groups. What can't be read is not asked about: `doctor` looks again.
async fn internal_load_balancers(aws: &Aws) -> Option<(String, String, String)> {
    let operation = "DescribeLoadBalancers";
    let all = query_api::list::<LoadBalancers>(aws, ELASTIC_LOAD_BALANCING, operation, &[]).await;
    let internal = all.ok()?.into_iter().find(LoadBalancer::is_internal)?;
    let zones = internal.availability_zones.into_iter();
    let subnets: Vec<String> = zones.filter_map(|zone| zone.subnet_id).collect();
    Some((
        internal.load_balancer_name.unwrap_or_default(),
        subnets.join(","),
        internal.security_groups.join(","),
    ))
}
