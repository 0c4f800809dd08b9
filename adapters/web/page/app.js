import { Marked } from "./vendor/marked.esm.js";
import "./vendor/purify.min.js";

const { DOMPurify } = globalThis;

const BROKE_OFF = "The connection broke off.";
const STOPPED = "You stopped this answer.";
const NOT_OPENED = "This post could not be opened.";
const OFFLINE = "Offline mode: answers are quoted from the posts, no language model is used.";

const byId = (id) => document.getElementById(id);
const page = {
  name: byId("name"),
  intro: byId("intro"),
  examples: byId("examples"),
  log: byId("log"),
  form: byId("composer"),
  question: byId("question"),
  ask: byId("ask"),
  stop: byId("stop"),
  forget: byId("new-conversation"),
  progress: byId("progress"),
  status: byId("status"),
  announcer: byId("announcer"),
  post: byId("post"),
  postTitle: byId("post-title"),
  postAddress: byId("post-address"),
  postText: byId("post-text"),
  postClose: byId("post-close"),
};

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

// Addresses

/** "web" opens in a new tab, "post" opens in the dialog, "text" is never a link. */
function addressKind(url) {
  if (typeof url !== "string" || !url || url !== url.trim() || /[\u0000-\u001f\u007f\\]/.test(url)) return "text";
  if (/^https?:\/\//i.test(url)) return URL.canParse(url) ? "web" : "text";
  if (/^[a-z][a-z0-9+.-]*:/i.test(url) || url.startsWith("//")) return "text";
  return "post";
}

function shownAddress(url) {
  if (addressKind(url) !== "web") return String(url);
  const { host, pathname, search } = new URL(url);
  try {
    return host.replace(/^www\./, "") + decodeURIComponent(pathname + search).replace(/\/$/, "");
  } catch {
    return host.replace(/^www\./, "") + pathname;
  }
}

function absolute(url) {
  return URL.canParse(url, document.baseURI) ? new URL(url, document.baseURI).href : null;
}

function sourceLink(source, ...content) {
  const kind = addressKind(source.url);
  if (kind === "text") return element("span", { title: source.title }, ...content);
  const link = element("a", { title: source.title }, ...content);
  link.setAttribute("href", source.url);
  if (kind === "web") {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  } else {
    link.className = "post-link";
    link.setAttribute("aria-haspopup", "dialog");
  }
  return link;
}

// Markdown to nodes

const FORMATTING = [
  "b", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "kbd",
  "li", "ol", "p", "pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
];
const LAYOUT = [
  "a", "abbr", "article", "aside", "center", "cite", "details", "div", "figcaption", "figure", "font", "footer",
  "header", "img", "ins", "main", "mark", "nav", "picture", "q", "section", "small", "source", "span", "summary", "time",
  "u", "var", "wbr",
];
const ALLOWED = {
  ALLOWED_TAGS: ["a", ...FORMATTING],
  ALLOWED_ATTR: ["align", "href", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  // A fragment goes from the sanitiser into the page without becoming a string again, so no sink needs trusted HTML.
  RETURN_DOM_FRAGMENT: true,
};

/**
 * Keeps bare formatting tags, drops those of layout and shows every other tag as text. DOMPurify alone would be safe,
 * but one unclosed <style> or <!-- would swallow the rest of an answer.
 */
function plainHtml(html) {
  return html.replace(/<!--[^]*?-->|<(\/?)([a-z][a-z0-9-]*)(?:[\s/][^<>]*)?>|[<>]/gi, (found, slash, tag) => {
    const name = tag?.toLowerCase();
    if (FORMATTING.includes(name)) return `<${slash}${name}>`;
    if (found.startsWith("<!--") || LAYOUT.includes(name)) return "";
    return found.replace(/</g, "&lt;").replace(/>/g, "&gt;");
  });
}

const MARKED = {
  gfm: true,
  walkTokens(token) {
    // The page's own headings take the first two levels.
    if (token.type === "heading") token.depth = Math.min(6, token.depth + 2);
    // Text between raw <script> or <kbd> tags counts as escaped, which it is not.
    if (token.type === "text") token.escaped = false;
  },
  renderer: {
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    html: ({ text }) => plainHtml(text),
  },
};
const postMarkdown = new Marked(MARKED);
// In an answer "[1]: …" must not define where every "[1]" points to.
const answerMarkdown = new Marked(MARKED, { tokenizer: { def: () => undefined } });

function rendered(marked, text, sources = []) {
  const fragment = DOMPurify.sanitize(marked.parse(text), ALLOWED);
  keepSourceLinks(fragment, sources);
  fragment.querySelectorAll("pre").forEach(addCopyButton);
  fragment.querySelectorAll("table").forEach(wrapTable);
  return fragment;
}

function keepSourceLinks(fragment, sources) {
  const known = new Map(sources.map((source) => [absolute(source.url), source]));
  for (const link of fragment.querySelectorAll("a")) {
    const source = link.hasAttribute("href") ? known.get(absolute(link.getAttribute("href"))) : undefined;
    const number = link.textContent.match(/^\[?(\d+)\]?$/)?.[1];
    if (source && Number(number) === source.number) link.replaceWith(`[${number}]`);
    else if (source) link.replaceWith(sourceLink(source, ...link.childNodes));
    else link.replaceWith(...link.childNodes);
  }
  fragment.normalize();
}

function addCopyButton(pre) {
  const code = pre.querySelector("code") ?? pre;
  code.textContent = code.textContent.replace(/\n$/, "");
  const frame = element("div", { className: "code" });
  pre.replaceWith(frame);
  const button = element("button", { type: "button", className: "copy-code quiet" }, "Copy");
  button.setAttribute("aria-label", "Copy this code");
  frame.append(button, pre);
}

function wrapTable(table) {
  const frame = element("div", { className: "table" });
  table.replaceWith(frame);
  frame.append(table);
}

/** Puts the node that `markFor(number)` returns in the place of each "[number]"; nothing returned leaves the text. */
function setMarks(root, markFor) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement?.closest("code, pre, a, button") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) setMarksIn(node, markFor);
}

function setMarksIn(node, markFor) {
  const pieces = [];
  let end = 0;
  // The space before a mark goes too: a footnote mark clings to its word.
  for (const match of node.data.matchAll(/\s*\[([1-9]\d{0,2})\]/g)) {
    const mark = markFor(Number(match[1]));
    if (!mark) continue;
    const between = node.data.slice(end, match.index);
    if (!between && pieces.length) mark.classList.add("next");
    pieces.push(between, mark);
    end = match.index + match[0].length;
  }
  if (pieces.length) node.replaceWith(...pieces.filter(Boolean), node.data.slice(end));
}

function plainMark(number) {
  return element("sup", { className: "mark" }, String(number));
}

function linkedMarks(sources, noteId) {
  const byNumber = new Map(sources.map((source) => [source.number, source]));
  return (number) => {
    const source = byNumber.get(number);
    if (!source) return null;
    const link = sourceLink(source, String(number));
    if (link.href) {
      link.setAttribute("role", "doc-noteref");
      link.setAttribute("aria-label", `Footnote ${number}: ${source.title}`);
    }
    const mark = element("sup", { className: "mark" }, link);
    mark.dataset.note = noteId(number);
    return mark;
  };
}

/** Holds back or closes what would change its shape with the next few characters. */
function steady(text) {
  const fences = text.match(/^[ \t>]*(```|~~~)/gm) ?? [];
  const inFence = fences.length % 2 === 1;
  const lastLine = text.slice(text.lastIndexOf("\n") + 1);
  if (/^[ \t>]*(`{3,}[^`]*|~{3,}[^~]*|`{1,2}|~{1,2})$/.test(lastLine)) return text.slice(0, -lastLine.length);
  if (inFence) return text;
  if (/^[ \t>]*([-=*+#_]+|\d+[.)]?)[ \t]*$/.test(lastLine)) return text.slice(0, text.length - lastLine.length);
  // A table is one only from its second line on.
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

function placeCaret(root) {
  let node = root;
  const inner = "p, ul, ol, li, blockquote, h3, h4, h5, h6, div, pre, code, table, thead, tbody, tr, td, th";
  while (node.lastElementChild?.matches(inner) && !node.lastElementChild.nextSibling?.data?.trim()) {
    // An inline `code` is not a block to go into.
    if (node.lastElementChild.matches("code") && !node.matches("pre")) break;
    node = node.lastElementChild;
  }
  const caret = element("span", { className: "caret" });
  caret.setAttribute("aria-hidden", "true");
  node.append(caret);
}

/** Replaces only from the first block that differs, so that a selection above it lives on. */
function patch(container, fragment) {
  const fresh = [...fragment.childNodes];
  let same = 0;
  while (same < fresh.length && container.childNodes[same]?.isEqualNode(fresh[same])) same += 1;
  while (container.childNodes.length > same) container.lastChild.remove();
  container.append(...fresh.slice(same));
}

// Server-sent events

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      buffer += value;
      // A carriage return at the very end may be half of a pair.
      const parts = buffer.split(/\r\n|\n|\r(?!$)/);
      buffer = parts.pop();
      yield* parts;
    }
    if (buffer.endsWith("\r")) yield buffer.slice(0, -1);
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function* serverSentEvents(stream) {
  let type = "message";
  let data = [];
  for await (const line of lines(stream)) {
    if (line === "") {
      if (data.length) yield { type, data: JSON.parse(data.join("\n")) };
      type = "message";
      data = [];
      continue;
    }
    const [, field, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
    if (field === "event") type = value ?? "";
    else if (field === "data") data.push(value ?? "");
  }
}

// Storage

function recall(area, key) {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

function keep(area, key, value) {
  try {
    globalThis[area].setItem(key, value);
  } catch {
    // Storage can be switched off or full; the page works without it.
  }
}

const CONVERSATION_KEY = "footnoted.conversation";
const EXCHANGES_KEY = "footnoted.exchanges";
let fallbackConversation = newConversationId();

function newConversationId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function conversationId() {
  const stored = recall("localStorage", CONVERSATION_KEY);
  if (/^[0-9a-f]{32}$/.test(stored ?? "")) return stored;
  keep("localStorage", CONVERSATION_KEY, fallbackConversation);
  return fallbackConversation;
}

function renewConversation() {
  fallbackConversation = newConversationId();
  keep("localStorage", CONVERSATION_KEY, fallbackConversation);
}

function saveExchanges() {
  const saved = { conversation: conversationId(), exchanges: exchanges.map((exchange) => exchange.toJSON()) };
  keep("sessionStorage", EXCHANGES_KEY, JSON.stringify(saved));
}

function restoreExchanges() {
  try {
    const saved = JSON.parse(recall("sessionStorage", EXCHANGES_KEY));
    if (saved?.conversation !== conversationId()) return;
    for (const each of saved.exchanges) {
      const exchange = addExchange(each.question);
      exchange.restore(each);
    }
  } catch {
    // What an older version of the page saved is no loss.
  }
}

// One question and its answer

class Exchange {
  constructor(question, ordinal) {
    this.question = question;
    this.ordinal = ordinal;
    this.title = element("h2", { className: "asked" }, question);
    this.article = element("article", { className: "answer" });
    this.node = element("section", { className: "exchange" }, this.title, this.article);
    this.title.id = `question-${ordinal}`;
    this.article.setAttribute("aria-labelledby", this.title.id);
    this.begin();
  }

  begin() {
    this.written = "";
    this.answer = null;
    this.failure = null;
    this.headings = {};
    this.setState("searching");
    this.progress = element("p", { className: "progress" }, "Searching the posts…");
    this.text = element("div", { className: "prose" });
    this.article.replaceChildren(this.progress, this.text);
  }

  get running() {
    return this.state === "searching" || this.state === "writing";
  }

  setState(state) {
    this.state = state;
    this.article.dataset.state = state;
    this.article.setAttribute("aria-busy", String(this.running));
  }

  found(passages) {
    for (const passage of passages) {
      if (passage.heading && passage.heading !== passage.title) this.headings[passage.url] ??= passage.heading;
    }
    const titles = [...new Set(passages.map((passage) => passage.title))];
    const more = titles.length > 2 ? ` and ${titles.length - 2} more` : "";
    if (titles.length) this.progress.textContent = `Reading ${titles.slice(0, 2).join(", ")}${more}…`;
  }

  wrote(delta) {
    this.written += delta;
    if (this.state === "searching" && this.written.trim()) {
      this.setState("writing");
      this.progress.remove();
    }
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      if (this.state === "writing") this.renderWritten({ unfinished: true });
    });
  }

  renderWritten({ unfinished }) {
    const fragment = rendered(answerMarkdown, unfinished ? steady(this.written) : this.written);
    setMarks(fragment, plainMark);
    if (unfinished) placeCaret(fragment);
    patch(this.text, fragment);
    follow();
  }

  finish(answer) {
    this.answer = answer;
    this.setState("answered");
    this.progress.remove();
    const sources = answer.sources ?? [];
    const noteId = (number) => `answer-${this.ordinal}-note-${number}`;
    const fragment = rendered(answerMarkdown, answer.answer ?? this.written, sources);
    setMarks(fragment, linkedMarks(sources, noteId));
    patch(this.text, fragment);
    if (sources.length) this.article.append(this.footnotes(sources, noteId));
    if (!answer.grounded && answer.nearest?.length) this.article.append(this.nearest(answer.nearest));
    this.article.append(this.actions());
  }

  footnotes(sources, noteId) {
    const items = sources.map((source) => {
      const number = element("span", { className: "number" }, String(source.number));
      return element("li", { id: noteId(source.number), value: source.number }, number, this.sourceEntry(source));
    });
    const list = element("ol", {}, ...items);
    const section = element("section", { className: "footnotes" }, list);
    list.setAttribute("role", "list");
    section.setAttribute("role", "doc-endnotes");
    section.setAttribute("aria-label", "Footnotes");
    return section;
  }

  nearest(posts) {
    const list = element("ul", {}, ...posts.map((post) => element("li", {}, this.sourceEntry(post))));
    list.setAttribute("role", "list");
    const title = element("h3", {}, "Nearest posts");
    return element("section", { className: "nearest" }, title, list);
  }

  sourceEntry(source) {
    const address = element("span", { className: "address" }, shownAddress(source.url));
    const entry = element("div", {}, sourceLink(source, source.title || shownAddress(source.url)));
    if (this.headings[source.url]) entry.append(element("span", { className: "place" }, this.headings[source.url]));
    entry.append(address);
    return entry;
  }

  actions() {
    const copy = element("button", { type: "button", className: "copy-answer quiet" }, "Copy");
    copy.setAttribute("aria-label", "Copy this answer with its footnotes");
    const actions = element("footer", { className: "actions" }, copy);
    const total = this.answer.timings_ms?.total;
    if (Number.isFinite(total)) actions.append(element("span", { className: "timing" }, `${(total / 1000).toFixed(1)} s`));
    return actions;
  }

  fail(sentence, id) {
    this.failure = { sentence, id };
    this.setState("failed");
    this.progress.remove();
    if (this.written.trim()) this.renderWritten({ unfinished: false });
    const shown = element("p", {}, sentence);
    if (id) shown.append(" ", element("span", { className: "reference" }, `Reference ${id}`));
    const again = element("button", { type: "button", className: "try-again quiet" }, "Try again");
    this.article.append(element("div", { className: "failure" }, shown, again));
  }

  get copied() {
    const { answer, sources } = this.answer;
    if (!sources?.length) return answer;
    return `${answer}\n\n${sources.map(({ number, title, url }) => `[${number}] ${title}, ${url}`).join("\n")}\n`;
  }

  get spoken() {
    const text = this.text.cloneNode(true);
    text.querySelectorAll(".mark, button").forEach((node) => node.remove());
    const count = this.answer?.sources?.length ?? 0;
    return `${text.textContent.trim()} ${count ? `${plural(count, "footnote")}.` : ""}`;
  }

  toJSON() {
    const { question, written, answer, headings } = this;
    const failure = this.running ? { sentence: BROKE_OFF } : this.failure;
    return { question, written, answer, headings, failure };
  }

  restore({ written, answer, headings, failure }) {
    this.written = written ?? "";
    this.headings = headings ?? {};
    if (answer) this.finish(answer);
    else this.fail(failure?.sentence ?? BROKE_OFF, failure?.id);
  }
}

// Asking

const exchanges = [];
let running = null;

class Refusal extends Error {}

function addExchange(question) {
  const exchange = new Exchange(question, exchanges.length + 1);
  exchanges.push(exchange);
  page.log.append(exchange.node);
  page.intro.hidden = true;
  return exchange;
}

async function ask(question) {
  if (running || !question.trim()) return;
  const exchange = addExchange(question.trim());
  await runAnswer(exchange);
}

async function runAnswer(exchange) {
  running = new AbortController();
  const { signal } = running;
  showRunning();
  announce("Searching the posts.");
  following = exchange === exchanges.at(-1);
  follow();
  saveExchanges();
  try {
    await receiveAnswer(exchange, signal);
  } catch (error) {
    const refused = error instanceof Refusal;
    exchange.fail(signal.aborted ? STOPPED : refused ? error.message : BROKE_OFF);
  }
  if (!exchanges.includes(exchange)) return;
  running = null;
  showRunning();
  announce(exchange.failure ? exchange.failure.sentence : exchange.spoken);
  follow();
  saveExchanges();
}

async function receiveAnswer(exchange, signal) {
  const response = await fetch("./api/ask", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ question: exchange.question, conversation: conversationId() }),
    signal,
  });
  if (!response.ok) throw new Refusal(await refusalSentence(response));
  for await (const { type, data } of serverSentEvents(response.body)) {
    signal.throwIfAborted();
    if (type === "found") exchange.found(data.passages ?? []);
    else if (type === "wrote") exchange.wrote(data.text ?? "");
    else if (type === "answered") return exchange.finish(data);
    else if (type === "failed") return exchange.fail(data.sentence, data.id);
  }
  throw new Error(BROKE_OFF);
}

async function refusalSentence(response) {
  const { error } = await response.json().catch(() => ({}));
  return typeof error === "string" && error ? error : `The server could not take the question (${response.status}).`;
}

function showRunning() {
  const focused = [page.ask, page.stop].includes(document.activeElement);
  page.stop.hidden = !running;
  page.ask.hidden = Boolean(running);
  page.log.classList.toggle("running", Boolean(running));
  if (focused) page.question.focus();
}

function stop() {
  running?.abort();
}

async function startAfresh() {
  const conversation = conversationId();
  const stopped = running;
  running = null;
  exchanges.length = 0;
  stopped?.abort();
  renewConversation();
  saveExchanges();
  page.log.replaceChildren();
  page.intro.hidden = false;
  showRunning();
  scrollTo({ top: 0, behavior: "instant" });
  page.question.focus();
  announce("New conversation.");
  await forget(conversation);
}

async function forget(conversation) {
  try {
    const response = await fetch("./api/forget", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ conversation }),
    });
    setNotice(response.ok ? "" : "The server has not forgotten the conversation before.");
  } catch {
    setNotice("The server could not be reached to forget the conversation before.");
  }
}

// Status

const READING_INTERVAL_MS = 1000;
const EMPTY_INTERVAL_MS = 5000;
let status = null;
let notice = "";
let statusTimer;

async function refreshStatus() {
  clearTimeout(statusTimer);
  const wasReading = Boolean(status?.reading);
  try {
    const response = await fetch("./api/status", { cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    status = await response.json();
    showStatus();
    showExamples();
    if (wasReading && !status.reading) announce(`Reading has ended. ${plural(status.posts, "post")}.`);
    if (!wasReading && status.reading) announce(readingSentence(status.reading));
    if (status.reading) statusTimer = setTimeout(refreshStatus, READING_INTERVAL_MS);
    else if (!status.posts) statusTimer = setTimeout(refreshStatus, EMPTY_INTERVAL_MS);
  } catch {
    if (!status) showSentences(["The server does not answer yet."]);
    statusTimer = setTimeout(refreshStatus, EMPTY_INTERVAL_MS);
  }
}

function readingSentence({ source, read, found, failed }) {
  const amount = Number.isFinite(found) ? `${read} of ${plural(found, "post")}` : plural(read, "post");
  const unread = failed ? `, ${failed} could not be read` : "";
  return `Reading ${source}: ${amount}${unread}. You can ask meanwhile.`;
}

function showStatus() {
  const { name, offline, model, posts, reading } = status;
  if (name) {
    page.name.textContent = name;
    document.title = name;
  }
  const sentences = [];
  if (notice) sentences.push(notice);
  if (reading) sentences.push(readingSentence(reading));
  else if (!posts) sentences.push("No posts have been read yet.");
  if (offline) sentences.push(OFFLINE);
  else if (!reading && posts) {
    sentences.push(`Answers come from ${plural(posts, "post")}${model ? ` and are written by ${model}` : ""}.`);
  }
  showSentences(sentences);
  showProgress(reading);
}

function showSentences(sentences) {
  const mark = element("sup", {}, "1");
  mark.setAttribute("aria-hidden", "true");
  const shown = element("p", {}, ...sentences.flatMap((sentence) => [element("span", {}, sentence), " "]));
  if (page.status.lastElementChild?.textContent === shown.textContent) return;
  page.status.replaceChildren(mark, shown);
}

function showProgress(reading) {
  page.progress.hidden = !reading;
  if (!reading) return;
  if (Number.isFinite(reading.found) && reading.found > 0) {
    page.progress.max = reading.found;
    page.progress.value = reading.read + (reading.failed ?? 0);
  } else {
    page.progress.removeAttribute("value");
  }
}

function showExamples() {
  const examples = (status.examples ?? []).slice(0, 6);
  const shown = [...page.examples.children].map((button) => button.textContent);
  page.examples.hidden = !examples.length;
  if (JSON.stringify(shown) === JSON.stringify(examples)) return;
  page.examples.replaceChildren(...examples.map((example) => element("button", { type: "button" }, example)));
}

function setNotice(sentence) {
  notice = sentence;
  if (sentence) announce(sentence);
  if (status) showStatus();
}

// Posts without a public address

let opening = 0;

async function openPost(url) {
  opening += 1;
  const turn = opening;
  page.postTitle.textContent = "Opening…";
  page.postAddress.textContent = url;
  page.postText.replaceChildren();
  page.post.showModal();
  page.postText.focus();
  try {
    const response = await fetch(`./api/post?url=${encodeURIComponent(url)}`);
    if (!response.ok) throw new Refusal(await postRefusal(response));
    const post = await response.json();
    if (turn === opening) showPost(post, url);
  } catch (error) {
    if (turn !== opening) return;
    page.postTitle.textContent = error instanceof Refusal ? error.message : NOT_OPENED;
  }
}

async function postRefusal(response) {
  const { error } = await response.json().catch(() => ({}));
  return typeof error === "string" && error ? error : NOT_OPENED;
}

function showPost({ title, text }, url) {
  page.postTitle.textContent = title || url;
  const fragment = rendered(postMarkdown, text ?? "");
  const first = fragment.firstElementChild;
  if (first?.matches("h1, h2, h3") && first.textContent.trim() === title?.trim()) first.remove();
  page.postText.replaceChildren(fragment);
  page.postText.scrollTop = 0;
}

// Scrolling, copying, speaking

const NEAR_BOTTOM_PX = 64;
let following = true;
let lastScroll = 0;

function trackScroll() {
  const { scrollHeight, clientHeight } = document.documentElement;
  const atBottom = scrollHeight - clientHeight - scrollY <= NEAR_BOTTOM_PX;
  if (atBottom) following = true;
  else if (scrollY < lastScroll) following = false;
  lastScroll = scrollY;
}

function follow() {
  if (following && exchanges.length) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
}

async function copyText(text) {
  // Plain http on a local network has no clipboard interface.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const holder = element("textarea", { value: text, className: "unseen" });
  document.body.append(holder);
  holder.select();
  const copied = document.execCommand("copy");
  holder.remove();
  if (!copied) throw new Error("not copied");
}

async function copyFrom(button, text) {
  const label = await copyText(text).then(() => "Copied", () => "Not copied");
  button.textContent = label;
  announce(`${label}.`);
  setTimeout(() => { button.textContent = "Copy"; }, 1600);
}

let announcerTimer;

function announce(text) {
  clearTimeout(announcerTimer);
  page.announcer.textContent = text;
  // Once spoken it would only be met a second time when somebody reads through the page.
  announcerTimer = setTimeout(() => { page.announcer.textContent = ""; }, 4000);
}

function fitQuestion() {
  page.question.style.height = "auto";
  page.question.style.height = `${page.question.scrollHeight}px`;
}

// What people do

function submit() {
  const question = page.question.value;
  if (running || !question.trim()) return;
  page.question.value = "";
  fitQuestion();
  ask(question);
}

function onQuestionKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
}

function onKey(event) {
  if (page.post.open) return;
  if (event.key === "Escape" && running) {
    event.preventDefault();
    stop();
  }
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    page.question.focus();
  }
}

function exchangeOf(node) {
  return exchanges.find((exchange) => exchange.node.contains(node));
}

function onLogClick(event) {
  const target = event.target.closest("button, a.post-link");
  if (!target) return;
  if (target.matches(".post-link")) {
    event.preventDefault();
    openPost(target.getAttribute("href"));
  } else if (target.matches(".copy-answer")) {
    copyFrom(target, exchangeOf(target).copied);
  } else if (target.matches(".copy-code")) {
    copyCode(target);
  } else if (target.matches(".try-again") && !running) {
    tryAgain(exchangeOf(target));
  }
}

function copyCode(button) {
  copyFrom(button, button.parentElement.querySelector("pre").textContent);
}

function tryAgain(exchange) {
  exchange.begin();
  page.question.focus({ preventScroll: true });
  runAnswer(exchange);
}

/** A mark and its footnote light up together. */
function light(event) {
  page.log.querySelectorAll(".lit").forEach((node) => node.classList.remove("lit"));
  if (event.type === "pointerout" || event.type === "focusout") return;
  const id = event.target.closest?.("[data-note]")?.dataset.note ?? event.target.closest?.(".footnotes li")?.id;
  if (!id) return;
  byId(id)?.classList.add("lit");
  page.log.querySelectorAll(`[data-note="${id}"]`).forEach((mark) => mark.classList.add("lit"));
}

function listen() {
  page.form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    page.question.focus();
  });
  page.question.addEventListener("keydown", onQuestionKey);
  page.question.addEventListener("input", fitQuestion);
  page.stop.addEventListener("click", stop);
  page.forget.addEventListener("click", startAfresh);
  page.examples.addEventListener("click", (event) => {
    const example = event.target.closest("button");
    if (!example) return;
    page.question.focus({ preventScroll: true });
    ask(example.textContent);
  });
  page.log.addEventListener("click", onLogClick);
  page.log.addEventListener("auxclick", (event) => {
    if (event.target.closest(".post-link")) event.preventDefault();
  });
  for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) page.log.addEventListener(type, light);
  page.postClose.addEventListener("click", () => page.post.close());
  page.postText.addEventListener("click", (event) => {
    const button = event.target.closest(".copy-code");
    if (button) copyCode(button);
  });
  page.post.addEventListener("click", (event) => {
    if (event.target === page.post) page.post.close();
  });
  addEventListener("keydown", onKey);
  addEventListener("scroll", trackScroll, { passive: true });
  addEventListener("pagehide", saveExchanges);
  addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") refreshStatus();
  });
  new ResizeObserver(follow).observe(document.body);
}

listen();
restoreExchanges();
refreshStatus();
page.question.focus({ preventScroll: true });
