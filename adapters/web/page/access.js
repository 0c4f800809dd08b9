// The token of a bot that wants one: asked for in a dialog, and kept for as long as the tab is open.

import { page } from "./elements.js";
import { drop, keep, recall } from "./storage.js";

const KEY = "footnoted.token";

// What holds where there is no storage.
let token = recall("sessionStorage", KEY);

export function authorization() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The server has refused a request; `sent` is what the request said of itself. */
export function refused(sent) {
  const stale = sent !== authorization().Authorization;
  // A token may have been given meanwhile, which was not asked about yet.
  if (stale) return;
  if (token) page.accessError.textContent = "That is not the token of this bot.";
  token = null;
  drop("sessionStorage", KEY);
  if (!page.access.open) page.access.showModal();
}

page.accessForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = page.token.value.trim();
  // A header takes nothing else; nor has any bot such a token.
  if (!/^[!-~]+$/.test(given)) {
    page.accessError.textContent = "A token has letters, digits and signs, and no blanks.";
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
