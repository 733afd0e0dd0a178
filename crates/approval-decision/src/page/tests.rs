use approvals::decide::DecisionOutcome;
use approvals::link_claims::{LinkAction, audience, link};
use approvals::{
    ActionState, Briefing, Change, ChangeAction, ChangeSet, DeploymentBriefing, Difference,
    DifferenceKind, GateReport, Lookup, PausedDeployment, Property, Replacement, Revision, Risk,
    SetState, ShownDigest, Starter, Status, Step, TimeoutAction, Token, Variable, VersionChange,
};
use function_url::Form;
use function_url::page::CSS;
use signing::Keys;

use super::*;

/// Everything that somebody could want a page to do.
const HOSTILE: &str =
    "</p><script>alert(1)</script>\" onload=x' <!channel> \u{202e}evil{{ 7917*7907 }}";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn case(briefing: Briefing) -> Case {
    let action = test_support::approvals::action();
    Case {
        id: Case::id_of(&action, &Token::new("a token")),
        source: action.into(),
        execution_id: Some("1".into()),
        token_mac: String::new(),
        route: "production".into(),
        asked_at: at("2026-03-02T09:00:00Z"),
        expires: Some(at("2026-03-02T12:30:00Z")),
        console_link: Some("https://console.aws.amazon.com/x".into()),
        external_link: None,
        comment: None,
        briefing,
        shown: ShownDigest::default(),
    }
}

fn change(risk: Risk, name: &str) -> Change {
    Change {
        risk,
        action: if risk == Risk::Removal {
            ChangeAction::Remove
        } else {
            ChangeAction::Modify
        },
        logical_id: name.into(),
        resource_type: "AWS::RDS::DBInstance".into(),
        replacement: if risk == Risk::Replacement {
            Replacement::True
        } else {
            Replacement::False
        },
        properties: vec![Property {
            name: "Engine".into(),
            before: Some("postgres".into()),
            after: None,
            recreates: Replacement::Conditional,
        }],
    }
}

fn full() -> Briefing {
    let risks = [
        Risk::Removal,
        Risk::Replacement,
        Risk::Access,
        Risk::Data,
        Risk::Other,
    ];
    let changes = risks.iter().cycle().take(200).enumerate();
    Briefing {
        deployment: None,
        starter: Some(Starter {
            trigger: "StartPipelineExecution".into(),
            detail: "arn:aws:iam::111122223333:user/release-manager".into(),
            name: "release-manager".into(),
        }),
        variables: vec![Variable {
            name: "RELEASE".into(),
            value: "2.0.0".into(),
        }],
        revisions: vec![Revision {
            artifact: "source".into(),
            id: "4f0c1d2".into(),
            summary: Some("Ship it".into()),
            author: Some("an author".into()),
            url: Some("https://example.com/commit/4f0c1d2".into()),
            created: None,
        }],
        version: Some(VersionChange {
            from: Some("1.4.2".into()),
            to: "2.0.0".into(),
            step: Step::Major,
        }),
        change_sets: vec![ChangeSet {
            stack: "shop".into(),
            name: "release".into(),
            id: "arn:x".into(),
            changes: changes
                .map(|(n, risk)| change(*risk, &format!("Resource{n}")))
                .collect(),
            total: 240,
            state: SetState::Executable,
            reason: None,
        }],
        gate: None,
        gates: vec![GateReport {
            stage: "pre-traffic".into(),
            application: "shop".into(),
            deployment: "d-1".into(),
            passed: false,
            reasons: vec!["The health check failed.".into()],
            report: "s3://reports/1".into(),
        }],
        gaps: vec![Gap {
            what: Lookup::OldVersion,
            why: "it took too long".into(),
        }],
    }
}

struct Opened {
    state: State,
    link: Link,
    form: ShownForm,
}

fn page_of(case: Case, case_status: CaseStatus, action: LinkAction) -> Opened {
    let keys = Keys::new("0123456789abcdef0123456789abcdef", None).unwrap();
    let approver = "email:lead@example.com".parse().unwrap();
    let link = link(&audience("table"), &case, &approver, action);
    let form = Form {
        purpose: "form",
        cookie: "__Host-decide",
        subject: &link.claims.jti,
    };
    let form = form.show(&keys, "nonce");
    let state = State {
        case,
        case_status,
        votes: Some((1, 2)),
        voted: false,
        used: None,
        reason_needed: true,
        texts: Texts::of(None, None),
    };
    Opened { state, link, form }
}

fn render(page: &Opened, notice: Option<Notice>) -> String {
    show(&View {
        state: &page.state,
        link: &page.link,
        sealed: "sealed",
        form: page
            .state
            .asks(&page.link)
            .map(|decision| (decision, &page.form)),
        notice,
        now: at("2026-03-02T10:00:00Z"),
    })
}

#[test]
fn everything_that_helps_is_on_the_page() {
    let page = render(
        &page_of(case(full()), CaseStatus::Waits, LinkAction::Approve),
        None,
    );
    for part in [
        "from 1.4.2 to 2.0.0",
        "major step: may break what uses it",
        "release-manager",
        "RELEASE = 2.0.0",
        "Ship it",
        "by an author",
        "https://example.com/commit/4f0c1d2",
        "Resource199",
        "AWS::RDS::DBInstance",
        "200 of 240 changes are shown",
        "40 × Removal, 40 × Replacement, 40 × Access, 40 × Data, 40 × Other",
        "pre-traffic shop d-1",
        "The health check failed.",
        "The version before could not be looked up: it took too long",
        "2 h 30 min left",
        "1 of 2 approvals so far",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn what_others_write_does_nothing() {
    let mut briefing = full();
    let hostile = || HOSTILE.to_owned();
    briefing.starter.as_mut().unwrap().name = hostile();
    briefing.variables[0].value = hostile();
    briefing.revisions[0].summary = Some(hostile());
    briefing.revisions[0].author = Some(hostile());
    briefing.revisions[0].url = Some("javascript:alert(1)".into());
    briefing.version = Some(VersionChange {
        from: Some(hostile()),
        to: hostile(),
        step: Step::Unknown,
    });
    briefing.change_sets[0].stack = hostile();
    briefing.change_sets[0].changes[0].logical_id = hostile();
    briefing.change_sets[0].changes[0].properties[0].after = Some(hostile());
    briefing.gates[0].reasons = vec![hostile()];
    briefing.gaps[0].why = hostile();
    let mut case = case(briefing);
    case.comment = Some(hostile());
    case.external_link = Some("http://example.com".into());
    case.console_link = Some("javascript:alert(1)".into());
    let by = Actor {
        approver: "slack:T0001/U0001".into(),
        name: hostile(),
        identified: true,
    };
    let action_state = ActionState {
        status: Status::Approved,
        by: None,
        summary: None,
        at: None,
    };
    let settled = DecisionOutcome {
        action_state,
        by: vec![by],
        comment: Some(hostile()),
    };
    let notice = Notice::Answer(Answer::AlreadyDecided(settled.clone()));
    for (case_status, notice) in [
        (CaseStatus::Waits, None),
        (CaseStatus::Settled(settled), Some(notice)),
    ] {
        let page = render(
            &page_of(case.clone(), case_status, LinkAction::Reject),
            notice,
        );
        assert!(!page.contains("<script"), "escaped");
        assert!(!page.contains("\" onload"), "no way out of an attribute");
        assert!(!page.contains("javascript:"), "only https is linked");
        assert!(
            !page.contains("=\"http://example.com"),
            "shown, and not linked"
        );
        assert!(page.contains("http://example.com"));
        assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
        assert!(!page.contains("62599719"), "nothing is evaluated twice");
    }
}

#[test]
fn a_rejection_needs_its_reason_where_the_route_says_so() {
    let page = render(
        &page_of(case(full()), CaseStatus::Waits, LinkAction::Reject),
        None,
    );
    assert!(page.contains(" required></textarea>"));
    assert!(page.contains(r#"<button type="submit" class="bad""#));
    let page = render(
        &page_of(case(full()), CaseStatus::Waits, LinkAction::Approve),
        None,
    );
    assert!(!page.contains(" required>"));
}

#[test]
fn the_page_can_be_used_by_everybody() {
    let page = render(
        &page_of(case(full()), CaseStatus::Waits, LinkAction::Approve),
        None,
    );
    for part in [
        r#"<html lang="en">"#,
        r#"<main class="page">"#,
        "<header",
        r#"<label for="comment">"#,
        r#"id="comment""#,
        r#"aria-describedby="comment-hint""#,
        r#"name="viewport""#,
        "<nav aria-labelledby",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<h1").count(), 1);
    // What a colour says is said in words, too.
    for word in [
        ">Removal<",
        ">Replacement<",
        ">Access<",
        ">Data<",
        ">failed<",
    ] {
        assert!(page.contains(word), "{word}");
    }
    // Every id that is referred to is there.
    for reference in [
        "aria-labelledby=\"",
        "aria-describedby=\"",
        "for=\"",
        "href=\"#",
    ] {
        for rest in page.split(reference).skip(1) {
            for id in rest.split('"').next().unwrap().split(' ') {
                assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
            }
        }
    }
    let notice = Some(Notice::Answer(Answer::Recorded { have: 1, need: 2 }));
    let page = render(
        &page_of(case(full()), CaseStatus::Waits, LinkAction::View),
        notice,
    );
    assert_eq!(page.matches("<h1").count(), 1, "the result is the heading");
    assert!(page.contains(r#"role="status""#) && page.contains("autofocus"));
}

#[test]
fn what_was_not_looked_at_is_not_told_as_nothing() {
    const NOTHING: &str = "No infrastructure changes were found.";
    let mut briefing = Briefing::default();
    let page = |briefing: &Briefing| {
        render(
            &page_of(case(briefing.clone()), CaseStatus::Waits, LinkAction::View),
            None,
        )
    };
    assert!(page(&briefing).contains(NOTHING));
    for what in [Lookup::Execution, Lookup::Actions, Lookup::ChangeSet] {
        briefing.gaps = vec![Gap {
            what,
            why: "it took too long".into(),
        }];
        assert!(!page(&briefing).contains(NOTHING), "{what:?}");
    }
    briefing.gaps = vec![Gap {
        what: Lookup::GateReport,
        why: "it took too long".into(),
    }];
    assert!(page(&briefing).contains(NOTHING));
}

#[test]
fn a_paused_deployment_says_what_happens_if_nobody_decides_and_what_differs() {
    let difference = Difference {
        field: "web.environment.MODE".into(),
        kind: DifferenceKind::Removed,
        before: None,
        after: None,
    };
    let briefing = Briefing {
        deployment: Some(DeploymentBriefing {
            strategy: Some("CANARY".into()),
            production_percent: Some(10),
            old_revision: Some("one".into()),
            new_revision: Some("two".into()),
            differences: vec![difference],
        }),
        ..Briefing::default()
    };
    let mut case = case(briefing);
    let paused = |timeout_action| PausedDeployment {
        account: "111122223333".into(),
        region: "eu-central-1".into(),
        cluster: "live".into(),
        service: "web".into(),
        deployment_arn: "arn:deployment".into(),
        hook_id: "ecs-pause-1".into(),
        lifecycle_stage: "POST_SCALE_UP".into(),
        timeout_action,
    };
    case.source = paused(Some(TimeoutAction::Continue)).into();
    let page = |case: &Case| {
        render(
            &page_of(case.clone(), CaseStatus::Waits, LinkAction::View),
            None,
        )
    };
    let shown = page(&case);
    for part in [
        "THE DEPLOYMENT GOES ON",
        "POST_SCALE_UP",
        "live",
        "10 % goes to the new revision now",
        "from one to two",
        "web.environment.MODE",
        "The service in the console",
    ] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    for part in ["ecs-pause-1", "No infrastructure changes", "pipeline"] {
        assert!(!shown.contains(part), "{part} is in {shown}");
    }
    case.source = paused(None).into();
    assert!(page(&case).contains("it is not known what happens"));
}

#[test]
fn time_that_is_over_or_not_known_is_told_so() {
    for (expires, told) in [
        (None, "it is not known how long it waits"),
        (Some(at("2026-03-02T10:00:00Z")), "the time is over"),
    ] {
        let mut case = case(Briefing::default());
        case.expires = expires;
        assert!(render(&page_of(case, CaseStatus::Unknown, LinkAction::View), None).contains(told));
    }
}

/// WCAG 2.1's contrast of each text with its ground, at least 4.5, in both themes.
#[test]
fn texts_stand_out_from_their_ground() {
    let light = colours(CSS.split("@media").next().unwrap());
    let dark = colours(CSS.split("@media").nth(1).unwrap());
    for theme in [light, dark] {
        for (ink, ground) in [
            ("ink", "ground"),
            ("ink", "card"),
            ("ink", "good-wash"),
            ("ink", "bad-wash"),
            ("ink", "soft"),
            ("quiet", "ground"),
            ("quiet", "card"),
            ("link", "ground"),
            ("link", "card"),
            ("link", "good-wash"),
            ("link", "bad-wash"),
            ("bad", "card"),
            ("careful", "card"),
            ("on", "good"),
            ("on", "bad"),
        ] {
            let contrast = contrast(&theme[ink], &theme[ground]);
            assert!(contrast >= 4.5, "{ink} on {ground}: {contrast:.2}");
        }
    }
}

fn colours(css: &str) -> std::collections::BTreeMap<String, [f64; 3]> {
    let declarations = css
        .split(['{', ';'])
        .filter_map(|line| line.trim().strip_prefix("--")?.split_once(": #"));
    let channel = |hex: &str, n: usize| {
        let value = u8::from_str_radix(&hex[n * 2..n * 2 + 2], 16).unwrap();
        let part = f64::from(value) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    declarations
        .map(|(name, hex)| (name.to_owned(), [0, 1, 2].map(|n| channel(hex, n))))
        .collect()
}

fn contrast(one: &[f64; 3], other: &[f64; 3]) -> f64 {
    let light = |[r, g, b]: &[f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn the_form_leads_back_to_its_page_behind_any_prefix() {
    let page = render(
        &page_of(case(full()), CaseStatus::Waits, LinkAction::Approve),
        None,
    );
    let action = page.split("action=\"").nth(1).unwrap();
    let action = action.split('"').next().unwrap();
    for place in [
        "https://x.lambda-url.eu-central-1.on.aws/d/sealed",
        "http://127.0.0.1:4566/_url/approval-decision/d/sealed",
        "https://example.com/a/b/c/d/sealed?utm=1",
    ] {
        let there = url::Url::parse(place).unwrap();
        let sent = there.join(action).unwrap();
        assert_eq!(sent.path(), there.path(), "{action}");
        assert_eq!(sent.origin(), there.origin());
    }
}

#[test]
fn no_token_is_on_the_page_whatever_hides_it() {
    let token = "11111111-2222-4333-8444-555555555555";
    for hidden in [
        token.to_owned(),
        token.replace('-', "-\u{200b}"),
        token.replace('-', "%2D"),
        token.replace('4', "4\u{ad}"),
    ] {
        let mut briefing = full();
        briefing.revisions[0].summary = Some(format!("see {hidden}"));
        briefing.variables[0].value.clone_from(&hidden);
        briefing.change_sets[0].changes[0]
            .logical_id
            .clone_from(&hidden);
        let mut case = case(briefing);
        case.comment = Some(format!("https://x/#/a/approve/{hidden}"));
        case.external_link = Some(format!("https://x.example/approve/{hidden}"));
        let page = render(&page_of(case, CaseStatus::Waits, LinkAction::Reject), None);
        let seen: String = page.chars().filter(char::is_ascii_graphic).collect();
        assert!(
            !seen.contains(token) && !page.contains(&hidden),
            "{hidden:?}"
        );
        assert!(page.contains("***"));
    }
}

#[test]
fn a_change_set_without_resources_says_what_it_is() {
    for (state, expected) in [
        (SetState::Executable, "outputs, parameters, tags"),
        (SetState::Unknown, "is not known"),
        (SetState::Empty, "nothing to carry out. the reason"),
        (SetState::Unavailable, "carried out: the reason"),
    ] {
        let mut briefing = full();
        let set = &mut briefing.change_sets[0];
        set.changes.clear();
        (set.total, set.state, set.reason) = (0, state, Some("the reason".into()));
        let page = render(
            &page_of(case(briefing), CaseStatus::Waits, LinkAction::View),
            None,
        );
        assert!(page.contains(expected), "{expected}: {page}");
    }
}
