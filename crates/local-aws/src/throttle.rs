//! The token buckets by which AWS throttles calls, off until the control API switches them on.
//!
//! They fill in real time, because it is real time in which clients pace themselves. Each account and
//! region has its own; all callers of one share it. A call that finds its bucket empty is refused and
//! takes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::AwsError;
use crate::faults::canonical;
use crate::sync::lock;

/// The size of a bucket and which calls draw on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The service, by its signing name.
    pub service: String,
    /// The operations that take one each.
    pub operations: Vec<String>,
    /// Calls that a full bucket allows at once.
    pub burst: f64,
    /// Calls it gains in a second.
    pub per_second: f64,
}

/// A bucket as the control API takes it: of a known one the numbers suffice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSpec {
    name: String,
    service: Option<String>,
    operations: Option<Vec<String>>,
    burst: f64,
    per_second: f64,
}

/// What a bucket has seen.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    #[serde(flatten)]
    bucket: Bucket,
    /// Calls let through.
    taken: u64,
    /// Calls refused.
    refused: u64,
}

/// The numbers that AWS documents for the API of ECS.
pub fn documented() -> Vec<Bucket> {
    let bucket = |name: &str, (burst, per_second): (f64, f64), operations: &[&str]| Bucket {
        name: name.to_owned(),
        service: "ecs".to_owned(),
        operations: operations.iter().map(ToString::to_string).collect(),
        burst,
        per_second,
    };
    vec![
        bucket(
            "service-changes",
            (50.0, 5.0),
            &[
                "ContinueServiceDeployment",
                "CreateService",
                "DeleteService",
                "StopServiceDeployment",
                "UpdateService",
            ],
        ),
        bucket(
            "service-reads",
            (100.0, 20.0),
            &[
                "DescribeServiceDeployments",
                "DescribeServiceRevisions",
                "DescribeServices",
                "ListServiceDeployments",
                "ListServices",
            ],
        ),
        bucket(
            "tagging",
            (20.0, 10.0),
            &["ListTagsForResource", "TagResource", "UntagResource"],
        ),
        bucket(
            "cluster-reads",
            (50.0, 20.0),
            &["DescribeClusters", "ListClusters"],
        ),
    ]
}

/// The buckets of all accounts and regions. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Throttles {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Empty: off.
    buckets: Vec<Seen>,
    /// By place in `buckets`, and by account and region.
    levels: BTreeMap<(usize, String), Level>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

/// Why a bucket is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    /// It would let nothing through.
    #[error("bucket {bucket}: `burst` must be 1 or more and `per_second` more than 0")]
    Numbers {
        /// Its name.
        bucket: String,
    },
    /// It is not a documented one, and does not say what it limits.
    #[error("bucket {bucket} is not one of {known}: it needs `service` and `operations`")]
    Incomplete {
        /// Its name.
        bucket: String,
        /// The names of the documented ones.
        known: String,
    },
}

impl Throttles {
    /// Switches the documented buckets on, all of them full, with these numbers instead of theirs and
    /// with these further ones.
    pub fn switch_on(&self, specs: Vec<BucketSpec>) -> Result<(), BucketError> {
        let mut buckets = documented();
        for spec in specs {
            if !(spec.burst >= 1.0 && spec.per_second > 0.0) {
                return Err(BucketError::Numbers { bucket: spec.name });
            }
            let known = buckets.iter().position(|bucket| bucket.name == spec.name);
            let known = known.map(|place| buckets.remove(place));
            let service = spec.service.map(|service| canonical(&service).to_owned());
            let service = service.or_else(|| known.as_ref().map(|bucket| bucket.service.clone()));
            let operations = spec.operations.or(known.map(|bucket| bucket.operations));
            let (Some(service), Some(operations)) = (service, operations) else {
                let names: Vec<String> = documented().into_iter().map(|b| b.name).collect();
                return Err(BucketError::Incomplete {
                    bucket: spec.name,
                    known: names.join(", "),
                });
            };
            buckets.push(Bucket {
                name: spec.name,
                service,
                operations,
                burst: spec.burst,
                per_second: spec.per_second,
            });
        }
        let unused = |bucket: Bucket| Seen {
            bucket,
            taken: 0,
            refused: 0,
        };
        let mut state = self.lock();
        state.levels.clear();
        state.buckets = buckets.into_iter().map(unused).collect();
        Ok(())
    }

    /// Switches all of them off.
    pub fn switch_off(&self) {
        *self.lock() = State::default();
    }

    /// The buckets and what they have seen; none when they are off.
    pub fn seen(&self) -> Vec<Seen> {
        self.lock().buckets.clone()
    }

    /// Lets a call through, or refuses it as AWS does.
    pub(crate) fn take(&self, place: &str, service: &str, operation: &str) -> Result<(), AwsError> {
        let mut state = self.lock();
        let State { buckets, levels } = &mut *state;
        let draws = |seen: &Seen| {
            let bucket = &seen.bucket;
            bucket.service == service && bucket.operations.iter().any(|known| known == operation)
        };
        let Some(index) = buckets.iter().position(draws) else {
            return Ok(());
        };
        let seen = &mut buckets[index];
        let (burst, per_second) = (seen.bucket.burst, seen.bucket.per_second);
        let now = Instant::now();
        let level = levels.entry((index, place.to_owned())).or_insert(Level {
            tokens: burst,
            at: now,
        });
        let gained = now.duration_since(level.at).as_secs_f64() * per_second;
        level.tokens = (level.tokens + gained).min(burst);
        level.at = now;
        if level.tokens < 1.0 {
            seen.refused += 1;
            return Err(AwsError::client("ThrottlingException", "Rate exceeded"));
        }
        level.tokens -= 1.0;
        seen.taken += 1;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn through(throttles: &Throttles, place: &str, calls: u32) -> u32 {
        let take = |_: &u32| throttles.take(place, "ecs", "UpdateService").is_ok();
        u32::try_from((0..calls).filter(take).count()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_and_then_its_rate() {
        let throttles = Throttles::default();
        assert_eq!(through(&throttles, "a", 500), 500, "off by default");
        throttles.switch_on(Vec::new()).unwrap();
        assert_eq!(through(&throttles, "a", 80), 50);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(through(&throttles, "a", 80), 10);
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!(through(&throttles, "a", 80), 50, "never more than its size");
        assert_eq!(
            through(&throttles, "b", 80),
            50,
            "another account has its own"
        );
        throttles.switch_off();
        assert_eq!(through(&throttles, "a", 500), 500);
    }

    #[tokio::test]
    async fn calls_of_other_kinds_draw_on_other_buckets() {
        let throttles = Throttles::default();
        throttles.switch_on(Vec::new()).unwrap();
        assert_eq!(through(&throttles, "a", 60), 50);
        assert!(throttles.take("a", "ecs", "DescribeServices").is_ok());
        assert!(throttles.take("a", "ecs", "ListTasks").is_ok());
        let seen = throttles.seen();
        assert_eq!((seen[0].taken, seen[0].refused), (50, 10));
    }

    #[test]
    fn numbers_can_be_set_and_buckets_added() {
        let throttles = Throttles::default();
        let spec = |json: &str| serde_json::from_str::<BucketSpec>(json).unwrap();
        throttles
            .switch_on(vec![
                spec(r#"{"name":"service-changes","burst":2,"per_second":1}"#),
                spec(
                    r#"{"name":"bounds","service":"applicationautoscaling","burst":1,"per_second":1,
                        "operations":["RegisterScalableTarget"]}"#,
                ),
            ])
            .unwrap();
        let register = || throttles.take("a", "application-autoscaling", "RegisterScalableTarget");
        assert!(register().is_ok());
        assert_eq!(register().unwrap_err().code, "ThrottlingException");
        let unknown = spec(r#"{"name":"x","burst":2,"per_second":1}"#);
        assert!(throttles.switch_on(vec![unknown]).is_err());
        let empty = spec(r#"{"name":"tagging","burst":0,"per_second":1}"#);
        assert!(throttles.switch_on(vec![empty]).is_err());
    }
}
