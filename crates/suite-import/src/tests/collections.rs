//! Folders of collections: what is said in one holds for it alone.

use serde_json::{Value, json};

use super::shown;

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

#[test]
fn a_variable_of_a_folder_of_postman_holds_in_that_folder() {
    let asked = |name: &str, url: &str| {
        let pin = json!([{ "key": "x-pin", "value": "{{pin}}" }]);
        json!({ "name": name, "request": { "method": "GET", "url": url, "header": pin } })
    };
    let variable = |key: &str, value: &str| json!({ "key": key, "value": value });
    let secret = |value: &str| json!({ "key": "pin", "value": value, "type": "secret" });
    let shop: Value = json!({
        "info": { "name": "Shop", "schema": SCHEMA },
        "variable": [variable("base", "https://shop.example.com"), variable("version", "v1"), secret("1111-2222")],
        "item": [
            {
                "name": "New",
                "variable": [variable("version", "v2"), variable("shelf", "b"), secret("3333-4444")],
                "item": [asked("Inside", "{{base}}/{{version}}/{{shelf}}")],
            },
            asked("Outside", "{{base}}/{{version}}/books"),
            asked("Unknown", "{{base}}/books?shelf={{shelf}}"),
        ],
    });
    insta::assert_snapshot!(shown(&shop.to_string()), @r#"
    version: 1
    name: Shop
    vars: { version: v2, shelf: b, version_2: v1 }
    secrets: { pin: "env:PIN", pin_2: "env:PIN_2", shelf_2: "env:SHELF_2" }
    checks:
      - name: "New: Inside"
        http:
          url: "/{{ version }}/{{ shelf }}"
          headers: { x-pin: "{{ pin }}" }
          follow_redirects: true
      - name: Outside
        http:
          url: "/{{ version_2 }}/books"
          headers: { x-pin: "{{ pin_2 }}" }
          follow_redirects: true
      - name: Unknown
        http:
          url: /books
          query: { shelf: "{{ shelf_2 }}" }
          headers: { x-pin: "{{ pin_2 }}" }
          follow_redirects: true
    left out:
    "#);
}

#[test]
fn a_variable_of_a_folder_of_bruno_holds_in_that_folder() {
    let shop = r#"
opencollection: 1.0.0
info: { name: Shop }
request: { variables: [ { name: base, value: "http://localhost:8080" }, { name: version, value: v1 } ] }
items:
  - info: { name: New, type: folder }
    request: { variables: [ { name: version, value: v2 } ] }
    items:
      - info: { name: Inside, type: http }
        http: { method: GET, url: "{{base}}/{{version}}/books" }
  - info: { name: Outside, type: http }
    http: { method: GET, url: "{{base}}/{{version}}/books" }
"#;
    insta::assert_snapshot!(shown(shop), @r#"
    version: 1
    name: Shop
    vars: { version: v2, version_2: v1 }
    checks:
      - name: "New: Inside"
        http: { url: "/{{ version }}/books", follow_redirects: true }
      - name: Outside
        http: { url: "/{{ version_2 }}/books", follow_redirects: true }
    left out:
    "#);
}

#[test]
fn a_test_of_the_whole_collection_is_listed() {
    let fast = "pm.test('fast', () => pm.expect(pm.response.responseTime).to.be.below(200));";
    let shop = json!({
        "info": { "name": "Shop", "schema": SCHEMA },
        "event": [{ "listen": "test", "script": { "exec": [fast] } }],
        "item": [{ "name": "Home", "request": { "method": "GET", "url": "https://shop.example.com/" } }],
    });
    let suite = shown(&shop.to_string());
    assert!(
        suite.contains("the collection: a test of all that is in it"),
        "{suite}"
    );
}
