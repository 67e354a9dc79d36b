// `AP`, for pages of apps that are shown in a frame by this host. A page loads it from here:
//
//   <script src="https://host.example/atlassian-connect/all.js" data-options="resize:false"></script>
//
// Each request is a message to the page around the frame (frames.js). Messages go only to the host that served this
// file, and answers are accepted only from it.
(function () {
  "use strict";

  const script = document.currentScript || document.querySelector('script[src*="/atlassian-connect/all"]');
  const HOST = new URL(script.src).origin;
  const MISSING = ["cookie", "define", "dialog", "getUser", "history", "inlineDialog", "navigator"];
  const waiting = new Map();
  const said = new Set();
  let last = 0;

  function say(text) {
    if (!said.has(text)) console.warn(`${text} See "AP" in docs/compatibility.md of Roadstead.`);
    said.add(text);
  }

  // Messages to the host

  function ask(call, details, done) {
    if (window.parent === window) return say(`AP has nobody to ask for ${call}: this page is not in a frame of a host.`);
    const id = ++last;
    if (done) waiting.set(id, done);
    // As JSON, as in the cloud: a function among the details would be refused with an obscure error.
    window.parent.postMessage({ ap: 1, id, call, details: JSON.parse(JSON.stringify(details)) }, HOST);
  }

  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== window.parent || event.origin !== HOST || message?.ap !== 1) return;
    if (message.event) return dispatch(message.event.name, message.event.args);
    const done = waiting.get(message.id);
    waiting.delete(message.id);
    if (done) done(message.answer);
  });

  // Requests

  function requester(call) {
    return (url, options) => {
      const asked = typeof url === "object" ? url : { ...options, url };
      const headers = new Map(Object.entries(asked.headers || {}).map(([name, value]) => [name.toLowerCase(), value]));
      for (const name of headers.keys()) if (name !== "accept") say(`AP.${call} does not send the header ${name}.`);
      const details = {
        url: String(asked.url),
        method: String(asked.type || asked.method || "GET"),
        body: asked.data === undefined || asked.data === null ? "" : String(asked.data),
        content_type: String(asked.contentType || ""),
        accept: String(headers.get("accept") || ""),
      };
      ask(call, details, (answer) => finish(asked, answer));
    };
  }

  function finish(asked, answer) {
    const xhr = {
      readyState: 4,
      status: answer.status,
      statusText: String(answer.status),
      responseText: answer.body,
      getResponseHeader: (name) => answer.headers[name.toLowerCase()] ?? null,
      getAllResponseHeaders: () => Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`).join(""),
    };
    const good = answer.status >= 200 && answer.status < 300;
    const done = good ? asked.success : asked.error;
    if (!done && !good) return say(`A request for ${asked.url} was answered with ${answer.status}, and nothing handles it.`);
    if (good && done) done(asked.responseType === "text" ? answer.body : parsed(answer.body), "success", xhr);
    if (!good && done) done(xhr, "error", xhr.statusText);
  }

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }

  // Events, between all frames of the app on a page

  const listeners = [];

  function listen(name, listener, once) {
    listeners.push({ name, listener, once });
  }

  function forget(keep) {
    listeners.splice(0, listeners.length, ...listeners.filter(keep));
  }

  function dispatch(name, args) {
    const called = listeners.filter((one) => one.name === name || one.name === null);
    forget((one) => !(one.once && one.name === name));
    for (const one of called) one.listener(...(one.name === null ? [name, ...args] : args));
  }

  const events = {
    on: (name, listener) => listen(name, listener, false),
    once: (name, listener) => listen(name, listener, true),
    onAny: (listener) => listen(null, listener, false),
    off: (name, listener) => forget((one) => one.name !== name || one.listener !== listener),
    offAll: (name) => forget((one) => one.name !== name),
    offAny: (listener) => forget((one) => one.name !== null || one.listener !== listener),
    emit: (name, ...args) => {
      dispatch(name, args);
      ask("event", { name, args });
    },
  };

  // Notes on the host's page

  function note(kind, title, body, options) {
    const id = `ap-note-${++last}`;
    ask("note", { id, kind, title: plain(title), body: plain(body), seconds: options && options.fadeout ? 5 : 0 });
    return id;
  }

  function plain(text) {
    return text === undefined || text === null ? "" : String(text);
  }

  const messages = { clear: (id) => ask("clear", { id: String(id) }) };
  for (const kind of ["generic", "error", "warning", "success", "info", "hint"]) {
    messages[kind] = (title, body, options) => note(kind, title, body, options);
  }

  const flag = {
    create: ({ type, title, body, close }) => {
      const id = note(plain(type) || "info", title, body, { fadeout: close === "auto" });
      return { close: () => messages.clear(id) };
    },
  };

  // The frame

  const env = {
    getLocation: (done) => ask("location", {}, done),
    resize: (width, height) => {
      ask("resize", { width: width === undefined ? "100%" : width, height: height === undefined ? contentHeight() : height });
    },
    sizeToParent: () => ask("sizeToParent", {}),
  };

  // The height of the page's content, with every margin. For a moment the page must not be as tall as its frame, or it
  // would never shrink; nothing is drawn meanwhile.
  function contentHeight() {
    const parts = [document.documentElement, document.body];
    const before = parts.map((part) => part.style.cssText);
    for (const part of parts) {
      part.style.setProperty("height", "auto", "important");
      part.style.setProperty("min-height", "0", "important");
    }
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    parts.forEach((part, index) => (part.style.cssText = before[index]));
    return height;
  }

  function startSizing() {
    if (window.parent === window || options.resize === "false") return;
    if (options.sizeToParent === "true") return env.sizeToParent();
    const content = document.querySelector(".ac-content");
    env.resize();
    // A browser observes nothing in a frame that is out of sight until the user scrolls to it.
    if (content) new ResizeObserver(() => env.resize()).observe(content);
  }

  const options = Object.fromEntries(
    (script.dataset.options || "").split(";").map((option) => option.split(":").map((part) => part.trim())),
  );

  // The modules of AP, and the missing ones

  function missing(name) {
    return new Proxy(function () {}, {
      get: (target, member) => (typeof member === "symbol" || member === "then" ? undefined : missing(`${name}.${member}`)),
      apply: () => say(`${name} is not there.`),
    });
  }

  const modules = {
    ...Object.fromEntries(MISSING.map((name) => [name, missing(`AP.${name}`)])),
    context: { getToken: (done) => ask("token", {}, done) },
    env,
    events,
    flag,
    messages,
    proxyRequest: requester("proxyRequest"),
    request: requester("request"),
    user: { getCurrentUser: (done) => ask("user", {}, done) },
  };

  function require(names, done) {
    const wanted = (Array.isArray(names) ? names : [names]).map((name) =>
      Object.hasOwn(modules, name) ? modules[name] : missing(`AP.require("${name}")`),
    );
    if (done) done(...wanted);
  }

  window.AP = { ...modules, ...env, getCurrentUser: modules.user.getCurrentUser, require };

  if (document.readyState === "complete") startSizing();
  else window.addEventListener("load", startSizing);
})();
