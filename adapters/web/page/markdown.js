// Renders the Markdown of answers and posts into safe nodes, with links only to known sources.

import { copyButton } from "./copy-button.js";
import { element } from "./elements.js";
import { absolute, sourceLink } from "./source-link.js";
import { Marked } from "./vendor/marked.esm.js";
import "./vendor/purify.min.js";

const { DOMPurify } = globalThis;

const FORMATTING = [
  "b", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "kbd",
  "li", "ol", "p", "pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
];
const LAYOUT = [
  "a", "abbr", "article", "aside", "center", "cite", "details", "div", "figcaption", "figure", "font", "footer",
  "header", "img", "ins", "main", "mark", "nav", "picture", "q", "section", "small", "source", "span", "summary",
  "time", "u", "var", "wbr",
];
const SAFE = {
  ALLOWED_TAGS: ["a", ...FORMATTING],
  ALLOWED_ATTR: ["align", "href", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  // A fragment goes from the sanitizer into the page without becoming a string, so no sink needs trusted HTML.
  RETURN_DOM_FRAGMENT: true,
};

/**
 * Keeps bare formatting tags, drops layout tags and shows all others as text. DOMPurify alone would be safe,
 * but an unclosed <style> or <!-- would swallow the rest of an answer.
 */
function plainHtml(html) {
  return html.replace(/<!--[^]*?-->|<(\/?)([a-z][a-z0-9-]*)(?:[\s/][^<>]*)?>|[<>]/gi, (found, slash, tag) => {
    const name = tag?.toLowerCase();
    if (FORMATTING.includes(name)) return `<${slash}${name}>`;
    if (found.startsWith("<!--") || LAYOUT.includes(name)) return "";
    return found.replace("<", "&lt;").replace(">", "&gt;");
  });
}

const MARKED = {
  gfm: true,
  walkTokens(token) {
    // The page itself uses the first two levels.
    if (token.type === "heading") token.depth = Math.min(6, token.depth + 2);
    // marked treats text between raw <script> or <kbd> tags as escaped, which it is not.
    if (token.type === "text") token.escaped = false;
  },
  renderer: {
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    html: ({ text }) => plainHtml(text),
  },
};
const ofPosts = new Marked(MARKED);
// In an answer, "[1]: …" must not define the target of every "[1]".
const ofAnswers = new Marked(MARKED, { tokenizer: { def: () => undefined } });

export function renderPost(text) {
  return rendered(ofPosts.parse(text), []);
}

export function renderAnswer(text, sources = []) {
  return rendered(ofAnswers.parse(text), sources);
}

function rendered(html, sources) {
  const fragment = DOMPurify.sanitize(html, SAFE);
  keepSourceLinks(fragment, sources);
  fragment.querySelectorAll("pre").forEach(addCopyButton);
  fragment.querySelectorAll("table").forEach((table) => frame(table, "table"));
  return fragment;
}

function keepSourceLinks(fragment, sources) {
  const known = new Map(sources.map((source) => [absolute(source.url), source]));
  for (const link of fragment.querySelectorAll("a")) {
    const source = known.get(absolute(link.getAttribute("href")));
    const number = link.textContent.match(/^\[?(\d+)\]?$/)?.[1];
    if (source && Number(number) === source.number) link.replaceWith(`[${number}]`);
    else if (source) link.replaceWith(sourceLink(source, ...link.childNodes));
    else link.replaceWith(...link.childNodes);
  }
  // Rejoin marks that a link had split.
  fragment.normalize();
}

function addCopyButton(pre) {
  // Otherwise the caret of a growing answer would be on its own line.
  const code = pre.querySelector("code") ?? pre;
  code.textContent = code.textContent.replace(/\n$/, "");
  frame(pre, "code", copyButton("copy-code", "Copy this code", () => pre.textContent));
}

function frame(node, className, ...before) {
  const around = element("div", { className });
  node.replaceWith(around);
  around.append(...before, node);
}
