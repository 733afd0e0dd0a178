//! The tags beside an image's digest in Amazon ECR: `CodePipeline`'s ECR source names images by digest
//! alone, and the version is a tag that lies beside it.
//!
//! Best effort: whoever misses the version reads here why the registry did not have it.

use common::aws::Aws;
use common::failure::Hints;
use common::json_api::{self, CallError, ECR};
use common::service::is_host_label;
use serde_json::{Value, json};

use super::LookupContext;
use crate::version::Image;

/// A repository of Amazon ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository<'a> {
    /// The account whose registry it is.
    pub account: &'a str,
    /// The registry's region.
    pub region: &'a str,
    /// The repository's name.
    pub name: &'a str,
}

impl<'a> Repository<'a> {
    /// Reads `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`, of any partition, with FIPS and dual-stack hosts.
    pub(crate) fn of(image: &Image<'a>) -> Option<Self> {
        let (host, name) = image.name.split_once('/')?;
        let mut labels = host.split('.');
        let account = labels.next()?;
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let registry = match labels.next()? {
            "dkr" => matches!(labels.next()?, "ecr" | "ecr-fips"),
            "dkr-ecr" | "dkr-ecr-fips" => true,
            _ => false,
        };
        let region = labels.next()?;
        (digits && registry && is_host_label(region) && labels.next().is_some()).then_some(Self {
            account,
            region,
            name,
        })
    }
}

impl Repository<'_> {
    /// What the registry holds of one image, named by its digest or by its tag.
    pub(crate) async fn describe_image(
        &self,
        aws: &Aws,
        image: &Image<'_>,
    ) -> Result<Vec<Value>, CallError> {
        let id = match image.digest {
            Some(digest) => json!({"imageDigest": digest}),
            None => json!({"imageTag": image.tag.unwrap_or("latest")}),
        };
        let input = json!({
            "registryId": self.account,
            "repositoryName": self.name,
            "imageIds": [id],
        });
        let aws = aws.in_region(self.region, None);
        let answer = json_api::call(&aws, ECR, "DescribeImages", input).await?;
        Ok(list(&answer["imageDetails"]))
    }
}

/// The tags beside the digest; the error is a sentence. None where the image is not named by digest or
/// lies in another kind of registry.
pub(crate) async fn tags(
    context: LookupContext<'_>,
    image: &Image<'_>,
) -> Option<Result<Vec<String>, String>> {
    let digest = image.digest?;
    let Some(repository) = Repository::of(image) else {
        return Some(Err(
            "tags beside a digest are looked up in Amazon ECR only".to_owned()
        ));
    };
    let call = repository.describe_image(context.aws, image);
    let what = format!("DescribeImages {}@{digest}", repository.name);
    let hints = Hints {
        permission: "ecr:DescribeImages on the repository",
        absent: "the image is no longer in the repository",
    };
    let answer = context.best_effort(&what, hints, call).await;
    Some(answer.map(|details| details.iter().flat_map(tags_of).collect()))
}

fn tags_of(detail: &Value) -> Vec<String> {
    let tags = list(&detail["imageTags"]).into_iter();
    tags.filter_map(|tag| tag.as_str().map(str::to_owned))
        .collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_of_every_partition_are_read_and_others_are_not() {
        let of = |image: &str| {
            Repository::of(&Image::parse(image))
                .map(|it| format!("{} {} {}", it.account, it.region, it.name))
        };
        for (image, expected) in [
            (
                "111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/shop@sha256:0",
                "111122223333 eu-central-1 team/shop",
            ),
            (
                "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/shop@sha256:0",
                "111122223333 cn-north-1 shop",
            ),
            (
                "111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com/shop@sha256:0",
                "111122223333 us-gov-west-1 shop",
            ),
            (
                "111122223333.dkr-ecr.us-east-1.on.aws/shop@sha256:0",
                "111122223333 us-east-1 shop",
            ),
        ] {
            assert_eq!(of(image).as_deref(), Some(expected));
        }
        for image in [
            "shop@sha256:0",
            "ghcr.io/team/shop@sha256:0",
            "public.ecr.aws/a/shop@sha256:0",
            "1.dkr.ecr.eu.amazonaws.com/shop",
            "111122223333.dkr.ecr.io#.amazonaws.com/shop",
        ] {
            assert_eq!(of(image), None, "{image}");
        }
    }
}
