// The access token: asked for in a dialog if the bot requires one, and kept while the tab is open.

import { page } from "./elements.js";
import { drop, keep, recall } from "./storage.js";
import { text } from "./texts.js";

const KEY = "footnoted.token";

// Fallback where storage is not available.
let token = recall("sessionStorage", KEY);

export function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Handles a 401 response; `sent` is the Authorization header of the request. */
export function refused(sent) {
  const stale = sent !== authorization().Authorization;
  // A newer token may have been entered since, which the server has not seen yet.
  if (stale) return;
  if (token) page.accessError.textContent = text("tokenWrong");
  token = null;
  drop("sessionStorage", KEY);
  if (!page.access.open) page.access.showModal();
}

page.accessForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = page.token.value.trim();
  // A header can hold nothing else, and the bot accepts no other token.
  if (!/^[!-~]+$/.test(given)) {
    page.accessError.textContent = text("tokenForm");
    return;
  }
  token = given;
  keep("sessionStorage", KEY, token);
  page.token.value = "";
  page.accessError.textContent = "";
  page.access.close();
  page.question.focus();
  document.dispatchEvent(new Event("access"));
});
