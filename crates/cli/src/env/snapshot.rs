//! What a command works with: the configuration, the state table, the account and region, and what was read there.

use std::path::{Path, PathBuf};

use common::aws::Aws;
use common::failure::Cause;
use common::location::Location;
use common::state::Table;
use environments::config::{Config, Files, calendar_files, load};
use environments::decide::PlanContext;
use environments::gather::{GatheredFacts, gather};
use environments::plan::{Facts, Plan, plan};
use environments::problem::Problem;
use environments::rate_limiter::RateLimiters;
use environments::read::{Reader, TaskSizes};
use environments::record_store::RecordStore;
use environments::resource::Resource;
use environments::schedule_overrides::OverrideRequest;
use jiff::Timestamp;
use schedule::MAX_CALENDAR_BYTES;
use strict_yaml::words::count;

use super::listed_services::ListedServices;
use crate::clients;
use crate::failure::{Failure, bounded, read};

const NO_CONFIG: &str = "\
no configuration is named; give --config environments.yaml (or s3://BUCKET/KEY, ssm:NAME), or set
ENVIRONMENTS_CONFIG. A stack that runs by its parameters alone has the same as this file:
  version: 1
  accounts: [\"YOUR ACCOUNT\"]
  zone: UTC
  schedules: { office: Mon-Fri 09:00-22:00 }
  default_schedule: office";

const NO_TABLE: &str = "\
no state table is named; give --table, or set STATE_TABLE (`env plan --offline` needs none). The stack's output
EnvironmentsTableName says it:
  aws cloudformation describe-stacks --stack-name STACK \\
    --query \"Stacks[0].Outputs[?OutputKey=='EnvironmentsTableName'].OutputValue\" --output text";

const NO_CREDENTIALS: &str = "\
AWS credentials are expired or not accepted; log in (aws sso login), or set AWS_PROFILE, or
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// Where to look.
#[derive(clap::Args)]
pub(crate) struct SnapshotArgs {
    /// The configuration.
    #[arg(
        long,
        env = "ENVIRONMENTS_CONFIG",
        value_name = "PLACE",
        help = "The configuration: a file, s3://BUCKET/KEY or ssm:NAME"
    )]
    pub(crate) config: Option<String>,
    /// The state table, as the stack's outputs name it
    #[arg(long, env = "STATE_TABLE")]
    pub(crate) table: Option<String>,
    /// The region; left out: that of your AWS configuration
    #[arg(long, env = "AWS_REGION")]
    pub(crate) region: Option<String>,
    /// Another address than AWS's own, for a local AWS
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
}

/// Which services a command that only reads is about.
#[derive(clap::Args)]
pub(crate) struct Selection {
    #[command(flatten)]
    pub(crate) from: SnapshotArgs,
    /// Only these: cluster/service or names, with * and ?
    #[arg(value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,
}

/// What was read: resources, their records, and requests.
pub(crate) struct Snapshot {
    pub(crate) aws: Aws,
    pub(crate) config: Config,
    pub(crate) table: String,
    pub(crate) sizes: TaskSizes,
    pub(crate) limiters: RateLimiters,
    pub(crate) found: GatheredFacts,
    /// The instant that commands judge by.
    pub(crate) now: Timestamp,
    /// This run's id.
    pub(crate) run: String,
}

impl SnapshotArgs {
    /// Clients.
    pub(crate) async fn aws(&self) -> Result<Aws, Failure> {
        clients::aws_at(
            given(self.region.as_ref()),
            given(self.endpoint_url.as_ref()),
        )
        .await
    }

    /// The state table's name.
    pub(crate) fn table(&self) -> Result<&str, Failure> {
        given(self.table.as_ref()).ok_or_else(|| Failure::Wrong(NO_TABLE.to_owned()))
    }

    /// Whether a configuration is named.
    pub(crate) fn has_config(&self) -> bool {
        given(self.config.as_ref()).is_some()
    }

    /// Reads everything that a plan is made of.
    pub(crate) async fn read(&self, now: Timestamp) -> Result<Snapshot, Failure> {
        let named =
            given(self.config.as_ref()).ok_or_else(|| Failure::Wrong(NO_CONFIG.to_owned()))?;
        let table = self.table()?.to_owned();
        let aws = self.aws().await?;
        let config = config(named, Some(&aws)).await?;
        let (sizes, limiters) = (TaskSizes::default(), RateLimiters::new(&config.rate));
        let reader = Reader {
            aws: &aws,
            limiter: &limiters.reads,
            sizes: &sizes,
        };
        let state = Table {
            aws: &aws,
            name: &table,
        };
        let found = gather(reader, RecordStore { table: state }, &config).await;
        let is_unknown = |problem: &Problem| problem.cause == Some(Cause::Credentials);
        if found.problems.iter().any(is_unknown) {
            return Err(Failure::Failed(NO_CREDENTIALS.to_owned()));
        }
        if found.resources.is_empty() && !found.problems.is_empty() {
            let problems: Vec<String> = found.problems.iter().map(Problem::to_string).collect();
            return Err(Failure::Failed(problems.join("\n")));
        }
        let run = format!("cli-{}", signing::new_id());
        Ok(Snapshot {
            aws,
            config,
            table,
            sizes,
            limiters,
            found,
            now,
            run,
        })
    }
}

impl SnapshotArgs {
    /// The same of services that are known from a file: nothing of them sleeps, and nobody has asked for anything.
    pub(crate) async fn offline(
        &self,
        listed: ListedServices,
        now: Timestamp,
    ) -> Result<Snapshot, Failure> {
        let named =
            given(self.config.as_ref()).ok_or_else(|| Failure::Wrong(NO_CONFIG.to_owned()))?;
        let config = config(named, None).await?;
        Ok(Snapshot {
            aws: clients::none(),
            table: String::new(),
            sizes: TaskSizes::default(),
            limiters: RateLimiters::new(&config.rate),
            found: GatheredFacts {
                resources: listed.resources,
                daemons: listed.daemons,
                ..GatheredFacts::default()
            },
            now,
            run: "cli-offline".to_owned(),
            config,
        })
    }
}

impl Snapshot {
    /// The records.
    pub(crate) fn store(&self) -> RecordStore<'_> {
        RecordStore {
            table: Table {
                aws: &self.aws,
                name: &self.table,
            },
        }
    }

    /// Where the services are: one account and region, as the credentials are. None where there is no
    /// service, so that no request can be about one.
    pub(crate) fn where_it_is(&self) -> Option<common::arn::Place> {
        self.found.resources.first().map(Resource::home)
    }

    /// The plan, if people asked for this.
    pub(crate) fn plan(&self, requests: &[OverrideRequest]) -> Plan {
        let facts = Facts {
            resources: self.found.resources.clone(),
            records: self.found.records.clone(),
            requests,
        };
        let ctx = PlanContext {
            now: self.now,
            run: &self.run,
            defer_deadline: self.config.defer_deadline,
        };
        plan(facts, &self.config, &ctx)
    }

    /// What could not be read, in sentences.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.found.problems.iter().map(Problem::to_string).collect()
    }

    /// What could not be read, as the failure that it is.
    pub(crate) fn whole(&self) -> Result<(), Failure> {
        let problems = &self.found.problems;
        if problems.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = problems
            .iter()
            .map(|problem| format!("Not read: {problem}"))
            .collect();
        Err(Failure::Failed(told.join("\n")))
    }

    /// What is not in the plan, in a sentence.
    pub(crate) fn daemons(&self) -> Option<String> {
        let daemons = &self.found.daemons;
        (!daemons.is_empty()).then(|| {
            let number = count(daemons.len(), "DAEMON service");
            format!("{number} not looked at: ECS takes no count for them.")
        })
    }
}

/// The configuration at a place: a path, or one of the places that the function knows.
pub(crate) async fn config(named: &str, aws: Option<&Aws>) -> Result<Config, Failure> {
    let remote = named.starts_with("s3://") || named.starts_with("ssm:");
    if !remote {
        let path = PathBuf::from(named.strip_prefix("file:").unwrap_or(named));
        return file(&path);
    }
    let location = Location::parse(named, "")
        .map_err(|expected| Failure::Wrong(format!("the configuration {named:?}: {expected}")))?;
    let read = match aws {
        Some(aws) => load(aws, &location).await,
        None => load(&clients::aws_at(None, None).await?, &location).await,
    };
    read.map_err(|error| Failure::Wrong(error.to_string()))
}

/// The configuration in a file; all its problems are one failure.
fn file(path: &Path) -> Result<Config, Failure> {
    let (text, files) = texts(path)?;
    Config::parse(&path.to_string_lossy(), &text, &files)
        .map_err(|problems| Failure::Wrong(problems.to_string()))
}

/// The text of a configuration, and those of the calendars beside it. A calendar that can't be read is reported as a
/// problem of the configuration, with its place there.
pub(crate) fn texts(path: &Path) -> Result<(String, Files), Failure> {
    let text = read(path)?;
    let beside = |name: String| {
        let found = bounded(&path.with_file_name(&name), MAX_CALENDAR_BYTES);
        (name, found.map_err(|error| error.to_string()))
    };
    let files = calendar_files(&text).into_iter().map(beside);
    Ok((text, files.collect()))
}

/// An empty environment variable is none.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}
