//! What every page has around what it says: one file that needs nothing beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A whole page.
pub(crate) struct Page<'a> {
    /// The name of the window.
    pub(crate) title: &'a str,
    /// What kind of page it is, and of what, above the headline.
    pub(crate) kind: Markup,
    /// What it says, in one sentence.
    pub(crate) headline: &'a str,
    /// What belongs to the headline.
    pub(crate) below: Markup,
    /// All else.
    pub(crate) body: Markup,
    /// Who wrote it, and when.
    pub(crate) foot: Markup,
}

impl Page<'_> {
    /// As the text of an HTML file.
    pub(crate) fn render(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    // Or a browser that got the page from a server would ask that for one.
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        p.kind { (self.kind) }
                        h1 { (self.headline) }
                        (self.below)
                    }
                    main { (self.body) }
                    footer { (self.foot) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }
}

/// What a browser may do with the page: nothing is fetched, and nothing runs but the script above,
/// whatever a file's name or a note might contain.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_needs_nothing_from_elsewhere_and_lets_nothing_else_run() {
        let page = Page {
            title: "<b>",
            kind: html! { "a kind" },
            headline: "Fine & <script>alert(1)</script>.",
            below: html! {},
            body: html! {},
            foot: html! {},
        };
        let text = page.render();
        for remote in ["http://", "https://", "url(", "@import", "src="] {
            let found = text.replace("http://www.w3.org/", "");
            assert!(!found.contains(remote), "{remote}");
        }
        assert!(text.contains("<title>&lt;b&gt;</title>"), "{text}");
        assert_eq!(text.matches("<script>").count(), 1);
        assert!(text.contains("script-src 'sha256-"), "{text}");
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
    }
}
