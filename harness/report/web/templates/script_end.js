  go();

  /* Keys */
  const onItems = (act) => {
    if (byId("items").hidden) location.hash = "#items";
    else if (state.entry) act();
  };
  const actions = {
    j: () => onItems(() => state.at < state.places.length - 1 && select(state.at + 1, true)),
    k: () => onItems(() => state.at > 0 && select(state.at - 1, true)),
    f: () => onItems(() => byId("slice").focus()),
    "/": () => onItems(() => byId("search").focus()),
    t: toggleTheme,
    "?": () => !help.open && help.showModal(),
  };
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (typing && event.key === "Escape") event.target.blur();
    if (event.key === "Escape") toggleMenu(false);
    if (/^[1-9]$/.test(event.key) && TABS[event.key - 1] && !typing && !help.open && !event.ctrlKey && !event.metaKey && !event.altKey) {
      location.hash = `#${TABS[event.key - 1]}`;
      return;
    }
    if (typing || help.open || event.ctrlKey || event.metaKey || event.altKey || !(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });

  /* Words explained where they stand: pointer, focus or click shows, Escape hides */
  const tip = byId("tip");
  function explain(term) {
    const text = data.terms[term.dataset.term];
    if (!text) return;
    tip.textContent = text;
    tip.hidden = false;
    const box = term.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(box.left, innerWidth - tip.offsetWidth - 8)) + scrollX}px`;
    tip.style.top = `${box.bottom + scrollY + 6}px`;
  }
  const termOf = (event) => (event.target instanceof Element ? event.target.closest(".term") : null);
  for (const kind of ["pointerover", "focusin", "click"]) addEventListener(kind, (event) => { const term = termOf(event); if (term) explain(term); });
  for (const kind of ["pointerout", "focusout"]) addEventListener(kind, (event) => { if (termOf(event)) tip.hidden = true; });
  addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

})();
