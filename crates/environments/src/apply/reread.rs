//! Reads a few resources again, just before they are changed: what is, what is on record, and what people ask for by now.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::{ApplyContext, End, steps};
use crate::kinds::ResourceNames;
use crate::plan::{PlanRow, row};
use crate::read::{ReadError, Reader};
use crate::resource::{Kind, Resource};
use crate::schedule_overrides::OverrideRequest;
use crate::select::Selector;

/// The planned row, and what is there now; none if it is gone.
pub(super) type RereadRow<'r> = (&'r PlanRow, Result<Option<steps::CurrentRow>, End>);

/// The record is read before the resource: whoever changes the resource in between has changed the record as well, and then
/// ours can't be written. What people ask for is read last: nothing would show that it is out of date.
pub(super) async fn reread<'r>(
    context: &ApplyContext<'_>,
    rows: &[&'r PlanRow],
) -> Vec<RereadRow<'r>> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let at = (context.clock)();
    let arns = rows.iter().map(|row| row.resource.arn.as_str());
    let records = join_all(arns.map(|arn| context.store.record(arn))).await;
    let resources = read_resources(context.reader(), &first.resource.cluster, rows).await;
    let asked = context.store.requests().await;
    let requests: &[OverrideRequest] = match &asked {
        Ok((requests, _)) => requests,
        Err(_) => context.requests,
    };
    let mut selector = Selector::new(context.config, requests, (context.clock)());
    let ctx = context.plan_context();
    let again = rows.iter().zip(records).map(|(planned, record)| {
        let found: Result<Option<Resource>, End> = match &resources {
            Ok(resources) => Ok(resources
                .iter()
                .find(|one| one.arn == planned.resource.arn)
                .cloned()),
            Err(error) => Err(End::Failed {
                call: error.call.clone(),
                what: error.what.clone(),
                detail: error.detail.clone(),
                remedy: error.remedy.clone(),
            }),
        };
        let seen = found.and_then(|resource| {
            let item = record.map_err(|error| End::from(&error))?;
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
                return Err(End::from(error));
            }
            row.resource.size = row.resource.size.or(planned.resource.size);
            Ok(Some(steps::CurrentRow { row, item, at }))
        });
        (*planned, seen)
    });
    again.collect()
}

/// All rows are of one place, and of few kinds.
async fn read_resources(
    reader: Reader<'_>,
    cluster: &str,
    rows: &[&PlanRow],
) -> Result<Vec<Resource>, ReadError> {
    let mut names: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for row in rows {
        let of_kind = names.entry(row.resource.kind).or_default();
        of_kind.push(row.resource.name.clone());
    }
    let mut found = Vec::new();
    for (kind, names) in names {
        for names in names.chunks(kind.spec().names_per_call) {
            let names = ResourceNames { cluster, names };
            found.extend(kind.implementation().describe(reader, names).await?);
        }
    }
    Ok(found)
}
