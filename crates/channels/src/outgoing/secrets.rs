//! The secrets of channels, kept for a minute: so that they can be read while something else is being
//! looked up, and once where several messages need the same one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::aws::Aws;
use common::secret::{self, SecretError, SecretRef};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long a value is kept. Short: a secret that was replaced is in use at the next try of Lambda.
const CACHE_TTL: Duration = Duration::from_mins(1);

/// Secrets that were read lately. Shows none of them.
#[derive(Default)]
pub(super) struct Secrets(Mutex<BTreeMap<String, Entry>>);

#[derive(Clone)]
struct Entry {
    since: Instant,
    value: Arc<OnceCell<String>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(***)")
    }
}

impl Secrets {
    /// The secret, read if it isn't kept. Many who ask at once make one call; an error is not kept.
    pub(super) async fn read(
        &self,
        aws: &Aws,
        reference: &SecretRef,
    ) -> Result<String, SecretError> {
        let cell = self.cell(&reference.to_string());
        let value = cell.get_or_try_init(|| secret::read(aws, reference));
        value.await.cloned()
    }

    fn cell(&self, name: &str) -> Arc<OnceCell<String>> {
        let now = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, entry| now.duration_since(entry.since) < CACHE_TTL);
        let entry = kept.entry(name.to_owned()).or_insert_with(|| Entry {
            since: now,
            value: Arc::new(OnceCell::new()),
        });
        entry.value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_value_is_kept_for_a_minute_and_never_shown() {
        let secrets = Secrets::default();
        secrets
            .cell("ssm:/token")
            .set("s3cret".to_owned())
            .expect("it is new");
        assert_eq!(
            secrets.cell("ssm:/token").get().map(String::as_str),
            Some("s3cret")
        );
        assert_eq!(secrets.cell("ssm:/other").get(), None);
        assert!(!format!("{secrets:?}").contains("s3cret"));
        tokio::time::advance(CACHE_TTL).await;
        assert_eq!(secrets.cell("ssm:/token").get(), None, "it is read again");
    }
}
