"use strict";
(() => {
  const data = JSON.parse(document.getElementById("payload").textContent);
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const byId = (id) => document.getElementById(id);
  const make = (tag, properties, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  for (const node of all(".needs-script")) node.hidden = false;
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  /* Filters */
  const rows = all("tr[data-verdict]");
  const named = new Map(all("section[data-suite]").map((section) => [section, section.querySelector("h2").textContent]));
  function filter() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = byId("verdict").value;
    for (const row of rows) {
      const text = `${named.get(row.closest("section"))} ${row.textContent}`.toLowerCase();
      row.hidden = (verdict !== "" && row.dataset.verdict !== verdict) || !words.every((word) => text.includes(word));
    }
    for (const section of named.keys()) section.hidden = !section.querySelector("tr[data-verdict]:not([hidden])");
    byId("shown").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} runs`;
  }
  byId("filter").addEventListener("input", filter);
  byId("verdict").addEventListener("change", filter);

  /* Two runs of a suite side by side */
  function compare(section) {
    const boxes = all("input[type=checkbox]", section);
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    for (const box of boxes) box.disabled = chosen.length >= 2 && !box.checked;
    const place = section.querySelector(".sides");
    place.replaceChildren();
    if (chosen.length < 2) return;
    const [first, second] = chosen.sort((a, b) => Number(a) - Number(b));
    const runs = data[Number(section.dataset.suite)];
    const gates = [...new Set([first, second].flatMap((number) => Object.keys(runs[number])))];
    const cells = (gate) => {
      if (!gate) return [make("td", { class: "quiet", colspan: 3 }, "not judged")];
      return [make("td", { class: "num" }, gate[0]), make("td", { class: "num quiet" }, gate[1]), make("td", {}, gate[3])];
    };
    const head = ["Gate", `Run ${first}`, "Interval", "Verdict", `Run ${second}`, "Interval", "Verdict"];
    const table = make("table", {}, make("caption", {}, `Run ${first} and run ${second}, gate by gate`),
      make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...gates.map((name) => make("tr", {}, make("th", { scope: "row" }, name), ...cells(runs[first][name]), ...cells(runs[second][name])))));
    place.append(make("div", { class: "wide", role: "group", tabindex: "0", "aria-label": "Two runs side by side" }, table));
  }
  for (const section of all("section[data-suite]")) {
    for (const box of all("input[type=checkbox]", section)) box.addEventListener("change", () => compare(section));
  }
})();
