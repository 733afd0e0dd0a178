//! Calls about applications, their revisions, and deployment configurations.

use serde_json::{Value, json};

use super::CodeDeploy;
use super::config::{DeploymentConfig, PREDEFINED_PREFIX};
use super::input::{self, APPLICATION, CONFIG};
use super::model::{Application, RegisteredRevision, State, seconds};
use super::platform::Platform;
use super::revision::{Reference, Revision};
use super::routing::Routing;
use crate::error::AwsError;
use crate::ids::uuid;

/// `BatchGetApplications` takes at most.
const MAX_APPLICATIONS: usize = 100;
/// Characters of a description at most.
const MAX_DESCRIPTION_LENGTH: usize = 1000;

impl CodeDeploy {
    pub(super) fn create_application(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "applicationName", APPLICATION)?;
        let platform = Platform::read(input::text(input, "computePlatform")?)?;
        let now = self.now();
        let mut state = self.state();
        if state.applications.contains_key(name) {
            return Err(AwsError::client(
                "ApplicationAlreadyExistsException",
                format!("An application already exists with the name {name}"),
            ));
        }
        let application = Application {
            id: uuid(),
            name: name.to_owned(),
            created: now,
            platform,
            groups: std::collections::BTreeMap::new(),
            revisions: Vec::new(),
        };
        let answer = json!({ "applicationId": application.id });
        state.applications.insert(name.to_owned(), application);
        Ok(answer)
    }

    pub(super) fn get_application(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "applicationName", APPLICATION)?;
        let state = self.state();
        Ok(json!({ "application": info(state.application(name)?) }))
    }

    pub(super) fn batch_get_applications(&self, input: &Value) -> Result<Value, AwsError> {
        let names = input::texts(input, "applicationNames")?;
        if names.is_empty() {
            return Err(AwsError::client(
                APPLICATION.missing,
                "At least one application name must be specified",
            ));
        }
        check_batch(names.len(), MAX_APPLICATIONS)?;
        let state = self.state();
        let found: Result<Vec<_>, _> = names
            .iter()
            .map(|name| state.application(name).map(info))
            .collect();
        Ok(json!({ "applicationsInfo": found? }))
    }

    pub(super) fn list_applications(&self, input: &Value) -> Result<Value, AwsError> {
        input::no_token(input)?;
        let state = self.state();
        Ok(json!({ "applications": state.applications.keys().collect::<Vec<_>>() }))
    }

    /// Deleting what is not there is no error, as the model lists none.
    pub(super) fn delete_application(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "applicationName", APPLICATION)?;
        self.state().applications.remove(name);
        Ok(json!({}))
    }

    pub(super) fn create_deployment_config(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "deploymentConfigName", CONFIG)?;
        if name.starts_with(PREDEFINED_PREFIX) {
            return Err(AwsError::client(
                CONFIG.invalid,
                format!("A name that starts with {PREDEFINED_PREFIX} is reserved"),
            ));
        }
        let platform = Platform::read(input::text(input, "computePlatform")?)?;
        let wrong =
            |why: String| AwsError::client("InvalidTrafficRoutingConfigurationException", why);
        let routing = input::member(input, "trafficRoutingConfig").ok_or_else(|| {
            let platform = platform.name();
            wrong(format!(
                "A deployment configuration for {platform} needs a trafficRoutingConfig"
            ))
        })?;
        let routing = Routing::read(routing).map_err(|error| wrong(error.to_string()))?;
        let now = self.now();
        let mut state = self.state();
        if state.configs.contains_key(name) {
            return Err(AwsError::client(
                "DeploymentConfigAlreadyExistsException",
                format!("A Deployment Configuration already exists with the name {name}"),
            ));
        }
        let config = DeploymentConfig {
            id: uuid(),
            name: name.to_owned(),
            created: now,
            platform,
            routing,
        };
        let answer = json!({ "deploymentConfigId": config.id });
        state.configs.insert(name.to_owned(), config);
        Ok(answer)
    }

    pub(super) fn get_deployment_config(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "deploymentConfigName", CONFIG)?;
        let state = self.state();
        let config = state.config(name)?;
        Ok(json!({ "deploymentConfigInfo": {
            "deploymentConfigId": config.id,
            "deploymentConfigName": config.name,
            "createTime": seconds(config.created),
            "computePlatform": config.platform.name(),
            "trafficRoutingConfig": config.routing.to_wire(),
        }}))
    }

    pub(super) fn list_deployment_configs(&self, input: &Value) -> Result<Value, AwsError> {
        input::no_token(input)?;
        let state = self.state();
        Ok(json!({ "deploymentConfigsList": state.configs.keys().collect::<Vec<_>>() }))
    }

    pub(super) fn delete_deployment_config(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "deploymentConfigName", CONFIG)?;
        if name.starts_with(PREDEFINED_PREFIX) {
            return Err(AwsError::client(
                "InvalidOperationException",
                "Predefined deployment configurations cannot be deleted",
            ));
        }
        let mut state = self.state();
        let groups = state
            .applications
            .values()
            .flat_map(|application| application.groups.values());
        if groups.into_iter().any(|group| group.config == name) {
            return Err(AwsError::client(
                "DeploymentConfigInUseException",
                format!("The deployment configuration {name} is in use by a deployment group"),
            ));
        }
        state.configs.remove(name);
        Ok(json!({}))
    }

    pub(super) fn register_application_revision(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "applicationName", APPLICATION)?;
        let description = description(input)?;
        let revision = revision(input)?.revision()?;
        let now = self.now();
        self.state()
            .application_mut(name)?
            .register(&revision, description, false, now);
        Ok(json!({}))
    }

    pub(super) fn get_application_revision(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "applicationName", APPLICATION)?;
        let wanted = revision(input)?;
        let state = self.state();
        let application = state.application(name)?;
        let found = application
            .revisions
            .iter()
            .find(|registered| wanted.names(&registered.revision))
            .ok_or_else(|| {
                AwsError::client(
                    "RevisionDoesNotExistException",
                    format!("The revision is not registered with the application {name}"),
                )
            })?;
        Ok(json!({
            "applicationName": name,
            "revision": found.revision.to_wire(),
            "revisionInfo": revision_info(&state, application, found),
        }))
    }

    pub(super) fn list_application_revisions(&self, input: &Value) -> Result<Value, AwsError> {
        let name = input::name(input, "applicationName", APPLICATION)?;
        input::no_token(input)?;
        let wanted = Listing::read(input)?;
        let state = self.state();
        let application = state.application(name)?;
        let mut found: Vec<_> = application
            .revisions
            .iter()
            .filter(|registered| wanted.shows(&state, application, registered))
            .collect();
        wanted.sort(&mut found);
        let revisions: Vec<_> = found
            .iter()
            .map(|found| found.revision.to_wire_without_content())
            .collect();
        Ok(json!({ "revisions": revisions }))
    }
}

/// What `ListApplicationRevisions` is asked for.
struct Listing {
    sort_by: Option<String>,
    descending: bool,
    bucket: Option<String>,
    prefix: Option<String>,
    deployed: Option<bool>,
}

impl Listing {
    fn read(input: &Value) -> Result<Self, AwsError> {
        let wrong = |code: &str, what: &str| {
            AwsError::client(
                code,
                format!("{what} is not one of the values of the model"),
            )
        };
        let sort_by = match input::text(input, "sortBy")? {
            None => None,
            Some(by @ ("registerTime" | "firstUsedTime" | "lastUsedTime")) => Some(by.to_owned()),
            Some(_) => return Err(wrong("InvalidSortByException", "sortBy")),
        };
        let descending = match input::text(input, "sortOrder")? {
            None | Some("ascending") => false,
            Some("descending") => true,
            Some(_) => return Err(wrong("InvalidSortOrderException", "sortOrder")),
        };
        let deployed = match input::text(input, "deployed")? {
            None | Some("ignore") => None,
            Some("include") => Some(true),
            Some("exclude") => Some(false),
            Some(_) => return Err(wrong("InvalidDeployedStateFilterException", "deployed")),
        };
        let bucket = input::text(input, "s3Bucket")?.map(str::to_owned);
        let prefix = input::text(input, "s3KeyPrefix")?.map(str::to_owned);
        if prefix.is_some() && bucket.is_none() {
            return Err(AwsError::client(
                "BucketNameFilterRequiredException",
                "A key prefix needs a bucket name",
            ));
        }
        Ok(Self {
            sort_by,
            descending,
            bucket,
            prefix,
            deployed,
        })
    }

    fn shows(&self, state: &State, application: &Application, found: &RegisteredRevision) -> bool {
        let place = match &found.revision {
            Revision::S3(location) => Some((&location.bucket, &location.key)),
            Revision::Inline { .. } => None,
        };
        let in_bucket = self.bucket.as_ref().is_none_or(|wanted| {
            place.is_some_and(|(bucket, key)| {
                bucket == wanted
                    && self
                        .prefix
                        .as_ref()
                        .is_none_or(|prefix| key.starts_with(prefix))
            })
        });
        let deployed = !groups_of(state, application, &found.revision).is_empty();
        in_bucket && self.deployed.is_none_or(|wanted| wanted == deployed)
    }

    fn sort(&self, found: &mut [&RegisteredRevision]) {
        match self.sort_by.as_deref() {
            Some("firstUsedTime") => found.sort_by_key(|found| found.first_used),
            Some("lastUsedTime") => found.sort_by_key(|found| found.last_used),
            _ => found.sort_by_key(|found| found.registered),
        }
        if self.descending {
            found.reverse();
        }
    }
}

/// The groups in which a revision is the current one.
fn groups_of(state: &State, application: &Application, revision: &Revision) -> Vec<String> {
    let current = |id: &str| state.running_revision(&application.name, id);
    application
        .groups
        .values()
        .filter(|group| current(&group.id).as_ref() == Some(revision))
        .map(|group| group.name.clone())
        .collect()
}

fn revision_info(state: &State, application: &Application, found: &RegisteredRevision) -> Value {
    let mut wire = json!({
        "deploymentGroups": groups_of(state, application, &found.revision),
        "registerTime": seconds(found.registered),
    });
    if let Some(description) = &found.description {
        wire["description"] = json!(description);
    }
    for (name, at) in [
        ("firstUsedTime", found.first_used),
        ("lastUsedTime", found.last_used),
    ] {
        if let Some(at) = at {
            wire[name] = json!(seconds(at));
        }
    }
    wire
}

fn info(application: &Application) -> Value {
    json!({
        "applicationId": application.id,
        "applicationName": application.name,
        "createTime": seconds(application.created),
        "linkedToGitHub": false,
        "computePlatform": application.platform.name(),
    })
}

/// The revision a call names.
pub(super) fn revision(input: &Value) -> Result<Reference, AwsError> {
    let given = input::member(input, "revision").ok_or_else(|| {
        AwsError::client(
            "RevisionRequiredException",
            "RevisionLocation must be specified",
        )
    })?;
    Reference::read(given)
}

/// The description in a call, if there is one.
pub(super) fn description(input: &Value) -> Result<Option<&str>, AwsError> {
    let description = input::text(input, "description")?;
    if description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_LENGTH) {
        return Err(AwsError::client(
            "DescriptionTooLongException",
            format!("A description has {MAX_DESCRIPTION_LENGTH} characters at most"),
        ));
    }
    Ok(description)
}

/// Refuses a batch that is too long.
pub(super) fn check_batch(given: usize, most: usize) -> Result<(), AwsError> {
    if given <= most {
        return Ok(());
    }
    Err(AwsError::client(
        "BatchLimitExceededException",
        format!("{given} names or identifiers were given; {most} is the most"),
    ))
}
