//! Where a gate's report is read from: a file, standard input, or the bucket.

use std::path::Path;

use common::aws::Aws;
use common::location::Object;
use gate::Report;

use crate::failure::{self, Failure};

/// The measurements of a run are bounded to 8 MiB; a report is less than twice that.
const MAX_REPORT_BYTES: usize = 16 * 1024 * 1024;

/// The report at this place, and the place of its JSON: the address that messages show is that of the page beside it.
pub(super) async fn report(aws: &Aws, place: &str) -> Result<(Report, String), Failure> {
    let place = match place.strip_suffix(".html") {
        Some(stem) => format!("{stem}.json"),
        None => place.to_owned(),
    };
    let Some((bucket, key)) = place
        .strip_prefix("s3://")
        .and_then(|address| address.split_once('/'))
    else {
        let bytes = failure::read_bytes(Path::new(&place), MAX_REPORT_BYTES)?;
        return Ok((parsed(&bytes, &place)?, place));
    };
    let object = Object::new(bucket, key);
    let bytes = object.read(aws, MAX_REPORT_BYTES).await.map_err(|error| {
        let absent = "give the address that the gate's message names";
        Failure::Wrong(format!(
            "the report {place} could not be read: {}",
            error.sentence(aws, absent)
        ))
    })?;
    Ok((parsed(&bytes, &place)?, place))
}

fn parsed(bytes: &[u8], place: &str) -> Result<Report, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::Wrong(format!("{place} is no report of a gate: {error}")))
}
