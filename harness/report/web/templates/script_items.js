  /* The item browser: a list that draws only what is in sight, and the item that is selected */
  const ROW = 36;
  const state = { entry: null, view: null, pair: 0, places: new Uint32Array(0), at: -1 };
  const browser = byId("browser");
  const MARK = { "fixed": ["▲", "r-better"], "broken": ["▼", "r-worse"], "changed": ["◆", "r-drifted"] };

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
    return {
      outcome: byId("outcome").value,
      order: byId("order").value,
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
    const parts = [`${counted(state.places.length)} of ${counted(entry.total)} items`];
    if (filter.words.length && entry.shown < entry.total) parts.push(`searched in the ${counted(entry.shown)} texts on this page`);
    byId("item-count").textContent = parts.join("; ") + ".";
    byId("list").style.height = `${state.places.length * ROW}px`;
    const kept = keep === null || keep === undefined ? -1 : state.places.indexOf(keep);
    if (kept < 0) byId("list-box").scrollTop = 0;
    select(kept >= 0 ? kept : state.places.length ? 0 : -1, false);
    draw();
  }

  /** Draws the rows in sight and a few around them. */
  function draw() {
    const box = byId("list-box");
    const first = Math.max(0, Math.floor(box.scrollTop / ROW) - 4);
    const last = Math.min(state.places.length, Math.ceil((box.scrollTop + (box.clientHeight || 560)) / ROW) + 4);
    const rows = [];
    for (let at = first; at < last; at++) rows.push(line(at));
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.at : undefined;
    byId("list").replaceChildren(...rows);
    if (focused !== undefined) byId("list").querySelector(`[data-at="${Number(focused)}"]`)?.focus({ preventScroll: true });
  }

  function line(at) {
    const { entry, view } = state;
    const place = state.places[at];
    const text = entry.rows[place] ? entry.rows[place].slice(0, entry.fields.length).filter(Boolean).join(" / ").slice(0, 160) : "text not on this page";
    const button = make("button", { type: "button", "data-at": at, "aria-current": at === state.at ? "true" : null },
      outcomeNode(OUTCOMES[view.outcome[place]]), make("span", { class: entry.rows[place] ? "excerpt" : "excerpt quiet", dir: "auto" }, text),
      make("span", { class: "num" }, entry.measure[0] ? number(view.move[place], true) : ""));
    button.addEventListener("click", () => select(at, true));
    const item = make("li", { "aria-setsize": state.places.length, "aria-posinset": at + 1 }, button);
    item.style.top = `${at * ROW}px`;
    return item;
  }

  function select(at, link) {
    state.at = at;
    const detail = byId("detail");
    if (at < 0) {
      detail.replaceChildren(make("p", { class: "quiet" }, "No item matches these filters."));
      draw();
      return;
    }
    const box = byId("list-box");
    const top = at * ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (box.clientHeight && top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight;
    draw();
    const place = state.places[at];
    detail.replaceChildren(...describe(place, at));
    if (link) history.replaceState(null, "", `#item=${encodeURIComponent(state.entry.name)}/${encodeURIComponent(state.entry.ids[place])}`);
    if (!state.entry.rows[place] && data.live) fetchRow(state.entry, place);
  }

  /** Under `harness serve` a text that the page lacks is asked for. */
  async function fetchRow(entry, place) {
    const answer = await fetch(`item?evaluation=${encodeURIComponent(entry.name)}&id=${encodeURIComponent(entry.ids[place])}`);
    if (!answer.ok) return;
    entry.rows[place] = await answer.json();
    if (state.entry === entry && state.places[state.at] === place) byId("detail").replaceChildren(...describe(place, state.at));
    draw();
  }

  function choosePair() {
    const { entry } = state;
    byId("pair").replaceChildren(...entry.pairs.map(([base, candidate], index) =>
      make("option", { value: index }, `${entry.models[candidate]} vs. ${entry.models[base]}`)));
    const place = entry.contests.indexOf(contest.value);
    state.pair = place < 0 ? 0 : place;
    byId("pair").value = String(state.pair);
    byId("pair-label").hidden = entry.pairs.length < 2;
  }

  function fillFilters() {
    const { entry } = state;
    const outcomes = entry.scored
      ? ["all", "changed outcome", "fixed", "broken", "both wrong", "both right"]
      : ["all", "changed", "moved", "unmoved"];
    const words = { "all": "all", "changed outcome": "fixed or broken", "changed": "answer changed" };
    byId("outcome").replaceChildren(...outcomes.map((name) => make("option", { value: name }, words[name] || name)));
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
    const orders = entry.measure[0] ? [["size", "largest change"], ["loss", "most worsened"], ["gain", "most improved"],
      ["base", "lowest baseline value"], ["candidate", "lowest candidate value"]] : [["size", "changed first"]];
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
    byId("browser-note").textContent = `${order}${texts}${slices}`.trim();
  }

  async function chooseEvaluation(index, keepId) {
    byId("evaluation").value = String(index);
    const entry = await evaluationData(index);
    if (byId("evaluation").value !== String(index)) return;
    state.entry = entry;
    state.at = -1;
    choosePair();
    fillFilters();
    byId("search").value = "";
    refresh(keepId === null ? null : placeOf(entry, keepId));
    browser.dataset.ready = entry.name;
  }

  const placeOf = (entry, id) => entry.ids.findIndex((short) => short === id || (id.startsWith(short) && short.length >= 10));

  async function follow() {
    const match = /^#item=([^/]*)\/(.+)$/.exec(location.hash);
    if (!match || !browser || !unpacks) return false;
    let name, item;
    try {
      [name, item] = [decodeURIComponent(match[1]), decodeURIComponent(match[2])];
    } catch {
      return false;
    }
    const index = data.items.findIndex((entry) => entry.name === name);
    if (index < 0) return false;
    await chooseEvaluation(index, item);
    if (placeOf(state.entry, item) < 0) byId("detail").replaceChildren(make("p", {}, "This item is unknown to this run."));
    browser.scrollIntoView({ block: "start", behavior: "instant" });
    return true;
  }
