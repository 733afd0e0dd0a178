//! A receiver of webhooks that verifies them by the Standard Webhooks specification.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
//! A message that comes again is answered like the first, and noticed as a replay.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Delivery, Reply};

/// How far a timestamp may be from now, in seconds of real time.
const TOLERANCE_SECONDS: i64 = 300;

/// The receivers, by the last part of their path.
#[derive(Default)]
pub(super) struct Receivers {
    secrets: BTreeMap<String, String>,
    seen: BTreeSet<(String, String)>,
}

impl Receivers {
    pub(super) fn know(&mut self, secrets: BTreeMap<String, String>) {
        self.secrets.extend(secrets);
    }

    pub(super) fn take(&mut self, delivery: &Delivery<'_>) -> Reply {
        let header = |name: &str| {
            let value = delivery.parts.headers.get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let Some(secret) = self.secrets.get(delivery.id) else {
            return refused("no secret is set; POST /_local/sinks with webhook_secrets");
        };
        let given = Signed {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signatures: header("webhook-signature"),
            body: delivery.body,
        };
        // Senders live in real time, whatever the virtual clock shows.
        if let Err(why) = given.verify(secret, Timestamp::now()) {
            return refused(why);
        }
        let first = self
            .seen
            .insert((delivery.id.to_owned(), given.id.to_owned()));
        Reply::new(200, Value::Null).noticing(json!({ "verified": true, "replay": !first }))
    }
}

fn refused(why: &str) -> Reply {
    Reply::new(401, json!({ "error": why })).noticing(json!({ "verified": false }))
}

/// A signed message.
struct Signed<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
    body: &'a [u8],
}

impl Signed<'_> {
    fn verify(&self, secret: &str, now: Timestamp) -> Result<(), &'static str> {
        if self.id.is_empty() || self.timestamp.is_empty() || self.signatures.is_empty() {
            return Err("webhook-id, webhook-timestamp and webhook-signature are needed");
        }
        let sent: i64 = self
            .timestamp
            .parse()
            .map_err(|_| "webhook-timestamp is no number")?;
        if now.as_second().abs_diff(sent) > TOLERANCE_SECONDS.unsigned_abs() {
            return Err("webhook-timestamp is more than five minutes away");
        }
        let key = BASE64
            .decode(secret.strip_prefix("whsec_").unwrap_or(secret).as_bytes())
            .map_err(|_| "the secret is no Base64")?;
        if key.is_empty() {
            return Err("the secret is empty");
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the secret is no key")?;
        mac.update(format!("{}.{}.", self.id, self.timestamp).as_bytes());
        mac.update(self.body);
        let mut signatures = self.signatures.split(' ');
        let fits = |signature: &str| {
            let bytes = signature
                .strip_prefix("v1,")
                .map(|text| BASE64.decode(text.as_bytes()));
            matches!(bytes, Some(Ok(bytes)) if mac.clone().verify_slice(&bytes).is_ok())
        };
        signatures
            .any(fits)
            .then_some(())
            .ok_or("no signature fits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The specification's own example.
    fn example() -> Signed<'static> {
        Signed {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: "1614265330",
            signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            body: b"{\"test\": 2432232314}",
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_is_verified() {
        assert_eq!(example().verify(SECRET, at(1_614_265_330)), Ok(()));
        let several = Signed {
            signatures: "v1,AAAA v2,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ..example()
        };
        assert_eq!(several.verify(SECRET, at(1_614_265_330)), Ok(()));
    }

    #[test]
    fn what_was_changed_or_is_late_is_refused() {
        let now = at(1_614_265_330);
        let body = Signed {
            body: b"{}",
            ..example()
        };
        assert!(body.verify(SECRET, now).is_err());
        let id = Signed {
            id: "msg_other",
            ..example()
        };
        assert!(id.verify(SECRET, now).is_err());
        assert!(example().verify("whsec_AAAA", now).is_err());
        assert!(example().verify("whsec_", now).is_err());
        assert!(example().verify(SECRET, at(1_614_265_330 + 301)).is_err());
        assert!(example().verify(SECRET, at(1_614_265_330 - 301)).is_err());
    }
}
