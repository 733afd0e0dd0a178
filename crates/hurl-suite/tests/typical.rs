//! Files as teams have them: each is taken, but for the lines that are said to be refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gate::Stage;
use hurl_suite::Inputs;

/// The lines at which a file is refused.
fn refused_at(file: &str, vars: &[&str]) -> Vec<usize> {
    let given = Inputs {
        vars: vars
            .iter()
            .map(|name| ((*name).to_owned(), "value".to_owned()))
            .collect(),
        secrets: Vec::new(),
    };
    match hurl_suite::suite("typical.hurl", file, &given) {
        Ok(suite) => {
            let plan = suite.plan_at(Stage::PreTraffic);
            assert_eq!(plan.checks.len(), 1);
            assert!(!plan.checks[0].asks.is_empty());
            Vec::new()
        }
        Err(problems) => {
            let lines = problems.problems.iter();
            lines.map(|problem| problem.line).collect()
        }
    }
}

#[test]
fn a_health_check() {
    let file = r#"# Is it up?
GET {{base_url}}/health
Accept: application/json
[Options]
retry: 10
retry-interval: 2s
HTTP 200
Content-Type: application/json
[Asserts]
jsonpath "$.status" == "UP"
jsonpath "$.components.db.status" == "UP"
header "Cache-Control" contains "no-store"
duration < 1000
"#;
    assert_eq!(refused_at(file, &[]), [0; 0]);
}

#[test]
fn a_resource_is_made_changed_and_removed() {
    let file = r#"
POST {{host}}/api/articles
Authorization: Bearer {{token}}
{
  "title": "A title {{newUuid}}",
  "tags": ["a", "b"],
  "published": false,
  "rank": 1.5
}
HTTP 201
Location: /api/articles/new
[Captures]
id: jsonpath "$.id"
[Asserts]
jsonpath "$.title" startsWith "A title"
jsonpath "$.tags" count == 2
jsonpath "$.tags" includes "a"
jsonpath "$.published" == false
jsonpath "$.author" isObject
jsonpath "$.deleted" not exists

# Read back
GET {{host}}/api/articles/{{id}}
Authorization: Bearer {{token}}
HTTP 200
[Asserts]
jsonpath "$.id" == {{id}}

PUT {{host}}/api/articles/{{id}}
Authorization: Bearer {{token}}
{ "id": {{id}}, "title": "Other" }
HTTP 200

DELETE {{host}}/api/articles/{{id}}
Authorization: Bearer {{token}}
HTTP 204

GET {{host}}/api/articles/{{id}}
HTTP 404
"#;
    assert_eq!(refused_at(file, &["token"]), [0; 0]);
}

#[test]
fn a_login_by_form() {
    let file = r#"
GET {{host}}/login
HTTP 200
[Captures]
csrf_token: xpath "string(//meta[@name='csrf']/@content)"
[Asserts]
xpath "//h1" count == 1
cookie "session" exists
cookie "session[HttpOnly]" exists

POST {{host}}/login
[Form]
user: demo
password: {{password}}
csrf: {{csrf_token}}
HTTP 302
[Asserts]
header "Location" == "/home"

GET {{host}}/home
HTTP 200
[Asserts]
body contains "Welcome"
header "Set-Cookie" not exists
"#;
    // XPath is refused; everything else of the file is read all the same.
    assert_eq!(refused_at(file, &["password"]), [5, 7]);
}

#[test]
fn a_search_by_graphql() {
    let file = r#"
POST {{host}}/graphql
```graphql
query Books($first: Int!) {
  books(first: $first) { title author { name } }
}
variables { "first": 2 }
```
HTTP 200
[Asserts]
jsonpath "$.errors" not exists
jsonpath "$.data.books" count == 2
jsonpath "$.data.books" nth 0 exists
jsonpath "$.data.books[0].author.name" isString
jsonpath "$.data.books[*].title" count >= 2
"#;
    assert_eq!(refused_at(file, &[]), [0; 0]);
}

#[test]
fn redirects_and_old_pages() {
    let file = r#"
GET {{host}}/old
HTTP 301
Location: https://www.example.com/new
[Asserts]
header "Location" matches /^https:\/\/www\./

GET {{host}}/moved
[Options]
location: true
max-redirs: 5
HTTP 200
[Asserts]
url endsWith "/new"
redirects count == 1

GET {{host}}/robots.txt
HTTP 200
```
User-agent: *
Disallow: /admin
```

HEAD {{host}}/image.png
HTTP/1.1 200
Content-Type: image/png
"#;
    // A version of HTTP is not judged.
    assert_eq!(refused_at(file, &[]), [25]);
}

#[test]
fn a_service_of_soap_and_an_upload() {
    let file = r#"
POST {{host}}/soap
Content-Type: text/xml; charset=utf-8
SOAPAction: "urn:Price"
<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
  <s:Body><m:Price xmlns:m="urn:shop"><m:Book>7</m:Book></m:Price></s:Body>
</s:Envelope>
HTTP 200
[Asserts]
body contains "<m:Price>"

POST {{host}}/upload
[Multipart]
title: A cover
cover: file,cover.png;
HTTP 201
"#;
    assert_eq!(refused_at(file, &[]), [16]);
}

#[test]
fn what_a_file_of_many_options_says() {
    let file = r#"
GET https://shop.example.com/api
[Options]
verbose: true
compressed: true
max-time: 10s
insecure: true
delay: 500ms
HTTP 200
[Asserts]
status >= 200
jsonpath "$.items" not isEmpty
jsonpath "$.total" isInteger
"#;
    assert_eq!(refused_at(file, &[]), [7, 8, 12, 13]);
}
