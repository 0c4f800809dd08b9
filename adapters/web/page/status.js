// The status line: number of posts, progress of a reindex run, and the model.

import { Locked, readStatus } from "./api.js";
import { announce } from "./announcer.js";
import { element, page } from "./elements.js";
import { plural } from "./plural.js";

const OFFLINE = "Offline mode: answers are quoted from the posts without a language model.";
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
    if (!before) showSentences("The server is not responding yet.");
    timer = setTimeout(refreshStatus, EMPTY_INTERVAL_MS);
    return;
  }
  showStatus();
  showExamples(status.examples);
  const { posts, reading } = status;
  if (before?.reading && !reading) announce(`Finished reading. ${plural(posts, "post")}.`);
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
  else if (!posts) sentences.push("No posts have been read yet.");
  if (offline) sentences.push(OFFLINE);
  else if (!reading && posts) sentences.push(`Answers are based on ${plural(posts, "post")} and written by ${model}.`);
  showSentences(...sentences);
  showProgress(reading);
}

function readingSentence({ source, read, found, failed }) {
  const amount = found ? `${read} of ${plural(found, "post")}` : plural(read, "post");
  const unread = failed ? `, ${failed} could not be read` : "";
  return `Reading ${source}: ${amount}${unread}. You can already ask questions.`;
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
