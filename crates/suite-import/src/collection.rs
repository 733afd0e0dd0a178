//! What collections of requests have in common: what a folder gives to what stands in it.

use strict_yaml::Node;

use crate::request::Request;
use crate::texts::Texts;
use crate::tree::{entries, get, items, word, written};

/// What a request has from the folders that it is in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inherited<'n> {
    /// Names of the folders, outermost first.
    pub(crate) folders: Vec<String>,
    pub(crate) auth: Option<&'n Node>,
}

impl<'n> Inherited<'n> {
    /// The same one folder deeper.
    pub(crate) fn within(&self, name: &str, auth: Option<&'n Node>) -> Self {
        let mut folders = self.folders.clone();
        folders.push(name.to_owned());
        Self {
            folders,
            auth: auth.or(self.auth),
        }
    }

    /// What a check of this name is called.
    pub(crate) fn named(&self, name: &str) -> String {
        let mut names = self.folders.clone();
        names.push(name.to_owned());
        names.join(": ")
    }
}

/// Adds what `auth` says to the request; an error says why it can't be carried over.
pub(crate) fn authorize(
    auth: &Node,
    request: &mut Request,
    texts: &mut Texts,
) -> Result<(), String> {
    let kind = word(auth, "type")
        .or_else(|| written(auth))
        .unwrap_or("none");
    let settings = get(auth, kind).unwrap_or(auth);
    let setting = |names: &[&str]| names.iter().find_map(|name| value(settings, name));
    match kind {
        "none" | "noauth" | "inherit" => Ok(()),
        "basic" => {
            let user = setting(&["username"]).unwrap_or_default();
            let password = setting(&["password"]).unwrap_or_default();
            request.user(user, password, texts)
        }
        "bearer" => {
            let token = setting(&["token"]).ok_or("its authentication has no token")?;
            let token = texts.secret_text("token", token)?;
            request
                .headers
                .push(("authorization".to_owned(), format!("Bearer {token}")));
            Ok(())
        }
        "apikey" => {
            let key = setting(&["key"]).unwrap_or("X-API-Key");
            let secret = texts.secret_text(key, setting(&["value"]).unwrap_or_default())?;
            let key = texts.text(key)?;
            if matches!(setting(&["in", "placement"]), Some("query" | "queryparams")) {
                request.place.query.push((key, secret));
            } else {
                request.headers.push((key.to_ascii_lowercase(), secret));
            }
            Ok(())
        }
        other => Err(format!(
            "the authentication {}",
            text::clean::short(other, 40)
        )),
    }
}

/// A setting: of a list of `{key, value}`, or of a mapping.
fn value<'n>(settings: &'n Node, name: &str) -> Option<&'n str> {
    let of_list = items(Some(settings))
        .iter()
        .find(|item| word(item, "key") == Some(name));
    let of_list = of_list.and_then(|item| word(item, "value"));
    of_list.or_else(|| {
        let mut of_map = entries(Some(settings)).iter();
        let found = of_map.find(|(key, _)| key.text == name)?;
        written(&found.1)
    })
}
