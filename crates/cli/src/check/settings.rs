//! Values of the command line's options.

use std::time::Duration;

use gate::Stage;
use jiff::{Span, SpanRelativeTo};
use url::Url;

/// An address with scheme, host and port, and nothing behind them that would be dropped in silence.
pub(crate) fn base_url(text: &str) -> Result<Url, String> {
    const EXPECTED: &str = "expected an address such as http://localhost:8080";
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(EXPECTED.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "it holds a user name; send it as a header of the suite, from a secret".to_owned(),
        );
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "{:?} is not used: paths stand in the suite; leave it out",
            &text[text.len() - tail(&url)..]
        ));
    }
    Ok(url)
}

/// How many bytes of the URL stand behind its authority.
fn tail(url: &Url) -> usize {
    url[url::Position::BeforePath..].len()
}

pub(crate) fn stage(written: &str) -> Result<Stage, String> {
    let stages = Stage::ALL.into_iter();
    let found = stages.clone().find(|stage| stage.as_str() == written);
    found.ok_or_else(|| {
        let names: Vec<_> = stages.map(Stage::as_str).collect();
        format!("expected {}", names.join(" or "))
    })
}

pub(super) fn other(stage: Stage) -> Stage {
    match stage {
        Stage::PreTraffic => Stage::PostTraffic,
        Stage::PostTraffic => Stage::PreTraffic,
    }
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected a name and a value: NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A fact that a suite may use as `{{ target.NAME }}`.
pub(super) fn fact(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    let name = name.strip_prefix("target.").unwrap_or(&name).to_owned();
    if !gate::TARGET_KEYS.contains(&name.as_str()) {
        let known = gate::TARGET_KEYS.iter().copied();
        let meant = text::words::nearest(&name, known.clone());
        return Err(match meant {
            Some(meant) => format!("a suite knows no target.{name}; did you mean {meant}?"),
            None => format!(
                "a suite knows no target.{name}; it knows {}",
                text::words::list(known)
            ),
        });
    }
    Ok((name, value))
}

/// `30s`, `5m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a time such as 30s, 5m or 1h30m";
    let span: Span = text.parse().map_err(|_| EXPECTED)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let duration = duration
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok());
    let positive = duration.filter(|duration| !duration.is_zero());
    positive.ok_or_else(|| EXPECTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_scheme_host_and_port() {
        assert!(base_url("http://localhost:8080").is_ok());
        assert!(base_url("https://shop.example.com/").is_ok());
        for wrong in [
            "localhost:8080",
            "shop.example.com",
            "ftp://a",
            "http://ada:hunter22@a",
        ] {
            let error = base_url(wrong).unwrap_err();
            assert!(!error.contains("hunter22"), "{error}");
        }
        insta::assert_snapshot!(base_url("http://a/api?x=1").unwrap_err(), @r#""/api?x=1" is not used: paths stand in the suite; leave it out"#);
    }

    #[test]
    fn a_fact_is_one_that_suites_know() {
        assert_eq!(
            fact("version=2.0.1"),
            Ok(("version".to_owned(), "2.0.1".to_owned()))
        );
        assert_eq!(
            fact("target.version=a=b"),
            Ok(("version".to_owned(), "a=b".to_owned()))
        );
        insta::assert_snapshot!(fact("versoin=1").unwrap_err(), @"a suite knows no target.versoin; did you mean version?");
        assert!(fact("version").is_err());
    }

    #[test]
    fn a_time_is_longer_than_nothing() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert!(duration("0s").is_err());
        assert!(duration("-5m").is_err());
        assert!(duration("soon").is_err());
    }
}
