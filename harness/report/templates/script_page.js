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

