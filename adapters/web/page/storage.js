// Browser storage; the page also works where it is disabled or full.

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
    // Kept in memory until the page is closed.
  }
}

export function drop(area, key) {
  try {
    globalThis[area].removeItem(key);
  } catch {
    // Nothing was stored.
  }
}
