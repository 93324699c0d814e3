// The page of a call: recording and transcript move together, JSON is fetched when it is unfolded,
// and the page notices when the worker is done.

const audio = document.getElementById("recording");
const turns = [...document.querySelectorAll(".turn[data-at]")].map((element) => ({
  element,
  at: Number(element.dataset.at),
}));
const transcriptList = document.getElementById("transcript");
const backToCurrent = document.getElementById("back-to-current");
const keysToggle = document.getElementById("keys-toggle");
const calmly = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
const isTyping = (target) => target.closest("input, textarea, select, audio, pre, [contenteditable]");

function currentTurn(seconds) {
  let current = null;
  for (const turn of turns) if (turn.at <= seconds + 0.05) current = turn;
  return current;
}

function isInView(element) {
  const box = element.getBoundingClientRect();
  const top = audio.closest(".player").getBoundingClientRect().bottom;
  return box.bottom > top && box.top < innerHeight;
}

// The page follows the playback only while the current turn is in view: whoever reads elsewhere stays there.
function highlight() {
  const current = audio.currentTime > 0 || !audio.paused ? currentTurn(audio.currentTime) : null;
  const before = turns.find((turn) => turn.element.classList.contains("current"));
  if (current !== before) {
    const follows = !audio.paused && current && isInView((before ?? current).element);
    before?.element.classList.remove("current");
    before?.element.removeAttribute("aria-current");
    current?.element.classList.add("current");
    current?.element.setAttribute("aria-current", "true");
    if (follows) current.element.scrollIntoView({ block: "nearest", behavior: calmly });
  }
  backToCurrent.hidden = !current || isInView(current.element);
}

function showCurrent() {
  document.querySelector(".turn.current")?.scrollIntoView({ block: "nearest", behavior: calmly });
}

function seek(seconds, { play = true } = {}) {
  audio.currentTime = seconds;
  if (play) audio.play().catch(() => {});
  highlight();
  showCurrent();
}

function step(by) {
  const index = turns.indexOf(currentTurn(audio.currentTime));
  const next = turns[Math.max(0, Math.min(turns.length - 1, index + by))];
  if (next) seek(next.at, { play: !audio.paused });
}

function setSpeed(button) {
  audio.playbackRate = Number(button.dataset.speed);
  for (const other of document.querySelectorAll("[data-speed]")) other.setAttribute("aria-pressed", String(other === button));
}

// A link to a moment, #t=26: the recording is cued there, and the turn is marked. Nothing is fetched before it plays.
function mark(turn) {
  for (const { element } of turns) {
    element.classList.toggle("current", element === turn?.element);
    if (element === turn?.element) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
  }
}

function showMoment() {
  const found = /^#t=([0-9]{1,6}(?:\.[0-9]+)?)$/.exec(location.hash);
  if (!found) return;
  const seconds = Number(found[1]);
  if (audio) audio.currentTime = seconds;
  const turn = currentTurn(seconds) ?? turns[0];
  mark(turn);
  showAt(seconds);
  turn?.element.scrollIntoView({ block: "center" });
}

function moment() {
  if (audio && audio.currentTime > 0) return audio.currentTime;
  const marked = turns.find(({ element }) => element.classList.contains("current"));
  const inView = turns.find(({ element }) => element.getBoundingClientRect().bottom > innerHeight / 3);
  return (marked ?? inView ?? turns[0])?.at ?? 0;
}

const status = document.getElementById("copied");
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = status.dataset.done;
  } catch {
    // Without TLS browsers have no clipboard for scripts.
    const field = document.body.appendChild(document.createElement("textarea"));
    field.value = text;
    field.select();
    status.textContent = document.execCommand("copy") ? status.dataset.done : status.dataset.failed;
    field.remove();
  }
  setTimeout(() => (status.textContent = ""), 4000);
}

// What the page shows: masked for those who see masked digits.
function transcript() {
  return [...transcriptList.querySelectorAll(".turn")]
    .map((turn) => {
      const said = [...turn.querySelectorAll(".said")].map((part) => part.textContent.trim()).join(" ");
      const time = turn.querySelector(".seek, .time")?.textContent;
      return said && `${time ? `[${time}] ` : ""}${turn.querySelector(".role").textContent.trim()}: ${said}`;
    })
    .filter(Boolean)
    .join("\n");
}

const bar = document.getElementById("speakers");
function showAt(seconds) {
  bar?.querySelector(".at").setAttribute("x", String((seconds / Number(bar.dataset.seconds)) * 1000));
}

document.getElementById("copy-link")?.addEventListener("click", () => {
  const link = new URL(location.href);
  link.search = "";
  link.hash = `t=${Math.floor(moment())}`;
  copy(link.href);
});
document.getElementById("copy-transcript")?.addEventListener("click", () => copy(transcript()));
addEventListener("hashchange", showMoment);

if (audio) {
  const help = document.getElementById("keys-help");
  document.getElementById("show-keys").addEventListener("click", () => help.showModal());
  audio.addEventListener("timeupdate", () => showAt(audio.currentTime));
  bar?.classList.add("plays");
  bar?.addEventListener("click", (event) => {
    const box = bar.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * Number(bar.dataset.seconds));
  });
  for (const name of ["timeupdate", "seeked", "play"]) audio.addEventListener(name, highlight);
  addEventListener("scroll", highlight, { passive: true });
  backToCurrent.addEventListener("click", showCurrent);
  keysToggle.checked = localStorage.getItem("keys") !== "off";
  keysToggle.addEventListener("change", () => localStorage.setItem("keys", keysToggle.checked ? "on" : "off"));
  audio.addEventListener("error", () => (document.getElementById("recording-fault").hidden = false));
  for (const { element, at } of turns) {
    element.classList.add("plays");
    const button = element.querySelector(".seek");
    button?.setAttribute("aria-label", transcriptList.dataset.play.replace("%", button.textContent));
    element.addEventListener("click", (event) => {
      if (event.target.closest("summary, pre, a")) return;
      if (!event.target.closest(".seek") && !getSelection().isCollapsed) return; // text is being selected
      seek(at);
    });
  }
  for (const button of document.querySelectorAll("[data-speed]")) button.addEventListener("click", () => setSpeed(button));
  // A hit of the search is heard at once.
  for (const link of document.querySelectorAll(".hits a[data-at]")) link.addEventListener("click", () => seek(Number(link.dataset.at)));
  document.addEventListener("keydown", (event) => {
    if (!keysToggle.checked || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const onControl = event.target.closest("button, a, summary");
    const act = {
      " ": () => !onControl && (audio.paused ? audio.play().catch(() => {}) : audio.pause(), true),
      ArrowLeft: () => (seek(Math.max(0, audio.currentTime - 5), { play: false }), true),
      ArrowRight: () => (seek(audio.currentTime + 5, { play: false }), true),
      j: () => (step(1), true),
      k: () => (step(-1), true),
      "?": () => (help.open ? help.close() : help.showModal(), true),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act && act()) event.preventDefault();
  });
}

showMoment();

for (const details of document.querySelectorAll("details.raw")) {
  details.addEventListener("toggle", async () => {
    const pre = details.querySelector("pre");
    if (!details.open || details.dataset.fetched) return;
    details.dataset.fetched = "yes";
    const answer = await fetch(details.dataset.url, { headers: { Accept: "text/plain" } });
    const text = answer.ok ? await answer.text() : `${details.dataset.failed} (${answer.status})`;
    try {
      pre.textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      pre.textContent = text;
    }
  });
}

const state = document.getElementById("memory-state");
async function watch() {
  const answer = await fetch(state.dataset.url).catch(() => null);
  const now = answer && answer.ok ? await answer.json() : null;
  if (now && now.state !== "pending") {
    if (!audio || audio.paused) location.reload();
    else state.textContent = state.dataset.reload;
  } else setTimeout(watch, 1000);
}
if (state && state.dataset.state === "pending") setTimeout(watch, 1000);
