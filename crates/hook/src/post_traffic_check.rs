//! What the post-traffic gate will need is checked before there is traffic.
//!
//! A suite that can't work after traffic fails there under the eyes of customers, and rolls a good
//! release back. All that can be known earlier is therefore a reason to stop earlier. Pure.

use std::time::Duration;

use gate::{Stage, Suite};
use strict_yaml::words;

use crate::budget;
use crate::lookup::target::FoundTarget;

/// The post-traffic gate, as the pre-traffic one knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostTrafficGate {
    /// The function's name, as an AppSpec gives it.
    pub function: String,
    /// Its time-out, where it is known.
    pub time_out: Option<Duration>,
}

/// Why the post-traffic gate can't pass, whatever the release does; nothing where the AppSpec does not
/// hook it.
pub fn problems(post: &PostTrafficGate, found: &FoundTarget, suite: &Suite) -> Vec<String> {
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
    let bake = suite.bake().window;
    let time = post.time_out.and_then(|time_out| {
        let longest = budget::max_bake_window(time_out);
        (bake > longest).then(|| {
            format!(
                "the bake window of {} does not fit into the function's time-out of {}: {} at most; shorten traffic.bake or raise PostTrafficTimeout",
                words::duration(bake),
                words::duration(time_out),
                words::duration(longest),
            )
        })
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
