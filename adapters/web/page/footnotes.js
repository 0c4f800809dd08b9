// Footnotes of an answer: marks in the text, the list of sources, and highlighting both together.

import { element, page } from "./elements.js";
import { shownAddress, sourceLink } from "./source-link.js";
import { text } from "./texts.js";

/** Replaces each "[number]" that `markFor` knows with its mark. */
export function setMarks(root, markFor) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) {
    if (!node.parentElement?.closest("code, pre, a")) setMarksIn(node, markFor);
  }
}

function setMarksIn(node, markFor) {
  const pieces = [];
  let end = 0;
  // Including the space before it: a footnote mark follows its word directly. Without one it is an index: `letters[1]`.
  for (const match of node.data.matchAll(/\w(?:\[\d+\])+|\s*\[([1-9]\d{0,2})\]/g)) {
    if (!match[1]) continue;
    const mark = markFor(Number(match[1]));
    if (!mark) continue;
    const between = node.data.slice(end, match.index);
    if (!between && pieces.length) mark.classList.add("next");
    pieces.push(between, mark);
    end = match.index + match[0].length;
  }
  if (pieces.length) node.replaceWith(...pieces, node.data.slice(end));
}

export function linkedMarks(sources) {
  const byNumber = new Map(sources.map((source) => [source.number, source]));
  return (number) => {
    const source = byNumber.get(number);
    if (!source) return null;
    const link = sourceLink(source, String(number));
    if (link.href) Object.assign(link, { role: "doc-noteref", ariaLabel: text("footnote", { number, title: source.title }) });
    return noted(number, element("sup", { className: "mark" }, link));
  };
}

function noted(number, node) {
  node.dataset.note = number;
  return node;
}

export function footnoteList(sources, headings) {
  const items = sources.map((source) => {
    const number = element("span", { className: "number" }, String(source.number));
    return noted(source.number, element("li", {}, number, sourceEntry(source, headings)));
  });
  const list = element("ol", { role: "list" }, ...items);
  return element("section", { className: "sources footnotes", role: "doc-endnotes", ariaLabel: text("footnotesLabel") }, list);
}

export function nearestList(posts, headings) {
  const items = posts.map((post) => element("li", {}, sourceEntry(post, headings)));
  const list = element("ul", { role: "list" }, ...items);
  return element("section", { className: "sources nearest" }, element("h3", {}, text("nearest")), list);
}

function sourceEntry(source, headings) {
  const address = shownAddress(source.url);
  const entry = element("div", {}, sourceLink(source, source.title || address));
  if (source.month) entry.append(element("span", { className: "month" }, source.month));
  const heading = headings[source.url];
  if (heading) entry.append(element("span", { className: "place" }, heading));
  entry.append(element("span", { className: "address" }, address));
  return entry;
}

export function highlight({ type, target }) {
  for (const node of page.log.querySelectorAll(".lit")) node.classList.remove("lit");
  const note = target.closest("[data-note]");
  if (!note || type === "pointerout" || type === "focusout") return;
  for (const node of note.closest("article").querySelectorAll(`[data-note="${note.dataset.note}"]`)) {
    node.classList.add("lit");
  }
}
