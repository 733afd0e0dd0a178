use std::sync::{Arc, Mutex};

use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_types::SdkConfig;
use serde_json::{Value, json};

use super::*;

/// A `DynamoDB` that gives prepared answers and keeps what it was asked.
struct Fake {
    aws: Aws,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Fake {
    fn new(answers: Vec<(u16, Value)>) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let answers = Mutex::new(answers.into_iter());
        let client = infallible_client_fn(move |request| {
            let target = request.headers()["x-amz-target"]
                .to_str()
                .unwrap()
                .to_owned();
            let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            kept.lock().unwrap().push((target, body));
            let (status, body) = answers.lock().unwrap().next().expect("no further call");
            http::Response::builder()
                .status(status)
                .body(body.to_string())
                .unwrap()
        });
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let aws = Aws::from_config(
            SdkConfig::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new("eu-central-1"))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .retry_config(RetryConfig::disabled())
                .http_client(client)
                .build(),
        );
        Self { aws, asked }
    }

    fn table(&self) -> Table<'_> {
        Table {
            aws: &self.aws,
            name: "state",
        }
    }

    fn asked(&self, n: usize) -> (String, Value) {
        self.asked.lock().unwrap()[n].clone()
    }
}

fn item(body: &str, version: u64) -> Value {
    json!({"pk": {"S": "a"}, "sk": {"S": "b"}, "body": {"S": body},
           "version": {"N": version.to_string()}, "expires_at": {"N": "1"}})
}

fn refused(old: Option<Value>) -> (u16, Value) {
    let mut body = json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                          "message": "The conditional request failed"});
    if let Some(old) = old {
        body["Item"] = old;
    }
    (400, body)
}

fn key() -> Key {
    Key::new("a", "b")
}

fn until() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

#[tokio::test]
async fn an_item_is_created_only_where_there_is_none() {
    let fake = Fake::new(vec![(200, json!({}))]);
    let created = fake
        .table()
        .create(&key(), &vec![1, 2], until())
        .await
        .unwrap();
    assert_eq!(created, CreateOutcome::New);
    let (target, asked) = fake.asked(0);
    assert!(target.ends_with(".PutItem"));
    assert_eq!(asked["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(asked["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
    assert_eq!(asked["Item"]["body"]["S"], "[1,2]");
    assert_eq!(asked["Item"]["version"]["N"], "1");
    assert_eq!(asked["Item"]["expires_at"]["N"], "1800000000");
}

#[tokio::test]
async fn who_comes_second_is_given_what_was_first() {
    let fake = Fake::new(vec![refused(Some(item("[7]", 3)))]);
    let created = fake
        .table()
        .create(&key(), &vec![1], until())
        .await
        .unwrap();
    let first = Item {
        key: key(),
        version: 3,
        value: vec![7],
    };
    assert_eq!(created, CreateOutcome::Exists(first.clone()));
    // Also where the answer leaves the old item out.
    let fake = Fake::new(vec![refused(None), (200, json!({"Item": item("[7]", 3)}))]);
    let created = fake
        .table()
        .create(&key(), &vec![1], until())
        .await
        .unwrap();
    assert_eq!(created, CreateOutcome::Exists(first));
    assert_eq!(fake.asked(1).1["ConsistentRead"], true);
}

#[tokio::test]
async fn what_is_appended_is_inserted_and_never_put() {
    let fake = Fake::new(vec![(200, json!({}))]);
    fake.table()
        .append(&key(), &vec![1, 2], until())
        .await
        .unwrap();
    let (target, asked) = fake.asked(0);
    assert!(target.ends_with(".ExecuteStatement"));
    assert_eq!(
        asked["Statement"],
        format!(
            r#"INSERT INTO "{}" VALUE {{'pk': ?, 'sk': ?, 'body': ?, 'version': ?, 'expires_at': ?}}"#,
            fake.table().name
        )
    );
    assert_eq!(
        asked["Parameters"],
        json!([{"S": "a"}, {"S": "b"}, {"S": "[1,2]"}, {"N": "1"}, {"N": "1800000000"}])
    );
}

#[tokio::test]
async fn what_was_appended_before_stays_and_another_failure_is_told() {
    let refused = |kind: &str| {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        (400, json!({"__type": kind, "message": "no"}))
    };
    let fake = Fake::new(vec![refused("DuplicateItemException")]);
    fake.table().append(&key(), &1, until()).await.unwrap();
    let fake = Fake::new(vec![refused("AccessDeniedException")]);
    let told = fake.table().append(&key(), &1, until()).await.unwrap_err();
    assert!(told.to_string().contains("could not append a/b"), "{told}");
}

#[tokio::test]
async fn only_the_version_that_was_read_is_replaced() {
    let fake = Fake::new(vec![(200, json!({})), refused(None)]);
    let read = Item {
        key: key(),
        version: 3,
        value: 7,
    };
    assert_eq!(
        fake.table().replace(&read, &8).await.unwrap(),
        ReplaceOutcome::Yes
    );
    assert_eq!(
        fake.table().replace(&read, &8).await.unwrap(),
        ReplaceOutcome::Lost
    );
    let (_, asked) = fake.asked(0);
    assert_eq!(asked["ConditionExpression"], "version = :read");
    assert_eq!(asked["ExpressionAttributeValues"][":read"]["N"], "3");
    assert_eq!(asked["ExpressionAttributeValues"][":next"]["N"], "4");
    let update = asked["UpdateExpression"].as_str().unwrap();
    assert!(
        !update.contains("expires_at"),
        "its lifetime stays: {update}"
    );
}

#[tokio::test]
async fn a_list_has_all_pages() {
    let last = json!({"pk": {"S": "a"}, "sk": {"S": "b"}});
    let fake = Fake::new(vec![
        (
            200,
            json!({"Items": [item("1", 1), item("2", 1)], "LastEvaluatedKey": last}),
        ),
        (200, json!({"Items": [], "LastEvaluatedKey": last})),
        (200, json!({"Items": [item("3", 1)]})),
    ]);
    let items = fake.table().list::<u32>("a", "vote#").await.unwrap();
    let values: Vec<u32> = items.into_iter().map(|item| item.value).collect();
    assert_eq!(values, [1, 2, 3]);
    assert!(fake.asked(0).1.get("ExclusiveStartKey").is_none());
    assert_eq!(fake.asked(1).1["ExclusiveStartKey"], last);
    for n in 0..3 {
        let (_, asked) = fake.asked(n);
        assert_eq!(asked["ConsistentRead"], true);
        assert_eq!(asked["ExpressionAttributeValues"][":sk"]["S"], "vote#");
    }
}

#[tokio::test]
async fn what_is_not_there_is_none_and_what_is_broken_is_told_without_its_content() {
    let fake = Fake::new(vec![
        (200, json!({})),
        (200, json!({"Item": item("\"s3cret\"", 1)})),
        (200, json!({"Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}})),
    ]);
    assert_eq!(fake.table().get::<u32>(&key()).await.unwrap(), None);
    let error = fake
        .table()
        .get::<u32>(&key())
        .await
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(error, @"the item a/b of the state table state can't be read: its body is wrong at line 1, column 8; was it edited by hand, or written by a newer version?");
    let error = fake
        .table()
        .get::<u32>(&key())
        .await
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(error, @"the item a/b of the state table state can't be read: it has no text `body`; was it edited by hand, or written by a newer version?");
}

#[tokio::test]
async fn a_failure_says_what_was_tried_and_where() {
    let denied = json!({"__type": "AccessDeniedException", "message": "not for you"});
    let fake = Fake::new(vec![
        (400, denied.clone()),
        (400, denied.clone()),
        (400, denied),
    ]);
    let table = fake.table();
    let error = table
        .create(&key(), &1, until())
        .await
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(error, @"the state table state could not create a/b: AccessDeniedException: not for you; the function's role needs dynamodb:PutItem on it");
    assert!(table.list::<u32>("a", "").await.is_err());
    let read = Item {
        key: key(),
        version: 3,
        value: 7,
    };
    assert!(
        table.replace(&read, &8).await.is_err(),
        "unlike a lost race"
    );
}

#[tokio::test]
async fn what_does_not_fit_is_not_sent() {
    let fake = Fake::new(Vec::new());
    let large = "x".repeat(MAX_VALUE_BYTES);
    let error = fake
        .table()
        .create(&key(), &large, until())
        .await
        .unwrap_err();
    assert!(matches!(error, StateError::TooLarge { .. }), "{error}");
}
