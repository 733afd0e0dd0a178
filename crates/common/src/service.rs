//! Services of AWS that are called without their SDK crate, and where they answer.

use std::time::Duration;

use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::service_config::ServiceConfigKey;

/// Such a service: its names, how it is called, and what makes up its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwsService {
    /// What AWS calls it where its endpoint is set: `CloudWatch Logs`, for `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>
    pub id: &'static str,
    /// What stands in its endpoint: `logs`.
    pub name: &'static str,
    /// What it is signed as: mostly the same.
    pub signing_name: &'static str,
    /// How long one try may take, where its answers take longer than those of others.
    pub attempt_timeout: Option<Duration>,
    /// Whether a call is made again as the configuration says, or once only.
    pub retries: bool,
    /// What stands before that in an endpoint that is not dual-stack: nothing, or `api.`.
    pub host_prefix: &'static str,
    /// Which of its ordinary endpoints in `GovCloud` are those with FIPS.
    pub fips_in_gov_cloud: FipsInGovCloud,
    /// Whether the ordinary endpoint is the dual-stack one, and there is no other.
    pub dual_stack_by_default: bool,
    /// What stands before the operation in `X-Amz-Target`.
    pub target: &'static str,
    /// `application/x-amz-json-1.1`
    pub content_type: &'static str,
}

/// Which ordinary endpoints of a service in `GovCloud` are those with FIPS: there is no `-fips` beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FipsInGovCloud {
    /// None of them.
    None,
    /// The one that is not dual-stack.
    SingleStack,
    /// Both.
    All,
}

impl FipsInGovCloud {
    fn is_of(self, dual_stack: bool) -> bool {
        self == Self::All || self == Self::SingleStack && !dual_stack
    }
}

impl AwsService {
    /// The same service, each call made once: for who has retries of their own.
    #[must_use]
    pub const fn without_retries(self) -> Self {
        Self {
            retries: false,
            ..self
        }
    }

    pub(crate) const fn named(id: &'static str, name: &'static str, target: &'static str) -> Self {
        Self {
            id,
            name,
            signing_name: name,
            attempt_timeout: None,
            retries: true,
            host_prefix: "",
            fips_in_gov_cloud: FipsInGovCloud::None,
            dual_stack_by_default: false,
            target,
            content_type: "application/x-amz-json-1.1",
        }
    }
}

/// Whether it can stand in a host's name. One that can't may lead to another host.
pub fn is_host_label(region: &str) -> bool {
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&region.len()) && region.bytes().all(in_label)
}

/// The address that is configured for the service, or else for all of them; an address set by the program comes first.
fn configured_url(config: &SdkConfig, service: AwsService) -> Option<String> {
    let of_all = config.endpoint_url().map(ToOwned::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return of_all;
    }
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url");
    let key = key.build().ok();
    let of_service = config.service_config().zip(key);
    let of_service = of_service.and_then(|(set, key)| set.load_config(key));
    of_service.or(of_all)
}

/// Where the service answers: at the configured address, else at its own of the region.
pub(crate) fn url(config: &SdkConfig, service: AwsService, region: &Region) -> String {
    if let Some(url) = configured_url(config, service) {
        return url;
    }
    let AwsService { name, .. } = service;
    let dual_stack = config.use_dual_stack() == Some(true) && !service.dual_stack_by_default;
    let in_gov_cloud = region.as_ref().starts_with("us-gov-");
    let fips = match config.use_fips() {
        // <https://docs.aws.amazon.com/general/latest/gr/ssm.html>, and likewise of the others.
        Some(true) if in_gov_cloud && service.fips_in_gov_cloud.is_of(dual_stack) => "",
        Some(true) => "-fips",
        _ => "",
    };
    let prefix = if dual_stack { "" } else { service.host_prefix };
    let suffix = dns_suffix(region.as_ref(), dual_stack);
    format!("https://{prefix}{name}{fips}.{region}.{suffix}")
}

/// What the hosts of a region's partition end in.
pub fn dns_suffix(region: &str, dual_stack: bool) -> &'static str {
    match (region, dual_stack) {
        (region, true) if region.starts_with("cn-") => "api.amazonwebservices.com.cn",
        (region, true) if region.starts_with("us-iso-") => "api.aws.ic.gov",
        (region, true) if region.starts_with("us-isob-") => "api.aws.scloud",
        (region, true) if region.starts_with("us-isof-") => "api.aws.hci.ic.gov",
        (region, true) if region.starts_with("eu-isoe-") => "api.cloud-aws.adc-e.uk",
        (region, true) if region.starts_with("eusc-") => "api.amazonwebservices.eu",
        (region, false) if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        (region, false) if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        (region, false) if region.starts_with("cn-") => "amazonaws.com.cn",
        (region, _) if region.starts_with("us-iso-") => "c2s.ic.gov",
        (region, _) if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        (region, _) if region.starts_with("eusc-") => "amazonaws.eu",
        (_, true) => "api.aws",
        (_, false) => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_api::{CLOUDWATCH, ECR, EVENTS, LOGS, SECRETS_MANAGER, SSM};
    use crate::replay::config;

    /// As a person sets it for one service.
    #[derive(Debug)]
    struct SetFor(&'static str);

    impl aws_types::service_config::LoadServiceConfig for SetFor {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            assert_eq!(
                (key.env(), key.profile()),
                ("AWS_ENDPOINT_URL", "endpoint_url")
            );
            (key.service_id() == self.0).then(|| "http://127.0.0.1:2".to_owned())
        }
    }

    #[test]
    fn an_address_set_for_one_service_is_that_services() {
        let mut config = config("us-east-1");
        config.insert_origin(
            "endpoint_url",
            aws_types::origin::Origin::shared_environment_variable(),
        );
        let config = config
            .endpoint_url("http://127.0.0.1:1")
            .service_config(SetFor("CloudWatch Logs"))
            .build();
        let of = |service| url(&config, service, config.region().unwrap());
        assert_eq!(of(LOGS), "http://127.0.0.1:2");
        assert_eq!(of(CLOUDWATCH), "http://127.0.0.1:1");
        // What the program itself sets comes first.
        let mut by_program = config.to_builder();
        by_program.insert_origin("endpoint_url", aws_types::origin::Origin::shared_config());
        let by_program = by_program.build();
        let of = url(&by_program, LOGS, by_program.region().unwrap());
        assert_eq!(of, "http://127.0.0.1:1");
    }

    #[test]
    fn an_endpoint_is_that_of_its_partition() {
        let of = |region: &'static str| {
            let config = config(region).build();
            url(&config, CLOUDWATCH, config.region().unwrap())
        };
        assert_eq!(
            of("eu-west-1"),
            "https://monitoring.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            of("us-gov-west-1"),
            "https://monitoring.us-gov-west-1.amazonaws.com"
        );
        assert_eq!(
            of("cn-north-1"),
            "https://monitoring.cn-north-1.amazonaws.com.cn"
        );
        let fips = config("us-east-1").use_fips(true).build();
        assert_eq!(
            url(&fips, CLOUDWATCH, fips.region().unwrap()),
            "https://monitoring-fips.us-east-1.amazonaws.com"
        );
        let local = config("us-east-1")
            .endpoint_url("http://127.0.0.1:1")
            .build();
        assert_eq!(
            url(&local, LOGS, local.region().unwrap()),
            "http://127.0.0.1:1"
        );
    }

    /// As the endpoint rules of the SDK's own crates have it.
    const ENDPOINTS: &str = "
        ssm             us-east-1        fips -    ssm-fips.us-east-1.amazonaws.com
        ssm             us-gov-west-1    fips -    ssm.us-gov-west-1.amazonaws.com
        ssm             us-gov-east-1    fips dual ssm-fips.us-gov-east-1.api.aws
        ssm             cn-north-1       -    dual ssm.cn-north-1.api.amazonwebservices.com.cn
        ssm             us-isof-south-1  -    dual ssm.us-isof-south-1.api.aws.hci.ic.gov
        ssm             eu-isoe-west-1   -    dual ssm.eu-isoe-west-1.api.cloud-aws.adc-e.uk
        secrets_manager us-gov-west-1    fips -    secretsmanager-fips.us-gov-west-1.amazonaws.com
        secrets_manager us-isob-east-1   -    -    secretsmanager.us-isob-east-1.sc2s.sgov.gov
        secrets_manager us-east-1        -    dual secretsmanager.us-east-1.amazonaws.com
        secrets_manager us-gov-west-1    fips dual secretsmanager-fips.us-gov-west-1.amazonaws.com
        events          us-gov-west-1    fips dual events.us-gov-west-1.api.aws
        ecr             us-isof-south-1  -    -    api.ecr.us-isof-south-1.csp.hci.ic.gov
        ecr             eu-isoe-west-1   -    -    api.ecr.eu-isoe-west-1.cloud.adc-e.uk
        ecr             us-east-1        -    -    api.ecr.us-east-1.amazonaws.com
        ecr             us-gov-west-1    fips -    api.ecr-fips.us-gov-west-1.amazonaws.com
        ecr             us-east-1        fips dual ecr-fips.us-east-1.api.aws
        ecr             eusc-de-east-1   -    -    api.ecr.eusc-de-east-1.amazonaws.eu
    ";

    #[test]
    fn endpoints_with_fips_and_dual_stack_are_those_of_the_sdk() {
        for row in ENDPOINTS.trim().lines() {
            let [service, region, fips, dual_stack, host] =
                row.split_whitespace().collect::<Vec<_>>()[..]
            else {
                panic!("{row}");
            };
            let service = match service {
                "ssm" => SSM,
                "secrets_manager" => SECRETS_MANAGER,
                "events" => EVENTS,
                "ecr" => ECR,
                other => panic!("{other}"),
            };
            let config = config(region)
                .use_fips(fips == "fips")
                .use_dual_stack(dual_stack == "dual")
                .build();
            let of = url(&config, service, config.region().unwrap());
            assert_eq!(of, format!("https://{host}"));
        }
    }
}
