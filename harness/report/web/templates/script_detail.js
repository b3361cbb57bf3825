  /* One item: texts with their differences marked, answers of all models, likelihood by token */
  const WORDS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
  const LONGEST = 500;

  /** Which words of `words` are not in a longest common subsequence with `other`. */
  function differing(other, words) {
    const [a, b] = [other.length, words.length];
    const table = Array.from({ length: a + 1 }, () => new Uint16Array(b + 1));
    for (let i = a - 1; i >= 0; i--) {
      for (let j = b - 1; j >= 0; j--) {
        table[i][j] = other[i] === words[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
      }
    }
    const marks = new Array(b).fill(true);
    for (let i = 0, j = 0; i < a && j < b;) {
      if (other[i] === words[j]) { marks[j] = false; i++; j++; }
      else if (table[i + 1][j] >= table[i][j + 1]) i++;
      else j++;
    }
    return marks;
  }

  /** A text as nodes, with the words marked that another text does not have. */
  function compared(other, text) {
    const words = text.match(WORDS) || [];
    const rest = (other || "").match(WORDS) || [];
    if (!rest.length || words.length > LONGEST || rest.length > LONGEST) return [document.createTextNode(text)];
    const marks = differing(rest, words);
    const shared = marks.filter((mark, place) => !mark && words[place].trim()).length;
    // Texts that share less than a third of their words are two texts, not two versions of one.
    if (shared * 3 < words.filter((word) => word.trim()).length) return [document.createTextNode(text)];
    const nodes = [];
    words.forEach((word, place) => {
      const previous = nodes.at(-1);
      const name = marks[place] && word.trim() ? "MARK" : "#text";
      if (previous && previous.nodeName === name) previous.textContent += word;
      else nodes.push(name === "MARK" ? make("mark", {}, word) : document.createTextNode(word));
    });
    return nodes;
  }

  function textNodes(entry, row, extra, base, candidate) {
    const several = entry.fields.filter((_, place) => row[place]).length > 1;
    return entry.fields.flatMap((field, place) => {
      const text = row[place];
      if (!text && several) return [];
      const tokens = place === 0 && extra.tokens ? tokenNodes(text, extra.tokens[base], extra.tokens[candidate]) : null;
      const other = several && entry.variants ? row[place === 0 ? 1 : 0] : null;
      const body = make("div", { class: "body", dir: "auto", tabindex: 0, role: "group", "aria-label": field }, ...(tokens || compared(other, text)));
      const cells = extra.cells && extra.cells[place] ? extra.cells[place] : [];
      const figures = cells.some(Boolean)
        ? [make("p", { class: "cells quiet" }, ...[base, candidate].flatMap((model, k) => [k ? " → " : "", make("bdi", {}, `${entry.models[model]} ${cells[model] || "–"}`)]))] : [];
      const legend = tokens ? [make("p", { class: "quiet" }, "Per token: blue underlined is more likely under the candidate, orange dotted is less likely. Hover to see nats.")] : [];
      return [...(several ? [make("p", { class: "tag" }, field)] : []), body, ...legend, ...figures];
    });
  }

  /** Tokens shaded by how their log-likelihood changed from baseline to candidate; null when they do not fit. */
  function tokenNodes(text, before, after) {
    if (!text || !before || !after || !before.length || before.length !== after.length) return null;
    if (before.some(([start, end], place) => start !== after[place][0] || end !== after[place][1])) return null;
    const points = [...text];
    const nodes = [];
    let at = 0;
    before.forEach(([start, end, nats], place) => {
      if (start < at) return;
      if (start > at) nodes.push(document.createTextNode(points.slice(at, start).join("")));
      const change = after[place][2] - nats;
      const shade = Math.min(4, Math.round(Math.abs(change)));
      const word = `${number(nats, false)} → ${number(after[place][2], false)} nats (${number(change, true)})`;
      nodes.push(make("span", { class: `token ${shade ? (change > 0 ? "up" : "down") + shade : ""}`, title: word }, points.slice(start, end).join("")));
      at = end;
    });
    nodes.push(document.createTextNode(points.slice(at).join("")));
    return nodes;
  }

  /** An answer; one without any letter is named, so that it does not look like a missing one. */
  const answerNode = (text) => text.trim() ? make("bdi", {}, text) : make("span", { class: "quiet" }, "(nothing)");

  function answerNodes(entry, place, extra, model, other) {
    const listed = entry.sides[model].answer[place];
    if (entry.answers[listed] !== undefined) return [answerNode(entry.answers[listed])];
    const text = extra.answers ? extra.answers[model] : null;
    if (text === null || text === undefined) return ["–"];
    if (!text.trim()) return [answerNode(text)];
    return compared(other === model || !extra.answers ? null : extra.answers[other], text);
  }

  function describe(place, at) {
    const { entry } = state;
    const [base, candidate] = entry.pairs[state.pair];
    const previous = make("button", { type: "button", disabled: at === 0 }, "← Previous");
    const next = make("button", { type: "button", disabled: at === state.places.length - 1 }, "Next →");
    previous.addEventListener("click", () => select(at - 1, true));
    next.addEventListener("click", () => select(at + 1, true));
    const row = entry.rows[place];
    const extra = row && row.length > entry.fields.length ? row[entry.fields.length] : {};
    const line = (index) => {
      const side = entry.sides[index];
      const word = side.correct[place] === null ? "" : side.correct[place] ? "✓ right" : "✕ wrong";
      const role = index === base ? " (baseline)" : index === candidate ? " (candidate)" : "";
      return make("tr", {}, make("th", { scope: "row" }, make("bdi", {}, entry.models[index]), make("span", { class: "quiet" }, role)),
        make("td", { dir: "auto", class: "said" }, ...answerNodes(entry, place, extra, index, index === base ? candidate : base)),
        make("td", { class: "right" }, word), make("td", { class: "num" }, entry.measure[0] ? number(side.value[place], false) : ""));
    };
    const rest = entry.models.map((_, index) => index).filter((index) => index !== base && index !== candidate);
    const title = entry.measure[1] || (entry.measure[0].startsWith("mean change") ? "mean change" : /^\S+ (match|kept|met)$/.test(entry.measure[0]) ? entry.measure[0] : entry.measure[0].split(" ")[0]);
    const head = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Model"), make("th", { scope: "col" }, "Answer"),
      make("th", { scope: "col" }, entry.scored ? "Right?" : make("span", { class: "hide" }, "Right?")), make("th", { scope: "col", class: "num" }, title || make("span", { class: "hide" }, "Measure"))));
    const target = entry.answers[entry.target[place]] !== undefined ? entry.answers[entry.target[place]] : extra.target;
    // Most tasks show the right answer among the texts already.
    const gold = target === undefined || (row && row.slice(1, entry.fields.length).includes(target)) ? [] : [make("b", {}, "Gold: "), answerNode(target)];
    const change = entry.measure[0] ? `change ${number(state.view.move[place], true)}${entry.measure[1] ? " " + entry.measure[1] : ""}` : "";
    const slices = entry.slices.filter((_, slice) => inSlice(entry, slice, place));
    return [
      make("div", { class: "move" }, outcomeNode(OUTCOMES[state.view.outcome[place]]), make("span", { class: "quiet" }, `${counted(at + 1)} of ${counted(state.places.length)}`), make("span", {}, previous, " ", next)),
      ...(row ? textNodes(entry, row, extra, base, candidate) : [make("p", { class: "absent" }, data.live ? "Reading the text …" : "This page omits the text to save space; `harness serve` shows it.")]),
      ...(gold.length || change ? [make("p", {}, ...gold, gold.length && change ? " · " : "", change)] : []),
      make("table", {}, make("caption", { class: "hide" }, "Answers of all models"), head, make("tbody", {}, ...[base, candidate, ...rest].map(line))),
      make("p", { class: "quiet" }, ...slices.flatMap((name) => [make("bdi", {}, name), " · "]), `item ${entry.ids[place]}`),
    ];
  }

  /** Several filters may change in one go; the list is made once, in the next frame. */
  let frame = 0;
  function soon(keep) {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => refresh(keep ? state.places[state.at] : null));
  }

