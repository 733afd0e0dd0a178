//! Where the settings say that browsers run.

use gate::browsers::Endpoint;

/// Where the browser of checks runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrowserPlace {
    /// Somebody runs one there.
    At(Endpoint),
    /// In `AgentCore`: its identifier there.
    AgentCore(BrowserId),
    /// As a task of ECS: its task definition.
    Task(String),
}

/// `aws.browser.v1`, or the id of a browser of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserId(pub(super) String);

impl BrowserId {
    /// As the console shows it.
    pub fn parse(written: &str) -> Result<Self, &'static str> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !written.is_empty() && written.len() <= 100 && written.chars().all(fits) {
            Ok(Self(written.to_owned()))
        } else {
            Err("expected the id of a browser, such as aws.browser.v1 or shop_browser-AbCdEf1234")
        }
    }
}
