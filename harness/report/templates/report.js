"use strict";
(() => {
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

  /* Which candidate is shown */
  const contest = byId("contest");
  contest.closest("label").hidden = data.contests.length < 2;
  if (!data.contests.length) contest.value = "all";
  const listeners = [];
  contest.addEventListener("change", applyContest);
  function applyContest() {
    for (const node of all("[data-contest]")) node.classList.toggle("other", contest.value !== "all" && node.dataset.contest !== contest.value);
    for (const node of all("div[data-contest]")) node.hidden = node.classList.contains("other");
    for (const node of all(".contest-title")) node.classList.toggle("hide", contest.value !== "all");
    for (const node of all(".who")) node.hidden = contest.value !== "all" && !node.closest("table").querySelector(".against");
    for (const listener of listeners) listener();
  }

  /* Deltas: sort and filter */
  const table = byId("delta-table");
  if (table) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
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
      byId("delta-count").textContent = `${shown} of ${rows.length} comparisons`;
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

  /* The item browser */
  const STEP = 100;
  const state = { entry: null, pair: 0, rows: [], shown: 0, at: -1 };
  const browser = byId("browser");

  const outcomeOf = (before, after) =>
    before === -1 || after === -1 ? "not scored" : before ? (after ? "both right" : "broken") : after ? "fixed" : "both wrong";
  const MARK = { fixed: ["▲", "r-better"], broken: ["▼", "r-worse"] };
  const answer = (index) => (index < 0 ? "–" : state.entry.answers[index]);

  function outcomeNode(outcome) {
    const [mark, style] = MARK[outcome] || ["", "quiet"];
    return make("span", { class: style }, mark ? `${mark} ${outcome}` : outcome);
  }

  function judge(row) {
    const [base, candidate] = state.entry.pairs[state.pair];
    const [before, after] = [row[4][base], row[4][candidate]];
    const move = before[1] === null || after[1] === null ? null : after[1] - before[1];
    return { row, before, after, move, outcome: outcomeOf(before[2], after[2]) };
  }

  function choosePair() {
    const place = state.entry.contests.indexOf(contest.value);
    state.pair = place < 0 ? 0 : place;
    const [base, candidate] = state.entry.pairs[state.pair];
    byId("browser-name").textContent = `${state.entry.name}: ${state.entry.models[candidate]} against ${state.entry.models[base]}`;
  }

  function refresh(keep) {
    const outcome = byId("outcome").value;
    const slice = Number(byId("slice").value);
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const order = byId("order").value;
    choosePair();
    const rows = state.entry.rows.map(judge).filter((one) =>
      (outcome === "all" || one.outcome === outcome) && (slice < 0 || one.row[3].includes(slice)) &&
      (!words.length || words.every((word) => one.row[1].some((text) => text.toLowerCase().includes(word)))));
    const size = { size: (one) => -Math.abs(one.move ?? 0), loss: (one) => one.move ?? 0, gain: (one) => -(one.move ?? 0) }[order];
    state.rows = rows.sort((a, b) => size(a) - size(b) || (a.row[0] < b.row[0] ? -1 : 1));
    const left = state.entry.total - state.entry.rows.length;
    const total = state.entry.total.toLocaleString("en");
    byId("item-count").textContent = `${rows.length.toLocaleString("en")} of ${total} items match` +
      (left ? `; ${left.toLocaleString("en")} items with the smallest changes of margin are left out of this page (all are in records/ and items/)` : "");
    byId("list").replaceChildren();
    state.shown = 0;
    grow();
    const at = keep ? state.rows.findIndex((one) => one.row[0] === keep) : -1;
    select(at >= 0 ? at : rows.length ? 0 : -1, false);
  }

  function grow() {
    const end = Math.min(state.rows.length, state.shown + STEP);
    const fresh = state.rows.slice(state.shown, end).map((one, offset) => {
      const button = make("button", { type: "button" }, outcomeNode(one.outcome),
        make("span", { class: "excerpt", dir: "auto" }, one.row[1].join(" / ").slice(0, 160)), make("span", { class: "num" }, signed(one.move)));
      const at = state.shown + offset;
      button.addEventListener("click", () => select(at, true));
      return make("li", {}, button);
    });
    byId("list").append(...fresh);
    state.shown = end;
    byId("more").hidden = end >= state.rows.length;
  }

  function select(at, link) {
    state.at = at;
    for (const node of all("#list [aria-current]")) node.removeAttribute("aria-current");
    const detail = byId("detail");
    if (at < 0) {
      detail.replaceChildren(make("p", { class: "quiet" }, "No item matches these filters."));
      return;
    }
    while (state.shown <= at) grow();
    const button = byId("list").children[at].firstElementChild;
    button.setAttribute("aria-current", "true");
    const box = byId("list-box");
    const [top, bottom] = [button.offsetTop, button.offsetTop + button.offsetHeight];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
    detail.replaceChildren(...describe(state.rows[at], at));
    if (link) history.replaceState(null, "", `#item=${encodeURIComponent(state.entry.name)}/${encodeURIComponent(state.rows[at].row[0])}`);
  }

  function describe(one, at) {
    const [base, candidate] = state.entry.pairs[state.pair];
    const previous = make("button", { type: "button", disabled: at === 0 }, "← Previous");
    const next = make("button", { type: "button", disabled: at === state.rows.length - 1 }, "Next →");
    previous.addEventListener("click", () => select(at - 1, true));
    next.addEventListener("click", () => select(at + 1, true));
    const texts = one.row[1].map((text, place) => {
      const body = make("div", { class: "body", dir: "auto", tabindex: 0, role: "group", "aria-label": state.entry.fields[place] }, text);
      return state.entry.fields.length > 1 ? make("div", {}, make("span", { class: "tag" }, state.entry.fields[place]), body) : body;
    });
    const line = (index) => {
      const [prediction, margin, right] = one.row[4][index];
      const word = right === -1 ? "not scored" : right ? "✓ right" : "✕ wrong";
      const role = index === base ? " (baseline)" : index === candidate ? " (candidate)" : "";
      return make("tr", {}, make("th", { scope: "row" }, make("bdi", {}, state.entry.models[index]), make("span", { class: "quiet" }, role)),
        make("td", { dir: "auto" }, answer(prediction)), make("td", { class: "right" }, word), make("td", { class: "num" }, signed(margin)));
    };
    const rest = state.entry.models.map((_, index) => index).filter((index) => index !== base && index !== candidate);
    const head = make("thead", {}, make("tr", {}, ...["Model", "Answer", "", "Margin"].map((title) =>
      title ? make("th", { scope: "col", class: title === "Margin" ? "num" : "" }, title) : make("td"))));
    return [
      make("div", { class: "move" }, outcomeNode(one.outcome), make("span", { class: "quiet" }, `${at + 1} of ${state.rows.length}`), make("span", {}, previous, " ", next)),
      ...texts,
      make("p", {}, make("b", {}, "Gold: "), make("bdi", {}, answer(one.row[2])), ` · margin moved ${signed(one.move)}`),
      make("table", {}, make("caption", { class: "hide" }, "Answers of all models"), head, make("tbody", {}, ...[base, candidate, ...rest].map(line))),
      make("p", { class: "quiet" }, ...one.row[3].flatMap((index) => [make("bdi", {}, state.entry.slices[index]), " · "]), `item ${one.row[0]}`),
    ];
  }

  function chooseEvaluation(index, keep) {
    state.entry = data.items[index];
    byId("evaluation").value = String(index);
    byId("slice").replaceChildren(make("option", { value: -1 }, "all"),
      ...state.entry.slices.map((name, place) => make("option", { value: place }, name)));
    refresh(keep);
  }

  function follow() {
    const match = /^#item=([^/]*)\/(.+)$/.exec(location.hash);
    if (!match || !browser) return false;
    let name, item;
    try {
      [name, item] = [decodeURIComponent(match[1]), decodeURIComponent(match[2])];
    } catch {
      return false;
    }
    const index = data.items.findIndex((entry) => entry.name === name);
    if (index < 0) return false;
    const row = data.items[index].rows.find((one) => one[0] === item || item.startsWith(one[0]));
    byId("outcome").value = "all";
    byId("search").value = "";
    chooseEvaluation(index, row ? row[0] : null);
    if (!row) byId("detail").replaceChildren(make("p", {}, "This item is not in the page: it is unknown here or was left out for size."));
    browser.scrollIntoView({ block: "start", behavior: "instant" });
    return true;
  }

  if (browser && data.items.length) {
    byId("evaluation").append(...data.items.map((entry, index) => make("option", { value: index }, entry.name)));
    byId("evaluation-label").hidden = data.items.length < 2;
    byId("evaluation").addEventListener("change", (event) => chooseEvaluation(Number(event.target.value), null));
    for (const id of ["outcome", "slice", "order"]) byId(id).addEventListener("change", () => refresh(null));
    byId("search").addEventListener("input", () => refresh(null));
    byId("more").addEventListener("click", grow);
    listeners.push(() => refresh(state.at >= 0 ? state.rows[state.at].row[0] : null));
    chooseEvaluation(0, null);
    addEventListener("hashchange", follow);
  }
  applyContest();
  follow();

  /* Keys */
  const actions = {
    j: () => state.entry && state.at < state.rows.length - 1 && select(state.at + 1, true),
    k: () => state.entry && state.at > 0 && select(state.at - 1, true),
    f: () => browser && byId("outcome").focus(),
    "/": () => browser && byId("search").focus(),
    t: toggleTheme,
    "?": () => !help.open && help.showModal(),
  };
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (typing && event.key === "Escape") event.target.blur();
    if (typing || help.open || event.ctrlKey || event.metaKey || event.altKey || !(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
    if ("jk".includes(event.key) && browser) byId("browser").scrollIntoView({ block: "nearest", behavior: "instant" });
  });

  /* Where the reader is */
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  for (const section of all("main > section")) watcher.observe(section);

  /* Everything unfolds on paper */
  addEventListener("beforeprint", () => { for (const node of all("details")) node.open = true; });
})();
