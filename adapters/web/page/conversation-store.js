// Keeps the conversation in the browser: its id across visits, its exchanges while the tab is open.

import { keep, recall } from "./storage.js";

const ID_KEY = "footnoted.conversation";
const EXCHANGES_KEY = "footnoted.exchanges";

function newId() {
  // `crypto.randomUUID` is missing from plain http on a local network.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What holds where there is no storage.
let newestId = newId();

export function conversationId() {
  // Not remembered here: another tab may have begun a new conversation.
  const stored = recall("localStorage", ID_KEY);
  if (stored) return stored;
  keep("localStorage", ID_KEY, newestId);
  return newestId;
}

export function renewConversation() {
  newestId = newId();
  keep("localStorage", ID_KEY, newestId);
}

export function saveExchanges(exchanges) {
  keep("sessionStorage", EXCHANGES_KEY, JSON.stringify({ conversation: conversationId(), exchanges }));
}

export function savedExchanges() {
  const saved = JSON.parse(recall("sessionStorage", EXCHANGES_KEY));
  return saved?.conversation === conversationId() ? saved.exchanges : [];
}
