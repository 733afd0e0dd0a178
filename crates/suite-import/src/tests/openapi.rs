//! Where a description says that requests go, and what it says that they are answered with.

use super::shown;

#[test]
fn a_server_of_a_path_or_an_operation_replaces_that_of_the_description() {
    insta::assert_snapshot!(shown(
        r#"
openapi: 3.0.3
info: { title: Shop }
servers: [ { url: "https://shop.example.com/v1" } ]
paths:
  /books:
    get: { responses: { "200": { description: all } } }
  /covers:
    servers: [ { url: "https://Shop.example.com/static/" } ]
    get: { responses: { "200": { description: all } } }
    head:
      servers: [ { url: "https://cdn.example.com" }, { url: "/heads" } ]
      responses: { "200": { description: all } }
  /images:
    get:
      servers: [ { url: "https://{region}.cdn.example.com/v1", variables: { region: { default: eu } } } ]
      responses: { "200": { description: all } }
"#
    ), @r#"
    version: 1
    name: Shop
    checks:
      - name: "GET /books"
        http: "GET /v1/books"
        expect:
          - { status: 200 }
      - name: "GET /covers"
        http: "GET /static/covers"
        expect:
          - { status: 200 }
      - name: "HEAD /covers"
        http: "HEAD /heads/covers"
        expect:
          - { status: 200 }
    left out:
    15: GET /images: it has a server of its own, https://eu.cdn.example.com, and the release is taken to be https://shop.example.com
    "#);
}

#[test]
fn what_is_expected_holds_of_every_documented_answer() {
    insta::assert_snapshot!(shown(
        r#"
openapi: 3.0.3
info: { title: Shop }
paths:
  /next:
    get:
      responses:
        "200": { description: one, content: { application/json: { schema: { type: object } } } }
        "204": { description: none }
        "404": { description: never }
  /empty:
    get: { responses: { "200": { description: one }, "204": { description: none } } }
  /old:
    get: { responses: { "302": { description: moved }, "404": { description: never } } }
  /older:
    get: { responses: { "301": { description: moved }, 3XX: { description: moved } } }
  /cached:
    get: { responses: { "200": { description: one }, "304": { description: same } } }
  /known:
    get: { responses: { "304": { description: same } } }
"#
    ), @r#"
    version: 1
    name: Shop
    checks:
      - name: "GET /next"
        http: "GET /next"
        expect:
          - status: [200, 204]
      - name: "GET /empty"
        http: "GET /empty"
        expect:
          - status: [200, 204]
      - name: "GET /old"
        http: "GET /old"
        expect:
          - { status: 302 }
      - name: "GET /older"
        http: "GET /older"
        expect:
          - { status: "3xx" }
      - name: "GET /cached"
        http: "GET /cached"
        expect:
          - { status: 200 }
      - { name: "GET /known", http: "GET /known" }
    left out:
    7: GET /next: it answers with several statuses, so no body is expected
    "#);
}
