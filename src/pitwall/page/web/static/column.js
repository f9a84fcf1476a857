// Times and values of one column of the strip charts, in arrays that grow. The times rise.
window.StripColumn = class {
  constructor() {
    this.times = new Float64Array(4096);
    this.values = new Float64Array(4096);
    this.count = 0;
    this.sent = false; // Whether the car has sent a value; NaN is none.
    this.complete = false; // Whether the values before the live rows have come.
  }

  get newest() { return this.count ? this.times[this.count - 1] : null; }

  grow(added) {
    const needed = this.count + added;
    if (needed <= this.times.length) return;
    const size = Math.max(this.times.length * 2, needed);
    for (const key of ["times", "values"]) {
      const larger = new Float64Array(size);
      larger.set(this[key].subarray(0, this.count));
      this[key] = larger;
    }
  }

  // Adds a value behind all others. One that is not newer than they are is left out.
  push(time, value) {
    if (this.count && time <= this.newest) return;
    this.grow(1);
    this.sent ||= !Number.isNaN(value);
    this.times[this.count] = time;
    this.values[this.count++] = value;
  }

  // Puts pairs (time, value) with rising times where they belong. A time that is here stays.
  merge(pairs) {
    const added = pairs.length / 2;
    if (!added) return;
    if (!this.count || pairs[0] > this.newest) {
      for (let i = 0; i < added; i++) this.push(pairs[2 * i], pairs[2 * i + 1]);
      return;
    }
    for (let i = 0; i < added && !this.sent; i++) this.sent = !Number.isNaN(pairs[2 * i + 1]);
    const times = new Float64Array(this.count + added);
    const values = new Float64Array(this.count + added);
    let own = 0, other = 0, count = 0;
    while (own < this.count || other < added) {
      const ownTime = own < this.count ? this.times[own] : Infinity;
      const otherTime = other < added ? pairs[2 * other] : Infinity;
      if (ownTime <= otherTime) {
        times[count] = ownTime;
        values[count++] = this.values[own++];
        if (ownTime === otherTime) other++;
      } else {
        times[count] = otherTime;
        values[count++] = pairs[2 * other++ + 1];
      }
    }
    Object.assign(this, { times, values, count });
  }

  // The newest value at this time; null before the first one.
  at(time) {
    let low = 0, high = this.count - 1;
    if (high < 0 || time < this.times[0]) return null;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= time) low = middle;
      else high = middle - 1;
    }
    return this.values[low];
  }
};
