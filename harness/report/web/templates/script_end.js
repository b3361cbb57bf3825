  applyContest();
  if (browser && unpacks && data.items.length) follow().then((linked) => linked || state.entry || chooseEvaluation(0, null));

  /* Keys */
  const actions = {
    j: () => state.entry && state.at < state.places.length - 1 && select(state.at + 1, true),
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

  /* Words explained where they stand: pointer, focus or click shows, Escape hides */
  const tip = byId("tip");
  function explain(term) {
    const text = byId(`term-${term.dataset.term.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`);
    if (!text) return;
    tip.textContent = text.textContent;
    tip.hidden = false;
    const box = term.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8)) + scrollX}px`;
    tip.style.top = `${box.bottom + scrollY + 6}px`;
  }
  const termOf = (event) => (event.target instanceof Element ? event.target.closest(".term") : null);
  for (const kind of ["pointerover", "focusin", "click"]) addEventListener(kind, (event) => { const term = termOf(event); if (term) explain(term); });
  for (const kind of ["pointerout", "focusout"]) addEventListener(kind, (event) => { if (termOf(event)) tip.hidden = true; });
  addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

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
