//! Where the new revision answers, and what is known of it.

use aws_sdk_ecs::types::ServiceRevision;
use common::arn::last_name;
use common::load_balancing::Rule;
use gate::ListenerRule;
use http::HeaderMap;

use super::deployment::{Revision, Revisions};
use super::rule_demands::{self, Demands};
use super::stage::Route;
use crate::event::EcsEvent;
use crate::facts::{self, KnownFacts, note};
use crate::listener::{self, Address, ListenerError, Scheme, SchemeHints};
use crate::lookup::load_balancing::{listeners, load_balancers, rules};
use crate::lookup::release::{Release, release};
use crate::lookup::{LookupContext, LookupError};

/// How the new revision is reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetQuery {
    pub(crate) route: Route,
    /// The setting for listeners that don't say what they speak.
    pub(crate) tcp_scheme: Option<Scheme>,
}

/// The new revision under test.
#[derive(Debug, Clone)]
pub(crate) struct FoundTarget {
    pub(crate) known: KnownFacts,
    /// None where nothing leads to it.
    pub(crate) url: Option<String>,
    /// The host that the rule demands.
    pub(crate) host: Option<String>,
    /// The headers that it demands.
    pub(crate) headers: HeaderMap,
    /// What it takes.
    pub(crate) rule: ListenerRule,
    pub(crate) assumed: Vec<String>,
}

/// Finds the address by the rule, and the facts.
pub(crate) async fn find(
    context: LookupContext<'_>,
    query: TargetQuery,
    event: &EcsEvent,
    revisions: &Revisions,
) -> Result<FoundTarget, LookupError> {
    let new = &revisions.new;
    let mut known = KnownFacts {
        facts: super::facts_of(event),
        ..KnownFacts::default()
    };
    known.on_platform("ECS", facts::LAMBDA_KEYS);
    let of_rules = async {
        match query.route {
            Route::None => None,
            _ => Some(addresses(context, query, new).await),
        }
    };
    let (addresses, release_of_new, release_of_old) = tokio::join!(
        of_rules,
        release_of(context, Ok(new)),
        release_of(context, revisions.old.as_ref()),
    );
    learn_revisions(&mut known, revisions, release_of_new, release_of_old);
    let Some(addresses) = addresses else {
        return Ok(unreached(known));
    };
    let Addresses {
        under_test,
        test,
        production,
        rule,
        demands,
    } = addresses?;
    known.learn("test_url", test.map(|address| address.url));
    known.learn("production_url", production.map(|address| address.url));
    let (route, percent) = match query.route {
        Route::None => ("none", None),
        Route::Test => ("test", None),
        Route::TestAtPartialStep { percent } => ("test", Some(percent)),
        Route::Sampled { percent } => ("production", Some(percent)),
        Route::Production => ("production", Some(100)),
    };
    let facts = &mut known.facts;
    note(facts, "route", Some(route));
    note(
        facts,
        "traffic_percent",
        percent.map(|percent| percent.to_string()),
    );
    note(
        facts,
        "host",
        demands.host.as_ref().or(Some(&under_test.host)),
    );
    note(facts, "url", Some(&under_test.url));
    let no_rules = || "the listener has no rules".to_owned();
    known.learn("listener_rule", rule.ok_or_else(no_rules));
    Ok(FoundTarget {
        known,
        url: Some(under_test.url),
        host: demands.host,
        headers: demands.headers,
        rule: demands.rule,
        assumed: under_test.assumed.into_iter().collect(),
    })
}

/// A revision whose tasks run, and to which nothing leads yet.
fn unreached(mut known: KnownFacts) -> FoundTarget {
    for key in [
        "url",
        "host",
        "test_url",
        "production_url",
        "traffic_percent",
        "listener_rule",
    ] {
        let why = "no request reaches the new revision at this stage".to_owned();
        known.unknown.insert(key.to_owned(), why);
    }
    note(&mut known.facts, "route", Some("none"));
    FoundTarget {
        known,
        url: None,
        host: None,
        headers: HeaderMap::new(),
        rule: ListenerRule::default(),
        assumed: Vec::new(),
    }
}

fn learn_revisions(known: &mut KnownFacts, revisions: &Revisions, new: Release, old: Release) {
    let Revisions {
        new: revision,
        old: earlier,
        described,
    } = revisions;
    let facts = &mut known.facts;
    note(facts, "task_definition", revision.task_definition.as_ref());
    note(facts, "container", revision.container.as_ref());
    note(facts, "port", revision.port.map(|port| port.to_string()));
    known.learn("image", new.image);
    // What runs, whatever the task definition names it by.
    let (of_new, of_earlier) = (Some(&described.0), described.1.as_ref());
    known.learn(
        "image_digest",
        image_digest(of_new, revision).or(new.image_digest),
    );
    known.learn("version", new.version);
    known.learn("commit", new.commit);
    known.learn("pipeline_execution_id", new.pipeline_execution_id);
    let of_old = |learn: fn(&Revision) -> Option<String>| match earlier {
        Ok(revision) => learn(revision).ok_or_else(|| "ECS does not say".to_owned()),
        Err(why) => Err(why.clone()),
    };
    known.learn(
        "old_revision",
        of_old(|old| Some(last_name(&old.arn).to_owned())),
    );
    known.learn(
        "old_task_definition",
        of_old(|old| old.task_definition.clone()),
    );
    known.learn("old_image", old.image);
    let digest = earlier
        .as_ref()
        .map_or(old.image_digest.clone(), |earlier| {
            image_digest(of_earlier, earlier).or(old.image_digest)
        });
    known.learn("old_image_digest", digest);
    known.learn("old_version", old.version);
}

/// The digest that ECS has resolved the image of the container to: the named one, or the only one.
fn image_digest(
    described: Option<&ServiceRevision>,
    revision: &Revision,
) -> Result<String, String> {
    let images = described.map_or(&[][..], ServiceRevision::container_images);
    let image = match (&revision.container, images) {
        (Some(name), _) => images
            .iter()
            .find(|image| image.container_name() == Some(name)),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let digest = image.and_then(|image| image.image_digest());
    digest
        .filter(|digest| !digest.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| "ECS does not say which digest the image has".to_owned())
}

async fn release_of(context: LookupContext<'_>, revision: Result<&Revision, &String>) -> Release {
    let definition =
        revision.map(|revision| (revision.task_definition.as_ref(), &revision.container));
    match definition {
        Ok((Some(definition), container)) => {
            release(context, definition, container.as_deref()).await
        }
        Ok((None, _)) => Release::unknown("ECS does not name the revision's task definition"),
        Err(why) => Release::unknown(why),
    }
}

struct Addresses {
    under_test: Address,
    test: Result<Address, String>,
    production: Result<Address, String>,
    /// The rule under test.
    rule: Option<String>,
    /// Of that rule.
    demands: Demands,
}

async fn addresses(
    context: LookupContext<'_>,
    query: TargetQuery,
    new: &Revision,
) -> Result<Addresses, LookupError> {
    let (test, production) = (new.test_rule.as_ref(), new.production_rule.as_ref());
    let named: Vec<String> = test.into_iter().chain(production).cloned().collect();
    if named.is_empty() {
        return Err(LookupError::Missing(no_rule(new)));
    }
    let listener_arns: Vec<String> = named
        .iter()
        .filter_map(|arn| rule_demands::listener_of(arn))
        .collect();
    let of_rule = match query.route {
        Route::Test | Route::TestAtPartialStep { .. } => test,
        Route::None | Route::Production | Route::Sampled { .. } => production,
    };
    let listener_of_rule = of_rule
        .filter(|arn| rule_demands::is_rule(arn))
        .and_then(|arn| rule_demands::listener_of(arn));
    let mut distinct = listener_arns.clone();
    distinct.sort();
    distinct.dedup();
    let (found, rules) = tokio::join!(
        listeners(context.aws, distinct),
        rules(context.aws, listener_of_rule)
    );
    let (found, rules) = (found?, rules?);
    let mut balancers: Vec<String> = found
        .iter()
        .filter_map(|it| it.load_balancer_arn.clone())
        .collect();
    balancers.sort();
    balancers.dedup();
    let balancers = load_balancers(context.aws, balancers).await?;
    let listener = |rule: Option<&String>| {
        let arn = rule_demands::listener_of(rule?)?;
        found
            .iter()
            .find(|it| it.listener_arn.as_ref() == Some(&arn))
    };
    let address = |role: &str, own: Option<&String>, other: Option<&String>| {
        let Some(arn) = own else {
            return Err(format!(
                "the service has no {role}ListenerRule in loadBalancers.advancedConfiguration"
            ));
        };
        let hints = SchemeHints {
            other: listener(other),
            balancers: &balancers,
            setting: query.tcp_scheme,
        };
        listener(own)
            .ok_or(ListenerError::Absent)
            .and_then(|listener| listener::address(listener, hints))
            .map_err(|why| format!("the listener of the {role} rule {arn} {why}"))
    };
    let of_test = address("test", test, production);
    let of_production = address("production", production, test);
    let under_test = match query.route {
        Route::Test | Route::TestAtPartialStep { .. } => of_test.clone(),
        Route::None | Route::Production | Route::Sampled { .. } => of_production.clone(),
    };
    let under_test = under_test.map_err(LookupError::Missing)?;
    Ok(Addresses {
        under_test,
        test: of_test,
        production: of_production,
        rule: of_rule.filter(|arn| rule_demands::is_rule(arn)).cloned(),
        demands: demands_of(of_rule, &rules)?,
    })
}

fn demands_of(arn: Option<&String>, rules: &[Rule]) -> Result<Demands, LookupError> {
    let Some(arn) = arn.filter(|arn| rule_demands::is_rule(arn)) else {
        return Ok(Demands::default());
    };
    let rule = rules
        .iter()
        .find(|rule| rule.rule_arn.as_ref() == Some(arn));
    let rule = rule.ok_or_else(|| {
        LookupError::Missing(format!(
            "DescribeRules did not return {arn}; correct the service's rules"
        ))
    })?;
    rule_demands::demands(rule, rules)
        .map_err(|why| LookupError::Missing(format!("the listener rule {arn} {why}")))
}

fn no_rule(new: &Revision) -> String {
    let connect = if new.has_service_connect {
        "it is reached by Service Connect, which shifts traffic between tasks and has no address that a function can ask"
    } else {
        "its revision names no load balancer with productionListenerRule and testListenerRule"
    };
    format!(
        "there is no listener rule that leads to the new revision: {connect}; give the service a load balancer, or \
         measure it in its own tasks"
    )
}
