//! The second look at a few services, just before something is done with them: what is, what is remembered
//! and what people ask for by now.

use futures::future::join_all;

use super::{End, Site, calls, steps};
use crate::facts::{Kind, Service};
use crate::kinds;
use crate::look::{Eyes, LookError};
use crate::overrides::Request;
use crate::plan::{Row, row};
use crate::select::Selector;

/// The planned row, and what is there now; none if it is gone.
pub(super) type Seen<'r> = (&'r Row, Result<Option<steps::Seen>, End>);

/// The record first and the service after it: whoever changes the service in between has changed the
/// record as well, and then ours can't be written any more. What people ask for comes last: nothing of
/// theirs tells us that it is out of date.
pub(super) async fn look_again<'r>(site: &Site<'_>, rows: &[&'r Row]) -> Vec<Seen<'r>> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let at = (site.clock)();
    let arns = rows.iter().map(|row| row.service.arn.as_str());
    let records = join_all(arns.map(|arn| site.records.memory(arn))).await;
    let eyes = Eyes {
        aws: site.aws,
        pace: &site.paces.reads,
        sizes: site.sizes,
    };
    let services = look_at(eyes, &first.service.cluster, rows).await;
    let asked = site.records.requests().await;
    let requests: &[Request] = match &asked {
        Ok((requests, _)) => requests,
        Err(_) => site.requests,
    };
    let mut selector = Selector::new(site.config, requests, (site.clock)());
    let ctx = site.ctx();
    let again = rows.iter().zip(records).map(|(planned, record)| {
        let found: Result<Option<Service>, End> = match &services {
            Ok(services) => Ok(services
                .iter()
                .find(|one| one.arn == planned.service.arn)
                .cloned()),
            Err(error) => Err(End::Failed {
                what: error.what.clone(),
                detail: error.detail.clone(),
                remedy: error.remedy.trim_start_matches("; ").to_owned(),
            }),
        };
        let seen = found.and_then(|service| {
            let item = record.map_err(|error| calls::state(&error))?;
            let Some(mut service) = service else {
                return Ok(None);
            };
            service.actions.clone_from(&planned.service.actions);
            let memory = item.as_ref().map(|item| &item.value);
            let mut row = row(service, memory, (site.config, &mut selector, &ctx));
            // Somebody may have asked for more time: nothing is stopped without knowing that.
            if row.step.is_down()
                && let Err(error) = &asked
            {
                return Err(calls::state(error));
            }
            row.service.size = row.service.size.or(planned.service.size);
            Ok(Some(steps::Seen { row, item, at }))
        });
        (*planned, seen)
    });
    again.collect()
}

async fn look_at(eyes: Eyes<'_>, cluster: &str, rows: &[&Row]) -> Result<Vec<Service>, LookError> {
    let is_ecs = |row: &&&Row| row.service.kind == Kind::EcsService;
    let names: Vec<String> = rows
        .iter()
        .filter(is_ecs)
        .map(|row| row.service.name.clone())
        .collect();
    let mut services = Vec::new();
    if !names.is_empty() {
        services = eyes.services(cluster, &names).await?;
    }
    for row in rows.iter().filter(|row| !is_ecs(row)) {
        services.extend(kinds::look(eyes, row.service.kind, &row.service.name).await?);
    }
    Ok(services)
}
