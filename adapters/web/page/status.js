// Shows what the server is doing: which posts it has, how far reading them has come, who writes the answers.

import { Locked, readStatus } from "./api.js";
import { announce } from "./announcer.js";
import { element, page } from "./elements.js";
import { plural } from "./wording.js";

const OFFLINE = "Offline mode: answers are quoted from the posts, no language model is used.";
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
    // Nothing changes until somebody gives the token.
    if (error instanceof Locked) return showSentences(error.message);
    if (!before) showSentences("The server does not answer yet.");
    timer = setTimeout(refreshStatus, EMPTY_INTERVAL_MS);
    return;
  }
  showStatus();
  showExamples(status.examples);
  const { posts, reading } = status;
  if (before?.reading && !reading) announce(`Reading has ended. ${plural(posts, "post")}.`);
  if (!before?.reading && reading) announce(readingSentence(reading));
  if (reading) timer = setTimeout(refreshStatus, READING_INTERVAL_MS);
  else if (!posts) timer = setTimeout(refreshStatus, EMPTY_INTERVAL_MS);
}

/** Adds a sentence before the status, until the next notice; an empty one takes it away. */
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
  else if (!posts) sentences.push("No posts have been read yet.");
  if (offline) sentences.push(OFFLINE);
  else if (!reading && posts) sentences.push(`Answers come from ${plural(posts, "post")} and are written by ${model}.`);
  showSentences(...sentences);
  showProgress(reading);
}

function readingSentence({ source, read, found, failed }) {
  const amount = found ? `${read} of ${plural(found, "post")}` : plural(read, "post");
  const unread = failed ? `, ${failed} could not be read` : "";
  return `Reading ${source}: ${amount}${unread}. You can ask meanwhile.`;
}

function showSentences(...sentences) {
  const shown = sentences.join(" ");
  // A text that is set anew loses the reader's selection.
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
  // Buttons that are made anew lose the focus.
  if (JSON.stringify(shown) === JSON.stringify(examples)) return;
  page.examples.replaceChildren(...examples.map((example) => element("button", { type: "button" }, example)));
}
