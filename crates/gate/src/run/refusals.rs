//! Why a run can't begin. Everything that is known before the first request is refused here, so that no
//! release is measured by a suite that could not pass it.

use std::time::Duration;

use tokio::time::Instant;

use crate::bake::Bake;
use crate::probe::browser::NO_BROWSER;
use crate::probe::{FixedTime, Probe, ProbeContext, Subject};
use crate::suite::Check;
use crate::suite::filled_size::{self, MAX_FILLED_TOGETHER};
use crate::template::Values;
use crate::verdict::RunState;
use crate::words;

/// The last round starts when the window ends; it needs at least this much before the deadline.
const LAST_ROUND_ALLOWANCE: Duration = Duration::from_secs(1);

/// The bake window is longer than the time before the deadline.
pub(super) fn does_not_fit(bake: &Bake, begun: Instant, deadline: Instant) -> Option<String> {
    let left = deadline.saturating_duration_since(begun);
    let needed = bake.length() + LAST_ROUND_ALLOWANCE;
    (!bake.window.is_zero() && needed > left).then(|| {
        format!(
            "the bake window of {} does not fit: {} are left before the deadline, and the last \
             round needs {} more; shorten traffic.bake or allow the gate more time",
            words::duration(bake.length()),
            words::duration(left),
            words::duration(LAST_ROUND_ALLOWANCE)
        )
    })
}

/// Checks that take longer than there is time, so that the deadline would always cut them.
pub(super) fn takes_too_long(checks: &[Check], begun: Instant, deadline: Instant) -> Vec<String> {
    let left = deadline.saturating_duration_since(begun);
    let refused = checks.iter().filter_map(|check| {
        let FixedTime { of, longest } = check.probe.kind().fixed_time()?;
        (longest > left).then(|| {
            format!(
                "check {:?} ({}): {of} takes up to {}, and {} are left before the deadline; shorten it or allow \
                 the gate more time",
                check.name,
                check.place(),
                words::duration(longest),
                words::duration(left)
            )
        })
    });
    refused.collect()
}

/// Checks that need a browser, where there is none.
pub(super) fn without_a_browser(checks: &[Check]) -> Vec<String> {
    let in_browser = checks
        .iter()
        .filter(|check| matches!(check.probe, Probe::Browser(_)));
    in_browser
        .map(|check| format!("check {:?} ({}): {NO_BROWSER}", check.name, check.place()))
        .collect()
}

/// Two revisions answer, and nothing distinguishes them.
pub(super) const NO_REVISION: &str = "two revisions answer at this address, and the suite does not say how to tell them apart; name what an \
     answer of the new one has: `revision: { header: { name: x-version, equals: \"{{ target.version }}\" } }`";

/// The run was begun with another suite.
pub(super) fn is_of_another_suite(
    state: &RunState,
    fingerprint: u64,
    checks: usize,
) -> Option<String> {
    (state.fingerprint != fingerprint || state.checks.len() != checks).then(|| {
        format!(
            "the suite was changed while its bake went on, after {}; what was measured by the old \
             one does not count for the new one: deploy again",
            words::count(
                usize::try_from(state.rounds()).unwrap_or(usize::MAX),
                "round"
            )
        )
    })
}

/// Checks whose host or path don't meet the listener rule that leads to the release. What else it demands is known when
/// a request is sent.
pub(super) fn misses_the_rule(checks: &[Check], context: &ProbeContext) -> Vec<String> {
    let mut refusals = Vec::new();
    for check in checks {
        for url in check.probe.kind().urls(context) {
            if let Some(miss) = context.clients.miss_of_url(&url) {
                refusals.push(format!(
                    "check {:?} ({}) asks for {url}, and the listener rule of the release {miss}",
                    check.name,
                    check.place(),
                ));
            }
        }
    }
    refusals
}

/// The texts of the suite are too large once their references are filled.
pub(super) fn fills_too_much(checks: &[Check], values: &Values) -> Option<String> {
    let bytes = filled_size::bytes(checks, values);
    (bytes > MAX_FILLED_TOGETHER).then(|| {
        format!(
            "the texts of the suite take {} bytes when their references are filled; they may take {} \
             together: name long values less often",
            bytes,
            words::bytes(MAX_FILLED_TOGETHER)
        )
    })
}

/// Why a gate before traffic does not pass although no check of it failed.
pub(super) const NOT_OF_THE_RELEASE: &str = "nothing required measures the release: every required check asks another place, or was \
     redirected to one; write one with a path, or with `reaches_release: true`";

/// Where only the release counts: checks that ask another place, or no required check that measures the release at all.
pub(super) fn not_of_the_release(checks: &[Check], context: &ProbeContext) -> Vec<String> {
    if !context.clients.only_release {
        return Vec::new();
    }
    let mut refusals = Vec::new();
    let mut others = 0;
    let mut of_release = 0;
    for check in checks {
        let required = usize::from(check.severity.may_block());
        match check.probe.kind().subject(context) {
            Subject::Release => of_release += required,
            Subject::Other => others += required,
            Subject::Refused(why) => refusals.push(format!(
                "check {:?} ({}): {why}; or `on: post-traffic`",
                check.name,
                check.place()
            )),
        }
    }
    if refusals.is_empty() && of_release == 0 && others > 0 {
        refusals.push(NOT_OF_THE_RELEASE.to_owned());
    }
    refusals
}
