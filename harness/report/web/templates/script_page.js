  const data = JSON.parse(document.getElementById("payload").textContent);
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

  for (const node of all(".needs-script")) node.hidden = false;

  /* Theme */
  function toggleTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }
  byId("theme").addEventListener("click", toggleTheme);

  /* Help, and the menu of narrow windows */
  const help = byId("help");
  byId("help-open").addEventListener("click", () => help.showModal());
  const menu = byId("menu");
  function toggleMenu(open) {
    byId("shell").classList.toggle("open", open);
    menu.setAttribute("aria-expanded", String(open));
  }
  menu.addEventListener("click", () => toggleMenu(menu.getAttribute("aria-expanded") !== "true"));

  /* Larger data waits as base64 of gzipped JSON */
  const unpacks = "DecompressionStream" in globalThis;
  async function unpacked(text) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  /* Tabs and the parts of other pairs wait as markup of the page's own templates, in which every foreign text is escaped.
     The browser reads it into a document of its own, where nothing loads or runs; what is not listed here is taken out. */
  const TAGS = new Set(("div p span b h3 h4 ul ol li table caption thead tbody tr th td details summary bdi br wbr code mark pre a section " +
    "svg g line circle rect path text title figure figcaption dl dt dd button label input select option optgroup noscript template").split(" "));
  const NAMES = new Set(("id class href scope colspan dir title role tabindex aria-label aria-labelledby aria-hidden aria-describedby aria-live focusable " +
    "hidden open data-contest data-clear data-value data-term data-part data-sort data-total width height viewBox x y dx x1 x2 y1 y2 cx cy r d " +
    "text-anchor type value placeholder autocomplete").split(" "));
  const LINK = /^(#|[\w%.~-]+(\/[\w%.~-]+)*$)/;

  function built(markup) {
    const { content } = new DOMParser().parseFromString(`<template>${markup}</template>`, "text/html").head.firstChild;
    for (const node of all("*", content)) {
      if (!TAGS.has(node.localName)) node.remove();
      for (const name of node.getAttributeNames()) {
        if (!NAMES.has(name) || (name === "href" && !LINK.test(node.getAttribute(name)))) node.removeAttribute(name);
      }
    }
    return content;
  }

  let waiting = null;
  const later = () => (waiting ??= unpacked(data.later));

  /** Puts the parts of a pair where their templates stand. */
  async function fill(key) {
    const holes = all("template[data-part]").filter((node) => node.dataset.part.startsWith(`${key}/`));
    if (!holes.length || !unpacks) return;
    const { parts } = await later();
    for (const hole of holes) {
      if (!hole.isConnected) continue;
      const [owner, place] = hole.dataset.part.split("/");
      hole.replaceWith(built(parts[owner][Number(place)]));
    }
    for (const listener of added) listener();
  }

  /* Tabs: built when they are opened */
  const TABS = all("main > .tab").map((section) => section.id);
  const opened = new Map([["summary", Promise.resolve()]]);
  const setups = { metrics: setupDeltas, items: setupItems };
  const added = [];
  const listeners = [];

  async function build(name) {
    const section = byId(name);
    if (!unpacks) {
      section.append(make("p", { class: "absent" }, "Left out: this browser cannot decompress data (it has no DecompressionStream). The figures are in metrics.csv and comparisons.csv."));
      return;
    }
    const { tabs } = await later();
    section.append(built(tabs[name]));
    for (const node of all(".needs-script", section)) node.hidden = false;
    if (setups[name]) setups[name]();
    await applyPair();
  }

  /* The pair in view: two lists, and the link */
  let pair = data.pairs[0] || null;
  const [baselines, candidates] = [byId("baseline"), byId("candidate")];
  const names = [...new Set(data.pairs.map((known) => known.candidate))];
  candidates.append(...names.map((name) => make("option", { value: name }, name)));
  byId("pair").hidden = !data.pairs.length;

  function listPairs() {
    if (!pair) return;
    candidates.value = pair.candidate;
    const own = data.pairs.filter((known) => known.candidate === pair.candidate);
    baselines.replaceChildren(...own.map((known) => make("option", { value: known.key }, known.baseline)));
    baselines.value = pair.key;
  }
  candidates.addEventListener("change", () => {
    const own = data.pairs.filter((known) => known.candidate === candidates.value);
    choosePair(own.find((known) => known.baseline === pair.baseline) || own[0]);
  });
  baselines.addEventListener("change", () => choosePair(data.pairs.find((known) => known.key === baselines.value)));

  async function choosePair(wanted) {
    pair = wanted;
    setParameter("pair", pair === data.pairs[0] ? null : pair.address);
    await applyPair();
  }

  async function applyPair() {
    listPairs();
    const key = pair ? pair.key : "";
    await fill(key);
    if (pair && pair.key !== key) return;
    for (const node of all("[data-contest]")) node.hidden = node.dataset.contest !== key;
    for (const listener of listeners) listener();
    document.documentElement.dataset.shown = key;
  }

  /* The address: #tab&pair=base/candidate, or #item=evaluation/id */
  const parsed = () => {
    const [place, ...rest] = location.hash.slice(1).split("&");
    return { place, given: new Map(rest.map((text) => [text.split("=")[0], text.slice(text.indexOf("=") + 1)])) };
  };

  function setParameter(name, value) {
    const { place, given } = parsed();
    given.delete(name);
    if (value !== null) given.set(name, value);
    const rest = [...given].map(([key, text]) => `&${key}=${text}`).join("");
    history.replaceState(null, "", `#${place || document.documentElement.dataset.tab || "summary"}${rest}`);
  }

  /** Shows a place inside a tab; what is folded in a section that is asked for opens. */
  function reveal(node) {
    for (const fold of all(":scope > details", node)) fold.open = true;
    node.scrollIntoView({ block: "start", behavior: "instant" });
  }

  async function go() {
    const { place, given } = parsed();
    const name = TABS.includes(place) ? place : place.startsWith("item=") ? "items" : data.places[place] || "summary";
    if (given.has("pair")) pair = data.pairs.find((known) => known.address === given.get("pair")) || pair;
    else if (pair && pair !== data.pairs[0]) setParameter("pair", pair.address);
    toggleMenu(false);
    if (!opened.has(name)) opened.set(name, build(name));
    for (const tab of TABS) byId(tab).hidden = tab !== name;
    for (const link of all("nav a")) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    await opened.get(name);
    await applyPair();
    if (name === "items" && state.ready) await follow(place, given);
    else if (place !== name && byId(place)) reveal(byId(place));
    else if (document.documentElement.dataset.tab !== name) scrollTo(0, 0);
    document.documentElement.dataset.tab = name;
  }
  addEventListener("hashchange", go);

  /* Deltas: sort and filter */
  function setupDeltas() {
    const table = byId("delta-table");
    if (!table) return;
    const body = table.tBodies[0];
    let rows = all("tr[data-contest]", body);
    added.push(() => { rows = all("tr[data-contest]", body); });
    const filter = () => {
      const words = byId("delta-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        const keep = row.dataset.contest === pair.key && words.every((word) => text.includes(word)) &&
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

