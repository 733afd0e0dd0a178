//! `DynamoDB`, as far as the state table uses it: conditions are really evaluated, lists come in pages.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use crate::{Reply, error};

/// So few that most lists have several pages.
const PAGE: usize = 3;

/// All tables.
pub struct Tables {
    /// By table, partition key and sort key.
    items: BTreeMap<(String, String, String), Map<String, Value>>,
    check: fn(&Value, &Value),
}

impl Default for Tables {
    fn default() -> Self {
        Self::checked(|_, _| {})
    }
}

impl Tables {
    /// Tables in which each update is checked: the body before, the body after.
    pub fn checked(check: fn(&Value, &Value)) -> Self {
        Self {
            items: BTreeMap::new(),
            check,
        }
    }

    /// Everything, as text.
    pub fn dump(&self) -> String {
        serde_json::to_string(&self.items.values().collect::<Vec<_>>()).unwrap()
    }

    /// The records of services, by ARN.
    pub fn memories(&self) -> BTreeMap<String, Value> {
        let ours = self.items.iter().filter(|((_, _, sk), _)| sk == "sleep");
        ours.map(|((_, pk, _), item)| {
            let arn = pk.strip_prefix("service#").unwrap().to_owned();
            (arn, body(item))
        })
        .collect()
    }

    /// A backup, and what is put back of it.
    pub fn items(&mut self) -> &mut BTreeMap<(String, String, String), Map<String, Value>> {
        &mut self.items
    }

    /// Somebody loses a record.
    pub fn lose(&mut self, arn: &str) {
        self.items
            .retain(|(_, pk, _), _| *pk != format!("service#{arn}"));
    }

    /// The sort keys of a table's items under a partition key.
    pub fn sort_keys(&self, pk: &str) -> Vec<String> {
        let keys = self.items.keys().filter(|(_, own, _)| own == pk);
        keys.map(|(_, _, sk)| sk.clone()).collect()
    }

    /// The keys, `pk/sk`.
    pub fn keys(&self) -> Vec<String> {
        let keys = self.items.keys();
        keys.map(|(_, pk, sk)| format!("{pk}/{sk}")).collect()
    }

    /// Changes the bodies of all items whose key, `pk/sk`, contains `part`.
    pub fn edit(&mut self, part: &str, change: impl Fn(&mut Value)) {
        for ((_, pk, sk), item) in &mut self.items {
            if format!("{pk}/{sk}").contains(part) {
                let mut body = body(item);
                change(&mut body);
                item.insert("body".into(), json!({"S": body.to_string()}));
            }
        }
    }

    /// Writes an item as if a function had.
    pub fn put_body(&mut self, table: &str, pk: &str, sk: &str, body: &Value) {
        let item = json!({
            "pk": {"S": pk}, "sk": {"S": sk}, "body": {"S": body.to_string()},
            "version": {"N": "1"}, "expires_at": {"N": "4000000000"},
        });
        let key = (table.to_owned(), pk.to_owned(), sk.to_owned());
        self.items.insert(key, item.as_object().unwrap().clone());
    }

    pub fn serve(&mut self, operation: &str, call: &Value) -> Reply {
        match operation {
            "PutItem" => self.put(call),
            "GetItem" => {
                assert_eq!(call["ConsistentRead"], true);
                let item = self.items.get(&key(call, &call["Key"]));
                Ok(item.map_or(json!({}), |item| json!({"Item": item})))
            }
            "UpdateItem" => self.update(call),
            "Query" => Ok(self.query(call)),
            "ExecuteStatement" => self.insert(call),
            other => panic!("nobody may {other} the state table"),
        }
    }

    fn put(&mut self, call: &Value) -> Reply {
        assert_eq!(call["ConditionExpression"], "attribute_not_exists(pk)");
        assert!(
            call["Item"]["expires_at"]["N"].is_string(),
            "every item ends"
        );
        assert!(
            !call["Item"]["pk"]["S"]
                .as_str()
                .unwrap()
                .starts_with("audit#"),
            "the audit is appended to"
        );
        assert!(
            !call["Item"]["pk"]["S"]
                .as_str()
                .unwrap()
                .starts_with("gate-answer#"),
            "answers to gates are appended"
        );
        let key = key(call, &call["Item"]);
        if let Some(old) = self.items.get(&key) {
            let mut refused = error(
                "ConditionalCheckFailedException",
                "The conditional request failed",
            );
            refused["Item"] = json!(old);
            return Err(refused);
        }
        self.items
            .insert(key, call["Item"].as_object().unwrap().clone());
        Ok(json!({}))
    }

    fn insert(&mut self, call: &Value) -> Reply {
        let statement = call["Statement"].as_str().unwrap();
        let table = statement
            .strip_prefix("INSERT INTO \"")
            .and_then(|rest| {
                rest.strip_suffix(
                    "\" VALUE {'pk': ?, 'sk': ?, 'body': ?, 'version': ?, 'expires_at': ?}",
                )
            })
            .unwrap_or_else(|| panic!("{statement}"));
        let values = call["Parameters"].as_array().unwrap();
        let names = ["pk", "sk", "body", "version", "expires_at"];
        let item: Map<String, Value> = names
            .map(String::from)
            .into_iter()
            .zip(values.clone())
            .collect();
        let partition = item["pk"]["S"].as_str().unwrap();
        assert!(
            partition.starts_with("audit#") || partition.starts_with("gate-answer#"),
            "only the audit and answers to gates are appended"
        );
        let call = json!({"TableName": table, "Item": item});
        let key = key(&call, &call["Item"]);
        if self.items.contains_key(&key) {
            return Err(error(
                "DuplicateItemException",
                "Duplicate primary key exists in table",
            ));
        }
        self.items.insert(key, item);
        Ok(json!({}))
    }

    fn update(&mut self, call: &Value) -> Reply {
        assert_eq!(call["ConditionExpression"], "version = :read");
        assert_eq!(
            call["UpdateExpression"],
            "SET body = :body, version = :next"
        );
        let values = &call["ExpressionAttributeValues"];
        match self.items.get_mut(&key(call, &call["Key"])) {
            Some(item) if item["version"] == values[":read"] => {
                let old = body(item);
                let new: Value =
                    serde_json::from_str(values[":body"]["S"].as_str().unwrap()).unwrap();
                (self.check)(&old, &new);
                item.insert("body".into(), values[":body"].clone());
                item.insert("version".into(), values[":next"].clone());
                Ok(json!({}))
            }
            _ => Err(error(
                "ConditionalCheckFailedException",
                "The conditional request failed",
            )),
        }
    }

    fn query(&self, call: &Value) -> Value {
        assert_eq!(call["ConsistentRead"], true);
        let values = &call["ExpressionAttributeValues"];
        let table = call["TableName"].as_str().unwrap().to_owned();
        let pk = values[":pk"]["S"].as_str().unwrap().to_owned();
        let prefix = values[":sk"]["S"].as_str().unwrap_or_default();
        let start = call["ExclusiveStartKey"]["sk"]["S"].as_str();
        let from = match start {
            Some(sk) => Bound::Excluded((table.clone(), pk.clone(), sk.to_owned())),
            None => Bound::Included((table.clone(), pk.clone(), prefix.to_owned())),
        };
        let mut matching = self
            .items
            .range((from, Bound::Unbounded))
            .take_while(|((own, own_pk, sk), _)| {
                *own == table && *own_pk == pk && sk.starts_with(prefix)
            })
            .map(|(_, item)| item);
        let page: Vec<_> = matching.by_ref().take(PAGE).collect();
        let mut answer = json!({"Items": page, "Count": page.len()});
        if matching.next().is_some() {
            let last = page.last().unwrap();
            answer["LastEvaluatedKey"] = json!({"pk": last["pk"], "sk": last["sk"]});
        }
        answer
    }
}

fn key(call: &Value, attributes: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&call["TableName"]),
        text(&attributes["pk"]["S"]),
        text(&attributes["sk"]["S"]),
    )
}

fn body(item: &Map<String, Value>) -> Value {
    serde_json::from_str(item["body"]["S"].as_str().unwrap()).unwrap()
}
