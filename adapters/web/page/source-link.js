// Links to posts: web addresses open in a new tab, local ones in the post dialog, others are plain text.

import { element } from "./elements.js";

export function absolute(url) {
  return URL.canParse(url, document.baseURI) ? new URL(url, document.baseURI).href : null;
}

function onTheWeb(url) {
  return /^https?:\/\//i.test(url) && URL.canParse(url);
}

export function shownAddress(url) {
  if (!onTheWeb(url)) return url;
  const { host, pathname, search } = new URL(url);
  const shownHost = host.replace(/^www\./, "");
  try {
    return shownHost + decodeURIComponent(pathname + search).replace(/\/$/, "");
  } catch {
    // The address may be percent-encoded in another encoding than UTF-8.
    return shownHost + pathname;
  }
}

export function sourceLink({ title, url }, ...content) {
  if (onTheWeb(url)) {
    return element("a", { title, href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...content);
  }
  // The browser's own resolution distinguishes `javascript:` and `//host` from a file path.
  if (absolute(url)?.startsWith(`${location.origin}/`)) {
    return element("a", { title, href: url, className: "post-link", ariaHasPopup: "dialog" }, ...content);
  }
  return element("span", { title }, ...content);
}
