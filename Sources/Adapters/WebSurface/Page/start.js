// The start page of `voiced dev`: lists studies, creates a session, links to its join page.

const byId = (id) => document.getElementById(id);

function complain(message) {
  byId("problem").textContent = message;
  byId("problem").hidden = !message;
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("voiced does not answer. Is it still running?");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.message ?? `voiced answered ${response.status}.`);
  return body;
}

function languageName(tag) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

async function start(study, button) {
  button.disabled = true;
  complain("");
  try {
    const session = await ask("/v1/sessions", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) },
      body: JSON.stringify({ study }),
    });
    byId("join").href = session.join_url;
    byId("made").hidden = false;
    byId("made").scrollIntoView({ block: "nearest" });
    byId("join").focus();
    await showSessions();
  } catch (error) {
    complain(error.message);
  } finally {
    button.disabled = false;
  }
}

async function showStudies() {
  const { studies } = await ask("/v1/studies");
  const list = byId("studies");
  list.replaceChildren();
  for (const study of studies) {
    const card = byId("study").content.cloneNode(true);
    card.querySelector("h3").textContent = study.name;
    card.querySelector(".meta").textContent = `${study.id} · ${languageName(study.language)}`;
    const button = card.querySelector("button");
    button.addEventListener("click", () => start(study.id, button));
    list.append(card);
  }
  if (studies.length === 0) {
    const item = document.createElement("li");
    item.className = "empty";
    item.textContent = "No study yet. Put a YAML file into the studies folder, or PUT /v1/studies/{id}.";
    list.append(item);
  }
}

function cell(text, className) {
  const element = document.createElement("td");
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

function clock(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

async function showSessions() {
  const { sessions } = await ask("/v1/sessions?limit=10");
  if (sessions.length === 0) return;
  byId("sessions").replaceChildren(...sessions.map((session) => {
    const row = document.createElement("tr");
    const name = document.createElement("td");
    const link = document.createElement("a");
    link.href = `/v1/sessions/${session.id}`;
    link.textContent = session.id;
    link.title = "Transcript and cost as JSON";
    name.append(link);
    row.append(
      name, cell(session.study), cell(session.reason ? `${session.state}: ${session.reason}` : session.state),
      cell(clock(session.active_ms), "number"), cell(`$${(session.cost_micros / 1e6).toFixed(4)}`, "number"));
    return row;
  }));
}

byId("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(byId("join").href);
    byId("copy").textContent = "Copied";
  } catch {
    complain("The browser does not allow copying here. Right-click the join button instead.");
  }
});

async function refresh() {
  try {
    await showSessions();
  } catch (error) {
    complain(error.message);
  }
}

try {
  await showStudies();
} catch (error) {
  byId("studies").replaceChildren();
  complain(error.message);
}
await refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 5000);
