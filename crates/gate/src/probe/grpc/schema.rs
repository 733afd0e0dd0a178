//! Types of protobuf that are known only at run time: messages from JSON and into JSON, by the mapping of proto3.
//!
//! 64-bit numbers are text in that mapping, so that none is rounded. A field without presence is written with its default,
//! so that a path to it always finds it.

use std::io;

use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, ReflectMessage,
    SerializeOptions, Value,
};

use crate::words::{self, MAX_RAW_BYTES};

/// How large the JSON of a message may be.
pub(super) const MAX_JSON: usize = 1024 * 1024;

/// Messages within each other. Reading one has this bound; but what is packed into an `Any` is read only when it is written as
/// JSON, by a recursion of its own.
const MAX_DEPTH: usize = 100;
const ANY: &str = "google.protobuf.Any";

/// What is known of a server's types.
#[derive(Clone, Debug)]
pub(crate) struct Schema(DescriptorPool);

/// Why a method can't be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MethodError {
    #[error("there is no service {service}; there {}", are(.known))]
    NoService { service: String, known: Vec<String> },
    #[error("the service {service} has no method {method}; there {}", are(.known))]
    NoMethod {
        service: String,
        method: String,
        known: Vec<String>,
    },
    #[error(
        "{0} is a streaming method, and only methods with one message each way are called here"
    )]
    Streaming(String),
}

/// `are a, b`
fn are(known: &[String]) -> String {
    match known {
        [] => "is none".to_owned(),
        known => format!("are {}", words::list(known.iter().map(String::as_str))),
    }
}

impl Schema {
    /// From a `FileDescriptorSet`, with all that it imports.
    pub(crate) fn of_set(bytes: &[u8]) -> Result<Self, String> {
        let pool = DescriptorPool::decode(bytes).map_err(|error| short(&error.to_string()))?;
        if pool.services().len() == 0 {
            return Err("it has no service".to_owned());
        }
        Ok(Self(pool))
    }

    /// From the files that a server has sent.
    pub(super) fn of_files(
        files: Vec<prost_reflect::prost_types::FileDescriptorProto>,
    ) -> Result<Self, String> {
        let mut pool = DescriptorPool::new();
        let added = pool.add_file_descriptor_protos(files);
        added.map_err(|error| short(&error.to_string()))?;
        Ok(Self(pool))
    }

    /// A method that can be called.
    pub(crate) fn method(&self, service: &str, method: &str) -> Result<UnaryMethod, MethodError> {
        let Some(found) = self.0.get_service_by_name(service) else {
            let known = self.0.services().map(|it| it.full_name().to_owned());
            return Err(MethodError::NoService {
                service: service.to_owned(),
                known: known.collect(),
            });
        };
        let Some(descriptor) = found.methods().find(|it| it.name() == method) else {
            let known = found.methods().map(|it| it.name().to_owned());
            return Err(MethodError::NoMethod {
                service: service.to_owned(),
                method: method.to_owned(),
                known: known.collect(),
            });
        };
        if descriptor.is_client_streaming() || descriptor.is_server_streaming() {
            return Err(MethodError::Streaming(descriptor.full_name().to_owned()));
        }
        Ok(UnaryMethod(descriptor))
    }
}

/// A method with one message each way.
#[derive(Clone, Debug)]
pub(crate) struct UnaryMethod(MethodDescriptor);

impl UnaryMethod {
    /// The request of this JSON, as it is sent.
    pub(crate) fn request(&self, json: &str) -> Result<Vec<u8>, String> {
        let kind = self.0.input();
        let wrong = |error: serde_json::Error| {
            let error = error.to_string();
            short(&format!("it is no {}: {error}", kind.full_name()))
        };
        let mut reader = serde_json::Deserializer::from_str(json);
        let message = DynamicMessage::deserialize(kind.clone(), &mut reader).map_err(wrong)?;
        reader.end().map_err(wrong)?;
        Ok(message.encode_to_vec())
    }

    /// The response; the error says what it is not.
    pub(super) fn response(&self, bytes: &[u8]) -> Result<DynamicMessage, String> {
        let kind: MessageDescriptor = self.0.output();
        let name = kind.full_name().to_owned();
        let message = DynamicMessage::decode(kind, bytes);
        message.map_err(|error| short(&format!("a message that is no {name}: {error}")))
    }
}

/// A message as JSON.
pub(super) fn json(message: &DynamicMessage) -> Result<Vec<u8>, String> {
    check_depth(message, 0)?;
    let options = SerializeOptions::new().skip_default_fields(false);
    let mut writer = serde_json::Serializer::new(Bounded(Vec::new()));
    let written = message.serialize_with_options(&mut writer, &options);
    written.map_err(|error| short(&format!("the message can't be written as JSON: {error}")))?;
    Ok(writer.into_inner().0)
}

fn check_depth(message: &DynamicMessage, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "messages are packed deeper than {MAX_DEPTH} levels into each other"
        ));
    }
    if message.descriptor().full_name() == ANY {
        return match packed(message) {
            Some(inner) => check_depth(&inner, depth + 1),
            None => Ok(()),
        };
    }
    let fields = message.fields().map(|(_, value)| value);
    let extensions = message.extensions().map(|(_, value)| value);
    for value in fields.chain(extensions) {
        check_value(value, depth)?;
    }
    Ok(())
}

fn check_value(value: &Value, depth: usize) -> Result<(), String> {
    match value {
        Value::Message(message) => check_depth(message, depth + 1),
        Value::List(values) => values
            .iter()
            .try_for_each(|value| check_value(value, depth)),
        Value::Map(entries) => entries
            .values()
            .try_for_each(|value| check_value(value, depth)),
        _ => Ok(()),
    }
}

/// What an `Any` holds, if its type is known.
fn packed(any: &DynamicMessage) -> Option<DynamicMessage> {
    let url = any.get_field_by_name("type_url")?;
    let name = url.as_str()?.rsplit('/').next()?;
    let kind = any.descriptor().parent_pool().get_message_by_name(name)?;
    let value = any.get_field_by_name("value")?;
    DynamicMessage::decode(kind, value.as_bytes()?.clone()).ok()
}

/// Takes up to [`MAX_JSON`] bytes.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_JSON {
            let why = format!("it is larger than {}", words::bytes(MAX_JSON));
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn short(text: &str) -> String {
    words::head(text, MAX_RAW_BYTES).to_owned()
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    /// An `Any` that holds an `Any`, and so on; the last one holds a duration.
    fn packed_in_itself(levels: usize) -> DynamicMessage {
        let of = |name: &str| DescriptorPool::global().get_message_by_name(name).unwrap();
        let any = of(ANY);
        let mut message = DynamicMessage::new(of("google.protobuf.Duration"));
        for _ in 0..levels {
            let inner = message.encode_to_vec();
            let name = message.descriptor().full_name().to_owned();
            message = DynamicMessage::new(any.clone());
            let url = Value::String(format!("type.googleapis.com/{name}"));
            message.set_field_by_name("type_url", url);
            message.set_field_by_name("value", Value::Bytes(inner.into()));
        }
        message
    }

    #[test]
    fn what_is_packed_deeper_than_anybody_reads_is_no_json() {
        let few = json(&packed_in_itself(2)).unwrap();
        insta::assert_snapshot!(String::from_utf8(few).unwrap(), @r#"{"@type":"type.googleapis.com/google.protobuf.Any","value":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"0s"}}"#);
        assert!(json(&packed_in_itself(100)).is_ok());
        let deep = json(&packed_in_itself(2_000)).unwrap_err();
        insta::assert_snapshot!(deep, @"messages are packed deeper than 100 levels into each other");
    }
}
