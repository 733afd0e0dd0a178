//! Identifiers in AWS's shapes, and the check of a given one.
//!
//! They are unguessable enough for a local world and must not be used as secrets.

use data_encoding::BASE64;
use serde_json::json;

use crate::error::AwsError;
use crate::ids::hex;

/// What the identifiers of deployments are made of.
const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Characters of a deployment's identifier after `d-`.
const DEPLOYMENT_ID_LENGTH: usize = 9;

/// A new deployment identifier, such as `d-A1B2C3D4E`.
pub(super) fn deployment() -> String {
    let mut bits = u64::from_str_radix(&hex(16), 16).expect("hexadecimal digits are a number");
    let mut id = "d-".to_owned();
    for _ in 0..DEPLOYMENT_ID_LENGTH {
        let place = usize::try_from(bits % 36).expect("a number below 36 fits");
        id.push(char::from(ALPHABET[place]));
        bits /= 36;
    }
    id
}

/// A new identifier of a hook's execution: opaque, and long, like AWS's.
pub(super) fn hook_execution() -> String {
    let inner = json!({ "encryptedData": hex(96), "ivParameterSpec": hex(16) });
    BASE64.encode(inner.to_string().as_bytes())
}

/// Refuses what is no deployment identifier, as AWS does.
pub(super) fn check_deployment(given: Option<&str>) -> Result<&str, AwsError> {
    let id = given.filter(|id| !id.is_empty()).ok_or_else(|| {
        AwsError::client(
            "DeploymentIdRequiredException",
            "A deployment ID must be specified",
        )
    })?;
    let well_formed = id.strip_prefix("d-").is_some_and(|rest| {
        rest.len() == DEPLOYMENT_ID_LENGTH && rest.bytes().all(|byte| ALPHABET.contains(&byte))
    });
    if !well_formed {
        return Err(AwsError::client(
            "InvalidDeploymentIdException",
            format!("Specified DeploymentId is not in the valid format: {id}"),
        ));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_deployment_id_passes_its_own_check() {
        for _ in 0..100 {
            let id = deployment();
            assert_eq!(check_deployment(Some(&id)), Ok(id.as_str()));
        }
    }

    #[test]
    fn other_ids_are_refused_as_aws_does() {
        let code = |given| check_deployment(given).unwrap_err().code;
        assert_eq!(code(None), "DeploymentIdRequiredException");
        assert_eq!(code(Some("")), "DeploymentIdRequiredException");
        for wrong in [
            "d-",
            "d-abcdefghi",
            "x-ABCDEFGHI",
            "d-ABCDEFGHIJ",
            "deployment",
        ] {
            assert_eq!(code(Some(wrong)), "InvalidDeploymentIdException", "{wrong}");
        }
    }

    #[test]
    fn executions_have_ids_of_their_own() {
        assert_ne!(hook_execution(), hook_execution());
    }
}
