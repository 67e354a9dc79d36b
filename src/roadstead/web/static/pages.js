// What the pages do beyond htmx: keep "3 min ago" true, copy, and show a call beside the list it is chosen from.
// Without it every page still works.
(function () {
  "use strict";

  // Times, in the words of moments.py

  const UNITS = [[86_400, "day"], [3_600, "h"], [60, "min"], [1, "s"]];

  function relative(moment) {
    const seconds = (Date.now() - moment) / 1000;
    const distance = Math.abs(seconds);
    if (distance >= 30 * 86_400) return new Date(moment).toISOString().slice(0, 10);
    if (distance < 5) return "now";
    const [length, unit] = UNITS.find(([one]) => distance >= one);
    const count = Math.floor(distance / length);
    const span = `${count} ${unit}${unit === "day" && count > 1 ? "s" : ""}`;
    return seconds > 0 ? `${span} ago` : `in ${span}`;
  }

  setInterval(() => {
    for (const time of document.querySelectorAll("time.relative")) time.textContent = relative(Date.parse(time.dateTime));
  }, 10_000);

  // Copying: each element with `data-copy` gets a button

  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    // A page without TLS that is not from this machine has no clipboard.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }

  function addCopyButton(element) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet small";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${element.dataset.copy}`);
    const text = element.textContent;
    button.addEventListener("click", async () => {
      await copy(text);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2_000);
    });
    if (element.tagName !== "PRE") return element.after(" ", button);
    const around = document.createElement("div");
    around.className = "copied";
    element.replaceWith(around);
    around.append(element, button);
  }

  function equip(part) {
    const within = (selector) => [...(part.matches(selector) ? [part] : []), ...part.querySelectorAll(selector)];
    within("[data-copy]").forEach(addCopyButton);
    for (const element of within("[data-with-script]")) element.hidden = false;
  }

  // Requests: the chosen call is beside the list, if there is room

  const WIDE = matchMedia("(min-width: 64rem)");
  const pane = document.querySelector("#pane");

  function markChosen() {
    const chosen = pane.querySelector("[data-call]")?.dataset.call;
    for (const link of document.querySelectorAll(".calls a[data-call]")) {
      if (link.dataset.call === chosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const address = new URL(location);
    if (chosen) address.searchParams.set("call", chosen);
    else address.searchParams.delete("call");
    history.replaceState(history.state, "", address);
  }

  async function choose(event) {
    const link = event.target.closest("a[data-call], a[data-close]");
    if (!link || !WIDE.matches || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (link.dataset.call) await htmx.ajax("GET", link.href, "#pane");
    else pane.replaceChildren();
    markChosen();
  }

  // A list of calls or deliveries fetches new ones, unless it is paused.

  function pauseWhenAsked(button) {
    let paused = false;
    button.addEventListener("click", () => {
      paused = !paused;
      button.textContent = paused ? "Resume" : "Pause";
      document.body.classList.toggle("paused", paused);
    });
    document.body.addEventListener("htmx:beforeRequest", (event) => {
      if (paused && event.target.id === "calls") event.preventDefault();
    });
  }

  document.addEventListener("htmx:load", (event) => {
    equip(event.detail.elt);
    if (pane) markChosen();
  });
  if (pane) {
    document.querySelector(".traffic").addEventListener("click", choose);
  }
  const pause = document.querySelector("#pause");
  if (pause) pauseWhenAsked(pause);
})();
