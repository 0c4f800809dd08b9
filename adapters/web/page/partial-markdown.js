// Renders unfinished Markdown without blocks that change type or lines that jump.

import { element } from "./elements.js";

/** Withholds or closes constructs whose type depends on the next characters. */
export function steady(text) {
  const lastLine = text.slice(text.lastIndexOf("\n") + 1);
  if (/^[ \t>]*(`{3,}[^`]*|~{3,}[^~]*|`{1,2}|~{1,2})$/.test(lastLine)) return text.slice(0, -lastLine.length);
  const fences = text.match(/^[ \t>]*(```|~~~)/gm) ?? [];
  if (fences.length % 2) return text;
  if (/^[ \t>]*([-=*+#_]+|\d+[.)]?)[ \t]*$/.test(lastLine)) return text.slice(0, -lastLine.length);
  // A table is recognized only from its second line.
  const table = text.match(/(?:^|\n\n)[ \t]*\|[^\n]*(?:\n[ \t|:-]*)?$/);
  if (table) return text.slice(0, table.index);
  return closeInline(text.replace(/\s*\[\d{0,3}$|\[[^\[\]\n]*\]\([^()\n]*$/, ""));
}

function closeInline(text) {
  const block = text.slice(text.lastIndexOf("\n\n") + 1);
  if ((block.match(/`/g)?.length ?? 0) % 2) return /`$/.test(text) ? text.slice(0, -1) : `${text}\``;
  const strong = block.replace(/`[^`]*`/g, "").match(/\*\*/g)?.length ?? 0;
  if (strong % 2) return /\*\*$/.test(text) ? text.slice(0, -2) : `${text.replace(/\*$/, "").trimEnd()}**`;
  return text;
}

const BLOCKS = "p, ul, ol, li, blockquote, h3, h4, h5, h6, div, pre, pre > code, table, thead, tbody, tr, td, th";

export function placeCaret(root) {
  let node = root;
  while (node.lastElementChild?.matches(BLOCKS) && !node.lastElementChild.nextSibling?.data?.trim()) {
    node = node.lastElementChild;
  }
  node.append(element("span", { className: "caret", ariaHidden: "true" }));
}

/** Replaces nodes from the first that differs, to keep a selection above it. */
export function patch(container, fragment) {
  const fresh = [...fragment.childNodes];
  let same = 0;
  while (same < fresh.length && container.childNodes[same]?.isEqualNode(fresh[same])) same += 1;
  while (container.childNodes.length > same) container.lastChild.remove();
  container.append(...fresh.slice(same));
}
