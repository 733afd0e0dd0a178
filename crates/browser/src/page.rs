//! One page in a browser context of its own: opened, watched while it works, and gone with the connection.
//!
//! The context is made to end with the connection (`disposeOnDetach`), so that a check that is cut leaves nothing behind, also
//! in a browser that others use. Whatever comes meanwhile is taken in by [`Page::take`], the one place that knows events.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::connection::{Connection, Incoming};
use crate::log::{Asked, Log, ProblemKind};
use crate::{Endpoint, Error, events};

/// The world that our scripts run in.
const WORLD: &str = "deploy-hooks";
const WORLD_SCRIPT: &str = include_str!("scripts/world.js");
/// How long a command may take that waits for nothing.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a browser may take to say that it is there.
const ALIVE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long nothing is under way until a page counts as settled.
const QUIET: Duration = Duration::from_millis(250);
/// Frames and workers of other processes that are watched.
const MAX_SESSIONS: usize = 50;

/// How large the screen is, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// As phones have it: touch, and the page's own word on its width.
    pub mobile: bool,
}

/// How a page is opened.
#[derive(Clone, Debug)]
pub struct PageOptions {
    /// The screen.
    pub viewport: Viewport,
    /// Added to what the browser says that it is.
    pub user_agent: String,
    /// Whether dialogs are accepted; else they are dismissed, and a problem.
    pub accept_dialogs: bool,
}

/// What a page asks for, before it goes out.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// Without its fragment.
    pub url: &'a str,
    /// `GET`
    pub method: &'a str,
    /// The page itself, and not something in it.
    pub is_page: bool,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes out as it is.
    Send,
    /// It goes out with these headers as well.
    SendWith(Vec<(String, String)>),
    /// It does not, for this reason.
    Refuse(String),
}

/// Decides on each request.
pub trait RequestPolicy: Send {
    /// What becomes of `request`.
    fn decide(&mut self, request: &PageRequest<'_>) -> Decision;
}

/// A page that is open.
pub struct Page {
    connection: Connection,
    policy: Box<dyn RequestPolicy>,
    options: PageOptions,
    session: String,
    target: String,
    context: String,
    frame: String,
    /// `Chrome/156.0.8078.114`
    product: String,
    /// Of the document that is shown.
    world: Option<i64>,
    /// The navigation that has come to its end.
    loaded: Option<String>,
    /// A document has come and is not complete.
    loading: bool,
    sessions: usize,
    crashed: bool,
    gone: bool,
    log: Log,
    until: Instant,
}

/// How a navigation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Navigation {
    /// A page came, and is loaded.
    Loaded,
    /// None came: the browser's word for it.
    Failed(String),
    /// One came, and was not complete in time.
    Unfinished,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// Opens a page. Nothing of it takes longer than `until`.
    pub async fn open(
        endpoint: &Endpoint,
        options: PageOptions,
        policy: Box<dyn RequestPolicy>,
        until: Instant,
    ) -> Result<Self, Error> {
        let connection = Connection::open(endpoint, until).await?;
        let mut page = Self {
            connection,
            policy,
            options,
            session: String::new(),
            target: String::new(),
            context: String::new(),
            frame: String::new(),
            product: String::new(),
            world: None,
            loaded: None,
            loading: false,
            sessions: 0,
            crashed: false,
            gone: false,
            log: Log::default(),
            until,
        };
        page.attach().await?;
        page.set_up().await?;
        Ok(page)
    }

    async fn attach(&mut self) -> Result<(), Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            product: String,
            user_agent: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Created {
            browser_context_id: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Target {
            target_id: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Attached {
            session_id: String,
        }
        let version: Version = self.of_browser("Browser.getVersion", json!({})).await?;
        self.product = version.product;
        let suffix = &self.options.user_agent;
        let agent = version.user_agent.replace("HeadlessChrome", "Chrome");
        self.options.user_agent = format!("{agent} {suffix}");
        let context: Created = self
            .of_browser(
                "Target.createBrowserContext",
                json!({ "disposeOnDetach": true }),
            )
            .await?;
        self.context = context.browser_context_id;
        let downloads = json!({
            "behavior": "deny", "browserContextId": self.context, "eventsEnabled": true
        });
        let _: Value = self
            .of_browser("Browser.setDownloadBehavior", downloads)
            .await?;
        let target = json!({ "url": "about:blank", "browserContextId": self.context });
        let target: Target = self.of_browser("Target.createTarget", target).await?;
        self.target = target.target_id;
        let _: Value = self
            .of_browser("Target.setDiscoverTargets", json!({ "discover": true }))
            .await?;
        let attach = json!({ "targetId": self.target, "flatten": true });
        let attached: Attached = self.of_browser("Target.attachToTarget", attach).await?;
        self.session = attached.session_id;
        // The main frame of a page has its number.
        self.frame.clone_from(&self.target);
        Ok(())
    }

    async fn set_up(&mut self) -> Result<(), Error> {
        let Viewport {
            width,
            height,
            mobile,
        } = self.options.viewport;
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile,
            "screenWidth": width, "screenHeight": height
        });
        let script = json!({
            "source": WORLD_SCRIPT, "worldName": WORLD, "runImmediately": true
        });
        let commands = [
            ("Page.enable", json!({})),
            ("Page.setLifecycleEventsEnabled", json!({ "enabled": true })),
            ("Runtime.enable", json!({})),
            ("Log.enable", json!({})),
            ("Network.enable", json!({})),
            ("Network.setBypassServiceWorker", json!({ "bypass": true })),
            (
                "Network.setUserAgentOverride",
                json!({ "userAgent": self.options.user_agent }),
            ),
            (
                "Fetch.enable",
                json!({ "patterns": [{ "urlPattern": "*" }] }),
            ),
            ("Emulation.setDeviceMetricsOverride", metrics),
            (
                "Emulation.setTouchEmulationEnabled",
                json!({ "enabled": mobile }),
            ),
            (
                "Emulation.setFocusEmulationEnabled",
                json!({ "enabled": true }),
            ),
            ("Target.setAutoAttach", auto_attach()),
            ("Page.addScriptToEvaluateOnNewDocument", script),
        ];
        let mut sent = Vec::new();
        let session = self.session.clone();
        for (method, params) in commands {
            let id = self.connection.send(Some(&session), method, params).await?;
            sent.push((id, method));
        }
        // The browser's processes answer in any order.
        let until = self.call_until(CALL_TIMEOUT);
        while let Some((_, method)) = sent.first() {
            let Some(incoming) = self.connection.next(until).await? else {
                return Err(Error::Silent {
                    method: (*method).to_owned(),
                });
            };
            let answered = sent
                .iter()
                .position(|(id, _)| incoming.head.id == Some(*id));
            match (answered, &incoming.head.error) {
                (None, _) => self.take(&incoming).await?,
                (Some(index), None) => {
                    sent.remove(index);
                }
                (Some(index), Some(refusal)) => {
                    return Err(Error::Refused {
                        method: sent[index].1.to_owned(),
                        message: refusal.message.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// `Chrome/156.0.8078.114`
    pub fn product(&self) -> &str {
        &self.product
    }

    /// The screen.
    pub fn viewport(&self) -> Viewport {
        self.options.viewport
    }

    /// What the page did that people don't see.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Goes to `url`, and waits until the page is loaded.
    pub async fn go(&mut self, url: &str, until: Instant) -> Result<Navigation, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Navigated {
            loader_id: Option<String>,
            error_text: Option<String>,
        }
        let until = until.min(self.until);
        let session = self.session.clone();
        let navigate = json!({ "url": url });
        let id = self
            .connection
            .send(Some(&session), "Page.navigate", navigate)
            .await?;
        let navigated: Navigated = match self.answer(id, "Page.navigate", until).await {
            Ok(navigated) => navigated,
            // Whoever asks for a page and gets no answer has measured the site, and not the browser.
            Err(Error::Silent { .. }) => return Ok(Navigation::Unfinished),
            Err(other) => return Err(other),
        };
        if let Some(why) = navigated.error_text {
            return Ok(Navigation::Failed(why));
        }
        let Some(loader) = navigated.loader_id else {
            // Within the document that is there.
            return Ok(Navigation::Loaded);
        };
        while self.loaded.as_ref() != Some(&loader) {
            if !self.take_next(until).await? {
                return Ok(Navigation::Unfinished);
            }
        }
        Ok(Navigation::Loaded)
    }

    /// Waits until the page is loaded and asks for nothing; false if it goes on asking.
    pub async fn settle(&mut self, until: Instant) -> Result<bool, Error> {
        let until = until.min(self.until);
        loop {
            let now = Instant::now();
            let quiet = self.log.quiet_for(now);
            if quiet >= QUIET && !self.loading {
                return Ok(true);
            }
            if now >= until {
                return Ok(false);
            }
            let wait = if self.loading || quiet.is_zero() {
                QUIET
            } else {
                QUIET.saturating_sub(quiet)
            };
            self.take_next((now + wait).min(until)).await?;
        }
    }

    /// Takes in what comes for so long.
    pub async fn wait(&mut self, duration: Duration) -> Result<(), Error> {
        let until = (Instant::now() + duration).min(self.until);
        while self.take_next(until).await? {}
        Ok(())
    }

    /// How many contexts of pages the browser has, this one's among them.
    pub async fn contexts(&mut self) -> Result<usize, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Contexts {
            browser_context_ids: Vec<String>,
        }
        let contexts: Contexts = self
            .of_browser("Target.getBrowserContexts", json!({}))
            .await?;
        Ok(contexts.browser_context_ids.len())
    }

    /// Closes the page and its context, and leaves.
    pub async fn close(mut self) {
        self.until = Instant::now() + ALIVE_TIMEOUT;
        let context = json!({ "browserContextId": self.context });
        let closed: Result<Value, Error> = self
            .of_browser("Target.disposeBrowserContext", context)
            .await;
        drop(closed);
        self.connection.close().await;
    }

    fn call_until(&self, timeout: Duration) -> Instant {
        self.until.min(Instant::now() + timeout)
    }

    /// Asks the browser itself.
    async fn of_browser<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: Value,
    ) -> Result<T, Error> {
        let until = self.call_until(CALL_TIMEOUT);
        let id = self.connection.send(None, method, params).await?;
        self.answer(id, method, until).await
    }

    /// Asks the page.
    pub(crate) async fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: Value,
    ) -> Result<T, Error> {
        let until = self.call_until(CALL_TIMEOUT);
        let session = self.session.clone();
        let id = self.connection.send(Some(&session), method, params).await?;
        match self.answer(id, method, until).await {
            Err(Error::Silent { method }) if until < self.until => self.whose_silence(method).await,
            other => other,
        }
    }

    /// Sends a command of the page whose answer is not waited for.
    pub(crate) async fn tell(&mut self, method: &str, params: Value) -> Result<(), Error> {
        let session = self.session.clone();
        let sent = self.connection.send(Some(&session), method, params).await;
        sent.map(drop)
    }

    /// A browser that still answers has a page that does not.
    async fn whose_silence<T>(&mut self, method: String) -> Result<T, Error> {
        let until = self.call_until(ALIVE_TIMEOUT);
        let id = self
            .connection
            .send(None, "Browser.getVersion", json!({}))
            .await?;
        let alive: Result<Value, Error> = self.answer(id, "Browser.getVersion", until).await;
        Err(match alive {
            Ok(_) => Error::Frozen,
            Err(_) => Error::Silent { method },
        })
    }

    async fn answer<T: DeserializeOwned>(
        &mut self,
        id: u64,
        method: &str,
        until: Instant,
    ) -> Result<T, Error> {
        loop {
            let Some(incoming) = self.connection.next(until).await? else {
                return Err(Error::Silent {
                    method: method.to_owned(),
                });
            };
            if incoming.head.id != Some(id) {
                self.take(&incoming).await?;
                continue;
            }
            return match incoming.head.error {
                Some(refusal) => Err(Error::Refused {
                    method: method.to_owned(),
                    message: refusal.message,
                }),
                None => incoming.result(),
            };
        }
    }

    /// Runs `script` in our world of the document that is shown. Where that goes away meanwhile, in the next one's.
    pub(crate) async fn run<T: DeserializeOwned>(&mut self, script: &str) -> Result<T, Error> {
        loop {
            let context = self.world().await?;
            let evaluate = json!({
                "expression": script, "contextId": context, "awaitPromise": true, "returnByValue": true,
                "userGesture": true
            });
            match self.call::<Evaluated>("Runtime.evaluate", evaluate).await {
                Ok(evaluated) => return evaluated.value(),
                Err(error) if error.is_of_a_document_gone() => self.forget(context),
                Err(other) => return Err(other),
            }
        }
    }

    pub(crate) fn forget(&mut self, context: i64) {
        if self.world == Some(context) {
            self.world = None;
        }
    }

    /// Our world in the document that is shown, once there is one.
    pub(crate) async fn world(&mut self) -> Result<i64, Error> {
        let until = self.call_until(CALL_TIMEOUT);
        loop {
            if let Some(world) = self.world {
                return Ok(world);
            }
            if !self.take_next(until).await? {
                return Err(Error::Silent {
                    method: "Runtime.evaluate".to_owned(),
                });
            }
        }
    }

    /// Takes in one message; false if none comes in time.
    pub(crate) async fn take_next(&mut self, until: Instant) -> Result<bool, Error> {
        let until = until.min(self.until);
        match self.connection.next(until).await? {
            None => Ok(false),
            Some(incoming) => {
                self.take(&incoming).await?;
                Ok(true)
            }
        }
    }

    /// Takes in an event. Answers to commands that nobody waits for are passed over.
    async fn take(&mut self, incoming: &Incoming) -> Result<(), Error> {
        let Some(method) = incoming.head.method.as_deref() else {
            return Ok(());
        };
        let of_page = incoming.head.session_id.as_deref() == Some(self.session.as_str());
        match method {
            "Runtime.executionContextCreated" if of_page => {
                let events::ContextCreated { context } = incoming.params()?;
                if context.name == WORLD && context.aux_data.frame_id == self.frame {
                    self.world = Some(context.id);
                }
            }
            "Runtime.executionContextDestroyed" if of_page => {
                let gone: events::ContextDestroyed = incoming.params()?;
                self.forget(gone.execution_context_id);
            }
            "Runtime.executionContextsCleared" if of_page => self.world = None,
            "Page.lifecycleEvent" if of_page => {
                let event: events::Lifecycle = incoming.params()?;
                if event.frame_id == self.frame {
                    match event.name.as_str() {
                        "init" => self.loading = true,
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
            is_page,
        });
        let id = &paused.request_id;
        let (method, params) = match decision {
            Decision::Send => ("Fetch.continueRequest", json!({ "requestId": id })),
            Decision::SendWith(more) => {
                let mut headers = paused.request.headers;
                headers.extend(more);
                let headers: Vec<Value> = headers
                    .iter()
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
        if attached.session_id == self.session {
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
                let asked = Asked {
                    method,
                    url,
                    counts: !matches!(sent.kind.as_str(), "EventSource" | "WebSocket" | "Ping"),
                    is_page: sent.kind == "Document" && sent.frame_id.as_ref() == Some(&self.frame),
                };
                log.asked(sent.request_id, &asked);
            }
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
}

fn auto_attach() -> Value {
    json!({ "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true })
}

/// What came of a script.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evaluated {
    result: events::RemoteObject,
    exception_details: Option<events::ExceptionDetails>,
}

impl Evaluated {
    pub(crate) fn value<T: DeserializeOwned>(self) -> Result<T, Error> {
        if let Some(thrown) = self.exception_details {
            return Err(Error::Script(thrown.text()));
        }
        let value = self.result.value.unwrap_or(Value::Null);
        serde_json::from_value(value).map_err(|error| Error::nonsense(&error))
    }
}
