// Speaks to screen readers.

import { page } from "./elements.js";

const KEPT_MS = 4000;
let timer;

export function announce(text) {
  clearTimeout(timer);
  page.announcer.textContent = text;
  // Once spoken it would only be met a second time when somebody reads through the page.
  timer = setTimeout(() => { page.announcer.textContent = ""; }, KEPT_MS);
}
