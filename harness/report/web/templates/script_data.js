  /* The items' columns, unpacked when an evaluation is first shown; null where there is nothing */
  const OUTCOMES = ["fixed", "broken", "both wrong", "both right", "improved", "worsened", "changed", "unmoved", "not scored"];
  const [FIXED, BROKEN, BOTH_WRONG, BOTH_RIGHT, IMPROVED, WORSENED, CHANGED, UNMOVED, NOT_SCORED] = OUTCOMES.keys();

  async function readEvaluation(index) {
    const head = data.items[index];
    const blobs = JSON.parse(byId(`items-${index}`).textContent);
    const [columns, rows] = await Promise.all([unpacked(blobs.columns), unpacked(blobs.texts)]);
    const sides = columns.sides.map((side) => ({ ...side, value: new Float64Array(side.value.map((value) => value ?? NaN)) }));
    const [sets, inSet] = columns.slices;
    const lower = rows.map((row) => head.fields.map((_, place) => row[place]).join("\n").toLowerCase());
    const answered = sides.some((side) => side.answer.some((code) => code !== null));
    const tokens = rows.slice(0, 30).some((row) => (row[head.fields.length] || {}).tokens);
    return { ...head, index, answered, tokens, asked: new Set(), ids: columns.ids, target: columns.target, sides, sets: sets.map((set) => new Set(set)), inSet, rows, lower, views: new Map() };
  }

  const evaluations = new Map();
  const evaluationData = (index) => {
    if (!evaluations.has(index)) evaluations.set(index, readEvaluation(index));
    return evaluations.get(index);
  };

  /** What a pair of models did on every item: outcome, change, and the orders by change. */
  function viewOf(entry, pair) {
    if (entry.views.has(pair)) return entry.views.get(pair);
    const [base, candidate] = entry.pairs[pair].map((model) => entry.sides[model]);
    const n = entry.total;
    const outcome = new Uint8Array(n);
    const different = new Uint8Array(n);
    const move = new Float64Array(n);
    const count = { broken: 0, fixed: 0, different: 0, all: n };
    const better = entry.measure[2] === "lower" ? -1 : entry.measure[2] ? 1 : 0;
    for (let at = 0; at < n; at++) {
      move[at] = candidate.value[at] - base.value[at];
      const [before, after] = [base.correct[at], candidate.correct[at]];
      const [old, now] = [base.answer[at], candidate.answer[at]];
      const changed = old !== null && now !== null && old !== now &&
        (entry.answers[old] === undefined || entry.answers[old] !== entry.answers[now]);
      const gain = move[at] * better;
      if (before !== null && after !== null) outcome[at] = before ? (after ? BOTH_RIGHT : BROKEN) : after ? FIXED : BOTH_WRONG;
      else if (entry.scored) outcome[at] = NOT_SCORED;
      else outcome[at] = gain > 0 ? IMPROVED : gain < 0 ? WORSENED : changed || move[at] ? CHANGED : UNMOVED;
      const kind = outcome[at];
      different[at] = Number(changed || kind === FIXED || kind === BROKEN || (!entry.answered && move[at] !== 0 && !Number.isNaN(move[at])));
      count.broken += kind === BROKEN || kind === WORSENED;
      count.fixed += kind === FIXED || kind === IMPROVED;
      count.different += different[at];
    }
    const view = { outcome, different, move, count, orders: new Map(), base, candidate };
    entry.views.set(pair, view);
    return view;
  }

  /** All places in an order; places without a change come last. Ties keep the rank of the page. */
  function orderOf(entry, view, name) {
    if (view.orders.has(name)) return view.orders.get(name);
    const better = entry.measure[2] === "lower" ? -1 : 1;
    const keys = new Float64Array(entry.total);
    for (let at = 0; at < keys.length; at++) {
      const move = view.move[at];
      const key = { size: -Math.abs(move), loss: move * better, gain: -move * better, base: view.base.value[at], candidate: view.candidate.value[at] }[name];
      keys[at] = Number.isNaN(key) ? Infinity : key;
    }
    const order = new Uint32Array(keys.length);
    for (let at = 0; at < order.length; at++) order[at] = at;
    order.sort((a, b) => keys[a] - keys[b] || a - b);
    view.orders.set(name, order);
    return order;
  }

  const inSlice = (entry, slice, at) => entry.sets[entry.inSet[at]].has(slice);

  /** Places that pass all filters, in the wanted order, as a Uint32Array. */
  function chosen(entry, view, wanted) {
    const order = orderOf(entry, view, wanted.order);
    const [first, second] = { broken: [BROKEN, WORSENED], fixed: [FIXED, IMPROVED] }[wanted.show] || [-1, -1];
    const words = wanted.words;
    const out = new Uint32Array(order.length);
    let count = 0;
    for (let k = 0; k < order.length; k++) {
      const at = order[k];
      const kind = view.outcome[at];
      if (wanted.show === "different" ? !view.different[at] : first >= 0 && kind !== first && kind !== second) continue;
      if (!wanted.slices.every((slice) => inSlice(entry, slice, at))) continue;
      if (words.length && (at >= entry.lower.length || !words.every((word) => entry.lower[at].includes(word)))) continue;
      out[count++] = at;
    }
    return out.subarray(0, count);
  }
