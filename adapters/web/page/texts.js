// Sentences in the reader's language, which the server puts into the page.

const language = document.documentElement.lang;
const texts = JSON.parse(document.getElementById("texts").textContent);
const rules = new Intl.PluralRules(language);

/** Returns a sentence with values in place of its `{names}`. */
export function text(name, values = {}) {
  return fill(texts[name], values);
}

/** Returns a count of "posts" or "footnotes". */
export function plural(name, count) {
  return fill(texts[name][rules.select(count)], { count: number(count) });
}

export function number(value, decimals = 0) {
  return value.toLocaleString(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (placeholder, name) => values[name] ?? placeholder);
}
