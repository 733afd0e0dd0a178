//! What is deployed, as people name it on the command line.

use hook::DeploymentQuery;
use hook::settings::Settings;

use crate::failure::Failure;

/// `d-ABCDEF123`, or `shop/production` for the last deployment of a group.
pub(crate) fn deployment(text: &str) -> Result<DeploymentQuery, String> {
    if let Some((application, group)) = pair(text) {
        return Ok(DeploymentQuery::Group { application, group });
    }
    if text.starts_with("d-") && !text.contains('/') {
        return Ok(DeploymentQuery::Deployment {
            id: text.to_owned(),
        });
    }
    Err(
        "expected the id of a deployment of CodeDeploy, d-ABCDEF123, or APPLICATION/GROUP"
            .to_owned(),
    )
}

/// `production/shop`
pub(crate) fn service(text: &str) -> Result<DeploymentQuery, String> {
    let (cluster, service) = pair(text).ok_or("expected CLUSTER/SERVICE")?;
    Ok(DeploymentQuery::Service { cluster, service })
}

fn pair(text: &str) -> Option<(String, String)> {
    let (first, second) = text.split_once('/')?;
    let is_name = |name: &str| !name.is_empty() && !name.contains('/');
    (is_name(first) && is_name(second)).then(|| (first.to_owned(), second.to_owned()))
}

/// Of a function that would be nowhere: nothing is stored, and no suite is read.
pub(crate) fn settings() -> Result<Settings, Failure> {
    let read = Settings::read(&|name| match name {
        "SUITE" => Some("file:none".to_owned()),
        "REPORT_BUCKET" | "AWS_LAMBDA_FUNCTION_NAME" => Some("none".to_owned()),
        "TCP_LISTENER_SCHEME" | "AWS_REGION" => common::settings::environment(name),
        _ => None,
    });
    read.map_err(|error| Failure::Wrong(error.problems.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deployed_is_named_by_an_id_or_by_two_names() {
        let id = |id: &str| DeploymentQuery::Deployment { id: id.to_owned() };
        assert_eq!(deployment("d-ABCDEF123"), Ok(id("d-ABCDEF123")));
        let group = DeploymentQuery::Group {
            application: "shop".to_owned(),
            group: "live".to_owned(),
        };
        assert_eq!(deployment("shop/live"), Ok(group));
        for wrong in ["", "shop", "/live", "shop/", "a/b/c", "d-1/a/b"] {
            assert!(deployment(wrong).is_err(), "{wrong:?}");
        }
        assert!(service("production/shop").is_ok() && service("shop").is_err());
    }
}
