use proptest::prelude::*;

use super::*;
use crate::config::Config;
use ledger::Via;

fn policy(text: &str) -> Policy {
    let text = format!(
        "version: 1
channels: {{room: {{slack: {{channel: C0123456789, token: 'secretsmanager:slack#bot'}}}}}}
routes: [{{name: production, tell: [room], policy: {{{text}}}}}]
"
    );
    let config =
        Config::parse("approvals.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    config.routes[0].policy.clone()
}

const OWN: &str = "111122223333";
const LISTED: &str =
    "approvers: ['slack:T0001/U0001', 'slack:T0001/U0002', 'email:lead@example.com']";

fn starter(trigger: &str, detail: &str) -> Starter {
    Starter {
        trigger: trigger.into(),
        detail: detail.into(),
        name: detail.rsplit('/').next().unwrap().into(),
    }
}

fn ask(
    policy: &Policy,
    who: &str,
    decision: Decision,
    starter: Option<&Starter>,
) -> Result<(), Refusal> {
    let request = Request {
        approver: &who.parse().unwrap(),
        decision,
        comment: Some("because"),
        starter,
        account: OWN,
        at: "2026-03-02T10:00:00Z".parse().unwrap(),
    };
    judge(policy, &request)
}

const YES: Decision = Decision::Approve;
const NO: Decision = Decision::Reject;

#[test]
fn whoever_is_not_listed_by_their_whole_id_is_denied() {
    let policy = policy(&format!("{LISTED}, starter_may_approve: true"));
    assert_eq!(ask(&policy, "slack:T0001/U0001", YES, None), Ok(()));
    for who in [
        "slack:T0002/U0001",
        "slack:T0001/U0003",
        "email:other@example.com",
        "link:room",
    ] {
        for decision in [YES, NO] {
            assert_eq!(
                ask(&policy, who, decision, None),
                Err(Refusal::NotAllowed),
                "{who}"
            );
        }
    }
}

#[test]
fn with_decide_off_nobody_may() {
    let mut policy = policy(&format!("{LISTED}, starter_may_approve: true"));
    policy.decide = false;
    assert_eq!(
        ask(&policy, "slack:T0001/U0001", YES, None),
        Err(Refusal::NotAllowed)
    );
    policy.decide = true;
    policy.approvers.clear();
    assert_eq!(
        ask(&policy, "slack:T0001/U0001", YES, None),
        Err(Refusal::NotAllowed)
    );
}

#[test]
fn whoever_started_it_may_not_approve_it_but_may_reject_it() {
    let arn = "arn:aws:sts::111122223333:assumed-role/Admin/Alex";
    let policy = policy(&format!(
        "{LISTED}, starters: {{'slack:T0001/U0001': [alex], 'slack:T0001/U0002': ['{arn}2']}}"
    ));
    let alex = starter("StartPipelineExecution", arn);
    assert_eq!(
        ask(&policy, "slack:T0001/U0001", YES, Some(&alex)),
        Err(Refusal::StarterBarred)
    );
    assert_eq!(ask(&policy, "slack:T0001/U0001", NO, Some(&alex)), Ok(()));
    assert_eq!(ask(&policy, "slack:T0001/U0002", YES, Some(&alex)), Ok(()));
    let second = starter("StartPipelineExecution", &format!("{arn}2"));
    assert_eq!(
        ask(&policy, "slack:T0001/U0002", YES, Some(&second)),
        Err(Refusal::StarterBarred)
    );
}

#[test]
fn whoever_has_the_role_that_started_it_may_not_approve_it() {
    let assumed = "arn:aws:sts::111122223333:assumed-role/Admin/botocore-session-1";
    let by_role = starter("StartPipelineExecution", assumed);
    let asked = |name: &str| {
        let policy = policy(&format!(
            "{LISTED}, starters: {{'slack:T0001/U0001': ['{name}'], 'slack:T0001/U0002': []}}"
        ));
        ask(&policy, "slack:T0001/U0001", YES, Some(&by_role))
    };
    for theirs in [
        "arn:aws:iam::111122223333:role/Admin",
        "arn:aws:iam::111122223333:role/team/ops/Admin",
        "arn:aws:sts::111122223333:assumed-role/Admin",
        "Admin",
        "admin",
        assumed,
    ] {
        assert_eq!(asked(theirs), Err(Refusal::StarterBarred), "{theirs}");
    }
    for other in [
        "arn:aws:iam::444455556666:role/Admin",
        "arn:aws:iam::111122223333:role/Admin/Other",
        "arn:aws:iam::111122223333:user/Admin",
        "arn:aws:sts::111122223333:assumed-role/Admin/botocore-session-2",
        "Adm",
    ] {
        assert_eq!(asked(other), Ok(()), "{other}");
    }
    let user = starter(
        "StartPipelineExecution",
        "arn:aws:iam::111122223333:user/team/lead",
    );
    let policy = policy(&format!(
        "{LISTED}, starters: {{'slack:T0001/U0001': ['arn:aws:iam::111122223333:user/lead']}}"
    ));
    let answer = ask(&policy, "slack:T0001/U0001", YES, Some(&user));
    assert_eq!(answer, Err(Refusal::StarterBarred), "with its path or not");
}

#[test]
fn whoever_might_have_started_it_may_not_approve_it() {
    let policy = policy(LISTED);
    let person = starter(
        "StartPipelineExecution",
        "arn:aws:iam::111122223333:user/lead@example.com",
    );
    let approve = |who, starter: Option<&Starter>| ask(&policy, who, YES, starter);
    assert_eq!(
        approve("slack:T0001/U0001", Some(&person)),
        Err(Refusal::MayBeStarter)
    );
    assert_eq!(
        approve("email:lead@example.com", Some(&person)),
        Err(Refusal::StarterBarred)
    );
    assert_eq!(
        approve("slack:T0001/U0001", None),
        Err(Refusal::MayBeStarter)
    );
    let unheard_of = starter("SomethingNew", "x");
    assert_eq!(
        approve("slack:T0001/U0001", Some(&unheard_of)),
        Err(Refusal::UnknownStarter)
    );
    let rollback = starter("AutomatedRollback", "x");
    assert_eq!(approve("slack:T0001/U0001", Some(&rollback)), Ok(()));
}

const TRIGGERS: [&str; 5] = [
    "Webhook",
    "WebhookV2",
    "CloudWatchEvent",
    "PollForSourceChanges",
    "SomethingNew",
];
const BOTH: &str = "starters: {'slack:T0001/U0001': [lead], 'slack:T0001/U0002': []}";

/// Everything that somebody who may approve can hide behind.
fn hidden() -> Vec<Starter> {
    let arn = "arn:aws:events:eu-central-1:111122223333:rule/push";
    let pushes = TRIGGERS.map(|trigger| starter(trigger, arn));
    let sessions = [
        "arn:aws:sts::111122223333:assumed-role/Admin/somebody-else",
        "arn:aws:sts::111122223333:assumed-role/Deployer/U0002",
        "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Admin_1/bob",
        "arn:aws:sts::111122223333:federated-user/bob",
        "arn:aws:sts::111122223333:assumed-role/xAWSReservedSSO_Admin/bob",
        "bob",
        "",
    ];
    let sessions = sessions.map(|arn| starter("StartPipelineExecution", arn));
    pushes.into_iter().chain(sessions).collect()
}

#[test]
fn nobody_approves_alone_what_they_may_have_started_under_another_name() {
    let two = policy(&format!(
        "{LISTED}, {BOTH}, trusted_sessions: ['AWSReservedSSO_*']"
    ));
    for hidden in hidden() {
        assert_eq!(needed(&two, Some(&hidden), OWN), 2, "{hidden:?}");
        assert_eq!(
            ask(&two, "slack:T0001/U0001", YES, Some(&hidden)),
            Ok(()),
            "{hidden:?}"
        );
        // They can't be told from the others.
        let answer = ask(&two, "email:lead@example.com", YES, Some(&hidden));
        assert_eq!(answer, Err(Refusal::MayBeStarter), "{hidden:?}");
        assert_eq!(ask(&two, "slack:T0001/U0001", NO, Some(&hidden)), Ok(()));
    }
    assert_eq!(needed(&two, None, OWN), 1);
}

#[test]
fn one_person_with_two_ids_is_not_two() {
    // What the README's example once was: one lead, by Slack and by mail.
    let one = policy(
        "approvers: ['slack:T0001/U0001', 'email:lead@example.com'], \
         starters: {'slack:T0001/U0001': [lead], 'email:lead@example.com': [lead]}",
    );
    assert_eq!(people(&one), 1);
    for hidden in hidden() {
        for who in ["slack:T0001/U0001", "email:lead@example.com"] {
            let answer = ask(&one, who, YES, Some(&hidden));
            assert_eq!(answer, Err(Refusal::UnknownStarter), "{hidden:?}");
        }
    }
    let user = starter(
        "StartPipelineExecution",
        "arn:aws:iam::111122223333:user/other",
    );
    assert_eq!(ask(&one, "slack:T0001/U0001", YES, Some(&user)), Ok(()));
}

#[test]
fn whoever_holds_a_channels_link_may_be_anybody() {
    let policy = policy(
        "approvers: ['slack:T0001/U0001', 'slack:T0001/U0002', 'link:room'], \
         starters: {'slack:T0001/U0001': [a], 'slack:T0001/U0002': [b], 'link:room': []}",
    );
    let push = starter("WebhookV2", "x");
    assert_eq!(
        ask(&policy, "link:room", YES, Some(&push)),
        Err(Refusal::MayBeStarter)
    );
    let voters = ["slack:T0001/U0001", "link:room"].map(vote);
    let people = voters.iter().map(|vote| &vote.voter);
    let at = "2026-03-02T10:00:00Z".parse().unwrap();
    assert_eq!(approving(&policy, people, (Some(&push), OWN), at).len(), 1);
}

#[test]
fn a_trusted_session_is_a_person() {
    let text = format!(
        "{LISTED}, {BOTH}, trusted_sessions: ['AWSReservedSSO_*', 'arn:aws:iam::444455556666:role/x/Staff']"
    );
    let policy = policy(&text);
    let by = |arn: &str| starter("StartPipelineExecution", arn);
    for (arn, own, other) in [
        (
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0f/lead",
            Err(Refusal::StarterBarred),
            1,
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0f/bob",
            Ok(()),
            1,
        ),
        (
            "arn:aws:sts::444455556666:assumed-role/Staff/bob",
            Ok(()),
            1,
        ),
        (
            "arn:aws:sts::111122223333:assumed-role/Staff/bob",
            Ok(()),
            2,
        ),
    ] {
        let session = by(arn);
        assert_eq!(
            ask(&policy, "slack:T0001/U0001", YES, Some(&session)),
            own,
            "{arn}"
        );
        assert_eq!(needed(&policy, Some(&session), OWN), other, "{arn}");
        // Without an account nobody's own is known.
        let elsewhere = needed(&policy, Some(&session), "");
        assert_eq!(elsewhere, if arn.contains("4444") { 1 } else { 2 }, "{arn}");
    }
}

#[test]
fn a_route_may_refuse_or_allow_unknown_starters() {
    let push = starter(
        "CloudWatchEvent",
        "arn:aws:events:eu-central-1:111122223333:rule/x",
    );
    let refusing = policy(&format!("{LISTED}, {BOTH}, unknown_starter: refuse"));
    assert_eq!(
        ask(&refusing, "slack:T0001/U0001", YES, Some(&push)),
        Err(Refusal::UnknownStarter)
    );
    let allowing = policy(&format!("{LISTED}, unknown_starter: allow"));
    assert_eq!(
        ask(&allowing, "slack:T0001/U0001", YES, Some(&push)),
        Ok(())
    );
    assert_eq!(needed(&allowing, Some(&push), OWN), 1);
    let starter_may = policy(&format!("{LISTED}, starter_may_approve: true"));
    assert_eq!(needed(&starter_may, Some(&push), OWN), 1);
}

#[test]
fn a_rejection_needs_its_reason_where_the_route_says_so() {
    let policy = policy(&format!(
        "{LISTED}, reason_for_rejection: true, starter_may_approve: true"
    ));
    let approver = "slack:T0001/U0001".parse().unwrap();
    let with = |decision, comment| {
        let at = Timestamp::UNIX_EPOCH;
        judge(
            &policy,
            &Request {
                approver: &approver,
                decision,
                comment,
                starter: None,
                account: OWN,
                at,
            },
        )
    };
    for empty in [None, Some(""), Some(" \n")] {
        assert_eq!(with(NO, empty), Err(Refusal::ReasonNeeded));
        assert_eq!(with(YES, empty), Ok(()));
    }
    assert_eq!(with(NO, Some("tests are red")), Ok(()));
}

#[test]
fn approvals_wait_for_office_hours_and_rejections_do_not() {
    let policy = policy(&format!(
        "{LISTED}, starter_may_approve: true, office_hours: 'Mon-Fri 09:00-17:00 Europe/Berlin'"
    ));
    let approver = "slack:T0001/U0001".parse().unwrap();
    let at = |decision, at: &str| {
        let at = at.parse().unwrap();
        judge(
            &policy,
            &Request {
                approver: &approver,
                decision,
                comment: None,
                starter: None,
                account: OWN,
                at,
            },
        )
    };
    assert_eq!(
        at(YES, "2026-03-06T15:59:59Z"),
        Ok(()),
        "Friday, 16:59 in Berlin"
    );
    let monday = Some("2026-03-09T08:00:00Z".parse().unwrap());
    let closed = Err(Refusal::OutsideOfficeHours { next: monday });
    assert_eq!(at(YES, "2026-03-06T16:00:00Z"), closed);
    assert_eq!(at(YES, "2026-03-09T07:59:59Z"), closed);
    assert_eq!(at(YES, "2026-03-09T08:00:00Z"), Ok(()));
    assert_eq!(at(NO, "2026-03-07T03:00:00Z"), Ok(()));
}

fn vote(approver: &str) -> Vote {
    Vote {
        voter: Actor {
            approver: approver.into(),
            name: String::new(),
            identified: true,
        },
        comment: None,
        via: Via::Slack,
        click: "click".into(),
        at: Timestamp::UNIX_EPOCH,
        withdrawn: None,
    }
}

#[test]
fn votes_of_the_listed_count_once_each() {
    let policy = policy(LISTED);
    let votes = [
        "slack:T0001/U0001",
        "slack:T0001/U0001",
        "slack:T0001/U0009",
        "nonsense",
        "email:lead@example.com",
    ];
    let votes = votes.map(vote);
    let counted: Vec<&str> = counted(&policy, &votes)
        .iter()
        .map(|voter| voter.approver.as_str())
        .collect();
    assert_eq!(counted, ["slack:T0001/U0001", "email:lead@example.com"]);
}

#[test]
fn one_person_with_two_identities_counts_once() {
    let starters = "starters: {'slack:T0001/U0001': [lead], \
                    'slack:T0001/U0002': ['arn:aws:iam::111122223333:user/another'], \
                    'email:lead@example.com': ['arn:aws:iam::111122223333:user/lead']}";
    let apart = policy(&format!("{LISTED}, {starters}"));
    let votes = [
        "slack:T0001/U0001",
        "email:lead@example.com",
        "slack:T0001/U0002",
    ]
    .map(vote);
    let who = |policy: &Policy, votes: &[Vote]| -> Vec<String> {
        let counted = counted(policy, votes).into_iter();
        counted.map(|voter| voter.approver.clone()).collect()
    };
    assert_eq!(
        who(&apart, &votes),
        ["slack:T0001/U0001", "slack:T0001/U0002"]
    );
    // Also by way of a third identity, whatever the order.
    let chained = policy(&format!(
        "{LISTED}, starters: {{'slack:T0001/U0001': [a, b], 'slack:T0001/U0002': [b, c], \
         'email:lead@example.com': [c]}}"
    ));
    assert_eq!(who(&chained, &votes), ["slack:T0001/U0001"]);
    // Without names in AWS nothing says that they are one.
    assert_eq!(who(&policy(LISTED), &votes).len(), 3);
}

#[test]
fn a_yes_counts_as_long_as_it_would_be_taken() {
    let policy = policy(&format!(
        "{LISTED}, office_hours: 'Mon-Fri 09:00-17:00 UTC', starters: {{'slack:T0001/U0001': [alex], \
         'slack:T0001/U0002': []}}"
    ));
    let votes = [
        "slack:T0001/U0001",
        "slack:T0001/U0002",
        "slack:T0001/U0009",
    ]
    .map(vote);
    let alex = starter(
        "StartPipelineExecution",
        "arn:aws:iam::111122223333:user/alex",
    );
    let have = |starter, at: &str| {
        let people = votes.iter().map(|vote| &vote.voter);
        approving(&policy, people, (starter, OWN), at.parse().unwrap()).len()
    };
    assert_eq!(have(Some(&alex), "2026-03-02T10:00:00Z"), 1);
    assert_eq!(have(None, "2026-03-02T10:00:00Z"), 0);
    assert_eq!(have(Some(&alex), "2026-03-02T20:00:00Z"), 0);
}

#[test]
fn every_refusal_is_a_sentence() {
    for (refusal, word) in [
        (Refusal::NotAllowed, "list"),
        (Refusal::StarterBarred, "started"),
        (Refusal::MayBeStarter, "starters"),
        (Refusal::OutsideOfficeHours { next: None }, "office hours"),
        (Refusal::ReasonNeeded, "reason"),
        (Refusal::NothingShown, "console"),
    ] {
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}

proptest! {
    #[test]
    fn nobody_outside_of_the_list_ever_passes(
        team in "T[0-9]{4}", user in "U[0-9]{4}", yes: bool, starter_may: bool, hour in 0_i64..168,
    ) {
        let mut policy = policy(LISTED);
        policy.starter_may_approve = starter_may;
        let approver = Approver::Slack { team, user };
        let listed = policy.approvers.contains(&approver);
        let machine = starter("AutomatedRollback", "x");
        let request = Request {
            approver: &approver,
            decision: if yes { YES } else { NO },
            comment: Some("x"),
            starter: Some(&machine),
            account: OWN,
            at: Timestamp::from_second(1_772_445_600 + hour * 3600).unwrap(),
        };
        prop_assert_eq!(judge(&policy, &request).is_ok(), listed);
    }

    #[test]
    fn never_more_votes_count_than_there_are_listed_people(
        voters in prop::collection::vec("slack:T0001/U000[0-5]", 0..40)
    ) {
        let policy = policy(LISTED);
        let votes: Vec<Vote> = voters.iter().map(|voter| vote(voter)).collect();
        let counted = counted(&policy, &votes);
        prop_assert!(counted.len() <= 2);
        for voter in counted {
            prop_assert!(policy.approvers.contains(&voter.approver.parse().unwrap()));
        }
    }
}
