// The status line: number of posts, progress of a reindex run, and the model.

import { Locked, readStatus } from "./api.js";
import { announce } from "./announcer.js";
import { element, page } from "./elements.js";
import { number, plural, text } from "./texts.js";

const READING_INTERVAL_MS = 1000;
const EMPTY_INTERVAL_MS = 5000;

let status = null;
let notice = "";
let timer;

export async function refreshStatus() {
  clearTimeout(timer);
  const before = status;
  try {
    status = await readStatus();
  } catch (error) {
    // Do not poll until a token has been entered.
    if (error instanceof Locked) return showSentences(error.message);
    if (!before) showSentences(text("notResponding"));
    timer = setTimeout(refreshStatus, EMPTY_INTERVAL_MS);
    return;
  }
  showStatus();
  showExamples(status.examples);
  const { posts, reading } = status;
  if (before?.reading && !reading) announce(text("finishedReading", { posts: plural("posts", posts) }));
  if (!before?.reading && reading) announce(readingSentence(reading));
  if (reading) timer = setTimeout(refreshStatus, READING_INTERVAL_MS);
  else if (!posts) timer = setTimeout(refreshStatus, EMPTY_INTERVAL_MS);
}

/** Shows a sentence before the status until the next notice; an empty one removes it. */
export function setNotice(sentence) {
  notice = sentence;
  if (sentence) announce(sentence);
  if (status) showStatus();
}

function showStatus() {
  const { name, offline, model, posts, reading } = status;
  page.name.textContent = name;
  document.title = name;
  const sentences = [];
  if (notice) sentences.push(notice);
  if (reading) sentences.push(readingSentence(reading));
  else if (!posts) sentences.push(text("noPosts"));
  if (offline) sentences.push(text("offline"));
  else if (!reading && posts) sentences.push(text("basedOn", { posts: plural("posts", posts), model }));
  showSentences(...sentences);
  showProgress(reading);
}

function readingSentence({ source, read, found, failed }) {
  const amounts = [found ? text("amountOf", { read: number(read), posts: plural("posts", found) }) : plural("posts", read)];
  if (failed) amounts.push(text("unread", { count: number(failed) }));
  return text("readingSource", { source, amount: amounts.join(", ") });
}

function showSentences(...sentences) {
  const shown = sentences.join(" ");
  // Setting the text again would lose the user's selection.
  if (page.status.textContent !== shown) page.status.textContent = shown;
}

function showProgress(reading) {
  page.progress.hidden = !reading;
  if (reading?.found) {
    page.progress.max = reading.found;
    page.progress.value = reading.read + reading.failed;
  } else {
    page.progress.removeAttribute("value");
  }
}

function showExamples(examples) {
  page.examples.hidden = !examples.length;
  const shown = [...page.examples.children].map((button) => button.textContent);
  // Replaced buttons would lose the focus.
  if (JSON.stringify(shown) === JSON.stringify(examples)) return;
  page.examples.replaceChildren(...examples.map((example) => element("button", { type: "button" }, example)));
}
