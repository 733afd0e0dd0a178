//! What a browser tells meanwhile: [`Page::take`] is the one place that knows events.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Decision, ISOLATED_WORLD, MAX_SESSIONS, Page, PageRequest};
use crate::connection::Incoming;
use crate::log::{ProblemKind, SentRequest};
use crate::{Error, events};

impl Page {
    /// Takes in an event. Answers to commands that nobody waits for are passed over.
    pub(super) async fn take(&mut self, incoming: &Incoming) -> Result<(), Error> {
        let Some(method) = incoming.head.method.as_deref() else {
            return Ok(());
        };
        let of_page = incoming.head.session_id.as_deref() == Some(self.session.as_str());
        match method {
            "Runtime.executionContextCreated" if of_page => {
                let events::ContextCreated { context } = incoming.params()?;
                if context.name == ISOLATED_WORLD && context.aux_data.frame_id == self.frame {
                    (self.world, self.document) = (Some(context.id), None);
                }
            }
            "Runtime.executionContextDestroyed" if of_page => {
                let gone: events::ContextDestroyed = incoming.params()?;
                self.forget(gone.execution_context_id);
            }
            "Runtime.executionContextsCleared" if of_page => {
                (self.world, self.document) = (None, None);
            }
            "Page.lifecycleEvent" if of_page => {
                let event: events::Lifecycle = incoming.params()?;
                if event.frame_id == self.frame {
                    match event.name.as_str() {
                        "init" => {
                            self.loading = true;
                            self.note_begun(event.loader_id);
                        }
                        "load" => {
                            self.loading = false;
                            self.loaded = Some(event.loader_id);
                        }
                        _ => {}
                    }
                }
            }
            "Inspector.targetCrashed" if of_page => self.crashed = true,
            "Target.targetCrashed" | "Target.detachedFromTarget" | "Target.targetDestroyed" => {
                let gone: events::TargetGone = incoming.params()?;
                let ours = gone.target_id.as_ref() == Some(&self.target)
                    || gone.session_id.as_ref() == Some(&self.session);
                if ours && method == "Target.targetCrashed" {
                    self.crashed = true;
                } else if ours {
                    self.gone = true;
                }
            }
            "Page.javascriptDialogOpening" => self.take_dialog(incoming).await?,
            "Fetch.requestPaused" => self.take_request(incoming).await?,
            "Target.targetCreated" => self.take_target(incoming).await?,
            "Target.attachedToTarget" => self.take_session(incoming).await?,
            other => self.take_into_log(other, incoming)?,
        }
        if self.crashed {
            return Err(Error::Crashed);
        }
        if self.gone {
            return Err(Error::Closed);
        }
        Ok(())
    }

    async fn take_dialog(&mut self, incoming: &Incoming) -> Result<(), Error> {
        let dialog: events::DialogOpening = incoming.params()?;
        let expected = dialog.kind == "beforeunload" || self.options.accept_dialogs;
        let text = format!("{}: {:?}", dialog.kind, dialog.message);
        if expected {
            self.log.note(format!("a dialog is accepted: {text}"));
        } else {
            self.log.problem(ProblemKind::Dialog, &text);
        }
        let session = incoming.head.session_id.clone();
        let accept = json!({ "accept": expected });
        self.connection
            .send(session.as_deref(), "Page.handleJavaScriptDialog", accept)
            .await?;
        Ok(())
    }

    async fn take_request(&mut self, incoming: &Incoming) -> Result<(), Error> {
        let paused: events::RequestPaused = incoming.params()?;
        let is_page =
            paused.resource_type == "Document" && paused.frame_id.as_ref() == Some(&self.frame);
        let url = paused.request.url.split('#').next().unwrap_or_default();
        let decision = self.policy.decide(&PageRequest {
            url,
            method: &paused.request.method,
            headers: &paused.request.headers,
            is_page,
            can_be_held: true,
        });
        let id = &paused.request_id;
        let (method, params) = match decision {
            Decision::Send => ("Fetch.continueRequest", json!({ "requestId": id })),
            Decision::SendWith(more) => {
                let is_ours = |name: &str| {
                    let mut ours = more.iter();
                    ours.any(|(other, _)| other.eq_ignore_ascii_case(name))
                };
                let kept = paused.request.headers.iter();
                let headers: Vec<Value> = kept
                    .filter(|(name, _)| !is_ours(name))
                    .chain(more.iter().map(|(name, value)| (name, value)))
                    .map(|(name, value)| json!({ "name": name, "value": value }))
                    .collect();
                let with = json!({ "requestId": id, "headers": headers });
                ("Fetch.continueRequest", with)
            }
            Decision::Refuse(why) => {
                self.log.refuse(paused.network_id.as_deref(), &why);
                let refused = json!({ "requestId": id, "errorReason": "BlockedByClient" });
                ("Fetch.failRequest", refused)
            }
        };
        let session = incoming.head.session_id.clone();
        self.connection
            .send(session.as_deref(), method, params)
            .await?;
        Ok(())
    }

    /// Another window of ours is closed; what it would have shown is not looked at.
    async fn take_target(&mut self, incoming: &Incoming) -> Result<(), Error> {
        let events::TargetCreated { target_info: info } = incoming.params()?;
        let ours = info.browser_context_id.as_ref() == Some(&self.context);
        if !ours || info.target_id == self.target {
            return Ok(());
        }
        match info.kind.as_str() {
            "page" => {
                let close = json!({ "targetId": info.target_id });
                self.connection
                    .send(None, "Target.closeTarget", close)
                    .await?;
            }
            "service_worker" => {
                let note = format!("a service worker is registered and bypassed: {}", info.url);
                self.log.note(note);
            }
            _ => {}
        }
        Ok(())
    }

    /// A frame or a worker in another process: it waits until it is watched.
    async fn take_session(&mut self, incoming: &Incoming) -> Result<(), Error> {
        let attached: events::AttachedToTarget = incoming.params()?;
        // Our own is told of before the answer that names it.
        let is_own = self.session.is_empty() && attached.target_info.target_id == self.target;
        if is_own || attached.session_id == self.session {
            return Ok(());
        }
        let session = Some(attached.session_id.as_str());
        self.sessions += 1;
        if self.sessions <= MAX_SESSIONS {
            let mut commands = vec![
                ("Runtime.enable", json!({})),
                ("Log.enable", json!({})),
                ("Network.enable", json!({})),
            ];
            if attached.target_info.kind == "iframe" {
                let all = json!({ "patterns": [{ "urlPattern": "*" }] });
                commands.push(("Page.enable", json!({})));
                commands.push(("Fetch.enable", all));
                commands.push(("Target.setAutoAttach", auto_attach()));
            }
            for (method, params) in commands {
                self.connection.send(session, method, params).await?;
            }
        } else {
            self.log.note(format!(
                "more than {MAX_SESSIONS} frames and workers: the rest is not watched"
            ));
        }
        self.connection
            .send(session, "Runtime.runIfWaitingForDebugger", json!({}))
            .await?;
        Ok(())
    }

    fn take_into_log(&mut self, method: &str, incoming: &Incoming) -> Result<(), Error> {
        let log = &mut self.log;
        match method {
            "Runtime.consoleAPICalled" => {
                let called: events::ConsoleCalled = incoming.params()?;
                let text = called.text();
                log.console(&format!("{}: {text}", called.kind));
                if matches!(called.kind.as_str(), "error" | "assert") {
                    log.problem(ProblemKind::Console, &text);
                }
            }
            "Runtime.exceptionThrown" => {
                let thrown: events::ExceptionThrown = incoming.params()?;
                let text = thrown.exception_details.text();
                log.console(&format!("exception: {text}"));
                log.problem(ProblemKind::Exception, &text);
            }
            "Log.entryAdded" => {
                let events::EntryAdded { entry } = incoming.params()?;
                log.console(&format!(
                    "{} ({}): {}",
                    entry.level, entry.source, entry.text
                ));
                if let Some(kind) = entry.problem() {
                    log.problem(kind, &entry.text);
                }
            }
            "Network.requestWillBeSent" => {
                let sent: events::RequestWillBeSent = incoming.params()?;
                // What is in the page itself is no request.
                if sent.request.url.starts_with("data:") || sent.request.url.starts_with("blob:") {
                    return Ok(());
                }
                if let Some(redirect) = &sent.redirect_response {
                    log.answered(&sent.request_id, redirect.status(), redirect.answered_by());
                }
                let events::RequestOf { method, url } = &sent.request;
                let asked = SentRequest {
                    method,
                    url,
                    counts: !matches!(sent.kind.as_str(), "EventSource" | "WebSocket" | "Ping"),
                    is_page: sent.kind == "Document" && sent.frame_id.as_ref() == Some(&self.frame),
                };
                log.asked(sent.request_id, &asked);
            }
            "Network.webSocketCreated" => self.take_web_socket(incoming)?,
            "Network.responseReceived" => {
                let received: events::ResponseReceived = incoming.params()?;
                let response = &received.response;
                log.answered(
                    &received.request_id,
                    response.status(),
                    response.answered_by(),
                );
            }
            "Network.loadingFinished" => {
                let ended: events::LoadingEnded = incoming.params()?;
                log.ended(&ended.request_id);
            }
            "Network.loadingFailed" => {
                let failed: events::LoadingEnded = incoming.params()?;
                let given_up = failed.canceled || failed.error_text == "net::ERR_ABORTED";
                log.broke(
                    &failed.request_id,
                    &failed.error_text,
                    failed.blocked_reason.as_deref(),
                    given_up,
                );
            }
            "Page.windowOpen" => {
                #[derive(Deserialize)]
                struct WindowOpen {
                    #[serde(default)]
                    url: String,
                }
                let opened: WindowOpen = incoming.params()?;
                log.problem(ProblemKind::PopUp, &opened.url);
            }
            "Browser.downloadWillBegin" => {
                let begun: events::DownloadWillBegin = incoming.params()?;
                let text = format!("{} from {}", begun.suggested_filename, begun.url);
                log.problem(ProblemKind::Download, &text);
            }
            _ => {}
        }
        Ok(())
    }

    /// A `WebSocket` can't be held back: what is refused is a problem.
    fn take_web_socket(&mut self, incoming: &Incoming) -> Result<(), Error> {
        let created: events::WebSocketCreated = incoming.params()?;
        // The schemes of both differ, and where they lead is the same.
        let url = created.url.replacen("ws", "http", 1);
        let decision = self.policy.decide(&PageRequest {
            url: &url,
            method: "GET",
            headers: &BTreeMap::new(),
            is_page: false,
            can_be_held: false,
        });
        if let Decision::Refuse(why) = decision {
            self.log.refuse(None, &why);
        }
        Ok(())
    }
}

pub(super) fn auto_attach() -> Value {
    json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true })
}
