//! What the AWS services that are answered here have in common: each knows its signing name and answers
//! calls in its own protocol.
//!
//! Calls of services that are not in the registry are passed on; no service is a default for the rest.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use serde_json::{Map, Value};

use crate::error::AwsError;
use crate::wire::answer::{json_answer, query_answer};
use crate::wire::{Protocol, QueryParams, Xml};

/// An AWS service that is answered here.
pub(crate) trait Service: Send + Sync {
    /// The name in the credential scope of a signature, such as `codedeploy`.
    fn signing_name(&self) -> &'static str;

    /// Performs a call. Long work goes on in tasks of the service's own.
    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError>;
}

/// The services that are answered here. Clones share them.
#[derive(Clone)]
pub(crate) struct Services(Arc<[Box<dyn Service>]>);

/// A call as it arrived.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'a str,
    pub(crate) protocol: &'a Protocol,
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a [u8],
    /// The ARN of who calls.
    pub(crate) caller: &'a str,
}

/// The operations of a service, each with the function that performs it.
pub(crate) struct Operations<F: 'static> {
    /// The error code for a call of any other.
    pub(crate) unknown: &'static str,
    pub(crate) table: &'static [(&'static str, F)],
}

impl Services {
    pub(crate) fn new(services: impl IntoIterator<Item = Box<dyn Service>>) -> Self {
        Self(services.into_iter().collect())
    }

    /// The service with that signing name, if it is answered here.
    pub(crate) fn find(&self, signing_name: &str) -> Option<&dyn Service> {
        let mut services = self.0.iter().map(AsRef::as_ref);
        services.find(|service| service.signing_name() == signing_name)
    }
}

impl Call<'_> {
    /// Answers a call of one of the JSON protocols.
    pub(crate) fn json(
        &self,
        serve: impl FnOnce(Value) -> Result<Value, AwsError>,
    ) -> Result<Response<Bytes>, AwsError> {
        let Protocol::Json { content_type } = self.protocol else {
            return Err(self.wrong_protocol());
        };
        let output = serve(self.input()?)?;
        Ok(json_answer(content_type, &output))
    }

    /// Answers a call of the query protocol; `serve` gives the children of the result element.
    pub(crate) fn query(
        &self,
        namespace: &str,
        serve: impl FnOnce(&QueryParams) -> Result<Xml, AwsError>,
    ) -> Result<Response<Bytes>, AwsError> {
        if *self.protocol != Protocol::Query {
            return Err(self.wrong_protocol());
        }
        let in_address = self.parts.uri.query().unwrap_or("").as_bytes();
        let form = [in_address, b"&", self.body].concat();
        let output = serve(&QueryParams::parse(&form))?;
        Ok(query_answer(namespace, self.operation, output))
    }

    fn input(&self) -> Result<Value, AwsError> {
        if self.body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        serde_json::from_slice(self.body)
            .map_err(|error| AwsError::client("SerializationException", error.to_string()))
    }

    fn wrong_protocol(&self) -> AwsError {
        let message = format!(
            "local-aws does not understand the protocol of this call of {}; use an AWS SDK or the AWS CLI",
            self.operation
        );
        AwsError::client("UnknownOperationException", message)
    }
}

impl<F> Operations<F> {
    /// The function that performs an operation.
    pub(crate) fn find(&self, operation: &str) -> Result<&F, AwsError> {
        let found = self.table.iter().find(|(name, _)| *name == operation);
        found.map(|(_, serve)| serve).ok_or_else(|| {
            let names: Vec<_> = self.table.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            let message = format!("{operation} is not served here; these are: {names}");
            AwsError::client(self.unknown, message)
        })
    }
}
