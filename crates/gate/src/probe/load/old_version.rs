//! Where the old version answers, and when nothing that answers is known to be it.

use url::Url;

use crate::probe::ProbeContext;
use crate::probe::request_url::Origin;
use crate::template::Reference;

/// Where the old version answers as long as the new one has no traffic, or why it can't be asked.
pub(in crate::probe) fn origin(context: &ProbeContext) -> Result<Origin, String> {
    if !context.clients.only_release {
        let why = "after traffic has moved, the old version answers nowhere; write `on: pre-traffic`, or leave out \
                   compare_to";
        return Err(why.to_owned());
    }
    let fact = |key: &str| context.values.text(&Reference::Target(key.to_owned()));
    if let Ok(percent) = fact("traffic_percent")
        && percent != "0"
    {
        return Err(format!(
            "the new version has {percent} % of the production traffic, so both versions answer there"
        ));
    }
    let url = fact("production_url").map_err(|missing| missing.to_string())?;
    let origin = Url::parse(&url).ok().as_ref().and_then(Origin::of);
    let Some(origin) = origin else {
        return Err(format!(
            "target.production_url is {url:?}, which is no address"
        ));
    };
    // The same address may lead to the old version by another rule of the listener; nothing here says by which.
    if context.clients.release.is_at(&origin) {
        return Err(format!(
            "the production address {origin} is that of the release under test"
        ));
    }
    Ok(origin)
}
