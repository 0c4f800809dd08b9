// Stores the conversation in the browser: its ID across visits, its exchanges while the tab is open.

import { keep, recall } from "./storage.js";

const ID_KEY = "footnoted.conversation";
const EXCHANGES_KEY = "footnoted.exchanges";

function newId() {
  // `crypto.randomUUID` is not available over plain HTTP.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Fallback where storage is not available.
let newestId = newId();

export function conversationId() {
  // Not cached: another tab may have started a new conversation.
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
