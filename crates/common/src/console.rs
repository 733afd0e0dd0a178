//! Links into the AWS console that open where people are signed in: in the right region and partition.
//!
//! A link of the console shows nothing to whoever has no rights, so it may stand in a message, as a
//! pre-signed one may not.

use std::fmt::Write as _;

/// The console of a region; none where there is no public one.
fn base(region: &str) -> Option<String> {
    // Part of a host's name, and it may be what an event says.
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !region.bytes().all(legal) {
        return None;
    }
    let domain = match region.split('-').next()? {
        "" => return None,
        "cn" => "console.amazonaws.cn",
        "eusc" => "console.amazonaws-eusc.eu",
        "us" if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
        "us" if region.starts_with("us-iso") => return None,
        _ => "console.aws.amazon.com",
    };
    Some(format!("https://{region}.{domain}"))
}

/// An object of S3.
pub fn object(region: &str, bucket: &str, key: &str) -> Option<String> {
    let base = base(region)?;
    let (bucket, key) = (encode(bucket), encode(key));
    Some(format!(
        "{base}/s3/object/{bucket}?region={region}&prefix={key}"
    ))
}

/// A deployment of CodeDeploy.
pub fn deployment(region: &str, id: &str) -> Option<String> {
    let base = base(region)?;
    let id = encode(id);
    Some(format!(
        "{base}/codesuite/codedeploy/deployments/{id}?region={region}"
    ))
}

/// The deployments of a service of ECS.
pub fn service(region: &str, cluster: &str, service: &str) -> Option<String> {
    let base = base(region)?;
    let (cluster, service) = (encode(cluster), encode(service));
    Some(format!(
        "{base}/ecs/v2/clusters/{cluster}/services/{service}/deployments?region={region}"
    ))
}

/// A pipeline of CodePipeline.
pub fn pipeline(region: &str, name: &str) -> Option<String> {
    let base = base(region)?;
    let name = encode(name);
    Some(format!(
        "{base}/codesuite/codepipeline/pipelines/{name}/view?region={region}"
    ))
}

/// Percent-encodes all but what a URL never reads.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_of_the_regions_partition() {
        for (region, start) in [
            (
                "eu-central-1",
                "https://eu-central-1.console.aws.amazon.com/s3/object/b?region=eu-central-1&prefix=",
            ),
            ("us-east-1", "https://us-east-1.console.aws.amazon.com/"),
            ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
            (
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/",
            ),
        ] {
            let link = object(region, "b", "k").unwrap();
            assert!(link.starts_with(start), "{link}");
        }
        assert_eq!(object("", "b", "k"), None);
        assert_eq!(object("example.com/", "b", "k"), None);
        assert_eq!(object("us-iso-east-1", "b", "k"), None);
    }

    #[test]
    fn a_pipeline_is_shown_by_its_name() {
        let link = pipeline("eu-central-1", "shop").unwrap();
        insta::assert_snapshot!(link, @"https://eu-central-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/shop/view?region=eu-central-1");
        assert_eq!(pipeline("", "shop"), None);
    }

    #[test]
    fn keys_are_encoded() {
        let link = object("eu-west-1", "b", "reports/my shop/d-1/a&b#c.html").unwrap();
        assert!(
            link.ends_with("prefix=reports%2Fmy%20shop%2Fd-1%2Fa%26b%23c.html"),
            "{link}"
        );
        let link = deployment("eu-west-1", "d-1?x").unwrap();
        assert!(link.contains("/deployments/d-1%3Fx?region="), "{link}");
    }
}
