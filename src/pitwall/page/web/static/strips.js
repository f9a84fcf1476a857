// Strip charts of one session: keeps what the server sends, and lets uPlot draw it.
(() => {
  const LINES = ["#56b4e9", "#f0c040", "#eef2f5", "#8c66ff", "#a6ffa6", "#ff1953", "#cc7014", "#6c97a6"];
  const DIM = "#a9b6c2", GRID = "#242d36";
  const ROW_PX = 68;  // A strip is at least so high: two lines of its name and its value fit beside it.

  // Times and values of one column, rising in time, in arrays that grow.
  class Column {
    constructor() { this.t = new Float64Array(4096); this.v = new Float64Array(4096); this.n = 0; this.sent = false; }
    get last() { return this.n ? this.t[this.n - 1] : null; }
    grow(more) {
      if (this.n + more <= this.t.length) return;
      const size = Math.max(this.t.length * 2, this.n + more);
      for (const key of ["t", "v"]) { const bigger = new Float64Array(size); bigger.set(this[key].subarray(0, this.n)); this[key] = bigger; }
    }
    push(t, v) { if (this.n && t <= this.t[this.n - 1]) return; this.grow(1); this.sent ||= !Number.isNaN(v); this.t[this.n] = t; this.v[this.n++] = v; }
    // Pairs (time, value), rising, put where they belong; a time already there is not taken again.
    merge(pairs) {
      const more = pairs.length / 2;
      if (!more) return;
      if (!this.n || pairs[0] > this.last) { for (let i = 0; i < more; i++) this.push(pairs[2 * i], pairs[2 * i + 1]); return; }
      for (let i = 0; i < more && !this.sent; i++) this.sent = !Number.isNaN(pairs[2 * i + 1]);
      const t = new Float64Array(this.n + more), v = new Float64Array(this.n + more);
      let a = 0, b = 0, n = 0;
      while (a < this.n || b < more) {
        const mine = a < this.n ? this.t[a] : Infinity, other = b < more ? pairs[2 * b] : Infinity;
        if (mine <= other) { t[n] = mine; v[n++] = this.v[a++]; if (mine === other) b++; }
        else { t[n] = other; v[n++] = pairs[2 * b++ + 1]; }
      }
      this.t = t; this.v = v; this.n = n;
    }
    at(time) {
      let low = 0, high = this.n - 1;
      if (high < 0 || time < this.t[0]) return null;
      while (low < high) { const mid = (low + high + 1) >> 1; if (this.t[mid] <= time) low = mid; else high = mid - 1; }
      return this.v[low];
    }
  }

  const clock = s => s < 60 ? s.toFixed(1) : `${Math.floor(s / 60)}:${(s % 60).toFixed(1).padStart(4, "0")}`;
  const number = v => v === null || Number.isNaN(v) ? "–" : Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2);

  class Strips {
    constructor(root) {
      this.root = root; this.columns = new Map(); this.charts = []; this.window = 60; this.end = null; this.cursor = null;
      this.asked = null; this.request = 0; this.socket = null; this.wait = 500; this.dirty = true; this.closed = false;
      this.stats = { frames: 0, rows: 0, reconnects: 0, bytes: 0 };
      this.resized = new ResizeObserver(() => this.resize()); this.resized.observe(root);
      this.keys = event => this.key(event); document.addEventListener("keydown", this.keys);
      root.addEventListener("wheel", event => { if (event.ctrlKey || event.shiftKey) { event.preventDefault(); this.zoom(event.deltaY > 0 ? 1.25 : 0.8); } }, { passive: false });
      this.state("connecting", "connecting to the page …");
      this.connect(); this.loop = this.loop.bind(this); requestAnimationFrame(this.loop);
    }
    state(name, text) { this.root.dataset.state = name; if (this.note) this.note.textContent = text; this.text = text; }
    connect() {
      if (this.closed) return;
      const socket = this.socket = new WebSocket(`${location.origin.replace("http", "ws")}/stream`);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => { this.wait = 500; this.state("waiting", "waiting for the car …"); this.ask(); };
      socket.onmessage = event => this.take(event.data);
      socket.onclose = () => {
        if (this.closed || socket !== this.socket) return;
        this.stats.reconnects++;
        this.state("lost", "disconnected; what you see is old. Trying again …");
        setTimeout(() => this.connect(), this.wait); this.wait = Math.min(this.wait * 2, 4000);
      };
    }
    ask() {
      if (!this.asked || this.socket?.readyState !== 1) return;
      const have = {};
      for (const [name, column] of this.columns) if (column.n && column.complete) have[name] = column.last;
      this.request++;
      this.socket.send(JSON.stringify({ ...this.asked, have, request: this.request }));
    }
    // Show these columns ({name, label, unit, low, high}) of a session; `hidden` ones are kept without a chart.
    show(what) {
      const same = this.asked && this.asked.vehicle === what.vehicle && this.asked.session === what.session;
      if (!same) { this.columns.clear(); this.end = null; this.stats.rows = 0; }
      this.window = what.window ?? this.window;
      const names = [...what.names.map(each => each.name), ...(what.hidden ?? [])];
      for (const name of [...this.columns.keys()]) if (!names.includes(name)) this.columns.delete(name);
      for (const name of names) if (!this.columns.has(name)) this.columns.set(name, new Column());
      this.asked = { vehicle: what.vehicle, session: what.session, names };
      this.build(what.names); this.ask(); this.dirty = true;
    }
    build(names) {
      for (const { plot } of this.charts) plot.destroy();
      this.root.replaceChildren();
      this.root.style.minHeight = `${ROW_PX * names.length + 34}px`;
      this.note = Object.assign(document.createElement("div"), { className: "strip-note", textContent: this.text });
      this.note.setAttribute("role", "status");
      this.root.append(this.note);
      this.charts = names.map((what, index) => {
        const box = Object.assign(document.createElement("div"), { className: "strip" });
        const head = Object.assign(document.createElement("div"), { className: "strip-head" });
        const label = Object.assign(document.createElement("span"), { className: "strip-label", textContent: what.label });
        const value = Object.assign(document.createElement("span"), { className: "strip-value" });
        const unit = Object.assign(document.createElement("span"), { className: "strip-unit", textContent: what.unit });
        label.style.color = LINES[index % LINES.length];
        value.dataset.name = what.name;
        head.append(label, value, unit); box.append(head); this.root.append(box);
        const last = index === names.length - 1;
        const ink = { stroke: DIM, grid: { stroke: GRID, width: 1 }, ticks: { stroke: GRID, width: 1 }, font: "12px system-ui" };
        const plot = new uPlot({
          width: 300, height: 60, pxAlign: 0, legend: { show: false }, padding: [6, 8, last ? null : 2, 0],
          scales: { x: { time: false }, y: { range: (u, low, high) => low === null ? [0, 1] : uPlot.rangeNum(low, high, 0.08, true) } },
          axes: [
            { ...ink, show: true, size: last ? 28 : 0, values: last ? (u, ticks) => ticks.map(clock) : () => [] },
            // A label at the edge would lie on that of the chart above or below.
            { ...ink, size: 52, space: 26, filter: (u, ticks) => ticks.map(v => { const y = u.valToPos(v, "y"); return y < 6 || y > u.over.clientHeight - 6 ? null : v; }) },
          ],
          series: [{}, { stroke: LINES[index % LINES.length], width: 1.5, points: { show: false } }],
          cursor: { sync: { key: "strips" }, drag: { x: true, y: false }, points: { size: 7 } },
          hooks: {
            setCursor: [u => { const left = u.cursor.left; this.cursor = left >= 0 ? u.posToVal(left, "x") : null; this.readouts(); }],
            setSelect: [u => { if (u.select.width > 8) { const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
              u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false); this.window = to - from; this.end = to; this.changed(); } }],
          },
        }, [[], []], box);
        return { name: what.name, plot, value, box, unit, of: what.unit };
      });
      this.resize();
    }
    resize() {
      if (!this.charts.length || !this.root.clientHeight) return;
      const height = Math.max(ROW_PX - 2, Math.floor((this.root.clientHeight - 28) / this.charts.length) - 2);
      this.charts.forEach(({ plot, box }, index) => {
        const last = index === this.charts.length - 1;
        const head = box.firstChild.offsetWidth;
        plot.setSize({ width: Math.max(120, this.root.clientWidth - head - 6), height: height + (last ? 26 : 0) });
      });
      this.dirty = true;
    }
    take(data) {
      const length = new DataView(data).getUint32(0, true);
      const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
      if (header.request !== this.request) return;
      this.stats.bytes += data.byteLength;
      const block = new Float64Array(data, 4 + length);
      if (header.kind === "anew") { for (const name of this.columns.keys()) this.columns.set(name, new Column()); return; }
      if (header.kind === "failed") { this.note.textContent = header.names[1]; this.root.dataset.history = "failed"; return; }
      if (header.kind === "earlier") {
        const column = this.columns.get(header.names[0]);
        if (column) { column.merge(block); column.complete = true; }
        this.root.dataset.history = "read";
      } else {
        const width = header.names.length + 1, found = header.names.map(name => this.columns.get(name));
        for (let row = 0; row < header.rows; row++)
          for (let k = 0; k < found.length; k++) found[k]?.push(block[row * width], block[row * width + k + 1]);
        this.stats.rows += header.rows;
      }
      if (header.rows && this.root.dataset.state !== "live") this.state("live", "");
      this.dirty = true;
    }
    get newest() { let t = null; for (const c of this.columns.values()) if (c.n && (t === null || c.last > t)) t = c.last; return t; }
    get oldest() { let t = null; for (const c of this.columns.values()) if (c.n && (t === null || c.t[0] < t)) t = c.t[0]; return t; }
    loop() {
      if (this.closed) return;
      if (!document.body.contains(this.root)) { this.close(); return; }
      if (this.dirty && !document.hidden && this.newest !== null) {
        this.dirty = false;
        const max = this.end ?? this.newest, min = max - this.window;
        for (const { plot, name } of this.charts) {
          const column = this.columns.get(name);
          plot.batch(() => { plot.setData([column.t.subarray(0, column.n), column.v.subarray(0, column.n)], false); plot.setScale("x", { min, max }); });
        }
        this.readouts(); this.stats.frames++;
      }
      requestAnimationFrame(this.loop);
    }
    readouts() {
      const time = this.cursor ?? this.end ?? this.newest;
      if (time === null) return;
      for (const { name, value, unit, of } of this.charts) {
        const column = this.columns.get(name);
        value.textContent = column.n ? number(column.at(time)) : "–";
        unit.textContent = column.sent || this.root.dataset.history !== "read" ? of : "not sent";
      }
      const at = document.getElementById("strip-time");
      if (at) at.textContent = `${clock(time)} s${this.end !== null ? " (paused)" : ""}`;
    }
    pause() { this.end = this.end === null ? this.newest : null; this.changed(); }
    latest() { this.end = null; this.changed(); }
    start() { if (this.oldest !== null) { this.end = this.oldest + this.window; this.changed(); } }
    move(share) {
      if (this.newest === null) return;
      const to = (this.end ?? this.newest) + share * this.window;
      this.end = to >= this.newest ? null : Math.max(to, Math.min(this.newest, this.oldest + this.window));
      this.changed();
    }
    zoom(factor) { this.window = Math.min(7200, Math.max(0.5, this.window * factor)); this.changed(); }
    changed() { this.dirty = true; this.root.dataset.paused = this.end !== null; document.getElementById("strip-pause")?.setAttribute("aria-pressed", this.end !== null); }
    key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey || /input|textarea|select/i.test(event.target.tagName)) return;
      const does = { " ": () => this.pause(), ArrowLeft: () => this.move(-0.25), ArrowRight: () => this.move(0.25), Home: () => this.start(),
        End: () => this.latest(), "+": () => this.zoom(0.8), "-": () => this.zoom(1.25) }[event.key];
      if (does) { event.preventDefault(); does(); }
    }
    close() { this.closed = true; this.socket?.close(); this.resized.disconnect(); document.removeEventListener("keydown", this.keys); }
  }

  const pitwall = window.pitwall = {
    strips: null,
    open(id, what) {
      const root = document.getElementById(id);
      if (!root || !window.uPlot) { setTimeout(() => pitwall.open(id, what), 50); return; }
      if (!pitwall.strips || pitwall.strips.root !== root) { pitwall.strips?.close(); pitwall.strips = new Strips(root); }
      pitwall.strips.show(what);
    },
    call(name, ...args) { pitwall.strips?.[name](...args); },
    // The car on an ECharts element (its last series), as often as rows come but at most eight times a second.
    follow(id, x, y) {
      const step = () => {
        const root = document.getElementById(`c${id}`) , chart = window.getElement?.(id)?.chart, strips = pitwall.strips;
        if (!root) return;
        const a = strips?.columns.get(x), b = strips?.columns.get(y);
        const time = strips?.cursor ?? strips?.end ?? strips?.newest;
        if (chart && a?.n && b?.n && time != null && !document.hidden) {
          const last = chart.getOption().series.length - 1;
          chart.setOption({ series: [...Array(last).fill({}), { data: [[a.at(time), b.at(time)]] }] }, { silent: true });
        }
        setTimeout(step, 200);
      };
      step();
    },
  };
})();
