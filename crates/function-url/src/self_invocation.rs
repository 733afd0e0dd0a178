//! Work that a function hands to itself, to do in an invocation of its own. It is sealed with the signing
//! keys, so that who may invoke the function but can't read its keys can't act in somebody's name.

use std::sync::Arc;

use common::aws::{Aws, Identity};
use common::failure::{Failure, Hints};
use common::lambda_invoke;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use signing::{Keyring, Keys, KeysError, SealError};

use crate::NotOurs;

/// What a function may hand to itself.
pub trait SelfEvent: Serialize + DeserializeOwned {
    /// The key under which it stands in the event.
    const KEY: &'static str;
    /// Keeps seals of one kind of event from counting for another.
    const PURPOSE: &'static str;
}

/// An event with its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent<T> {
    event: T,
    seal: String,
}

/// Why an event was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The keys can't be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Somebody else has made it.
    #[error(
        "an event was refused that this function has not handed to itself ({0}); don't invoke it by hand"
    )]
    Seal(#[from] SealError),
}

impl<T: SelfEvent> SealedEvent<T> {
    /// Seals an event.
    pub fn new(keys: &Keys, event: T) -> Self {
        let seal = keys.seal_text(T::PURPOSE, &canonical(&event));
        Self { event, seal }
    }

    /// Whether a payload is meant to be one.
    pub fn is_in(payload: &Value) -> bool {
        payload.get(T::KEY).is_some()
    }

    /// Reads a payload, whoever has made it.
    pub fn decode(mut payload: Value) -> Result<Self, NotOurs> {
        let keys = payload.as_object().map_or(0, serde_json::Map::len);
        let event = payload.get_mut(T::KEY).map(Value::take).ok_or(NotOurs)?;
        let event = serde_json::from_value(event).map_err(|_| NotOurs)?;
        match payload.get_mut("seal").map(Value::take) {
            Some(Value::String(seal)) if keys == 2 => Ok(Self { event, seal }),
            _ => Err(NotOurs),
        }
    }

    /// The payload.
    pub fn to_value(&self) -> Value {
        json!({T::KEY: self.event, "seal": self.seal})
    }

    /// Whether it was sealed with these keys.
    pub fn check(&self, keys: &Keys) -> Result<(), SealError> {
        keys.check_text(&self.seal, T::PURPOSE, &canonical(&self.event))
    }

    /// What is in it, before anybody knows who has made it: for logs only.
    pub fn unverified(&self) -> &T {
        &self.event
    }

    /// The event, if it is this function that has handed it over, and the keys.
    pub async fn open(
        self,
        keyring: &Keyring,
        aws: &Aws,
        now: Timestamp,
    ) -> Result<(T, Arc<Keys>), OpenError> {
        let checked = keyring.check(aws, now, |keys| self.check(keys)).await?;
        let ((), keys) = checked?;
        Ok((self.event, keys))
    }
}

fn canonical(event: &impl Serialize) -> String {
    serde_json::to_string(event).expect("an event is plain data")
}

/// AWS's error in one line, and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("the function could not invoke itself: {0}")]
pub struct SelfInvocationError(String);

/// Invokes the function called `name`, which is this one, without waiting for what comes of it.
pub async fn invoke_self(
    aws: &Aws,
    name: &str,
    payload: &Value,
) -> Result<(), SelfInvocationError> {
    let sent = lambda_invoke::invoke_event(aws, name, payload.to_string()).await;
    sent.map_err(|error| {
        let hints = Hints {
            permission: "lambda:InvokeFunction on itself",
            absent: "check AWS_LAMBDA_FUNCTION_NAME",
        };
        SelfInvocationError(Failure::of(&error).sentence(Identity::Function, hints))
    })
}
