//! What people read, word for word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use channels::{
    ForwardedMessage, NoticeLength, NoticeReason, Payload, Subject, Surface, Texts, render,
    render_as,
};
use contacts::Language;
use insta::assert_snapshot;
use support::{big_case, case, english, everything, message, notice, top};

#[test]
fn slack_asks() {
    let case = case();
    let mentions = ["<!here>".to_owned(), "the <team>".to_owned()];
    let mut message = message(&case, NoticeReason::Ask);
    notice(&mut message).mentions = &mentions;
    let payload = render(&message, Surface::Slack, &english());
    assert_snapshot!(payload.shown(), @r#"
    # shop-release: Production waits for a decision

    <!here> the &lt;team&gt;
    The action ApproveRelease in the stage Production of shop-release waits. 🟠 *Decide by 2026-03-02 11:10 UTC: 2 h 9 min left.*
    Version: `1.9.3 → 2.4.0` 🔴 *MAJOR: may break whoever uses it*
    Started by release-manager (StartPipelineExecution)

    *Commits and other sources*
    • `Source` <https://git.example.com/shop/commit/a1b2c3d?a=1&amp;b=2|a1b2c3d4e5f6>: Checkout: pay by invoice &lt;!channel&gt; &amp; more, by developer

    *What changes in the stack shop*
    4 changes: 🔴 *1 removed*, 🔴 *1 replaced*, 🟠 *1 on access*, 1 other
    • 🔴 *REMOVES* `OldOrders` (AWS::DynamoDB::Table)
    • 🔴 *REPLACES* `Database` (AWS::RDS::DBInstance): Engine: mysql → postgres; Tags
    • changes `TaskRole` (AWS::IAM::Role) 🟠 *[access]*
    • changes `Service` (AWS::ECS::Service)

    *Gates*
    • *✓* The pre-traffic gate of shop passed (d-EXAMPLE11) · <https://console.aws.amazon.com/s3/object/shop-reports?region=eu-central-1&amp;prefix=pre-traffic%2Fd-EXAMPLE11.html|report>

    *Variables*
    • `RELEASE` = `2.4.0`

    *Could not be looked up*
    • the version before: AccessDenied: not authorized to perform ListPipelineExecutions

    *Comment in the pipeline*
    • Release 2.4.0: new checkout
    • Check the dashboards first.

    <https://decide.example.com/d/view.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|See everything>
    <https://shop.example.com/releases/v2.4.0|Link given in the pipeline>
    <https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1|The pipeline in the AWS console>

    [ Comment, for the record ]

    [Approve] [Reject]
    "#);
    let Payload::Slack { text, .. } = &payload else {
        panic!()
    };
    assert_snapshot!(text, @"<!here> the &lt;team&gt; shop-release: Production waits for a decision");
}

#[test]
fn slack_asks_in_chinese() {
    let case = case();
    let texts = Texts::of(Language::Chinese);
    let payload = render(&message(&case, NoticeReason::Ask), Surface::Slack, &texts);
    assert_snapshot!(payload.shown(), @r#"
    # shop-release：Production 阶段等待审批

    shop-release 的 Production 阶段中的操作 ApproveRelease 正在等待审批。 🟠 *请在 2026-03-02 11:10 UTC 之前决定，还剩 2 小时 9 分钟。*
    版本：`1.9.3 → 2.4.0` 🔴 *主版本升级：可能破坏兼容性*
    由 release-manager 启动（StartPipelineExecution）

    *提交与其他来源*
    • `Source` <https://git.example.com/shop/commit/a1b2c3d?a=1&amp;b=2|a1b2c3d4e5f6>：Checkout: pay by invoice &lt;!channel&gt; &amp; more，作者 developer

    *堆栈 shop 的变更*
    共 4 项变更：🔴 *删除 1 项*，🔴 *替换 1 项*，🟠 *涉及权限 1 项*，其他 1 项
    • 🔴 *【删除】* `OldOrders` (AWS::DynamoDB::Table)
    • 🔴 *【替换】* `Database` (AWS::RDS::DBInstance)：Engine：mysql → postgres; Tags
    • 修改 `TaskRole` (AWS::IAM::Role) 🟠 *[权限]*
    • 修改 `Service` (AWS::ECS::Service)

    *发布关卡*
    • *✓* shop 的 pre-traffic 关卡已通过（d-EXAMPLE11） · <https://console.aws.amazon.com/s3/object/shop-reports?region=eu-central-1&amp;prefix=pre-traffic%2Fd-EXAMPLE11.html|报告>

    *变量*
    • `RELEASE` = `2.4.0`

    *未能查到的信息*
    • 上一个版本：AccessDenied: not authorized to perform ListPipelineExecutions

    *流水线中的说明*
    • Release 2.4.0: new checkout
    • Check the dashboards first.

    <https://decide.example.com/d/view.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|查看全部>
    <https://shop.example.com/releases/v2.4.0|流水线中给出的链接>
    <https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1|在 AWS 控制台中查看流水线>

    [ 审批意见（将被记录） ]

    [批准] [拒绝]
    "#);
}

#[test]
fn the_buttons_of_slack_carry_the_case_and_ask_again() {
    let case = case();
    let payload = render(
        &message(&case, NoticeReason::Ask),
        Surface::Slack,
        &english(),
    );
    let Payload::Slack { blocks, .. } = payload else {
        panic!()
    };
    let blocks = blocks.as_array().unwrap();
    let [.., input, actions] = &blocks[..] else {
        panic!()
    };
    assert_eq!(input["block_id"], "comment");
    assert_eq!(input["element"]["action_id"], "comment");
    assert_eq!(input["dispatch_action"], false);
    for (button, action) in actions["elements"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["approve", "reject"])
    {
        assert_eq!(button["action_id"], action);
        assert_eq!(button["value"], case.id.as_str());
    }
    assert_snapshot!(actions["elements"][1]["confirm"], @r#"{"title":{"type":"plain_text","text":"Reject shop-release?","emoji":false},"text":{"type":"plain_text","text":"The execution of shop-release fails in the stage Production. This can't be taken back.","emoji":false},"confirm":{"type":"plain_text","text":"Reject","emoji":false},"deny":{"type":"plain_text","text":"Cancel","emoji":false},"style":"danger"}"#);
}

#[test]
fn a_slack_webhook_has_links_for_buttons_or_none() {
    let case = case();
    let mut message = message(&case, NoticeReason::Ask);
    let told = render(&message, Surface::SlackWebhook, &english());
    let Payload::Slack { blocks, .. } = &told else {
        panic!()
    };
    let buttons = &blocks.as_array().unwrap().last().unwrap()["elements"];
    assert!(
        buttons[0]["url"]
            .as_str()
            .unwrap()
            .starts_with("https://decide.example.com/d/approve")
    );
    assert!(buttons[0].get("value").is_none());
    notice(&mut message).links.approve = None;
    notice(&mut message).links.reject = None;
    let told = render(&message, Surface::SlackWebhook, &english());
    assert!(!everything(&told).contains("\"actions\""));
}

#[test]
fn slack_has_the_dangerous_changes_on_top_of_200() {
    let case = big_case();
    let payload = render(
        &message(&case, NoticeReason::Ask),
        Surface::Slack,
        &english(),
    );
    let all = payload.shown();
    assert_snapshot!(top(&all, 22), @r#"
    # shop-release: Production waits for a decision

    The action ApproveRelease in the stage Production of shop-release waits. 🟠 *Decide by 2026-03-02 11:10 UTC: 2 h 9 min left.*
    Version: `1.9.3 → 2.4.0` 🔴 *MAJOR: may break whoever uses it*
    Started by release-manager (StartPipelineExecution)

    *Commits and other sources*
    • `Source` <https://git.example.com/shop/commit/a1b2c3d?a=1&amp;b=2|a1b2c3d4e5f6>: Checkout: pay by invoice &lt;!channel&gt; &amp; more, by developer

    *What changes in the stack shop*
    230 changes: 🔴 *1 removed*, 🔴 *2 replaced*, 🟠 *1 on access*, 🟠 *1 on data*, 195 other
    • 🔴 *REMOVES* `Data/Orders` (AWS::DynamoDB::Table)
    • 🔴 *REPLACES* `Data/Database` (AWS::RDS::DBInstance): Engine: mysql → postgres; Tags
    • 🔴 *MAY REPLACE* `Web/Balancer` (AWS::ElasticLoadBalancingV2::LoadBalancer)
    • changes `Web/TaskRole` (AWS::IAM::Role) 🟠 *[access]*
    • changes `Data/Uploads` (AWS::S3::Bucket) 🟠 *[data]*
    • changes `Network/Subnets0/RouteTableAssociation0` (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; Property1: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; 4 more
    • changes `Network/Subnets1/RouteTableAssociation1` (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; Property1: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; 4 more
    • changes `Network/Subnets2/RouteTableAssociation2` (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after; Property1: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after; 4 more
    • changes `Network/Subnets3/RouteTableAssociation3` (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef3-before → subnet-0123456789abcdef3-after; Property1: subnet-0123456789abcdef3-before → subnet-0123456789abcdef3-after; 4 more
    • changes `Network/Subnets4/RouteTableAssociation4` (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef4-before → subnet-0123456789abcdef4-after; Property1: subnet-0123456789abcdef4-before → subnet-0123456789abcdef4-after; 4 more
    • changes `Network/Subnets5/RouteTableAssociation5` (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef5-before → subnet-0123456789abcdef5-after; Property1: subnet-0123456789abcdef5-before → subnet-0123456789abcdef5-after; 4 more
    "#);
    assert!(all.contains("more_"), "{all}");
}

#[test]
fn teams_has_the_dangerous_changes_on_top_of_200() {
    let case = big_case();
    let payload = render(
        &message(&case, NoticeReason::Ask),
        Surface::Teams,
        &english(),
    );
    let all = payload.shown();
    assert_snapshot!(top(&all, 14), @r#"
    shop-release: Production waits for a decision
    The action ApproveRelease in the stage Production of shop-release waits. Decide by 2026-03-02 11:10 UTC: 2 h 9 min left.
    Version: 1.9.3 → 2.4.0 MAJOR: may break whoever uses it
    Started by release-manager (StartPipelineExecution)

    Commits and other sources
    • Source a1b2c3d4e5f6: Checkout: pay by invoice <!channel> & more, by developer

    What changes in the stack shop
    230 changes: 1 removed, 2 replaced, 1 on access, 1 on data, 195 other
    • REMOVES Data/Orders (AWS::DynamoDB::Table)
    • REPLACES Data/Database (AWS::RDS::DBInstance): Engine: mysql → postgres; Tags
    • MAY REPLACE Web/Balancer (AWS::ElasticLoadBalancingV2::LoadBalancer)
    • changes Web/TaskRole (AWS::IAM::Role) [access]
    "#);
    let tail: Vec<&str> = all.lines().rev().take(16).collect();
    assert_snapshot!(tail.into_iter().rev().collect::<Vec<_>>().join("\n"), @r#"
    197 more

    Gates
    • ✓ The pre-traffic gate of shop passed (d-EXAMPLE11) · report

    Variables
    • RELEASE = 2.4.0

    Could not be looked up
    • the version before: AccessDenied: not authorized to perform ListPipelineExecutions

    Comment in the pipeline
    • Release 2.4.0: new checkout
    • Check the dashboards first.

    [Approve…] [Reject…] [See everything] [Link given in the pipeline] [The pipeline in the AWS console]
    "#);
}

#[test]
fn plain_mail_has_the_dangerous_changes_on_top_of_200() {
    let case = big_case();
    let Payload::SnsMail { subject, text } = render(
        &message(&case, NoticeReason::Ask),
        Surface::SnsMail,
        &english(),
    ) else {
        panic!()
    };
    assert_snapshot!(subject, @"shop-release: Production waits for a decision");
    assert_snapshot!(top(&text, 18), @r#"
    shop-release: Production waits for a decision
    The action ApproveRelease in the stage Production of shop-release waits. Decide by 2026-03-02 11:10 UTC: 2 h 9 min left.
    Version: 1.9.3 → 2.4.0 MAJOR: may break whoever uses it
    Started by release-manager (StartPipelineExecution)

    Commits and other sources
    - Source a1b2c3d4e5f6 <https://git.example.com/shop/commit/a1b2c3d?a=1&b=2>: Checkout: pay by invoice <!channel> & more, by developer

    What changes in the stack shop
    230 changes: 1 removed, 2 replaced, 1 on access, 1 on data, 195 other
    - REMOVES Data/Orders (AWS::DynamoDB::Table)
    - REPLACES Data/Database (AWS::RDS::DBInstance): Engine: mysql → postgres; Tags
    - MAY REPLACE Web/Balancer (AWS::ElasticLoadBalancingV2::LoadBalancer)
    - changes Web/TaskRole (AWS::IAM::Role) [access]
    - changes Data/Uploads (AWS::S3::Bucket) [data]
    - changes Network/Subnets0/RouteTableAssociation0 (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; Property1: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; Property2: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; Property3: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; Property4: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; Property5: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after
    - changes Network/Subnets1/RouteTableAssociation1 (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; Property1: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; Property2: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; Property3: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; Property4: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; Property5: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after
    - changes Network/Subnets2/RouteTableAssociation2 (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after; Property1: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after; Property2: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after; Property3: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after; Property4: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after; Property5: subnet-0123456789abcdef2-before → subnet-0123456789abcdef2-after
    "#);
}

#[test]
fn amazon_q_has_the_dangerous_changes_on_top_of_200() {
    let case = big_case();
    let Payload::AmazonQ(event) = render(
        &message(&case, NoticeReason::Ask),
        Surface::AmazonQ,
        &english(),
    ) else {
        panic!()
    };
    assert_snapshot!(top(event["content"]["description"].as_str().unwrap(), 14), @r#"
    The action ApproveRelease in the stage Production of shop-release waits. *Decide by 2026-03-02 11:10 UTC: 2 h 9 min left.*
    Version: 1.9.3 → 2.4.0 *MAJOR: may break whoever uses it*
    Started by release-manager (StartPipelineExecution)
    *Commits and other sources*
    • Source a1b2c3d4e5f6 <https://git.example.com/shop/commit/a1b2c3d?a=1&b=2>: Checkout: pay by invoice &lt;!channel&gt; &amp; more, by developer
    *What changes in the stack shop*
    230 changes: *1 removed*, *2 replaced*, *1 on access*, *1 on data*, 195 other
    • *REMOVES* Data/Orders (AWS::DynamoDB::Table)
    • *REPLACES* Data/Database (AWS::RDS::DBInstance): Engine: mysql → postgres; 1 more
    • *MAY REPLACE* Web/Balancer (AWS::ElasticLoadBalancingV2::LoadBalancer)
    • changes Web/TaskRole (AWS::IAM::Role) *［access］*
    • changes Data/Uploads (AWS::S3::Bucket) *［data］*
    • changes Network/Subnets0/RouteTableAssociation0 (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef0-before → subnet-0123456789abcdef0-after; 5 more
    • changes Network/Subnets1/RouteTableAssociation1 (AWS::EC2::SubnetRouteTableAssociation): Property0: subnet-0123456789abcdef1-before → subnet-0123456789abcdef1-after; 5 more
    "#);
    assert_snapshot!(event["metadata"], @r#"{"summary":"shop-release: Production waits for a decision","eventType":"deploy-hooks.approval.ask","threadId":"upjms5iykghezyy7ui5ijka5dy","additionalContext":{"case":"upjms5iykghezyy7ui5ijka5dy","execution":"3137f7cb-7cf7-039j-s83l-d7eu3EXAMPLE"}}"#);
    assert_snapshot!(event["content"]["nextSteps"], @r#"["Approve: <https://decide.example.com/d/approve.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>","Reject: <https://decide.example.com/d/reject.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>","Link given in the pipeline: <https://shop.example.com/releases/v2.4.0>"]"#);
}

#[test]
fn the_mail_page_has_the_dangerous_changes_on_top_of_200() {
    let case = big_case();
    let Payload::Mail {
        subject,
        html,
        text,
    } = render(
        &message(&case, NoticeReason::Ask),
        Surface::Mail,
        &english(),
    )
    else {
        panic!()
    };
    assert_snapshot!(subject, @"shop-release: Production waits for a decision");
    let order = [
        "Data/Orders",
        "Data/Database",
        "Web/Balancer",
        "Web/TaskRole",
        "Data/Uploads",
        "RouteTableAssociation0<",
    ];
    for told in [
        &html,
        &text.replace("RouteTableAssociation0 ", "RouteTableAssociation0<"),
    ] {
        let places: Vec<usize> = order
            .iter()
            .map(|id| told.find(id).unwrap_or_else(|| panic!("{id}")))
            .collect();
        assert!(places.is_sorted(), "{places:?}");
    }
    assert!(html.contains("lang=\"en\"") && html.contains("role=\"presentation\""));
    assert!(!html.contains("<script") && !html.contains("<!channel>"));
}

#[test]
fn the_machine_format_keeps_what_is_dangerous_and_says_what_is_left_out() {
    let mut case = big_case();
    for change in &mut case.briefing.change_sets[0].changes {
        for property in &mut change.properties {
            property.after = Some("x".repeat(900));
        }
    }
    let Payload::Webhook(event) = render(
        &message(&case, NoticeReason::Ask),
        Surface::Webhook,
        &english(),
    ) else {
        panic!()
    };
    let changes = event["data"]["briefing"]["change_sets"][0]["changes"]
        .as_array()
        .unwrap();
    let risks: Vec<_> = changes
        .iter()
        .map(|change| change["risk"].as_str().unwrap())
        .collect();
    for risk in ["removal", "replacement", "access", "data"] {
        assert!(risks.contains(&risk), "{risk}");
    }
    assert_eq!(event["data"]["omitted"], 200 - changes.len());
    assert_eq!(event["type"], "approval.ask");
    assert_eq!(event["data"]["case"], case.id.as_str());
}

#[test]
fn reminders_escalations_tests_and_foreign_messages_have_their_words() {
    let case = case();
    let slack = |occasion, shape| {
        render_as(&message(&case, occasion), shape, Surface::Slack, &english()).shown()
    };
    assert_snapshot!(slack(NoticeReason::Reminder { number: 1 }, NoticeLength::Note), @r#"
    # Reminder: shop-release: Production still waits for a decision

    The action ApproveRelease in the stage Production of shop-release waits. 🟠 *Decide by 2026-03-02 11:10 UTC: 2 h 9 min left.*

    <https://decide.example.com/d/view.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|See everything>
    <https://shop.example.com/releases/v2.4.0|Link given in the pipeline>
    <https://console.aws.amazon.com/codesuite/codepipeline/pipelines/shop-release/view?region=eu-central-1|The pipeline in the AWS console>
    "#);
    assert_snapshot!(top(&slack(NoticeReason::Escalation, NoticeLength::Whole), 3), @r#"
    # Nobody has decided yet: shop-release: Production waits

    The action ApproveRelease in the stage Production of shop-release waits. 🟠 *Decide by 2026-03-02 11:10 UTC: 2 h 9 min left.*
    "#);
    let plain = ForwardedMessage {
        title: "ALARM: \"shop-5xx\" in EU".into(),
        text: "Threshold crossed\n\n\n<!channel> now\r\n\tindented".into(),
        link: Some("http://not.https.example.com".into()),
    };
    let foreign = message(&case, Subject::Forwarded(&plain));
    assert_snapshot!(render(&foreign, Surface::Slack, &english()).shown(), @r#"
    # ALARM: "shop-5xx" in EU

    Threshold crossed

    &lt;!channel&gt; now
     indented
    "#);
    let test = message(&case, Subject::Test);
    assert_snapshot!(render(&test, Surface::Slack, &english()).shown(), @r#"
    # A test message from deploy-hooks

    This channel works. Nothing waits for a decision.
    "#);
}

#[test]
fn a_briefing_that_holds_nothing_is_told_as_well() {
    let mut case = case();
    case.briefing = approvals::Briefing::default();
    case.expires = None;
    case.comment = None;
    case.external_link = Some("javascript:alert(1)".into());
    case.console_link = None;
    let mut message = message(&case, NoticeReason::Ask);
    notice(&mut message).links = channels::Links::default();
    let payload = render(&message, Surface::Slack, &english());
    assert_snapshot!(payload.shown(), @r#"
    # shop-release: Production waits for a decision

    The action ApproveRelease in the stage Production of shop-release waits. 🟠 *It is not known until when it waits.*

    *Link given in the pipeline, as text (it is not https, or carries a token)*
    • javascript:alert(1)

    [ Comment, for the record ]

    [Approve] [Reject]
    "#);
}

#[test]
fn a_teams_own_texts_are_used_and_are_only_text() {
    let mut config = support::config();
    let route = &mut config.routes[0];
    route
        .texts
        .insert("ask_title".into(), "{pipeline} <b>waits</b> *now*".into());
    route.texts.insert("reject".into(), "{who} rejects".into());
    let texts = Texts::for_channel(&config, config.routes.first(), &config.channels["room"]);
    let case = case();
    let payload = render(&message(&case, NoticeReason::Ask), Surface::Slack, &texts);
    assert_snapshot!(top(&payload.shown(), 1), @"# shop-release &lt;b&gt;waits&lt;/b&gt; ∗now∗");
    assert!(
        everything(&payload).contains("\"Reject\""),
        "an override that can't be used is left out"
    );
    assert_snapshot!(channels::check_texts(&config).join("\n"), @r#"the texts of the route "all": reject has the placeholder {who}, but has none"#);
}

#[test]
fn a_change_set_without_resources_says_what_it_is() {
    use approvals::SetState;
    let reason = "The submitted information didn't contain changes.";
    for (state, total, expected) in [
        (SetState::Executable, 0, "outputs, parameters, tags"),
        (SetState::Unknown, 0, "is not known"),
        (
            SetState::Empty,
            0,
            "nothing to carry out. The submitted information",
        ),
        (
            SetState::Unavailable,
            0,
            "CAN'T BE CARRIED OUT: The submitted",
        ),
        (
            SetState::Unavailable,
            4,
            "CAN'T BE CARRIED OUT: The submitted",
        ),
    ] {
        let mut case = case();
        let set = &mut case.briefing.change_sets[0];
        (set.state, set.reason) = (state, Some(reason.to_owned()));
        if total == 0 {
            set.changes.clear();
            set.total = 0;
        }
        for surface in [
            Surface::Slack,
            Surface::Teams,
            Surface::SnsMail,
            Surface::AmazonQ,
        ] {
            let shown = render(&message(&case, NoticeReason::Ask), surface, &english()).shown();
            assert!(shown.contains(expected), "{}: {shown}", surface.name());
            assert!(!shown.contains("No changes"), "{shown}");
        }
    }
}
