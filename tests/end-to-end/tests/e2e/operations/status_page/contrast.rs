use end_to_end::until;

use super::open;
use crate::operations::browser::Browser;
use crate::operations::stub_program::StubProgram;

/// Each text that is shown with less than 4.5 : 1 against what is behind it (WCAG 2.2, success criterion 1.4.3), and how many texts
/// were looked at.
const FAINT_TEXTS: &str = r#"
    const parse = (color) => {
        const [red, green, blue, alpha] = color.match(/[\d.]+/g).map(Number);
        return { rgb: [red, green, blue], alpha: alpha ?? 1 };
    };
    const light = ({ rgb }) => {
        const [red, green, blue] = rgb.map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = parse(getComputedStyle(one).backgroundColor);
            if (color.alpha === 1) return color;
        }
        return parse(getComputedStyle(document.body).backgroundColor);
    };
    const texts = [...document.querySelectorAll('body *')].filter((element) =>
        element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    const faint = [];
    for (const element of texts) {
        const style = getComputedStyle(element);
        const color = element instanceof SVGElement ? style.fill : style.color;
        const [one, other] = [light(parse(color)), light(ground(element))].sort((a, b) => b - a);
        const ratio = (one + 0.05) / (other + 0.05);
        if (ratio < 4.5) faint.push(`${element.textContent}: ${ratio.toFixed(2)}`);
    }
    return [texts.length, faint, getComputedStyle(document.body).backgroundColor];
"#;

#[test]
fn texts_are_readable_in_light_and_in_dark_and_no_condition_is_shown_by_its_colour_only() {
    let (folder, stub) = (end_to_end::Folder::new(), StubProgram::start(30, 3));
    stub.notices.note("gap", "events lost on D", 3);
    let browser = Browser::start(&folder);
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        open(&browser, stub.endpoint());
        until("slow agents are shown", || browser.text("#peers").contains("slow").then_some(()));
        let looked = browser.script(FAINT_TEXTS);
        assert!(looked[0].as_u64().is_some_and(|texts| texts > 60), "{looked}");
        assert_eq!(looked[1], serde_json::json!([]), "{scheme}");
        grounds.push(looked[2].to_string());
    }
    assert_ne!(grounds[0], grounds[1], "the page follows what the browser prefers");
    let signs =
        browser.script("return [...document.querySelectorAll('#map .slow')].map((cell) => cell.textContent)");
    assert_eq!(signs, serde_json::json!(["▲", "▲", "▲"]));
    browser.devtools(
        "Emulation.setEmulatedMedia",
        &serde_json::json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] }),
    );
    let moving = browser.script("return document.getAnimations().length");
    assert_eq!(moving, 0);
}
