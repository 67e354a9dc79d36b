// The host's half of `AP` (all.js): the requests of an app's pages to the page around their frames.
//
// A message counts only if it comes from a frame with `data-app`, from the origin that this page has loaded there, and
// in the right form. The app receives only the answer to that message, sent to that frame and origin.
(function () {
  "use strict";

  const MOST_NOTES = 5;
  const TALLEST = 20_000;
  const KINDS = ["generic", "error", "warning", "success", "info", "hint"];

  const isText = (most) => (value) => typeof value === "string" && value.length <= most;
  const isLength = (value) =>
    (Number.isFinite(value) && value >= 0) || (typeof value === "string" && /^\d{1,5}(\.\d+)?(px|%)?$/.test(value));
  const isFew = (value) => Array.isArray(value) && JSON.stringify(value).length <= 65_536;
  const isRequest = {
    url: isText(8_000),
    method: isText(10),
    body: isText(16_000_000),
    content_type: isText(200),
    accept: isText(200),
  };

  // By name: the form of the details, and the action; a result that is not undefined is the answer.
  const CALLS = {
    request: [isRequest, (frame, details) => post("request", details)],
    proxyRequest: [isRequest, (frame, details) => post("proxy", { ...details, context: location.search.slice(1) })],
    token: [{}, async () => (await post("token", {})).token],
    user: [{}, () => ({ atlassianAccountId: page().account })],
    location: [{}, () => location.href],
    resize: [{ width: isLength, height: isLength }, resize],
    sizeToParent: [{}, (frame) => resize(frame, { width: "100%", height: window.innerHeight })],
    event: [{ name: isText(200), args: isFew }, relay],
    note: [{ id: isText(100), kind: isText(20), title: isText(500), body: isText(5_000), seconds: Number.isFinite }, show],
    clear: [{ id: isText(100) }, (frame, { id }) => noteOf(frame, id)?.remove()],
  };

  window.addEventListener("message", async (event) => {
    const frame = frames().find((one) => one.contentWindow === event.source && originOf(one) === event.origin);
    const message = event.data;
    if (!frame || event.origin === location.origin || !isObject(message) || message.ap !== 1) return;
    if (!Object.hasOwn(CALLS, message.call)) return;
    const [form, act] = CALLS[message.call];
    if (!Number.isSafeInteger(message.id) || !fits(message.details, form)) {
      return console.warn(`A page of the app asked for ${message.call} in a form that is not known.`);
    }
    const answer = await act(frame, message.details);
    // The frame may show another page by now: then the origin protects the answer.
    if (answer !== undefined) event.source.postMessage({ ap: 1, id: message.id, answer }, event.origin);
  });

  function frames() {
    return [...document.querySelectorAll("iframe[data-app]")];
  }

  function originOf(frame) {
    return new URL(frame.src).origin;
  }

  function page() {
    return document.querySelector("[data-frames]").dataset;
  }

  function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
  }

  function fits(details, form) {
    const names = Object.keys(form);
    return isObject(details) && Object.keys(details).length === names.length && names.every((name) => form[name](details[name]));
  }

  async function post(action, fields) {
    const body = new URLSearchParams({ csrf: page().csrf, ...fields });
    try {
      const answer = await fetch(`${page().frames}/${action}`, { method: "POST", body });
      // Any other answer is a page of this host, which the app must not see.
      if (answer.ok && answer.headers.get("content-type") === "application/json") return await answer.json();
      return { status: answer.status, headers: {}, body: "" };
    } catch {
      return { status: 0, headers: {}, body: "" };
    }
  }

  function resize(frame, { width, height }) {
    frame.style.width = typeof width === "number" || /\d$/.test(width) ? `${width}px` : width;
    if (!String(height).endsWith("%")) frame.style.height = `${Math.min(parseFloat(height), TALLEST)}px`;
  }

  function relay(frame, event) {
    for (const other of frames()) {
      if (other !== frame) other.contentWindow.postMessage({ ap: 1, event }, originOf(other));
    }
  }

  // Notes, always as text.

  function show(frame, { id, kind, title, body, seconds }) {
    const notes = document.querySelector(".notes");
    const note = document.createElement("p");
    Object.assign(note.dataset, { note: id, of: frames().indexOf(frame) });
    note.className = `note ${KINDS.includes(kind) ? kind : "info"}`;
    const close = document.createElement("button");
    close.className = "quiet small";
    close.textContent = "Close";
    close.addEventListener("click", () => note.remove());
    const heading = document.createElement("strong");
    heading.textContent = title;
    note.append(heading, ` ${body} `, close);
    notes.append(note);
    while (notes.children.length > MOST_NOTES) notes.firstElementChild.remove();
    if (seconds > 0) setTimeout(() => note.remove(), Math.min(seconds, 60) * 1000);
  }

  function noteOf(frame, id) {
    const found = [...document.querySelectorAll(".note")];
    return found.find((note) => note.dataset.note === id && note.dataset.of === String(frames().indexOf(frame)));
  }
})();
