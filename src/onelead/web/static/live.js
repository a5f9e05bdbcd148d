// The newest deliveries as they arrive. The page is complete without it; a reload shows the same.
//
//   data-live="URL"        the list; events bring its lines, newest last
//   data-live-rows="N"     how many lines it keeps
//   data-live-state        shows whether the list is live
//   data-live-pause        a button that stops and starts it
//   data-live-news         tells screen readers now and then how many arrived
//   data-live-nothing      shown while the list is empty

const NEWS_EVERY_MS = 10_000;
const TRY_AGAIN_MS = 60_000;
const TIMES_EVERY_MS = 15_000;

const list = document.querySelector("[data-live]");
if (list && "EventSource" in window) follow(list);

function follow(list) {
  const state = document.querySelector("[data-live-state]");
  const button = document.querySelector("[data-live-pause]");
  const news = document.querySelector("[data-live-news]");
  const rows = Number(list.dataset.liveRows);
  const url = new URL(list.dataset.live, window.location.href);
  let source = null;
  let isPaused = false;
  let again = 0;
  let arrived = 0;

  function show(text, isLive) {
    state.hidden = false;
    state.textContent = text;
    state.classList.toggle("badge-created", isLive);
  }

  function open() {
    clearTimeout(again);
    if (source || isPaused || document.hidden) return;
    source = new EventSource(url);
    source.onopen = () => show("Live", true);
    source.onmessage = add;
    source.onerror = () => {
      show("Connecting…", false);
      if (source?.readyState !== EventSource.CLOSED) return;
      // Refused: too many open pages, or the user has been signed out.
      close();
      show("Not live", false);
      again = setTimeout(open, TRY_AGAIN_MS);
    };
  }

  function close() {
    clearTimeout(again);
    source?.close();
    source = null;
  }

  function add(event) {
    const box = document.createElement("template");
    box.innerHTML = event.data;
    const line = box.content.firstElementChild;
    if (!line || list.querySelector(`[data-seq="${CSS.escape(line.dataset.seq)}"]`)) return;
    list.prepend(line);
    while (list.children.length > rows) list.lastElementChild.remove();
    document.querySelector("[data-live-nothing]").hidden = true;
    url.searchParams.set("after", event.lastEventId);
    arrived += 1;
  }

  function announce() {
    if (!arrived) return;
    news.textContent = arrived === 1 ? "1 new delivery" : `${arrived} new deliveries`;
    arrived = 0;
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    isPaused = !isPaused;
    button.setAttribute("aria-pressed", String(isPaused));
    if (isPaused) {
      close();
      show("Paused", false);
    } else {
      open();
    }
  });
  // A hidden page closes its stream, and catches up when it is visible again.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  setInterval(announce, NEWS_EVERY_MS);
  setInterval(() => list.querySelectorAll("time").forEach(age), TIMES_EVERY_MS);
  open();
}

const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

function age(time) {
  const seconds = Math.round((Date.now() - Date.parse(time.dateTime)) / 1000);
  if (seconds < 10) return;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  time.textContent = WORDS.format(-Math.round(seconds / length), unit);
}
