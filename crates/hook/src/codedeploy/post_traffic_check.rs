//! What the post-traffic gate will need is checked before there is traffic.
//!
//! A suite that can't work after traffic fails there under the eyes of customers, and rolls a good
//! release back. All that can be known earlier is therefore a reason to stop earlier. Pure.

use std::time::Duration;

use gate::{Stage, Suite};
use strict_yaml::words;

use super::continuation::{MAX_BAKE, MAX_CHECKS, MAX_PARTS};
use super::target::FoundTarget;
use crate::budget;
use crate::settings::PostTrafficGate;

/// Why the post-traffic gate can't pass, whatever the release does; nothing where the AppSpec does not
/// hook it.
pub(super) fn problems(post: &PostTrafficGate, found: &FoundTarget, suite: &Suite) -> Vec<String> {
    if !found.hooks_post_traffic {
        return Vec::new();
    }
    let selection = (suite.required_checks_at(Stage::PostTraffic) == 0).then(|| {
        "the suite has no required check for post-traffic; add one, or take the hook out of the AppSpec"
            .to_owned()
    });
    let listener = found
        .listeners
        .as_ref()
        .and_then(|listeners| listeners.production.clone().err());
    let time = post
        .time_out
        .and_then(|time_out| match bake_fit(suite, time_out) {
            BakeFit::Fits | BakeFit::HandedOn => None,
            BakeFit::TooLong { why, remedy } => Some(format!("{why}; {remedy}")),
        });
    [selection, listener, time]
        .into_iter()
        .flatten()
        .map(|why| {
            format!(
                "the post-traffic gate ({}) would fail once customers are served: {why}",
                post.function
            )
        })
        .collect()
}

/// Whether a bake can be measured while CodeDeploy waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BakeFit {
    /// By one invocation.
    Fits,
    /// The gate hands it to itself.
    HandedOn,
    /// It can't.
    TooLong {
        /// A sentence.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// Whether a post-traffic gate with this time-out can measure the suite's bake while CodeDeploy waits.
pub fn bake_fit(suite: &Suite, time_out: Duration) -> BakeFit {
    let bake = suite.bake();
    let length = bake.length();
    let longest = budget::max_bake_window(time_out);
    if length <= longest {
        return BakeFit::Fits;
    }
    let (written, time_out) = (words::duration(length), words::duration(time_out));
    if length > MAX_BAKE {
        let most = words::duration(MAX_BAKE);
        return BakeFit::TooLong {
            why: format!(
                "the bake of {written} does not fit into CodeDeploy's hour: {most} at most"
            ),
            remedy: "shorten traffic.bake",
        };
    }
    if suite.checks_at(Stage::PostTraffic) > MAX_CHECKS {
        return BakeFit::TooLong {
            why: format!(
                "the bake of {written} is longer than a function with a time-out of {time_out} may run, and more than \
                 {MAX_CHECKS} checks can't be handed on"
            ),
            remedy: "shorten traffic.bake or split the suite",
        };
    }
    let wait = bake.every.max(bake.initial_delay);
    if wait >= longest || length > longest * MAX_PARTS {
        return BakeFit::TooLong {
            why: format!(
                "the bake of {written} can't be handed on often enough by a function with a time-out of {time_out}, which \
                 has time for {}",
                words::duration(longest)
            ),
            remedy: "raise PostTrafficTimeout, shorten traffic.bake or measure more often",
        };
    }
    BakeFit::HandedOn
}
