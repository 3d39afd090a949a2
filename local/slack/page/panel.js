/* Beside the channel: both buckets, the chosen finding's history, files of one's own, the job. */

import { clock, make, nameOf, visible } from "./blocks.js";

const MADE_UP = [
  ["customers", "name,card,mail\nJane Doe,4111 1111 1111 1111,jane.doe@example.com\nJohn Roe,5500 0055 5555 5559,john.roe@example.com\n", "csv"],
  ["employees", "name,ssn\nJane Doe,219-09-9998\nJohn Roe,457-55-5462\n", "csv"],
  ["newsletter", "jane.doe@example.com\njohn.roe@example.com\n", "txt"],
  ["deploy", "export AWS_ACCESS_KEY_ID=AKIAQ7XMPLK2N3RSTUVW\n", "log"],
];
const told = document.getElementById("told");
const drop = document.getElementById("drop");
const job = document.getElementById("job");
let chosen, newest, shown = "", made = 0;

export function tell(text) {
  told.textContent = visible(text);
}
export const isChosen = finding => Boolean(finding) && finding === (chosen ?? newest);

export function choose(finding) {
  chosen = finding;
  return refresh();
}

/* Show what is there now; until a finding is chosen, it is the newest one's history. */
export async function refresh(messages) {
  if (messages) newest = messages.map(one => one.metadata?.event_payload?.finding_id).findLast(Boolean);
  const finding = chosen ?? newest;
  const answer = await fetch(`panel/state${finding ? `?finding=${encodeURIComponent(finding)}` : ""}`);
  if (!answer.ok) return;
  const state = await answer.json();
  if (JSON.stringify([state, finding]) === shown) return;
  shown = JSON.stringify([state, finding]);
  document.getElementById("finding").textContent = finding ? `of ${finding.slice(0, 8)}…` : "";
  const none = make("li", "soft", finding ? "no steps of its own" : "nothing yet");
  document.querySelector("#ledger ol").replaceChildren(...state.history.length ? state.history.map(step) : [none]);
  document.getElementById("buckets").replaceChildren(...state.buckets.flatMap(bucket));
}

function step(entry) {
  const by = /^[UW][A-Z0-9]+$/.test(entry.by) ? make("span", "mention", `@${nameOf(entry.by)}`) : entry.by;
  const time = make("time", "", clock(new Date(entry.at)));
  time.title = entry.at;
  const head = make("div", "", make("b", `status ${entry.status}`, entry.status.replaceAll("_", " ")), " ", by, time);
  const item = make("li", entry.is_refused ? "refused" : "", head);
  for (const line of [entry.is_refused && "refused", entry.reason, entry.advice]) if (line) item.append(make("div", "why", visible(line)));
  return item;
}

const sizes = size => size < 1024 ? `${size} bytes` : size < 1048576 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 1048576).toFixed(1)} MiB`;

function bucket({ title, name, versions }) {
  const rows = versions.map(version => {
    const state = version.is_marker ? "delete marker" : sizes(version.size);
    const kind = [version.is_marker && "marker", version.is_latest || "older"].filter(Boolean).join(" ");
    const row = make("li", kind, make("span", "key", visible(version.key)), make("span", "what", version.is_latest ? state : `${state}, older`));
    row.title = `version ${version.version}, ${version.modified}`;
    return row;
  });
  const empty = rows.length ? [] : [make("p", "soft", "empty")];
  return [make("h2", "", title, make("small", "", name)), ...empty, make("ul", "", ...rows)];
}

async function upload(files) {
  for (const file of files) {
    tell(`${file.name} is put into the bucket …`);
    const answer = await fetch(`panel/upload?key=${encodeURIComponent(file.name)}`, { method: "POST", headers: { "Content-Type": file.type || "application/octet-stream" }, body: file });
    const { error } = await answer.json();
    tell(error ? `⚠ ${file.name}: ${error}` : `${file.name} is in the bucket. Now run the Macie job.`);
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

document.getElementById("made-up").onclick = () => {
  const [name, text, ending] = MADE_UP[made % MADE_UP.length];
  made += 1;
  return upload([new File([text], `${name}-${made}.${ending}`, { type: ending === "csv" ? "text/csv" : "text/plain" })]);
};

const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
job.onclick = async () => {
  job.disabled = true;
  tell("Macie reads what is new …");
  const answer = await fetch("panel/job", { method: "POST" });
  const { objects, findings, error } = await answer.json();
  job.disabled = false;
  chosen = undefined;
  tell(error ? `⚠ ${error}` : `Macie read ${many(objects, "new object")}: ${many(findings.length, "finding")}.`);
};

setInterval(() => document.hidden || refresh().catch(() => {}), 1500);
