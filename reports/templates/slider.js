(function () {
  "use strict";
  // The threshold slider. Every number comes from the JSON beside it: error counts, effective sample sizes and the widths of
  // ratios' intervals at each position, with the gates applied already: where a number may not be told, it is not there.
  var NBSP = "\u00a0", DASH = "\u2013";

  // --- numbers as the rest of the page writes them (reports/format.py)
  function significant(x, digits) {
    if (x === 0) return "0";
    var parts = x.toExponential(40).split("e"), s = parts[0].replace(".", ""), power = Number(parts[1]);
    var kept = s.slice(0, digits), rest = s.slice(digits);
    var up = rest[0] > "5" || (rest[0] === "5" && (/[1-9]/.test(rest.slice(1)) || Number(kept.slice(-1)) % 2 === 1)); // half to even
    if (up) kept = String(Number(kept) + 1);
    if (kept.length > digits) { kept = kept.slice(0, digits); power += 1; }
    if (power >= digits - 1) return thousands(kept + "0".repeat(power - digits + 1));
    if (power < 0) return "0." + "0".repeat(-power - 1) + kept;
    return thousands(kept.slice(0, power + 1)) + "." + kept.slice(power + 1);
  }
  function thousands(whole) { return String(whole).replace(/\B(?=(\d{3})+$)/g, ","); }
  function percent(x, digits) { return significant(100 * x, digits || 3) + NBSP + "%"; }
  function between(a, b, by) { return "[" + significant(by * a, 2) + "," + NBSP + significant(by * b, 2) + "]"; }
  function times(x) { return significant(x, x >= 10 ? 3 : 2) + "\u00d7"; }

  // --- statistics: Wilson's interval with the effective sample size and Student's quantile
  function wilson(p, n, z) {
    var centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    var half = z / (1 + z * z / n) * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return [Math.max(0, centre - half), Math.min(1, centre + half)];
  }
  // A rate at position k: {errors, rate, low, high}; `bound`: fewer than 10 errors, only the upper end counts; low is null where
  // there is no interval; `alone`: no like group has an error either.
  function rateAt(d, k) {
    var errors = d.errors[k], p = d.rate ? d.rate[k] : errors / d.n, n = d.wilson ? d.wilson[k] : null;
    var few = errors < 10, upper = d.upper.length ? d.upper[k] : null;
    if (few && upper !== null) return { errors: errors, rate: errors ? p : null, low: 0, high: upper, bound: true, alone: k >= d.alone[0] && k < d.alone[1] };
    if (n === null) return { errors: errors, rate: p, low: null, high: null, bound: false };
    var ends = wilson(p, n, d.t instanceof Array ? d.t[k] : d.t);
    return { errors: errors, rate: p, low: few ? 0 : ends[0], high: upper === null ? ends[1] : upper, bound: few };
  }
  function rateText(d, r, marked) {
    var seen = thousands(r.errors) + " of " + thousands(d.n);
    // Of a mean over groups the counts need not divide to the rate: then what they divide to stands beside them.
    if (d.weighted && r.errors && Math.abs(r.errors / d.n / r.rate - 1) > 1e-6) seen = d.weighted + "; pooled " + seen + " = " + percent(r.errors / d.n);
    seen = " (" + seen + ")";
    if (r.bound) return "\u2264" + NBSP + percent(r.high, 2) + seen + (!r.errors && r.alone ? " if comparisons were independent" : "");
    return percent(r.rate) + (r.low === null ? marked : " " + between(r.low, r.high, 100));
  }
  // The ratio to the reference, or why there is none: {text} or {text, ratio, low, high}.
  function ratioAt(all, i, base, measure, k, reading, bare, alike, words) {
    var d = all[reading].groups[i][measure], b = all[reading].groups[base][measure];
    if (i === base) return { text: "reference" };
    if (d.why || b.why || !d.half) return { text: DASH };
    var least = d.least && d.least[k] !== null ? d.least[k] : null;
    if (least === null && (!d.errors[k] || !b.errors[k])) return { text: words[d.errors[k] ? "reference_zero_errors" : b.errors[k] ? "group_zero_errors" : "zero_errors"] };
    if (least === null && d.half[k] === null) return { text: words[bare && measure === "fmr" ? "below_ledger" : "too_few_errors"] };
    if (alike !== null) {
      if (alike > 0.5) return { text: words.mostly_same_person };
    } else if (measure === "fmr" && all.length > 1 && Math.max(repeats(all, i, k), repeats(all, base, k)) > 0.05) {
      // More than 5 % of a side's errors look like one person under two names: only what both readings show is told.
      if (higher(all[1 - reading], i, base, measure, k) !== higher(all[reading], i, base, measure, k)) return { text: words.readings_differ };
    }
    if (least !== null) {
      // Few errors on the lower side: only what the larger rate is at least, over the smaller.
      if (least <= 1) return { text: words.too_few_errors };
      return { text: (errorRate(d, k) > errorRate(b, k) ? "" : "the reference ") + "at least " + times(least), least: least };
    }
    var x = errorRate(d, k) / errorRate(b, k), w = Math.exp(d.half[k]);
    return { text: times(x) + " " + between(x / w, x * w, 1), ratio: x, low: x / w, high: x * w };
  }
  // Upper ends and least ratios come as [position, value] of each change.
  function expand(d) {
    ["upper", "least"].forEach(function (name) {
      if (!d[name]) return;
      var changes = d[name], out = [];
      changes.forEach(function (change, i) {
        var end = i + 1 < changes.length ? changes[i + 1][0] : d.errors.length;
        while (out.length < end) out.push(change[1]);
      });
      d[name] = out;
    });
  }
  function errorRate(d, k) { return d.rate ? d.rate[k] : d.errors[k] / d.n; }
  // Which rate a reading shows as the higher, 1 the group's or -1 the reference's; 0 where it says nothing of the ratio.
  function higher(reading, i, base, measure, k) {
    var d = reading.groups[i][measure], b = reading.groups[base][measure];
    var told = (d.half && d.half[k] !== null) || (d.least && d.least[k] !== null && d.least[k] > 1);
    return told ? Math.sign(errorRate(d, k) - errorRate(b, k)) : 0;
  }
  // The share of a group's false matches that look like one person under two names.
  function repeats(all, i, k) {
    var a = all[0].groups[i].fmr, b = all[all.length - 1].groups[i].fmr;
    return a.why || b.why || !a.errors[k] ? 0 : (a.errors[k] - b.errors[k]) / a.errors[k];
  }

  // --- the page
  function el(tag, attributes, kids) {
    var out = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { out.setAttribute(name, attributes[name]); });
    (kids || []).forEach(function (kid) { out.appendChild(typeof kid === "string" ? document.createTextNode(kid) : kid); });
    return out;
  }
  function start(box) {
    var data = JSON.parse(document.getElementById(box.getAttribute("data-slider")).textContent);
    data.readings.forEach(function (r) {
      r.groupings.forEach(function (g) {
        g.groups.forEach(function (one) { [one.fmr, one.fnmr].forEach(function (d) { if (d && !d.why) expand(d); }); });
      });
    });
    var last = data.at.length - 1, id = box.getAttribute("data-slider"), state = { k: 0, grouping: 0, reading: 0 }, rows = [];

    var range = el("input", { type: "range", min: 0, max: last, step: 1, id: id + "-range" });
    var typed = el("input", { type: "text", inputmode: "decimal", size: 8, id: id + "-typed", autocomplete: "off" });
    var snapped = el("span", { role: "status", class: "note" });
    var told = el("output", { for: id + "-range", "aria-live": "polite", class: "told" });
    var ends = el("p", { class: "note" }), strip = el("div", { class: "strip", "aria-hidden": "true" });
    var ticks = el("div", { class: "ticks", "aria-hidden": "true" });
    var holder = el("div"), marks = el("p", { class: "marks" });
    var label = el("label", { for: id + "-range" }, ["Threshold, laxer to stricter: drag it, use the arrow keys, or type it below"]);
    var typing = el("p", { class: "typing" }, [el("label", { for: id + "-typed" }, [data.unit + " " + data.sign + NBSP]), typed, " ", snapped]);
    data.marks.forEach(function (m) {
      var button = el("button", { type: "button" }, [m.name + " (" + data.labels[m.at] + ")"]);
      button.addEventListener("click", function () { move(m.at); });
      marks.appendChild(button);
      ticks.appendChild(el("span")).style.left = 100 * m.at / last + "%";
    });
    function choice(text, options, chosen) {
      var select = el("select", {}, options.map(function (o, i) { return el("option", { value: i }, [o]); }));
      select.addEventListener("change", function () { chosen(Number(select.value)); build(); });
      return el("p", {}, [el("label", {}, [text + " ", select])]);
    }
    // Where labels say who is who: the share of the pool's FMR that looks like one person under two ids; null without labels.
    function share(k) {
      if (!data.labelled) return null;
      var first = data.readings[0].pool_fmr[k], second = data.readings[data.readings.length - 1].pool_fmr[k];
      return first ? 1 - second / first : 0;
    }
    function groupings() { return data.readings.map(function (r) { return r.groupings[state.grouping]; }); }

    range.addEventListener("input", function () { snapped.textContent = ""; move(Number(range.value)); });
    typed.addEventListener("change", function () { snap(typed.value); });
    typed.addEventListener("keydown", function (event) { if (event.key === "Enter") { event.preventDefault(); snap(typed.value); } });
    function snap(text) {
      var wanted = /^\s*[-+\u2212]?(\d+([.,]\d*)?|[.,]\d+)\s*$/.test(text) ? Number(text.replace("\u2212", "-").replace(",", ".")) : NaN, best = 0;
      if (isNaN(wanted)) { snapped.textContent = "Not a number."; return; }
      data.at.forEach(function (x, k) { if (Math.abs(x - wanted) < Math.abs(data.at[best] - wanted)) best = k; });
      var low = Math.min(data.at[0], data.at[last]), high = Math.max(data.at[0], data.at[last]);
      snapped.textContent = Math.abs(data.at[best] - wanted) < 1e-9 ? "" :
        wanted < low || wanted > high ? text.trim() + " is beyond the last position, " + data.labels[best] + "." :
        text.trim() + " is between positions; the nearest is " + data.labels[best] + ".";
      move(best, true);
    }
    function move(k, keep) {
      state.k = k;
      range.value = k;
      if (!keep) { typed.value = data.labels[k]; }
      show();
    }
    // A new table for the grouping chosen; its cells change with the threshold.
    function build() {
      var all = groupings(), g = all[state.reading], mated = g.groups.some(function (x) { return x.fnmr; });
      var columns = ["Group", "FMR on a log scale; dotted: the reference", "FMR", "False matches per million comparisons", "FMR ratio"];
      if (mated) columns = columns.concat(["FNMR", "FNMR ratio"]);
      var lowest = Math.min.apply(null, g.groups.map(function (x) { return x.fmr.n ? 1 / x.fmr.n : 1; }).concat([0.01]));
      var scale = { low: Math.floor(Math.log10(lowest)) };
      var head = el("tr", { role: "row" }, columns.map(function (c, i) {
        return el("th", { role: "columnheader", scope: "col", class: i === 0 ? "w" : i === 1 ? "w chart" : "" }, i === 1 ? [c, axis(scale)] : [c]);
      }));
      var unshown = g.groups.filter(silent).map(function (x) { return x.name + " (" + x.fmr.why + ")"; });
      rows = g.groups.map(function (x) {
        if (silent(x)) return null;
        var cells = columns.slice(1).map(function (c, i) { return el("td", { role: "cell", "data-label": i === 0 ? "" : c, class: i === 0 ? "chart" : "" }); });
        var people = el("small", {}, [x.fmr.why ? "" : thousands(x.people) + NBSP + "people" + (x.fmr.design === "as sampled" ? ", as sampled" : "")]);
        var name = el("th", { role: "rowheader", scope: "row" }, [el("bdi", {}, [x.name]), " ", people]);
        return { cells: cells, tr: el("tr", { role: "row" }, [name].concat(cells)), scale: scale };
      });
      var caption = el("caption", {}, [el("span", {}, ["By " + g.name + (g.left ? "; " + g.left + " smaller groups are in the tables" : "")])]);
      var table = el("table", { role: "table" }, [caption, el("thead", { role: "rowgroup" }, [head]),
        el("tbody", { role: "rowgroup" }, rows.filter(Boolean).map(function (r) { return r.tr; }))]);
      holder.replaceChildren(el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Rates at the chosen threshold" }, [table]));
      if (unshown.length) holder.appendChild(el("p", { class: "note" }, ["Without rates: " + unshown.join(", ") + "."]));
      where(g);
      show();
    }
    function silent(x) { return x.fmr.why && (!x.fnmr || x.fnmr.why); }
    // Where the data end: which positions have no intervals, few errors, or none.
    function where(g) {
      var shown = g.groups.filter(function (x) { return !x.fmr.why; }), text = [], k;
      function from(test) { for (k = 0; k <= last; k += 1) { if (test(k)) return k; } return last + 1; }
      var some = from(function (k) { return shown.some(function (x) { return x.fmr.errors[k] < 10; }); });
      var every = from(function (k) { return shown.every(function (x) { return x.fmr.errors[k] < 10; }); });
      var none = from(function (k) { return shown.every(function (x) { return !x.fmr.errors[k]; }); });
      if (data.first > 0) text.push("Laxer than " + data.labels[Math.min(data.first, last)] + ", false matches were counted, but not by person: no intervals, no ratios.");
      if (shown.length && some <= last) text.push("At " + data.labels[some] + " and stricter some group has fewer than 10 false matches" + (every <= last ? ", at " + data.labels[every] + " every group" : "") + ".");
      if (shown.length && none <= last) text.push("At " + data.labels[none] + " there are none: the data end here, and rates are only bounded.");
      ends.textContent = text.join(" ");
      strip.replaceChildren();
      [["below", 0, data.first], ["few", some, every], ["ended", every, last + 1]].forEach(function (z) {
        if (z[1] >= z[2]) return;
        var part = strip.appendChild(el("span", { class: z[0] }));
        part.style.left = Math.max(0, 100 * (z[1] - 0.5) / last) + "%";
        part.style.width = Math.min(100, 100 * (z[2] - 0.5) / last) - Math.max(0, 100 * (z[1] - 0.5) / last) + "%";
      });
    }
    function show() {
      var k = state.k, all = groupings(), g = all[state.reading], few = 0, none = 0, shown = 0, bare = data.bare.indexOf(k) >= 0;
      var names = data.marks.filter(function (m) { return m.at === k; }).map(function (m) { return m.name; }).join(", ");
      var at = data.unit + " " + data.sign + NBSP + data.labels[k] + (names ? " (" + names + ")" : "");
      range.setAttribute("aria-valuetext", at);
      g.groups.forEach(function (x, i) {
        if (!rows[i]) return;
        var cells = rows[i].cells, values = [];
        ["fmr", "fnmr"].forEach(function (measure) {
          var d = x[measure];
          if (!d) return;
          if (d.why) { values.push([d.why]); if (measure === "fmr") values.push([DASH]); values.push([i === g.base ? "reference" : DASH]); return; }
          var r = rateAt(d, k), mark = !d.wilson ? " (fewer than 50 people: no interval)" : " (below the ledger: no interval)";
          values.push([rateText(d, r, mark), r.rate, r.low, r.high]);
          if (measure === "fmr") {
            shown += 1; few += r.errors < 10; none += !r.errors;
            values.push([(r.bound ? "\u2264" + NBSP : "") + significant(1e6 * (r.bound ? r.high : r.rate), r.bound ? 2 : 3), 1e6 * (r.bound ? r.high : r.rate)]);
            draw(cells[0], r, g.base === null ? null : g.groups[g.base].fmr, k, rows[i].scale);
            if (all.length > 1 && repeats(all, i, k) > 0.05 && state.reading === 0) values[0][0] += "; " + percent(repeats(all, i, k), 2) + " of them are probably one person";
          }
          var q = g.base === null ? { text: DASH } : ratioAt(all, i, g.base, measure, k, state.reading, bare, measure === "fmr" ? share(k) : data.labelled ? 0 : null, data.words);
          // At an operating point the text is that of the tables, whose verdicts were settled beforehand.
          var said = d.said && d.said[k] && state.reading === 0 ? d.said[k] : q.text;
          values.push([said, q.ratio, q.low, q.high]);
        });
        values.forEach(function (v, n) {
          var cell = cells[n + 1];
          cell.textContent = v[0];
          ["data-value", "data-low", "data-high"].forEach(function (name, j) {
            if (v[j + 1] === undefined || v[j + 1] === null) cell.removeAttribute(name); else cell.setAttribute(name, v[j + 1]);
          });
        });
      });
      var pool = data.readings[state.reading].pool_fmr[k];
      told.textContent = "Match if " + at + "." + (pool === null || pool === undefined ? "" : " FMR of " + data.pool + ": " + percent(pool) + ".") +
        (few ? " Fewer than 10 false matches in " + few + " of " + shown + " groups" + (none ? ", none in " + none : "") + "." : "") +
        (bare ? " Below the comparisons that were kept one by one: no intervals, no ratios." : "");
      box.setAttribute("data-position", k);
    }
    function place(v, scale) { return Math.max(0, Math.min(100, 100 * (Math.log10(Math.max(v, 1e-12)) - scale.low) / -scale.low)) + "%"; }
    function axis(scale) {
      var out = el("div", { class: "axis", "aria-hidden": "true" }), step = scale.low < -4 ? 2 : 1;
      for (var t = 0; t >= scale.low; t -= step) out.appendChild(el("span", {}, [significant(Math.pow(10, t + 2), 1) + NBSP + "%"])).style.left = place(Math.pow(10, t), scale);
      return out;
    }
    // A rate on the log scale: a dot with its interval; a hollow bar up to a bound; a hollow dot without interval. Dotted: the reference.
    function draw(cell, r, base, k, scale) {
      function x(v) { return place(v, scale); }
      var track = el("div", { class: "track", "aria-hidden": "true" }), bar, dot, line;
      for (var t = scale.low; t <= 0; t += 1) track.appendChild(el("i")).style.left = x(Math.pow(10, t));
      if (base && !base.why && base.errors[k]) { line = track.appendChild(el("u")); line.style.left = x(errorRate(base, k)); }
      if (r.high !== null) {
        bar = track.appendChild(el("b", { class: r.bound ? "bound" : "" }));
        bar.style.left = r.bound ? "0" : x(r.low);
        bar.style.width = "calc(" + x(r.high) + " - " + (r.bound ? "0%" : x(r.low)) + ")";
      }
      if (!r.bound) { dot = track.appendChild(el("em", { class: r.low === null ? "bare" : "" })); dot.style.left = x(r.rate); }
      cell.replaceChildren(track);
    }

    if (data.readings[0].groupings.length > 1) {
      box.appendChild(choice("By", data.readings[0].groupings.map(function (g) { return g.name; }), function (i) { state.grouping = i; }));
    }
    if (data.readings.length > 1) {
      box.appendChild(choice("Comparisons:", ["all", "without probable repeats of one person"], function (i) { state.reading = i; }));
    }
    [label, el("div", { class: "rail" }, [range, strip, ticks]), typing, marks, told, ends, holder].forEach(function (x) { box.appendChild(x); });
    box.appendChild(el("p", { class: "note" }, ["A ratio is told from 30 effective errors on the side with the higher rate and 8 on the other; " +
      "with fewer there, what it is at least. Upper ends never fall as errors rise; a verdict only at the thresholds that were set beforehand, as whoever looks for the position with the largest ratio finds one."]));
    state.k = data.start;
    build();
    move(state.k);
    box.hidden = false;
  }
  Array.prototype.forEach.call(document.querySelectorAll("[data-slider]"), start);
})();
