(function () {
  "use strict";
  // Tables marked `sortable` get a button in each heading and, where they are long, a field that filters rows. All rows are there without this.
  function cell(row, i) {
    return row.cells[i] ? row.cells[i].textContent.trim() : "";
  }
  function number(text) {
    var m = text.replace(/,(?=\d{3})/g, "").match(/^[\[\u2264\s]*(\d+(\.\d+)?)/);
    return m ? parseFloat(m[1]) : null; // "1.31 %", "[0.90, 1.8]", "≤ 3.2 %"; null for "–" and "<30 people"
  }
  function compare(a, b, i, sign) {
    var x = cell(a, i), y = cell(b, i), p = number(x), q = number(y);
    if (i > 0 && (p !== null || q !== null)) {
      if (p === null || q === null) return (p === null) - (q === null); // rows without a number stay last
      return sign * (p - q);
    }
    return sign * x.localeCompare(y);
  }
  function sortable(table) {
    var body = table.tBodies[0], heads = table.tHead.rows[0].cells;
    Array.prototype.forEach.call(heads, function (th, i) {
      var button = document.createElement("button");
      button.type = "button";
      while (th.firstChild) button.appendChild(th.firstChild);
      th.appendChild(button);
      button.addEventListener("click", function () {
        var sign = th.getAttribute("aria-sort") === "descending" ? 1 : -1;
        if (i === 0 && !th.hasAttribute("aria-sort")) sign = 1;
        Array.prototype.forEach.call(heads, function (h) { h.removeAttribute("aria-sort"); });
        th.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        Array.prototype.slice.call(body.rows)
          .sort(function (a, b) { return compare(a, b, i, sign); })
          .forEach(function (row) { body.appendChild(row); });
      });
    });
    if (body.rows.length > 10) filter(table, body);
  }
  function filter(table, body) {
    var box = table.parentNode, line = document.createElement("p"), label = document.createElement("label");
    var input = document.createElement("input"), told = document.createElement("span");
    line.className = "filter";
    input.type = "search";
    told.setAttribute("role", "status");
    label.appendChild(document.createTextNode("Show rows with "));
    label.appendChild(input);
    line.appendChild(label);
    line.appendChild(told);
    box.parentNode.insertBefore(line, box);
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase().split(/\s+/), n = 0;
      Array.prototype.forEach.call(body.rows, function (row) {
        var text = " " + Array.prototype.map.call(row.cells, function (c) { return c.textContent; }).join(" ").toLowerCase();
        row.hidden = !words.every(function (w) { return text.indexOf(" " + w) >= 0; }); // so that "male" is not in "female"
        if (!row.hidden) n += 1;
      });
      told.textContent = input.value ? " " + n + " of " + body.rows.length + " rows" : "";
    });
  }
  Array.prototype.forEach.call(document.querySelectorAll("table.sortable"), sortable);
})();
