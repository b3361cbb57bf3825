  /* The items: a list over the full width that draws only what is in sight, and the item that is selected */
  const state = { entry: null, view: null, pair: 0, places: new Uint32Array(0), at: -1, show: "broken", ready: false, columns: [] };
  const SEGMENTS = ["broken", "fixed", "different", "all"];
  const MARK = { "fixed": ["▲", "r-better"], "improved": ["▲", "r-better"], "broken": ["▼", "r-worse"], "worsened": ["▼", "r-worse"], "changed": ["◆", "r-drifted"] };
  const rowHeight = () => (innerWidth <= 600 ? 66 : 46);

  function outcomeNode(outcome) {
    const [mark, style] = MARK[outcome] || ["", "quiet"];
    return make("span", { class: style }, mark ? `${mark} ${outcome}` : outcome);
  }

  /** Four digits are kept in the page; no more are shown than they are good for. */
  function number(value, sign) {
    if (!Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    const text = size.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
    return (value < 0 && Number(text) !== 0 ? "−" : sign && Number(text) !== 0 ? "+" : "") + text;
  }

  function wanted() {
    const orders = { broken: "loss", fixed: "gain" };
    return {
      show: state.show,
      order: byId("order").value === "auto" ? orders[state.show] || "size" : byId("order").value,
      slices: [byId("slice").value, byId("group").value].map(Number).filter((slice) => slice >= 0),
      words: byId("search").value.toLowerCase().split(/\s+/).filter(Boolean),
    };
  }

  const counted = (count) => count.toLocaleString("en");

  function refresh(keep) {
    const { entry } = state;
    if (!entry) return;
    state.view = viewOf(entry, state.pair);
    const filter = wanted();
    state.places = chosen(entry, state.view, filter);
    for (const name of SEGMENTS) {
      const button = byId(`show-${name}`);
      const word = { broken: entry.scored ? "Broken" : "Worsened", fixed: entry.scored ? "Fixed" : "Improved", different: "Different", all: "All" }[name];
      button.textContent = `${word} ${counted(state.view.count[name])}`;
      button.setAttribute("aria-pressed", String(name === state.show));
      button.hidden = !entry.scored && !entry.measure[2] && (name === "broken" || name === "fixed");
    }
    const parts = [`${counted(state.places.length)} of ${counted(entry.total)} items`];
    if (filter.words.length && entry.shown < entry.total) parts.push(`searched in the ${counted(entry.shown)} texts on this page`);
    byId("item-count").textContent = parts.join("; ") + ".";
    byId("list").style.height = `${state.places.length * rowHeight()}px`;
    const kept = keep === null || keep === undefined ? -1 : state.places.indexOf(keep);
    if (kept < 0) byId("list-box").scrollTop = 0;
    select(kept >= 0 ? kept : state.places.length ? 0 : -1, false);
  }

  /** The models of the columns: the pair, then as many others as there is room for. */
  function drawHead() {
    const { entry } = state;
    const two = entry.pairs[state.pair];
    const most = innerWidth <= 900 ? 2 : Math.min(6, Math.floor((byId("list-box").clientWidth - 520) / 112));
    state.columns = [...two, ...entry.models.map((_, index) => index).filter((index) => !two.includes(index))].slice(0, Math.max(2, most));
    byId("list-box").style.setProperty("--columns", state.columns.length);
    byId("list-head").replaceChildren(make("span", {}, "Text"), make("span", {}, entry.target.some((code) => code !== null) ? "Gold" : ""),
      ...state.columns.map((index) => make("span", { class: two.includes(index) ? "inpair" : "" }, make("bdi", {}, entry.models[index]),
        entry.levels[index] ? make("span", { class: "level" }, entry.levels[index]) : "")));
  }

  /** Draws the rows in sight and a few around them. */
  function draw() {
    const box = byId("list-box");
    const row = rowHeight();
    const first = Math.max(0, Math.floor(box.scrollTop / row) - 4);
    const last = Math.min(state.places.length, Math.ceil((box.scrollTop + (box.clientHeight || 560)) / row) + 4);
    const rows = [];
    for (let at = first; at < last; at++) rows.push(line(at, row));
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.at : undefined;
    byId("list").replaceChildren(...rows);
    if (focused !== undefined) byId("list").querySelector(`[data-at="${Number(focused)}"]`)?.focus({ preventScroll: true });
  }

  function answerCell(place, index) {
    const { entry } = state;
    const side = entry.sides[index];
    const row = entry.rows[place];
    const extra = row && row.length > entry.fields.length ? row[entry.fields.length] : {};
    const answer = entry.answers[side.answer[place]] ?? (extra.answers ? extra.answers[index] : null) ?? (Number.isFinite(side.value[place]) ? number(side.value[place], false) : "–");
    const right = side.correct[place];
    const mark = right === null ? "" : right ? "✓ " : "✕ ";
    return make("span", { class: right === null ? "answer" : right ? "answer ok" : "answer no" }, mark, make("bdi", {}, answer.slice(0, 60)));
  }

  function line(at, height) {
    const { entry, view } = state;
    const place = state.places[at];
    const text = entry.rows[place] ? entry.rows[place].slice(0, entry.fields.length).filter(Boolean).join(" / ").slice(0, 200) : "text not on this page";
    const button = make("button", { type: "button", "data-at": at, "data-outcome": OUTCOMES[view.outcome[place]], "data-move": view.move[place], "aria-current": at === state.at ? "true" : null },
      make("span", { class: entry.rows[place] ? "excerpt" : "excerpt quiet", dir: "auto" }, text),
      make("span", { class: "answer quiet" }, make("bdi", {}, entry.answers[entry.target[place]] ?? "")),
      ...state.columns.map((index) => answerCell(place, index)));
    button.addEventListener("click", () => select(at, true));
    const item = make("li", { "aria-setsize": state.places.length, "aria-posinset": at + 1 }, button);
    item.style.top = `${at * height}px`;
    return item;
  }

  function select(at, link) {
    state.at = at;
    const detail = byId("detail");
    drawHead();
    if (at < 0) {
      detail.replaceChildren(make("p", { class: "quiet" }, "No item matches these filters."));
      draw();
      return;
    }
    const box = byId("list-box");
    const row = rowHeight();
    const top = at * row;
    const room = box.clientHeight - byId("list-head").offsetHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (box.clientHeight && top + row > box.scrollTop + room) box.scrollTop = top + row - room;
    draw();
    const place = state.places[at];
    detail.replaceChildren(...describe(place, at));
    if (link) {
      const address = `#item=${encodeURIComponent(state.entry.name)}/${encodeURIComponent(state.entry.ids[place])}`;
      history.replaceState(null, "", pair && pair !== data.pairs[0] ? `${address}&pair=${pair.address}` : address);
    }
    if (data.live && lacks(state.entry, place)) fetchRow(state.entry, place);
  }

  /** Whether the page lacks an item's text, or the likelihoods of its tokens. */
  function lacks(entry, place) {
    if (entry.asked.has(place)) return false;
    const row = entry.rows[place];
    return !row || (entry.tokens && !(row[entry.fields.length] || {}).tokens);
  }

  /** Under `harness serve` what the page lacks of an item is asked for. */
  async function fetchRow(entry, place) {
    entry.asked.add(place);
    const answer = await fetch(`item?evaluation=${encodeURIComponent(entry.name)}&id=${encodeURIComponent(entry.ids[place])}`);
    if (!answer.ok) return;
    entry.rows[place] = await answer.json();
    if (state.entry === entry && state.places[state.at] === place) byId("detail").replaceChildren(...describe(place, state.at));
    draw();
  }

  /** The pair of this evaluation that is in view, else its first one. */
  function pairInView() {
    const place = state.entry.contests.indexOf(pair ? pair.key : "");
    state.pair = place < 0 ? 0 : place;
    const [base, candidate] = state.entry.pairs[state.pair].map((index) => state.entry.models[index]);
    byId("pair-note").replaceChildren(place < 0 ? "This evaluation does not compare the pair in view; shown: " : "", make("bdi", {}, base), " → ", make("bdi", {}, candidate));
  }

  function fillFilters() {
    const { entry } = state;
    const groups = new Map();
    entry.slices.forEach((name, place) => {
      const key = name.includes("=") ? name.slice(0, name.indexOf("=")) : "";
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(make("option", { value: place }, key ? name.slice(key.length + 1) : name));
    });
    for (const id of ["slice", "group"]) {
      const made = [...groups].map(([key, options]) => make("optgroup", { label: key || "other" }, ...options.map((option) => option.cloneNode(true))));
      byId(id).replaceChildren(make("option", { value: -1 }, "all"), ...made);
    }
    byId("slice-label").hidden = !entry.slices.length;
    byId("group-label").hidden = groups.size < 2;
    const orders = entry.measure[0] ? [["auto", "worst or best first"], ["size", "largest change"], ["loss", "most worsened"], ["gain", "most improved"],
      ["base", "lowest baseline value"], ["candidate", "lowest candidate value"]] : [["auto", "changed first"]];
    byId("order").replaceChildren(...orders.map(([value, text]) => make("option", { value }, text)));
    const unit = entry.measure[1] ? `, ${entry.measure[1]}` : "";
    const better = entry.measure[2] ? `; ${entry.measure[2]} is better` : "";
    const left = entry.total - entry.shown;
    const texts = left
      ? ` Texts of ${counted(entry.shown)} of ${counted(entry.total)} items are on this page (${counted(entry.flipsShown)} of ${counted(entry.flips)} that changed, largest change first, and a sample of the rest)` +
        (data.live ? "; the others are read when they are selected." : "; all are in items/ and records/, and `harness serve` shows them.")
      : "";
    const slices = entry.slicesLeft ? ` ${counted(entry.slicesLeft)} rare slices are not in the filter.` : "";
    const order = entry.measure[0] ? `Ordered by change in: ${entry.measure[0]}${unit}${better}.` : "";
    const lead = entry.lead ? ` Below each model: ${entry.lead}.` : "";
    byId("browser-note").textContent = `${order}${lead}${texts}${slices}`.trim();
  }

  async function chooseEvaluation(index, keepId, show) {
    byId("evaluation").value = String(index);
    const entry = await evaluationData(index);
    if (byId("evaluation").value !== String(index)) return;
    state.entry = entry;
    state.at = -1;
    pairInView();
    fillFilters();
    byId("search").value = "";
    const { count } = viewOf(entry, state.pair);
    state.show = keepId !== null ? "all" : show || ["broken", "fixed", "different", "all"].find((name) => count[name]) || "all";
    refresh(keepId === null ? null : placeOf(entry, keepId));
    byId("browser").dataset.ready = entry.name;
  }

  const placeOf = (entry, id) => entry.ids.findIndex((short) => short === id || (id.startsWith(short) && short.length >= 10));

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return "";
    }
  }

  /** What an address asks for: one item, or an evaluation and which of its items. */
  async function follow(place, given) {
    const match = /^item=([^/]*)\/(.+)$/.exec(place);
    const name = match ? decoded(match[1]) : given.has("eval") ? decoded(given.get("eval")) : "";
    const index = data.items.findIndex((entry) => entry.name === name);
    if (match && index >= 0) {
      const item = decoded(match[2]);
      await chooseEvaluation(index, item, null);
      if (placeOf(state.entry, item) < 0) byId("detail").replaceChildren(make("p", {}, "This item is unknown to this run."));
      byId("detail").scrollIntoView({ block: "nearest", behavior: "instant" });
    } else if (index >= 0 || SEGMENTS.includes(given.get("show")) || !state.entry) {
      await chooseEvaluation(index >= 0 ? index : Number(byId("evaluation").value) || 0, null, SEGMENTS.includes(given.get("show")) ? given.get("show") : null);
    }
  }

  function setupItems() {
    const browser = byId("browser");
    if (!browser || !data.items.length) return;
    state.ready = true;
    byId("evaluation").append(...data.items.map((entry, index) => make("option", { value: index }, entry.name)));
    byId("evaluation-label").hidden = data.items.length < 2;
    byId("evaluation").addEventListener("change", (event) => chooseEvaluation(Number(event.target.value), null, null));
    for (const name of SEGMENTS) byId(`show-${name}`).addEventListener("click", () => { state.show = name; soon(false); });
    for (const id of ["slice", "group", "order"]) byId(id).addEventListener("change", () => soon(false));
    byId("search").addEventListener("input", () => soon(false));
    byId("list-box").addEventListener("scroll", () => draw(), { passive: true });
    addEventListener("resize", () => state.entry && soon(true));
    listeners.push(() => {
      if (!state.entry) return;
      const keep = state.at >= 0 ? state.places[state.at] : null;
      pairInView();
      refresh(keep);
    });
  }
