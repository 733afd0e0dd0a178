//! What was measured, kept beside the reports while people are asked: the answer is about that, and the report at the
//! end has it. Recognised by its digest, so that nothing else can take its place.

use common::aws::Aws;
use common::location::Object;
use gate::{Outcome, Report};
use serde::{Deserialize, Serialize};
use signing::OpaqueId;
use strict_yaml::words;

use crate::facts::Facts;
use crate::publish::{MAX_REPORT_BYTES, report_store};
use crate::settings::Settings;

/// An outcome as it was shown.
#[derive(Debug, Clone)]
pub(super) struct StoredMeasurements {
    pub(super) outcome: Outcome,
    pub(super) facts: Facts,
    /// The run that measured it.
    run: OpaqueId,
    /// Of all three.
    pub(super) digest: OpaqueId,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct StoredForm<R> {
    run: OpaqueId,
    facts: Facts,
    report: R,
}

impl StoredMeasurements {
    pub(super) fn of(outcome: &Outcome, facts: &Facts, run: &OpaqueId) -> Self {
        let form = StoredForm {
            run: run.clone(),
            facts: facts.clone(),
            report: &outcome.report,
        };
        let text = serde_json::to_string(&form).expect("all keys are texts");
        Self {
            outcome: outcome.clone(),
            facts: facts.clone(),
            run: run.clone(),
            digest: digest(&text),
            text,
        }
    }

    fn read(bytes: Vec<u8>) -> Result<Self, String> {
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        let form: StoredForm<Report> =
            serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(Self {
            outcome: Outcome::of_report(form.report),
            facts: form.facts,
            run: form.run,
            digest: digest(&text),
            text,
        })
    }

    /// Whether it can be read back whole.
    pub(super) fn fits(&self) -> Result<(), String> {
        if self.text.len() <= MAX_REPORT_BYTES {
            return Ok(());
        }
        Err(format!(
            "nobody is asked, as what was measured is larger than the {} that can be kept; give the suite fewer checks or a \
             shorter traffic.bake",
            words::bytes(MAX_REPORT_BYTES),
        ))
    }

    /// The same, if it has this digest and this run measured it.
    pub(super) fn if_it_is(self, digest: &OpaqueId, run: &OpaqueId) -> Result<Self, String> {
        let why = if self.digest != *digest {
            "what is stored of the measurements is not what people were shown"
        } else if self.run != *run {
            "people were asked about another run of a gate, and their answer counts for that one alone"
        } else {
            return Ok(self);
        };
        Err(why.to_owned())
    }
}

fn digest(text: &str) -> OpaqueId {
    OpaqueId::of(&["deploy-hooks measurements", text])
}

/// Stores what people are about to be asked about.
pub(super) async fn put(
    aws: &Aws,
    settings: &Settings,
    question: &OpaqueId,
    stored: &StoredMeasurements,
) -> Result<(), String> {
    stored.fits()?;
    let key = key(settings, question);
    let put = report_store::put(aws, settings, &key, "application/json", stored.text.clone());
    put.await.map_err(|why| {
        format!("nobody is asked, as what was measured could not be stored as {key}: {why}")
    })
}

/// What was stored for a question.
pub(super) async fn get(
    aws: &Aws,
    settings: &Settings,
    question: &OpaqueId,
) -> Result<StoredMeasurements, String> {
    let key = key(settings, question);
    let object = Object::new(&settings.report_bucket, &key);
    let bytes = object.read(aws, MAX_REPORT_BYTES).await;
    let bytes = bytes.map_err(|error| {
        format!("what people were asked about could not be read from {key}: {error:?}")
    })?;
    StoredMeasurements::read(bytes)
        .map_err(|error| format!("what people were asked about, {key}, can't be read: {error}"))
}

/// Ends as the reports of runs that go on do: the gates may read those.
fn key(settings: &Settings, question: &OpaqueId) -> String {
    let prefix = &settings.report_prefix;
    let key = format!("{prefix}/questions/{question}-so-far.json");
    key.trim_start_matches('/').to_owned()
}
