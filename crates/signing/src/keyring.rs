//! The keys of a function that lives for many invocations: read at the first need, and again when they
//! are old or something was signed with a newer one.

use std::sync::Arc;

use common::aws::Aws;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::{Keys, KeysError, SealError};

/// Keys are read again after this long, so that a rotation is noticed.
const CACHE_TTL: SignedDuration = SignedDuration::from_mins(5);
/// Where something was signed with a key that isn't known they are read again at once, but no more often.
const MIN_REFRESH_INTERVAL: SignedDuration = SignedDuration::from_secs(10);

/// The keys of a function that lives for many invocations: read at the first need, and again when they are old.
#[derive(Debug)]
pub struct Keyring {
    secret: String,
    cached: Mutex<Option<CachedKeys>>,
}

#[derive(Debug)]
struct CachedKeys {
    keys: Arc<Keys>,
    read: Timestamp,
    /// When it was last tried to read them, with or without success.
    tried: Timestamp,
}

impl Keyring {
    /// A keyring over a secret of Secrets Manager; nothing is read yet.
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            cached: Mutex::new(None),
        }
    }

    /// The keys, at most five minutes old.
    pub async fn keys(&self, aws: &Aws, now: Timestamp) -> Result<Arc<Keys>, KeysError> {
        let mut cached = self.cached.lock().await;
        if let Some(cached) = &*cached
            && now.duration_since(cached.read).abs() < CACHE_TTL
        {
            return Ok(cached.keys.clone());
        }
        self.read(&mut cached, aws, now).await
    }

    /// The keys read anew, where something names a key that isn't among them: a rotation may have
    /// happened since. The cached ones, if reading was tried less than ten seconds ago.
    pub async fn refreshed(&self, aws: &Aws, now: Timestamp) -> Result<Arc<Keys>, KeysError> {
        let mut cached = self.cached.lock().await;
        if let Some(cached) = &mut *cached {
            if now.duration_since(cached.tried).abs() < MIN_REFRESH_INTERVAL {
                return Ok(cached.keys.clone());
            }
            cached.tried = now;
        }
        self.read(&mut cached, aws, now).await
    }

    /// What `check` makes of the keys. Where it meets a key that isn't known ([`SealError::UnknownKey`] as
    /// `E` says it), it gets the keys read anew: a rotation may have happened since. Forgeries that name a
    /// known key cost no read.
    pub async fn check<T, E>(
        &self,
        aws: &Aws,
        now: Timestamp,
        check: impl Fn(&Arc<Keys>) -> Result<T, E>,
    ) -> Result<Result<(T, Arc<Keys>), E>, KeysError>
    where
        E: From<SealError> + PartialEq,
    {
        let keys = self.keys(aws, now).await?;
        let first = check(&keys);
        if !matches!(&first, Err(error) if *error == SealError::UnknownKey.into()) {
            return Ok(first.map(|found| (found, keys)));
        }
        match self.refreshed(aws, now).await {
            Ok(keys) => Ok(check(&keys).map(|found| (found, keys))),
            Err(error) => {
                tracing::error!("{error}");
                Ok(first.map(|found| (found, keys)))
            }
        }
    }

    async fn read(
        &self,
        cached: &mut Option<CachedKeys>,
        aws: &Aws,
        now: Timestamp,
    ) -> Result<Arc<Keys>, KeysError> {
        let keys = Arc::new(Keys::load(aws, &self.secret).await?);
        *cached = Some(CachedKeys {
            keys: keys.clone(),
            read: now,
            tried: now,
        });
        Ok(keys)
    }
}
