//! What clients send to EventBridge Scheduler and get from it, on the way through the front door: the
//! state under which the emulator keeps recurring schedules is put in and taken out here.

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use http::uri::PathAndQuery;
use serde_json::Value;

use super::expression::Expression;
use super::suppress::SUPPRESSED;

/// Which state a client that lists schedules asked for, when it has to be looked for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnlyEnabled(bool);

/// Changes a request before it is passed on.
pub(crate) fn request(parts: &mut Parts, body: Bytes) -> (Bytes, OnlyEnabled) {
    let path = parts.uri.path();
    let body = match parts.method {
        Method::POST | Method::PUT if path.starts_with("/schedules/") => {
            suppressed(&body).unwrap_or(body)
        }
        _ => body,
    };
    let only_enabled = parts.method == Method::GET && path == "/schedules" && drop_state(parts);
    (body, OnlyEnabled(only_enabled))
}

/// A schedule that is enabled and recurring, in the state that keeps the emulator from firing it.
fn suppressed(body: &[u8]) -> Option<Bytes> {
    let mut schedule: Value = serde_json::from_slice(body).ok()?;
    // A wrong expression is the emulator's to refuse.
    let is_recurring = matches!(
        Expression::read(&schedule),
        Ok(Expression::Cron(..) | Expression::Rate(_))
    );
    let is_enabled = schedule["State"].as_str().unwrap_or("ENABLED") == "ENABLED";
    (is_recurring && is_enabled).then(|| {
        schedule["State"] = Value::from(SUPPRESSED);
        Bytes::from(schedule.to_string())
    })
}

/// Takes `State=ENABLED` out of a query; the emulator would find one of the two states only.
fn drop_state(parts: &mut Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    let (asked, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| *pair == "State=ENABLED");
    if asked.is_empty() {
        return false;
    }
    let changed = format!("/schedules?{}", rest.join("&"));
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = PathAndQuery::try_from(changed).ok();
    match http::Uri::from_parts(uri) {
        Ok(uri) => {
            parts.uri = uri;
            true
        }
        Err(_) => false,
    }
}

/// Changes an answer before the client gets it.
pub(crate) fn response(body: &Bytes, only_enabled: OnlyEnabled) -> Bytes {
    let text = String::from_utf8_lossy(body).replace(SUPPRESSED, "ENABLED");
    if !only_enabled.0 {
        return Bytes::from(text);
    }
    let Ok(mut listed) = serde_json::from_str::<Value>(&text) else {
        return Bytes::from(text);
    };
    if let Some(schedules) = listed["Schedules"].as_array_mut() {
        schedules.retain(|schedule| schedule["State"] == "ENABLED");
    }
    Bytes::from(listed.to_string())
}

#[cfg(test)]
mod tests {
    use http::Request;
    use serde_json::json;

    use super::*;

    fn request_of(method: Method, uri: &str, body: &Value) -> (String, Value, OnlyEnabled) {
        let sent = Request::builder().method(method).uri(uri);
        let (mut parts, ()) = sent.body(()).unwrap().into_parts();
        let (body, only) = request(&mut parts, Bytes::from(body.to_string()));
        let body = serde_json::from_slice(&body).unwrap();
        (parts.uri.to_string(), body, only)
    }

    #[test]
    fn recurring_schedules_are_kept_from_the_emulator_and_look_enabled() {
        let schedule = json!({ "ScheduleExpression": "rate(5 minutes)", "Target": {} });
        for method in [Method::POST, Method::PUT] {
            let (_, sent, only) = request_of(method, "/schedules/tick", &schedule);
            assert_eq!(sent["State"], SUPPRESSED);
            let seen = response(&Bytes::from(sent.to_string()), only);
            let seen: Value = serde_json::from_slice(&seen).unwrap();
            assert_eq!(seen["State"], "ENABLED");
        }
    }

    #[test]
    fn others_are_passed_on_as_they_are() {
        for schedule in [
            json!({ "ScheduleExpression": "at(2026-11-21T10:00:00)" }),
            json!({ "ScheduleExpression": "rate(5 minutes)", "State": "DISABLED" }),
            json!({ "ScheduleExpression": "rate(no minutes)" }),
        ] {
            let (_, sent, _) = request_of(Method::POST, "/schedules/s", &schedule);
            assert_eq!(sent, schedule);
        }
        let group = json!({ "Tags": [] });
        let (uri, sent, _) = request_of(Method::POST, "/schedule-groups/g", &group);
        assert_eq!((uri.as_str(), sent), ("/schedule-groups/g", group));
    }

    #[test]
    fn a_list_of_the_enabled_ones_holds_both() {
        let asked = "/schedules?NamePrefix=a&State=ENABLED&MaxResults=5";
        let (uri, _, only) = request_of(Method::GET, asked, &json!(null));
        assert_eq!(uri, "/schedules?NamePrefix=a&MaxResults=5");
        let answer = json!({ "Schedules": [
            { "Name": "at", "State": "ENABLED" },
            { "Name": "rate", "State": SUPPRESSED },
            { "Name": "off", "State": "DISABLED" },
        ]});
        let seen = response(&Bytes::from(answer.to_string()), only);
        let seen: Value = serde_json::from_slice(&seen).unwrap();
        assert_eq!(
            seen,
            json!({ "Schedules": [
                { "Name": "at", "State": "ENABLED" },
                { "Name": "rate", "State": "ENABLED" },
            ]})
        );
    }
}
