// Strip charts of one session. They keep the columns that the server sends (`web/stream.py` says
// how) as `StripColumn`s, and uPlot draws them. Times are session times in seconds.
//
// `pitwall.open` shows columns of a session, `pitwall.call` serves the buttons above the charts,
// and `pitwall.follow` moves the car on the track map and in the grip chart.
(() => {
  const LINES = [
    "#56b4e9", "#f0c040", "#eef2f5", "#8c66ff", "#a6ffa6", "#ff1953", "#cc7014", "#6c97a6",
  ];
  const DIM = "#a9b6c2", GRID = "#242d36";
  const ROW_PX = 68; // Smallest height of a strip, for two lines of its name above its value.
  const AXIS_PX = 26; // Height of the time axis below the last strip.
  const RETRY_MS = 500, LONGEST_RETRY_MS = 4000;
  const SHORTEST_WINDOW_S = 0.5, LONGEST_WINDOW_S = 7200;
  const FOLLOW_MS = 200;

  const clockText = seconds => {
    if (seconds < 60) return seconds.toFixed(1);
    return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
  };
  const numberText = value => {
    if (value === null || Number.isNaN(value)) return "–";
    return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  };
  const element = (tag, className, textContent = "") =>
    Object.assign(document.createElement(tag), { className, textContent });

  class Strips {
    constructor(root) {
      this.root = root;
      this.columns = new Map();
      this.charts = [];
      this.window = 60; // Length of the time axis.
      this.end = null; // End of the time axis; null while it follows the car.
      this.cursor = null; // The pointer's time; null while it is elsewhere.
      this.asked = null; // What the server is asked for.
      this.request = 0; // Number of the newest request; answers to older ones are not taken.
      this.socket = null;
      this.retryMs = RETRY_MS;
      this.dirty = true; // Whether the charts must be drawn again.
      this.closed = false;
      this.stats = { frames: 0, rows: 0, reconnects: 0, bytes: 0 };
      this.resizes = new ResizeObserver(() => this.resize());
      this.resizes.observe(root);
      this.onKey = event => this.key(event);
      document.addEventListener("keydown", this.onKey);
      root.addEventListener("wheel", event => {
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
      }, { passive: false });
      this.setState("connecting", "connecting to the page …");
      this.connect();
      this.draw = this.draw.bind(this);
      requestAnimationFrame(this.draw);
    }

    close() {
      this.closed = true;
      this.socket?.close();
      this.resizes.disconnect();
      document.removeEventListener("keydown", this.onKey);
    }

    // -- what the server sends -----------------------------------------------------------------

    setState(name, text) {
      this.root.dataset.state = name;
      this.noteText = text;
      if (this.note) this.note.textContent = text;
    }

    connect() {
      if (this.closed) return;
      const socket = new WebSocket(`${location.origin.replace("http", "ws")}/stream`);
      this.socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        this.retryMs = RETRY_MS;
        this.setState("waiting", "waiting for the car …");
        this.ask();
      };
      socket.onmessage = event => this.receive(event.data);
      socket.onclose = () => {
        if (this.closed || socket !== this.socket) return;
        this.stats.reconnects++;
        this.setState("lost", "disconnected; what you see is old. Trying again …");
        setTimeout(() => this.connect(), this.retryMs);
        this.retryMs = Math.min(this.retryMs * 2, LONGEST_RETRY_MS);
      };
    }

    ask() {
      if (!this.asked || this.socket?.readyState !== 1) return;
      const have = {};
      for (const [name, column] of this.columns)
        if (column.count && column.complete) have[name] = column.newest;
      this.request++;
      this.socket.send(JSON.stringify({ ...this.asked, have, request: this.request }));
    }

    receive(data) {
      const headerBytes = new DataView(data).getUint32(0, true);
      const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, headerBytes)));
      if (header.request !== this.request) return;
      this.stats.bytes += data.byteLength;
      const block = new Float64Array(data, 4 + headerBytes);
      if (header.kind === "anew") {
        for (const name of this.columns.keys()) this.columns.set(name, new StripColumn());
        return;
      }
      if (header.kind === "failed") {
        this.note.textContent = header.names[1];
        this.root.dataset.history = "failed";
        return;
      }
      if (header.kind === "earlier") {
        const column = this.columns.get(header.names[0]);
        if (column) {
          column.merge(block);
          column.complete = true;
        }
        this.root.dataset.history = "read";
      } else {
        this.addRows(header, block);
      }
      if (header.rows && this.root.dataset.state !== "live") this.setState("live", "");
      this.dirty = true;
    }

    addRows(header, block) {
      const width = header.names.length + 1;
      const columns = header.names.map(name => this.columns.get(name));
      for (let row = 0; row < header.rows; row++) {
        const begin = row * width;
        columns.forEach((column, index) => column?.push(block[begin], block[begin + index + 1]));
      }
      this.stats.rows += header.rows;
    }

    // -- layout --------------------------------------------------------------------------------

    // Shows columns ({name, label, unit}) of a session; those named in `hidden` have no chart.
    show({ vehicle, session, window_s, columns, hidden }) {
      const sameSession = this.asked?.vehicle === vehicle && this.asked?.session === session;
      if (!sameSession) {
        this.columns.clear();
        this.end = null;
        this.stats.rows = 0;
      }
      this.window = window_s ?? this.window;
      const names = [...columns.map(column => column.name), ...(hidden ?? [])];
      for (const name of [...this.columns.keys()])
        if (!names.includes(name)) this.columns.delete(name);
      for (const name of names)
        if (!this.columns.has(name)) this.columns.set(name, new StripColumn());
      this.asked = { vehicle, session, names };
      this.build(columns);
      this.ask();
      this.dirty = true;
    }

    build(columns) {
      for (const { plot } of this.charts) plot.destroy();
      this.root.replaceChildren();
      this.root.style.minHeight = `${ROW_PX * columns.length + 34}px`;
      this.note = element("div", "strip-note", this.noteText);
      this.note.setAttribute("role", "status");
      this.root.append(this.note);
      this.charts = columns.map((column, index) =>
        this.strip(column, LINES[index % LINES.length], index === columns.length - 1));
      this.resize();
    }

    // One strip: its name, value and unit at the left, and its plot.
    strip({ name, label, unit }, colour, isLast) {
      const box = element("div", "strip"), head = element("div", "strip-head");
      const title = element("span", "strip-label", label);
      const value = element("span", "strip-value");
      const unitText = element("span", "strip-unit", unit);
      title.style.color = colour;
      value.dataset.name = name;
      head.append(title, value, unitText);
      box.append(head);
      this.root.append(box);
      const plot = new uPlot(this.plotOptions(colour, isLast), [[], []], box);
      return { name, plot, value, box, unitText, unit };
    }

    plotOptions(colour, isLast) {
      const style = {
        stroke: DIM,
        grid: { stroke: GRID, width: 1 },
        ticks: { stroke: GRID, width: 1 },
        font: "12px system-ui",
      };
      const timeAxis = {
        ...style,
        show: true,
        size: isLast ? 28 : 0,
        values: isLast ? (plot, ticks) => ticks.map(clockText) : () => [],
      };
      // A label at the edge would lie on that of the chart above or below.
      const inner = (plot, value) => {
        const y = plot.valToPos(value, "y");
        return y < 6 || y > plot.over.clientHeight - 6 ? null : value;
      };
      const valueAxis = {
        ...style,
        size: 52,
        space: 26,
        filter: (plot, ticks) => ticks.map(value => inner(plot, value)),
      };
      const range = (plot, low, high) =>
        low === null ? [0, 1] : uPlot.rangeNum(low, high, 0.08, true);
      return {
        width: 300,
        height: 60,
        pxAlign: 0,
        legend: { show: false },
        padding: [6, 8, isLast ? null : 2, 0],
        scales: { x: { time: false }, y: { range } },
        axes: [timeAxis, valueAxis],
        series: [{}, { stroke: colour, width: 1.5, points: { show: false } }],
        cursor: { sync: { key: "strips" }, drag: { x: true, y: false }, points: { size: 7 } },
        hooks: {
          setCursor: [plot => this.moveCursor(plot)],
          setSelect: [plot => this.select(plot)],
        },
      };
    }

    resize() {
      if (!this.charts.length || !this.root.clientHeight) return;
      const share = Math.floor((this.root.clientHeight - 28) / this.charts.length);
      const height = Math.max(ROW_PX, share) - 2;
      this.charts.forEach(({ plot, box }, index) => {
        const isLast = index === this.charts.length - 1;
        const headWidth = box.firstChild.offsetWidth;
        plot.setSize({
          width: Math.max(120, this.root.clientWidth - headWidth - 6),
          height: height + (isLast ? AXIS_PX : 0),
        });
      });
      this.dirty = true;
    }

    // -- drawing -------------------------------------------------------------------------------

    get newest() {
      let newest = null;
      for (const { count, times } of this.columns.values())
        if (count && (newest === null || times[count - 1] > newest)) newest = times[count - 1];
      return newest;
    }

    get oldest() {
      let oldest = null;
      for (const { count, times } of this.columns.values())
        if (count && (oldest === null || times[0] < oldest)) oldest = times[0];
      return oldest;
    }

    // The time whose values are shown; null before the first row.
    get shownTime() { return this.cursor ?? this.end ?? this.newest; }

    draw() {
      if (this.closed) return;
      if (!document.body.contains(this.root)) {
        this.close();
        return;
      }
      if (this.dirty && !document.hidden && this.newest !== null) {
        this.dirty = false;
        const max = this.end ?? this.newest, min = max - this.window;
        for (const { plot, name } of this.charts) {
          const { times, values, count } = this.columns.get(name);
          plot.batch(() => {
            plot.setData([times.subarray(0, count), values.subarray(0, count)], false);
            plot.setScale("x", { min, max });
          });
        }
        this.showValues();
        this.stats.frames++;
      }
      requestAnimationFrame(this.draw);
    }

    showValues() {
      const time = this.shownTime;
      if (time === null) return;
      for (const { name, value, unitText, unit } of this.charts) {
        const column = this.columns.get(name);
        const isSent = column.sent || this.root.dataset.history !== "read";
        value.textContent = column.count ? numberText(column.at(time)) : "–";
        unitText.textContent = isSent ? unit : "not sent";
      }
      const timeText = document.getElementById("strip-time");
      const paused = this.end !== null ? " (paused)" : "";
      if (timeText) timeText.textContent = `${clockText(time)} s${paused}`;
    }

    // -- what the viewer does ------------------------------------------------------------------

    moveCursor(plot) {
      const left = plot.cursor.left;
      this.cursor = left >= 0 ? plot.posToVal(left, "x") : null;
      this.showValues();
    }

    // Makes the time that was dragged over the window.
    select(plot) {
      const { left, width } = plot.select;
      if (width <= 8) return;
      const begin = plot.posToVal(left, "x"), end = plot.posToVal(left + width, "x");
      plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      this.window = end - begin;
      this.end = end;
      this.changed();
    }

    pause() {
      this.end = this.end === null ? this.newest : null;
      this.changed();
    }

    latest() {
      this.end = null;
      this.changed();
    }

    start() {
      if (this.oldest === null) return;
      this.end = this.oldest + this.window;
      this.changed();
    }

    // Scrolls by a share of the window; a negative share goes back.
    move(share) {
      if (this.newest === null) return;
      const end = (this.end ?? this.newest) + share * this.window;
      const earliest = Math.min(this.newest, this.oldest + this.window);
      this.end = end >= this.newest ? null : Math.max(end, earliest);
      this.changed();
    }

    zoom(factor) {
      const length = this.window * factor;
      this.window = Math.min(LONGEST_WINDOW_S, Math.max(SHORTEST_WINDOW_S, length));
      this.changed();
    }

    changed() {
      const paused = this.end !== null;
      this.dirty = true;
      this.root.dataset.paused = paused;
      document.getElementById("strip-pause")?.setAttribute("aria-pressed", paused);
    }

    key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (/input|textarea|select/i.test(event.target.tagName)) return;
      const action = {
        " ": () => this.pause(),
        ArrowLeft: () => this.move(-0.25),
        ArrowRight: () => this.move(0.25),
        Home: () => this.start(),
        End: () => this.latest(),
        "+": () => this.zoom(0.8),
        "-": () => this.zoom(1.25),
      }[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    }
  }

  const pitwall = window.pitwall = {
    strips: null,

    // Shows columns in the element with this id, as soon as it and uPlot are there.
    open(id, request) {
      const root = document.getElementById(id);
      if (!root || !window.uPlot) {
        setTimeout(() => pitwall.open(id, request), 50);
        return;
      }
      if (pitwall.strips?.root !== root) {
        pitwall.strips?.close();
        pitwall.strips = new Strips(root);
      }
      pitwall.strips.show(request);
    },

    call(method, ...args) { pitwall.strips?.[method](...args); },

    // Moves the last series of an ECharts element to the values of two columns, again and again.
    follow(id, xName, yName) {
      const step = () => {
        if (!document.getElementById(`c${id}`)) return;
        const chart = window.getElement?.(id)?.chart, strips = pitwall.strips;
        const x = strips?.columns.get(xName), y = strips?.columns.get(yName);
        const time = strips?.shownTime;
        if (chart && x?.count && y?.count && time != null && !document.hidden) {
          const others = chart.getOption().series.length - 1;
          const car = { data: [[x.at(time), y.at(time)]] };
          chart.setOption({ series: [...Array(others).fill({}), car] }, { silent: true });
        }
        setTimeout(step, FOLLOW_MS);
      };
      step();
    },
  };
})();
