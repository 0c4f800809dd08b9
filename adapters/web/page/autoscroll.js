// Scrolls along with a growing answer until the user scrolls up.

import { page } from "./elements.js";

const NEAR_BOTTOM_PX = 64;
let following = true;
let lastScroll = 0;

export function trackScroll() {
  const { scrollHeight, clientHeight } = document.documentElement;
  const atBottom = scrollHeight - clientHeight - scrollY <= NEAR_BOTTOM_PX;
  if (atBottom) following = true;
  else if (scrollY < lastScroll) following = false;
  lastScroll = scrollY;
}

export function follow(wanted = following) {
  following = wanted;
  // Nothing to follow on the first screen, even in a small window.
  if (!following || !page.log.hasChildNodes()) return;
  scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
}
