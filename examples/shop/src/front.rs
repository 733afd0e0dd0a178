//! What customers see: a page for the shop, one for each book, a style sheet and a script that orders. Its faults
//! leave every answer at 200.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::{BOOKS, Fault, Shop};

const STYLE: &str = include_str!("front/shop.css");
/// What a release whose order box was never tried on a phone has as well.
const WIDE_STYLE: &str = "\n.order { width: 44rem; margin-left: 4rem; }\n";
const SCRIPT: &str = include_str!("front/shop.js");

/// The first page.
pub(crate) async fn home(State(shop): State<Arc<Shop>>) -> Html<String> {
    let item = |(id, title, cents): &(u32, &str, u32)| {
        format!(
            "<li><a href=\"/books/{id}\">{title}</a>, {} EUR</li>",
            price(*cents)
        )
    };
    let items: String = BOOKS.iter().map(item).collect();
    let body = format!("<h1>Welcome</h1><ul class=\"books\">{items}</ul>");
    page(&shop, "Book shop", &body)
}

/// One book, and the form that orders it.
pub(crate) async fn book(State(shop): State<Arc<Shop>>, Path(id): Path<u32>) -> Response {
    let Some((id, title, cents)) = BOOKS.iter().find(|(known, ..)| *known == id) else {
        let missing = page(&shop, "No such book", "<h1>No such book</h1>");
        return (StatusCode::NOT_FOUND, missing).into_response();
    };
    let price = price(*cents);
    let body = format!(
        "<h1>{title}</h1><p class=\"price\">{price} EUR</p>\
         <form class=\"order\" data-book=\"{id}\">\
         <label>Mail <input name=\"mail\" type=\"email\" autocomplete=\"email\" required></label>\
         <label>Copies <select name=\"quantity\"><option>1</option><option>2</option><option>3</option></select></label>\
         <button id=\"buy\" type=\"submit\">Buy now</button></form>\
         <p role=\"status\" aria-live=\"polite\"></p><p><a href=\"/\">All books</a></p>"
    );
    page(&shop, title, &body).into_response()
}

/// The style sheet.
pub(crate) async fn style(State(shop): State<Arc<Shop>>) -> Response {
    let mut style = STYLE.to_owned();
    if shop.settings.shop_fault == Fault::PhoneLayout {
        style.push_str(WIDE_STYLE);
    }
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response()
}

/// The script.
pub(crate) async fn script(State(shop): State<Arc<Shop>>) -> Response {
    let script = match shop.settings.shop_fault {
        // The form was renamed, and the script was not.
        Fault::DeadButton => SCRIPT.replace("form.order", "form.purchase"),
        Fault::Throws => format!("{SCRIPT}\nrecommendations.load();\n"),
        _ => SCRIPT.to_owned(),
    };
    let kind = "text/javascript; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], script).into_response()
}

fn price(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn page(shop: &Shop, title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/assets/shop.css\">\
         <script src=\"/assets/shop.js\" defer></script></head><body><main>{body}</main>\
         <footer>Version {}</footer></body></html>",
        shop.settings.shop_version
    ))
}
