//! One page in a browser context of its own: opened, watched while it works, and gone with the connection.
//!
//! The context is made to end with the connection (`disposeOnDetach`), so that a check that is cut leaves nothing behind, also
//! in a browser that others use. Whatever comes meanwhile is taken in by [`Page::take`], the one place that knows events.

mod incoming;
mod script;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::incoming::auto_attach;
pub(crate) use self::script::{ISOLATED_WORLD, ISOLATED_WORLD_SCRIPT, ScriptResult};
use crate::connection::{Connection, Incoming};
use crate::log::Log;
use crate::{Endpoint, Error};

/// Documents of one navigation that are kept in mind: a page that leads on again and again has more.
const MAX_BEGUN_NAVIGATIONS: usize = 16;
/// How long a command may take that waits for nothing.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a browser may take to say that it is there.
const ALIVE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long nothing is under way until a page counts as settled.
const QUIET_TIME: Duration = Duration::from_millis(250);
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
    /// What it has so far, as the page and the browser make it.
    pub headers: &'a BTreeMap<String, String>,
    /// The page itself, and not something in it.
    pub is_page: bool,
    /// Not one of a `WebSocket`, which a browser lets nobody hold back or add to.
    pub can_be_held: bool,
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
    pub(crate) world: Option<i64>,
    /// The world that was asked in, and the number of its document.
    pub(crate) document: Option<(i64, i64)>,
    /// The navigations whose documents have begun since a page was asked for, the newest at the end.
    begun_navigations: Vec<String>,
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
            document: None,
            begun_navigations: Vec::new(),
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
        let target = json!({ "url": "about:blank", "browserContextId": self.context });
        let target: Target = self.of_browser("Target.createTarget", target).await?;
        self.target = target.target_id;
        let attach = json!({ "targetId": self.target, "flatten": true });
        let commands = vec![
            ("Browser.setDownloadBehavior", downloads),
            ("Target.setDiscoverTargets", json!({ "discover": true })),
            ("Target.attachToTarget", attach),
        ];
        let answers = self.ask_together(None, commands).await?;
        let attached: Attached = answers[2].result()?;
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
            "source": ISOLATED_WORLD_SCRIPT, "worldName": ISOLATED_WORLD, "runImmediately": true
        });
        let commands = vec![
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
        let session = self.session.clone();
        self.ask_together(Some(&session), commands).await?;
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
        let before = self.log.page_status.take();
        self.begun_navigations.clear();
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
            self.log.page_status = before;
            return Ok(Navigation::Loaded);
        };
        while !self.has_loaded(&loader) {
            if !self.take_next(until).await? {
                return Ok(Navigation::Unfinished);
            }
        }
        Ok(Navigation::Loaded)
    }

    /// Notes that the document of a navigation has begun. A page that leads on without an end is not followed without one.
    fn note_begun(&mut self, loader: String) {
        if self.begun_navigations.len() == MAX_BEGUN_NAVIGATIONS {
            self.begun_navigations.remove(1);
        }
        self.begun_navigations.push(loader);
    }

    /// Whether the navigation has come to its end: to its own document, or to one that a script of it has led to since.
    fn has_loaded(&self, loader: &String) -> bool {
        let led_on = || {
            self.begun_navigations.contains(loader)
                && self.begun_navigations.last() == self.loaded.as_ref()
        };
        self.loaded.as_ref() == Some(loader) || led_on()
    }

    /// Waits until the page is loaded and asks for nothing; false if it goes on asking.
    pub async fn settle(&mut self, until: Instant) -> Result<bool, Error> {
        self.settle_but_for(&[], until).await
    }

    /// The same, whatever becomes of these requests, such as `GET https://shop.example.com/poll`.
    pub async fn settle_but_for(
        &mut self,
        requests: &[String],
        until: Instant,
    ) -> Result<bool, Error> {
        let until = until.min(self.until);
        // How quiet it was before says nothing of what was done last: a script may react a moment later.
        self.log.listen_anew();
        loop {
            let now = Instant::now();
            let quiet = self.log.quiet_for(now, requests);
            if quiet >= QUIET_TIME && !self.loading {
                return Ok(true);
            }
            if now >= until {
                return Ok(false);
            }
            let wait = if self.loading || quiet.is_zero() {
                QUIET_TIME
            } else {
                QUIET_TIME.saturating_sub(quiet)
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

    /// Takes in what comes while something else is waited for. The browser holds each request of the page until it is
    /// allowed, so a page that nobody listens to stands still.
    pub async fn wait_for<T>(&mut self, other: impl Future<Output = T>) -> Result<T, Error> {
        let mut other = pin!(other);
        loop {
            let incoming = {
                let next = pin!(self.connection.next(self.until));
                match select(other.as_mut(), next).await {
                    Either::Left((value, _)) => return Ok(value),
                    Either::Right((incoming, _)) => incoming?,
                }
            };
            match incoming {
                Some(incoming) => self.take(&incoming).await?,
                None => return Ok(other.await),
            }
        }
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
        self.ask_page(None, method, params).await
    }

    /// The same of the document that `context` belongs to. Where another one comes meanwhile, the browser may never answer.
    pub(crate) async fn call_of_document<T: DeserializeOwned>(
        &mut self,
        context: i64,
        method: &str,
        params: Value,
    ) -> Result<T, Error> {
        self.ask_page(Some(context), method, params).await
    }

    async fn ask_page<T: DeserializeOwned>(
        &mut self,
        document: Option<i64>,
        method: &str,
        params: Value,
    ) -> Result<T, Error> {
        let until = self.call_until(CALL_TIMEOUT);
        let session = self.session.clone();
        let id = self.connection.send(Some(&session), method, params).await?;
        match self.answer_of(document, id, method, until).await {
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
        self.answer_of(None, id, method, until).await
    }

    /// The answer, as long as the document that was asked is shown, if it is one's.
    async fn answer_of<T: DeserializeOwned>(
        &mut self,
        document: Option<i64>,
        id: u64,
        method: &str,
        until: Instant,
    ) -> Result<T, Error> {
        loop {
            if document.is_some() && self.world != document {
                return Err(Error::DocumentGone {
                    method: method.to_owned(),
                });
            }
            let Some(incoming) = self.connection.next(until).await? else {
                return Err(Error::Silent {
                    method: method.to_owned(),
                });
            };
            if incoming.head.id != Some(id) {
                self.take(&incoming).await?;
                continue;
            }
            return incoming.answer(method);
        }
    }

    /// The answers to commands that are sent at once, in the order of the commands.
    async fn ask_together(
        &mut self,
        session: Option<&str>,
        commands: Vec<(&'static str, Value)>,
    ) -> Result<Vec<Incoming>, Error> {
        let mut sent = Vec::new();
        for (method, params) in commands {
            let id = self.connection.send(session, method, params).await?;
            sent.push((id, method));
        }
        // The browser's processes answer in any order.
        let until = self.call_until(CALL_TIMEOUT);
        let mut answers: Vec<Option<Incoming>> = sent.iter().map(|_| None).collect();
        while let Some(missing) = answers.iter().position(Option::is_none) {
            let Some(incoming) = self.connection.next(until).await? else {
                return Err(Error::Silent {
                    method: sent[missing].1.to_owned(),
                });
            };
            let ids = sent.iter().map(|(id, _)| Some(*id));
            match ids.into_iter().position(|id| incoming.head.id == id) {
                None => self.take(&incoming).await?,
                Some(index) => answers[index] = Some(incoming.answered(sent[index].1)?),
            }
        }
        Ok(answers.into_iter().flatten().collect())
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
}
