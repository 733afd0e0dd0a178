//! Events of the protocol, as far as they are looked at.

use serde::Deserialize;

use crate::log::ProblemKind;

#[derive(Deserialize)]
pub(crate) struct ContextCreated {
    pub(crate) context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) aux_data: AuxData,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuxData {
    #[serde(default)]
    pub(crate) frame_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContextDestroyed {
    pub(crate) execution_context_id: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsoleCalled {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) args: Vec<RemoteObject>,
    pub(crate) stack_trace: Option<StackTrace>,
}

#[derive(Deserialize)]
pub(crate) struct RemoteObject {
    pub(crate) value: Option<serde_json::Value>,
    pub(crate) description: Option<String>,
    #[serde(rename = "unserializableValue")]
    pub(crate) unserializable: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StackTrace {
    #[serde(default)]
    pub(crate) call_frames: Vec<CallFrame>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallFrame {
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) line_number: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExceptionThrown {
    pub(crate) exception_details: ExceptionDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExceptionDetails {
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) line_number: i64,
    pub(crate) exception: Option<RemoteObject>,
}

#[derive(Deserialize)]
pub(crate) struct EntryAdded {
    pub(crate) entry: Entry,
}

#[derive(Deserialize)]
pub(crate) struct Entry {
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) level: String,
    #[serde(default)]
    pub(crate) text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestWillBeSent {
    pub(crate) request_id: String,
    pub(crate) request: RequestOf,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    pub(crate) frame_id: Option<String>,
    pub(crate) redirect_response: Option<ResponseOf>,
}

#[derive(Deserialize)]
pub(crate) struct RequestOf {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) method: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseReceived {
    pub(crate) request_id: String,
    pub(crate) response: ResponseOf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponseOf {
    #[serde(default)]
    pub(crate) status: i64,
    #[serde(rename = "remoteIPAddress")]
    pub(crate) remote_ip_address: Option<String>,
    pub(crate) remote_port: Option<u16>,
}

impl ResponseOf {
    pub(crate) fn status(&self) -> u16 {
        u16::try_from(self.status).unwrap_or_default()
    }

    pub(crate) fn answered_by(&self) -> Option<String> {
        let address = self.remote_ip_address.as_deref()?;
        let port = self.remote_port?;
        (!address.is_empty()).then(|| format!("{address}:{port}"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadingEnded {
    pub(crate) request_id: String,
    #[serde(default)]
    pub(crate) error_text: String,
    #[serde(default)]
    pub(crate) canceled: bool,
    pub(crate) blocked_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lifecycle {
    pub(crate) frame_id: String,
    #[serde(default)]
    pub(crate) loader_id: String,
    pub(crate) name: String,
}

#[derive(Deserialize)]
pub(crate) struct DialogOpening {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestPaused {
    /// Of the pause.
    pub(crate) request_id: String,
    /// Of the request.
    pub(crate) network_id: Option<String>,
    pub(crate) request: PausedRequestOf,
    #[serde(default)]
    pub(crate) resource_type: String,
    pub(crate) frame_id: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct WebSocketCreated {
    pub(crate) url: String,
}

#[derive(Deserialize)]
pub(crate) struct PausedRequestOf {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) headers: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetCreated {
    pub(crate) target_info: TargetInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetInfo {
    pub(crate) target_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) url: String,
    pub(crate) browser_context_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttachedToTarget {
    pub(crate) session_id: String,
    pub(crate) target_info: TargetInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetGone {
    pub(crate) target_id: Option<String>,
    pub(crate) session_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownloadWillBegin {
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) suggested_filename: String,
}

impl RemoteObject {
    fn shown(&self) -> String {
        match &self.value {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => {
                let text = self.unserializable.as_ref().or(self.description.as_ref());
                text.map_or_else(|| "undefined".to_owned(), Clone::clone)
            }
        }
    }
}

impl ConsoleCalled {
    /// As a console shows it, with its place.
    pub(crate) fn text(&self) -> String {
        let args: Vec<String> = self.args.iter().map(RemoteObject::shown).collect();
        let text = args.join(" ");
        let frame = self.stack_trace.as_ref();
        match frame.and_then(|trace| trace.call_frames.first()) {
            Some(frame) if !frame.url.is_empty() => {
                format!("{text} ({}:{})", frame.url, frame.line_number + 1)
            }
            _ => text,
        }
    }
}

impl ExceptionDetails {
    /// The first line of what was thrown, with its place.
    pub(crate) fn text(&self) -> String {
        let thrown = self.exception.as_ref().map(RemoteObject::shown);
        let thrown = thrown.as_deref().and_then(|text| text.lines().next());
        let text = match thrown {
            Some(thrown) => format!("{} {thrown}", self.text),
            None => self.text.clone(),
        };
        if self.url.is_empty() {
            text
        } else {
            format!("{text} ({}:{})", self.url, self.line_number + 1)
        }
    }
}

impl Entry {
    /// Which problem it tells of, if of one that nothing else does.
    pub(crate) fn problem(&self) -> Option<ProblemKind> {
        let about = |words: &str| self.text.contains(words);
        match (self.source.as_str(), self.level.as_str()) {
            // Upgraded or blocked, a page by https names something by http.
            ("security" | "other", "error" | "warning") if about("Mixed Content") => {
                Some(ProblemKind::MixedContent)
            }
            ("security", "error") if about("Content Security Policy") => {
                Some(ProblemKind::ContentPolicy)
            }
            // Requests are watched themselves.
            ("network", _) => None,
            (_, "error") => Some(ProblemKind::Console),
            _ => None,
        }
    }
}
