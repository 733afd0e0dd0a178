//! Memory: a run must fit into what the function has, whatever the target answers.
//!
//! A killed process gives no answer. So what bodies may take is summed up before the first request,
//! and a suite that can't fit is refused with the sum. While it runs, bodies are judged under a
//! budget: what decoding, text and JSON take of several large bodies at once is never needed at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::expect::{Expectation, memory_to_judge};
use crate::suite::Check;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What the process takes with no body in it: the runtime, TLS, the clients of AWS, the report of a
/// thousand checks.
const BASE_BYTES: usize = 80 * MIB;

/// What one request takes beside its body: the buffers of its connection, TLS, its record.
const REQUEST_BYTES: usize = 256 * KIB;

/// What may be judged at once where it is unknown how much memory there is.
const DEFAULT_MEMORY_BYTES: usize = 256 * MIB;

/// What bodies may take of the memory while they are judged.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    permits: Arc<Semaphore>,
    most: usize,
}

/// What a run needs at most, in bytes.
struct Need {
    /// Bodies as they are received, with their connections.
    received: usize,
    at_once: usize,
    /// The largest of them, while it is judged.
    judged: usize,
    /// Files that requests carry.
    held: usize,
}

impl Need {
    /// `everywhere` is judged of each answer, whatever a check expects.
    fn of(checks: &[Check], everywhere: &[Expectation], concurrency: usize, held: usize) -> Self {
        let mut limits: Vec<usize> = checks.iter().map(received).collect();
        limits.sort_unstable_by(|a, b| b.cmp(a));
        limits.truncate(concurrency);
        Self {
            received: limits.iter().sum::<usize>() + limits.len() * REQUEST_BYTES,
            at_once: limits.len(),
            judged: checks
                .iter()
                .map(|check| {
                    let most = received(check);
                    let by_expect =
                        memory_to_judge(&check.expect, most).max(memory_to_judge(everywhere, most));
                    check.probe.kind().profile().judged.max(by_expect)
                })
                .max()
                .unwrap_or_default(),
            held,
        }
    }

    fn sum(&self) -> usize {
        BASE_BYTES + self.received + self.judged + self.held
    }
}

/// Why the checks can't run in this much memory, if they can't.
pub(super) fn refusal(
    checks: &[Check],
    everywhere: &[Expectation],
    concurrency: usize,
    held: usize,
    memory: u64,
) -> Option<String> {
    let need = Need::of(checks, everywhere, concurrency, held);
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    (need.sum() > memory).then(|| {
        let mib = |bytes: usize| format!("{} MiB", bytes.div_ceil(MIB));
        let files = match need.held {
            0 => String::new(),
            held => format!(" {} for the files of the suite,", mib(held)),
        };
        format!(
            "the suite may need {} of memory, and the function has {}: {} for itself,{files} {} for {} at \
             once, and {} to judge the largest; lower limits.concurrency or max_body, or give the \
             function more memory",
            mib(need.sum()),
            mib(memory),
            mib(BASE_BYTES),
            mib(need.received),
            if need.at_once == 1 {
                "1 body".to_owned()
            } else {
                format!("{} bodies", need.at_once)
            },
            mib(need.judged),
        )
    })
}

impl Budget {
    pub(super) fn new(
        checks: &[Check],
        everywhere: &[Expectation],
        concurrency: usize,
        held: usize,
        memory: Option<u64>,
    ) -> Self {
        let need = Need::of(checks, everywhere, concurrency, held);
        let room = memory.map_or(DEFAULT_MEMORY_BYTES, |memory| {
            usize::try_from(memory)
                .unwrap_or(usize::MAX)
                .saturating_sub(BASE_BYTES + need.received + need.held)
        });
        let most = room.max(need.judged).max(KIB) / KIB;
        let most = most.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Self {
            permits: Arc::new(Semaphore::new(most)),
            most,
        }
    }

    /// Waits until there is room to judge a body of this size. The room is given back when what is
    /// returned is dropped.
    pub(super) async fn room(
        &self,
        expect: &[Expectation],
        body: usize,
    ) -> Option<OwnedSemaphorePermit> {
        let need = memory_to_judge(expect, body)
            .div_ceil(KIB)
            .clamp(1, self.most);
        let need = u32::try_from(need).unwrap_or(u32::MAX);
        Arc::clone(&self.permits)
            .acquire_many_owned(need)
            .await
            .ok()
    }
}

fn received(check: &Check) -> usize {
    check.probe.kind().profile().received
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Suite;

    fn checks(text: &str) -> Vec<Check> {
        let text = format!("version: 1\nname: s\nchecks:\n{text}");
        Suite::parse("s", &text).unwrap().checks
    }

    fn many(count: usize, max_body: &str) -> Vec<Check> {
        let check = |n: usize| {
            format!(
                "  - {{ name: c{n}, http: {{ url: /, max_body: {max_body} }}, expect: [{{ json: {{ path: $, exists: true }} }}] }}\n"
            )
        };
        checks(&(0..count).map(check).collect::<String>())
    }

    #[test]
    fn the_defaults_fit_into_the_smallest_function_that_is_sensible() {
        assert_eq!(refusal(&many(200, "1MiB"), &[], 10, 0, 128 << 20), None);
        assert_eq!(refusal(&many(200, "1MiB"), &[], 50, 0, 256 << 20), None);
        assert_eq!(refusal(&many(1, "1MiB"), &[], 10, 0, 128 << 20), None);
    }

    #[test]
    fn what_can_not_fit_is_refused_with_the_sum() {
        insta::assert_snapshot!(refusal(&many(20, "16MiB"), &[], 10, 0, 256 << 20).unwrap(), @"the suite may need 483 MiB of memory, and the function has 256 MiB: 80 MiB for itself, 163 MiB for 10 bodies at once, and 240 MiB to judge the largest; lower limits.concurrency or max_body, or give the function more memory");
        assert_eq!(refusal(&many(20, "16MiB"), &[], 10, 0, 512 << 20), None);
        insta::assert_snapshot!(refusal(&many(200, "2MiB"), &[], 200, 0, 512 << 20).unwrap(), @"the suite may need 574 MiB of memory, and the function has 512 MiB: 80 MiB for itself, 450 MiB for 200 bodies at once, and 44 MiB to judge the largest; lower limits.concurrency or max_body, or give the function more memory");
        insta::assert_snapshot!(refusal(&many(1, "1MiB"), &[], 10, 16 << 20, 96 << 20).unwrap(), @"the suite may need 128 MiB of memory, and the function has 96 MiB: 80 MiB for itself, 16 MiB for the files of the suite, 2 MiB for 1 body at once, and 30 MiB to judge the largest; lower limits.concurrency or max_body, or give the function more memory");
        // Nothing is judged of a body that only its status is asked for.
        let plain = checks("  - { name: a, http: { url: /, max_body: 16MiB } }\n");
        assert_eq!(refusal(&plain, &[], 10, 0, 100 << 20), None);
    }

    #[test]
    fn probes_that_hold_much_are_counted_by_what_they_hold() {
        let of = |probe: &str| received(&checks(&format!("  - {{ name: a, {probe} }}\n"))[0]);
        assert_eq!(of("alarms: [a]"), 0);
        assert_eq!(of("tcp: {}"), 64 * KIB);
        assert!(of("websocket: /") < MIB && of("grpc: {}") < MIB && of("dns: { name: a }") < MIB);
        assert!(of("crawl: /") < 8 * MIB);
        let large = checks("  - { name: a, crawl: { max_body: 16MiB, max_pages: 500 } }\n");
        assert!(refusal(&large, &[], 10, 0, 512 << 20).is_some());
    }

    #[tokio::test]
    async fn large_bodies_are_judged_one_after_the_other() {
        let checks = many(10, "16MiB");
        let budget = Budget::new(&checks, &[], 10, 0, Some(488 << 20));
        let first = budget.room(&checks[0].expect, 16 << 20).await;
        let mut second = std::pin::pin!(budget.room(&checks[1].expect, 16 << 20));
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(first);
        assert!(futures::poll!(second.as_mut()).is_ready());
        // Whatever is asked for, it is given at some time.
        assert!(
            budget
                .room(&checks[0].expect, usize::MAX / 32)
                .await
                .is_some()
        );
    }
}
