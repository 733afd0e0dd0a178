//! Answers, and errors in each of the protocols that AWS services speak.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::Xml;
use crate::error::AwsError;
use crate::ids;

/// The protocol of a call and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// JSON 1.0 or 1.1, by the content type, which the answer repeats.
    Json {
        /// The request's content type.
        content_type: String,
    },
    /// A form in, XML out.
    Query,
    /// S3's.
    RestXml,
    /// Lambda's and that of the newer services.
    RestJson,
    /// The newest: CBOR both ways.
    Cbor,
}

/// The namespace of errors of the query protocol. SDKs read errors by their elements alone.
const ERROR_NAMESPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";

/// The answer of a JSON service.
pub(crate) fn json_answer(content_type: &str, value: &Value) -> Response<Bytes> {
    respond(
        StatusCode::OK,
        json_type(content_type),
        value.to_string(),
        &ids::uuid(),
    )
}

/// The answer of a query service: the result's children in the elements around them.
pub(crate) fn query_answer(
    namespace: &str,
    operation: &str,
    result: impl std::fmt::Display,
) -> Response<Bytes> {
    let id = ids::uuid();
    let body = format!(
        "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{result}\
         </{operation}Result><ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
         </{operation}Response>"
    );
    respond(StatusCode::OK, "text/xml", body, &id)
}

/// An error, as an SDK expects it in that protocol.
pub(crate) fn error_answer(protocol: &Protocol, error: &AwsError) -> Response<Bytes> {
    let id = ids::uuid();
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let AwsError { code, message, .. } = error;
    let fault = if status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let (content_type, body) = match protocol {
        Protocol::Json { content_type } => {
            let body = json!({ "__type": code, "message": message }).to_string();
            (json_type(content_type), body.into())
        }
        Protocol::RestJson => {
            let kind = if status.is_server_error() {
                "Server"
            } else {
                "User"
            };
            let body = json!({ "Type": kind, "message": message, "Message": message }).to_string();
            ("application/json", body.into())
        }
        Protocol::Query => {
            let parts = [("Type", fault), ("Code", code), ("Message", message)];
            let parts = parts.map(|(name, text)| Xml::text(name, text)).to_vec();
            let error = Xml::node("Error", parts);
            let body = format!(
                "<ErrorResponse xmlns=\"{ERROR_NAMESPACE}\">{error}<RequestId>{id}</RequestId>\
                 </ErrorResponse>"
            );
            ("text/xml", body.into())
        }
        Protocol::RestXml => {
            let parts = [("Code", code), ("Message", message), ("RequestId", &id)];
            let parts = parts.map(|(name, text)| Xml::text(name, text)).to_vec();
            let body = Xml::node("Error", parts);
            let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
            ("application/xml", body.into())
        }
        Protocol::Cbor => (
            "application/cbor",
            cbor(&[("__type", code), ("message", message)]),
        ),
    };
    let mut answer = respond_bytes(status, content_type, body, &id);
    if let Ok(code) = HeaderValue::from_str(code) {
        answer.headers_mut().insert("x-amzn-errortype", code);
    }
    if *protocol == Protocol::Cbor {
        let protocol = HeaderValue::from_static("rpc-v2-cbor");
        answer.headers_mut().insert("smithy-protocol", protocol);
    }
    answer
}

fn json_type(asked: &str) -> &'static str {
    if asked.contains("json-1.0") {
        "application/x-amz-json-1.0"
    } else {
        "application/x-amz-json-1.1"
    }
}

fn respond(status: StatusCode, kind: &'static str, body: String, id: &str) -> Response<Bytes> {
    respond_bytes(status, kind, body.into(), id)
}

fn respond_bytes(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    id: &str,
) -> Response<Bytes> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-amzn-requestid", id);
    }
    answer
}

/// A map of texts in CBOR (RFC 8949): major type 5 with texts of major type 3.
fn cbor(entries: &[(&str, &str)]) -> Bytes {
    let mut bytes = vec![0xa0 | u8::try_from(entries.len()).unwrap_or(0)];
    for text in entries.iter().flat_map(|(key, value)| [key, value]) {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        bytes.push(0x7a);
        bytes.extend(length.to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(protocol: &Protocol) -> String {
        let error = AwsError::client("ThrottlingException", "Rate <exceeded>");
        let answer = error_answer(protocol, &error);
        assert_eq!(answer.status(), 400);
        let id = answer.headers()["x-amzn-requestid"]
            .to_str()
            .unwrap()
            .to_owned();
        String::from_utf8_lossy(answer.body()).replace(&id, "ID")
    }

    #[test]
    fn an_error_is_told_in_the_protocol_of_the_service() {
        let json = Protocol::Json {
            content_type: "application/x-amz-json-1.1".to_owned(),
        };
        assert_eq!(
            body(&json),
            r#"{"__type":"ThrottlingException","message":"Rate <exceeded>"}"#
        );
        assert_eq!(
            body(&Protocol::Query),
            "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
             <Error><Type>Sender</Type><Code>ThrottlingException</Code>\
             <Message>Rate &lt;exceeded&gt;</Message></Error><RequestId>ID</RequestId>\
             </ErrorResponse>"
        );
        assert_eq!(
            body(&Protocol::RestXml),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>ThrottlingException</Code>\
             <Message>Rate &lt;exceeded&gt;</Message><RequestId>ID</RequestId></Error>"
        );
        assert_eq!(
            body(&Protocol::RestJson),
            r#"{"Type":"User","message":"Rate <exceeded>","Message":"Rate <exceeded>"}"#
        );
    }
}
