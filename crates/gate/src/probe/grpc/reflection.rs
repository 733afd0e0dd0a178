//! What a server says of its own types: `grpc.reflection.v1`, and `v1alpha` where it has no other.
//!
//! Each question is a call of its own, so that no stream is held. How much is asked and read is bounded: a server may say
//! anything.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use http::header::HeaderValue;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use super::channel::{Answer, Channel};
use super::schema::Schema;
use super::wire::{self, Field};
use crate::probe::ProbeError;
use crate::words::{self, MAX_RAW_BYTES};

const METHODS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// Bytes of all descriptors together.
pub(super) const MAX_DESCRIPTORS: usize = 1024 * 1024;
const MAX_FILES: usize = 300;
/// Texts and messages of all descriptors together: two bytes may be a type, which takes hundreds when it is read.
pub(super) const MAX_PARTS: usize = 20_000;
/// Bytes of all full names together: each type and field is kept with the names of what it is in.
const MAX_NAMES: usize = 2 * 1024 * 1024;
/// Questions to one server.
const MAX_QUESTIONS: usize = 60;
/// Status codes of gRPC.
const NOT_FOUND: u64 = 5;
const UNIMPLEMENTED: &[u8] = b"12";

/// The files of one service, with all that they import.
pub(super) async fn schema(channel: &mut Channel<'_>, service: &str) -> Result<Schema, ProbeError> {
    let mut known = Known::default();
    let question = wire::bytes_field(4, service.as_bytes());
    let method = known.begin(channel, &question, service).await?;
    while let Some(name) = known.missing() {
        let question = wire::bytes_field(3, name.as_bytes());
        let answer = known.ask(channel, method, &question).await?;
        known.take(&answer, ReflectionQuery::Import(&name))?;
        if !known.files.contains_key(&name) {
            return Err(broken(&format!(
                "it does not send {name:?}, which its types import"
            )));
        }
    }
    let files = known.files.into_values().collect();
    Schema::of_files(files).map_err(|why| broken(&why))
}

/// What a question is about.
#[derive(Clone, Copy)]
enum ReflectionQuery<'a> {
    Service(&'a str),
    /// A file that another one imports.
    Import(&'a str),
}

#[derive(Default)]
struct Known {
    files: BTreeMap<String, FileDescriptorProto>,
    bytes: usize,
    parts: usize,
    names: usize,
    questions: usize,
}

impl Known {
    /// Asks for the service, by the newest version that the server has.
    async fn begin(
        &mut self,
        channel: &mut Channel<'_>,
        question: &[u8],
        service: &str,
    ) -> Result<&'static str, ProbeError> {
        for method in METHODS {
            let answer = self.ask(channel, method, question).await?;
            let code = answer.trailing("grpc-status").map(HeaderValue::as_bytes);
            if answer.status == StatusCode::NOT_FOUND || code == Some(UNIMPLEMENTED) {
                continue;
            }
            self.take(&answer, ReflectionQuery::Service(service))?;
            return Ok(method);
        }
        Err(ProbeError::errored(
            "the server has no reflection (grpc.reflection.v1), so that its types are not known; name them by \
             `descriptor_set_file`",
        ))
    }

    async fn ask(
        &mut self,
        channel: &mut Channel<'_>,
        method: &str,
        question: &[u8],
    ) -> Result<Answer, ProbeError> {
        self.questions += 1;
        if self.questions > MAX_QUESTIONS {
            return Err(broken(&format!(
                "its types take more than {MAX_QUESTIONS} questions"
            )));
        }
        channel.call(method, question, MAX_DESCRIPTORS).await
    }

    /// The files of an answer.
    fn take(&mut self, answer: &Answer, asked: ReflectionQuery<'_>) -> Result<(), ProbeError> {
        if let Some(bound) = answer.cut_at {
            return Err(broken(&format!(
                "its types are larger than {}",
                words::bytes(bound)
            )));
        }
        let message = answer.message().unwrap_or_default();
        let parts = wire::count(message, MAX_PARTS - self.parts);
        self.parts +=
            parts.ok_or_else(|| broken(&format!("its types have more than {MAX_PARTS} parts")))?;
        let fields = answer.message().ok().and_then(wire::fields);
        let Some(fields) = fields else {
            let code = answer
                .trailing("grpc-status")
                .map_or(String::new(), |code| {
                    format!(
                        ", with the status {} of gRPC",
                        String::from_utf8_lossy(code.as_bytes())
                    )
                });
            let status = answer.status.as_u16();
            return Err(broken(&format!(
                "it gave no answer that can be read (HTTP {status}{code})"
            )));
        };
        for (number, field) in fields {
            match (number, field) {
                (4, Field::Bytes(files)) => self.add(files)?,
                (7, Field::Bytes(error)) => return Err(refused(error, asked)),
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, response: &[u8]) -> Result<(), ProbeError> {
        let unread = || broken("a descriptor can't be read");
        for (number, field) in wire::fields(response).ok_or_else(unread)? {
            let (1, Field::Bytes(file)) = (number, field) else {
                continue;
            };
            self.bytes += file.len();
            if self.bytes > MAX_DESCRIPTORS || self.files.len() >= MAX_FILES {
                return Err(broken(&format!(
                    "its types are larger than {}, or in more than {MAX_FILES} files",
                    words::bytes(MAX_DESCRIPTORS)
                )));
            }
            let file = FileDescriptorProto::decode(file).map_err(|_| unread())?;
            // Each wrong one would be a problem of its own, and there may be one for each byte.
            if file.public_dependency.len().max(file.weak_dependency.len()) > file.dependency.len()
            {
                return Err(unread());
            }
            self.names += names(&file);
            if self.names > MAX_NAMES {
                return Err(broken(&format!(
                    "the names of its types are larger than {}",
                    words::bytes(MAX_NAMES)
                )));
            }
            self.files.insert(file.name().to_owned(), file);
        }
        Ok(())
    }

    /// A file that another one imports, and that has not been sent.
    fn missing(&self) -> Option<String> {
        let imported = self.files.values().flat_map(|file| &file.dependency);
        let imported: BTreeSet<&String> = imported.collect();
        imported
            .into_iter()
            .find(|name| !self.files.contains_key(*name))
            .cloned()
    }
}

/// Bytes that the full names of a file take, but for those that they end with: these are as large as they are sent.
fn names(file: &FileDescriptorProto) -> usize {
    let around = file.package().len() + 1;
    let of_services = file.service.iter().map(|service| {
        let own = around + service.name().len() + 1;
        own * (1 + service.method.len())
    });
    let of_types = file
        .message_type
        .iter()
        .map(|message| names_in(message, around));
    around * (file.extension.len() + values(&file.enum_type))
        + of_services.sum::<usize>()
        + of_types.sum::<usize>()
}

/// The same of a type in something whose name has so many bytes.
fn names_in(message: &DescriptorProto, around: usize) -> usize {
    let own = around + message.name().len() + 1;
    let held = 1 + message.field.len() + message.oneof_decl.len() + message.extension.len();
    let within = message.nested_type.iter();
    own * (held + values(&message.enum_type))
        + within.map(|inner| names_in(inner, own)).sum::<usize>()
}

/// Enums and their values, which are named beside them.
fn values(enums: &[EnumDescriptorProto]) -> usize {
    enums.iter().map(|it| 1 + it.value.len()).sum()
}

/// Whatever a server says of its types must be right: else nothing is known of what it answers.
fn broken(why: &str) -> ProbeError {
    let why = words::head(why, MAX_RAW_BYTES);
    ProbeError::errored(format!("the server's reflection can't be used: {why}"))
}

/// An error of the server about what was asked for.
fn refused(error: &[u8], asked: ReflectionQuery<'_>) -> ProbeError {
    let fields = wire::fields(error).unwrap_or_default();
    let code = fields.iter().find_map(|field| match field {
        (1, Field::Varint(code)) => Some(*code),
        _ => None,
    });
    let words = fields.iter().find_map(|field| match field {
        (2, Field::Bytes(words)) => Some(String::from_utf8_lossy(words).into_owned()),
        _ => None,
    });
    let words = words.unwrap_or_default();
    match (code, asked) {
        // That the release lacks the service is its fault; that it can't describe its own types says nothing of them.
        (Some(NOT_FOUND), ReflectionQuery::Service(service)) => {
            return ProbeError::failed(format!("the server does not know the service {service}"));
        }
        (Some(NOT_FOUND), ReflectionQuery::Import(file)) => {
            return broken(&format!(
                "it does not know {file:?}, which its types import"
            ));
        }
        _ => {}
    }
    let code = code.unwrap_or_default();
    broken(&format!(
        "it answers with the status {code} of gRPC: {words}"
    ))
}
