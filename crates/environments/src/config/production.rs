//! Whether a name looks like production. A guard against mistakes, so it rather says yes: a development
//! service that is called like that can be named in `not_production`.

/// Whole words that mean production.
const PRODUCTION_WORDS: [&str; 6] = ["prod", "production", "productive", "prd", "live", "prodn"];

/// The word in a name that looks like production, if there is one.
///
/// Words are separated by anything but letters and digits, by capitals, and after digits: `shop-prod`,
/// `prod2`, `shopProd`, `PROD_EU`, `eu1prd`, `LIVEshop`. A word that contains `prod` looks like it, too (`preprod`, `prodeu`),
/// unless it goes on to a product or a producer.
pub fn looks_like_production(name: &str) -> Option<String> {
    words(name).into_iter().find(|word| {
        let letters = word.trim_matches(|c: char| c.is_ascii_digit());
        PRODUCTION_WORDS.contains(&letters) || contains_prod(letters)
    })
}

fn contains_prod(word: &str) -> bool {
    word.match_indices("prod").any(|(at, _)| {
        let rest = &word[at + "prod".len()..];
        let product = rest.starts_with("uct") && !rest.starts_with("uction");
        // `PRODUCTcatalog` may also be read as `PRODUC` and `Tcatalog`.
        let cut = rest == "uc";
        !product && !cut && !rest.starts_with("uce") && !rest.starts_with("igy")
    })
}

fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = words_by(&letters, ends_before_the_last_capital);
    words.extend(words_by(&letters, ends_after_the_capitals));
    words
}

/// Where several capitals are followed by small letters, it is not known whose the last capital is.
fn words_by(letters: &[char], is_edge: fn(&[char], usize) -> bool) -> Vec<String> {
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let starts = before.is_some_and(|before| {
            (before.is_lowercase() && letter.is_uppercase())
                || (before.is_ascii_digit() && letter.is_alphabetic())
        });
        if !letter.is_alphanumeric() || starts || is_edge(letters, at) {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            let last = words.last_mut().expect("there is always one");
            last.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `LIVE` and `Shop`.
fn ends_before_the_last_capital(letters: &[char], at: usize) -> bool {
    at > 0
        && letters[at - 1].is_uppercase()
        && letters[at].is_uppercase()
        && letters.get(at + 1).is_some_and(|next| next.is_lowercase())
}

/// `LIVE` and `shop`.
fn ends_after_the_capitals(letters: &[char], at: usize) -> bool {
    at > 1
        && letters[at - 2].is_uppercase()
        && letters[at - 1].is_uppercase()
        && letters[at].is_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_looking_names() {
        for name in [
            "prod",
            "shop-prod",
            "device-prod",
            "prod-eu",
            "prod2",
            "2prod",
            "PROD",
            "shopProd",
            "shop_production",
            "Production",
            "shop.live",
            "live",
            "live1",
            "prd-shop",
            "preprod",
            "prodeu",
            "shopprod",
            "non-prod",
            "productionshop",
            "liveShop",
            "eu1prd",
            "use1prd-api",
            "eu1PRD2",
            "2live",
            "LIVEshop",
            "LIVEShop",
            "shopLIVEeu",
            "EUProd",
            "PRDeu",
        ] {
            assert!(looks_like_production(name).is_some(), "{name}");
        }
        for name in [
            "dev",
            "shop",
            "product",
            "products-api",
            "product-catalog",
            "producer",
            "delivery",
            "olive",
            "liveness",
            "alive",
            "prodigy",
            "reproducer",
            "staging",
            "Delivery",
            "OLIVEshop",
            "HTTPServer",
            "v2delivery",
            "1product",
            "PRODUCTcatalog",
            "",
        ] {
            assert_eq!(looks_like_production(name), None, "{name}");
        }
    }
}
