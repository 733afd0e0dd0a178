//! The packages that were built, as CloudFormation takes them: zipped in a bucket, with a template that says where.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use common::arn::Place;
use common::aws::Aws;
use common::failure::{Cause, Failure as AwsFailure, Hints};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::failure::{self, Failure};

/// What a function's package holds; SAM builds no more.
const PROGRAM_FILE: &str = "bootstrap";
/// What a release's template names are archives already.
const ARCHIVE_EXTENSION: &str = ".zip";
/// Lambda takes 50 MB zipped, and ours are below 7.
const MAX_PROGRAM_BYTES: usize = 512 * 1024 * 1024;

/// A template with the packages that it names.
#[derive(Debug)]
pub(super) struct BuiltTemplate {
    /// The text, before it says where the packages lie.
    pub(super) template: String,
    /// Of each function, by what the template calls it: the program of a build, or the archive of a release.
    packages: BTreeMap<String, PathBuf>,
}

impl BuiltTemplate {
    /// Reads the folder that a build left, or one of a release.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("template.yaml");
        if !path.exists() {
            return Err(Failure::Wrong(format!(
                "{} has no template.yaml; build the packages first: `make build ARCH=arm64`, in the checkout; or name the folder \
                 lambda/arm64 of a release with --built",
                folder.display()
            )));
        }
        let template = failure::read(&path)?;
        let mut packages = BTreeMap::new();
        for name in code_uris(&template) {
            let package = if name.ends_with(ARCHIVE_EXTENSION) {
                folder.join(name)
            } else {
                folder.join(name).join(PROGRAM_FILE)
            };
            if !package.is_file() {
                return Err(Failure::Wrong(format!(
                    "{} has no package {name}, which its template names; build again",
                    folder.display()
                )));
            }
            packages.insert(name.to_owned(), package);
        }
        if packages.is_empty() {
            return Err(Failure::Wrong(format!(
                "{} names no package",
                path.display()
            )));
        }
        Ok(Self { template, packages })
    }

    /// The names of the template's parameters.
    pub(super) fn parameters(&self) -> Vec<&str> {
        let lines = self
            .template
            .lines()
            .skip_while(|line| *line != "Parameters:")
            .skip(1);
        let block = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
        block.filter_map(key_of_second_level).collect()
    }

    /// Stores the packages in a bucket of this account; returns the template that names them there.
    pub(super) async fn upload(
        &self,
        aws: &Aws,
        bucket: &str,
        account: &str,
    ) -> Result<String, Failure> {
        let mut places = BTreeMap::new();
        for (name, file) in &self.packages {
            let bytes = failure::read_bytes(file, MAX_PROGRAM_BYTES)?;
            let package = if name.ends_with(ARCHIVE_EXTENSION) {
                bytes
            } else {
                zipped(&bytes).map_err(|error| {
                    Failure::Failed(format!("{name} could not be zipped: {error}"))
                })?
            };
            // By its content: the same package is stored once, and CloudFormation sees whether it differs.
            let key = format!("packages/{}.zip", digest(&package));
            put(aws, bucket, &key, package, Some(account)).await?;
            places.insert(name.as_str(), format!("s3://{bucket}/{key}"));
        }
        Ok(with_places(&self.template, &places))
    }
}

/// What the functions' `CodeUri` says.
fn code_uris(template: &str) -> impl Iterator<Item = &str> {
    template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri: "))
}

fn key_of_second_level(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("  ")?;
    let name = rest.strip_suffix(':')?;
    (!name.starts_with([' ', '#'])).then_some(name)
}

fn with_places(template: &str, places: &BTreeMap<&str, String>) -> String {
    let lines = template.lines().map(|line| {
        let place = line
            .trim()
            .strip_prefix("CodeUri: ")
            .and_then(|name| places.get(name));
        match place {
            Some(place) => {
                let indent = &line[..line.len() - line.trim_start().len()];
                format!("{indent}CodeUri: {place}\n")
            }
            None => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// The same bytes for the same program, whenever it was built.
fn zipped(program: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o755);
    zip.start_file(PROGRAM_FILE, options)?;
    zip.write_all(program)?;
    Ok(zip.finish()?.into_inner())
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Stores an object; with an owner, in a bucket of that account only.
pub(super) async fn put(
    aws: &Aws,
    bucket: &str,
    key: &str,
    bytes: Vec<u8>,
    owner: Option<&str>,
) -> Result<(), Failure> {
    let call = aws
        .s3()
        .put_object()
        .bucket(bucket)
        .key(key)
        .set_expected_bucket_owner(owner.map(ToOwned::to_owned))
        .body(bytes.into());
    call.send().await.map(drop).map_err(|error| {
        let hints = Hints {
            permission: "s3:PutObject on it",
            absent: "there is no such bucket; name another one with --bucket",
        };
        let why = AwsFailure::of(&error).sentence(aws.identity(), hints);
        Failure::Failed(format!("s3://{bucket}/{key} could not be stored: {why}"))
    })
}

/// Whether there is an object.
pub(super) async fn is_there(aws: &Aws, bucket: &str, key: &str) -> Result<bool, Failure> {
    let call = aws.s3().head_object().bucket(bucket).key(key).send().await;
    match call {
        Ok(_) => Ok(true),
        Err(error) => {
            let failure = AwsFailure::of(&error);
            if failure.cause == Cause::Absent || status(&error) == Some(404) {
                return Ok(false);
            }
            let hints = Hints {
                permission: "s3:GetObject and s3:ListBucket",
                absent: "",
            };
            let why = failure.sentence(aws.identity(), hints);
            Err(Failure::Failed(format!(
                "s3://{bucket}/{key} could not be looked for: {why}"
            )))
        }
    }
}

/// What a HEAD was answered with, which has no body that would say a code.
fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|it| it.status().as_u16())
}

/// Makes the bucket, if it isn't there: private, as new buckets are. Anybody can take a name that is easily guessed, so one that
/// belongs to another account is refused: CloudFormation would deploy what that account puts there.
pub(super) async fn make_bucket(aws: &Aws, bucket: &str, place: &Place) -> Result<(), Failure> {
    let head = aws.s3().head_bucket().bucket(bucket);
    match head.expected_bucket_owner(&place.account).send().await {
        Ok(_) => return Ok(()),
        Err(error) if status(&error) == Some(403) => {
            return Err(Failure::Failed(format!(
                "the bucket {bucket} can't be used: it belongs to another account than {}, or your AWS identity may not \
                 s3:ListBucket on it; name one of yours with --bucket",
                place.account
            )));
        }
        Err(_) => {}
    }
    let region = place.region.as_str();
    let mut call = aws.s3().create_bucket().bucket(bucket);
    // The oldest region takes no name of itself.
    if region != "us-east-1" {
        let place = BucketLocationConstraint::from(region);
        call = call.create_bucket_configuration(
            CreateBucketConfiguration::builder()
                .location_constraint(place)
                .build(),
        );
    }
    call.send().await.map(drop).map_err(|error| {
        let hints = Hints {
            permission: "s3:CreateBucket",
            absent: "",
        };
        let why = AwsFailure::of(&error).sentence(aws.identity(), hints);
        Failure::Failed(format!(
            "the bucket {bucket} could not be made: {why}; name one of yours with --bucket"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "\
Parameters:
  SuiteLocation:
    Type: String
  # A comment.
  MemorySize:
    Type: Number

Resources:
  PreTraffic:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: PreTraffic
      Handler: bootstrap
";

    fn built() -> BuiltTemplate {
        BuiltTemplate {
            template: TEMPLATE.to_owned(),
            packages: BTreeMap::new(),
        }
    }

    #[test]
    fn parameters_are_those_of_the_template() {
        assert_eq!(built().parameters(), ["SuiteLocation", "MemorySize"]);
        let own = include_str!("../../../../template.yaml");
        let own = BuiltTemplate {
            template: own.to_owned(),
            packages: BTreeMap::new(),
        };
        let parameters = own.parameters();
        assert!(
            parameters.contains(&"SuiteLocation") && parameters.contains(&"PermissionsBoundaryArn")
        );
        assert!(
            parameters
                .iter()
                .all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())),
            "{parameters:?}"
        );
    }

    #[test]
    fn a_template_says_where_the_packages_lie() {
        let places = BTreeMap::from([("PreTraffic", "s3://b/packages/1.zip".to_owned())]);
        let text = with_places(TEMPLATE, &places);
        assert!(
            text.contains("      CodeUri: s3://b/packages/1.zip\n      Handler"),
            "{text}"
        );
        assert_eq!(text.lines().count(), TEMPLATE.lines().count());
    }

    #[test]
    fn the_same_program_is_the_same_package_and_can_be_run() {
        let (one, two) = (zipped(b"program").unwrap(), zipped(b"program").unwrap());
        assert_eq!(one, two);
        let mut archive = zip::ZipArchive::new(Cursor::new(one)).unwrap();
        let file = archive.by_name(PROGRAM_FILE).unwrap();
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        assert_ne!(digest(b"a"), digest(b"b"));
    }

    #[test]
    fn a_folder_of_a_build_and_one_of_a_release_are_read_and_what_lacks_a_package_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let refused = |expected: &str| {
            let why = BuiltTemplate::read(folder).unwrap_err().to_string();
            assert!(why.contains(expected), "{why}");
        };
        refused("has no template.yaml; build the packages first");
        std::fs::write(folder.join("template.yaml"), TEMPLATE).unwrap();
        refused("has no package PreTraffic, which its template names; build again");
        std::fs::create_dir(folder.join("PreTraffic")).unwrap();
        std::fs::write(folder.join("PreTraffic/bootstrap"), "program").unwrap();
        let built = BuiltTemplate::read(folder).unwrap();
        assert!(built.packages["PreTraffic"].ends_with("PreTraffic/bootstrap"));
        let released = TEMPLATE.replace("CodeUri: PreTraffic", "CodeUri: PreTraffic.zip");
        std::fs::write(folder.join("template.yaml"), released).unwrap();
        refused("has no package PreTraffic.zip");
        std::fs::write(folder.join("PreTraffic.zip"), "archive").unwrap();
        let built = BuiltTemplate::read(folder).unwrap();
        assert!(built.packages["PreTraffic.zip"].ends_with("PreTraffic.zip"));
        std::fs::write(folder.join("template.yaml"), "Resources: {}\n").unwrap();
        refused("names no package");
    }
}
