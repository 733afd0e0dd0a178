//! Change sets with definitions of their own, as the CloudFormation client sees them.

use aws_sdk_cloudformation::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{Change, Replacement};
use serde_json::{Value, json};

use crate::bench::{Bench, action, external_id, shop};

fn client(bench: &Bench) -> aws_sdk_cloudformation::Client {
    let config = aws_sdk_cloudformation::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(bench.url(""))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    aws_sdk_cloudformation::Client::from_conf(config)
}

fn bucket(n: usize) -> Value {
    json!({
        "Action": "Modify", "LogicalResourceId": format!("Bucket{n}"),
        "ResourceType": "AWS::S3::Bucket", "Replacement": "Conditional", "Scope": ["Properties"],
        "Details": [{
            "Target": {
                "Attribute": "Properties", "Name": "BucketName", "RequiresRecreation": "Always",
                "BeforeValue": "a <b> & 'c'", "AfterValue": "new",
            },
            "Evaluation": "Dynamic", "ChangeSource": "ParameterReference", "CausingEntity": "Name",
        }],
    })
}

async fn define(bench: &Bench, set: Value) -> String {
    let made = bench.control("/_local/change-sets", set).await;
    made["id"].as_str().unwrap().to_owned()
}

/// All changes of a set, and how many pages they came in.
async fn changes(bench: &Bench, id: &str, values: bool) -> (Vec<Change>, usize) {
    let (mut all, mut pages, mut token) = (Vec::new(), 0, None);
    loop {
        let describe = client(bench)
            .describe_change_set()
            .change_set_name(id)
            .set_include_property_values(values.then_some(true))
            .set_next_token(token)
            .send();
        let page = describe.await.unwrap();
        pages += 1;
        all.extend(page.changes.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            return (all, pages);
        }
    }
}

#[tokio::test]
async fn many_changes_come_in_pages_with_their_details() {
    let bench = Bench::new().await;
    let all: Vec<Value> = (0..205).map(bucket).collect();
    let set = json!({ "stack": "shop", "name": "release", "changes": all });
    let id = define(&bench, set).await;
    let (changes, pages) = changes(&bench, &id, true).await;
    assert_eq!((changes.len(), pages), (205, 3));
    let last = changes[204].resource_change().unwrap();
    assert_eq!(last.logical_resource_id(), Some("Bucket204"));
    assert_eq!(last.replacement(), Some(&Replacement::Conditional));
    let detail = &last.details()[0];
    assert_eq!(detail.causing_entity(), Some("Name"));
    let target = detail.target().unwrap();
    assert_eq!(target.before_value(), Some("a <b> & 'c'"));
    assert_eq!(target.after_value(), Some("new"));
}

#[tokio::test]
async fn values_are_shown_only_to_who_asks_for_them() {
    let bench = Bench::new().await;
    let set = json!({ "stack": "shop", "name": "release", "changes": [bucket(1)] });
    let id = define(&bench, set).await;
    let (changes, _) = changes(&bench, &id, false).await;
    let target = changes[0].resource_change().unwrap().details()[0]
        .target()
        .unwrap();
    assert_eq!(target.name(), Some("BucketName"));
    assert_eq!((target.before_value(), target.after_value()), (None, None));
}

#[tokio::test]
async fn nested_sets_are_led_to() {
    let bench = Bench::new().await;
    let table = json!({
        "Action": "Remove", "LogicalResourceId": "Orders", "ResourceType": "AWS::DynamoDB::Table",
    });
    let set = json!({
        "stack": "shop", "name": "release", "changes": [bucket(1)],
        "nested": { "Data": { "changes": [], "nested": { "Tables": { "changes": [table] } } } },
    });
    let root = define(&bench, set).await;
    let mut id = root.clone();
    for logical_id in ["Data", "Tables"] {
        let (changes, _) = changes(&bench, &id, false).await;
        let nested = changes.last().unwrap().resource_change().unwrap();
        assert_eq!(nested.logical_resource_id(), Some(logical_id));
        assert_eq!(nested.resource_type(), Some("AWS::CloudFormation::Stack"));
        id = nested.change_set_id().unwrap().to_owned();
    }
    let describe = client(&bench).describe_change_set().change_set_name(&id);
    let shown = describe.send().await.unwrap();
    assert_eq!(shown.root_change_set_id(), Some(root.as_str()));
    assert_eq!(
        shown.changes()[0]
            .resource_change()
            .unwrap()
            .logical_resource_id(),
        Some("Orders")
    );
}

#[tokio::test]
async fn a_set_made_again_has_another_id_and_the_old_one_is_gone() {
    let bench = Bench::new().await;
    let set = json!({ "stack": "shop", "name": "release", "changes": [bucket(1)] });
    let old = define(&bench, set.clone()).await;
    let new = define(&bench, set).await;
    assert_ne!(old, new);
    let by_name = client(&bench)
        .describe_change_set()
        .stack_name("shop")
        .change_set_name("release")
        .send();
    assert_eq!(by_name.await.unwrap().change_set_id(), Some(new.as_str()));
    // Nobody here knows the old one, so the emulator is asked.
    let by_id = client(&bench)
        .describe_change_set()
        .change_set_name(old)
        .send()
        .await;
    assert_eq!(by_id.unwrap_err().code(), Some("ValidationError"));
}

#[tokio::test]
async fn a_pipeline_makes_the_set_anew_and_carries_it_out() {
    let bench = Bench::new().await;
    let mut pipeline = shop("SUPERSEDED");
    let replace = json!({
        "ActionMode": "CHANGE_SET_REPLACE", "StackName": "shop", "ChangeSetName": "release",
        "TemplatePath": "source::template.yaml",
    });
    let mut prepare = action("Prepare", ["Deploy", "CloudFormation"], &replace);
    prepare["inputArtifacts"] = json!([{ "name": "source" }]);
    let actions = pipeline["stages"][1]["actions"].as_array_mut().unwrap();
    actions[0]["runOrder"] = json!(2);
    actions.push(prepare);
    bench.create(pipeline).await;
    let set = json!({ "stack": "shop", "name": "release", "changes": [bucket(1)] });
    let seeded = define(&bench, set).await;
    let execution = bench.start().await;
    let token = bench.token(&execution).await;
    let run = bench.run(&execution, "Prepare").await.unwrap();
    let made = external_id(&run);
    assert_ne!(made, seeded);
    let resolved = run.input().unwrap().resolved_configuration().unwrap();
    assert_eq!(resolved["ChangeSetName"], "release");
    assert_eq!(changes(&bench, &made, false).await.0.len(), 1);
    bench.approve(&token).await.unwrap();
    let succeeded = aws_sdk_codepipeline::types::PipelineExecutionStatus::Succeeded;
    bench.until_status(&execution, succeeded).await;
    let shown = client(&bench)
        .describe_change_set()
        .change_set_name(&made)
        .send()
        .await
        .unwrap();
    assert_eq!(
        shown.execution_status().unwrap().as_str(),
        "EXECUTE_COMPLETE"
    );
}
