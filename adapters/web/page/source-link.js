// Links to posts: on the web in a new tab, without a public address in the post dialog, anything else as plain text.

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
    // An address may be percent-encoded in something else than UTF-8.
    return shownHost + pathname;
  }
}

export function sourceLink({ title, url }, ...content) {
  if (onTheWeb(url)) {
    return element("a", { title, href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...content);
  }
  // What the browser itself makes of an address tells `javascript:` and `//host` from the path of a file.
  if (absolute(url)?.startsWith(`${location.origin}/`)) {
    return element("a", { title, href: url, className: "post-link", ariaHasPopup: "dialog" }, ...content);
  }
  return element("span", { title }, ...content);
}
