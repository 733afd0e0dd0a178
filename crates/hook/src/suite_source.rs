//! Where a suite comes from: the function's own package (or a layer), or S3.
//!
//! There is no fallback from one place to another: a suite that isn't where the setting says is an
//! error, as a gate must never pass by having tested something else.

use std::fmt;

use common::aws::Aws;
use common::location::{FileKind, LoadError, Location};
use futures::{StreamExt as _, stream};
use gate::{MAX_FILE_BYTES, Reading, Suite, SuiteReader};

const FILE: FileKind = FileKind {
    noun: "suite",
    setting: "SUITE",
};

/// A file that a suite names.
const SIBLING_KIND: FileKind = FileKind {
    noun: "file",
    setting: "the path in the suite",
};

/// How many are read at once, as each may have [`MAX_FILE_BYTES`].
const CONCURRENT_READS: usize = 4;

const SIBLING_REMEDY: &str = "expected a name beside SUITE, or s3:// and a key in its bucket";

/// Whether a caller may name another suite so, as far as that is known without `SUITE`.
pub(crate) fn may_be_sibling(written: &str) -> Result<(), &'static str> {
    if written.starts_with("s3://") {
        return SuiteLocation::parse(written, ".").map(|_| ());
    }
    let is_plain = !written.contains(':') && written.split('/').all(|part| part != "..");
    is_plain.then_some(()).ok_or(SIBLING_REMEDY)
}

/// The `SUITE` setting: `file:PATH` or `s3://BUCKET/KEY`, with `{application}` and `{deployment_group}` to be
/// filled in per deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteLocation(Location);

impl SuiteLocation {
    /// Reads the setting; `package_root` is where relative files lie. A key that ends in `/` gets
    /// `{application}/{deployment_group}.yaml`.
    pub fn parse(text: &str, package_root: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected s3://BUCKET/KEY or file:PATH; in both, {application} and {deployment_group} are filled in";
        let key = text
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'));
        let folder = key.is_some_and(|(_, key)| key.is_empty() || key.ends_with('/'));
        let name = if folder {
            "{application}/{deployment_group}.yaml"
        } else {
            ""
        };
        match Location::parse(&format!("{text}{name}"), package_root) {
            Ok(location @ (Location::File(_) | Location::S3 { .. })) => Ok(Self(location)),
            _ => Err(EXPECTED),
        }
    }

    /// Another suite, as a caller names it: a name beside this one, or `s3://` in this one's bucket. A caller may choose
    /// among the team's suites, and nothing else.
    pub fn sibling(&self, written: &str) -> Result<Self, &'static str> {
        may_be_sibling(written)?;
        if written.starts_with("s3://") {
            let other = Self::parse(written, ".")?;
            return match (&self.0, &other.0) {
                (
                    Location::S3 { bucket, .. },
                    Location::S3 {
                        bucket: of_other, ..
                    },
                ) if bucket == of_other => Ok(other),
                _ => Err(SIBLING_REMEDY),
            };
        }
        self.0.beside(written).map(Self).ok_or(SIBLING_REMEDY)
    }

    /// The place for one deployment.
    #[must_use]
    pub fn filled(&self, application: &str, deployment_group: &str) -> Self {
        let fill = |text: &str| {
            text.replace("{application}", application)
                .replace("{deployment_group}", deployment_group)
        };
        Self(match &self.0 {
            Location::File(path) => Location::File(fill(&path.to_string_lossy()).into()),
            Location::S3 { bucket, key } => Location::S3 {
                bucket: bucket.clone(),
                key: fill(key),
            },
            parameter @ Location::Ssm(_) => parameter.clone(),
        })
    }

    /// Reads and checks the suite at this (filled) place.
    pub async fn load(&self, aws: &Aws) -> Result<Suite, LoadError> {
        let text = self.0.read(aws, FILE).await?;
        let source = self.to_string();
        let mut reader = SuiteReader::new(&source, &text).with_hurl(hurl_suite::journey);
        loop {
            match reader.read() {
                Reading::Done(read) => return Ok(*read?),
                Reading::Needs(paths) => {
                    let read = paths.into_iter().map(|path| async move {
                        let file = self.beside(aws, &path).await;
                        (file, path)
                    });
                    let mut read = stream::iter(read).buffered(CONCURRENT_READS);
                    while let Some((file, path)) = read.next().await {
                        reader.give(path, file);
                    }
                }
            }
        }
    }

    /// A file that lies beside the suite, or why it can't be read.
    async fn beside(&self, aws: &Aws, path: &str) -> Result<Vec<u8>, String> {
        let place = self
            .0
            .beside(path)
            .ok_or("nothing lies beside a parameter")?;
        let read = place.bytes_within(aws, SIBLING_KIND, MAX_FILE_BYTES).await;
        read.map_err(|unreadable| unreadable.detail)
    }
}

impl fmt::Display for SuiteLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_a_folder_gets_the_usual_name() {
        let place = SuiteLocation::parse("s3://b/suites/", "/var/task").unwrap();
        assert_eq!(
            place.filled("shop", "live").to_string(),
            "s3://b/suites/shop/live.yaml"
        );
        let place = SuiteLocation::parse("s3://b/{application}.yaml", "/var/task").unwrap();
        assert_eq!(place.filled("shop", "live").to_string(), "s3://b/shop.yaml");
    }

    #[test]
    fn a_file_is_relative_to_the_package_unless_absolute() {
        let place = |text| SuiteLocation::parse(text, "/var/task").unwrap().to_string();
        assert_eq!(place("file:suites/shop.yaml"), "/var/task/suites/shop.yaml");
        assert_eq!(place("file:/opt/shop.yaml"), "/opt/shop.yaml");
    }

    #[tokio::test]
    async fn what_a_suite_names_is_read_from_beside_it() {
        use test_support::scripted::{Scripted, bytes, ok, refused};
        let text = "version: 1\nname: shop\nchecks:\n  - name: a\n    http: { method: POST, url: /, body_file: files/order.json }\n";
        let load = async |answer| {
            let aws = Scripted::start([("GetObject", vec![ok(text), answer])]).await;
            let place = SuiteLocation::parse("s3://suites/shop/live.yaml", ".").unwrap();
            let suite = place.load(&aws.clients()).await;
            (suite, aws.bodies("GetObject"))
        };
        let (suite, asked) = load(bytes(b"{}")).await;
        let names: Vec<String> = suite
            .unwrap()
            .files
            .into_iter()
            .map(|file| file.name)
            .collect();
        assert_eq!(
            names,
            [
                "s3://suites/shop/live.yaml",
                "s3://suites/shop/files/order.json"
            ]
        );
        assert!(asked[1].contains("/shop/files/order.json"), "{}", asked[1]);
        let why = async |answer| load(answer).await.0.unwrap_err().to_string();
        let gone = why(refused("NoSuchKey")).await;
        let problem = "body_file: files/order.json could not be read: NoSuchKey";
        assert!(gone.contains(problem), "{gone}");
        assert!(gone.contains("upload the file to this key, or change the path in the suite"));
        let denied = why(refused("AccessDenied")).await;
        assert!(denied.contains("needs s3:GetObject on it"), "{denied}");
        // It is read no further than a file may be long.
        let large = why(bytes(vec![b'x'; MAX_FILE_BYTES + 1])).await;
        let problem = "body_file: files/order.json could not be read: it is larger than 8 MiB";
        assert!(large.contains(problem), "{large}");
    }

    #[tokio::test]
    async fn what_a_suite_includes_is_read_from_beside_it_and_within_the_package() {
        use test_support::scripted::{Scripted, ok};
        let suite = "version: 1\nname: shop\ninclude: [shared/a.yaml]\n";
        let aws = Scripted::start([(
            "GetObject",
            vec![
                ok(suite),
                ok("include: [more/b.yaml]\n"),
                ok("checks:\n  - name: a\n    http: GETT /\n"),
            ],
        )])
        .await;
        let place = SuiteLocation::parse("s3://suites/shop/live.yaml", ".").unwrap();
        let wrong = place.load(&aws.clients()).await.unwrap_err();
        insta::assert_snapshot!(wrong, @r#"s3://suites/shop/shared/more/b.yaml:3:11: unknown method "GETT"; did you mean GET?"#);
        let asked = aws.bodies("GetObject");
        assert!(asked[1].contains("/shop/shared/a.yaml"), "{asked:?}");
        assert!(asked[2].contains("/shop/shared/more/b.yaml"), "{asked:?}");
        // In the function's package.
        let package = tempfile::tempdir().unwrap();
        std::fs::create_dir(package.path().join("shared")).unwrap();
        std::fs::write(package.path().join("shop.yaml"), suite).unwrap();
        let place = SuiteLocation::parse("file:shop.yaml", package.path().to_str().unwrap());
        let aws = Scripted::start([]).await;
        let missing = place
            .clone()
            .unwrap()
            .load(&aws.clients())
            .await
            .unwrap_err();
        let shown = missing
            .to_string()
            .replace(package.path().to_str().unwrap(), "PACKAGE");
        let named = "PACKAGE/shop.yaml:3:11: include: shared/a.yaml could not be read: No such file or directory";
        assert!(shown.starts_with(named), "{shown}");
        let shared = "checks:\n  - name: a\n    http: GET /\n";
        std::fs::write(package.path().join("shared/a.yaml"), shared).unwrap();
        assert!(place.unwrap().load(&aws.clients()).await.is_ok());
    }

    #[tokio::test]
    async fn a_hurl_file_beside_it_is_a_journey() {
        use test_support::scripted::{Scripted, bytes, ok};
        let text = "version: 1\nname: shop\nchecks:\n  - name: a\n    hurl: visits/a.hurl\n";
        let file = bytes(b"GET {{host}}/cart\nHTTP 200\n");
        let aws = Scripted::start([("GetObject", vec![ok(text), file])]).await;
        let place = SuiteLocation::parse("s3://suites/shop/live.yaml", ".").unwrap();
        let suite = place.load(&aws.clients()).await.unwrap();
        let [check] = &suite.plan_at(gate::Stage::PreTraffic).checks[..] else {
            panic!("one check")
        };
        assert_eq!(
            (check.probe, &*check.asks[0]),
            ("journey", "line 1: GET {host}/cart: GET /cart")
        );
        assert!(aws.bodies("GetObject")[1].contains("/shop/visits/a.hurl"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "suite.yaml",
            "s3://",
            "s3://b",
            "s3:///k",
            "https://b/k",
            "file:",
        ] {
            assert!(
                SuiteLocation::parse(text, ".").is_err(),
                "{text:?} was accepted"
            );
        }
    }
}
