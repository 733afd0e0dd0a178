//! What a warm function keeps from one invocation to the next. It only saves calls, and may always be lost.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::arn::Place;
use environments::config::Rate;
use environments::rate_limiter::RateLimiters;
use environments::read::TaskSizes;
use tokio::sync::OnceCell;

use crate::configuration::CachedConfig;

/// Of one function instance.
#[derive(Default)]
pub struct Cache {
    configuration: Mutex<Option<CachedConfig>>,
    learned: Mutex<HashMap<Place, (Rate, Arc<PlaceCache>)>>,
    /// The function's own URL; none if it has none.
    pub(crate) url: OnceCell<Option<String>>,
}

/// Of one account and region: AWS limits rates for each.
#[derive(Debug)]
pub struct PlaceCache {
    /// How fast AWS may be called. A bucket that the last run has emptied is not full in the next one.
    pub limiters: RateLimiters,
    /// What tasks take.
    pub sizes: TaskSizes,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    /// What is kept of this place at this rate; a new rate starts over.
    pub fn of(&self, place: &Place, rate: &Rate) -> Arc<PlaceCache> {
        let mut all = locked(&self.learned);
        if let Some((own, learned)) = all.get(place)
            && own == rate
        {
            return learned.clone();
        }
        let learned = Arc::new(PlaceCache {
            limiters: RateLimiters::new(rate),
            sizes: TaskSizes::default(),
        });
        all.insert(place.clone(), (*rate, learned.clone()));
        learned
    }

    pub(crate) fn configuration(&self) -> MutexGuard<'_, Option<CachedConfig>> {
        locked(&self.configuration)
    }
}

/// Nothing here is half written, so a panic elsewhere is no reason to stop.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_own_buckets_until_the_rate_is_another() {
        let cache = Cache::default();
        let place = |region: &str| Place {
            account: "111122223333".into(),
            region: region.into(),
        };
        let rate = Rate::default();
        let first = cache.of(&place("eu-central-1"), &rate);
        assert!(Arc::ptr_eq(
            &first,
            &cache.of(&place("eu-central-1"), &rate)
        ));
        assert!(!Arc::ptr_eq(&first, &cache.of(&place("eu-west-1"), &rate)));
        let slower = Rate {
            per_second: 1.0,
            ..rate
        };
        assert!(!Arc::ptr_eq(
            &first,
            &cache.of(&place("eu-central-1"), &slower)
        ));
    }
}
