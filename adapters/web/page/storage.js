// What the browser keeps for the page; where storage is switched off or full, the page works without it.

export function recall(area, key) {
  try {
    return globalThis[area].getItem(key);
  } catch {
    return null;
  }
}

export function keep(area, key, value) {
  try {
    globalThis[area].setItem(key, value);
  } catch {
    // Then it holds until the page is left.
  }
}

export function drop(area, key) {
  try {
    globalThis[area].removeItem(key);
  } catch {
    // Nothing was kept.
  }
}
