// The conversation: ask, stop, try again and start a new one; one answer at a time.

import { answerEvents, forget, Refusal } from "./api.js";
import { announce } from "./announcer.js";
import { follow } from "./autoscroll.js";
import { conversationId, renewConversation, savedExchanges, saveExchanges } from "./conversation-store.js";
import { page } from "./elements.js";
import { CONNECTION_LOST, Exchange } from "./exchange.js";
import { setNotice } from "./status.js";
import { text } from "./texts.js";

const STOPPED = text("stopped");

const exchanges = [];
let running = null;

export function isRunning() {
  return running !== null;
}

export function ask(question) {
  run(add(question));
}

function add(question) {
  const exchange = new Exchange(question, () => {
    exchange.begin();
    page.question.focus({ preventScroll: true });
    run(exchange);
  });
  exchanges.push(exchange);
  page.log.append(exchange.node);
  page.intro.hidden = true;
  return exchange;
}

async function run(exchange) {
  running = new AbortController();
  const { signal } = running;
  showRunning();
  announce(text("searching"));
  follow(exchange === exchanges.at(-1));
  try {
    await receive(exchange, signal);
  } catch (error) {
    exchange.fail(signal.aborted ? STOPPED : error instanceof Refusal ? error.message : CONNECTION_LOST);
  }
  // A new conversation may have started meanwhile, with a running answer of its own.
  if (!exchanges.includes(exchange)) return;
  running = null;
  showRunning();
  announce(exchange.spoken);
  follow();
  save();
}

async function receive(exchange, signal) {
  for await (const { type, data } of answerEvents(exchange.question, conversationId(), signal)) {
    if (type === "found") exchange.found(data.passages);
    else if (type === "thinking") exchange.think();
    else if (type === "wrote") exchange.wrote(data.text, data.sources);
    else if (type === "retracted") exchange.retract();
    else if (type === "answered") return exchange.finish(data);
    else if (type === "failed") return exchange.fail(data.sentence, data.id);
  }
  exchange.fail(CONNECTION_LOST);
}

function showRunning() {
  const focused = document.activeElement === page.stop;
  page.stop.hidden = !running;
  page.ask.hidden = isRunning();
  page.log.classList.toggle("running", isRunning());
  if (focused) page.question.focus();
}

export function stop() {
  running.abort();
}

export function startNewConversation() {
  const conversation = conversationId();
  running?.abort();
  running = null;
  exchanges.length = 0;
  renewConversation();
  page.log.replaceChildren();
  page.intro.hidden = false;
  showRunning();
  scrollTo({ top: 0, behavior: "instant" });
  page.question.focus();
  announce(text("newConversation"));
  forget(conversation).then(
    () => setNotice(""),
    (error) => setNotice(text(error instanceof Refusal ? "notDeleted" : "notReached")),
  );
}

export function save() {
  saveExchanges(exchanges);
}

export function restore() {
  for (const saved of savedExchanges()) add(saved.question).restore(saved);
}
