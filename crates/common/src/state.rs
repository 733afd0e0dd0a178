//! The state table: small JSON values under two string keys in one `DynamoDB` table, written only on
//! conditions, so that functions which run at the same time agree on who was first.
//!
//! Every read is consistent. It must never write without a condition: an item is created once, and is
//! replaced only by whoever has read its present version. What is appended can't be replaced at all: that
//! is a call of its own, and the only one that the functions' roles allow on the partitions of the audit.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::execute_statement::ExecuteStatementError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::aws::Aws;
use crate::failure::{Failure, Hints};

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

type Attributes = HashMap<String, AttributeValue>;

impl Table<'_> {
    /// Writes `value` unless something lies at `key`; `DynamoDB` removes it some time after `expires`.
    pub async fn create<T: Serialize + DeserializeOwned>(
        &self,
        key: &Key,
        value: &T,
        expires: Timestamp,
    ) -> Result<CreateOutcome<T>, StateError> {
        let body = encode(key, value)?;
        let call = self
            .aws
            .dynamodb()
            .put_item()
            .table_name(self.name)
            .item("pk", text(&key.pk))
            .item("sk", text(&key.sk))
            .item("body", AttributeValue::S(body))
            .item("version", number(1))
            .item("expires_at", number(expires.as_second()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = call.send().await else {
            return Ok(CreateOutcome::New);
        };
        if let SdkError::ServiceError(context) = &error
            && let PutItemError::ConditionalCheckFailedException(failed) = context.err()
        {
            // Emulators may leave the old item out.
            if let Some(old) = failed.item() {
                return Ok(CreateOutcome::Exists(self.decode(old)?));
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
        let body = encode(key, value)?;
        let call = self
            .aws
            .dynamodb()
            .execute_statement()
            .statement(format!(
                r#"INSERT INTO "{}" VALUE {{'pk': ?, 'sk': ?, 'body': ?, 'version': ?, 'expires_at': ?}}"#,
                self.name
            ))
            .parameters(text(&key.pk))
            .parameters(text(&key.sk))
            .parameters(AttributeValue::S(body))
            .parameters(number(1))
            .parameters(number(expires.as_second()));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(context))
                if matches!(
                    context.err(),
                    ExecuteStatementError::DuplicateItemException(_)
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed("append", key, &error)),
        }
    }

    /// What lies at `key`.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Item<T>>, StateError> {
        let call = self
            .aws
            .dynamodb()
            .get_item()
            .table_name(self.name)
            .key("pk", text(&key.pk))
            .key("sk", text(&key.sk))
            .consistent_read(true);
        let answer = call
            .send()
            .await
            .map_err(|error| self.failed("read", key, &error))?;
        answer.item().map(|item| self.decode(item)).transpose()
    }

    /// Gives `item` a new value if its version is still the one that was read. Its lifetime stays.
    pub async fn replace<T: Serialize>(
        &self,
        item: &Item<T>,
        value: &T,
    ) -> Result<ReplaceOutcome, StateError> {
        let body = encode(&item.key, value)?;
        let call = self
            .aws
            .dynamodb()
            .update_item()
            .table_name(self.name)
            .key("pk", text(&item.key.pk))
            .key("sk", text(&item.key.sk))
            .update_expression("SET body = :body, version = :next")
            .condition_expression("version = :read")
            .expression_attribute_values(":body", AttributeValue::S(body))
            .expression_attribute_values(":next", number(item.version + 1))
            .expression_attribute_values(":read", number(item.version));
        match call.send().await {
            Ok(_) => Ok(ReplaceOutcome::Yes),
            Err(SdkError::ServiceError(context))
                if matches!(
                    context.err(),
                    UpdateItemError::ConditionalCheckFailedException(_)
                ) =>
            {
                Ok(ReplaceOutcome::Lost)
            }
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
        let mut from: Option<Attributes> = None;
        loop {
            let mut call = self
                .aws
                .dynamodb()
                .query()
                .table_name(self.name)
                .consistent_read(true)
                .expression_attribute_values(":pk", text(pk))
                .set_exclusive_start_key(from);
            // DynamoDB refuses begins_with an empty text.
            call = if sk_prefix.is_empty() {
                call.key_condition_expression("pk = :pk")
            } else {
                call.key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                    .expression_attribute_values(":sk", text(sk_prefix))
            };
            let page = call
                .send()
                .await
                .map_err(|error| self.failed("list", &key, &error))?;
            for item in page.items() {
                items.push(self.decode(item));
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(items);
            }
        }
    }

    fn decode<T: DeserializeOwned>(&self, item: &Attributes) -> Result<Item<T>, StateError> {
        let field = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let key = Key::new(
            field("pk").cloned().unwrap_or_default(),
            field("sk").cloned().unwrap_or_default(),
        );
        let unreadable = |detail: String| StateError::Unreadable {
            table: self.name.to_owned(),
            key: key.to_string(),
            detail,
        };
        let body = field("body").ok_or_else(|| unreadable("it has no text `body`".to_owned()))?;
        let version = item
            .get("version")
            .and_then(|value| value.as_n().ok())
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

    fn failed<E>(&self, what: &'static str, key: &Key, error: &SdkError<E>) -> StateError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
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

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: impl fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

#[cfg(test)]
mod tests;
