/* Beside the channel: both buckets, the selected finding's history, the user's own files, the job. */

import { escapeInvisible, formatTime, make, nameOf } from "./blocks.js";

const EXAMPLES = [
  ["customers", "name,card,mail\nJane Doe,4111 1111 1111 1111,jane.doe@example.com\nJohn Roe,5500 0055 5555 5559,john.roe@example.com\n", "csv"],
  ["employees", "name,ssn\nJane Doe,219-09-9998\nJohn Roe,457-55-5462\n", "csv"],
  ["newsletter", "jane.doe@example.com\njohn.roe@example.com\n", "txt"],
  ["deploy", "export AWS_ACCESS_KEY_ID=AKIAQ7XMPLK2N3RSTUVW\n", "log"],
];
const notice = document.getElementById("notice");
const drop = document.getElementById("drop");
const job = document.getElementById("job");
let selected, newest, previousState = "", exampleCount = 0;

export function notify(text) {
  notice.textContent = escapeInvisible(text);
}
export const isSelected = finding => Boolean(finding) && finding === (selected ?? newest);

export function selectFinding(finding) {
  selected = finding;
  return refresh();
}

/* Draw the panel. Until a finding is selected, it shows the newest finding's history. */
export async function refresh(messages) {
  if (messages) newest = messages.map(message => message.metadata?.event_payload?.finding_id).findLast(Boolean);
  const finding = selected ?? newest;
  const response = await fetch(`panel/state${finding ? `?finding=${encodeURIComponent(finding)}` : ""}`);
  if (!response.ok) return;
  const state = await response.json();
  const json = JSON.stringify([state, finding]);
  if (json === previousState) return;
  previousState = json;
  document.getElementById("finding").textContent = finding ? `of ${finding.slice(0, 8)}…` : "";
  const none = make("li", "soft", finding ? "no history of its own" : "nothing yet");
  document.querySelector("#ledger ol").replaceChildren(...state.history.length ? state.history.map(drawTransition) : [none]);
  document.getElementById("buckets").replaceChildren(...state.buckets.flatMap(drawBucket));
}

function drawTransition(transition) {
  const { at, by, status, reason, advice, is_refused: isRefused } = transition;
  const actor = /^[UW][A-Z0-9]+$/.test(by) ? make("span", "mention", `@${nameOf(by)}`) : by;
  const time = make("time", "", formatTime(new Date(at)));
  time.title = at;
  const head = make("div", "", make("b", `status ${status}`, status.replaceAll("_", " ")), " ", actor, time);
  const item = make("li", isRefused ? "refused" : "", head);
  for (const line of [isRefused && "refused", reason, advice]) if (line) item.append(make("div", "reason", escapeInvisible(line)));
  return item;
}

const formatSize = size => size < 1024 ? `${size} bytes` : size < 1048576 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 1048576).toFixed(1)} MiB`;

function drawBucket({ title, name, versions }) {
  const rows = versions.map(version => {
    const state = version.is_marker ? "delete marker" : formatSize(version.size);
    const kind = [version.is_marker && "marker", version.is_latest || "older"].filter(Boolean).join(" ");
    const row = make("li", kind, make("span", "key", escapeInvisible(version.key)), make("span", "state", version.is_latest ? state : `${state}, older`));
    row.title = `version ${version.version}, ${version.modified}`;
    return row;
  });
  const empty = rows.length ? [] : [make("p", "soft", "empty")];
  return [make("h2", "", title, make("small", "", name)), ...empty, make("ul", "", ...rows)];
}

async function upload(files) {
  for (const file of files) {
    notify(`Uploading ${file.name} …`);
    const response = await fetch(`panel/upload?key=${encodeURIComponent(file.name)}`, { method: "POST", headers: { "Content-Type": file.type || "application/octet-stream" }, body: file });
    const { error } = await response.json();
    notify(error ? `⚠ ${file.name}: ${error}` : `${file.name} is in the bucket. Now run the Macie job.`);
  }
  await refresh();
}

document.getElementById("files").onchange = async event => {
  await upload(event.target.files);
  event.target.value = "";
};
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, event => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
  });
}
document.addEventListener("drop", event => upload(event.dataTransfer.files));

document.getElementById("example").onclick = () => {
  const [name, text, ending] = EXAMPLES[exampleCount % EXAMPLES.length];
  exampleCount += 1;
  return upload([new File([text], `${name}-${exampleCount}.${ending}`, { type: ending === "csv" ? "text/csv" : "text/plain" })]);
};

const pluralize = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
job.onclick = async () => {
  job.disabled = true;
  notify("Macie reads the new objects …");
  const response = await fetch("panel/job", { method: "POST" });
  const { objects, findings, error } = await response.json();
  job.disabled = false;
  selected = undefined;
  notify(error ? `⚠ ${error}` : `Macie read ${pluralize(objects, "new object")}: ${pluralize(findings.length, "finding")}.`);
};

setInterval(() => document.hidden || refresh().catch(() => {}), 1500);
