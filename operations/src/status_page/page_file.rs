use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Response, StatusCode};

/// A file of the status page. It has nothing of the program, so everybody may read it: a browser cannot send the token when it
/// opens a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageFile {
    path: &'static str,
    kind: &'static str,
    content: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file in the folder `files`.
macro_rules! page_file {
    ($path:literal, $kind:expr, $name:literal) => {
        PageFile { path: $path, kind: $kind, content: include_str!(concat!("files/", $name)) }
    };
}

const FILES: [PageFile; 10] = [
    page_file!("/", HTML, "index.html"),
    page_file!("/page/style.css", CSS, "style.css"),
    page_file!("/page/main.js", SCRIPT, "main.js"),
    page_file!("/page/event_stream.js", SCRIPT, "event_stream.js"),
    page_file!("/page/program_state.js", SCRIPT, "program_state.js"),
    page_file!("/page/peer_table.js", SCRIPT, "peer_table.js"),
    page_file!("/page/peer_map.js", SCRIPT, "peer_map.js"),
    page_file!("/page/plot.js", SCRIPT, "plot.js"),
    page_file!("/page/lists.js", SCRIPT, "lists.js"),
    page_file!("/page/write.js", SCRIPT, "write.js"),
];

/// Only files of this endpoint run and are shown, and the page connects to nothing else. Text can never become markup:
/// `trusted-types 'none'` makes the browser refuse `innerHTML` and its like.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

impl PageFile {
    /// The file at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        FILES.into_iter().find(|file| file.path == path)
    }

    /// The file, or 304 if the client has it already.
    pub(crate) fn reply(self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let tag = self.tag();
        let is_known = headers.get_all(IF_NONE_MATCH).iter().any(|tags| {
            tags.to_str()
                .is_ok_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag))
        });
        let content = if is_known { "" } else { self.content };
        let mut reply = Response::new(Full::new(Bytes::from_static(content.as_bytes())));
        if is_known {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let set = reply.headers_mut();
        set.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        set.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        set.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        set.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        // Kept, and checked at each use: after an upgrade no file is that of the version before.
        set.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            set.insert(ETAG, tag);
        }
        reply
    }

    /// Changes with the content: FNV-1a (draft-eastlake-fnv), which is enough where nobody gains from a collision.
    fn tag(self) -> String {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        format!("\"{:016x}\"", self.content.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::{CONTENT_SECURITY_POLICY, ETAG, HeaderValue, IF_NONE_MATCH};

    use super::{FILES, PageFile};

    #[test]
    fn every_file_that_a_file_names_is_served_and_none_is_of_another_origin() {
        let mut named = Vec::new();
        for file in FILES {
            let text = file.content.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !text.contains("//www") && !text.contains("http:") && !text.contains("https:"),
                "{}",
                file.path
            );
            let quoted = text.split('"').skip(1).step_by(2);
            let files = quoted.filter(|name| name.ends_with(".js") || name.ends_with(".css"));
            named.extend(
                files.map(|name| {
                    format!("/page/{}", name.trim_start_matches("./").trim_start_matches("page/"))
                }),
            );
        }
        for file in FILES.iter().filter(|file| file.path != "/") {
            assert!(named.iter().any(|name| name == file.path), "no file needs {}", file.path);
        }
        for name in named {
            assert!(PageFile::at(&name).is_some(), "{name} is not served");
        }
    }

    #[test]
    fn no_script_makes_markup_or_code_of_text() {
        for file in FILES {
            for sink in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                " onclick=",
                " style=",
            ] {
                assert!(!file.content.contains(sink), "{} has {sink}", file.path);
            }
        }
    }

    #[test]
    fn a_browser_that_has_a_file_already_gets_its_head_only() {
        let file = PageFile::at("/").unwrap();
        let whole = file.reply(&HeaderMap::new());
        assert_eq!(whole.status(), 200);
        let policy = whole.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
            "{policy}"
        );
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, whole.headers()[ETAG].clone());
        assert_eq!(file.reply(&headers).status(), 304);
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"0\""));
        assert_eq!(file.reply(&headers).status(), 200);
    }
}
