//! Variables in configurations: `#{variables.NAME}`, `#{codepipeline.PipelineExecutionId}` and
//! `#{namespace.Output}`.

use std::collections::BTreeMap;

/// What may be referred to: each namespace with its values.
pub(super) type Namespaces = BTreeMap<String, BTreeMap<String, String>>;

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReferenceError {
    #[error(
        "Valid format for a pipeline execution variable reference is a namespace and a key \
         separated by a period (.). The following pipeline execution variables are not valid: {0}"
    )]
    Format(String),
    #[error(
        "Valid format for a pipeline execution variable reference is a namespace and a key \
         separated by a period (.). The following pipeline execution variables are referencing a \
         namespace that does not exist. {0}"
    )]
    Namespace(String),
    #[error(
        "The following pipeline execution variables are not part of the namespace they refer to: {0}"
    )]
    Name(String),
}

/// Puts the values in; names the first reference that leads nowhere.
pub(super) fn resolve(text: &str, known: &Namespaces) -> Result<String, ReferenceError> {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("#{") {
        resolved.push_str(before);
        let Some((reference, after)) = after.split_once('}') else {
            resolved.push_str("#{");
            rest = after;
            continue;
        };
        resolved.push_str(value(reference, known)?);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

fn value<'a>(reference: &str, known: &'a Namespaces) -> Result<&'a str, ReferenceError> {
    let owned = || reference.to_owned();
    let (namespace, name) = reference
        .split_once('.')
        .ok_or_else(|| ReferenceError::Format(owned()))?;
    let values = known
        .get(namespace)
        .ok_or_else(|| ReferenceError::Namespace(owned()))?;
    let value = values.get(name).map(String::as_str);
    value.ok_or_else(|| ReferenceError::Name(owned()))
}

/// All values of a configuration, resolved.
pub(super) fn resolve_all(
    configuration: &BTreeMap<String, String>,
    known: &Namespaces,
) -> Result<BTreeMap<String, String>, ReferenceError> {
    configuration
        .iter()
        .map(|(key, text)| Ok((key.clone(), resolve(text, known)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Namespaces {
        let values = [("CommitId", "abc"), ("Empty", "")];
        let values = values.map(|(k, v)| (k.to_owned(), v.to_owned()));
        BTreeMap::from([("Source".to_owned(), BTreeMap::from(values))])
    }

    #[test]
    fn references_are_replaced_wherever_they_stand() {
        let text = "release #{Source.CommitId}#{Source.Empty} of #{Source.CommitId}, 100 #{";
        assert_eq!(
            resolve(text, &known()).unwrap(),
            "release abc of abc, 100 #{"
        );
        assert_eq!(resolve("plain", &known()).unwrap(), "plain");
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_named() {
        for reference in ["Other.CommitId", "Source.Nothing", "Nothing"] {
            let error = resolve(&format!("x #{{{reference}}}"), &known())
                .unwrap_err()
                .to_string();
            assert!(error.contains(reference), "{error}");
        }
    }

    #[test]
    fn values_are_not_resolved_again() {
        let mut known = known();
        known
            .entry("variables".to_owned())
            .or_default()
            .insert("A".to_owned(), "#{Source.CommitId}".to_owned());
        assert_eq!(
            resolve("#{variables.A}", &known).unwrap(),
            "#{Source.CommitId}"
        );
    }
}
