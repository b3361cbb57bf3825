  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const all = (query, root = document) => [...root.querySelectorAll(query)];

  /** Makes an element; texts only ever become text nodes. */
  function make(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
    }
    node.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
    return node;
  }

  const signed = (value) => (value === null ? "–" : (value < 0 ? "−" : value > 0 ? "+" : "") + Math.abs(value).toFixed(3));

  for (const node of all(".needs-script")) node.hidden = false;

  /* Theme */
  function toggleTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }
  byId("theme").addEventListener("click", toggleTheme);

  /* Help */
  const help = byId("help");
  byId("help-open").addEventListener("click", () => help.showModal());

  /* Larger data waits as base64 of gzipped JSON */
  const unpacks = "DecompressionStream" in globalThis;
  async function unpacked(text) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  /* Parts of other candidates wait as markup of the page's own templates, in which every foreign text is escaped. The
     browser reads it into a document of its own, where nothing loads or runs; what is not listed here is taken out. */
  const TAGS = new Set(("div p span b h3 h4 ul ol li table caption thead tbody tr th td details summary bdi br wbr code mark " +
    "svg line circle path text figure figcaption dl dt dd button").split(" "));
  const NAMES = new Set(("class scope colspan dir title role tabindex aria-label aria-hidden aria-describedby focusable hidden open data-contest data-clear data-value data-term " +
    "width height viewBox x y x1 x2 y1 y2 cx cy r d text-anchor type").split(" "));

  function built(markup) {
    const { content } = new DOMParser().parseFromString(`<template>${markup}</template>`, "text/html").head.firstChild;
    for (const node of all("*", content)) {
      if (!TAGS.has(node.localName)) node.remove();
      for (const name of node.getAttributeNames()) if (!NAMES.has(name)) node.removeAttribute(name);
    }
    return content;
  }

  let waitingParts = null;
  async function fill(key) {
    const holes = all("template[data-part]").filter((node) => key === "all" || node.dataset.part.startsWith(`${key}/`));
    if (!holes.length || !unpacks) return;
    waitingParts ??= unpacked(data.later);
    const parts = await waitingParts;
    for (const hole of holes) {
      if (!hole.isConnected) continue;
      const [owner, place] = hole.dataset.part.split("/");
      hole.replaceWith(built(parts[owner][Number(place)]));
    }
    for (const listener of added) listener();
  }

  /* Which candidate is shown */
  const contest = byId("contest");
  contest.closest("label").hidden = data.contests.length < 2;
  if (!data.contests.length) contest.value = "all";
  const listeners = [];
  const added = [];
  contest.addEventListener("change", applyContest);
  async function applyContest() {
    await fill(contest.value);
    const picked = contest.value;
    for (const node of all("[data-contest]")) node.classList.toggle("other", picked !== "all" && node.dataset.contest !== picked);
    for (const node of all("div[data-contest]")) node.hidden = node.classList.contains("other");
    for (const node of all(".contest-title")) node.classList.toggle("hide", picked !== "all");
    for (const node of all(".who")) node.hidden = picked !== "all" && !node.closest("table").querySelector("tr:not(.other) .against");
    for (const node of all(".nothing")) node.remove();
    for (const section of all("section[data-by-contest]")) {
      if (!section.querySelector(".absent") && !section.querySelector("div[data-contest]:not(.other)")) section.append(make("p", { class: "absent nothing" }, "Not shown: nothing here was compared for this candidate."));
    }
    for (const listener of listeners) listener();
    document.documentElement.dataset.shown = picked;
  }

  /* Deltas: sort and filter */
  const table = byId("delta-table");
  if (table) {
    const body = table.tBodies[0];
    let rows = all("tr[data-contest]", body);
    added.push(() => { rows = all("tr[data-contest]", body); });
    const filter = () => {
      const words = byId("delta-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        const keep = !row.classList.contains("other") && words.every((word) => text.includes(word)) &&
          (!byId("delta-clear").checked || row.dataset.clear === "1");
        row.hidden = !keep;
        shown += keep;
      }
      byId("delta-count").textContent = `${shown} of ${table.dataset.total} comparisons`;
    };
    byId("delta-filter").addEventListener("input", filter);
    byId("delta-clear").addEventListener("change", filter);
    listeners.push(filter);
    all("th[data-sort]", table).forEach((head, column) => {
      const button = make("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const number = head.dataset.sort === "num";
        const key = (row) => row.cells[column].dataset.value;
        const missing = (text) => text === "" || text === "None" || (number && Number.isNaN(Number(text)));
        const sorted = [...rows].sort((a, b) => {
          const [x, y] = [key(a), key(b)];
          if (missing(x) || missing(y)) return missing(x) - missing(y);
          const order = number ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
          return up ? order : -order;
        });
        body.append(...sorted);
      });
    });
  }

