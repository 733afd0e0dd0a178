//! The machine format: what the generic webhook sends, in the envelope that Standard Webhooks recommends.
//! `docs/approvals-webhook.schema.json` describes it. Fields may be added; what is there keeps its
//! meaning, or else `format` grows.
//!
//! Texts are the same as for people: clean, bounded, and links are https only.

use approvals::Source;
use serde_json::{Map, Value, json};

use crate::body::unopened;
use crate::budget::{Group, Rank, SizeBudget, fit};
use crate::limits::WEBHOOK_MAX_BYTES;
use crate::{Announcement, AnnouncementList, Choice, Links, Message, NoticeReason, Subject, links};
use text::clean;

/// The version of the format.
const FORMAT: u32 = 1;
/// Characters of a text.
const MAX_TEXT_CHARS: usize = 1_000;
/// Members of a list inside of a list, such as the properties of a change.
const MAX_NESTED_ITEMS: usize = 40;
/// Change sets of one execution.
const MAX_CHANGE_SETS: usize = 60;

/// The event of a message.
pub(super) fn event(message: &Message<'_>) -> Value {
    let mut data = Map::new();
    data.insert("format".into(), json!(FORMAT));
    let waiting = message.approval().is_some_and(|notice| notice.waiting);
    data.insert("waiting".into(), json!(waiting));
    subject(&mut data, message);
    if let Some(notice) = message.approval() {
        let case = notice.case;
        let mut about = serde_json::to_value(case).expect("a case is plain data");
        let briefing = about["briefing"].take();
        for name in [
            "action",
            "execution_id",
            "route",
            "asked_at",
            "expires",
            "comment",
            "external_link",
            "console_link",
        ] {
            data.insert(name.into(), bounded(name, about[name].take()));
        }
        let text = unopened(case).map(|text| clean::short(text, MAX_TEXT_CHARS));
        data.insert("external_text".into(), json!(text));
        add_source(&mut data, &case.source);
        data.insert("case".into(), json!(case.id.as_str()));
        data.insert("links".into(), links(&notice.links));
        add_briefing(&mut data, briefing);
    }
    json!({
        "type": message.event(),
        "timestamp": message.now.to_string(),
        "data": data,
    })
}

/// An approval of a pipeline under the name that it always had, a paused deployment and a gate under names of their own.
fn add_source(data: &mut Map<String, Value>, source: &Source) {
    if let Some(gate) = source.gate() {
        data.insert("action".into(), Value::Null);
        data.insert("asking_gate".into(), bounded("gate", json!(gate)));
        return;
    }
    let Some(paused) = source.paused() else {
        return;
    };
    data.insert("action".into(), Value::Null);
    let deployment = json!({
        "account": paused.account,
        "region": paused.region,
        "cluster": paused.cluster,
        "service": paused.service,
        "deployment_arn": paused.deployment_arn,
        "lifecycle_stage": paused.lifecycle_stage,
        "timeout_action": paused.timeout_action,
    });
    data.insert("paused_deployment".into(), bounded("paused", deployment));
}

fn subject(data: &mut Map<String, Value>, message: &Message<'_>) {
    let (name, value) = match &message.subject {
        Subject::Approval(notice) => match &notice.occasion {
            NoticeReason::Ask | NoticeReason::Escalation => return,
            NoticeReason::Reminder { number } => ("reminder", json!(number)),
            NoticeReason::Decided {
                action_state,
                who,
                comment,
            } => {
                let decision = json!({"status": action_state.status, "at": action_state.at, "by": action_state.by, "who": who, "comment": comment});
                ("decision", bounded("decision", decision))
            }
            NoticeReason::Outcome(outcome) => ("outcome", bounded("outcome", json!(outcome))),
        },
        Subject::Test => return,
        // A message's text keeps its lines and its length.
        Subject::Forwarded(plain) => (
            "message",
            json!({
                "title": bounded("title", json!(plain.title)),
                "text": clean::cut(&clean::lines(&plain.text).join("\n"), 16 * MAX_TEXT_CHARS),
                "link": bounded("link", json!(plain.link)),
            }),
        ),
        Subject::Announcement(news) => ("news", announcement(news)),
    };
    data.insert(name.into(), value);
}

/// News, list by list; what has no room is counted.
fn announcement(news: &Announcement) -> Value {
    let mut room = WEBHOOK_MAX_BYTES / 2;
    let mut list = |list: &AnnouncementList| {
        let lines = list
            .lines
            .iter()
            .map(|line| clean::short(line, MAX_TEXT_CHARS));
        let kept = lines.map_while(|line| {
            room = room.checked_sub(line.len() + 8)?;
            Some(line)
        });
        let kept: Vec<String> = kept.collect();
        let more = list.lines.len() - kept.len();
        json!({"heading": clean::short(&list.heading, MAX_TEXT_CHARS), "lines": kept, "more": more})
    };
    let lists: Vec<Value> = news
        .lists
        .iter()
        .take(MAX_NESTED_ITEMS)
        .map(&mut list)
        .collect();
    let choice = |choice: &Choice| {
        let url = choice.url.as_deref().and_then(links::own);
        json!({"label": clean::short(&choice.label, MAX_TEXT_CHARS), "url": url})
    };
    let choices: Vec<Value> = news
        .choices
        .iter()
        .take(MAX_NESTED_ITEMS)
        .map(choice)
        .collect();
    let lead = news.lead.iter().take(MAX_NESTED_ITEMS);
    json!({
        "title": clean::short(&news.title, MAX_TEXT_CHARS),
        "lead": lead.map(|line| clean::short(line, MAX_TEXT_CHARS)).collect::<Vec<_>>(),
        "lists": lists,
        "choices": choices,
    })
}

fn links(links: &Links) -> Value {
    let own = |link: &Option<String>| link.as_deref().and_then(links::own);
    json!({
        "view": own(&links.view),
        "approve": own(&links.approve),
        "reject": own(&links.reject),
    })
}

/// A list of the briefing with what each member is kept before.
struct List {
    members: Vec<(Rank, Value)>,
    /// A change set without its changes.
    set: Option<Value>,
}

/// The briefing as far as there is room: dangerous changes before anything else.
fn add_briefing(data: &mut Map<String, Value>, mut briefing: Value) {
    let mut kept = Map::new();
    for name in ["starter", "version"] {
        kept.insert(name.into(), bounded(name, briefing[name].take()));
    }
    let deployment = briefing["deployment"].take();
    if !deployment.is_null() {
        kept.insert("deployment".into(), bounded("deployment", deployment));
    }
    let names = [
        ("revisions", Rank::Source),
        ("variables", Rank::Variable),
        ("gates", Rank::Gate),
        ("gaps", Rank::Gap),
    ];
    let mut lists: Vec<List> = Vec::new();
    for (name, rank) in names {
        let members = members(briefing[name].take()).map(|member| (rank, bounded(name, member)));
        lists.push(List {
            members: members.collect(),
            set: None,
        });
    }
    let mut sets = members(briefing["change_sets"].take());
    for mut set in sets.by_ref().take(MAX_CHANGE_SETS) {
        let changes = members(set["changes"].take());
        let changes = changes.map(|change| (rank(&change), bounded("change", change)));
        lists.push(List {
            members: changes.collect(),
            set: Some(bounded("set", set)),
        });
    }
    let sets_left_out = sets.count();
    let used = Value::Object(data.clone()).to_string().len()
        + Value::Object(kept.clone()).to_string().len();
    let omitted = fill(
        &mut kept,
        lists,
        &names.map(|(name, _)| name),
        WEBHOOK_MAX_BYTES.saturating_sub(used + 1_000),
    );
    data.insert("briefing".into(), Value::Object(kept));
    data.insert("omitted".into(), json!(omitted + sets_left_out));
}

/// Puts the lists into the briefing and says how many of their members have no room.
fn fill(kept: &mut Map<String, Value>, lists: Vec<List>, names: &[&str], total: usize) -> usize {
    let length = |value: &Value| value.to_string().len() + 1;
    let groups: Vec<Group> = lists
        .iter()
        .map(|list| Group {
            heading: list.set.as_ref().map_or(40, |set| length(set) + 40),
            more: 0,
            items: list
                .members
                .iter()
                .map(|(rank, member)| (*rank, length(member)))
                .collect(),
            hidden: 0,
        })
        .collect();
    let room = SizeBudget {
        total,
        groups: groups.len(),
        remainder: 0,
    };
    let chosen = fit(&groups, &room);
    let mut omitted = chosen.left_out;
    let mut sets = Vec::new();
    for name in names {
        kept.insert((*name).into(), json!([]));
    }
    let mut lists: Vec<Option<List>> = lists.into_iter().map(Some).collect();
    for group in chosen.groups {
        let list = lists[group.index].take().expect("each group is kept once");
        omitted += group.more;
        let mut members: Vec<Option<Value>> = list
            .members
            .into_iter()
            .map(|(_, member)| Some(member))
            .collect();
        let shown: Vec<Value> = group
            .items
            .iter()
            .filter_map(|item| members[*item].take())
            .collect();
        match list.set {
            Some(mut set) => {
                set["changes"] = Value::Array(shown);
                sets.push(set);
            }
            None => {
                kept.insert(names[group.index].into(), Value::Array(shown));
            }
        }
    }
    kept.insert("change_sets".into(), Value::Array(sets));
    omitted
}

fn members(list: Value) -> impl Iterator<Item = Value> {
    match list {
        Value::Array(members) => members,
        _ => Vec::new(),
    }
    .into_iter()
}

fn rank(change: &Value) -> Rank {
    match change["risk"].as_str() {
        Some("removal") => Rank::Removal,
        Some("replacement") => Rank::Replacement,
        Some("access") => Rank::Access,
        Some("data") => Rank::Data,
        _ => Rank::Rest,
    }
}

/// The value with every text clean and not too long, lists not too long, and links that are none taken
/// out.
fn bounded(name: &str, value: Value) -> Value {
    let is_link = name.ends_with("link") || name == "url";
    match value {
        Value::String(text) if is_link => links::foreign(&text).map_or(Value::Null, Value::String),
        Value::String(text) => Value::String(clean::short(&text, MAX_TEXT_CHARS)),
        Value::Array(members) => members
            .into_iter()
            .take(MAX_NESTED_ITEMS)
            .map(|member| bounded(name, member))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| {
                let member = bounded(&name, member);
                (name, member)
            })
            .collect(),
        value => value,
    }
}
