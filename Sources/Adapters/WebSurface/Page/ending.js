// The last screen: why it ended, in words that put no blame on the participant, and a way back where there is one.

import { announce, element, setHidden, setText, show } from "./view.js";
import { words } from "./words.js";

/** By the reason in `bye`. */
const byReason = {
  completed: "completed", participant_left: "left", time_limit: "time", idle_timeout: "idle", no_show: "idle",
  budget_session: "ended", budget_study: "ended", provider_failed: "fault", interrupted: "fault", zombie: "fault",
  error: "fault", admin_closed: "closed",
};

/** By what the line found out, where nobody said a reason. */
const byFinding = {
  ended: "over", elsewhere: "elsewhere", left: "left", away: "interrupted", failed: "interrupted", token: "link",
  forbidden: "link", unknown: "link",
};

const wayBack = { elsewhere: "useHere", interrupted: "comeBack", link: "tryAgain" };
const warnings = new Set(["fault", "interrupted", "elsewhere", "link"]);

/** `why` as the line ends, `reason` as the server said it. `again()` opens the page anew. */
export function showEnding({ why, reason }, again) {
  const name = byReason[reason] ?? byFinding[why] ?? "ended";
  setText("ending-title", words(`${name}Title`));
  setText("ending-text", words(`${name}Text`));
  const isWarning = warnings.has(name);
  element("ending-icon").setAttribute("href", isWarning ? "#icon-warning" : "#icon-check");
  element("ending-icon").closest("svg").classList.toggle("warn", isWarning);
  const button = element("ending-again");
  button.hidden = !Object.hasOwn(wayBack, name);
  if (!button.hidden) button.textContent = words(wayBack[name]);
  button.onclick = again;
  setHidden("ending-close", !button.hidden);
  document.title = words(`${name}Title`);
  show("ending");
  announce(words(`${name}Title`));
  return name;
}
