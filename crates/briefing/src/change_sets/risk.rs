//! How dangerous a change is, and in which order people should read. Pure.
//!
//! Two tables: types that hold data, and types that say who may do what. A type that stands in neither
//! is not safe; it is only not known to be dangerous.

use std::cmp::Ordering;

use approvals::{Change, ChangeAction, Replacement, Risk};

/// Types that hold what can't be made again. An entry that ends in `::` stands for the whole service.
const DATA_TYPES: &[&str] = &[
    "AWS::AmazonMQ::Broker",
    "AWS::Backup::BackupVault",
    "AWS::Cassandra::",
    "AWS::CodeCommit::Repository",
    "AWS::Cognito::UserPool",
    "AWS::DAX::Cluster",
    "AWS::DocDB::",
    "AWS::DocDBElastic::",
    "AWS::DSQL::",
    "AWS::DynamoDB::",
    "AWS::EC2::Volume",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::Kinesis::Stream",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Lightsail::Database",
    "AWS::Logs::LogGroup",
    "AWS::MSK::Cluster",
    "AWS::MSK::ServerlessCluster",
    "AWS::MemoryDB::",
    "AWS::Neptune::",
    "AWS::NeptuneGraph::",
    "AWS::OpenSearchServerless::Collection",
    "AWS::OpenSearchService::Domain",
    "AWS::QLDB::",
    "AWS::RDS::",
    "AWS::Redshift::",
    "AWS::RedshiftServerless::",
    "AWS::S3::Bucket",
    "AWS::S3Express::DirectoryBucket",
    "AWS::S3Tables::",
    "AWS::SDB::Domain",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::Timestream::",
];

/// Types that say who may do or reach what.
const ACCESS_TYPES: &[&str] = &[
    "AWS::ACMPCA::",
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::Cognito::",
    "AWS::EC2::NetworkAcl",
    "AWS::EC2::SecurityGroup",
    "AWS::ECR::RegistryPolicy",
    "AWS::EKS::AccessEntry",
    "AWS::EKS::PodIdentityAssociation",
    "AWS::Events::EventBusPolicy",
    "AWS::IAM::",
    "AWS::IoT::Policy",
    "AWS::KMS::",
    "AWS::Kinesis::ResourcePolicy",
    "AWS::LakeFormation::",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Logs::ResourcePolicy",
    "AWS::MSK::ClusterPolicy",
    "AWS::NetworkFirewall::",
    "AWS::OpenSearchServerless::AccessPolicy",
    "AWS::OpenSearchServerless::SecurityPolicy",
    "AWS::Organizations::",
    "AWS::RAM::",
    "AWS::RolesAnywhere::",
    "AWS::S3::AccessPoint",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SSO::",
    "AWS::SecretsManager::",
    "AWS::VerifiedPermissions::",
    "AWS::WAF::",
    "AWS::WAFRegional::",
    "AWS::WAFv2::",
];

/// Properties that say who may do or reach what, on whichever type.
const ACCESS_PROPERTIES: &[&str] = &[
    "AccessControl",
    "AccessPolicies",
    "AssumeRolePolicyDocument",
    "FileSystemPolicy",
    "IamRoles",
    "KeyPolicy",
    "ManagedPolicyArns",
    "Policies",
    "PolicyDocument",
    "PublicAccessBlockConfiguration",
    "PubliclyAccessible",
    "RepositoryPolicyText",
    "ResourcePolicy",
    "SecurityGroupEgress",
    "SecurityGroupIds",
    "SecurityGroupIngress",
    "SecurityGroups",
    "VPCSecurityGroups",
    "VpcSecurityGroupIds",
];

/// What a change set says of a resource, as far as the risk depends on it.
pub(super) struct Facts<'a> {
    pub(super) action: ChangeAction,
    pub(super) resource_type: &'a str,
    pub(super) replacement: Replacement,
    pub(super) properties: &'a [&'a str],
}

/// How dangerous a change is.
pub(super) fn of(facts: &Facts<'_>) -> Risk {
    // What AWS itself does not know yet, and words that are new, may be a replacement.
    let open = matches!(facts.action, ChangeAction::Dynamic | ChangeAction::Other);
    if facts.action == ChangeAction::Remove {
        Risk::Removal
    } else if open || facts.replacement != Replacement::False {
        Risk::Replacement
    } else if stands_in(ACCESS_TYPES, facts.resource_type)
        && !stands_in(DATA_TYPES, facts.resource_type)
        || facts
            .properties
            .iter()
            .any(|name| ACCESS_PROPERTIES.contains(name))
    {
        Risk::Access
    } else if stands_in(DATA_TYPES, facts.resource_type) {
        Risk::Data
    } else {
        Risk::Other
    }
}

/// The order in which people should read: by risk; among equals what holds data first, then who may do
/// what; a certain replacement before a possible one. The rest of the order only makes it one order.
pub(crate) fn sort(changes: &mut [Change]) {
    changes.sort_by(order);
}

pub(crate) fn order(one: &Change, other: &Change) -> Ordering {
    fn key(change: &Change) -> (Risk, u8, u8, u8) {
        let replacement = match change.replacement {
            Replacement::True => 0,
            Replacement::Conditional => 1,
            Replacement::False => 2,
        };
        let holds = match change.resource_type.as_str() {
            name if stands_in(DATA_TYPES, name) => 0,
            name if stands_in(ACCESS_TYPES, name) => 1,
            _ => 2,
        };
        let action = match change.action {
            ChangeAction::Remove => 0,
            ChangeAction::Dynamic => 1,
            ChangeAction::Other => 2,
            ChangeAction::Modify => 3,
            ChangeAction::Import => 4,
            ChangeAction::Add => 5,
        };
        (change.risk, replacement, holds, action)
    }
    key(one)
        .cmp(&key(other))
        .then_with(|| one.logical_id.cmp(&other.logical_id))
        .then_with(|| one.resource_type.cmp(&other.resource_type))
}

fn stands_in(table: &[&str], name: &str) -> bool {
    table
        .iter()
        .any(|entry| *entry == name || entry.ends_with("::") && name.starts_with(entry))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn risk(action: ChangeAction, name: &str, replacement: Replacement, property: &str) -> Risk {
        of(&Facts {
            action,
            resource_type: name,
            replacement,
            properties: &[property],
        })
    }

    #[test]
    fn each_kind_of_change_has_its_risk() {
        use ChangeAction::{Add, Dynamic, Import, Modify, Other, Remove};
        use Replacement::{Conditional, False, True};
        for (action, name, replacement, property, expected) in [
            (Remove, "AWS::SNS::Topic", False, "", Risk::Removal),
            (
                Modify,
                "AWS::RDS::DBInstance",
                True,
                "Engine",
                Risk::Replacement,
            ),
            (
                Modify,
                "AWS::ECS::Service",
                Conditional,
                "",
                Risk::Replacement,
            ),
            (Dynamic, "AWS::ECS::Service", False, "", Risk::Replacement),
            (Other, "AWS::ECS::Service", False, "", Risk::Replacement),
            (Modify, "AWS::IAM::Role", False, "", Risk::Access),
            (Add, "AWS::Lambda::Permission", False, "", Risk::Access),
            (Modify, "AWS::EC2::SecurityGroup", False, "", Risk::Access),
            (
                Modify,
                "AWS::S3::Bucket",
                False,
                "PublicAccessBlockConfiguration",
                Risk::Access,
            ),
            (Modify, "AWS::S3::Bucket", False, "Tags", Risk::Data),
            (
                Modify,
                "AWS::RDS::DBCluster",
                False,
                "EngineVersion",
                Risk::Data,
            ),
            (Modify, "AWS::Cognito::UserPool", False, "", Risk::Data),
            (Import, "AWS::DynamoDB::Table", False, "", Risk::Data),
            (
                Modify,
                "AWS::ECS::Service",
                False,
                "TaskDefinition",
                Risk::Other,
            ),
            (Add, "AWS::RDSx::Thing", False, "", Risk::Other),
            (Add, "", False, "", Risk::Other),
        ] {
            assert_eq!(
                risk(action, name, replacement, property),
                expected,
                "{action:?} {name}"
            );
        }
    }

    #[test]
    fn the_tables_are_sorted_and_disjoint_but_for_whole_services() {
        for table in [DATA_TYPES, ACCESS_TYPES, ACCESS_PROPERTIES] {
            assert!(table.iter().all(|entry| !entry.is_empty()));
            let mut seen = table.to_vec();
            seen.dedup();
            assert_eq!(seen.len(), table.len());
        }
        assert!(DATA_TYPES.iter().all(|entry| !ACCESS_TYPES.contains(entry)));
    }

    fn change() -> impl Strategy<Value = Change> {
        use ChangeAction::{Add, Dynamic, Import, Modify, Other, Remove};
        use Replacement::{Conditional, False, True};
        let types = [
            "AWS::RDS::DBInstance",
            "AWS::IAM::Role",
            "AWS::ECS::Service",
        ];
        (
            prop::sample::select(vec![Add, Dynamic, Import, Modify, Other, Remove]),
            prop::sample::select(vec![True, False, Conditional]),
            prop::sample::select(types.to_vec()),
            "[A-D]{1,2}",
        )
            .prop_map(|(action, replacement, name, logical_id)| Change {
                risk: risk(action, name, replacement, ""),
                action,
                logical_id,
                resource_type: name.to_owned(),
                replacement,
                properties: Vec::new(),
            })
    }

    proptest! {
        #[test]
        fn the_order_is_total_and_does_not_depend_on_the_order_of_answers(
            changes in prop::collection::vec(change(), 0..30).prop_shuffle(),
        ) {
            let mut sorted = changes.clone();
            sort(&mut sorted);
            let mut again: Vec<_> = changes.iter().rev().cloned().collect();
            sort(&mut again);
            prop_assert_eq!(&sorted, &again);
            prop_assert_eq!(sorted.len(), changes.len());
            prop_assert!(sorted.iter().all(|change| changes.contains(change)));
        }

        #[test]
        fn nothing_dangerous_stands_behind_something_harmless(
            changes in prop::collection::vec(change(), 0..30),
        ) {
            let mut sorted = changes;
            sort(&mut sorted);
            for pair in sorted.windows(2) {
                prop_assert!(pair[0].risk <= pair[1].risk);
                let both = pair[0].risk == Risk::Replacement && pair[1].risk == Risk::Replacement;
                prop_assert!(!(both && pair[0].replacement == Replacement::Conditional && pair[1].replacement == Replacement::True));
            }
        }
    }
}
