//! The second look at a few services, just before something is done with them: what is, what is remembered
//! and what people ask for by now.

use futures::future::join_all;

use super::{ApplyContext, End, calls, steps};
use crate::kinds;
use crate::overrides::Request;
use crate::plan::{Row, row};
use crate::read::{ReadError, Reader};
use crate::resource::{Kind, Resource};
use crate::select::Selector;

/// The planned row, and what is there now; none if it is gone.
pub(super) type Reread<'r> = (&'r Row, Result<Option<steps::CurrentRow>, End>);

/// The record first and the service after it: whoever changes the service in between has changed the
/// record as well, and then ours can't be written any more. What people ask for comes last: nothing of
/// theirs tells us that it is out of date.
pub(super) async fn reread<'r>(context: &ApplyContext<'_>, rows: &[&'r Row]) -> Vec<Reread<'r>> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let at = (context.clock)();
    let arns = rows.iter().map(|row| row.resource.arn.as_str());
    let records = join_all(arns.map(|arn| context.store.record(arn))).await;
    let reader = Reader {
        aws: context.aws,
        limiter: &context.limiters.reads,
        sizes: context.sizes,
    };
    let services = read_resources(reader, &first.resource.cluster, rows).await;
    let asked = context.store.requests().await;
    let requests: &[Request] = match &asked {
        Ok((requests, _)) => requests,
        Err(_) => context.requests,
    };
    let mut selector = Selector::new(context.config, requests, (context.clock)());
    let ctx = context.plan_context();
    let again = rows.iter().zip(records).map(|(planned, record)| {
        let found: Result<Option<Resource>, End> = match &services {
            Ok(services) => Ok(services
                .iter()
                .find(|one| one.arn == planned.resource.arn)
                .cloned()),
            Err(error) => Err(End::Failed {
                what: error.what.clone(),
                detail: error.detail.clone(),
                remedy: error.remedy.trim_start_matches("; ").to_owned(),
            }),
        };
        let seen = found.and_then(|resource| {
            let item = record.map_err(|error| calls::state(&error))?;
            let Some(mut resource) = resource else {
                return Ok(None);
            };
            resource.actions.clone_from(&planned.resource.actions);
            let record = item.as_ref().map(|item| &item.value);
            let mut row = row(resource, record, (context.config, &mut selector, &ctx));
            // Somebody may have asked for more time: nothing is stopped without knowing that.
            if row.step.is_down()
                && let Err(error) = &asked
            {
                return Err(calls::state(error));
            }
            row.resource.size = row.resource.size.or(planned.resource.size);
            Ok(Some(steps::CurrentRow { row, item, at }))
        });
        (*planned, seen)
    });
    again.collect()
}

async fn read_resources(
    reader: Reader<'_>,
    cluster: &str,
    rows: &[&Row],
) -> Result<Vec<Resource>, ReadError> {
    let is_ecs = |row: &&&Row| row.resource.kind == Kind::EcsService;
    let names: Vec<String> = rows
        .iter()
        .filter(is_ecs)
        .map(|row| row.resource.name.clone())
        .collect();
    let mut services = Vec::new();
    if !names.is_empty() {
        services = reader.services(cluster, &names).await?;
    }
    for row in rows.iter().filter(|row| !is_ecs(row)) {
        services.extend(kinds::look(reader, row.resource.kind, &row.resource.name).await?);
    }
    Ok(services)
}
