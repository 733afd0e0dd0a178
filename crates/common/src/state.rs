//! The state table: small JSON values under two string keys in one `DynamoDB` table, written only on
//! conditions, so that functions which run at the same time agree on who was first.
//!
//! Every read is consistent. It must never write without a condition: an item is created once, and is
//! replaced only by whoever has read its present version. What is appended can't be replaced at all: that
//! is a call of its own, and the only one that the functions' roles allow on the partitions of the audit.

use std::fmt;

use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::aws::Aws;
use crate::failure::{Failure, Hints};
use crate::json_api::{self, CallError, DYNAMODB};

/// A read or a write stays under this; `DynamoDB` refuses items above 400 KB.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items>
pub const MAX_VALUE_BYTES: usize = 390 * 1024;

/// The table, and the clients to reach it.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The table's name.
    pub name: &'a str,
}

/// Where an item lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    /// A key of two parts.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        let (pk, sk) = (pk.into(), sk.into());
        Self { pk, sk }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pk, self.sk)
    }
}

/// An item as it was read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<T> {
    /// Where it lies.
    pub key: Key,
    /// Counts its replacements, from 1.
    pub version: u64,
    /// What it says.
    pub value: T,
}

/// Whether [`Table::create`] made the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome<T> {
    /// It was not there; it is now, at version 1.
    New,
    /// It was there already; nothing was written. After a lost answer this may be the caller's own
    /// value: put something unique into a value if that matters.
    Exists(Item<T>),
}

/// Whether [`Table::replace`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOutcome {
    /// The item has the new value, at the next version.
    Yes,
    /// Somebody else was faster (or the item is gone); nothing was written.
    Lost,
}

/// The state table could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// `DynamoDB` did not do it.
    #[error("the state table {table} could not {what} {key}: {detail}")]
    Call {
        /// The table.
        table: String,
        /// What was tried, a verb.
        what: &'static str,
        /// Where.
        key: String,
        /// AWS's error and its remedy.
        detail: String,
    },
    /// What lies there is not what was expected.
    #[error(
        "the item {key} of the state table {table} can't be read: {detail}; was it edited by hand, or written by a newer version?"
    )]
    Unreadable {
        /// The table.
        table: String,
        /// Where.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The value doesn't fit.
    #[error("the item {key} would have {bytes} bytes; at most {MAX_VALUE_BYTES} fit")]
    TooLarge {
        /// Where.
        key: String,
        /// Its size.
        bytes: usize,
    },
}

/// How `DynamoDB` says that a condition did not hold.
const CONDITION_FAILED: &str = "ConditionalCheckFailedException";

/// Of an item or a key: `{"pk": {"S": "release#1"}}`.
type Attributes = Map<String, Value>;

impl Table<'_> {
    /// Writes `value` unless something lies at `key`; `DynamoDB` removes it some time after `expires`.
    pub async fn create<T: Serialize + DeserializeOwned>(
        &self,
        key: &Key,
        value: &T,
        expires: Timestamp,
    ) -> Result<CreateOutcome<T>, StateError> {
        let item = json!({
            "pk": text(&key.pk),
            "sk": text(&key.sk),
            "body": text(&encode(key, value)?),
            "version": number(1),
            "expires_at": number(expires.as_second()),
        });
        let input = json!({
            "TableName": self.name,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        let Err(error) = json_api::call(self.aws, DYNAMODB, "PutItem", input).await else {
            return Ok(CreateOutcome::New);
        };
        if error.code() == Some(CONDITION_FAILED) {
            // Emulators may leave the old item out.
            if let Some(old) = old_item(&error) {
                return Ok(CreateOutcome::Exists(self.decode(&old)?));
            }
            if let Some(old) = self.get(key).await? {
                return Ok(CreateOutcome::Exists(old));
            }
        }
        Err(self.failed("create", key, &error))
    }

    /// Writes `value` unless something lies at `key`, as [`create`](Self::create) does, in a way that IAM can
    /// distinguish from replacing: `PutItem` may overwrite, and no policy can ask for its condition, but an INSERT
    /// of `PartiQL` never does. What lies there already stays; after a lost answer it is the caller's own.
    pub async fn append<T: Serialize>(
        &self,
        key: &Key,
        value: &T,
        expires: Timestamp,
    ) -> Result<(), StateError> {
        let input = json!({
            "Statement": format!(
                r#"INSERT INTO "{}" VALUE {{'pk': ?, 'sk': ?, 'body': ?, 'version': ?, 'expires_at': ?}}"#,
                self.name
            ),
            "Parameters": [
                text(&key.pk),
                text(&key.sk),
                text(&encode(key, value)?),
                number(1),
                number(expires.as_second()),
            ],
        });
        match json_api::call(self.aws, DYNAMODB, "ExecuteStatement", input).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("DuplicateItemException") => Ok(()),
            Err(error) => Err(self.failed("append", key, &error)),
        }
    }

    /// What lies at `key`.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Item<T>>, StateError> {
        let input = json!({
            "TableName": self.name,
            "Key": { "pk": text(&key.pk), "sk": text(&key.sk) },
            "ConsistentRead": true,
        });
        let answer = json_api::call(self.aws, DYNAMODB, "GetItem", input).await;
        let answer = answer.map_err(|error| self.failed("read", key, &error))?;
        match answer.get("Item") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(item)) => self.decode(item).map(Some),
            Some(_) => Err(self.unreadable(key, "the item is none".to_owned())),
        }
    }

    /// Gives `item` a new value if its version is still the one that was read. Its lifetime stays.
    pub async fn replace<T: Serialize>(
        &self,
        item: &Item<T>,
        value: &T,
    ) -> Result<ReplaceOutcome, StateError> {
        let input = json!({
            "TableName": self.name,
            "Key": { "pk": text(&item.key.pk), "sk": text(&item.key.sk) },
            "UpdateExpression": "SET body = :body, version = :next",
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": {
                ":body": text(&encode(&item.key, value)?),
                ":next": number(item.version + 1),
                ":read": number(item.version),
            },
        });
        match json_api::call(self.aws, DYNAMODB, "UpdateItem", input).await {
            Ok(_) => Ok(ReplaceOutcome::Yes),
            Err(error) if error.code() == Some(CONDITION_FAILED) => Ok(ReplaceOutcome::Lost),
            Err(error) => Err(self.failed("replace", &item.key, &error)),
        }
    }

    /// All items of `pk` whose sort key starts with `sk_prefix`, in the order of the sort keys.
    pub async fn list<T: DeserializeOwned>(
        &self,
        pk: &str,
        sk_prefix: &str,
    ) -> Result<Vec<Item<T>>, StateError> {
        let items = self.list_each(pk, sk_prefix).await?;
        items.into_iter().collect()
    }

    /// The same one by one: an item that can't be read hides no other.
    pub async fn list_each<T: DeserializeOwned>(
        &self,
        pk: &str,
        sk_prefix: &str,
    ) -> Result<Vec<Result<Item<T>, StateError>>, StateError> {
        let key = Key::new(pk, sk_prefix);
        let mut items = Vec::new();
        let mut input = json!({
            "TableName": self.name,
            "ConsistentRead": true,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": text(pk) },
        });
        // DynamoDB refuses begins_with an empty text.
        if !sk_prefix.is_empty() {
            input["KeyConditionExpression"] = "pk = :pk AND begins_with(sk, :sk)".into();
            input["ExpressionAttributeValues"][":sk"] = text(sk_prefix);
        }
        loop {
            let page = json_api::call(self.aws, DYNAMODB, "Query", input.clone()).await;
            let mut page = page.map_err(|error| self.failed("list", &key, &error))?;
            let Some(Value::Array(found)) = page.get("Items") else {
                return Err(self.unreadable(&key, "the list has no `Items`".to_owned()));
            };
            items.extend(found.iter().map(|item| match item {
                Value::Object(item) => self.decode(item),
                _ => Err(self.unreadable(&key, "an item of the list is none".to_owned())),
            }));
            match page.get_mut("LastEvaluatedKey").map(Value::take) {
                None | Some(Value::Null) => return Ok(items),
                Some(last) => input["ExclusiveStartKey"] = last,
            }
        }
    }

    fn decode<T: DeserializeOwned>(&self, item: &Attributes) -> Result<Item<T>, StateError> {
        let field = |name: &str, kind: &str| item.get(name)?.get(kind)?.as_str();
        let key = Key::new(
            field("pk", "S").unwrap_or_default(),
            field("sk", "S").unwrap_or_default(),
        );
        let unreadable = |detail| self.unreadable(&key, detail);
        let body =
            field("body", "S").ok_or_else(|| unreadable("it has no text `body`".to_owned()))?;
        let version = field("version", "N")
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| unreadable("it has no number `version`".to_owned()))?;
        // Not serde's text: it may quote the value.
        let value = serde_json::from_str(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            unreadable(format!("its body is wrong at line {line}, column {column}"))
        })?;
        Ok(Item {
            key,
            version,
            value,
        })
    }

    fn unreadable(&self, key: &Key, detail: String) -> StateError {
        StateError::Unreadable {
            table: self.name.to_owned(),
            key: key.to_string(),
            detail,
        }
    }

    fn failed(&self, what: &'static str, key: &Key, error: &CallError) -> StateError {
        StateError::Call {
            table: self.name.to_owned(),
            what,
            key: key.to_string(),
            detail: Failure::of(error).sentence(self.aws.identity(), hints(what)),
        }
    }
}

fn hints(what: &str) -> Hints<'static> {
    Hints {
        permission: match what {
            "read" => "dynamodb:GetItem on it",
            "list" => "dynamodb:Query on it",
            "replace" => "dynamodb:UpdateItem on it",
            "append" => "dynamodb:PartiQLInsert on it",
            _ => "dynamodb:PutItem on it",
        },
        absent: "make the table, or correct its name",
    }
}

fn encode<T: Serialize>(key: &Key, value: &T) -> Result<String, StateError> {
    let body = serde_json::to_string(value).expect("the values of the state table are plain data");
    if body.len() > MAX_VALUE_BYTES {
        return Err(StateError::TooLarge {
            key: key.to_string(),
            bytes: body.len(),
        });
    }
    Ok(body)
}

fn text(value: &str) -> Value {
    json!({ "S": value })
}

fn number(value: impl fmt::Display) -> Value {
    json!({ "N": value.to_string() })
}

/// What lay there when a condition failed.
fn old_item(error: &CallError) -> Option<Attributes> {
    let SdkError::ServiceError(context) = error else {
        return None;
    };
    let body = context.raw().body().bytes()?;
    let mut body: Value = serde_json::from_slice(body).ok()?;
    match body.get_mut("Item")?.take() {
        Value::Object(item) => Some(item),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
