// Faults in the layout of the view that is shown, one sentence each. Scrollers by intention carry data-scroll: "y" for a vertical
// list, "x" for a table that may be pushed sideways inside its card on a narrow screen.
() => {
  const NARROW = 1100, SLACK = 1, faults = [];
  const narrow = innerWidth < NARROW, least = narrow ? 80 : 120, leastRow = 56;
  const round = Math.round, px = (box) => `${round(box.left)},${round(box.top)} to ${round(box.right)},${round(box.bottom)}`;
  const short = (text) => `"${text.trim().replace(/\s+/g, " ").slice(0, 60)}"`;
  const name = (card) => card.getAttribute("aria-label") || card.dataset.service || card.className;
  const seen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const overlap = (a, b) => [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
  const covers = (a, b, slack = SLACK) => { const [x, y] = overlap(a, b); return x > slack && y > slack; };
  const within = (inner, outer) => inner.left >= outer.left - SLACK && inner.right <= outer.right + SLACK
    && inner.top >= outer.top - SLACK && inner.bottom <= outer.bottom + SLACK;

  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) faults.push(`the document scrolls sideways, ${document.documentElement.scrollWidth} px wide`);

  const cards = [...document.querySelectorAll("header.bar, .panel")].filter(seen);
  if (cards.length < 2) faults.push("there are no cards");
  cards.forEach((card, at) => {
    const box = card.getBoundingClientRect();
    if (box.left < -SLACK || box.right > document.documentElement.clientWidth + SLACK) faults.push(`${name(card)} leaves the window: ${px(box)}`);
    for (const other of cards.slice(at + 1))
      if (covers(box, other.getBoundingClientRect())) faults.push(`${name(card)} lies on ${name(other)}: ${px(box)}`);
  });

  // The lines of each text, and what else must not be covered.
  const leaves = (card) => {
    const found = [], walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
      if (!node.data.trim() || !seen(node.parentElement)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const lines = [...range.getClientRects()].filter((line) => line.width > 0.5);
      if (lines.length) found.push({ text: node.data, lines, node, range, holder: node.parentElement });
    }
    for (const input of card.querySelectorAll("input")) if (seen(input) && input.value)
{
      const box = input.getBoundingClientRect(), style = getComputedStyle(input);
      const high = parseFloat(style.fontSize), middle = (box.top + parseFloat(style.paddingTop) + box.bottom - parseFloat(style.paddingBottom)) / 2;
      const line = new DOMRect(box.x, middle - high / 2, box.width, high);
      found.push({ text: input.value, lines: [line], holder: input });
    }
    return found;
  };
  const scroller = (element, card) => { for (let e = element; e && e !== card; e = e.parentElement) if (e.dataset.scroll) return e; return null; };
  const allowed = (element) => element.dataset.scroll === "y" ? "y" : element.dataset.scroll === "x" && narrow ? "x" : "";

  for (const card of cards) {
    const title = name(card), edge = card.getBoundingClientRect(), texts = leaves(card);
    // Texts on one another, and on a chart.
    const canvases = [...card.querySelectorAll(".nicegui-echart, .uplot")].filter(seen).map((e) => ({ element: e, box: e.getBoundingClientRect() }));
    texts.forEach((one, at) => {
      const list = scroller(one.holder, card), frame = list?.getBoundingClientRect();
      const hidden = (line) => list && allowed(list) && !within(line, frame);
      for (const line of one.lines) {
        if (hidden(line)) continue;
        if (!within(line, edge)) faults.push(`${title}: ${short(one.text)} leaves its card, ${px(line)} of ${px(edge)}`);
        for (const other of texts.slice(at + 1))
          for (const its of other.lines) if (covers(line, its, 2)) faults.push(`${title}: ${short(one.text)} lies on ${short(other.text)} by ${overlap(line, its).map(round).join(" x ")} px`);
        for (const { element, box } of canvases)
          if (!element.contains(one.holder) && !one.holder.classList.contains("strip-note") && covers(line, box, 2)) faults.push(`${title}: ${short(one.text)} lies on a chart by ${overlap(line, box).map(round).join(" x ")} px`);
      }
      // A number that wraps alone, and a cell or figure on two lines.
      const rows = [...new Set(one.lines.map((line) => round(line.top)))];
      if (rows.length > 1 && one.node) {
        if (one.holder.closest(".v, .k, th, td:not(.text), dt, dd, header button, .tools button, .strip-value, .strip-unit")) faults.push(`${title}: ${short(one.text)} takes ${rows.length} lines`);
        const word = one.text.trimEnd().split(/\s/).pop(), range = document.createRange(), end = one.text.trimEnd().length;
        range.setStart(one.node, Math.max(0, end - word.length - 1)); range.setEnd(one.node, Math.max(0, end - word.length));
        const before = range.getBoundingClientRect(), tail = one.lines.at(-1);
        if (before.bottom < tail.top + 3 && /^[(+\-–±]*[\d.,:]+[%)s.,]*$|^–|^s\.?$/.test(word)) faults.push(`${title}: ${short(word)} wraps alone`);
      }
    });
    // A figure alone in the last row of several.
    const tops = [...card.querySelectorAll(".fact")].map((fact) => round(fact.getBoundingClientRect().top));
    if (tops.length > 1 && tops.filter((top) => top === Math.max(...tops)).length === 1 && new Set(tops).size > 1)
      faults.push(`${title}: the last figure wraps alone`);
    // Clipping.
    for (const element of [card, ...card.querySelectorAll("*")]) {
      if (!seen(element) || !element.textContent.trim() && element.tagName !== "INPUT") continue;
      const style = getComputedStyle(element), may = allowed(element);
      const x = element.scrollWidth - element.clientWidth, y = element.scrollHeight - element.clientHeight;
      if (element.clientWidth && (style.overflowX !== "visible" || element.tagName === "INPUT") && x > SLACK && may !== "x") faults.push(`${title}: ${short(element.value || element.textContent)} is cut by ${x} px at the right (${element.className || element.tagName})`);
      if (element.clientHeight && style.overflowY !== "visible" && y > SLACK && may !== "y" && element.tagName !== "INPUT") faults.push(`${title}: ${short(element.textContent)} is cut by ${y} px below (${element.className || element.tagName})`);
      if (may && Math.max(x, y) > SLACK && Math.min(element.clientWidth, element.clientHeight) < 60) faults.push(`${title}: the list shows only ${element.clientWidth} x ${element.clientHeight} px`);
    }
    // Charts: plot areas, legends, and texts that the chart draws itself.
    for (const element of card.querySelectorAll(".nicegui-echart")) {
      const chart = window.getElement?.(element.id.slice(1))?.chart;
      if (!seen(element)) continue;
      if (!chart) { faults.push(`${title}: no chart is drawn`); continue; }
      const width = chart.getWidth(), height = chart.getHeight(), model = chart.getModel();
      if (Math.abs(width - element.clientWidth) > 2 || Math.abs(height - element.clientHeight) > 2) faults.push(`${title}: the chart is drawn ${width} x ${height} px in a box of ${element.clientWidth} x ${element.clientHeight} px`);
      const plots = model.queryComponents({ mainType: "grid" }).map((grid) => grid.coordinateSystem.getRect());
      for (const plot of plots) if (plot.height < least - 0.5) faults.push(`${title}: a plot area is only ${round(plot.height)} px high`);
      for (const plot of plots) if (plot.width < 150) faults.push(`${title}: a plot area is only ${round(plot.width)} px wide`);
      const legends = model.queryComponents({ mainType: "legend" }).flatMap((legend) => legend.getData().map((item) => item.get("name")));
      const drawn = chart.getZr().storage.getDisplayList(true).filter((item) => item.type === "tspan" && item.style.text.trim() && !item.ignore && !item.invisible && item.style.opacity !== 0).map((item) => {
        const box = item.getBoundingRect().clone();
        if (item.transform) box.applyTransform(item.transform);
        return { text: item.style.text, left: box.x, right: box.x + box.width, top: box.y, bottom: box.y + box.height };
      });
      drawn.forEach((one, at) => {
        if (one.left < -2 || one.top < -2 || one.right > width + 2 || one.bottom > height + 2) faults.push(`${title}: ${short(one.text)} in the chart is cut, ${px(one)} of ${width} x ${height}`);
        for (const other of drawn.slice(at + 1)) if (covers(one, other, 2)) faults.push(`${title}: ${short(one.text)} lies on ${short(other.text)} in the chart by ${overlap(one, other).map(round).join(" x ")} px`);
        if (legends.includes(one.text)) for (const plot of plots)
          if (covers(one, { left: plot.x, right: plot.x + plot.width, top: plot.y, bottom: plot.y + plot.height })) faults.push(`${title}: the legend's ${short(one.text)} lies in the plot`);
      });
      for (const legend of model.queryComponents({ mainType: "legend" }))
        if (legend.get("type") === "scroll") for (const item of legend.getData())
          if (item.get("name") && !drawn.some((one) => one.text === item.get("name"))) faults.push(`${title}: the legend shows ${short(item.get("name"))} on another page only`);
    }
    const strips = [...card.querySelectorAll(".uplot .u-over")];
    for (const strip of strips) if (strip.clientHeight < (strips.length > 1 ? leastRow - 30 : least)) faults.push(`${title}: a strip is only ${strip.clientHeight} px high`);
    if (strips.length && strips.reduce((sum, strip) => sum + strip.clientHeight, 0) < least) faults.push(`${title}: the strips are only ${strips.length} thin lines`);
  }
  return [...new Set(faults)];
}
