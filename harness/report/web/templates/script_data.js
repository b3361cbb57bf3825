  /* The items' columns: deflated base64 → typed arrays, unpacked when an evaluation is first shown */
  const NONE = 0xffff;
  const PLACES = { "fixed": 0, "broken": 1, "both wrong": 2, "both right": 3, "moved": 4, "changed": 5, "unmoved": 6, "not scored": 7 };
  const OUTCOMES = Object.keys(PLACES);

  /** Puts byte planes together again. */
  function joined(bytes, start, n, width) {
    const out = new Uint8Array(n * width);
    for (let plane = 0; plane < width; plane++) {
      const from = start + plane * n;
      for (let at = 0; at < n; at++) out[at * width + plane] = bytes[from + at];
    }
    return out.buffer;
  }

  async function unpack(index) {
    const head = data.items[index];
    const blobs = JSON.parse(byId(`items-${index}`).textContent);
    const n = head.total;
    const parse = async (text) => JSON.parse(new TextDecoder().decode(await inflate(text)));
    const [ids, numbers, slices, rows] = await Promise.all([parse(blobs.ids), inflate(blobs.numbers), inflate(blobs.slices), parse(blobs.texts)]);
    const target = new Uint16Array(joined(numbers, 0, n, 2));
    let at = 2 * n;
    const sides = head.models.map(() => {
      const answer = new Uint16Array(joined(numbers, at, n, 2));
      const correct = numbers.subarray(at + 2 * n, at + 3 * n);
      const value = new Float32Array(joined(numbers, at + 3 * n, n, 4));
      at += 7 * n;
      return { answer, correct, value };
    });
    const lower = rows.map((row) => head.fields.map((_, place) => row[place]).join("\n").toLowerCase());
    return { ...head, index, ids, target, sides, slices_bits: slices, sliceBytes: Math.ceil(n / 8), rows, lower, views: new Map() };
  }

  const unpacked = new Map();
  const evaluationData = (index) => {
    if (!unpacked.has(index)) unpacked.set(index, unpack(index));
    return unpacked.get(index);
  };

  /** What a pair of models did on every item: outcome, change, and the orders by change. */
  function viewOf(entry, pair) {
    if (entry.views.has(pair)) return entry.views.get(pair);
    const [base, candidate] = entry.pairs[pair].map((model) => entry.sides[model]);
    const n = entry.total;
    const outcome = new Uint8Array(n);
    const move = new Float32Array(n);
    const count = new Uint32Array(OUTCOMES.length);
    for (let at = 0; at < n; at++) {
      move[at] = candidate.value[at] - base.value[at];
      const [before, after] = [base.correct[at], candidate.correct[at]];
      const [old, now] = [base.answer[at], candidate.answer[at]];
      const changed = old !== NONE && now !== NONE && old !== now &&
        (entry.answers[old] === undefined || entry.answers[old] !== entry.answers[now]);
      const scored = before < 2 && after < 2;
      if (scored) outcome[at] = before ? (after ? 3 : 1) : after ? 0 : 2;
      else if (entry.scored) outcome[at] = 7;
      else outcome[at] = changed ? 5 : move[at] ? 4 : 6;
      count[outcome[at]]++;
    }
    const view = { outcome, move, count, orders: new Map(), base, candidate };
    entry.views.set(pair, view);
    return view;
  }

  /** All places in an order; places without a change come last. Ties keep the rank of the page. */
  function orderOf(entry, view, name) {
    if (view.orders.has(name)) return view.orders.get(name);
    const better = entry.measure[2] === "lower" ? -1 : 1;
    const keys = new Float32Array(entry.total);
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

  const inSlice = (entry, slice, at) => (entry.slices_bits[slice * entry.sliceBytes + (at >> 3)] >> (at & 7)) & 1;

  /** Places that pass all filters, in the wanted order, as a Uint32Array. */
  function chosen(entry, view, wanted) {
    const order = orderOf(entry, view, wanted.order);
    const outcome = wanted.outcome === "all" ? -1 : wanted.outcome === "changed outcome" ? -2 : PLACES[wanted.outcome];
    const words = wanted.words;
    const out = new Uint32Array(order.length);
    let found = 0;
    for (let k = 0; k < order.length; k++) {
      const at = order[k];
      const kind = view.outcome[at];
      if (outcome === -2 ? kind !== 0 && kind !== 1 : outcome >= 0 && kind !== outcome) continue;
      if (!wanted.slices.every((slice) => inSlice(entry, slice, at))) continue;
      if (words.length && (at >= entry.lower.length || !words.every((word) => entry.lower[at].includes(word)))) continue;
      out[found++] = at;
    }
    return out.subarray(0, found);
  }
