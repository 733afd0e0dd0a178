//! A table of `DynamoDB` in memory: exactly what `common::state` asks of one, with its conditions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The items by their keys, each with its typed attributes.
#[derive(Default)]
pub struct Table(BTreeMap<(String, String), Value>);

/// An answer: a status and a body.
pub type Answer = (u16, Value);

impl Table {
    /// Everything that lies in it, as text: for searches.
    pub fn dump(&self) -> String {
        let items: Vec<String> = self.0.values().map(Value::to_string).collect();
        items.join("\n")
    }

    /// The keys, `pk/sk`.
    pub fn keys(&self) -> Vec<String> {
        self.0.keys().map(|(pk, sk)| format!("{pk}/{sk}")).collect()
    }

    /// Changes the bodies of all items whose key contains `part`.
    pub fn edit(&mut self, part: &str, change: impl Fn(&mut Value)) {
        for ((pk, sk), item) in &mut self.0 {
            if format!("{pk}/{sk}").contains(part) {
                let mut body = serde_json::from_str(item["body"]["S"].as_str().unwrap()).unwrap();
                change(&mut body);
                item["body"]["S"] = json!(body.to_string());
            }
        }
    }

    /// Writes an item as if a function had.
    pub fn put_body(&mut self, pk: &str, sk: &str, body: &Value) {
        let item = json!({
            "pk": {"S": pk}, "sk": {"S": sk}, "body": {"S": body.to_string()},
            "version": {"N": "1"}, "expires_at": {"N": "4000000000"},
        });
        self.0.insert((pk.to_owned(), sk.to_owned()), item);
    }

    pub fn answer(&mut self, operation: &str, input: &Value) -> Option<Answer> {
        Some(match operation {
            "PutItem" => self.put(input),
            "GetItem" => self.get(input),
            "UpdateItem" => self.update(input),
            "Query" => self.query(input),
            "ExecuteStatement" => self.insert(input),
            _ => return None,
        })
    }

    fn put(&mut self, input: &Value) -> Answer {
        let key = key(&input["Item"]);
        if let Some(old) = self.0.get(&key) {
            assert_eq!(
                input["ConditionExpression"], "attribute_not_exists(pk)",
                "a write without its condition"
            );
            return condition_failed(Some(old));
        }
        self.0.insert(key, input["Item"].clone());
        (200, json!({}))
    }

    /// What is appended to the audit.
    fn insert(&mut self, input: &Value) -> Answer {
        let statement = input["Statement"].as_str().unwrap();
        assert!(statement.starts_with("INSERT INTO "), "{statement}");
        let names = ["pk", "sk", "body", "version", "expires_at"];
        let values = input["Parameters"].as_array().unwrap();
        let item: serde_json::Map<String, Value> = names
            .map(String::from)
            .into_iter()
            .zip(values.clone())
            .collect();
        let item = Value::Object(item);
        let key = key(&item);
        assert!(key.0.starts_with("audit#"), "only the audit is appended to");
        if self.0.contains_key(&key) {
            let kind = "com.amazonaws.dynamodb.v20120810#DuplicateItemException";
            return (
                400,
                json!({"__type": kind, "message": "Duplicate primary key"}),
            );
        }
        self.0.insert(key, item);
        (200, json!({}))
    }

    fn get(&self, input: &Value) -> Answer {
        assert_eq!(input["ConsistentRead"], true, "a read that may be old");
        match self.0.get(&key(&input["Key"])) {
            Some(item) => (200, json!({ "Item": item })),
            None => (200, json!({})),
        }
    }

    fn update(&mut self, input: &Value) -> Answer {
        assert_eq!(input["ConditionExpression"], "version = :read");
        assert_eq!(
            input["UpdateExpression"],
            "SET body = :body, version = :next"
        );
        let values = &input["ExpressionAttributeValues"];
        let Some(item) = self.0.get_mut(&key(&input["Key"])) else {
            return condition_failed(None);
        };
        if item["version"] != values[":read"] {
            return condition_failed(None);
        }
        item["body"] = values[":body"].clone();
        item["version"] = values[":next"].clone();
        (200, json!({}))
    }

    fn query(&self, input: &Value) -> Answer {
        let values = &input["ExpressionAttributeValues"];
        let pk = values[":pk"]["S"].as_str().unwrap();
        let prefix = values[":sk"]["S"].as_str().unwrap_or_default();
        let items: Vec<&Value> = self
            .0
            .iter()
            .filter(|((of, sk), _)| of == pk && sk.starts_with(prefix))
            .map(|(_, item)| item)
            .collect();
        (200, json!({ "Items": items, "Count": items.len() }))
    }
}

fn key(item: &Value) -> (String, String) {
    let part = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    (part("pk"), part("sk"))
}

fn condition_failed(old: Option<&Value>) -> Answer {
    let mut body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
    });
    if let Some(old) = old {
        body["Item"] = old.clone();
    }
    (400, body)
}
