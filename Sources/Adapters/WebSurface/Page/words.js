// The page's language: the study's where we have its words, else the browser's, else English.

import de from "./words-de.js";
import en from "./words-en.js";
import es from "./words-es.js";
import fr from "./words-fr.js";

const languages = { en, de, es, fr };

let current = en;

/** `wanted`: BCP 47 tags, the best first. Fills every element that names its words. */
export function speak(wanted) {
  const known = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((code) => Object.hasOwn(languages, code));
  current = languages[known ?? "en"];
  document.documentElement.lang = known ?? "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words(element.dataset.label));
  }
}

/** The words of that name, with `{name}` replaced by what `values` says. */
export function words(name, values = {}) {
  const text = current[name] ?? en[name] ?? "";
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}
